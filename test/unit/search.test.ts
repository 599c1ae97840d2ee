import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldText, searchWords, wordPatterns } from "../../app/database/search.ts";

describe("searchWords", () => {
  test("finds letters with and without their marks alike", () => {
    expect(searchWords("  Müller  Ångström ")).toEqual(["muller", "angstrom"]);
    expect(foldText("CAFÉ")).toBe(foldText("cafe"));
  });

  test("keeps letters that are no marks, and every script", () => {
    expect(searchWords("東京 שלום 😀 ß")).toEqual(["東京", "שלום", "😀", "ß"]);
  });

  test("names each word once, and no more of them than make sense", () => {
    expect(searchWords("a a b")).toEqual(["a", "b"]);
    expect(searchWords("a b c d e f g h i j").length).toBe(8);
  });

  test("whatever is pasted, nothing comes out that Postgres refuses", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20_000 }), (text) => {
        const words = searchWords(text);
        expect(words.join(" ").length).toBeLessThan(2_000);
        for (const word of words) {
          expect(word).not.toBe("");
          expect(word).not.toMatch(/[\0\s]/u);
          expect(word.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  test("folding twice changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(foldText(foldText(text))).toBe(foldText(text));
      }),
    );
  });
});

describe("wordPatterns", () => {
  test("looks for longer words anywhere", () => {
    expect(wordPatterns("mug")).toEqual(["%mug%"]);
  });

  test("looks for one or two letters where a word begins", () => {
    expect(wordPatterns("an")).toEqual(["an%", "% an%", "%#an%"]);
    // One letter of two code units is still one.
    expect(wordPatterns("😀")).toHaveLength(3);
  });

  test("takes the signs of patterns for themselves", () => {
    expect(wordPatterns("50%_\\x")).toEqual(["%50\\%\\_\\\\x%"]);
  });
});
