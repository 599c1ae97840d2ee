import type { TakeInput } from "../commands/take-order/input.ts";
import type { Address } from "../database/schema.ts";

/** An order as it is being typed in. */
export interface TakeEntries {
  readonly lines: readonly TakeLine[];
  readonly customerId: number | null;
  readonly name: string;
  readonly email: string;
  readonly ship: boolean;
  readonly address: AddressEntries;
  readonly discountKind: "none" | "percent" | "amount";
  readonly discountValue: string;
  readonly discountReason: string;
  readonly shippingTitle: string;
  readonly shippingPrice: string;
  readonly note: string;
  readonly payment: "paid" | "invoice";
}

export interface TakeLine {
  readonly variantId: number;
  readonly title: string;
  readonly variantTitle: string | null;
  readonly sku: string;
  readonly imageUrl: string | null;
  readonly price: string;
  readonly available: number | null;
  /** As typed. */
  readonly quantity: string;
}

export interface AddressEntries {
  readonly address1: string;
  readonly address2: string;
  readonly zip: string;
  readonly city: string;
  readonly province: string;
  readonly countryCode: string;
}

export const emptyEntries: TakeEntries = {
  lines: [],
  customerId: null,
  name: "",
  email: "",
  ship: false,
  address: { address1: "", address2: "", zip: "", city: "", province: "", countryCode: "" },
  discountKind: "none",
  discountValue: "",
  discountReason: "",
  shippingTitle: "",
  shippingPrice: "",
  note: "",
  payment: "paid",
};

/** Whether somebody has begun to type. */
export function isDirty(entries: TakeEntries): boolean {
  return JSON.stringify(entries) !== JSON.stringify(emptyEntries);
}

/** A number as people type it: with a comma, with spaces. What is none stays as it is, and is refused. */
export function readDecimal(text: string): string {
  const plain = text.replaceAll(/\s/gu, "").replace(",", ".");
  return plain.startsWith(".") ? `0${plain}` : plain;
}

function readQuantity(text: string): number {
  return /^\d+$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
}

/**
 * The input of an `order.take` command. It is checked where it is accepted.
 *
 * @param countryName - What people call a country.
 */
export function readTake(
  id: string,
  currency: string,
  entries: TakeEntries,
  countryName: (code: string) => string | undefined,
): TakeInput {
  const { lines, customerId, name, email, ship, address, shippingTitle, shippingPrice } = entries;
  const someone = customerId !== null || name.trim() !== "" || email.trim() !== "";
  const ships = shippingTitle.trim() !== "" || shippingPrice.trim() !== "";
  return {
    id,
    currency,
    lines: lines.map((line) => ({
      variantId: line.variantId,
      quantity: readQuantity(line.quantity),
      unitPrice: line.price,
      title: line.title,
      variantTitle: line.variantTitle,
      sku: line.sku,
    })),
    customer: someone
      ? { id: customerId, name: name.trim() || null, email: email.trim() || null }
      : null,
    shippingAddress: ship
      ? {
          name: name.trim() || null,
          company: null,
          address1: address.address1,
          address2: address.address2 || null,
          zip: address.zip || null,
          city: address.city,
          province: address.province || null,
          provinceCode: null,
          country: countryName(address.countryCode) ?? null,
          countryCode: address.countryCode,
          phone: null,
        }
      : null,
    discount:
      entries.discountKind === "none"
        ? null
        : {
            kind: entries.discountKind,
            value: readDecimal(entries.discountValue),
            reason: entries.discountReason.trim() || null,
          },
    shipping: ships
      ? { title: shippingTitle, price: shippingPrice.trim() ? readDecimal(shippingPrice) : "0" }
      : null,
    note: entries.note.trim() || null,
    payment: entries.payment,
  };
}

/** What is entered so far as far as it can be counted: unfinished entries count as nothing. */
export function countable(input: TakeInput): TakeInput {
  const isAmount = (text: string) => /^\d{1,12}(\.\d{1,4})?$/.test(text);
  return {
    ...input,
    lines: input.lines.filter(({ quantity }) => Number.isSafeInteger(quantity)),
    discount: input.discount && isAmount(input.discount.value) ? input.discount : null,
    shipping: input.shipping && isAmount(input.shipping.price) ? input.shipping : null,
  };
}

/** The address of somebody who has ordered before, to be looked over. */
export function entriesOf(address: Address): AddressEntries {
  return {
    address1: address.address1 ?? "",
    address2: address.address2 ?? "",
    zip: address.zip ?? "",
    city: address.city ?? "",
    province: address.province ?? "",
    countryCode: address.countryCode ?? "",
  };
}
