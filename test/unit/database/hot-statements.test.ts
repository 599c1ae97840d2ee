import { expect, test } from "vitest";
import { HotStatements } from "../../../app/database/hot-statements.ts";

const TEXT = "select $1";
const often = (hot: HotStatements, text: string, parameter: unknown) =>
  Array.from({ length: 10 }, () => hot.use(text, [parameter]));

test("a statement is worth preparing when it has come a few times, not before", () => {
  const uses = often(new HotStatements(), TEXT, "a");
  expect(uses[0]).toBeNull();
  expect(uses.at(-1)).toMatchObject({ text: TEXT });
});

test("one without parameters, or with one whose type its value does not tell, never is", () => {
  const hot = new HotStatements();
  for (let n = 0; n < 10; n++) expect(hot.use(TEXT, [])).toBeNull();
  expect(often(hot, TEXT, ["a list"]).at(-1)).toBeNull();
  expect(often(hot, TEXT, { an: "object" }).at(-1)).toBeNull();
});

test("the same text with parameters of other types is another statement, and its samples are of those types", () => {
  const hot = new HotStatements();
  const keys = ["a", true, new Date(), Buffer.from("a"), 1n].map((parameter) => {
    const known = often(hot, TEXT, parameter).at(-1);
    expect(typeof known?.samples[0]).toBe(typeof parameter);
    return known?.key;
  });
  expect(new Set(keys).size).toBe(keys.length);
  // What has no value is sent as text is.
  expect(hot.use(TEXT, [null])?.key).toBe(keys[0]);
});

test("what was retired is not taken up again", () => {
  const hot = new HotStatements();
  hot.retire(often(hot, TEXT, "a").at(-1)!);
  expect(often(hot, TEXT, "a").at(-1)).toBeNull();
  expect(hot.all).toEqual([]);
});

test("those that come all the time are not pushed out by many that do not", () => {
  const hot = new HotStatements();
  for (let n = 0; n < 5_000; n++) {
    hot.use(TEXT, ["a"]);
    often(hot, `select ${n}, $1`, "a");
  }
  expect(hot.use(TEXT, ["a"])).not.toBeNull();
  expect(hot.all.length).toBeLessThan(5_000);
});
