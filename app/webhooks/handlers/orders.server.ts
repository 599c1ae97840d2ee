import { deletedPayload, orderFromPayload, orderPayload } from "../../orders/mapping.server.ts";
import * as store from "../../orders/store.server.ts";
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

export const deleteOrder = handler(deletedPayload, async (tx, { id }, { shop, at }) => {
  await store.deleteOrder(tx, shop, id, at);
  return applied;
});
