import {
  deletedLocationPayload,
  locationFromPayload,
  locationPayload,
} from "../../inventory/mapping.server.ts";
import * as store from "../../inventory/store.server.ts";
import { requestRereads } from "../../sync/rereads.server.ts";
import { applied, handler } from "../handler.ts";

/** `locations/create`, `update`, `activate`, `deactivate`. */
export const updateLocation = handler(locationPayload, async (tx, payload, { shop }) => {
  await store.saveLocations(tx, shop, [locationFromPayload(payload)], "told");
  // Whether it fulfils online orders is not in the payload.
  await requestRereads(tx, shop, [{ kind: "location", id: payload.id }]);
  return applied;
});

export const deleteLocation = handler(deletedLocationPayload, async (tx, { id }, { shop, at }) => {
  await store.deleteLocation(tx, shop, id, at);
  return applied;
});
