import { and, eq, inArray, isNull, or, sql } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { idsIn } from "../database/rows.ts";
import { searchText } from "../database/search-text.ts";
import { orderLines, orders } from "../database/schema.ts";

/** Who Shopify says the person is. */
export interface Person {
  readonly id: number | null;
  readonly email: string | null;
}

/** The orders of a person: those that Shopify names, and any other that has their id or address. */
export async function customerOrderIds(
  tx: ShopDatabase,
  shop: string,
  person: Person,
  named: readonly number[],
): Promise<number[]> {
  const found = await tx
    .select({ id: orders.id })
    .from(orders)
    .where(
      and(
        eq(orders.shop, shop),
        or(
          named.length > 0 ? inArray(orders.id, [...named]) : undefined,
          person.id === null ? undefined : eq(orders.customerId, person.id),
          person.email === null
            ? undefined
            : eq(sql`lower(${orders.email})`, person.email.toLowerCase()),
          // Never everybody's, where Shopify names nobody.
          sql`false`,
        ),
      ),
    );
  return [...new Set([...named, ...found.map(({ id }) => id)])].sort((a, b) => a - b);
}

/**
 * Takes the person out of orders: name, addresses, e-mail, phone, note, what was written of them in changes, and
 * what search knows of them. The orders stay, for their numbers, and are marked so that nothing brings the person back.
 *
 * @returns How many orders were changed.
 */
export async function redactOrders(
  tx: ShopDatabase,
  shop: string,
  ids: readonly number[],
): Promise<number> {
  if (ids.length === 0) return 0;
  // What somebody has written here about the order; one on its way then replaces nothing that it did not see.
  await tx.execute(sql`
    update commands set input = case kind
      when 'order.edit' then jsonb_set(input, '{note}', '{"value": "", "basedOn": null}')
      else jsonb_set(input, '{notes}', 'null') end
    where shop = ${shop} and resource in (
        select 'order/' || value from json_array_elements_text(${JSON.stringify(ids)}::text::json))
      and (kind = 'order.edit' and input->'note' <> 'null' or kind = 'order.hold')`);
  const which = and(
    eq(orders.shop, shop),
    sql`${orders.id} in ${idsIn(ids)}`,
    isNull(orders.redactedAt),
  );
  const found = await tx.select({ id: orders.id, name: orders.name }).from(orders).where(which);
  const lines = await tx
    .select({ orderId: orderLines.orderId, sku: orderLines.sku })
    .from(orderLines)
    .where(and(eq(orderLines.shop, shop), sql`${orderLines.orderId} in ${idsIn(ids)}`));
  const texts = found.map(({ id, name }) => ({
    id,
    text: searchText([
      name,
      ...lines.filter(({ orderId }) => orderId === id).map(({ sku }) => sku),
    ]),
  }));
  await tx.execute(sql`
    update orders o
    set customer_id = null, customer_name = null, email = null, phone = null,
        shipping_address = null, billing_address = null, note = null,
        search_text = x.text, redacted_at = now()
    from json_to_recordset(${JSON.stringify(texts)}::text::json) as x(id bigint, text text)
    where o.shop = ${shop} and o.id = x.id`);
  return found.length;
}
