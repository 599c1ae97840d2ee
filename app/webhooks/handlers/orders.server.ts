import { z } from "zod";
import { deletedPayload, orderFromPayload, orderPayload } from "../../orders/mapping.server.ts";
import * as store from "../../orders/store.server.ts";
import { idOf } from "../../shopify/fields.ts";
import { requestRereads, type Reread } from "../../sync/rereads.server.ts";
import { applied, handler, ignored } from "../handler.ts";

/**
 * `orders/create`, `orders/updated`: the payload is stored at once, and the order read by id soon after, for
 * what payloads leave out (fulfillment orders, holds, risk, pictures) and where moments are equal.
 */
export const updateOrder = handler(orderPayload, async (tx, payload, { shop }) => {
  const rows = orderFromPayload(payload);
  const { id, unitsToFulfil, updatedAt } = rows.order;
  const before = await store.knownOrder(tx, shop, id);
  if (before?.deleted) return ignored("The order was deleted.");
  const [stored] = await store.saveOrders(tx, shop, store.packOrders([rows]), "told");
  if (stored === undefined && before && before.updatedAt > new Date(updatedAt)) {
    return ignored("Newer news of the order was here before.");
  }
  const wanted: Reread[] = [{ kind: "order", id }];
  if (before && before.unitsToFulfil !== unitsToFulfil) {
    // Sending goods changes what is on hand and committed, which webhooks of stock do not say.
    const items = await store.inventoryItemsOf(tx, shop, id);
    wanted.push(...items.map((item): Reread => ({ kind: "inventory_item", id: item })));
  }
  await requestRereads(tx, shop, wanted);
  return applied;
});

/** Which fulfillment orders a payload names; the topics put them under different names, and say little else. */
const fulfillmentOrderPayload = z.record(z.string(), z.unknown()).transform((payload, context) => {
  const ids = Object.values(payload).flatMap((value) => {
    const named = z.object({ id: idOf("FulfillmentOrder") }).safeParse(value);
    return named.success ? [named.data.id] : [];
  });
  if (ids.length > 0) return ids;
  context.addIssue({ code: "custom", message: "names no fulfillment order" });
  return z.NEVER;
});

/** `fulfillment_orders/*`: holds, moves and routing, which do not touch the order itself. */
export const updateFulfillmentOrder = handler(
  fulfillmentOrderPayload,
  async (tx, ids, { shop }) => {
    const orderIds = await store.ordersOfFulfillmentOrders(tx, shop, ids);
    const wanted = ids.map((id): Reread => {
      const order = orderIds.get(id);
      return order ? { kind: "order", id: order } : { kind: "fulfillment_order", id };
    });
    await requestRereads(tx, shop, wanted);
    return applied;
  },
);

export const deleteOrder = handler(deletedPayload, async (tx, { id }, { shop, at }) => {
  await store.deleteOrder(tx, shop, id, at);
  return applied;
});
