import { z } from "zod";
import type { RowOf } from "../database/rows.ts";
import type { inventoryLevels, locations } from "../database/schema.ts";
import { id, idOf, moment, optionalText, pageOf } from "../shopify/fields.ts";

export type LocationRow = Omit<RowOf<typeof locations>, "deletedAt" | "fulfillsOnlineOrders"> & {
  /** Null where it was not said. */
  readonly fulfillsOnlineOrders: boolean | null;
};
export type InventoryLevelRow = Omit<RowOf<typeof inventoryLevels>, "deletedAt">;

const place = {
  address1: optionalText,
  address2: optionalText,
  zip: optionalText,
  city: optionalText,
  province: optionalText,
  country: optionalText,
};

export const locationNode = z.object({
  id: idOf("Location"),
  name: z.string(),
  isActive: z.boolean(),
  fulfillsOnlineOrders: z.boolean(),
  updatedAt: moment,
  address: z.object(place),
});

/** From the Admin API's answer. */
export function locationFromNode(node: z.infer<typeof locationNode>): LocationRow {
  return {
    id: node.id,
    name: node.name,
    active: node.isActive,
    address: addressLines(node.address),
    fulfillsOnlineOrders: node.fulfillsOnlineOrders,
    updatedAt: node.updatedAt,
  };
}

/** `locations/create`, `update`, `activate` and `deactivate`. */
export const locationPayload = z.object({
  id,
  name: z.string(),
  active: z.boolean(),
  updated_at: moment,
  ...place,
  country_name: optionalText,
});

/** From a webhook. */
export function locationFromPayload(payload: z.infer<typeof locationPayload>): LocationRow {
  return {
    id: payload.id,
    name: payload.name,
    active: payload.active,
    // Payloads have the country's code in `country` and its name beside it.
    address: addressLines({ ...payload, country: payload.country_name ?? payload.country }),
    fulfillsOnlineOrders: null,
    updatedAt: payload.updated_at,
  };
}

/** `locations/delete`. */
export const deletedLocationPayload = z.object({ id });

function addressLines(address: {
  readonly [Part in keyof typeof place]: string | null;
}): string[] {
  const { address1, address2, zip, city, province, country } = address;
  const town = [zip, city].filter(Boolean).join(" ");
  return [address1, address2, town, province, country].filter(
    (line) => line !== null && line !== "",
  ) as string[];
}

const quantityNames = ["available", "on_hand", "committed", "incoming"] as const;

export const levelNode = z.object({
  updatedAt: moment,
  isActive: z.boolean(),
  item: z.object({ id: idOf("InventoryItem") }),
  quantities: z.array(z.object({ name: z.string(), quantity: z.number().int() })),
});
export type LevelNode = z.infer<typeof levelNode>;

/** From the Admin API's answer, at a location that is known from where it was asked for. */
export function levelFromNode(node: LevelNode, locationId: number): InventoryLevelRow {
  const [available, onHand, committed, incoming] = quantityNames.map(
    (name) => node.quantities.find((quantity) => quantity.name === name)?.quantity ?? 0,
  ) as [number, number, number, number];
  return {
    inventoryItemId: node.item.id,
    locationId,
    available,
    onHand,
    committed,
    incoming,
    updatedAt: node.updatedAt,
  };
}

export const levelsPageShape = pageOf(levelNode);

const levelOfItemNode = levelNode.extend({ location: z.object({ id: idOf("Location") }) });

/** An inventory item with its levels at every location. */
export const itemWithLevelsNode = z.object({
  id: idOf("InventoryItem"),
  tracked: z.boolean(),
  inventoryLevels: pageOf(levelOfItemNode),
});
export const levelsOfItemPage = pageOf(levelOfItemNode);
export type ItemWithLevelsNode = z.infer<typeof itemWithLevelsNode>;

/** The levels that count: an item that is no longer stocked somewhere keeps an inactive one there. */
export function levelsFromItem({
  inventoryLevels: { nodes },
}: ItemWithLevelsNode): InventoryLevelRow[] {
  return nodes
    .filter(({ isActive }) => isActive)
    .map((level) => levelFromNode(level, level.location.id));
}

/** `inventory_levels/update` and `connect`: of the quantities only what is available. */
export const levelPayload = z.object({
  inventory_item_id: id,
  location_id: id,
  available: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? 0),
  updated_at: moment,
});

/** `inventory_levels/disconnect`. */
export const disconnectedPayload = z.object({ inventory_item_id: id, location_id: id });
