import { createHash } from "node:crypto";
import { and, eq, inArray, sql } from "drizzle-orm";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { commands, fulfillmentOrders, orders } from "../database/schema.ts";
import type { BulkAnswer, BulkProgress, BulkRequest } from "./bulk.ts";
import type { Commands } from "./commands.server.ts";
import type { CommandKind } from "./types.ts";

/** Orders that are worked on side by side. */
const AT_ONCE = 4;
/** How many bulks are told of, and for how long. */
const TOLD = 3;
const TOLD_FOR = sql`interval '1 day'`;
/** One that has come to its end is told of a little longer. */
const TOLD_AFTER = sql`interval '2 minutes'`;

/** One change of an order, with what tells it from the order's other ones in the same bulk. */
interface Planned {
  readonly key: string;
  readonly kind: CommandKind;
  readonly input: unknown;
}

interface Plan {
  readonly name: string;
  readonly planned: readonly Planned[];
  /** Keys under which a change may have been asked for in this bulk, also where nothing is left to be asked for. */
  readonly keys: readonly string[];
}

/**
 * Asks for the same of many orders: a command for each, whose id follows from the bulk's and the order's. Whatever
 * becomes of the request, asking again goes on where it ended.
 *
 * @throws DatabaseError when the orders cannot be read, or a change could not be kept.
 */
export async function submitBulk(
  { cluster, commands: outbox }: { readonly cluster: Cluster; readonly commands: Commands },
  shop: string,
  asked: BulkRequest,
  requestedBy: string | null,
): Promise<BulkAnswer> {
  const leftOut: { order: string; message: string }[] = [];
  let accepted = 0;
  const waiting = new Set(asked.orderIds).values();
  const work = async () => {
    for (const orderId of waiting) {
      const answer = await submitOne(orderId);
      accepted += answer.accepted;
      if (answer.leftOut) leftOut.push(answer.leftOut);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  leftOut.sort((a, b) => a.order.localeCompare(b.order));
  return { action: asked.action, accepted, leftOut };

  async function submitOne(orderId: number) {
    const idOf = (key: string) => derivedId(asked.bulkId, `${orderId}/${key}`);
    const { plan, known } = await cluster
      .read(shop, async (db) => {
        const made = await planOf(db, shop, orderId, asked);
        return { plan: made, known: await knownIds(db, shop, made?.keys.map(idOf) ?? []) };
      })
      .then(({ value }) => value);
    if (!plan) return { accepted: 0, leftOut: { order: `${orderId}`, message: words.gone } };
    let count = known.size;
    for (const { key, kind, input } of plan.planned) {
      const operationId = idOf(key);
      if (known.has(operationId)) continue;
      const answer = await outbox.submit(shop, {
        operationId,
        kind,
        input,
        requestedBy,
        subject: plan.name,
        bulkId: asked.bulkId,
      });
      if (answer.kind === "invalid") {
        const message = answer.problems.map((problem) => problem.message).join(" ");
        return { accepted: count, leftOut: { order: plan.name, message } };
      }
      count++;
    }
    const nothing = count === 0 && { order: plan.name, message: words[asked.action] };
    return { accepted: count, ...(nothing ? { leftOut: nothing } : {}) };
  }
}

const words = {
  gone: "This order no longer exists.",
  fulfil: "There is nothing left to send.",
  tag: "Enter a tag.",
  hold: "There is nothing left to hold.",
  release: "Nothing of it is on hold.",
} as const;

/** What has to be asked for of an order; null where there is no such order. */
async function planOf(
  db: ShopDatabase,
  shop: string,
  orderId: number,
  { action, notifyCustomer = false, tags = [], reason = "other" }: BulkRequest,
): Promise<Plan | null> {
  const [order] = await db
    .select({ name: orders.name })
    .from(orders)
    .where(and(eq(orders.shop, shop), eq(orders.id, orderId)));
  if (!order) return null;
  const { name } = order;
  const one = (kind: CommandKind, input: object): Plan => ({
    name,
    planned: [{ key: action, kind, input: { orderId, ...input } }],
    keys: [action],
  });
  const none: Plan = { name, planned: [], keys: [action] };
  if (action === "tag") {
    return tags.length > 0
      ? one("order.edit", { note: null, addTags: [...tags], removeTags: [] })
      : none;
  }
  const parts = await db
    .select()
    .from(fulfillmentOrders)
    .where(and(eq(fulfillmentOrders.shop, shop), eq(fulfillmentOrders.orderId, orderId)));
  const open = parts.filter(({ status }) => status === "open" || status === "in_progress");
  if (action === "hold") {
    const fulfillmentOrderIds = open.map(({ id }) => id);
    return open.length > 0 ? one("order.hold", { fulfillmentOrderIds, reason, notes: null }) : none;
  }
  if (action === "release") {
    const held = parts.filter(({ status }) => status === "on_hold");
    const released = held.map(({ id }) => ({ id, holdIds: null }));
    return held.length > 0 ? one("order.release", { fulfillmentOrders: released }) : none;
  }
  // What lies at different places is sent by itself.
  const places = Map.groupBy(parts, ({ locationId }) => `fulfil/${locationId}`);
  const planned = [...places].flatMap(([key, there]): Planned[] => {
    const rest = there
      .filter((part) => open.includes(part))
      .map(({ id, lines }) => ({
        id,
        lines: lines
          .filter(({ remaining }) => remaining > 0)
          .map((line) => ({ id: line.id, quantity: line.remaining })),
      }))
      .filter(({ lines }) => lines.length > 0);
    if (rest.length === 0) return [];
    const input = { orderId, fulfillmentOrders: rest, tracking: null, notifyCustomer };
    return [{ key, kind: "order.fulfil", input }];
  });
  return { name, planned, keys: [...places.keys()] };
}

async function knownIds(db: ShopDatabase, shop: string, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .select({ id: commands.id })
    .from(commands)
    .where(and(eq(commands.shop, shop), inArray(commands.id, ids)));
  return new Set(rows.map(({ id }) => id));
}

/** An id (RFC 9562, version 8) that is always the same for the same item of the same bulk. */
export function derivedId(bulkId: string, item: string): string {
  const bytes = createHash("sha256").update(`${bulkId}\0${item}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [8, 12, 16, 20, 32]
    .map((end, n, ends) => hex.slice(n === 0 ? 0 : ends[n - 1], end))
    .join("-");
}

/** The bulks that are on their way, or have just come to their end; the newest first. */
export async function bulksUnderWay(
  cluster: Cluster,
  shop: string,
): Promise<Sourced<BulkProgress[]>> {
  return cluster.read(shop, async (db) => {
    const rows = await db.execute<{
      id: string;
      kind: string;
      started: string;
      total: string;
      settled: string;
      failed: string;
    }>(sql`
      select bulk_id as id, min(kind) as kind, min(accepted_at) as started, count(*) as total,
        count(*) filter (where state in ('done', 'discarded')) as settled,
        count(*) filter (where state = 'failed') as failed
      from commands
      where shop = ${shop} and bulk_id is not null and accepted_at > now() - ${TOLD_FOR}
      group by bulk_id
      having count(*) filter (where state not in ('done', 'discarded')) > 0
        or max(updated_at) > now() - ${TOLD_AFTER}
      order by min(accepted_at) desc limit ${TOLD}`);
    return rows.map(({ id, kind, started, total, settled, failed }) => ({
      bulkId: id,
      kind: kind as CommandKind,
      startedAt: new Date(started),
      total: Number(total),
      settled: Number(settled),
      needYou: Number(failed),
    }));
  });
}
