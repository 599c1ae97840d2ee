import { z } from "zod";
import { disconnectedPayload, levelPayload } from "../../inventory/mapping.server.ts";
import * as store from "../../inventory/store.server.ts";
import { id } from "../../shopify/fields.ts";
import { requestRereads } from "../../sync/rereads.server.ts";
import { applied, handler } from "../handler.ts";

/**
 * `inventory_levels/update`, `inventory_levels/connect`: what is available is stored at once; what is on
 * hand, committed and incoming is read soon after, since payloads leave it out.
 */
export const updateLevel = handler(levelPayload, async (tx, payload, { shop }) => {
  const item = payload.inventory_item_id;
  await store.saveToldLevel(tx, shop, {
    inventoryItemId: item,
    locationId: payload.location_id,
    available: payload.available,
    updatedAt: payload.updated_at,
  });
  await requestRereads(tx, shop, [{ kind: "inventory_item", id: item }]);
  return applied;
});

export const connectLevel = updateLevel;

/** `inventory_items/update`: whether stock is tracked has no moment that it could be compared by, so it is read. */
export const updateItem = handler(z.object({ id }), async (tx, { id: item }, { shop }) => {
  await requestRereads(tx, shop, [{ kind: "inventory_item", id: item }]);
  return applied;
});

/** `inventory_levels/disconnect`: has no moment of its own, so what is there now decides. */
export const disconnectLevel = handler(
  disconnectedPayload,
  async (tx, { inventory_item_id: inventoryItemId, location_id: locationId }, { shop, at }) => {
    await store.disconnectLevel(tx, shop, { inventoryItemId, locationId }, at);
    const item = { kind: "inventory_item", id: inventoryItemId } as const;
    await requestRereads(tx, shop, [item]);
    return applied;
  },
);
