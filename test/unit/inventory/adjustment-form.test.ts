import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adjustInput, setInput } from "../../../app/commands/inputs-stock.ts";
import { readAdjustment } from "../../../app/inventory/adjustment-form.ts";
import { signedWholeNumber, wholeNumber } from "../../../app/whole-number.ts";

describe("a number that somebody types", () => {
  it.each([
    ["5", 5],
    [" +5 ", 5],
    ["-3", -3],
    ["−3", -3],
    ["–3", -3],
    ["-0", 0],
    ["007", 7],
  ])("%j is read as %i", (text, value) => {
    expect(signedWholeNumber(text)).toBe(value);
    expect(Object.is(signedWholeNumber(text), -0)).toBe(false);
  });

  it.each([
    "",
    "-",
    "+",
    "--3",
    "3-",
    "1.5",
    "1,5",
    "1 000",
    "1e3",
    "0x10",
    "five",
    "٣",
    "9".repeat(16),
  ])("%j is none", (text) => {
    expect(signedWholeNumber(text)).toBeNull();
    expect(wholeNumber(text)).toBeNull();
  });
});

describe("an adjustment", () => {
  it("is a difference to what is there, or a count that replaces it", () => {
    expect(readAdjustment({ field: "delta", text: "+5" }, 12)).toEqual({
      delta: 5,
      quantity: 17,
      problem: null,
    });
    expect(readAdjustment({ field: "quantity", text: "10" }, 12)).toEqual({
      delta: -2,
      quantity: 10,
      problem: null,
    });
  });

  it.each([
    ["delta", "two", "number"],
    ["delta", "0", "zero"],
    ["quantity", "12", "same"],
    ["quantity", "-1", "negative"],
    ["delta", "1000000001", "large"],
    ["delta", "1000000000", "large"],
  ] as const)("by %s %j is refused as %s", (field, text, problem) => {
    expect(readAdjustment({ field, text }, 12)).toEqual({ problem });
  });

  it("may take oversold stock further down, since that is a difference", () => {
    expect(readAdjustment({ field: "delta", text: "-3" }, -2)).toMatchObject({ quantity: -5 });
  });

  it("is never let through when the command would refuse it", () => {
    const what = { inventoryItemId: 1, locationId: 2, reason: "correction" as const };
    fc.assert(
      fc.property(
        fc.constantFrom("delta" as const, "quantity" as const),
        fc.oneof(fc.integer().map(String), fc.string({ maxLength: 12 })),
        fc.integer({ min: -1000, max: 100_000 }),
        (field, text, current) => {
          const read = readAdjustment({ field, text }, current);
          if (read.problem !== null) return;
          const asked =
            field === "delta"
              ? adjustInput.safeParse({ ...what, delta: read.delta })
              : setInput.safeParse({
                  ...what,
                  quantity: read.quantity,
                  changeFromQuantity: current,
                });
          expect(asked.success).toBe(true);
        },
      ),
    );
  });
});
