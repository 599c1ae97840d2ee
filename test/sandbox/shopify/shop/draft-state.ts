import { moneyOf, plus, zero } from "./money.ts";
import type { Money } from "./money.ts";
import type { DraftDiscount, DraftLine, DraftOrder } from "./model.ts";
import { countryOf } from "./customers.ts";
import type { ShopStore } from "./store.ts";

/** What a draft order amounts to. */
export interface DraftTotals {
  lines: readonly { line: DraftLine; original: Money; discount: Money; total: Money; tax: Money }[];
  lineItems: Money;
  lineDiscounts: Money;
  orderDiscount: Money;
  subtotal: Money;
  shipping: Money;
  tax: Money;
  total: Money;
  taxRate: number;
  taxTitle: string;
}

/** Minor units that a discount takes off an amount. */
export function discountOff(discount: DraftDiscount | null, amount: number): number {
  if (!discount) return 0;
  const off =
    discount.kind === "PERCENTAGE" ? Math.round((amount * discount.value) / 100) : discount.value;
  return Math.min(amount, off);
}

export function draftTotals(store: ShopStore, draft: DraftOrder): DraftTotals {
  const money = (minor: number) => moneyOf(minor, store.currency, draft.presentmentCurrency);
  const { profile } = store;
  const country = countryOf(draft.shippingAddress?.countryCode ?? profile.countryCode);
  const taxed = !draft.taxExempt && (profile.taxesIncluded || country.code === profile.countryCode);
  const taxRate = taxed ? country.taxRate : 0;
  const taxOf = (minor: number) =>
    Math.round(minor * (profile.taxesIncluded ? taxRate / (1 + taxRate) : taxRate));
  const rows = draft.lines.map((line) => {
    const original = line.unitPrice * line.quantity;
    const discount = discountOff(line.discount, original);
    return { line, original, discount, total: original - discount };
  });
  const beforeOrderDiscount = rows.reduce((sum, row) => sum + row.total, 0);
  const orderDiscount = discountOff(draft.discount, beforeOrderDiscount);
  const factor = beforeOrderDiscount
    ? (beforeOrderDiscount - orderDiscount) / beforeOrderDiscount
    : 1;
  const lines = rows.map(({ line, original, discount, total }) => ({
    line,
    original: money(original),
    discount: money(discount),
    total: money(total),
    tax: line.taxable ? money(taxOf(Math.round(total * factor))) : zero,
  }));
  const shipping = money(draft.shipping?.price ?? 0);
  const shippingTax = money(taxOf(draft.shipping?.price ?? 0));
  const subtotal = money(beforeOrderDiscount - orderDiscount);
  const tax = plus(...lines.map((line) => line.tax), shippingTax);
  return {
    lines,
    lineItems: plus(...lines.map((line) => line.original)),
    lineDiscounts: plus(...lines.map((line) => line.discount)),
    orderDiscount: money(orderDiscount),
    subtotal,
    shipping,
    tax,
    total: profile.taxesIncluded ? plus(subtotal, shipping) : plus(subtotal, shipping, tax),
    taxRate,
    taxTitle: country.taxTitle,
  };
}
