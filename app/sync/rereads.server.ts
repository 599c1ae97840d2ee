import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import type { RereadKind } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import {
  itemWithLevelsNode,
  levelsFromItem,
  levelsOfItemPage,
  locationFromNode,
  locationNode,
  type InventoryLevelRow,
  type LocationRow,
} from "../inventory/mapping.server.ts";
import { saveItemLevels, saveLocations } from "../inventory/store.server.ts";
import type { Logger } from "../observability/logger.server.ts";
import { orderFromNode } from "../orders/mapping.server.ts";
import { orderBatch, packOrders, saveOrders } from "../orders/store.server.ts";
import { productFromNode } from "../products/mapping.server.ts";
import {
  deleteProduct,
  packProducts,
  productBatch,
  saveProducts,
} from "../products/store.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { ShopifyError } from "../shopify/errors.ts";
import { idOf } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import {
  ITEMS_PER_READ,
  itemLevelsPage,
  LEVELS_PER_PAGE,
  levelsByItem,
} from "../shopify/operations/inventory.ts";
import { LOCATIONS_PER_PAGE, locationsById } from "../shopify/operations/locations.ts";
import { ORDERS_PER_PAGE, ordersOfFulfillmentOrders } from "../shopify/operations/orders.ts";
import { PRODUCTS_PER_PAGE } from "../shopify/operations/products.ts";
import { shopDetails } from "../shopify/operations/shop.ts";
import { readOrders } from "./order-reader.server.ts";
import { allNodes, chunks, whole } from "./pages.ts";
import { readProducts } from "./product-reader.server.ts";
import { saveShopDetails, shopNode, type ShopDetails } from "./shop-details.server.ts";

/** Something to be read again from Shopify by id. `id` is 0 for the shop itself. */
export interface Reread {
  readonly kind: RereadKind;
  readonly id: number;
}

/** A reread that somebody has taken on. */
export interface ClaimedReread extends Reread {
  /** As the database wrote it: finer than a `Date`. */
  readonly requestedAt: string;
}

/** One event at Shopify makes several webhooks; what they ask to be read again is read once they are all in. */
export const REREAD_DELAY_MS = 1_000;
/** How long whoever has taken a reread on may need. */
const LEASE_SECONDS = 120;
/** Doubles with each attempt, up to an hour. */
const FIRST_RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 3_600;
const CLAIMED_AT_ONCE = 60;
/** Nobody waits for it at the screen. */
const SETTLE_DEADLINE_MS = 20_000;

const perRead: Readonly<Record<RereadKind, number>> = {
  order: ORDERS_PER_PAGE,
  fulfillment_order: ORDERS_PER_PAGE,
  product: PRODUCTS_PER_PAGE,
  inventory_item: ITEMS_PER_READ,
  location: LOCATIONS_PER_PAGE,
  shop: 1,
};

/**
 * Asks for resources to be read again, in the transaction of whatever showed the need, shortly afterwards. One
 * that is asked for already, or being read just now, is read once more afterwards and not at the same time.
 */
export async function requestRereads(
  tx: ShopDatabase,
  shop: string,
  wanted: readonly Reread[],
): Promise<void> {
  if (wanted.length === 0) return;
  const distinct = [...new Map(wanted.map((one) => [`${one.kind}/${one.id}`, one])).values()];
  await tx.execute(sql`
    insert into rereads (shop, kind, id, requested_at, due_at)
    select ${shop}, x.kind, x.id, clock_timestamp(), clock_timestamp() + ${REREAD_DELAY_MS} * interval '1 millisecond'
    from json_to_recordset(${JSON.stringify(distinct)}::text::json) as x(kind text, id bigint)
    order by x.kind, x.id
    on conflict (shop, kind, id) do update set requested_at = excluded.requested_at, attempts = 0`);
}

const fulfillmentOrderNode = z.object({ orderId: idOf("Order") });
const kind = z.enum([
  "order",
  "fulfillment_order",
  "product",
  "inventory_item",
  "location",
  "shop",
]);
const claimed = z.object({ kind, id: z.number(), requestedAt: z.string() });

/** Takes some rereads that are due on; nobody else will until the lease has passed. */
const claimRereads = defineWrite(
  "sync.claim-rereads",
  z.object({ limit: z.number().int() }),
  async (tx, { limit }, { shop }): Promise<{ claimed: ClaimedReread[] }> => {
    const rows = await tx.execute<{ kind: RereadKind; id: string; requested_at: string }>(sql`
      update rereads r
      set due_at = clock_timestamp() + ${LEASE_SECONDS} * interval '1 second', attempts = r.attempts + 1
      from (
        select kind, id from rereads
        where shop = ${shop} and due_at <= clock_timestamp()
        order by due_at limit ${limit} for update skip locked
      ) due
      where r.shop = ${shop} and r.kind = due.kind and r.id = due.id
      returning r.kind, r.id, r.requested_at::text as requested_at`);
    return {
      claimed: rows.map((row) => ({
        kind: row.kind,
        id: Number(row.id),
        requestedAt: row.requested_at,
      })),
    };
  },
);

/** What reading some resources again has brought, ready to be stored. */
export const findings = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("order"), batch: orderBatch }),
  z.object({ kind: z.literal("product"), batch: productBatch, gone: z.array(z.number()) }),
  z.object({
    kind: z.literal("inventory_item"),
    items: z.array(
      z.object({
        id: z.number(),
        /** Null where the item is gone. */
        tracked: z.boolean().nullable(),
        levels: z.array(z.custom<InventoryLevelRow>()),
      }),
    ),
  }),
  z.object({ kind: z.literal("location"), rows: z.array(z.custom<LocationRow>()) }),
  z.object({ kind: z.literal("shop"), details: z.custom<ShopDetails>() }),
  z.object({ kind: z.literal("nothing") }),
]);
export type Findings = z.infer<typeof findings>;

/** Stores what was read, and takes what it settles off the list, both or neither. */
const settleRereads = defineWrite(
  "sync.settle-rereads",
  z.object({ settled: z.array(claimed), findings }),
  async (tx, { settled, findings }, { shop }) => {
    await saveFindings(tx, shop, findings);
    const packed = JSON.stringify(settled);
    // What was asked for again meanwhile stays, and comes up at once.
    await tx.execute(sql`
      update rereads r set due_at = clock_timestamp()
      from json_to_recordset(${packed}::text::json) as x(kind text, id bigint, "requestedAt" timestamptz)
      where r.shop = ${shop} and r.kind = x.kind and r.id = x.id and r.requested_at <> x."requestedAt"`);
    await tx.execute(sql`
      delete from rereads r
      using json_to_recordset(${packed}::text::json) as x(kind text, id bigint, "requestedAt" timestamptz)
      where r.shop = ${shop} and r.kind = x.kind and r.id = x.id and r.requested_at = x."requestedAt"`);
  },
);

/** Stores what reading some resources again has brought. */
export async function saveFindings(
  tx: ShopDatabase,
  shop: string,
  findings: Findings,
): Promise<void> {
  switch (findings.kind) {
    case "order":
      await saveOrders(tx, shop, findings.batch, "read");
      return;
    case "product":
      await saveProducts(tx, shop, findings.batch, "read");
      for (const id of findings.gone) await deleteProduct(tx, shop, id, new Date());
      return;
    case "inventory_item":
      for (const { id, tracked, levels } of findings.items) {
        await saveItemLevels(tx, shop, { id, tracked }, levels);
      }
      return;
    case "location":
      await saveLocations(tx, shop, findings.rows, "read");
      return;
    case "shop":
      await saveShopDetails(tx, shop, findings.details);
      return;
    case "nothing":
      return;
  }
}

/** Puts rereads back that could not be done. */
const putBack = defineWrite(
  "sync.put-rereads-back",
  z.object({ rereads: z.array(claimed) }),
  async (tx, { rereads }, { shop }) => {
    await tx.execute(sql`
      update rereads r
      set due_at = clock_timestamp() + interval '1 second' *
        least(${MAX_RETRY_SECONDS}, ${FIRST_RETRY_SECONDS} * power(2, least(r.attempts, 20) - 1))
      from json_to_recordset(${JSON.stringify(rereads)}::text::json) as x(kind text, id bigint)
      where r.shop = ${shop} and r.kind = x.kind and r.id = x.id`);
  },
);

export interface RereadOptions {
  /** Whether protected customer data is worth asking for. */
  readonly mayAskForPeople: () => boolean;
  /** Shopify has refused protected customer data. */
  readonly peopleRefused: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** Reads what waits in `rereads`. */
export class Rereads {
  readonly #cluster: Cluster;
  readonly #logger: Logger;

  constructor({ cluster, logger }: { readonly cluster: Cluster; readonly logger: Logger }) {
    this.#cluster = cluster;
    this.#logger = logger;
  }

  /**
   * Reads everything of a shop that is due.
   *
   * @returns When the next will be due, null when nothing is left.
   * @throws ShopifyError when Shopify cannot be asked for now; what was not read is kept.
   */
  async readDue(admin: AdminClient, options: RereadOptions): Promise<Date | null> {
    while (!options.signal.aborted) {
      const { claimed } = await this.#cluster.write(
        admin.shop,
        `reread.claim:${randomUUID()}`,
        claimRereads,
        { limit: CLAIMED_AT_ONCE },
      );
      if (claimed.length === 0) break;
      const open = new Set(claimed);
      try {
        for (const [kind, size] of Object.entries(perRead) as [RereadKind, number][]) {
          const ofKind = claimed.filter((one) => one.kind === kind);
          for (const some of chunks(ofKind, size)) {
            await this.#read(admin, kind, some, options);
            for (const one of some) open.delete(one);
          }
        }
      } catch (error) {
        await this.#cluster.write(admin.shop, `reread.back:${randomUUID()}`, putBack, {
          rereads: [...open],
        });
        throw error;
      }
    }
    return this.#nextDue(admin.shop);
  }

  async #nextDue(shop: string): Promise<Date | null> {
    const { value } = await this.#cluster.read(shop, (db) =>
      db.execute<{ at: string | null }>(
        sql`select min(due_at)::text as at from rereads where shop = ${shop}`,
      ),
    );
    const at = value[0]?.at;
    return at ? new Date(at) : null;
  }

  async #read(
    admin: AdminClient,
    kind: RereadKind,
    some: readonly ClaimedReread[],
    options: RereadOptions,
  ): Promise<void> {
    let findings: Findings;
    try {
      findings = await readAgain(
        admin,
        kind,
        some.map(({ id }) => id),
        options,
      );
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      // One of them has a shape that is not known. The others must not wait for it.
      if (some.length > 1) {
        for (const one of some) await this.#read(admin, kind, [one], options);
        return;
      }
      const where = error.issues.map(({ path }) => path.join("."));
      this.#logger.error({ shop: admin.shop, kind, id: some[0]?.id, where }, "unreadable answer");
      findings = { kind: "nothing" };
    }
    await this.#cluster.write(
      admin.shop,
      `reread:${randomUUID()}`,
      settleRereads,
      { settled: [...some], findings },
      { deadlineMs: SETTLE_DEADLINE_MS },
    );
  }
}

/**
 * Reads resources of one kind by id.
 *
 * @throws ShopifyError when Shopify cannot be asked; z.ZodError when it answers with an unknown shape.
 */
export async function readAgain(
  admin: AdminClient,
  kind: RereadKind,
  ids: readonly number[],
  options: RereadOptions,
): Promise<Findings> {
  switch (kind) {
    case "order": {
      const orders = await ordersWithOrWithoutPeople(admin, ids, options);
      return { kind, batch: packOrders(orders.map(orderFromNode)) };
    }
    case "fulfillment_order": {
      const orderIds = await orderIdsOf(admin, ids, options);
      const orders = await ordersWithOrWithoutPeople(admin, orderIds, options);
      return { kind: "order", batch: packOrders(orders.map(orderFromNode)) };
    }
    case "product": {
      const products = await readProducts(admin, ids, options);
      const found = [...products.values()].filter((product) => product !== null);
      return {
        kind,
        batch: packProducts(found.map(productFromNode)),
        gone: [...products].filter(([, product]) => product === null).map(([id]) => id),
      };
    }
    case "inventory_item":
      return { kind, items: await readItems(admin, ids, options) };
    case "location": {
      const { nodes } = await admin.request(
        locationsById,
        { ids: ids.map((id) => globalId("Location", id)) },
        options,
      );
      const present = nodes.filter((node) => node !== null);
      return { kind, rows: present.map((node) => locationFromNode(locationNode.parse(node))) };
    }
    case "shop": {
      const { shop } = await admin.request(shopDetails, {}, options);
      return { kind, details: shopNode.parse(shop) };
    }
  }
}

async function orderIdsOf(
  admin: AdminClient,
  fulfillmentOrderIds: readonly number[],
  { signal }: RereadOptions,
): Promise<number[]> {
  const ids = fulfillmentOrderIds.map((id) => globalId("FulfillmentOrder", id));
  const { nodes } = await admin.request(ordersOfFulfillmentOrders, { ids }, { signal });
  const found = nodes.filter((node) => node !== null);
  return [...new Set(found.map((node) => fulfillmentOrderNode.parse(node).orderId))];
}

async function ordersWithOrWithoutPeople(
  admin: AdminClient,
  ids: readonly number[],
  { mayAskForPeople, peopleRefused, signal }: RereadOptions,
) {
  const personal = mayAskForPeople();
  try {
    return await readOrders(admin, ids, { personal, signal });
  } catch (error) {
    if (!(error instanceof ShopifyError) || error.kind !== "forbidden" || !personal) throw error;
    peopleRefused(error.message);
    return readOrders(admin, ids, { personal: false, signal });
  }
}

async function readItems(
  admin: AdminClient,
  ids: readonly number[],
  { signal }: RereadOptions,
): Promise<{ id: number; tracked: boolean | null; levels: InventoryLevelRow[] }[]> {
  const { nodes } = await admin.request(
    levelsByItem,
    { ids: ids.map((id) => globalId("InventoryItem", id)) },
    { signal },
  );
  const found = [];
  for (const node of nodes.filter((one) => one !== null)) {
    const item = itemWithLevelsNode.parse(node);
    const levels = await allNodes(
      item.inventoryLevels,
      async (after) =>
        (
          await admin.request(
            itemLevelsPage,
            { id: globalId("InventoryItem", item.id), first: LEVELS_PER_PAGE, after },
            { signal },
          )
        ).inventoryItem?.inventoryLevels,
      (page) => levelsOfItemPage.parse(page),
    );
    found.push({
      id: item.id,
      tracked: item.tracked,
      levels: levelsFromItem({ ...item, inventoryLevels: whole(levels) }),
    });
  }
  const present = new Set(found.map(({ id }) => id));
  const gone = ids.filter((id) => !present.has(id));
  return [...found, ...gone.map((id) => ({ id, tracked: null, levels: [] }))];
}
