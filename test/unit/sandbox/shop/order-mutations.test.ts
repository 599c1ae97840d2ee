import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Order } from "../../../sandbox/shopify/shop/model.ts";
import {
  currentTotal,
  financialStatus,
  fulfillmentStatus,
  totalPrice,
} from "../../../sandbox/shopify/shop/order-state.ts";
import { expectStockToMatchClaims, ordersOf } from "./claims.ts";
import { bench, startOfTest } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface UserError {
  field: string[] | null;
  message: string;
  code?: string | null;
}

const gid = (order: Order) => `gid://shopify/Order/${order.id}`;
const now = (shop: Bench) => shop.context.now().getTime() / 1_000;

/** A recent order that nothing has happened to yet but that it was paid, or whatever is asked for. */
function find(shop: Bench, holds: (order: Order) => boolean = untouched): Order {
  for (const order of ordersOf(shop.shop)) {
    if (order.createdAt > startOfTest.getTime() / 1_000 - 59 * 86_400 && holds(order)) return order;
  }
  throw new Error("no such order");
}

function untouched(order: Order): boolean {
  return (
    order.cancelledAt === null &&
    order.refunds.length === 0 &&
    order.fulfillments.length === 0 &&
    order.fulfillmentOrders.every((fulfillmentOrder) => fulfillmentOrder.status === "OPEN") &&
    order.transactions.some(
      (transaction) => transaction.kind === "SALE" && transaction.status === "SUCCESS",
    ) &&
    totalPrice(order).shop === order.transactions[0]?.amount.shop
  );
}

const shipped = (order: Order) =>
  fulfillmentStatus(order) === "FULFILLED" &&
  order.refunds.length === 0 &&
  order.transactions[0]?.status === "SUCCESS" &&
  order.fulfillments.length === 1;

describe("orderUpdate", () => {
  const update = async (shop: Bench, input: object) =>
    (
      await shop.run<{
        orderUpdate: {
          order: { note: string; tags: string[]; updatedAt: string } | null;
          userErrors: UserError[];
        };
      }>(
        "mutation($input: OrderInput!) { orderUpdate(input: $input) { order { note tags updatedAt } userErrors { field message } } }",
        { input },
      )
    ).orderUpdate;

  it("changes note, tags, address and attributes, and leaves out what is not named", async () => {
    const shop = bench();
    const order = find(shop);
    const { email, phone } = order;
    shop.advance(10_000);
    const { order: answer, userErrors } = await update(shop, {
      id: gid(order),
      note: "Ring twice",
      tags: ["zebra", "Apple", "apple, pear"],
      customAttributes: [{ key: "gift", value: "yes" }],
      shippingAddress: {
        firstName: "Ada",
        lastName: "Lovelace",
        address1: "Mill Lane 1",
        city: "London",
        zip: "SE1 9PP",
        countryCode: "GB",
      },
    });
    expect(userErrors).toEqual([]);
    expect(answer).toEqual({
      note: "Ring twice",
      tags: ["Apple", "pear", "zebra"],
      updatedAt: "2026-11-21T15:00:10Z",
    });
    expect(order.shippingAddress).toMatchObject({ firstName: "Ada", country: "United Kingdom" });
    expect([order.email, order.phone]).toEqual([email, phone]);
    expect(shop.topics()).toEqual(["orders/updated"]);
  });

  it("refuses a note, a tag and an address that are not right, and an order that is not there", async () => {
    const shop = bench();
    const order = find(shop);
    const wrong = await update(shop, {
      id: gid(order),
      note: "x".repeat(5_001),
      tags: ["y".repeat(41)],
      email: "nobody",
    });
    expect(wrong.userErrors.map((error) => error.field)).toEqual([["note"], ["email"], ["tags"]]);
    expect(
      (await update(shop, { id: "gid://shopify/Order/1", note: "x" })).userErrors[0]?.message,
    ).toBe("Order does not exist");
    expect(shop.events).toEqual([]);
    expect(shop.shop.ledger).toEqual([]);
  });

  it("shows a change made in the same second with the same moment, so that only a read tells them apart", async () => {
    const shop = bench();
    const order = find(shop);
    const first = await update(shop, { id: gid(order), note: "one" });
    const second = await update(shop, { id: gid(order), note: "two" });
    expect(second.order?.updatedAt).toBe(first.order?.updatedAt);
  });
});

describe("tagsAdd and tagsRemove", () => {
  const tags = async (shop: Bench, mutation: string, id: string, list: string[]) =>
    (
      await shop.run<{ result: { node: { id: string } | null; userErrors: UserError[] } }>(
        `mutation($id: ID!, $tags: [String!]!) { result: ${mutation}(id: $id, tags: $tags) { node { id } userErrors { field message } } }`,
        { id, tags: list },
      )
    ).result;

  it("can be repeated without an effect beyond the first", async () => {
    const shop = bench();
    const order = find(shop);
    const before = [...order.tags];
    for (let n = 0; n < 2; n++) {
      expect(await tags(shop, "tagsAdd", gid(order), ["Rush", "packed"])).toEqual({
        node: { id: gid(order) },
        userErrors: [],
      });
      expect(order.tags).toEqual(
        [...before, "packed", "Rush"].sort((a, b) => a.localeCompare(b, "en")),
      );
    }
    for (let n = 0; n < 2; n++) {
      await tags(shop, "tagsRemove", gid(order), ["RUSH", "packed"]);
      expect(order.tags).toEqual(before);
    }
  });

  it("tags products, customers and drafts too", async () => {
    const shop = bench();
    const product = [...shop.shop.products.values()][0];
    const customer = shop.shop.customerAt(3);
    await tags(shop, "tagsAdd", `gid://shopify/Product/${product?.id}`, ["staff pick"]);
    await tags(shop, "tagsAdd", `gid://shopify/Customer/${customer?.id}`, ["calls often"]);
    expect(product?.tags).toContain("staff pick");
    expect(shop.shop.customerAt(3)?.tags).toContain("calls often");
    expect(shop.topics()).toEqual(["products/update"]);
    expect((await tags(shop, "tagsAdd", "gid://shopify/Order/1", ["x"])).userErrors).toHaveLength(
      1,
    );
    expect(
      (await tags(shop, "tagsAdd", gid(find(shop)), ["x".repeat(41)])).userErrors,
    ).toHaveLength(1);
  });
});

describe("orderCancel", () => {
  const cancel = async (shop: Bench, variables: object) =>
    (
      await shop.run<{
        orderCancel: {
          job: { id: string } | null;
          orderCancelUserErrors: UserError[];
          userErrors: UserError[];
        };
      }>(
        `mutation($orderId: ID!, $restock: Boolean!, $refund: Boolean!) { orderCancel(orderId: $orderId, reason: CUSTOMER, restock: $restock, refundMethod: { originalPaymentMethodsRefund: $refund }, staffNote: "Changed her mind") {
          job { id done } orderCancelUserErrors { field message code } userErrors { field message } } }`,
        { ...variables },
      )
    ).orderCancel;

  it("gives the money and the stock back", async () => {
    const shop = bench();
    const order = find(shop);
    const level = () => {
      const item = shop.shop.variants.get(order.lines[0]?.variantId ?? 0)?.item;
      return (
        item && {
          ...shop.shop.level(item, order.fulfillmentOrders[0]?.locationId ?? 0)?.quantities,
        }
      );
    };
    const before = level();
    const { job, orderCancelUserErrors } = await cancel(shop, {
      orderId: gid(order),
      restock: true,
      refund: true,
    });
    expect(orderCancelUserErrors).toEqual([]);
    expect(job?.id).toMatch(/^gid:\/\/shopify\/Job\//);
    expect(financialStatus(order, now(shop))).toBe("REFUNDED");
    expect(order).toMatchObject({
      cancelReason: "CUSTOMER",
      staffNote: "Changed her mind",
      cancelledAt: now(shop),
    });
    expect(currentTotal(order).shop).toBe(0);
    const quantity = order.lines[0]?.quantity ?? 0;
    expect(level()?.available).toBe((before?.available ?? 0) + quantity);
    expect(level()?.committed).toBe((before?.committed ?? 0) - quantity);
    expect(shop.topics()).toEqual(
      expect.arrayContaining([
        "refunds/create",
        "orders/cancelled",
        "orders/updated",
        "inventory_levels/update",
        "fulfillment_orders/cancelled",
      ]),
    );
    expectStockToMatchClaims(shop.shop);
  });

  it("writes the stock off when it is not to be put back", async () => {
    const shop = bench();
    const order = find(shop);
    await cancel(shop, { orderId: gid(order), restock: false, refund: false });
    expect(order.cancelledAt).not.toBeNull();
    expect(shop.topics()).not.toContain("inventory_levels/update");
    expectStockToMatchClaims(shop.shop);
  });

  it("refuses what is cancelled, shipped or not there", async () => {
    const shop = bench();
    const order = find(shop);
    await cancel(shop, { orderId: gid(order), restock: true, refund: true });
    const again = await cancel(shop, { orderId: gid(order), restock: true, refund: true });
    expect(again.orderCancelUserErrors[0]).toMatchObject({ field: ["orderId"], code: "INVALID" });
    expect(again.userErrors[0]).toEqual({
      field: ["orderId"],
      message: again.orderCancelUserErrors[0]?.message,
    });
    expect(
      (await cancel(shop, { orderId: gid(find(shop, shipped)), restock: true, refund: true }))
        .orderCancelUserErrors[0]?.code,
    ).toBe("INVALID");
    expect(
      (await cancel(shop, { orderId: "gid://shopify/Order/1", restock: true, refund: true }))
        .orderCancelUserErrors[0]?.code,
    ).toBe("NOT_FOUND");
  });
});

describe("orderClose, orderOpen and orderMarkAsPaid", () => {
  const run = async (shop: Bench, name: string, type: string, id: string) =>
    (
      await shop.run<{
        result: {
          order: { closed: boolean; displayFinancialStatus: string } | null;
          userErrors: UserError[];
        };
      }>(
        `mutation($input: ${type}!) { result: ${name}(input: $input) { order { closed displayFinancialStatus } userErrors { field message } } }`,
        { input: { id } },
      )
    ).result;

  it("archives and unarchives once", async () => {
    const shop = bench();
    const order = find(shop);
    expect((await run(shop, "orderClose", "OrderCloseInput", gid(order))).order?.closed).toBe(true);
    expect((await run(shop, "orderClose", "OrderCloseInput", gid(order))).userErrors).toHaveLength(
      1,
    );
    expect((await run(shop, "orderOpen", "OrderOpenInput", gid(order))).order?.closed).toBe(false);
    expect((await run(shop, "orderOpen", "OrderOpenInput", gid(order))).userErrors).toHaveLength(1);
  });

  it("marks what is pending as paid, once", async () => {
    const shop = bench();
    const order = find(
      shop,
      (candidate) =>
        candidate.cancelledAt === null && financialStatus(candidate, now(shop)) === "PENDING",
    );
    expect(
      (await run(shop, "orderMarkAsPaid", "OrderMarkAsPaidInput", gid(order))).order
        ?.displayFinancialStatus,
    ).toBe("PAID");
    expect(shop.topics()).toContain("orders/paid");
    expect(
      (await run(shop, "orderMarkAsPaid", "OrderMarkAsPaidInput", gid(order))).userErrors[0]
        ?.message,
    ).toBe("Order cannot be marked as paid.");
  });
});

describe("refundCreate", () => {
  const refund = async (shop: Bench, input: object) =>
    (
      await shop.run<{
        refundCreate: {
          refund: { totalRefundedSet: { presentmentMoney: { amount: string } } } | null;
          order: { displayFinancialStatus: string } | null;
          userErrors: UserError[];
        };
      }>(
        `mutation($input: RefundInput!) { refundCreate(input: $input) @idempotent(key: "r") { refund { totalRefundedSet { presentmentMoney { amount } } } order { displayFinancialStatus } userErrors { field message } } }`,
        { input },
      )
    ).refundCreate;

  it("takes returned units back into stock and pays", async () => {
    const shop = bench();
    const order = find(shop, shipped);
    const [line] = order.lines;
    const [payment] = order.transactions;
    const location = order.fulfillments[0]?.locationId;
    const item = shop.shop.variants.get(line?.variantId ?? 0)?.item;
    const before = item && shop.shop.level(item, location ?? 0)?.quantities.available;
    const { userErrors, order: answer } = await refund(shop, {
      orderId: gid(order),
      note: "Too small",
      refundLineItems: [
        {
          lineItemId: `gid://shopify/LineItem/${line?.id}`,
          quantity: 1,
          restockType: "RETURN",
          locationId: `gid://shopify/Location/${location}`,
        },
      ],
      transactions: [
        {
          orderId: gid(order),
          parentId: `gid://shopify/OrderTransaction/${payment?.id}`,
          gateway: "shopify_payments",
          kind: "REFUND",
          amount: "1.00",
        },
      ],
    });
    expect(userErrors).toEqual([]);
    expect(answer?.displayFinancialStatus).toBe("PARTIALLY_REFUNDED");
    expect(item && shop.shop.level(item, location ?? 0)?.quantities.available).toBe(
      (before ?? 0) + 1,
    );
    expect(shop.topics()).toContain("refunds/create");
    expectStockToMatchClaims(shop.shop);
  });

  it("removes units that were never sent from their fulfillment order", async () => {
    const shop = bench();
    const order = find(shop, (candidate) => untouched(candidate) && candidate.lines.length > 1);
    const [line] = order.lines;
    await refund(shop, {
      orderId: gid(order),
      refundLineItems: [
        {
          lineItemId: `gid://shopify/LineItem/${line?.id}`,
          quantity: line?.quantity,
          restockType: "CANCEL",
          locationId: `gid://shopify/Location/${order.fulfillmentOrders[0]?.locationId}`,
        },
      ],
    });
    expect(line?.currentQuantity).toBe(0);
    expectStockToMatchClaims(shop.shop);
  });

  it("refuses more units than were bought, more money than was paid, and nothing at all", async () => {
    const shop = bench();
    const order = find(shop, shipped);
    const [line] = order.lines;
    const [payment] = order.transactions;
    const lineItemId = `gid://shopify/LineItem/${line?.id}`;
    const wrong = await refund(shop, {
      orderId: gid(order),
      refundLineItems: [{ lineItemId, quantity: 99, restockType: "NO_RESTOCK" }],
      transactions: [
        {
          orderId: gid(order),
          parentId: `gid://shopify/OrderTransaction/${payment?.id}`,
          gateway: "x",
          kind: "REFUND",
          amount: "99999.00",
        },
      ],
      shipping: { amount: "9999.00" },
    });
    expect(wrong.userErrors.map((error) => error.field?.[0])).toEqual([
      "refundLineItems",
      "shipping",
      "transactions",
    ]);
    expect((await refund(shop, { orderId: gid(order) })).userErrors).toHaveLength(1);
    expect(
      (
        await refund(shop, {
          orderId: gid(order),
          refundLineItems: [{ lineItemId, quantity: 1, restockType: "RETURN" }],
        })
      ).userErrors[0]?.field?.at(-1),
    ).toBe("locationId");
    expect((await refund(shop, { orderId: "gid://shopify/Order/1" })).userErrors[0]?.message).toBe(
      "Order does not exist",
    );
  });
});

describe("orderCreate", () => {
  const create = async (shop: Bench, order: object, options: object = {}) =>
    (
      await shop.run<{
        orderCreate: {
          order: {
            id: string;
            name: string;
            displayFinancialStatus: string;
            sourceIdentifier: string | null;
            totalPriceSet: { shopMoney: { amount: string } };
            fulfillmentOrders: { nodes: { status: string }[] };
          } | null;
          userErrors: UserError[];
        };
      }>(
        `mutation($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) { orderCreate(order: $order, options: $options) {
          order { id name displayFinancialStatus sourceIdentifier totalPriceSet { shopMoney { amount } } fulfillmentOrders(first: 5) { nodes { status } } } userErrors { field message code } } }`,
        { order, options },
      )
    ).orderCreate;

  it("enters an order past the stock unless it is told otherwise", async () => {
    const shop = bench();
    const variant = [...shop.shop.variants.values()].find((candidate) =>
      candidate.item.levels.some((level) => level.quantities.available > 9),
    );
    const level = variant?.item.levels.find((candidate) => candidate.quantities.available > 9);
    if (!variant || !level) throw new Error("nothing in stock");
    const available = () =>
      variant.item.levels.reduce((sum, candidate) => sum + candidate.quantities.available, 0);
    const before = available();
    const lineItems = [{ variantId: `gid://shopify/ProductVariant/${variant.id}`, quantity: 2 }];
    const { order, userErrors } = await create(shop, {
      lineItems,
      financialStatus: "PAID",
      sourceIdentifier: "till-7-42",
      note: "By phone",
    });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({
      displayFinancialStatus: "PAID",
      sourceIdentifier: "till-7-42",
      totalPriceSet: { shopMoney: { amount: String((variant.price * 2) / 100) } },
      fulfillmentOrders: { nodes: [{ status: "OPEN" }] },
    });
    expect(available()).toBe(before);
    await create(shop, { lineItems }, { inventoryBehaviour: "DECREMENT_OBEYING_POLICY" });
    expect(available()).toBe(before - 2);
    expectStockToMatchClaims(shop.shop);
    expect(shop.topics()).toEqual(
      expect.arrayContaining([
        "orders/create",
        "orders/paid",
        "fulfillment_orders/order_routing_complete",
      ]),
    );
  });

  it("refuses no lines, unknown variants, a future date, two customers and what is out of stock", async () => {
    const shop = bench();
    const sold = [...shop.shop.variants.values()].find(
      (variant) =>
        variant.inventoryPolicy === "DENY" &&
        variant.item.levels.every((level) => level.quantities.available <= 0),
    );
    const fine = [
      {
        title: "Repair",
        quantity: 1,
        priceSet: { shopMoney: { amount: "20", currencyCode: "EUR" } },
      },
    ];
    const code = async (order: object, options: object = {}) =>
      (await create(shop, order, options)).userErrors.map((error) => error.code);
    expect(await code({ lineItems: [] })).toContain("INVALID");
    expect(
      await code({ lineItems: [{ variantId: "gid://shopify/ProductVariant/1", quantity: 1 }] }),
    ).toContain("INVALID");
    expect(await code({ lineItems: fine, processedAt: "2027-01-01T00:00:00Z" })).toEqual([
      "PROCESSED_AT_INVALID",
    ]);
    expect(
      await code({
        lineItems: fine,
        customerId: "gid://shopify/Customer/1",
        customer: { toAssociate: { id: "gid://shopify/Customer/1" } },
      }),
    ).toContain("REDUNDANT_CUSTOMER_FIELDS");
    expect(
      await code(
        { lineItems: [{ variantId: `gid://shopify/ProductVariant/${sold?.id}`, quantity: 1 }] },
        { inventoryBehaviour: "DECREMENT_OBEYING_POLICY" },
      ),
    ).toEqual(["INVENTORY_CLAIM_FAILED"]);
    expect(shop.events).toEqual([]);
  });
});

describe("any sequence of what apps and staff do to orders", () => {
  it("keeps stock, statuses and rows in step", async () => {
    const shop = bench({ orders: 80 });
    const { life } = shop.shop;
    const open = () =>
      [...ordersOf(shop.shop)].filter(
        (order) =>
          order.cancelledAt === null &&
          order.fulfillmentOrders.some((fulfillmentOrder) => fulfillmentOrder.status === "OPEN"),
      );
    const act = fc.record({
      kind: fc.constantFrom("place", "ship", "take back", "cancel", "hold", "delete", "refund"),
      which: fc.nat(40),
    });
    const mutate = (source: string, variables: Record<string, unknown>) =>
      shop.run(source, variables);
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 6 }), async (acts) => {
        for (const { kind, which } of acts) {
          shop.advance(1_000);
          const orders = open();
          const order = orders[which % Math.max(1, orders.length)];
          if (!order || kind === "place") {
            life.placeOrder();
            continue;
          }
          const fulfillmentOrder = order.fulfillmentOrders.find(
            (candidate) => candidate.status === "OPEN",
          );
          if (kind === "ship") life.fulfilOrder(order);
          else if (kind === "take back") {
            const sent = [...ordersOf(shop.shop)]
              .flatMap((candidate) => candidate.fulfillments)
              .find((candidate) => candidate.status === "SUCCESS");
            await mutate(
              "mutation($id: ID!) { fulfillmentCancel(id: $id) { userErrors { message } } }",
              { id: `gid://shopify/Fulfillment/${sent?.id}` },
            );
          } else if (kind === "cancel") {
            if (!order.fulfillments.some((fulfillment) => fulfillment.status === "SUCCESS"))
              life.cancelOrder(order);
          } else if (kind === "hold") {
            await mutate(
              "mutation($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: { reason: OTHER }) { userErrors { message } } }",
              { id: `gid://shopify/FulfillmentOrder/${fulfillmentOrder?.id}` },
            );
          } else if (kind === "delete") life.deleteOrder(order);
          else {
            const line = order.lines.find((candidate) => candidate.currentQuantity > 0);
            await mutate(
              'mutation($input: RefundInput!) { refundCreate(input: $input) @idempotent(key: "x") { userErrors { message } } }',
              {
                input: {
                  orderId: gid(order),
                  refundLineItems: [
                    {
                      lineItemId: `gid://shopify/LineItem/${line?.id}`,
                      quantity: 1,
                      restockType: which % 2 ? "CANCEL" : "NO_RESTOCK",
                    },
                  ],
                },
              },
            );
          }
        }
        expectStockToMatchClaims(shop.shop);
        for (const order of ordersOf(shop.shop)) {
          const row = shop.shop.orders.row(order.ordinal);
          expect(row.fulfillment).toBe(fulfillmentStatus(order));
          expect(row.currentTotal).toBe(currentTotal(order).shop);
          for (const line of order.lines) {
            expect(line.currentQuantity).toBeGreaterThanOrEqual(0);
            const waiting = order.fulfillmentOrders
              .flatMap((candidate) => candidate.lines)
              .filter((part) => part.line === line)
              .reduce((sum, part) => sum + part.remaining, 0);
            expect(waiting).toBeLessThanOrEqual(line.currentQuantity);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
