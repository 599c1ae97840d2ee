import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import { isFresh, type Origin } from "../database/freshness.ts";
import { idsIn, upsertRows, type ColumnOf, type PackedRows } from "../database/rows.ts";
import {
  fulfillmentOrders,
  fulfillments,
  orderLines,
  orders,
  TAKEN_HERE,
} from "../database/schema.ts";
import type { OrderRows } from "./mapping.server.ts";
import { linkTaken } from "./taken.server.ts";

/** Orders ready to be stored: each table's rows as one JSON text. */
export const orderBatch = z.object({
  orders: z.string(),
  lines: z.string(),
  fulfillments: z.string(),
  /** Null where they were not said. */
  fulfillmentOrders: z.string().nullable(),
});
export type OrderBatch = z.infer<typeof orderBatch>;

/**
 * Packs orders; of one that is there more than once the newest counts. Either all of them carry their
 * fulfillment orders or none of them.
 */
export function packOrders(all: readonly OrderRows[]): OrderBatch {
  const newest = new Map<number, OrderRows>();
  for (const rows of all) {
    const other = newest.get(rows.order.id);
    if (!other || other.order.updatedAt <= rows.order.updatedAt) newest.set(rows.order.id, rows);
  }
  const kept = [...newest.values()];
  return {
    orders: JSON.stringify(kept.map(({ order }) => order)),
    lines: JSON.stringify(kept.flatMap(({ lines }) => lines)),
    fulfillments: JSON.stringify(kept.flatMap((rows) => rows.fulfillments)),
    fulfillmentOrders: kept.some((rows) => rows.fulfillmentOrders === null)
      ? null
      : JSON.stringify(kept.flatMap((rows) => rows.fulfillmentOrders ?? [])),
  };
}

const personalColumns = [
  "customerId",
  "customerName",
  "email",
  "phone",
  "shippingAddress",
  "billingAddress",
  "note",
  "searchText",
] as const satisfies readonly ColumnOf<typeof orders>[];

const orderColumns = [
  "id",
  "name",
  "placedAt",
  "updatedAt",
  "cancelledAt",
  "cancelReason",
  "closedAt",
  "paymentStatus",
  "fulfillmentStatus",
  "currency",
  "total",
  "subtotal",
  "totalTax",
  "totalShipping",
  "totalDiscounts",
  "totalRefunded",
  "shippingMethod",
  "tags",
  "risk",
  "sourceName",
  "test",
  "units",
  "unitsToFulfil",
  "locationIds",
  ...personalColumns,
] as const satisfies readonly ColumnOf<typeof orders>[];

const lineColumns = [
  "orderId",
  "id",
  "position",
  "productId",
  "variantId",
  "title",
  "variantTitle",
  "sku",
  "imageUrl",
  "quantity",
  "currentQuantity",
  "unfulfilledQuantity",
  "unitPrice",
  "discount",
  "requiresShipping",
] as const satisfies readonly ColumnOf<typeof orderLines>[];

const fulfillmentOrderColumns = [
  "orderId",
  "id",
  "status",
  "locationId",
  "locationName",
  "holds",
  "fulfillAt",
  "lines",
  "updatedAt",
] as const satisfies readonly ColumnOf<typeof fulfillmentOrders>[];

const fulfillmentColumns = [
  "orderId",
  "id",
  "name",
  "status",
  "createdAt",
  "updatedAt",
  "locationId",
  "tracking",
  "lines",
] as const satisfies readonly ColumnOf<typeof fulfillments>[];

/** Once a customer has asked to be forgotten, nothing that comes later brings them back. */
const unlessRedacted = Object.fromEntries(
  personalColumns.map((column) => {
    const name = sql.identifier(column.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
    return [column, sql`case when t.redacted_at is null then excluded.${name} else t.${name} end`];
  }),
);

/** A webhook says `unfulfilled` of what the API tells apart further: what is known more closely is kept. */
const asFineAsKnown = sql`case
  when excluded.fulfillment_status = 'unfulfilled' and t.fulfillment_status in
    ('on_hold', 'scheduled', 'in_progress', 'open', 'pending_fulfillment', 'request_declined')
  then t.fulfillment_status else excluded.fulfillment_status end`;

/** What was begun here stays so, whatever Shopify calls the way on which it has got there. */
const asTakenHere = sql.raw(
  `case when t.source_name = '${TAKEN_HERE}' then t.source_name else excluded.source_name end`,
);

/**
 * Stores orders together with their lines, fulfillments and, where they were said, fulfillment orders. The
 * row of the order decides: where it is held back as older, so are its parts, and its lock keeps two writers
 * of one order apart.
 *
 * @returns The ids of the orders that were stored; the others were known in a newer state, or deleted.
 */
export async function saveOrders(
  tx: ShopDatabase,
  shop: string,
  batch: OrderBatch,
  origin: Origin,
): Promise<number[]> {
  const told = origin === "told";
  const stored = await upsertRows(tx, orders, shop, batch.orders, {
    key: ["id"],
    columns: orderColumns,
    // What webhooks leave out.
    keep: told ? ["risk", "locationIds"] : [],
    set: {
      ...unlessRedacted,
      sourceName: asTakenHere,
      ...(told ? { fulfillmentStatus: asFineAsKnown } : {}),
    },
    when: isFresh(origin),
  });
  if (stored.length === 0) return [];
  const ids = stored.map(({ id }) => id);
  await linkTaken(tx, shop, ids);
  const replaced = stored.filter(({ created }) => !created).map(({ id }) => id);
  const parts = { key: ["orderId", "id"], where: sql`x."orderId" in ${idsIn(ids)}` } as const;

  await removeMissing(tx, shop, orderLines, batch.lines, replaced);
  await upsertRows(tx, orderLines, shop, batch.lines, {
    ...parts,
    columns: lineColumns,
    keep: told ? ["imageUrl"] : [],
  });
  await removeMissing(tx, shop, fulfillments, batch.fulfillments, replaced);
  await upsertRows(tx, fulfillments, shop, batch.fulfillments, {
    ...parts,
    columns: fulfillmentColumns,
  });
  if (batch.fulfillmentOrders !== null) {
    await removeMissing(tx, shop, fulfillmentOrders, batch.fulfillmentOrders, replaced);
    await upsertRows(tx, fulfillmentOrders, shop, batch.fulfillmentOrders, {
      ...parts,
      columns: fulfillmentOrderColumns,
    });
  }
  return ids;
}

/** Takes away the parts of some orders that are no longer among `rows`. */
async function removeMissing(
  tx: ShopDatabase,
  shop: string,
  table: typeof orderLines | typeof fulfillments | typeof fulfillmentOrders,
  rows: PackedRows,
  orderIds: readonly number[],
): Promise<void> {
  if (orderIds.length === 0) return;
  await tx.execute(sql`
    delete from ${table}
    where shop = ${shop} and order_id in ${idsIn(orderIds)} and (order_id, id) not in
      (select x."orderId", x.id
       from json_to_recordset(${rows}::text::json) as x("orderId" bigint, id bigint))`);
}

/** What is known of an order, for telling an older webhook from one that is just as old. */
export interface KnownOrder {
  readonly updatedAt: Date;
  readonly unitsToFulfil: number;
  readonly deleted: boolean;
}

export async function knownOrder(
  tx: ShopDatabase,
  shop: string,
  id: number,
): Promise<KnownOrder | null> {
  const [row] = await tx
    .select({
      updatedAt: orders.updatedAt,
      unitsToFulfil: orders.unitsToFulfil,
      deletedAt: orders.deletedAt,
    })
    .from(orders)
    .where(and(eq(orders.shop, shop), eq(orders.id, id)));
  return row
    ? {
        updatedAt: row.updatedAt,
        unitsToFulfil: row.unitsToFulfil,
        deleted: row.deletedAt !== null,
      }
    : null;
}

/**
 * Marks an order as deleted, for good: Shopify never gives an id out again. Where the order was never heard
 * of, the mark is left all the same, since its creation may be told of later. What it held of the customer goes.
 */
export async function deleteOrder(
  tx: ShopDatabase,
  shop: string,
  id: number,
  at: Date,
): Promise<void> {
  const forgotten = {
    customerId: null,
    customerName: null,
    email: null,
    phone: null,
    shippingAddress: null,
    billingAddress: null,
    note: null,
    searchText: "",
    unitsToFulfil: 0,
    deletedAt: at,
  };
  await tx
    .insert(orders)
    .values({
      shop,
      id,
      name: "",
      placedAt: at,
      updatedAt: at,
      paymentStatus: "pending",
      fulfillmentStatus: "unfulfilled",
      currency: "XXX",
      total: "0",
      subtotal: "0",
      totalTax: "0",
      totalShipping: "0",
      totalDiscounts: "0",
      totalRefunded: "0",
      ...forgotten,
    })
    .onConflictDoUpdate({
      target: [orders.shop, orders.id],
      set: forgotten,
      setWhere: isNull(orders.deletedAt),
    });
  for (const table of [orderLines, fulfillmentOrders, fulfillments]) {
    await tx.delete(table).where(and(eq(table.shop, shop), eq(table.orderId, id)));
  }
}

/** Which orders some fulfillment orders belong to, as far as they are known. */
export async function ordersOfFulfillmentOrders(
  tx: ShopDatabase,
  shop: string,
  ids: readonly number[],
): Promise<Map<number, number>> {
  const rows = await tx
    .select({ id: fulfillmentOrders.id, orderId: fulfillmentOrders.orderId })
    .from(fulfillmentOrders)
    .where(and(eq(fulfillmentOrders.shop, shop), inArray(fulfillmentOrders.id, [...ids])));
  return new Map(rows.map(({ id, orderId }) => [id, orderId]));
}

/** The inventory items behind an order's lines, as far as the catalogue knows them. */
export async function inventoryItemsOf(
  tx: ShopDatabase,
  shop: string,
  orderId: number,
): Promise<number[]> {
  const rows = await tx.execute<{ id: string }>(sql`
    select distinct v.inventory_item_id as id
    from order_lines l join variants v on v.shop = l.shop and v.id = l.variant_id
    where l.shop = ${shop} and l.order_id = ${orderId}`);
  return rows.map(({ id }) => Number(id));
}
