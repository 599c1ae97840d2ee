import { and, eq, isNull, ne, notInArray, sql } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { isFresh, type Origin } from "../database/freshness.ts";
import { upsertRows, type PackedRows } from "../database/rows.ts";
import { inventoryLevels, locations, variants } from "../database/schema.ts";
import type { InventoryLevelRow, LocationRow } from "./mapping.server.ts";

/**
 * Stores locations.
 *
 * @returns The ids of those that were stored; the others were known in a newer state, or deleted.
 */
export async function saveLocations(
  tx: ShopDatabase,
  shop: string,
  rows: readonly LocationRow[],
  origin: Origin,
): Promise<number[]> {
  const packed = JSON.stringify(
    rows.map((row) => ({ ...row, fulfillsOnlineOrders: row.fulfillsOnlineOrders ?? true })),
  );
  const stored = await upsertRows(tx, locations, shop, packed, {
    key: ["id"],
    columns: ["id", "name", "active", "address", "fulfillsOnlineOrders", "updatedAt"],
    // What webhooks leave out.
    keep: origin === "told" ? ["fulfillsOnlineOrders"] : [],
    when: isFresh(origin),
  });
  return stored.map(({ id }) => id);
}

/** Marks a location and its stock as deleted, for good, whether or not it was heard of before. */
export async function deleteLocation(
  tx: ShopDatabase,
  shop: string,
  id: number,
  at: Date,
): Promise<void> {
  await tx
    .insert(locations)
    .values({ shop, id, name: "", active: false, updatedAt: at, deletedAt: at })
    .onConflictDoUpdate({
      target: [locations.shop, locations.id],
      set: { active: false, deletedAt: at },
      setWhere: isNull(locations.deletedAt),
    });
  await tx
    .update(inventoryLevels)
    .set({ deletedAt: at })
    .where(
      and(
        eq(inventoryLevels.shop, shop),
        eq(inventoryLevels.locationId, id),
        isNull(inventoryLevels.deletedAt),
      ),
    );
}

/** Packs levels; of one that is there more than once the newest counts. */
export function packLevels(all: readonly InventoryLevelRow[]): PackedRows {
  const newest = new Map<string, InventoryLevelRow>();
  for (const row of all) {
    const key = `${row.inventoryItemId}/${row.locationId}`;
    const other = newest.get(key);
    if (!other || other.updatedAt <= row.updatedAt) newest.set(key, row);
  }
  return JSON.stringify([...newest.values()]);
}

const levelKey = ["inventoryItemId", "locationId"] as const;
const levelColumns = [
  ...levelKey,
  "available",
  "onHand",
  "committed",
  "incoming",
  "updatedAt",
] as const;

/** A level that was taken away can come back (the item is stocked there again), but not with old news. */
const levelIsFresh = (origin: Origin) => {
  const newer = origin === "read" ? sql.raw("<=") : sql.raw("<");
  return sql`t.updated_at ${newer} excluded.updated_at
    and (t.deleted_at is null or t.deleted_at < excluded.updated_at)`;
};

/** Stores levels with all of their quantities. */
export async function saveLevels(
  tx: ShopDatabase,
  shop: string,
  rows: PackedRows,
  origin: Exclude<Origin, "told">,
): Promise<number> {
  const stored = await upsertRows(tx, inventoryLevels, shop, rows, {
    key: levelKey,
    columns: levelColumns,
    set: { deletedAt: sql`null` },
    when: levelIsFresh(origin),
  });
  return stored.length;
}

/** The levels of one item just as they were read: what is not among them is no longer stocked. */
export async function saveItemLevels(
  tx: ShopDatabase,
  shop: string,
  item: { readonly id: number; readonly tracked: boolean | null },
  rows: readonly InventoryLevelRow[],
): Promise<void> {
  await saveLevels(tx, shop, packLevels(rows), "read");
  const present = rows.map(({ locationId }) => locationId);
  await tx
    .update(inventoryLevels)
    .set({ deletedAt: sql`now()` })
    .where(
      and(
        eq(inventoryLevels.shop, shop),
        eq(inventoryLevels.inventoryItemId, item.id),
        isNull(inventoryLevels.deletedAt),
        ...(present.length > 0 ? [notInArray(inventoryLevels.locationId, present)] : []),
      ),
    );
  if (item.tracked === null) return;
  await tx
    .update(variants)
    .set({ tracked: item.tracked })
    .where(
      and(
        eq(variants.shop, shop),
        eq(variants.inventoryItemId, item.id),
        ne(variants.tracked, item.tracked),
      ),
    );
}

/** What a webhook says of a level: what is available, and nothing of the other quantities. */
export interface ToldLevel {
  readonly inventoryItemId: number;
  readonly locationId: number;
  readonly available: number;
  readonly updatedAt: string;
}

/**
 * Stores what a webhook says of a level. The other quantities stay as they are until the item is read by id.
 *
 * @returns Whether it was newer than what was known.
 */
export async function saveToldLevel(
  tx: ShopDatabase,
  shop: string,
  level: ToldLevel,
): Promise<boolean> {
  const rows = JSON.stringify([{ ...level, onHand: level.available }]);
  const stored = await upsertRows(tx, inventoryLevels, shop, rows, {
    key: levelKey,
    columns: [...levelKey, "available", "onHand", "updatedAt"],
    keep: ["onHand"],
    set: { deletedAt: sql`null` },
    when: levelIsFresh("told"),
  });
  return stored.length > 0;
}

/** Marks an item as no longer stocked at a location, unless newer news says that it is. */
export async function disconnectLevel(
  tx: ShopDatabase,
  shop: string,
  key: { readonly inventoryItemId: number; readonly locationId: number },
  at: Date,
): Promise<void> {
  await tx
    .insert(inventoryLevels)
    .values({ shop, ...key, updatedAt: at, deletedAt: at })
    .onConflictDoUpdate({
      target: [inventoryLevels.shop, inventoryLevels.inventoryItemId, inventoryLevels.locationId],
      set: { deletedAt: at },
      setWhere: sql`${inventoryLevels.updatedAt} <= ${at.toISOString()}::timestamptz`,
    });
}
