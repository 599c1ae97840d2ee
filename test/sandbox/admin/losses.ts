import type { Sql } from "postgres";
import type { AppProcess } from "../app-process.ts";
import { readAppTables } from "../app-tables.ts";
import type { PostgresPair } from "../postgres/index.ts";
import type { SandboxShopify } from "../shopify/index.ts";
import type { ShopStore } from "../shopify/shop/index.ts";
import { orderWindow } from "../shopify/shop/store.ts";
import type { LostSoFar } from "./controls.ts";

export interface LossCheck {
  /** Null as long as no shop's import is through. */
  readonly compare: () => Promise<LostSoFar | null>;
}

export interface LossesOptions {
  pair: PostgresPair;
  shopify: SandboxShopify<ShopStore>;
  shops: readonly ShopStore[];
  app: AppProcess;
}

type Row = LostSoFar["rows"][number];

/** Above this many orders a full comparison is made at most every half minute. */
const MANY_ORDERS = 20_000;
const MANY_ORDERS_INTERVAL_MS = 30_000;

/**
 * Makes what compares the app's tables with what the sandbox itself knows. Three things are laid side by side,
 * one by one and not as sums, so that a loss and a double cannot cancel each other:
 *
 * - every order that a shop shows the app, by id, at least as new as the shop's;
 * - every webhook that the app answered with 200, by its delivery id;
 * - every change that the app calls done, by the resource that it changed, against the shop's own books.
 *
 * Compared only when nothing is on its way: while a webhook waits or a change is being sent, a difference is
 * not yet a loss. What it reads, it reads as the superuser and straight from the primary, past the app and past
 * the faults on the wire.
 */
export function createLossCheck({ pair, shopify, shops, app }: LossesOptions): LossCheck {
  let last: LostSoFar | null = null;
  let lastAtMs = 0;

  async function compare(): Promise<LostSoFar | null> {
    const waitingFor = whatIsAway();
    if (waitingFor !== null) return postponed(waitingFor);
    const many = shops.reduce((sum, shop) => sum + shop.orders.count, 0) > MANY_ORDERS;
    if (many && Date.now() - lastAtMs < MANY_ORDERS_INTERVAL_MS) return last;

    if (await keepsSomething()) return postponed("what was kept is in the database");
    try {
      return await readAppTables(pair, compareWith);
    } catch {
      // The primary went away under the comparison; the next one will say so.
      return postponed("the database answers");
    }
  }

  async function compareWith(sql: Sql): Promise<LostSoFar | null> {
    const imported = await sql<{ shop: string }[]>`
      select distinct shop from sync_runs where kind = 'import' and state = 'done'`;
    if (imported.length === 0) return null;
    const underWay = await whatIsUnderWay(sql);
    if (underWay !== null) return postponed(underWay);
    const domains = new Set(imported.map(({ shop }) => shop));
    const ready = shops.filter(({ domain }) => domains.has(domain));
    const rows = [await orders(sql, ready), await webhooks(sql), await changes(sql, ready)];
    lastAtMs = Date.now();
    last = {
      comparedAt: new Date().toISOString(),
      lost: rows.reduce((sum, row) => sum + row.lost + row.doubled, 0),
      waitingFor: null,
      rows,
    };
    return last;
  }

  function postponed(waitingFor: string): LostSoFar | null {
    return last === null ? null : { ...last, waitingFor };
  }

  function whatIsAway(): string | null {
    if (app.state !== "ready") return "the app is ready";
    if (pair.primary.process !== "up") return "the database is up";
    if (shopify.faults.list().length > 0) return "Shopify is well";
    if (shopify.webhooks.counts.pending > 0) return "all webhooks have arrived";
    return null;
  }

  /** Whether the app has acknowledged what is on its disk alone so far. */
  async function keepsSomething(): Promise<boolean> {
    const response = await fetch(`${app.url}/health`).catch(() => null);
    if (!response?.ok) return true;
    const { kept } = (await response.json()) as { kept?: { waiting: number } | null };
    return (kept?.waiting ?? 0) > 0;
  }

  async function whatIsUnderWay(sql: Sql): Promise<string | null> {
    const [found] = await sql<
      { deliveries: number; commands: number; rereads: number; syncs: number }[]
    >`
      select
        (select count(*) from webhook_deliveries where state = 'received')::int as deliveries,
        (select count(*) from commands where state in ('accepted', 'sending', 'unknown'))::int as commands,
        (select count(*) from rereads)::int as rereads,
        (select count(*) from sync_runs where state = 'running')::int as syncs`;
    if (!found) return null;
    if (found.syncs > 0) return "the import is through";
    if (found.deliveries > 0) return "all webhooks are worked off";
    if (found.commands > 0) return "all changes have reached Shopify";
    if (found.rereads > 0) return "everything has been read again";
    return null;
  }

  async function orders(sql: Sql, ready: readonly ShopStore[]): Promise<Row> {
    const row: Row = { what: "Orders", expected: 0, found: 0, lost: 0, doubled: 0 };
    for (const shop of ready) {
      const stored = await sql<{ id: string; updatedAt: number }[]>`
        select id::text, extract(epoch from updated_at)::float8 as "updatedAt"
        from orders where shop = ${shop.domain} and deleted_at is null`;
      const updatedAt = new Map(stored.map((order) => [Number(order.id), order.updatedAt]));
      const windowStart = shop.now() - orderWindow;
      for (const ordinal of shop.orders.byNumber()) {
        if (shop.orders.createdAt(ordinal) < windowStart) continue;
        row.expected += 1;
        const has = updatedAt.get(shop.ids.row("Order", ordinal));
        if (has !== undefined && has >= shop.orders.updatedAt(ordinal)) row.found += 1;
      }
    }
    row.lost = row.expected - row.found;
    return row;
  }

  async function webhooks(sql: Sql): Promise<Row> {
    const acknowledged = shopify.webhooks
      .deliveries()
      .filter(({ state }) => state === "delivered")
      .map(({ webhookId }) => webhookId);
    const [stored] = await sql<{ rows: number; ids: number }[]>`
      select count(*)::int as rows, count(distinct id)::int as ids
      from webhook_deliveries where id = any(${acknowledged})`;
    const { rows = 0, ids = 0 } = stored ?? {};
    return {
      what: "Webhooks answered 200",
      expected: acknowledged.length,
      found: ids,
      lost: acknowledged.length - ids,
      doubled: rows - ids,
    };
  }

  async function changes(sql: Sql, ready: readonly ShopStore[]): Promise<Row> {
    const row: Row = { what: "Changes sent", expected: 0, found: 0, lost: 0, doubled: 0 };
    for (const shop of ready) {
      const done = await sql<{ resource: string }[]>`
        select case kind when 'order.take' then result ->> 'created' else resource end as resource
        from commands where shop = ${shop.domain} and state = 'done'`;
      const asked = countBy(done.map(({ resource }) => numberIn(resource)));
      const applied = countBy(
        shop.ledger
          // A draft that is made is on its way: what becomes of it is what was asked for.
          .filter(
            ({ mutation }) => mutation !== "draftOrderCreate" && mutation !== "draftOrderDelete",
          )
          .flatMap(({ resources }) => [...new Set(resources.map(numberIn))]),
      );
      for (const [resource, times] of asked) {
        const has = applied.get(resource) ?? 0;
        row.expected += times;
        row.found += Math.min(times, has);
        row.lost += Math.max(0, times - has);
        row.doubled += Math.max(0, has - times);
      }
    }
    return row;
  }

  return { compare };
}

/**
 * The number that a resource is known by: of `order/5921` and `gid://shopify/Order/5921` the last one, of an
 * inventory level (`gid://shopify/InventoryLevel/1?inventory_item_id=456`) that of its item.
 */
function numberIn(resource: string): string {
  return /(?:inventory_item_id=|\/)(\d+)$/.exec(resource)?.[1] ?? resource;
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
