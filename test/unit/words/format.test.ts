import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calendarDay, endOfDay, startOfDay } from "../../../app/words/calendar.ts";
import { createFormat, knownLocale, knownTimeZone } from "../../../app/words/format.ts";

const now = new Date("2026-11-21T09:42:07Z");
const english = createFormat({ locale: "en", timeZone: "Europe/Berlin" });
const german = createFormat({ locale: "de", timeZone: "Europe/Berlin" });
const before = (ms: number) => new Date(now.getTime() - ms);
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("amounts", () => {
  it.each([
    ["1234.5000", "EUR", "€1,234.50"],
    ["1234.5000", "JPY", "¥1,235"],
    ["0.0000", "USD", "$0.00"],
    ["12.3450", "KWD", "KWD\u00a012.345"],
    ["90071992547409931.25", "USD", "$90,071,992,547,409,931.25"],
  ])("%s %s are written %s in English", (amount, currency, written) => {
    expect(english.money({ amount, currency })).toBe(written);
  });

  it("follow the language", () => {
    expect(german.money({ amount: "1234.50", currency: "EUR" })).toBe("1.234,50\u00a0€");
  });

  it("of a currency that nobody knows keep its code", () => {
    expect(english.money({ amount: "5.00", currency: "credits" })).toBe("5 credits");
  });
});

describe("moments", () => {
  it("are told in the shop's time zone, not in the reader's", () => {
    const tokyo = createFormat({ locale: "en", timeZone: "Asia/Tokyo" });
    expect(english.time(now)).toBe("10:42 AM");
    expect(tokyo.time(now)).toBe("6:42 PM");
    expect(german.time(now)).toBe("10:42");
  });

  it("name their day once it is not today, and their year once it is not this one", () => {
    expect(english.moment(before(2 * hour), now)).toBe("8:42 AM");
    expect(english.moment(before(day), now)).toBe("Nov 20, 10:42 AM");
    expect(english.moment(before(400 * day), now)).toBe("Oct 17, 2025, 11:42 AM");
    expect(english.day(before(400 * day), now)).toBe("Oct 17, 2025");
  });

  it("count as today by the shop's midnight", () => {
    const lastMinuteOfYesterday = new Date("2026-11-20T22:59:00Z");
    expect(english.moment(lastMinuteOfYesterday, now)).toBe("Nov 20, 11:59 PM");
  });
});

describe("ages", () => {
  it.each([
    [0, "now"],
    [12 * second, "12 seconds ago"],
    [minute, "1 minute ago"],
    [90 * minute, "1 hour ago"],
    [day, "yesterday"],
    [40 * day, "40 days ago"],
    [-2 * hour, "in 2 hours"],
  ])("of %i ms are told as %s", (ms, told) => {
    expect(english.age(before(ms), now)).toBe(told);
  });

  it("have singular and plural, and are never rounded up", () => {
    expect(english.duration(0)).toBe("0 seconds");
    expect(english.duration(1_999)).toBe("1 second");
    expect(english.duration(12 * second)).toBe("12 seconds");
    expect(german.duration(3 * minute)).toBe("3 Minuten");
  });
});

describe("settings that a runtime does not know", () => {
  it("fall back instead of failing the page", () => {
    expect(knownTimeZone("Mars/Olympus")).toBe("UTC");
    expect(knownTimeZone(null)).toBe("UTC");
    expect(knownLocale("not a locale")).toBe("en");
    expect(knownLocale("pt_BR")).toBe("pt-BR");
  });
});

describe("a calendar day", () => {
  it.each([
    ["2026-11-21", "Europe/Berlin", "2026-11-20T23:00:00.000Z"],
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z"],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z"],
    ["2026-11-21", "Pacific/Kiritimati", "2026-11-20T10:00:00.000Z"],
    ["2026-11-21", "America/St_Johns", "2026-11-21T03:30:00.000Z"],
    // Midnight does not exist there on that day: the clocks go from 23:59:59 to 01:00.
    ["2026-09-06", "America/Santiago", "2026-09-06T04:00:00.000Z"],
  ])("%s in %s begins at %s", (given, timeZone, start) => {
    expect(startOfDay(given, timeZone)?.toISOString()).toBe(start);
  });

  it.each(["", "2026-02-30", "2026-13-01", "21.11.2026", "2026-1-1"])("is not %j", (given) => {
    expect(startOfDay(given, "UTC")).toBeNull();
    expect(endOfDay(given, "UTC")).toBeNull();
  });

  it("ends where the next one begins, and holds its own noon", () => {
    const zones = [
      "UTC",
      "Europe/Berlin",
      "America/Santiago",
      "Australia/Lord_Howe",
      "Asia/Kolkata",
    ];
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2020-01-01"), max: new Date("2030-01-01"), noInvalidDate: true }),
        fc.constantFrom(...zones),
        (at, timeZone) => {
          const given = calendarDay(at, timeZone);
          const start = startOfDay(given, timeZone);
          const end = endOfDay(given, timeZone);
          expect(start!.getTime()).toBeLessThanOrEqual(at.getTime());
          expect(end!.getTime()).toBeGreaterThan(at.getTime());
          expect(calendarDay(start!, timeZone)).toBe(given);
          expect(startOfDay(calendarDay(end!, timeZone), timeZone)).toEqual(end);
        },
      ),
    );
  });
});
