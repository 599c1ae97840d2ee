/** Amounts are whole minor units (cents), so that sums are exact; written out only at the edge. */

/** One amount in the shop's currency and in the one that the customer saw. */
export interface Money {
  shop: number;
  presentment: number;
}

export const zero: Money = { shop: 0, presentment: 0 };

const fractionDigits: Readonly<Record<string, number>> = { JPY: 0, KRW: 0, ISK: 0, HUF: 2 };

export function digitsOf(currency: string): number {
  return fractionDigits[currency] ?? 2;
}

/** How many units of each currency one euro buys: fixed, so that the data stay the same. */
const perEuro: Readonly<Record<string, number>> = {
  EUR: 1,
  USD: 1.0873,
  GBP: 0.8421,
  CHF: 0.9378,
  SEK: 11.412,
  DKK: 7.4591,
  JPY: 164.23,
  CAD: 1.4927,
};

/** Units of `presentment` for one unit of `shop`. */
export function exchangeRate(shop: string, presentment: string): number {
  return (perEuro[presentment] ?? 1) / (perEuro[shop] ?? 1);
}

export function isKnownCurrency(currency: string): boolean {
  return currency in perEuro;
}

/** Converts minor units of the shop's currency, rounding to the other currency's own minor unit. */
export function convert(minor: number, shop: string, presentment: string): number {
  if (shop === presentment) return minor;
  const units = minor / 10 ** digitsOf(shop);
  return Math.round(units * exchangeRate(shop, presentment) * 10 ** digitsOf(presentment));
}

export function moneyOf(minor: number, shop: string, presentment: string): Money {
  return { shop: minor, presentment: convert(minor, shop, presentment) };
}

export function plus(...amounts: readonly Money[]): Money {
  let shop = 0;
  let presentment = 0;
  for (const amount of amounts) {
    shop += amount.shop;
    presentment += amount.presentment;
  }
  return { shop, presentment };
}

export function minus(a: Money, b: Money): Money {
  return { shop: a.shop - b.shop, presentment: a.presentment - b.presentment };
}

export function times(a: Money, factor: number): Money {
  return { shop: a.shop * factor, presentment: a.presentment * factor };
}

/** A share of an amount, rounded to whole minor units on both sides. */
export function share(a: Money, part: number, whole: number): Money {
  if (whole === 0) return zero;
  return {
    shop: Math.round((a.shop * part) / whole),
    presentment: Math.round((a.presentment * part) / whole),
  };
}

export function atLeastZero(a: Money): Money {
  return { shop: Math.max(0, a.shop), presentment: Math.max(0, a.presentment) };
}

/** The `Money` scalar and every amount in a webhook payload: `10.00`. */
export function fixedAmount(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  return (minor / 10 ** digits).toFixed(digits);
}

/** The `Decimal` scalar drops trailing zeros but keeps one: `10.0`, `10.5`, `10.55`. */
export function decimalAmount(minor: number, currency: string): string {
  const text = (minor / 10 ** digitsOf(currency)).toString();
  return text.includes(".") ? text : `${text}.0`;
}

/** Minor units of a decimal text or number; `undefined` when it is no amount. */
export function parseAmount(value: unknown, currency: string): number | undefined {
  const number = typeof value === "number" ? value : Number(String(value).trim() || "x");
  if (!Number.isFinite(number)) return undefined;
  return Math.round(number * 10 ** digitsOf(currency));
}
