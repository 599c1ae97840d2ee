import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fulfilInput } from "../../../app/commands/inputs-order.ts";
import { fieldOf } from "../../../app/commands/problem-fields.ts";
import { readFulfilment, type FulfilmentEntries } from "../../../app/orders/fulfilment-form.ts";
import { aFulfillmentOrder } from "./fixtures.ts";

const part = aFulfillmentOrder({
  lines: [
    { id: 11, lineId: 1, total: 3, remaining: 3 },
    { id: 12, lineId: 2, total: 2, remaining: 1 },
    { id: 13, lineId: 3, total: 1, remaining: 0 },
  ],
});

const entries = (some: Partial<FulfilmentEntries> = {}): FulfilmentEntries => ({
  quantities: {},
  company: "",
  number: "",
  url: "",
  notifyCustomer: true,
  ...some,
});
const read = (some: Partial<FulfilmentEntries>) => readFulfilment(1, part, entries(some));
const problemsOf = (some: Partial<FulfilmentEntries>) =>
  read(some).problems?.map(({ field, problem }) => [field, problem]);

describe("the form that fulfils", () => {
  it("sends everything that is left unless told otherwise", () => {
    expect(read({}).input).toEqual({
      orderId: 1,
      fulfillmentOrders: [
        {
          id: part.id,
          lines: [
            { id: 11, quantity: 3 },
            { id: 12, quantity: 1 },
          ],
        },
      ],
      tracking: null,
      notifyCustomer: true,
    });
  });

  it("leaves out what is set to nothing", () => {
    const { input } = read({ quantities: { 11: "0", 12: " 1 " } });
    expect(input?.fulfillmentOrders[0]?.lines).toEqual([{ id: 12, quantity: 1 }]);
  });

  it.each(["4", "-1", "1.5", "two", "", "1e1", "99999999999999999999"])(
    "refuses %j as a quantity of three, at that quantity",
    (text) => {
      expect(problemsOf({ quantities: { 11: text } })).toEqual([["quantity.11", "quantity"]]);
    },
  );

  it("refuses to send nothing", () => {
    expect(problemsOf({ quantities: { 11: "0", 12: "0" } })).toEqual([["quantities", "none"]]);
  });

  it("wants a number with a carrier or an address", () => {
    expect(problemsOf({ company: "UPS" })).toEqual([["number", "numberMissing"]]);
    expect(problemsOf({ url: "https://example.com" })).toEqual([["number", "numberMissing"]]);
    expect(read({ number: " 1Z9 ", company: " UPS " }).input?.tracking).toEqual({
      company: "UPS",
      number: "1Z9",
      url: null,
    });
  });

  it.each(["example.com", "javascript:alert(1)", "ftp://example.com"])(
    "refuses %j as a tracking address",
    (url) => {
      expect(problemsOf({ number: "1", url })).toEqual([["url", "url"]]);
    },
  );

  it("never lets through what the command would refuse", () => {
    const text = fc.oneof(fc.string({ maxLength: 300 }), fc.constantFrom("0", "1", "3", "DHL"));
    fc.assert(
      fc.property(
        fc.record({
          quantities: fc.dictionary(fc.constantFrom("11", "12"), text),
          company: text,
          number: text,
          url: fc.oneof(text, fc.webUrl()),
          notifyCustomer: fc.boolean(),
        }),
        (entered) => {
          const { input } = readFulfilment(1, part, entered);
          if (input) expect(fulfilInput.safeParse(input).success).toBe(true);
        },
      ),
    );
  });

  it("shows what the command refuses beside the entry that it came from", () => {
    const input = {
      orderId: 1,
      fulfillmentOrders: [{ id: 100, lines: [{ id: 12, quantity: 0 }] }],
      tracking: { company: null, number: "", url: null },
      notifyCustomer: false,
    };
    const issues = fulfilInput.safeParse(input).error?.issues ?? [];
    expect(issues.map(({ path }) => fieldOf(path, input))).toEqual(["quantity.12", "number"]);
  });
});
