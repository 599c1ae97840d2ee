import { describe, expect, it } from "vitest";
import { languageOf, wordsFor, writtenLocale } from "../../../app/words/words.ts";

/** Every sentence with where it stands; functions are asked for none, one and many. */
function sentences(words: object, path: string[] = []): [string, string][] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const here = [...path, key];
    if (typeof value === "string") return [[here.join("."), value]];
    if (typeof value === "function") {
      return [0, 1, 2, 1234].flatMap((n) => {
        // A few take another count's words as their last: something that is both.
        const last = Object.assign((m: number) => `${m} items`, { valueOf: () => n });
        const said = (value as (...given: unknown[]) => unknown)(n, n, last);
        return typeof said === "string" ? [[here.join("."), said] as [string, string]] : [];
      });
    }
    return value && typeof value === "object" ? sentences(value, here) : [];
  });
}

const all = sentences(wordsFor("en"));

describe("the wording", () => {
  it("has no blame, no alarm and no code", () => {
    const never = /oops|something went wrong|\berror\b|undefined|null|NaN|\[object|exception|!/i;
    expect(all.filter(([, said]) => never.test(said))).toEqual([]);
  });

  it("keeps the words of engineers away from merchants", () => {
    const jargon = /\b(replica|queue|retry|retries|failover|webhook|database cluster|latency)\b/i;
    expect(all.filter(([, said]) => jargon.test(said))).toEqual([]);
  });

  it("counts nought, one and many", () => {
    const { count } = wordsFor("en");
    expect([0, 1, 2, 1234].map(count.orders)).toEqual([
      "0 orders",
      "1 order",
      "2 orders",
      "1,234 orders",
    ]);
    expect(count.tries(1)).toBe("1 try");
    expect(count.tries(3)).toBe("3 tries");
  });

  it("writes numbers as the merchant's country does", () => {
    expect(wordsFor("en-IN").count.orders(123_456)).toBe("1,23,456 orders");
  });

  it("never stands beside dates and numbers of another language", () => {
    expect(writtenLocale("en-GB")).toBe("en-GB");
    expect(writtenLocale("de")).toBe("en-DE");
    expect(writtenLocale("pt-BR")).toBe("en-BR");
    expect(writtenLocale("ar")).toBe("en-EG");
  });

  it("is there for a language that nobody has written yet", () => {
    expect(languageOf("en-GB")).toBe("en");
    expect(languageOf("xx-YY")).toBe("en");
    expect(languageOf("constructor")).toBe("en");
  });
});
