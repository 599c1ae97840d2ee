import { and, desc, eq, isNull, ne, sql } from "drizzle-orm";
import type { KeptCommands } from "../commands/kept.server.ts";
import { describe } from "../commands/queries.server.ts";
import { sendingNotes } from "../commands/sending.ts";
import { takenInput, type TakeInput } from "../commands/take-order/input.ts";
import type { PendingChange } from "../commands/types.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { idsIn } from "../database/rows.ts";
import { commands, takenOrders, TAKEN_HERE } from "../database/schema.ts";
import { parseGlobalId } from "../shopify/ids.ts";
import { takenNumber } from "./taken-number.ts";
import { takenTotals } from "./taken-totals.ts";
import type { TakenOrder } from "./taken-types.ts";

/*
 * Orders that were taken here. What is in them stands in the command that takes them to Shopify, once; the table says
 * which of Shopify's orders each has become.
 */

const LIST_LIMIT = 100;

/** Notes an order that is taken, in the transaction that accepts it. */
export async function storeTaken(tx: ShopDatabase, shop: string, { id }: TakeInput): Promise<void> {
  await tx
    .insert(takenOrders)
    .values({ shop, id, number: takenNumber(id) })
    .onConflictDoNothing();
}

/** Whether an order was taken already, and not given up since. */
export async function isTaken(db: ShopDatabase, shop: string, id: string): Promise<boolean> {
  const found = await db
    .select({ id: commands.id })
    .from(commands)
    .where(
      and(
        eq(commands.shop, shop),
        eq(commands.resource, `taken_order/${id}`),
        ne(commands.state, "discarded"),
      ),
    )
    .limit(1);
  return found.length > 0;
}

/** Has some orders that Shopify told of take the place of those that were taken here: they carry their numbers. */
export async function linkTaken(
  tx: ShopDatabase,
  shop: string,
  orderIds: readonly number[],
): Promise<void> {
  await tx.execute(sql`
    with linked as (
      update taken_orders t set order_id = o.id
      from orders o
      where t.shop = ${shop} and t.order_id is null
        and o.shop = ${shop} and o.id in ${idsIn(orderIds)} and t.number = any(o.tags)
      returning t.order_id
    )
    update orders set source_name = ${TAKEN_HERE}
    where shop = ${shop} and id in (select order_id from linked)`);
}

/** The orders that were taken here and that Shopify has not made orders yet, newest first; at most 100. */
export async function listTaken(cluster: Cluster, shop: string): Promise<Sourced<TakenOrder[]>> {
  return cluster.read(shop, async (db) => {
    const rows = await db
      .select({ command: commands, id: takenOrders.id, orderId: takenOrders.orderId })
      .from(takenOrders)
      .innerJoin(commands, ofTaken)
      .where(
        and(
          eq(takenOrders.shop, shop),
          isNull(takenOrders.orderId),
          ne(commands.state, "discarded"),
        ),
      )
      .orderBy(desc(commands.acceptedAt), desc(commands.id))
      .limit(LIST_LIMIT);
    return read(db, shop, rows);
  });
}

/** One order that was taken here, whatever has become of it; null where there is none of that id. */
export async function getTaken(
  cluster: Cluster,
  shop: string,
  id: string,
): Promise<Sourced<TakenOrder | null>> {
  return cluster.read(shop, async (db) => {
    const rows = await db
      .select({ command: commands, id: takenOrders.id, orderId: takenOrders.orderId })
      .from(takenOrders)
      .innerJoin(commands, ofTaken)
      .where(and(eq(takenOrders.shop, shop), eq(takenOrders.id, id)))
      // Where it was sent again with other entries, the last one counts.
      .orderBy(desc(commands.acceptedAt), desc(commands.id))
      .limit(1);
    return (await read(db, shop, rows))[0] ?? null;
  });
}

const ofTaken = and(
  eq(commands.shop, takenOrders.shop),
  sql`${commands.resource} = 'taken_order/' || ${takenOrders.id}`,
);

interface Row {
  readonly id: string;
  readonly orderId: number | null;
  readonly command: typeof commands.$inferSelect;
}

async function read(db: ShopDatabase, shop: string, rows: readonly Row[]): Promise<TakenOrder[]> {
  const changes = await describe(
    db,
    shop,
    rows.map(({ command }) => command),
  );
  return rows.flatMap(({ command, orderId }, index) => {
    const input = takenInput.safeParse(command.input);
    const change = changes[index];
    if (!input.success || !change) return [];
    const notes = sendingNotes.safeParse(command.result ?? {}).data;
    return [
      takenOrder(input.data, change, {
        orderId: orderId ?? idIn("Order", notes?.created),
        draftId: idIn("DraftOrder", notes?.draft),
      }),
    ];
  });
}

function idIn(kind: "Order" | "DraftOrder", id: string | null | undefined): number | null {
  const parsed = id ? parseGlobalId(id) : null;
  return parsed?.kind === kind ? parsed.id : null;
}

function takenOrder(
  input: TakeInput,
  change: PendingChange,
  known: Pick<TakenOrder, "orderId" | "draftId">,
): TakenOrder {
  const { id, currency, lines, customer, shippingAddress, discount, shipping, note, payment } =
    input;
  return {
    id,
    number: takenNumber(id),
    takenAt: change.acceptedAt,
    currency,
    totals: takenTotals(input),
    lines,
    customer,
    shippingAddress,
    discount,
    shipping,
    note,
    payment,
    change,
    ...known,
  };
}

/** The orders that are kept on this instance's disk alone, newest first. */
export function keptTaken({ submitted }: KeptCommands): TakenOrder[] {
  return submitted
    .flatMap(({ change, submission }) => {
      const input =
        submission.kind === "order.take" ? takenInput.safeParse(submission.input).data : undefined;
      return input ? [takenOrder(input, change, { orderId: null, draftId: null })] : [];
    })
    .toReversed();
}

/** What is known, with what is kept here; what has been decided about waits for the database. */
export function takenWithKept(known: readonly TakenOrder[], kept: KeptCommands): TakenOrder[] {
  const ids = new Set(known.map(({ id }) => id));
  const added = keptTaken(kept).filter(({ id }) => !ids.has(id));
  return [
    ...added,
    ...known.map((order) =>
      kept.decided.has(order.change.operationId) && order.change.ring !== "done"
        ? { ...order, change: { ...order.change, ring: "server" as const } }
        : order,
    ),
  ];
}
