import { describe, expect, test } from "vitest";
import { fieldOf } from "../../../app/commands/problem-fields.ts";
import { ringOf } from "../../../app/commands/rings.ts";
import { idempotencyKey } from "../../../app/commands/send-stock.server.ts";
import { hindrance, refusal } from "../../../app/commands/words.ts";
import { ShopifyError, type ShopifyErrorKind } from "../../../app/shopify/errors.ts";

describe("the ring of a change", () => {
  test.for([
    ["accepted", "shopify"],
    ["sending", "shopify"],
    ["unknown", "shopify"],
    ["held", "server"],
    ["failed", "needs-you"],
    ["done", "done"],
    ["discarded", "done"],
  ] as const)("that is %s is %s", ([state, ring]) => {
    expect(ringOf(state)).toBe(ring);
  });
});

describe("a problem's entry", () => {
  const input = {
    fulfillmentOrders: [{ id: 5, lines: [{ id: 77, quantity: "x" }, { quantity: 1 }] }],
  };

  test("goes by the line's id, not by its place", () => {
    expect(fieldOf(["fulfillmentOrders", 0, "lines", 0, "quantity"], input)).toBe("quantity.77");
    expect(fieldOf(["fulfillmentOrders", 0, "lines", 1, "quantity"], input)).toBe("quantities");
    expect(fieldOf(["fulfillmentOrders", 9, "lines", 9, "quantity"], input)).toBe("quantities");
    expect(fieldOf(["fulfillmentOrders", 0, "lines"], input)).toBe("quantities");
  });

  test("is the last part of anything else, and nothing for the whole", () => {
    expect(fieldOf(["tracking", "number"], input)).toBe("number");
    expect(fieldOf(["delta"], input)).toBe("delta");
    expect(fieldOf([], input)).toBeNull();
  });
});

test("a key stays the same over every attempt, until Shopify has refused it for good", () => {
  const id = "7b0c9d1e-0000-4000-8000-000000000000";
  expect(idempotencyKey(id, 0)).toBe(id);
  expect(idempotencyKey(id, 1)).not.toBe(id);
  expect(new Set([0, 1, 2].map((spent) => idempotencyKey(id, spent))).size).toBe(3);
});

describe("the words", () => {
  const kinds: ShopifyErrorKind[] = [
    "unavailable",
    "throttled",
    "unauthorized",
    "forbidden",
    "frozen",
    "locked",
    "rejected",
    "invalid",
  ];
  const never = /\b(queue|retry|failover|replica|HTTP|GraphQL|userError|50\d|oops)\b|!/i;

  test.for(kinds)("for Shopify being %s are ones that a merchant understands", (kind) => {
    for (const uncertain of [false, true]) {
      const { message } = hindrance(new ShopifyError(kind, "502 Bad Gateway"), uncertain);
      expect(message).toMatch(/^[A-Z].*\.$/);
      expect(message).not.toMatch(never);
    }
  });

  test("for a refusal name the entry, and pass on what Shopify says where we have no words", () => {
    expect(
      refusal({
        code: "CHANGE_FROM_QUANTITY_STALE",
        field: ["input", "quantities", "0", "changeFromQuantity"],
        message: "x",
      }),
    ).toMatchObject({
      code: "refused:CHANGE_FROM_QUANTITY_STALE",
      field: "changeFromQuantity",
      message: expect.stringMatching(/stock changed in Shopify/) as string,
    });
    expect(refusal({ field: null, message: "Nope." })).toEqual({
      code: "refused:REFUSED",
      message: "Shopify refused this change: Nope.",
    });
  });
});
