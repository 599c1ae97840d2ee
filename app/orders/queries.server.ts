import { and, asc, desc, eq, isNull, sql, type SQL } from "drizzle-orm";
import { expectOrder, nothingExpected } from "../commands/expected-order.ts";
import { editInput } from "../commands/inputs-order.ts";
import {
  changesOf,
  expectedStates,
  gravestChanges,
  unsettled,
} from "../commands/queries.server.ts";
import { NOTE_CHANGED } from "../commands/words.ts";
import type { PendingChange } from "../commands/types.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { planPage, type Keyset, type PagePlan, type SortKey } from "../database/keyset.ts";
import {
  allOf,
  countUpToLimit,
  numberArray,
  textList,
  walkInOrder,
} from "../database/list-reads.ts";
import {
  fulfillmentOrders,
  fulfillments,
  isTakenHere,
  isToFulfil,
  orderLines,
  orders,
} from "../database/schema.ts";
import { matches } from "../database/search.ts";
import { amountText } from "./amount.ts";
import { tidyNote } from "./note-and-tags.ts";
import type {
  Fulfillment,
  FulfillmentOrder,
  FulfillmentStatus,
  OrderDetail,
  OrderLine,
  OrderPage,
  OrderQuery,
  OrderSort,
  OrderSummary,
  PaymentStatus,
  TimelineEntry,
} from "./types.ts";

const id: SortKey = { expression: sql`o.id`, type: "bigint" };

const keys: Readonly<Record<OrderSort, readonly SortKey[]>> = {
  placed: [{ expression: sql`o.placed_at`, type: "timestamptz" }, id],
  updated: [{ expression: sql`o.updated_at`, type: "timestamptz" }, id],
  total: [{ expression: sql`o.total`, type: "numeric" }, id],
  customer: [{ expression: sql`o.customer`, type: "text" }, id],
};

function tabCondition(shop: string, tab: OrderQuery["tab"]): SQL | undefined {
  switch (tab) {
    case "all":
      return undefined;
    case "to-fulfil":
      return isToFulfil;
    case "on-hold":
      return sql`o.fulfillment_status = 'on_hold' and o.cancelled_at is null`;
    case "waiting":
      return sql`o.id in (
        select split_part(resource, '/', 2)::bigint from commands
        where shop = ${shop} and state in ${textList(expectedStates)} and resource like 'order/%')`;
    case "taken-here":
      return isTakenHere;
  }
}

/** The statements of one page of orders, apart so that their plans can be looked at. */
export interface OrderStatements {
  /** Whether what is counted or found depends on a text, of which the planner knows little. */
  readonly searches: boolean;
  /** What there is to count: everything behind `select 1`. */
  readonly matching: SQL;
  readonly page: SQL;
  readonly finish: PagePlan["finish"];
}

export function orderStatements(shop: string, query: OrderQuery): OrderStatements {
  const keyset: Keyset = {
    name: query.sort,
    keys: keys[query.sort],
    descending: query.descending,
  };
  const page = planPage(keyset, query);
  const search = matches(sql`o.search_text`, query.search);
  const filters = [
    sql`o.shop = ${shop}`,
    tabCondition(shop, query.tab),
    search,
    query.paymentStatuses.length > 0
      ? sql`o.payment_status in ${textList(query.paymentStatuses)}`
      : undefined,
    query.fulfillmentStatuses.length > 0
      ? sql`o.fulfillment_status in ${textList(query.fulfillmentStatuses)}`
      : undefined,
    query.locationId === null
      ? undefined
      : sql`o.location_ids @> ${numberArray([query.locationId])}`,
    query.tag === null ? undefined : sql`o.tags @> array[${query.tag}]::text[]`,
    query.placedAfter
      ? sql`o.placed_at >= ${query.placedAfter.toISOString()}::timestamptz`
      : undefined,
    query.placedBefore
      ? sql`o.placed_at < ${query.placedBefore.toISOString()}::timestamptz`
      : undefined,
  ];
  return {
    searches: search !== undefined,
    matching: sql`from order_list o where ${allOf(filters)}`,
    page: sql`
      select o.id, ${page.keys} as keys from order_list o
      where ${allOf([...filters, page.where])}
      order by ${page.orderBy} limit ${sql.raw(String(page.limit))}`,
    finish: page.finish,
  };
}

/** One page of orders, and how many there are. */
export async function listOrders(
  cluster: Cluster,
  shop: string,
  query: OrderQuery,
): Promise<Sourced<OrderPage>> {
  const { searches, matching, page, finish } = orderStatements(shop, query);
  return cluster.read(shop, async (db) => {
    const total = await countUpToLimit(db, matching);
    if (searches && total === null) await walkInOrder(db);
    const found = total === 0 ? [] : await db.execute<{ id: string; keys: string }>(page);
    const { rows, nextCursor, previousCursor } = finish(found);
    return {
      orders: await summaries(
        db,
        shop,
        rows.map((row) => Number(row.id)),
      ),
      nextCursor,
      previousCursor,
      total,
    };
  });
}

const summaryColumns = {
  id: orders.id,
  name: orders.name,
  placedAt: orders.placedAt,
  customer: orders.customerName,
  currency: orders.currency,
  total: orders.total,
  paymentStatus: orders.paymentStatus,
  fulfillmentStatus: orders.fulfillmentStatus,
  cancelledAt: orders.cancelledAt,
  units: orders.units,
  unitsToFulfil: orders.unitsToFulfil,
  locationIds: orders.locationIds,
  tags: orders.tags,
};

type SummaryRow = Pick<
  typeof orders.$inferSelect,
  | "id"
  | "name"
  | "placedAt"
  | "currency"
  | "total"
  | "paymentStatus"
  | "fulfillmentStatus"
  | "cancelledAt"
  | "units"
  | "unitsToFulfil"
  | "locationIds"
  | "tags"
> & { readonly customer: string | null };

function summary(
  row: SummaryRow,
  locations: ReadonlyMap<number, string>,
  pending: PendingChange | null,
): OrderSummary {
  return {
    id: row.id,
    name: row.name,
    placedAt: row.placedAt,
    customer: row.customer,
    total: { amount: amountText(row.total), currency: row.currency },
    paymentStatus: row.paymentStatus as PaymentStatus,
    fulfillmentStatus: row.fulfillmentStatus as FulfillmentStatus,
    cancelledAt: row.cancelledAt,
    units: row.units,
    unitsToFulfil: row.unitsToFulfil,
    locations: row.locationIds
      .map((one) => locations.get(one))
      .filter((name) => name !== undefined),
    tags: row.tags,
    pending,
  };
}

/** Orders by id, in the order of the ids. */
async function summaries(
  db: ShopDatabase,
  shop: string,
  ids: readonly number[],
): Promise<OrderSummary[]> {
  if (ids.length === 0) return [];
  const [rows, changes] = await Promise.all([
    db
      .select(summaryColumns)
      .from(orders)
      .where(and(eq(orders.shop, shop), sql`${orders.id} = any(${numberArray(ids)})`)),
    gravestChanges(
      db,
      shop,
      ids.map((one) => `order/${one}`),
    ),
  ]);
  const names = await locationNames(db, shop, new Set(rows.flatMap((row) => row.locationIds)));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((one) => {
    const row = byId.get(one);
    return row ? [summary(row, names, changes.get(`order/${one}`) ?? null)] : [];
  });
}

async function locationNames(
  db: ShopDatabase,
  shop: string,
  ids: ReadonlySet<number>,
): Promise<Map<number, string>> {
  if (ids.size === 0) return new Map();
  const rows = await db.execute<{ id: string; name: string }>(sql`
    select id, name from locations where shop = ${shop} and id = any(${numberArray([...ids])})`);
  return new Map(rows.map((row) => [Number(row.id), row.name]));
}

/** An order with everything on it; null where there is none, or none any more. */
export async function getOrder(
  cluster: Cluster,
  shop: string,
  orderId: number,
): Promise<Sourced<OrderDetail | null>> {
  return cluster.read(shop, async (db) => {
    const [row] = await db
      .select()
      .from(orders)
      .where(and(eq(orders.shop, shop), eq(orders.id, orderId), isNull(orders.deletedAt)));
    if (!row) return null;
    // Before what they change: a change that is gone by then is in it.
    const steps = await unsettled(db, shop, [`order/${orderId}`]);
    const [lineRows, parts, sent, changes, neighbours] = await Promise.all([
      db
        .select()
        .from(orderLines)
        .where(and(eq(orderLines.shop, shop), eq(orderLines.orderId, orderId)))
        .orderBy(asc(orderLines.position), asc(orderLines.id)),
      db
        .select()
        .from(fulfillmentOrders)
        .where(and(eq(fulfillmentOrders.shop, shop), eq(fulfillmentOrders.orderId, orderId)))
        .orderBy(asc(fulfillmentOrders.id)),
      db
        .select()
        .from(fulfillments)
        .where(and(eq(fulfillments.shop, shop), eq(fulfillments.orderId, orderId)))
        .orderBy(desc(fulfillments.createdAt), desc(fulfillments.id)),
      changesOf(db, shop, `order/${orderId}`),
      neighboursOf(db, shop, row),
    ]);
    const locationIds = [
      ...row.locationIds,
      ...parts.map(({ locationId }) => locationId),
      ...sent.map(({ locationId }) => locationId),
    ].filter((one) => one !== null);
    const names = await locationNames(db, shop, new Set(locationIds));
    const money = (decimal: string) => ({ amount: amountText(decimal), currency: row.currency });
    const open = changes.filter(({ ring }) => ring !== "done");
    const pending = open.find(({ ring }) => ring === "needs-you") ?? open.at(-1) ?? null;
    const nameOf = (one: number | null) => (one === null ? null : (names.get(one) ?? null));

    const sentParts = sent.map((one): Fulfillment => ({
      id: one.id,
      name: one.name,
      status: one.status,
      createdAt: one.createdAt,
      location: nameOf(one.locationId),
      tracking: one.tracking,
      lines: one.lines,
    }));
    return {
      ...summary({ ...row, customer: row.customerName }, names, pending),
      updatedAt: row.updatedAt,
      cancelReason: row.cancelReason,
      closedAt: row.closedAt,
      subtotal: money(row.subtotal),
      totalTax: money(row.totalTax),
      totalShipping: money(row.totalShipping),
      totalDiscounts: money(row.totalDiscounts),
      totalRefunded: money(row.totalRefunded),
      email: row.email,
      phone: row.phone,
      shippingAddress: row.shippingAddress,
      billingAddress: row.billingAddress,
      shippingMethod: row.shippingMethod,
      note: row.note,
      risk: row.risk,
      sourceName: row.sourceName,
      lines: lineRows.map((line): OrderLine => ({
        id: line.id,
        productId: line.productId,
        title: line.title,
        variantTitle: line.variantTitle,
        sku: line.sku,
        imageUrl: line.imageUrl,
        quantity: line.quantity,
        currentQuantity: line.currentQuantity,
        unfulfilledQuantity: line.unfulfilledQuantity,
        unitPrice: money(line.unitPrice),
        total: money(lineTotal(line)),
      })),
      fulfillmentOrders: parts.map((part): FulfillmentOrder => ({
        id: part.id,
        status: part.status,
        locationId: part.locationId,
        location: nameOf(part.locationId) ?? part.locationName,
        holds: part.holds,
        fulfillAt: part.fulfillAt,
        lines: part.lines,
      })),
      fulfillments: sentParts,
      timeline: timeline(row, sentParts, changes),
      expected: expectOrder(
        { tags: row.tags, expected: nothingExpected },
        steps.filter(({ state }) => (expectedStates as readonly string[]).includes(state)),
      ),
      noteConflict: noteConflict(steps),
      ...neighbours,
    };
  });
}

/** The newest edit that was refused since the note is another one by now. */
function noteConflict(steps: Awaited<ReturnType<typeof unsettled>>): OrderDetail["noteConflict"] {
  const found = steps.findLast(
    ({ state, error }) => state === "failed" && error?.code === `refused:${NOTE_CHANGED}`,
  );
  const note = found && editInput.parse(found.input).note;
  return found && note ? { operationId: found.id, note: tidyNote(note.value) } : null;
}

/** Price times quantity less discounts, in exact ten-thousandths. */
function lineTotal(line: { unitPrice: string; quantity: number; discount: string }): string {
  const total = units(line.unitPrice) * BigInt(line.quantity) - units(line.discount);
  const digits = (total < 0n ? -total : total).toString().padStart(5, "0");
  return `${total < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function units(decimal: string): bigint {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(4, "0").slice(0, 4));
}

/** The orders that were placed just before and just after. */
async function neighboursOf(
  db: ShopDatabase,
  shop: string,
  { id: orderId, placedAt }: { readonly id: number; readonly placedAt: Date },
): Promise<Pick<OrderDetail, "previousId" | "nextId">> {
  const here = sql`(${placedAt.toISOString()}::timestamptz, ${orderId}::bigint)`;
  const rows = await db.execute<{ side: string; id: string }>(sql`
    (select 'previous' as side, o.id from order_list o
     where o.shop = ${shop} and (o.placed_at, o.id) < ${here}
     order by o.placed_at desc, o.id desc limit 1)
    union all
    (select 'next', o.id from order_list o
     where o.shop = ${shop} and (o.placed_at, o.id) > ${here}
     order by o.placed_at, o.id limit 1)`);
  const on = (side: string) => {
    const found = rows.find((row) => row.side === side);
    return found ? Number(found.id) : null;
  };
  return { previousId: on("previous"), nextId: on("next") };
}

/** The order's story, newest first. */
function timeline(
  order: Pick<
    typeof orders.$inferSelect,
    "placedAt" | "cancelledAt" | "cancelReason" | "closedAt" | "sourceName"
  >,
  sent: readonly Fulfillment[],
  changes: readonly PendingChange[],
): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    { id: "placed", at: order.placedAt, kind: "placed", change: null, detail: order.sourceName },
  ];
  if (order.cancelledAt) {
    entries.push({
      id: "cancelled",
      at: order.cancelledAt,
      kind: "cancelled",
      change: null,
      detail: order.cancelReason,
    });
  }
  if (order.closedAt) {
    entries.push({ id: "closed", at: order.closedAt, kind: "closed", change: null, detail: null });
  }
  for (const one of sent) {
    const sentUnits = one.lines.reduce((sum, { quantity }) => sum + quantity, 0);
    const numbers = one.tracking.flatMap(({ number }) => number ?? []);
    entries.push({
      id: `fulfillment/${one.id}`,
      at: one.createdAt,
      kind: one.status === "cancelled" ? "fulfillment_cancelled" : "fulfilled",
      change: null,
      detail: [`${sentUnits}`, ...numbers].join(" · "),
    });
  }
  for (const change of changes) {
    entries.push({
      id: `change/${change.operationId}`,
      at: change.settledAt ?? change.acceptedAt,
      kind: "change",
      change,
      detail: change.problem,
    });
  }
  return entries.sort((a, b) => b.at.getTime() - a.at.getTime());
}
