import { sql } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { idsIn } from "../database/rows.ts";
import type { Person } from "./privacy.server.ts";

/** The commands that took the orders of a person: by their id, their address, or the orders they have become. */
function ofPerson(shop: string, person: Person, orderIds: readonly number[]) {
  return sql`c.shop = ${shop} and c.kind = 'order.take' and (
    (${person.id}::bigint is not null and (c.input #>> '{customer,id}') = ${person.id}::bigint::text)
    or (${person.email}::text is not null
      and lower(c.input #>> '{customer,email}') = lower(${person.email}::text))
    or exists (
      select 1 from taken_orders t
      where t.shop = c.shop and c.resource = 'taken_order/' || t.id and t.order_id in ${idsIn(orderIds)}))`;
}

/** What is kept of the orders that were taken from a person here. */
export async function takenOf(
  tx: ShopDatabase,
  shop: string,
  person: Person,
  orderIds: readonly number[],
): Promise<unknown[]> {
  const rows = await tx.execute<{ input: unknown }>(sql`
    select c.input from commands c where ${ofPerson(shop, person, orderIds)} order by c.accepted_at`);
  return rows.map(({ input }) => input);
}

/**
 * Takes a person out of the orders that were taken here. One that Shopify has not got yet goes there without them.
 *
 * @returns How many orders were changed.
 */
export async function redactTaken(
  tx: ShopDatabase,
  shop: string,
  person: Person,
  orderIds: readonly number[],
): Promise<number> {
  const changed = await tx.execute(sql`
    update commands c
    set input = c.input || '{"customer": null, "shippingAddress": null, "note": null}'::jsonb
    where ${ofPerson(shop, person, orderIds)}`);
  return changed.count;
}
