import { describe, expect, test } from "vitest";
import { orderFromPayload, orderPayload } from "../../../app/orders/mapping.server.ts";

const bare = {
  id: 1,
  name: "#1",
  created_at: "2026-11-20T10:00:00+01:00",
  updated_at: "2026-11-20T10:00:05+01:00",
  currency: "EUR",
  total_price: "30.00",
  tags: "",
  line_items: [],
};

const rowsOf = (payload: object) => orderFromPayload(orderPayload.parse({ ...bare, ...payload }));

describe("an order's payload", () => {
  test("needs little: what is missing is nothing", () => {
    expect(rowsOf({})).toMatchObject({
      order: {
        placedAt: "2026-11-20T09:00:00.000Z",
        paymentStatus: "pending",
        fulfillmentStatus: "unfulfilled",
        totalRefunded: "0",
        customerName: null,
        shippingAddress: null,
        units: 0,
        searchText: "#1",
      },
      lines: [],
      fulfillments: [],
      fulfillmentOrders: null,
    });
  });

  test("that lacks what an order cannot be without is refused", () => {
    for (const field of ["id", "name", "updated_at", "currency", "total_price", "line_items"]) {
      const rest = { ...bare, [field]: undefined };
      expect(orderPayload.safeParse(rest).success).toBe(false);
    }
  });

  test("gives refunds in the shop's currency, also where the customer paid in another", () => {
    const refunds = [
      {
        transactions: [
          { kind: "refund", status: "success", amount: "11.00", currency: "USD" },
          { kind: "refund", status: "failure", amount: "11.00", currency: "USD" },
          { kind: "void", status: "success", amount: "11.00", currency: "USD" },
        ],
      },
    ];
    const total_price_set = {
      shop_money: { amount: "30.00" },
      presentment_money: { amount: "33.00" },
    };
    expect(rowsOf({ refunds, total_price_set }).order.totalRefunded).toBe("10");
    const inEuros = JSON.parse(JSON.stringify(refunds).replaceAll("USD", "EUR")) as object;
    expect(rowsOf({ refunds: inEuros, total_price_set }).order.totalRefunded).toBe("11");
  });

  test("has one entry per tracking number, whichever of numbers and addresses are more", () => {
    const fulfillment = {
      id: 5,
      status: "success",
      created_at: bare.created_at,
      updated_at: bare.updated_at,
      tracking_company: "DHL",
    };
    const trackingOf = (more: object) =>
      rowsOf({ fulfillments: [{ ...fulfillment, ...more }] }).fulfillments[0]?.tracking;
    expect(trackingOf({ tracking_numbers: ["a", "b"], tracking_urls: ["https://x"] })).toEqual([
      { company: "DHL", number: "a", url: "https://x" },
      { company: "DHL", number: "b", url: null },
    ]);
    expect(trackingOf({})).toEqual([{ company: "DHL", number: null, url: null }]);
    expect(trackingOf({ tracking_company: null })).toEqual([]);
  });

  test("of ten thousand lines is searchable by its first ones, and no larger than it need be", () => {
    const line_items = Array.from({ length: 10_000 }, (_, n) => ({
      id: n + 1,
      title: "Mug",
      sku: `MUG-${n}`,
      quantity: 2,
      fulfillable_quantity: 1,
      price: "1.00",
    }));
    const { order, lines } = rowsOf({ line_items });
    expect(lines.length).toBe(10_000);
    expect([order.units, order.unitsToFulfil]).toEqual([20_000, 10_000]);
    expect(order.searchText.length).toBeLessThanOrEqual(8_000);
    expect(order.searchText).toContain("mug-17");
  });
});
