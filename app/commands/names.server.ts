import { and, eq } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { fulfillmentOrders, locations, orderLines } from "../database/schema.ts";
import { fulfilInput } from "./inputs-order.ts";
import { adjustInput } from "./inputs-stock.ts";

/** What people call the things that a change's input names by their ids: `location/1`, `line/2`. */
export async function namesIn(
  db: ShopDatabase,
  shop: string,
  kind: string,
  input: unknown,
): Promise<Record<string, string>> {
  if (kind === "order.fulfil") {
    const parsed = fulfilInput.safeParse(input);
    return parsed.success ? lineNames(db, shop, parsed.data.orderId) : {};
  }
  const parsed = adjustInput.pick({ locationId: true }).safeParse(input);
  if (!parsed.success) return {};
  const { locationId } = parsed.data;
  const [location] = await db
    .select({ name: locations.name })
    .from(locations)
    .where(and(eq(locations.shop, shop), eq(locations.id, locationId)));
  return location ? { [`location/${locationId}`]: location.name } : {};
}

/** The titles of an order's lines, by what its fulfillment orders call them. */
async function lineNames(
  db: ShopDatabase,
  shop: string,
  orderId: number,
): Promise<Record<string, string>> {
  const parts = await db
    .select({ lines: fulfillmentOrders.lines })
    .from(fulfillmentOrders)
    .where(and(eq(fulfillmentOrders.shop, shop), eq(fulfillmentOrders.orderId, orderId)));
  const lines = await db
    .select({ id: orderLines.id, title: orderLines.title })
    .from(orderLines)
    .where(and(eq(orderLines.shop, shop), eq(orderLines.orderId, orderId)));
  const titles = new Map(lines.map(({ id, title }) => [id, title]));
  return Object.fromEntries(
    parts.flatMap((part) =>
      part.lines.flatMap(({ id, lineId }) => {
        const title = titles.get(lineId);
        return title ? [[`line/${id}`, title] as const] : [];
      }),
    ),
  );
}
