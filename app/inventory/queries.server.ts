import { and, asc, eq, isNull, sql, type SQL } from "drizzle-orm";
import { expectedLevels, type ExpectedLevels } from "../commands/expected.server.ts";
import { gravestChanges } from "../commands/queries.server.ts";
import type { PendingChange } from "../commands/types.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { planPage, type Keyset, type SortKey } from "../database/keyset.ts";
import { allOf, numberArray } from "../database/list-reads.ts";
import { locations } from "../database/schema.ts";
import { matches } from "../database/search.ts";
import { readSettings } from "../settings/settings.server.ts";
import type {
  InventoryLevel,
  InventoryPage,
  InventoryQuery,
  InventoryRow,
  InventorySort,
  Location,
} from "./types.ts";

/** Every location that was not deleted, by name. */
export async function listLocations(cluster: Cluster, shop: string): Promise<Sourced<Location[]>> {
  return cluster.read(shop, (db) => readLocations(db, shop));
}

async function readLocations(db: ShopDatabase, shop: string): Promise<Location[]> {
  return db
    .select({ id: locations.id, name: locations.name, active: locations.active })
    .from(locations)
    .where(and(eq(locations.shop, shop), isNull(locations.deletedAt)))
    .orderBy(asc(sql`${locations.name} collate "und-x-icu"`), asc(locations.id));
}

const id: SortKey = { expression: sql`s.id`, type: "bigint" };

/** Variants of one product stay together, in the product's own order. */
const keys: Readonly<Record<InventorySort, readonly SortKey[]>> = {
  title: [
    { expression: sql`s.title`, type: "text" },
    { expression: sql`s.product_id`, type: "bigint" },
    { expression: sql`s.position`, type: "bigint" },
    id,
  ],
  sku: [{ expression: sql`s.sku`, type: "text" }, id],
  available: [{ expression: sql`s.available`, type: "bigint" }, id],
};

/** What counts: levels that exist, at locations that are open. */
const countedLevels = (shop: string, locationId: number | null) => sql`
  select inventory_item_id, location_id, available from inventory_levels
  where shop = ${shop} and deleted_at is null
    ${locationId === null ? sql`` : sql`and location_id = ${locationId}::bigint`}
    and location_id not in (
      select id from locations where shop = ${shop} and (not active or deleted_at is not null))`;

/** Variants with what is available of each, over all locations or at one of them. */
const stock = (shop: string, locationId: number | null) => sql`
  select s.*, coalesce(l.available, 0) as available
  from stock_list s
  ${locationId === null ? sql`left join` : sql`join`} (
    select inventory_item_id, sum(available)::bigint as available
    from (${countedLevels(shop, locationId)}) counted group by inventory_item_id
  ) l on l.inventory_item_id = s.inventory_item_id
  where s.shop = ${shop}`;

/** The same without the sums, where nothing depends on them. */
const variantsAlone = (shop: string) => sql`select s.* from stock_list s where s.shop = ${shop}`;

/** Only what is counted and on sale can run low. */
const isLow = (threshold: number) =>
  sql`s.tracked and s.status in ('active', 'unlisted') and s.available <= ${threshold}::bigint`;

function stockCondition(filter: InventoryQuery["stock"], threshold: number): SQL | undefined {
  switch (filter) {
    case "all":
      return undefined;
    case "low":
      return isLow(threshold);
    case "out":
      return isLow(0);
  }
}

/** One page of variants with their stock, and what can be chosen to narrow it. */
export async function listInventory(
  cluster: Cluster,
  shop: string,
  query: InventoryQuery,
): Promise<Sourced<InventoryPage>> {
  const keyset: Keyset = { name: query.sort, keys: keys[query.sort], descending: query.descending };
  const page = planPage(keyset, query);
  return cluster.read(shop, async (db) => {
    const { lowStockThreshold } = await readSettings(db, shop);
    const filters = [
      stockCondition(query.stock, lowStockThreshold),
      matches(sql`s.search_text`, query.search),
      query.productType === null ? undefined : sql`s.product_type = ${query.productType}`,
      query.vendor === null ? undefined : sql`s.vendor = ${query.vendor}`,
    ];
    const needsSums =
      query.locationId !== null || query.stock !== "all" || query.sort === "available";
    const rowsToChoose = needsSums ? stock(shop, query.locationId) : variantsAlone(shop);
    const from = sql`from (${rowsToChoose}) s`;
    const [counted, found, places, types, vendors] = await Promise.all([
      db.execute<{ total: string }>(sql`select count(*) as total ${from} where ${allOf(filters)}`),
      db.execute<{ id: string; keys: string }>(sql`
        select s.id, ${page.keys} as keys ${from} where ${allOf([...filters, page.where])}
        order by ${page.orderBy} limit ${sql.raw(String(page.limit))}`),
      readLocations(db, shop),
      choices(db, shop, sql`product_type`),
      choices(db, shop, sql`vendor`),
    ]);
    const { rows, nextCursor, previousCursor } = page.finish(found);
    return {
      rows: await inventoryRows(
        db,
        shop,
        rows.map((row) => Number(row.id)),
        query.locationId,
      ),
      nextCursor,
      previousCursor,
      total: Number(counted[0]?.total ?? 0),
      locations: places,
      productTypes: types,
      vendors,
    };
  });
}

/** The different values of a column of the products, without the empty one. */
export async function choices(db: ShopDatabase, shop: string, column: SQL): Promise<string[]> {
  const rows = await db.execute<{ value: string }>(sql`
    select distinct ${column} collate "und-x-icu" as value from products
    where shop = ${shop} and deleted_at is null and ${column} <> '' order by value limit 500`);
  return rows.map(({ value }) => value);
}

/** Variants that are low or out, the lowest first, and how many there are of them. */
export async function lowStock(
  cluster: Cluster,
  shop: string,
  limit: number,
): Promise<Sourced<{ count: number; worst: InventoryRow[] }>> {
  return cluster.read(shop, (db) => readLowStock(db, shop, limit));
}

/** {@link lowStock} within a transaction that has already begun. */
export async function readLowStock(
  db: ShopDatabase,
  shop: string,
  limit: number,
): Promise<{ count: number; worst: InventoryRow[] }> {
  const { lowStockThreshold } = await readSettings(db, shop);
  const rows = await db.execute<{ id: string; count: string }>(sql`
    select s.id, count(*) over () as count from (${stock(shop, null)}) s
    where ${isLow(lowStockThreshold)}
    order by s.available, s.title, s.product_id, s.position, s.id
    limit ${sql.raw(String(Math.trunc(limit)))}`);
  return {
    count: Number(rows[0]?.count ?? 0),
    worst: await inventoryRows(
      db,
      shop,
      rows.map((row) => Number(row.id)),
      null,
    ),
  };
}

interface VariantRow extends Record<string, unknown> {
  readonly id: string;
  readonly product_id: string;
  readonly inventory_item_id: string;
  readonly title: string;
  readonly variant_title: string | null;
  readonly sku: string;
  readonly barcode: string | null;
  readonly image_url: string | null;
  readonly tracked: boolean;
}

interface LevelRow extends Record<string, unknown> {
  readonly item: string;
  readonly location_id: string;
  readonly location: string;
  readonly open: boolean;
  readonly available: number;
  readonly on_hand: number;
  readonly committed: number;
  readonly incoming: number;
}

/** Variants by id with their levels and changes, in the order of the ids. */
export async function inventoryRows(
  db: ShopDatabase,
  shop: string,
  variantIds: readonly number[],
  locationId: number | null,
): Promise<InventoryRow[]> {
  if (variantIds.length === 0) return [];
  const found = await db.execute<VariantRow>(sql`
    select v.id, v.product_id, v.inventory_item_id, p.title, v.title as variant_title, v.sku, v.barcode,
      coalesce(v.image_url, p.image_url) as image_url, v.tracked
    from variants v join products p on p.shop = v.shop and p.id = v.product_id
    where v.shop = ${shop} and v.id = any(${numberArray(variantIds)})`);
  const itemIds = found.map((row) => Number(row.inventory_item_id));
  const [expected, levels, changes] = await Promise.all([
    // Asked first: a change that is not found any more is in the levels.
    expectedLevels(db, shop, itemIds),
    readLevels(db, shop, itemIds),
    gravestChanges(
      db,
      shop,
      itemIds.map((item) => `inventory_item/${item}`),
    ),
  ]);
  const byId = new Map(found.map((row) => [Number(row.id), row]));
  return variantIds.flatMap((variantId) => {
    const row = byId.get(variantId);
    if (!row) return [];
    const item = Number(row.inventory_item_id);
    const change = changes.get(`inventory_item/${item}`) ?? null;
    return [inventoryRow(row, levels.get(item) ?? [], expected, change, locationId)];
  });
}

function inventoryRow(
  row: VariantRow,
  levels: readonly LevelRow[],
  expected: ExpectedLevels,
  pending: PendingChange | null,
  locationId: number | null,
): InventoryRow {
  const inventoryItemId = Number(row.inventory_item_id);
  const shown = levels.map((level) => {
    const locationId = Number(level.location_id);
    const onItsWay = expected.of(inventoryItemId, locationId);
    const shownLevel: InventoryLevel = {
      locationId,
      location: level.location,
      available: onItsWay?.available ?? level.available,
      onHand: level.on_hand,
      committed: level.committed,
      incoming: level.incoming,
      expected: onItsWay?.expected ?? null,
    };
    return { ...level, shown: shownLevel };
  });
  const counted = shown.filter(
    (level) => level.open && (locationId === null || level.shown.locationId === locationId),
  );
  return {
    variantId: Number(row.id),
    productId: Number(row.product_id),
    inventoryItemId,
    title: row.title,
    variantTitle: row.variant_title,
    sku: row.sku,
    barcode: row.barcode,
    imageUrl: row.image_url,
    tracked: row.tracked,
    available: counted.reduce((sum, level) => sum + level.shown.available, 0),
    levels: shown.map((level) => level.shown),
    pending,
  };
}

/** The levels of some items at locations that are open, by item and in the order of the locations' names. */
async function readLevels(
  db: ShopDatabase,
  shop: string,
  itemIds: readonly number[],
): Promise<Map<number, LevelRow[]>> {
  const rows = await db.execute<LevelRow>(sql`
    select l.inventory_item_id as item, l.location_id, coalesce(p.name, '') as location,
      coalesce(p.active, true) as open, l.available, l.on_hand, l.committed, l.incoming
    from inventory_levels l
    left join locations p on p.shop = l.shop and p.id = l.location_id
    where l.shop = ${shop} and l.inventory_item_id = any(${numberArray(itemIds)})
      and l.deleted_at is null and p.deleted_at is null and coalesce(p.active, true)
    order by p.name collate "und-x-icu", l.location_id`);
  const levels = new Map<number, LevelRow[]>();
  for (const row of rows) {
    const item = Number(row.item);
    levels.set(item, [...(levels.get(item) ?? []), row]);
  }
  return levels;
}
