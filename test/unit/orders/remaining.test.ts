import { describe, expect, it } from "vitest";
import {
  canFulfil,
  openFulfillmentOrders,
  removedUnits,
  unassignedUnits,
  unitsToPack,
} from "../../../app/orders/remaining.ts";
import { aChange, aFulfillment, aFulfillmentOrder, anOrder, anOrderLine } from "./fixtures.ts";

describe("what is left of an order", () => {
  it("stands at its locations, what can be sent now first", () => {
    const order = anOrder({
      fulfillmentOrders: [
        aFulfillmentOrder({ id: 1, status: "on_hold" }),
        aFulfillmentOrder({ id: 2, status: "closed" }),
        aFulfillmentOrder({ id: 3, lines: [{ id: 9, lineId: 1, total: 2, remaining: 0 }] }),
        aFulfillmentOrder({ id: 4, status: "in_progress" }),
      ],
    });
    expect(openFulfillmentOrders(order).map(({ id }) => id)).toEqual([4, 1]);
  });

  it("is never hidden: units that no location has are listed on their own", () => {
    const line = anOrderLine({ quantity: 5 });
    const order = anOrder({
      lines: [line],
      fulfillmentOrders: [
        aFulfillmentOrder({ lines: [{ id: 9, lineId: line.id, total: 3, remaining: 1 }] }),
      ],
      fulfillments: [
        aFulfillment({ lines: [{ lineId: line.id, quantity: 2 }] }),
        aFulfillment({ id: 2, status: "cancelled", lines: [{ lineId: line.id, quantity: 2 }] }),
      ],
    });
    expect(unassignedUnits(order)).toEqual([{ line, units: 2 }]);
  });

  it("does not count what was removed or refunded", () => {
    const line = anOrderLine({ quantity: 3, currentQuantity: 2 });
    const order = anOrder({ lines: [line] });
    expect(removedUnits(order)).toEqual([{ line, units: 1 }]);
    expect(unassignedUnits(order)).toEqual([]);
  });
});

describe("an order can be fulfilled", () => {
  it("while a location has units to send", () => {
    expect(canFulfil(anOrder())).toBe(true);
  });

  it.each([
    ["once it is cancelled", anOrder({ cancelledAt: new Date() })],
    [
      "while it is on hold",
      anOrder({ fulfillmentOrders: [aFulfillmentOrder({ status: "on_hold" })] }),
    ],
    ["while another fulfillment of it is on its way", anOrder({ pending: aChange() })],
    ["once nothing is left", anOrder({ fulfillmentOrders: [] })],
  ])("but not %s", (_when, order) => {
    expect(canFulfil(order)).toBe(false);
  });

  it("again after Shopify has refused a fulfillment of it", () => {
    const refused = aChange({ state: "failed", ring: "needs-you" });
    expect(canFulfil(anOrder({ pending: refused }))).toBe(true);
  });

  it("while a change of something else is on its way", () => {
    expect(canFulfil(anOrder({ pending: aChange({ kind: "inventory.adjust" }) }))).toBe(true);
  });
});

describe("a packing slip", () => {
  it("lists what is still to be sent", () => {
    const sent = anOrderLine({ id: 1, unfulfilledQuantity: 0 });
    const open = anOrderLine({ id: 2, quantity: 3, unfulfilledQuantity: 1 });
    expect(unitsToPack(anOrder({ lines: [sent, open] }))).toEqual([{ line: open, units: 1 }]);
  });

  it("lists the whole order once all of it was sent, without what was removed", () => {
    const sent = anOrderLine({ id: 1, unfulfilledQuantity: 0 });
    const removed = anOrderLine({ id: 2, currentQuantity: 0, unfulfilledQuantity: 0 });
    expect(unitsToPack(anOrder({ lines: [sent, removed] }))).toEqual([{ line: sent, units: 2 }]);
  });
});
