import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amount, idOf, moment, sumOf, tagList } from "../../../app/shopify/fields.ts";
import { globalId, parseGlobalId } from "../../../app/shopify/ids.ts";

const cents = fc.integer({ min: -10_000_000, max: 10_000_000 });
const asAmount = (value: number) => (value / 100).toFixed(2);

describe("amounts", () => {
  test("are the same however many zeros they end in", () => {
    expect(
      ["10", "10.0", "10.00", "0.00", "-1.50", "100", "0.05"].map((one) => amount.parse(one)),
    ).toEqual(["10", "10", "10", "0", "-1.5", "100", "0.05"]);
  });

  test("add up exactly", () => {
    fc.assert(
      fc.property(fc.array(cents, { maxLength: 30 }), (all) => {
        const total = all.reduce((sum, one) => sum + one, 0);
        expect(sumOf(all.map(asAmount))).toBe(amount.parse(asAmount(total === 0 ? 0 : total)));
      }),
    );
  });

  test.each(["", "1,5", "abc", "1e3", "--1"])("are refused when they are none: %j", (text) => {
    expect(amount.safeParse(text).success).toBe(false);
  });
});

describe("global ids", () => {
  test("lead to their number and back, for every number that fits", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (id) => {
        expect(parseGlobalId(globalId("Order", id))).toEqual({ kind: "Order", id });
      }),
    );
  });

  test("of another kind, too large or without a number are refused", () => {
    const order = idOf("Order");
    expect(order.safeParse("gid://shopify/Product/1").success).toBe(false);
    expect(order.safeParse(`gid://shopify/Order/${2 ** 53}`).success).toBe(false);
    expect(order.safeParse("gid://shopify/Order/").success).toBe(false);
    expect(order.safeParse("1").success).toBe(false);
  });

  test("may carry what comes after a question mark", () => {
    expect(parseGlobalId("gid://shopify/InventoryLevel/5?inventory_item_id=6")).toEqual({
      kind: "InventoryLevel",
      id: 5,
    });
  });
});

test("moments are the same in whichever offset they were written", () => {
  expect(moment.parse("2026-11-21T11:00:00+01:00")).toBe("2026-11-21T10:00:00.000Z");
  expect(moment.parse("2026-11-21T10:00:00Z")).toBe("2026-11-21T10:00:00.000Z");
});

test("tags are the same as a list and as a text", () => {
  expect(tagList.parse("b, a,, b ")).toEqual(tagList.parse(["a", "b"]));
  expect(tagList.parse("")).toEqual([]);
});
