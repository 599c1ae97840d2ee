import { orderFromNode, orderNode, type OrderNode } from "../../orders/mapping.server.ts";
import { packOrders } from "../../orders/store.server.ts";
import { ShopifyError } from "../../shopify/errors.ts";
import {
  ORDERS_PER_PAGE,
  ordersBulk,
  ordersCount,
  ordersPage,
  ordersWithoutPeopleBulk,
} from "../../shopify/operations/orders.ts";
import type { PagesCursor } from "../cursor.ts";
import { completeOrders, withFulfillmentLines } from "../order-reader.server.ts";
import { readNode } from "../unreadable.ts";
import { phaseOf } from "./listing.ts";
import { mapped } from "./mapped.ts";
import type { PhaseContext } from "./phase.ts";

export const orders = phaseOf({
  async count(context) {
    const { ordersCount: answer } = await context.admin.request(ordersCount, {}, context);
    return { count: answer?.count ?? 0, exact: answer?.precision === "EXACT" };
  },
  bulk: {
    query: ({ personal }) => (personal ? ordersBulk : ordersWithoutPeopleBulk),
    personal: true,
    shape: {
      Order: { LineItem: "lineItems", FulfillmentOrder: "fulfillmentOrders" },
      FulfillmentOrder: { FulfillmentOrderLineItem: "lineItems", Fulfillment: "fulfillments" },
    },
    // About a megabyte of JSON, and a tenth of a second in the database.
    perStep: 250,
    async toBatch(context, nodes, { personal }) {
      const all = await mapped(nodes, (node) => readNode(orderNode, node, context.unreadable));
      const checked = all.filter((order) => !isTooOld(order, context));
      const whole = await withFulfillmentLines(context.admin, checked, {
        personal,
        signal: context.signal,
      });
      return { kind: "orders", batch: packOrders(await mapped(whole, orderFromNode)) };
    },
  },
  async *pages(context, cursor) {
    let at: PagesCursor = cursor;
    // The newest orders first, since those are what is still to be worked on; a reconciliation goes along
    // with the changes, so that what changes meanwhile comes up again at the end.
    const list = at.since
      ? { query: `updated_at:>='${at.since}'`, sortKey: "UPDATED_AT" as const, reverse: false }
      : { query: null, sortKey: "CREATED_AT" as const, reverse: true };
    for (;;) {
      const personal = at.personal !== false && context.mayAskForPeople();
      try {
        const { orders: page } = await context.admin.request(
          ordersPage,
          { first: ORDERS_PER_PAGE, after: at.after, personal, ...list },
          context,
        );
        const nodes = await completeOrders(context.admin, page.nodes, {
          personal,
          signal: context.signal,
          unreadable: context.unreadable,
        });
        const recent = nodes.filter((order) => !isTooOld(order, context));
        const more =
          page.pageInfo.hasNextPage &&
          (list.query !== null || nodes.length === 0 || recent.length > 0);
        at = { ...at, after: page.pageInfo.endCursor };
        yield {
          kind: "step",
          batch: { kind: "orders", batch: packOrders(recent.map(orderFromNode)) },
          next: more ? at : null,
          add: page.nodes.length,
        };
        if (!more) return;
      } catch (error) {
        const refused = error instanceof ShopifyError && error.kind === "forbidden" && personal;
        if (!refused) throw error;
        context.peopleRefused(error.message);
        at = { ...at, personal: false };
      }
    }
  },
});

/** An app that may read all orders would find those from years ago as well. */
function isTooOld({ createdAt }: OrderNode, { ordersSince }: PhaseContext): boolean {
  return createdAt < ordersSince.toISOString();
}
