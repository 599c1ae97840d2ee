import type { TakeInput } from "../commands/take-order/input.ts";

/** What an order comes to before Shopify has added tax: decimals in the shop's currency. */
export interface TakenTotals {
  readonly subtotal: string;
  readonly discount: string;
  readonly shipping: string;
  /** Without tax where prices do not hold it. */
  readonly total: string;
}

/** Amounts are counted exactly, in ten-thousandths, as fine as the tables keep them. */
const UNIT_DIGITS = 4;

/** Adds up an order as it was taken. A discount never takes off more than there is. */
export function takenTotals({
  lines,
  discount,
  shipping,
  currency,
}: {
  readonly lines: readonly Pick<TakeInput["lines"][number], "unitPrice" | "quantity">[];
  readonly discount: Pick<NonNullable<TakeInput["discount"]>, "kind" | "value"> | null;
  readonly shipping: Pick<NonNullable<TakeInput["shipping"]>, "price"> | null;
  readonly currency: string;
}): TakenTotals {
  const subtotal = lines.reduce(
    (sum, { unitPrice, quantity }) => sum + units(unitPrice) * BigInt(quantity),
    0n,
  );
  const off = discount ? least(subtotal, discountOf(discount, subtotal, currency)) : 0n;
  const sent = shipping ? units(shipping.price) : 0n;
  return {
    subtotal: decimal(subtotal),
    discount: decimal(off),
    shipping: decimal(sent),
    total: decimal(subtotal - off + sent),
  };
}

function discountOf(
  { kind, value }: { readonly kind: "percent" | "amount"; readonly value: string },
  subtotal: bigint,
  currency: string,
): bigint {
  if (kind === "amount") return units(value);
  const digits =
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
      .maximumFractionDigits ?? 2;
  // Whole coins, halves upwards.
  const coin = 10n ** BigInt(Math.max(0, UNIT_DIGITS - digits));
  const exact = subtotal * units(value);
  const whole = 100n * 10n ** BigInt(UNIT_DIGITS) * coin;
  return ((exact + whole / 2n) / whole) * coin;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function units(decimalText: string): bigint {
  const [whole = "0", fraction = ""] = decimalText.split(".");
  return BigInt(whole + fraction.padEnd(UNIT_DIGITS, "0").slice(0, UNIT_DIGITS));
}

function decimal(amount: bigint): string {
  const text = amount.toString().padStart(UNIT_DIGITS + 1, "0");
  const [whole, fraction] = [text.slice(0, -UNIT_DIGITS), text.slice(-UNIT_DIGITS)];
  const short = fraction.replace(/0+$/, "");
  return short ? `${whole}.${short}` : whole;
}
