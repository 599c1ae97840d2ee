import { and, eq, inArray, isNull } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { fulfillmentOrders, orders, orderLines } from "../database/schema.ts";
import { fulfilInput, type FulfilInput } from "./inputs-order.ts";
import { expectedStates, unsettled } from "./queries.server.ts";
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
