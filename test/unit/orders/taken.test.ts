import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldOf } from "../../../app/commands/problem-fields.ts";
import { takeInput } from "../../../app/commands/take-order/input.ts";
import { takenNumber } from "../../../app/orders/taken-number.ts";
import { takenTotals } from "../../../app/orders/taken-totals.ts";

const line = {
  variantId: 5,
  quantity: 2,
  unitPrice: "12.50",
  title: "Blue mug",
  variantTitle: null,
  sku: "MUG-B",
};
const order = {
  id: "7b0c9d1e-0000-4000-8000-0123456789ab",
  lines: [line],
  currency: "EUR",
  customer: null,
  shippingAddress: null,
  discount: null,
  shipping: null,
  note: null,
  payment: "paid",
};

test("an order's number follows from its id alone, and can be read out", () => {
  expect(takenNumber(order.id)).toBe(takenNumber(order.id));
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (a, b) => {
      expect(takenNumber(a)).toMatch(/^EK-[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{4}$/);
      // 35 of the 36 bits at the end of an id are in it.
      const tail = (id: string) => BigInt(`0x${id.slice(-9)}`) % 2n ** 35n;
      expect(takenNumber(a) === takenNumber(b)).toBe(tail(a) === tail(b));
    }),
  );
});

describe("what an order comes to", () => {
  const totals = (change: object) => takenTotals({ ...order, ...change });

  test("is its lines, less the discount, with shipping", () => {
    expect(
      totals({ discount: { kind: "amount", value: "5" }, shipping: { price: "4.95" } }),
    ).toEqual({ subtotal: "25", discount: "5", shipping: "4.95", total: "24.95" });
  });

  test("rounds a percentage to the currency's smallest coin, halves upwards", () => {
    const lines = [{ ...line, unitPrice: "0.35", quantity: 1 }];
    const discount = { kind: "percent", value: "10" };
    expect(totals({ lines, discount }).discount).toBe("0.04");
    const yen = [{ ...line, unitPrice: "15", quantity: 1 }];
    expect(totals({ lines: yen, discount, currency: "JPY" })).toMatchObject({
      discount: "2",
      total: "13",
    });
  });

  test("never falls below the price of the shipping", () => {
    const amounts = fc.integer({ min: 0, max: 10 ** 9 }).map((cents) => (cents / 100).toFixed(2));
    fc.assert(
      fc.property(amounts, amounts, fc.constantFrom("percent", "amount"), (price, off, kind) => {
        const value = kind === "percent" ? String(Number(off) % 100) : off;
        const { subtotal, discount, total } = totals({
          lines: [{ ...line, unitPrice: price, quantity: 3 }],
          discount: { kind, value: Number(value).toFixed(2) },
        });
        expect(Number(discount)).toBeLessThanOrEqual(Number(subtotal));
        expect(Number(total)).toBeGreaterThanOrEqual(0);
        expect(Number(total)).toBeCloseTo(Number(subtotal) - Number(discount), 2);
      }),
    );
  });
});

describe("what is wrong with an order", () => {
  const problems = (change: object) => {
    const input = { ...order, ...change };
    const read = takeInput.safeParse(input);
    return read.success ? [] : read.error.issues.map(({ path }) => fieldOf(path, input));
  };
  const customer = { id: null, name: "Ada", email: "ada@example.com" };

  test.for<[string, object, string]>([
    ["no line", { lines: [] }, "lines"],
    ["the same product twice", { lines: [line, line] }, "lines"],
    ["nothing of a product", { lines: [{ ...line, quantity: 0 }] }, "quantity.5"],
    ["half a product", { lines: [{ ...line, quantity: 1.5 }] }, "quantity.5"],
    ["no price", { lines: [{ ...line, unitPrice: "" }] }, "quantity.5"],
    ["an e-mail address that is none", { customer: { ...customer, email: "ada" } }, "email"],
    ["an invoice to nobody", { payment: "invoice" }, "email"],
    [
      "an invoice without address",
      { payment: "invoice", customer: { ...customer, email: "" } },
      "email",
    ],
    ["a discount of nothing", { discount: { kind: "amount", value: "0", reason: null } }, "value"],
    [
      "a discount of too much",
      { discount: { kind: "percent", value: "101", reason: null } },
      "value",
    ],
    ["a discount in words", { discount: { kind: "amount", value: "five", reason: null } }, "value"],
    ["shipping without a name", { shipping: { title: " ", price: "1" } }, "title"],
    ["an over-long note", { note: "x".repeat(5_001) }, "note"],
    ["no way to be paid", { payment: "later" }, "payment"],
  ])("%s is said beside its field", ([, change, field]) => {
    expect(problems(change)).toContain(field);
  });

  test("an order with everything is right", () => {
    expect(
      problems({
        customer,
        payment: "invoice",
        discount: { kind: "percent", value: "12.5", reason: "Friend" },
        shipping: { title: "Courier", price: "4.95" },
        note: "Ring twice.",
        shippingAddress: {
          name: null,
          company: null,
          address1: "Hauptstr. 1",
          address2: null,
          zip: "10115",
          city: "Berlin",
          province: null,
          provinceCode: null,
          country: "Germany",
          countryCode: "DE",
          phone: null,
        },
      }),
    ).toEqual([]);
  });
});
