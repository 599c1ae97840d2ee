import { describe, expect, it } from "vitest";
import type { FulfillmentOrder, Order } from "../../../sandbox/shopify/shop/model.ts";
import { fulfillmentStatus } from "../../../sandbox/shopify/shop/order-state.ts";
import { expectStockToMatchClaims, ordersOf } from "./claims.ts";
import { bench } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface UserError {
  field: string[] | null;
  message: string;
  code?: string | null;
}

const gid = (fulfillmentOrder: FulfillmentOrder) =>
  `gid://shopify/FulfillmentOrder/${fulfillmentOrder.id}`;

/** An order that waits in one place, with the given number of units in its first line at least. */
function openOrder(shop: Bench, units = 1, holds: (order: Order) => boolean = () => true): Order {
  for (const order of ordersOf(shop.shop)) {
    const [first, ...more] = order.fulfillmentOrders;
    if (first?.status !== "OPEN" || more.length > 0 || order.refunds.length > 0) continue;
    if ((first.lines[0]?.remaining ?? 0) < units) continue;
    if (order.createdAt * 1_000 < shop.context.now().getTime() - 59 * 86_400_000) continue;
    if (holds(order)) return order;
  }
  throw new Error("no such order");
}

function only(order: Order): FulfillmentOrder {
  const [fulfillmentOrder] = order.fulfillmentOrders;
  if (!fulfillmentOrder) throw new Error("nothing to fulfil");
  return fulfillmentOrder;
}

const create = async (shop: Bench, fulfillment: object) =>
  (
    await shop.run<{
      fulfillmentCreate: {
        fulfillment: {
          id: string;
          status: string;
          trackingInfo: { company: string; number: string; url: string }[];
          totalQuantity: number;
        } | null;
        userErrors: UserError[];
      };
    }>(
      "mutation($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status totalQuantity trackingInfo { company number url } } userErrors { field message } } }",
      { fulfillment },
    )
  ).fulfillmentCreate;

const stockOf = (shop: Bench, order: Order) =>
  order.lines.map((line) => {
    const item = shop.shop.variants.get(line.variantId ?? 0)?.item;
    const level = item && shop.shop.level(item, only(order).locationId);
    return {
      available: level?.quantities.available ?? 0,
      committed: level?.quantities.committed ?? 0,
    };
  });

const states = (order: Order) =>
  order.fulfillmentOrders.map((fulfillmentOrder) => fulfillmentOrder.status);

describe("fulfillmentCreate", () => {
  it("ships everything that remains, lets go of its stock and tells", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const before = stockOf(shop, order);
    shop.advance(3_000);
    const { fulfillment, userErrors } = await create(shop, {
      lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(only(order)) }],
      trackingInfo: { company: "DPD", number: "0123456789" },
      notifyCustomer: true,
    });
    expect(userErrors).toEqual([]);
    expect(fulfillment).toMatchObject({
      status: "SUCCESS",
      totalQuantity: order.lines.reduce((sum, line) => sum + line.quantity, 0),
      trackingInfo: [
        {
          company: "DPD",
          number: "0123456789",
          url: "https://tracking.dpd.de/status/en_US/parcel/0123456789",
        },
      ],
    });
    expect(states(order)).toEqual(["CLOSED"]);
    expect(fulfillmentStatus(order)).toBe("FULFILLED");
    expect(order.updatedAt).toBe(shop.context.now().getTime() / 1_000);
    stockOf(shop, order).forEach((after, index) => {
      expect(after.available).toBe(before[index]?.available);
      expect(after.committed).toBeLessThan(before[index]?.committed ?? 0);
    });
    expect(shop.topics().filter((topic) => !topic.startsWith("products/"))).toEqual([
      "fulfillments/create",
      "orders/fulfilled",
      "orders/updated",
    ]);
    expectStockToMatchClaims(shop.shop);
  });

  it("ships some of the units and leaves the rest in progress", async () => {
    const shop = bench();
    const order = openOrder(shop, 2);
    const [line] = only(order).lines;
    const { userErrors } = await create(shop, {
      lineItemsByFulfillmentOrder: [
        {
          fulfillmentOrderId: gid(only(order)),
          fulfillmentOrderLineItems: [
            { id: `gid://shopify/FulfillmentOrderLineItem/${line?.id}`, quantity: 1 },
          ],
        },
      ],
    });
    expect(userErrors).toEqual([]);
    expect(states(order)).toEqual(["IN_PROGRESS"]);
    expect(fulfillmentStatus(order)).toBe("PARTIALLY_FULFILLED");
    expect(shop.topics()).toContain("orders/partially_fulfilled");
    expectStockToMatchClaims(shop.shop);
  });

  it("refuses what is shipped already, however often it is asked", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const request = { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(only(order)) }] };
    await create(shop, request);
    const { fulfillment, userErrors } = await create(shop, request);
    expect(fulfillment).toBeNull();
    expect(userErrors).toEqual([
      {
        field: ["fulfillment"],
        message: `Fulfillment order ${only(order).id} has an unfulfillable status= closed.`,
      },
    ]);
    expect(order.fulfillments).toHaveLength(1);
  });

  it("refuses more than remains, nothing, other lines, other orders and what is on hold", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const [line] = only(order).lines;
    const id = `gid://shopify/FulfillmentOrderLineItem/${line?.id}`;
    const attempt = async (quantity: number, lineId = id) =>
      (
        await create(shop, {
          lineItemsByFulfillmentOrder: [
            {
              fulfillmentOrderId: gid(only(order)),
              fulfillmentOrderLineItems: [{ id: lineId, quantity }],
            },
          ],
        })
      ).userErrors[0]?.message;
    expect(await attempt((line?.remaining ?? 0) + 1)).toBe(
      "Invalid fulfillment order line item quantity requested.",
    );
    expect(await attempt(0)).toBe("Invalid fulfillment order line item quantity requested.");
    expect(await attempt(1, "gid://shopify/FulfillmentOrderLineItem/1")).toBe(
      "Fulfillment order line item does not exist.",
    );
    const other = openOrder(shop, 1, (candidate) => candidate !== order);
    const both = await create(shop, {
      lineItemsByFulfillmentOrder: [
        { fulfillmentOrderId: gid(only(order)) },
        { fulfillmentOrderId: gid(only(other)) },
      ],
    });
    expect(both.userErrors[0]?.message).toBe("Fulfillment orders must belong to the same order.");
    const held = [...ordersOf(shop.shop)]
      .flatMap((candidate) => candidate.fulfillmentOrders)
      .find((candidate) => candidate.status === "ON_HOLD" && candidate.order.ordinal > 50);
    if (!held) throw new Error("nothing is on hold");
    expect(
      (await create(shop, { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(held) }] }))
        .userErrors[0]?.message,
    ).toContain("status= on_hold");
    expect((await create(shop, { lineItemsByFulfillmentOrder: [] })).userErrors).toHaveLength(1);
    expect(
      (
        await create(shop, {
          lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: "gid://shopify/FulfillmentOrder/1" }],
        })
      ).userErrors[0]?.message,
    ).toBe("Fulfillment order does not exist.");
    expect(shop.shop.ledger).toEqual([]);
  });
});

describe("fulfillmentCancel", () => {
  const cancel = (shop: Bench, id: string) =>
    shop.run<{
      fulfillmentCancel: { fulfillment: { status: string } | null; userErrors: UserError[] };
    }>(
      "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { field message } } }",
      { id },
    );

  it("puts the units back into a new fulfillment order and claims their stock again", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const before = stockOf(shop, order);
    const { fulfillment } = await create(shop, {
      lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(only(order)) }],
    });
    const { fulfillmentCancel } = await cancel(shop, fulfillment?.id ?? "");
    expect(fulfillmentCancel).toEqual({ fulfillment: { status: "CANCELLED" }, userErrors: [] });
    expect(states(order)).toEqual(["CLOSED", "OPEN"]);
    expect(fulfillmentStatus(order)).toBe("UNFULFILLED");
    expect(stockOf(shop, order)).toEqual(before);
    expect(shop.topics()).toContain("fulfillments/update");
    expectStockToMatchClaims(shop.shop);
    expect((await cancel(shop, fulfillment?.id ?? "")).fulfillmentCancel.userErrors).toHaveLength(
      1,
    );
  });

  it("gives a partly fulfilled fulfillment order its units back", async () => {
    const shop = bench();
    const order = openOrder(shop, 2);
    const [line] = only(order).lines;
    const { fulfillment } = await create(shop, {
      lineItemsByFulfillmentOrder: [
        {
          fulfillmentOrderId: gid(only(order)),
          fulfillmentOrderLineItems: [
            { id: `gid://shopify/FulfillmentOrderLineItem/${line?.id}`, quantity: 1 },
          ],
        },
      ],
    });
    await cancel(shop, fulfillment?.id ?? "");
    expect(states(order)).toEqual(["OPEN"]);
    expect(line?.remaining).toBe(line?.total);
    expectStockToMatchClaims(shop.shop);
  });
});

describe("fulfillmentTrackingInfoUpdate", () => {
  it("replaces the tracking and tells", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const { fulfillment } = await create(shop, {
      lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(only(order)) }],
    });
    const data = await shop.run<{
      fulfillmentTrackingInfoUpdate: {
        fulfillment: { trackingInfo: object[] };
        userErrors: UserError[];
      };
    }>(
      "mutation($id: ID!, $tracking: FulfillmentTrackingInput!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: true) { fulfillment { trackingInfo { company number url } } userErrors { field message } } }",
      {
        id: fulfillment?.id,
        tracking: { company: "Fahrradkurier", number: "7", url: "https://kurier.example/7" },
      },
    );
    expect(data.fulfillmentTrackingInfoUpdate).toEqual({
      fulfillment: {
        trackingInfo: [{ company: "Fahrradkurier", number: "7", url: "https://kurier.example/7" }],
      },
      userErrors: [],
    });
    expect(shop.topics()).toContain("fulfillments/update");
  });
});

describe("holding and releasing", () => {
  const hold = async (shop: Bench, id: string, fulfillmentHold: object) =>
    (
      await shop.run<{
        fulfillmentOrderHold: {
          fulfillmentHold: {
            id: string;
            heldByRequestingApp: boolean;
            displayReason: string;
          } | null;
          fulfillmentOrder: { status: string; supportedActions: { action: string }[] } | null;
          remainingFulfillmentOrder: { id: string; status: string } | null;
          userErrors: UserError[];
        };
      }>(
        `mutation($id: ID!, $fulfillmentHold: FulfillmentOrderHoldInput!) { fulfillmentOrderHold(id: $id, fulfillmentHold: $fulfillmentHold) {
          fulfillmentHold { id heldByRequestingApp displayReason } fulfillmentOrder { status supportedActions { action } } remainingFulfillmentOrder { id status } userErrors { field message code } } }`,
        { id, fulfillmentHold },
      )
    ).fulfillmentOrderHold;

  const release = async (shop: Bench, id: string, holdIds?: string[]) =>
    (
      await shop.run<{
        fulfillmentOrderReleaseHold: {
          fulfillmentOrder: { status: string } | null;
          userErrors: UserError[];
        };
      }>(
        "mutation($id: ID!, $holdIds: [ID!]) { fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) { fulfillmentOrder { status } userErrors { field message code } } }",
        { id, ...(holdIds ? { holdIds } : {}) },
      )
    ).fulfillmentOrderReleaseHold;

  it("holds an order, moves no stock, and releases it again", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const before = stockOf(shop, order);
    const held = await hold(shop, gid(only(order)), {
      reason: "INCORRECT_ADDRESS",
      reasonNotes: "No house number",
    });
    expect(held.userErrors).toEqual([]);
    expect(held.fulfillmentHold).toMatchObject({
      heldByRequestingApp: true,
      displayReason: "Incorrect address",
    });
    expect(held.fulfillmentOrder?.supportedActions.map(({ action }) => action)).toContain(
      "RELEASE_HOLD",
    );
    expect(fulfillmentStatus(order)).toBe("ON_HOLD");
    expect(stockOf(shop, order)).toEqual(before);
    expect(shop.topics()).toContain("fulfillment_orders/placed_on_hold");
    const released = await release(shop, gid(only(order)), [held.fulfillmentHold?.id ?? ""]);
    expect(released).toEqual({ fulfillmentOrder: { status: "OPEN" }, userErrors: [] });
    expect(shop.topics()).toContain("fulfillment_orders/hold_released");
    expect(fulfillmentStatus(order)).toBe("UNFULFILLED");
  });

  it("holds some units and leaves the rest in a fulfillment order of their own", async () => {
    const shop = bench();
    const order = openOrder(shop, 2);
    const [line] = only(order).lines;
    const held = await hold(shop, gid(only(order)), {
      reason: "INVENTORY_OUT_OF_STOCK",
      fulfillmentOrderLineItems: [
        { id: `gid://shopify/FulfillmentOrderLineItem/${line?.id}`, quantity: 1 },
      ],
    });
    expect(held.userErrors).toEqual([]);
    expect(held.remainingFulfillmentOrder?.status).toBe("OPEN");
    expect(states(order).sort()).toEqual(["ON_HOLD", "OPEN"]);
    expectStockToMatchClaims(shop.shop);
  });

  it("refuses a second hold with the same handle, an eleventh one, and one on what is closed", async () => {
    const shop = bench();
    const order = openOrder(shop);
    const id = gid(only(order));
    await hold(shop, id, { reason: "OTHER" });
    expect((await hold(shop, id, { reason: "OTHER" })).userErrors[0]?.code).toBe(
      "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
    );
    for (let n = 1; n < 10; n++)
      expect((await hold(shop, id, { reason: "OTHER", handle: `h${n}` })).userErrors).toEqual([]);
    expect((await hold(shop, id, { reason: "OTHER", handle: "h10" })).userErrors[0]?.code).toBe(
      "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
    );
    expect(
      (await hold(shop, "gid://shopify/FulfillmentOrder/1", { reason: "OTHER" })).userErrors[0]
        ?.code,
    ).toBe("FULFILLMENT_ORDER_NOT_FOUND");
    const closed = openOrder(shop, 1, (candidate) => candidate !== order);
    await create(shop, {
      lineItemsByFulfillmentOrder: [{ fulfillmentOrderId: gid(only(closed)) }],
    });
    expect((await hold(shop, gid(only(closed)), { reason: "OTHER" })).userErrors).toHaveLength(1);
  });

  it("refuses to release what is not held, and holds that are not there", async () => {
    const shop = bench();
    const order = openOrder(shop);
    expect((await release(shop, gid(only(order)))).userErrors).toHaveLength(1);
    await hold(shop, gid(only(order)), { reason: "OTHER" });
    expect(
      (await release(shop, gid(only(order)), ["gid://shopify/FulfillmentHold/1"])).userErrors[0]
        ?.code,
    ).toBe("INVALID_ACCESS");
    expect((await release(shop, "gid://shopify/FulfillmentOrder/1")).userErrors[0]?.code).toBe(
      "FULFILLMENT_ORDER_NOT_FOUND",
    );
  });
});

describe("fulfillmentOrderMove", () => {
  const move = async (shop: Bench, variables: object) =>
    (
      await shop.run<{
        fulfillmentOrderMove: {
          movedFulfillmentOrder: {
            id: string;
            assignedLocation: { location: { id: string } };
          } | null;
          remainingFulfillmentOrder: { id: string } | null;
          userErrors: UserError[];
        };
      }>(
        `mutation($id: ID!, $newLocationId: ID!, $lines: [FulfillmentOrderLineItemInput!]) { fulfillmentOrderMove(id: $id, newLocationId: $newLocationId, fulfillmentOrderLineItems: $lines) {
          movedFulfillmentOrder { id assignedLocation { location { id } } } remainingFulfillmentOrder { id } userErrors { field message code } } }`,
        { ...variables },
      )
    ).fulfillmentOrderMove;

  /** Another place that stocks all of an order's lines. */
  const elsewhere = (shop: Bench, order: Order) =>
    [...shop.shop.locations.values()].find(
      (location) =>
        location.id !== only(order).locationId &&
        order.lines.every((line) => {
          const item = shop.shop.variants.get(line.variantId ?? 0)?.item;
          return item && shop.shop.level(item, location.id)?.isActive;
        }),
    );

  it("takes the whole order to another place, and its claims with it", async () => {
    const shop = bench();
    const order = openOrder(shop, 1, (candidate) => elsewhere(shop, candidate) !== undefined);
    const place = `gid://shopify/Location/${elsewhere(shop, order)?.id}`;
    const moved = await move(shop, { id: gid(only(order)), newLocationId: place });
    expect(moved).toEqual({
      movedFulfillmentOrder: {
        id: gid(only(order)),
        assignedLocation: { location: { id: place } },
      },
      remainingFulfillmentOrder: null,
      userErrors: [],
    });
    expect(shop.topics()).toContain("fulfillment_orders/moved");
    expectStockToMatchClaims(shop.shop);
  });

  it("takes some units into a new fulfillment order", async () => {
    const shop = bench();
    const order = openOrder(shop, 2, (candidate) => elsewhere(shop, candidate) !== undefined);
    const [line] = only(order).lines;
    const moved = await move(shop, {
      id: gid(only(order)),
      newLocationId: `gid://shopify/Location/${elsewhere(shop, order)?.id}`,
      lines: [{ id: `gid://shopify/FulfillmentOrderLineItem/${line?.id}`, quantity: 1 }],
    });
    expect(moved.userErrors).toEqual([]);
    expect(moved.movedFulfillmentOrder?.id).not.toBe(gid(only(order)));
    expect(order.fulfillmentOrders).toHaveLength(2);
    expectStockToMatchClaims(shop.shop);
  });

  it("refuses to move what has begun, to where it is, and to nowhere", async () => {
    const shop = bench();
    const order = openOrder(shop, 2);
    const here = `gid://shopify/Location/${only(order).locationId}`;
    const [line] = only(order).lines;
    expect(
      (await move(shop, { id: gid(only(order)), newLocationId: here })).userErrors,
    ).toHaveLength(1);
    expect(
      (await move(shop, { id: gid(only(order)), newLocationId: "gid://shopify/Location/1" }))
        .userErrors,
    ).toHaveLength(1);
    await create(shop, {
      lineItemsByFulfillmentOrder: [
        {
          fulfillmentOrderId: gid(only(order)),
          fulfillmentOrderLineItems: [
            { id: `gid://shopify/FulfillmentOrderLineItem/${line?.id}`, quantity: 1 },
          ],
        },
      ],
    });
    const other = [...shop.shop.locations.keys()].find((id) => id !== only(order).locationId);
    expect(
      (await move(shop, { id: gid(only(order)), newLocationId: `gid://shopify/Location/${other}` }))
        .userErrors[0]?.code,
    ).toBe("CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS");
  });
});
