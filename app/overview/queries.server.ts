import { createHash } from "node:crypto";
import { desc, eq, sql } from "drizzle-orm";
import { expectedStates, readChanges } from "../commands/queries.server.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { textList } from "../database/list-reads.ts";
import { isToFulfil, shops, syncRuns } from "../database/schema.ts";
import { readLowStock } from "../inventory/queries.server.ts";
import { amountText } from "../orders/amount.ts";
import type { SyncProgress } from "../sync/types.ts";
import type { ChangeMark, OrdersOfDay, Overview, ShopDetails } from "./types.ts";

const WORST_STOCK = 5;
const LISTED_CHANGES = 10;
const DAYS = 14;

/** What the first page shows. */
export async function getOverview(cluster: Cluster, shop: string): Promise<Sourced<Overview>> {
  return cluster.read(shop, async (db) => {
    const details = await readShop(db, shop);
    const [toFulfil, onHold, lowStock, changes, counts, ordersByDay, sync] = await Promise.all([
      readToFulfil(db, shop),
      countOnHold(db, shop),
      readLowStock(db, shop, WORST_STOCK),
      readChanges(db, shop, { state: "unsettled", limit: LISTED_CHANGES }),
      countChanges(db, shop),
      readOrdersByDay(db, shop, details),
      readSync(db, shop),
    ]);
    return {
      toFulfil,
      onHold,
      lowStock,
      changes: { count: counts.pending + counts.needYou, needYou: counts.needYou, list: changes },
      ordersByDay,
      sync,
    };
  });
}

/** What is known of the shop itself; null before it was ever installed. */
export async function getShop(
  cluster: Cluster,
  shop: string,
): Promise<Sourced<ShopDetails | null>> {
  return cluster.read(shop, (db) => readShop(db, shop));
}

async function readShop(db: ShopDatabase, shop: string): Promise<ShopDetails | null> {
  const [row] = await db
    .select({
      shop: shops.shop,
      name: shops.name,
      email: shops.email,
      currency: shops.currency,
      timeZone: shops.timeZone,
      plan: shops.plan,
      primaryLocationId: shops.primaryLocationId,
      installedAt: shops.installedAt,
      uninstalledAt: shops.uninstalledAt,
    })
    .from(shops)
    .where(eq(shops.shop, shop));
  return row ?? null;
}

async function readToFulfil(db: ShopDatabase, shop: string): Promise<Overview["toFulfil"]> {
  const [[all], places] = await Promise.all([
    db.execute<{ count: string; oldest: string | null }>(sql`
      select count(*) as count, min(o.placed_at) as oldest
      from order_list o where o.shop = ${shop} and ${isToFulfil}`),
    db.execute<{ id: string; location: string; count: string }>(sql`
      select l.id, l.name as location, count(*) as count
      from (select unnest(location_ids) as id from order_list
            where shop = ${shop} and ${isToFulfil}) place
      join locations l on l.shop = ${shop} and l.id = place.id
      group by l.id, l.name order by count desc, l.name, l.id`),
  ]);
  return {
    count: Number(all?.count ?? 0),
    oldestPlacedAt: all?.oldest ? new Date(all.oldest) : null,
    byLocation: places.map(({ id, location, count }) => ({
      locationId: Number(id),
      location,
      count: Number(count),
    })),
  };
}

async function countOnHold(db: ShopDatabase, shop: string): Promise<number> {
  const [row] = await db.execute<{ count: string }>(sql`
    select count(*) as count from order_list o
    where o.shop = ${shop} and o.fulfillment_status = 'on_hold' and o.cancelled_at is null`);
  return Number(row?.count ?? 0);
}

async function countChanges(
  db: ShopDatabase,
  shop: string,
): Promise<{ pending: number; needYou: number }> {
  const [row] = await db.execute<{ pending: string; need_you: string }>(sql`
    select count(*) filter (where state in ${textList(expectedStates)}) as pending,
      count(*) filter (where state = 'failed') as need_you
    from commands where shop = ${shop} and state not in ('done', 'discarded')`);
  return { pending: Number(row?.pending ?? 0), needYou: Number(row?.need_you ?? 0) };
}

async function readOrdersByDay(
  db: ShopDatabase,
  shop: string,
  details: ShopDetails | null,
): Promise<OrdersOfDay[]> {
  const zone = knownTimeZone(details?.timeZone ?? null);
  const currency = details?.currency ?? "XXX";
  const rows = await db.execute<{ day: string; orders: string; total: string }>(sql`
    with today as (select (now() at time zone ${zone}::text)::date as day)
    select days.day::text as day, count(o.id) as orders, coalesce(sum(o.total), 0) as total
    from today
    cross join lateral generate_series(0, ${sql.raw(String(DAYS - 1))}) as ago
    cross join lateral (select today.day - ago as day) as days
    left join order_list o on o.shop = ${shop} and o.cancelled_at is null
      and o.placed_at >= days.day::timestamp at time zone ${zone}::text
      and o.placed_at < (days.day + 1)::timestamp at time zone ${zone}::text
    group by days.day order by days.day`);
  return rows.map(({ day, orders, total }) => ({
    day,
    orders: Number(orders),
    total: { amount: amountText(total), currency },
  }));
}

/** A zone that both sides know by that name; UTC otherwise. */
function knownTimeZone(zone: string | null): string {
  return zone !== null && Intl.supportedValuesOf("timeZone").includes(zone) ? zone : "UTC";
}

async function readSync(db: ShopDatabase, shop: string): Promise<SyncProgress | null> {
  const [run] = await db
    .select({
      id: syncRuns.id,
      kind: syncRuns.kind,
      state: syncRuns.state,
      startedAt: syncRuns.startedAt,
      finishedAt: syncRuns.finishedAt,
      error: syncRuns.error,
      phases: syncRuns.phases,
    })
    .from(syncRuns)
    .where(eq(syncRuns.shop, shop))
    .orderBy(desc(syncRuns.startedAt))
    .limit(1);
  return run ?? null;
}

/**
 * How long a transaction may take to commit after it has stamped its rows and still be noticed: all stamps
 * this far back from the newest are part of the mark, so that one that becomes visible late changes it.
 */
const LATE_COMMIT = sql.raw(`interval '30 seconds'`);
/** During an import there are many of them, and the newest stamp alone moves on all the time. */
const LOOKED_AT_ROWS = sql.raw("10000");

const watched = [
  ["orders", "synced_at"],
  ["products", "synced_at"],
  ["variants", "synced_at"],
  ["inventory_levels", "synced_at"],
  ["commands", "updated_at"],
] as const;

/** Whether anything has changed, for pages that are open: one round trip that costs next to nothing. */
export async function changeMark(cluster: Cluster, shop: string): Promise<Sourced<ChangeMark>> {
  const parts = watched.map(([table, column]) => {
    const [rows, stamp] = [sql.identifier(table), sql.identifier(column)];
    return sql`(
      select concat(extract(epoch from newest.at), '+', (
        select concat(count(*), '/', sum(extract(epoch from recent.at))) from (
          select ${stamp} as at from ${rows}
          where shop = ${shop} and ${stamp} > newest.at - ${LATE_COMMIT}
          limit ${LOOKED_AT_ROWS}
        ) recent))
      from (select max(${stamp}) as at from ${rows} where shop = ${shop}) newest)`;
  });
  return cluster.read(shop, async (db) => {
    const [[marks], counts, [run]] = await Promise.all([
      db.execute<{ mark: string }>(sql`select concat_ws(' ', ${sql.join(parts, sql`, `)}) as mark`),
      countChanges(db, shop),
      db.execute<{ at: string | null; syncing: boolean | null }>(sql`
        select max(updated_at) as at, bool_or(state = 'running') as syncing
        from sync_runs where shop = ${shop}`),
    ]);
    const mark = createHash("sha256").update(`${marks?.mark} ${run?.at}`).digest("base64url");
    // Before the first run, the one that is about to begin is what an open page waits for.
    return { mark: mark.slice(0, 22), ...counts, syncing: run?.syncing ?? true };
  });
}
