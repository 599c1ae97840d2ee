import type { Money } from "../orders/types.ts";

export interface FormatOptions {
  /** BCP 47, as the merchant's admin has it. */
  readonly locale: string;
  /** IANA name of the shop's time zone. */
  readonly timeZone: string;
}

/** A time of day that is not on the same day as now needs its date too. */
const DAY_MS = 24 * 60 * 60 * 1000;

const relativeSteps = [
  { unit: "day", ms: DAY_MS },
  { unit: "hour", ms: 60 * 60 * 1000 },
  { unit: "minute", ms: 60 * 1000 },
  { unit: "second", ms: 1000 },
] as const;

/**
 * Everything that is written differently by language, by country or by where the shop stands: numbers,
 * amounts, moments and ages. The same instance gives the same text on the server and in the browser.
 */
export interface Format {
  readonly locale: string;
  readonly timeZone: string;
  number(value: number): string;
  /** With a sign also where it is positive: "+3". */
  signed(value: number): string;
  /** An amount in its own currency; digits as the currency has them. */
  money(money: Money): string;
  /** "10:42 AM" */
  time(at: Date): string;
  /** "Nov 21" in the same year as `now`, "Nov 21, 2025" otherwise. */
  day(at: Date, now: Date): string;
  /** "November 21, 2026" */
  longDay(at: Date): string;
  /** "10:42 AM" today, "Nov 20, 10:42 AM" before, with the year where it is another one. */
  moment(at: Date, now: Date): string;
  /** "November 21, 2026 at 10:42 AM" */
  longMoment(at: Date): string;
  /** "November 21, 2026 at 10:42:07 AM": for tooltips. */
  exact(at: Date): string;
  /** "Sat, Nov 21" */
  weekday(at: Date): string;
  /** "3 minutes ago", "in 2 hours" */
  age(at: Date, now: Date): string;
  /** "12 seconds", in the largest unit that fits, rounded down. */
  duration(ms: number): string;
  /** "Berlin, Hamburg, and Munich" */
  list(items: readonly string[]): string;
  percent(share: number): string;
  /** "Germany" for DE; undefined for what is no country's code. */
  readonly country: (code: string) => string | undefined;
}

/**
 * Browsers and Node ship different releases of the Unicode data, which differ in the narrow spaces that they
 * put into times and amounts; the page would then not match what the server sent.
 */
function plainSpaces(text: string, space = "\u00a0"): string {
  return text.replaceAll(/[\u202f\u2009]/g, space);
}

/** The locale or time zone if the runtime knows it, or the fallback: settings may hold anything. */
function known<T>(make: (name: string) => T, name: string, fallback: string): T {
  try {
    return make(name);
  } catch {
    return make(fallback);
  }
}

export function knownLocale(locale: string | null | undefined): string {
  if (!locale) return "en";
  return known((name) => new Intl.Locale(name).toString(), locale.replaceAll("_", "-"), "en");
}

export function knownTimeZone(timeZone: string | null | undefined): string {
  if (!timeZone) return "UTC";
  return known(
    (name) => new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone,
    timeZone,
    "UTC",
  );
}

/** Makes the formatters of one locale and time zone; each is built once, at its first use. */
export function createFormat(options: FormatOptions): Format {
  const locale = knownLocale(options.locale);
  const timeZone = knownTimeZone(options.timeZone);
  const built = new Map<string, Intl.DateTimeFormat>();
  const currencies = new Map<string, Intl.NumberFormat | null>();

  const date = (key: string, parts: Intl.DateTimeFormatOptions) => (at: Date) => {
    let formatter = built.get(key);
    if (!formatter) {
      formatter = new Intl.DateTimeFormat(locale, { ...parts, timeZone });
      built.set(key, formatter);
    }
    return plainSpaces(formatter.format(at), " ");
  };

  const number = new Intl.NumberFormat(locale);
  const signed = new Intl.NumberFormat(locale, { signDisplay: "exceptZero" });
  const percent = new Intl.NumberFormat(locale, { style: "percent" });
  const conjunction = new Intl.ListFormat(locale, { type: "conjunction" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

  const currencyFormat = (currency: string) => {
    if (!currencies.has(currency)) {
      let formatter: Intl.NumberFormat | null = null;
      try {
        formatter = new Intl.NumberFormat(locale, {
          style: "currency",
          currency,
          currencyDisplay: "narrowSymbol",
        });
      } catch {
        // Not an ISO 4217 code: the amount is written with the code as it came.
      }
      currencies.set(currency, formatter);
    }
    return currencies.get(currency) ?? null;
  };

  const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
  const sameDay = (a: Date, b: Date) => isoDay.format(a) === isoDay.format(b);
  const sameYear = (a: Date, b: Date) =>
    isoDay.format(a).slice(0, 4) === isoDay.format(b).slice(0, 4);

  const time = date("time", { timeStyle: "short" });
  const shortDay = date("shortDay", { month: "short", day: "numeric" });
  const dayAndYear = date("dayAndYear", { month: "short", day: "numeric", year: "numeric" });
  const dayAndTime = date("dayAndTime", {
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  });
  const everything = date("everything", {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  });

  const regions = new Intl.DisplayNames([locale], { type: "region", fallback: "none" });

  return {
    locale,
    timeZone,
    number: (value) => plainSpaces(number.format(value)),
    signed: (value) => plainSpaces(signed.format(value)),
    percent: (share) => plainSpaces(percent.format(share)),
    money: ({ amount, currency }) => {
      // Intl takes decimal strings as they are: no cent is lost on a detour over a binary fraction.
      const decimal = amount as `${number}`;
      const formatter = currencyFormat(currency);
      return plainSpaces(
        formatter ? formatter.format(decimal) : `${number.format(decimal)} ${currency}`,
      );
    },
    time,
    day: (at, now) => (sameYear(at, now) ? shortDay(at) : dayAndYear(at)),
    longDay: date("longDay", { dateStyle: "long" }),
    moment: (at, now) =>
      sameDay(at, now) ? time(at) : sameYear(at, now) ? dayAndTime(at) : everything(at),
    longMoment: date("longMoment", { dateStyle: "long", timeStyle: "short" }),
    exact: date("exact", { dateStyle: "long", timeStyle: "medium" }),
    weekday: date("weekday", { weekday: "short", month: "short", day: "numeric" }),
    age: (at, now) => {
      const passedMs = at.getTime() - now.getTime();
      const step = relativeSteps.find(({ ms }) => Math.abs(passedMs) >= ms);
      return plainSpaces(
        step
          ? relative.format(Math.trunc(passedMs / step.ms), step.unit)
          : relative.format(0, "second"),
      );
    },
    duration: (ms) => {
      const step = relativeSteps.find((candidate) => ms >= candidate.ms) ?? relativeSteps[3];
      return plainSpaces(
        new Intl.NumberFormat(locale, {
          style: "unit",
          unit: step.unit,
          unitDisplay: "long",
        }).format(Math.max(0, Math.trunc(ms / step.ms))),
      );
    },
    list: (items) => conjunction.format(items),
    country: (code) => (/^[A-Z]{2}$/.test(code) ? regions.of(code) : undefined),
  };
}
