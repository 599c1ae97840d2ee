import { and, eq, inArray, isNull } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { fulfillmentOrders, fulfillments, orders, orderLines } from "../database/schema.ts";
import { MOST_TAGS, tagsWithout, tidyNote } from "../orders/note-and-tags.ts";
import { changeWords } from "../words/changes.ts";
import { expectOrder, nothingExpected, type ExpectedOrder } from "./expected-order.ts";
import {
  fulfilInput,
  type CancelFulfilmentInput,
  type EditInput,
  type FulfilInput,
  type HoldInput,
  type ReleaseInput,
} from "./inputs-order.ts";
import { expectedStates, unsettled } from "./queries.server.ts";
import { holdable } from "./send-hold.server.ts";
import type { Problem } from "./types.ts";

/*
 * What can be known to be wrong with a change before Shopify is asked: what is here may be behind Shopify, so
 * these look for what a person would want to know at once, and Shopify has the last word.
 */

const statusWords: Readonly<Record<string, string>> = {
  closed: "This part has been sent already.",
  cancelled: "This part was cancelled.",
  on_hold: "This part is on hold. Release it first.",
  scheduled: "This part is scheduled for later.",
  incomplete: "This part cannot be sent as it is. Look at it in Shopify.",
};

export async function checkFulfil(
  db: ShopDatabase,
  shop: string,
  input: FulfilInput,
): Promise<Problem[]> {
  const { orderId } = input;
  const [order] = await db
    .select({ name: orders.name, cancelledAt: orders.cancelledAt })
    .from(orders)
    .where(and(eq(orders.shop, shop), eq(orders.id, orderId), isNull(orders.deletedAt)));
  if (!order) return [{ field: null, message: "This order no longer exists." }];
  if (order.cancelledAt) {
    return [{ field: null, message: `${order.name} was cancelled: nothing of it can be sent.` }];
  }
  const parts = await db
    .select()
    .from(fulfillmentOrders)
    .where(
      and(
        eq(fulfillmentOrders.shop, shop),
        eq(fulfillmentOrders.orderId, orderId),
        inArray(
          fulfillmentOrders.id,
          input.fulfillmentOrders.map(({ id }) => id),
        ),
      ),
    );
  const titles = await lineTitles(db, shop, orderId);
  const promised = await promisedUnits(db, shop, orderId);
  const problems: Problem[] = [];
  for (const wanted of input.fulfillmentOrders) {
    const part = parts.find(({ id }) => id === wanted.id);
    if (!part) {
      problems.push({ field: "quantities", message: "This part is not in the order any more." });
      continue;
    }
    if (part.status !== "open" && part.status !== "in_progress") {
      const message = statusWords[part.status] ?? "This part cannot be sent now.";
      problems.push({ field: "quantities", message });
      continue;
    }
    for (const { id, quantity } of wanted.lines) {
      const line = part.lines.find((one) => one.id === id);
      const field = `quantity.${id}`;
      if (!line) {
        problems.push({ field, message: "This line is not in the order any more." });
        continue;
      }
      const title = titles.get(line.lineId) ?? "this line";
      const left = line.remaining - (promised.get(id) ?? 0);
      if (left <= 0) {
        problems.push({ field, message: `${title} has been sent in full already.` });
      } else if (quantity > left) {
        problems.push({ field, message: `Only ${left} of ${title} left to send.` });
      }
    }
  }
  const places = new Set(parts.map(({ locationId }) => locationId));
  if (problems.length === 0 && places.size > 1) {
    problems.push({
      field: "quantities",
      message: "These parts lie at different locations. Send them one after the other.",
    });
  }
  return problems;
}

async function lineTitles(
  db: ShopDatabase,
  shop: string,
  orderId: number,
): Promise<Map<number, string>> {
  const rows = await db
    .select({ id: orderLines.id, title: orderLines.title })
    .from(orderLines)
    .where(and(eq(orderLines.shop, shop), eq(orderLines.orderId, orderId)));
  return new Map(rows.map(({ id, title }) => [id, title]));
}

/** Units of fulfillment order lines that changes on their way will send. */
async function promisedUnits(
  db: ShopDatabase,
  shop: string,
  orderId: number,
): Promise<Map<number, number>> {
  const units = new Map<number, number>();
  for (const row of await unsettled(db, shop, [`order/${orderId}`])) {
    if (row.kind !== "order.fulfil") continue;
    if (!(expectedStates as readonly string[]).includes(row.state)) continue;
    for (const { lines } of fulfilInput.parse(row.input).fulfillmentOrders) {
      for (const { id, quantity } of lines) units.set(id, (units.get(id) ?? 0) + quantity);
    }
  }
  return units;
}

interface OrderNow {
  readonly name: string;
  readonly cancelled: boolean;
  readonly note: string | null;
  readonly tags: readonly string[];
  /** With what changes on their way will make of it. */
  readonly expected: ExpectedOrder;
}

/** The order as it is here; null where there is none any more. */
async function orderNow(db: ShopDatabase, shop: string, orderId: number): Promise<OrderNow | null> {
  const [order] = await db
    .select({
      name: orders.name,
      cancelledAt: orders.cancelledAt,
      note: orders.note,
      tags: orders.tags,
    })
    .from(orders)
    .where(and(eq(orders.shop, shop), eq(orders.id, orderId), isNull(orders.deletedAt)));
  if (!order) return null;
  const { name, cancelledAt, note, tags } = order;
  const steps = await unsettled(db, shop, [`order/${orderId}`]);
  const expected = expectOrder(
    { tags, expected: nothingExpected },
    steps.filter(({ state }) => (expectedStates as readonly string[]).includes(state)),
  );
  return { name, cancelled: cancelledAt !== null, note, tags, expected };
}

const noOrder: Problem[] = [{ field: null, message: changeWords.gone }];

export async function checkEdit(
  db: ShopDatabase,
  shop: string,
  { orderId, note, addTags, removeTags }: EditInput,
): Promise<Problem[]> {
  const order = await orderNow(db, shop, orderId);
  if (!order) return noOrder;
  const { expected } = order;
  const problems: Problem[] = [];
  const there = tidyNote(expected.note ? expected.note.value : order.note);
  if (note && tidyNote(note.basedOn) !== there && tidyNote(note.value) !== there) {
    problems.push({ field: "note", message: changeWords.note.stale });
  }
  const tags = expected.tags ?? order.tags;
  const after = [...tagsWithout(tags, removeTags), ...tagsWithout(addTags, tags)];
  if (addTags.length > 0 && after.length > MOST_TAGS) {
    problems.push({ field: "tags", message: changeWords.tags.tooMany(MOST_TAGS) });
  }
  return problems;
}

async function partsOf(
  db: ShopDatabase,
  shop: string,
  orderId: number,
): Promise<ReadonlyMap<number, string>> {
  const rows = await db
    .select({ id: fulfillmentOrders.id, status: fulfillmentOrders.status })
    .from(fulfillmentOrders)
    .where(and(eq(fulfillmentOrders.shop, shop), eq(fulfillmentOrders.orderId, orderId)));
  return new Map(rows.map(({ id, status }) => [id, status]));
}

export async function checkHold(
  db: ShopDatabase,
  shop: string,
  { orderId, fulfillmentOrderIds }: HoldInput,
): Promise<Problem[]> {
  const order = await orderNow(db, shop, orderId);
  if (!order) return noOrder;
  if (order.cancelled) {
    return [{ field: null, message: changeWords.hold.ofCancelled(order.name) }];
  }
  const parts = await partsOf(db, shop, orderId);
  for (const id of fulfillmentOrderIds) {
    const status = parts.get(id);
    const message =
      status === undefined
        ? changeWords.parts.gone
        : order.expected.held.some((one) => one.fulfillmentOrderId === id)
          ? changeWords.underWay
          : status === "on_hold" && !order.expected.released.includes(id)
            ? changeWords.hold.already
            : status !== "on_hold" && !holdable.has(status)
              ? changeWords.hold.nothing
              : null;
    if (message) return [{ field: "parts", message }];
  }
  return [];
}

export async function checkRelease(
  db: ShopDatabase,
  shop: string,
  { orderId, fulfillmentOrders: wanted }: ReleaseInput,
): Promise<Problem[]> {
  const order = await orderNow(db, shop, orderId);
  if (!order) return noOrder;
  const parts = await partsOf(db, shop, orderId);
  for (const { id } of wanted) {
    const status = parts.get(id);
    const message =
      status === undefined
        ? changeWords.parts.gone
        : order.expected.released.includes(id)
          ? changeWords.underWay
          : status !== "on_hold"
            ? changeWords.release.notHeld
            : null;
    if (message) return [{ field: "parts", message }];
  }
  return [];
}

export async function checkCancelFulfilment(
  db: ShopDatabase,
  shop: string,
  { orderId, fulfillmentId }: CancelFulfilmentInput,
): Promise<Problem[]> {
  const order = await orderNow(db, shop, orderId);
  if (!order) return noOrder;
  const words = changeWords.cancelFulfilment;
  const [sent] = await db
    .select({ status: fulfillments.status })
    .from(fulfillments)
    .where(
      and(
        eq(fulfillments.shop, shop),
        eq(fulfillments.orderId, orderId),
        eq(fulfillments.id, fulfillmentId),
      ),
    );
  const message = !sent
    ? words.gone
    : sent.status === "cancelled"
      ? words.already
      : order.cancelled
        ? words.ofCancelled(order.name)
        : order.expected.cancelled.includes(fulfillmentId)
          ? changeWords.underWay
          : null;
  return message ? [{ field: null, message }] : [];
}
