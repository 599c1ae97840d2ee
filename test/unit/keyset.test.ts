import { sql } from "drizzle-orm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { planPage, type Keyset } from "../../app/database/keyset.ts";

const keyset: Keyset = {
  name: "placed",
  keys: [
    { expression: sql`o.placed_at`, type: "timestamptz" },
    { expression: sql`o.id`, type: "bigint" },
  ],
  descending: true,
};
const row = { keys: JSON.stringify(["2026-11-01 10:00:00+00", "7"]) };
const cursorOf = (of: Keyset) =>
  planPage(of, { after: null, before: null, pageSize: 1 }).finish([row, row]).nextCursor ?? "";
const isFirstPage = (after: string | null, of = keyset) =>
  planPage(of, { after, before: null, pageSize: 10 }).where === undefined;

test("a page begins where its own cursor says", () => {
  expect(isFirstPage(cursorOf(keyset))).toBe(false);
});

test("a cursor of another order, or of the other direction, is not taken for one of this", () => {
  expect(isFirstPage(cursorOf({ ...keyset, name: "total" }))).toBe(true);
  expect(isFirstPage(cursorOf({ ...keyset, descending: false }))).toBe(true);
});

test("whatever an address has for a cursor gives a page, and never anything that a type cannot read", () => {
  const forged = (...keys: unknown[]) =>
    Buffer.from(JSON.stringify(["placed", 1, ...keys])).toString("base64url");
  for (const cursor of [
    "",
    "%%%",
    "null",
    forged(),
    forged("2026-11-01 10:00:00+00"),
    forged("yesterday", "7"),
    forged("2026-11-01 10:00:00+00", "7; drop table orders"),
    forged("2026-11-01 10:00:00+00", 7),
    forged("infinity", "7"),
    forged("2026-11-01 10:00:00+00", "9".repeat(30)),
  ]) {
    expect(isFirstPage(cursor), cursor).toBe(true);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (cursor) => {
      expect(isFirstPage(cursor)).toBe(true);
    }),
  );
});

test("a page holds at least one row and never thousands, whatever size is asked for", () => {
  for (const pageSize of [-5, 0, 0.5, 1, 50, 1e9, Number.MAX_VALUE]) {
    const { limit } = planPage(keyset, { after: null, before: null, pageSize });
    expect(limit).toBeGreaterThanOrEqual(2);
    expect(limit).toBeLessThanOrEqual(251);
  }
});
