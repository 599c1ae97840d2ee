import { sql } from "drizzle-orm";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { allOf, numberArray } from "../database/list-reads.ts";
import type { Address } from "../database/schema.ts";
import { foldText, matches, searchWords } from "../database/search.ts";
import { amountText } from "./amount.ts";

/** A variant as it is found where an order is taken. */
export interface SellableVariant {
  readonly variantId: number;
  readonly title: string;
  readonly variantTitle: string | null;
  readonly sku: string;
  readonly imageUrl: string | null;
  readonly price: string;
  /** Over all places; null where it is not counted. */
  readonly available: number | null;
}

/** Somebody who has ordered before. */
export interface KnownCustomer {
  readonly id: number;
  readonly name: string | null;
  readonly email: string | null;
  readonly address: Address | null;
}

/** Enough to choose from; who wants another one types on. */
const FOUND = 12;
/** What is kept of a catalogue for when it cannot be searched. */
export const CATALOGUE = 500;
/** The newest orders in which a customer is looked for. */
const ORDERS_LOOKED_AT = 200;

interface VariantRow extends Record<string, unknown> {
  readonly id: string;
  readonly product: string;
  readonly title: string | null;
  readonly sku: string;
  readonly image_url: string | null;
  readonly price: string;
  readonly available: string | null;
}

/** The variants that can be sold and that a search finds, in the order of their titles. */
export async function findVariants(
  cluster: Cluster,
  shop: string,
  search: string,
  limit = FOUND,
): Promise<Sourced<SellableVariant[]>> {
  const where = allOf([
    sql`s.shop = ${shop}`,
    sql`s.status <> 'archived'`,
    matches(sql`s.search_text`, search),
  ]);
  return cluster.read(shop, async (db) => {
    const found = await db.execute<{ id: string }>(sql`
      select s.id from stock_list s where ${where}
      order by s.title, s.product_id, s.position, s.id limit ${sql.raw(String(limit))}`);
    const ids = found.map(({ id }) => Number(id));
    const rows = await db.execute<VariantRow>(sql`
      select v.id, p.title as product, v.title, v.sku, coalesce(v.image_url, p.image_url) as image_url, v.price,
        case when v.tracked then (
          select coalesce(sum(l.available), 0) from inventory_levels l
          where l.shop = ${shop} and l.inventory_item_id = v.inventory_item_id and l.deleted_at is null
        ) end as available
      from variants v join products p on p.shop = v.shop and p.id = v.product_id
      where v.shop = ${shop} and v.id = any(${numberArray(ids)})`);
    const byId = new Map(rows.map((row) => [Number(row.id), row]));
    return ids.flatMap((variantId) => {
      const row = byId.get(variantId);
      if (!row) return [];
      return [
        {
          variantId,
          title: row.product,
          variantTitle: row.title,
          sku: row.sku,
          imageUrl: row.image_url,
          price: amountText(row.price),
          available: row.available === null ? null : Number(row.available),
        },
      ];
    });
  });
}

/** The same search in a catalogue that was kept. */
export function searchKept(all: readonly SellableVariant[], search: string): SellableVariant[] {
  const words = searchWords(search);
  return all
    .filter(({ title, variantTitle, sku }) => {
      const text = foldText([title, variantTitle, sku].filter(Boolean).join(" "));
      return words.every((word) => text.includes(word));
    })
    .slice(0, FOUND);
}

/** The customers of earlier orders whose name or e-mail address a search finds, with what they had last. */
export async function findCustomers(
  cluster: Cluster,
  shop: string,
  search: string,
): Promise<Sourced<KnownCustomer[]>> {
  const words = searchWords(search);
  const found = matches(sql`l.search_text`, search);
  return cluster.read(shop, async (db) => {
    if (!found) return [];
    const rows = await db.execute<{
      id: string;
      name: string | null;
      email: string | null;
      address: Address | null;
    }>(sql`
      select o.customer_id as id, o.customer_name as name, o.email, o.shipping_address as address
      from (
        select l.id from order_list l where l.shop = ${shop} and ${found}
        order by l.placed_at desc, l.id desc limit ${sql.raw(String(ORDERS_LOOKED_AT))}
      ) newest join orders o on o.shop = ${shop} and o.id = newest.id
      where o.customer_id is not null
      order by o.placed_at desc, o.id desc`);
    const customers = new Map<string, KnownCustomer>();
    for (const { id, name, email, address } of rows) {
      const text = foldText([name, email].filter(Boolean).join(" "));
      // The order may have been found by what else it says.
      if (customers.has(id) || !words.every((word) => text.includes(word))) continue;
      customers.set(id, { id: Number(id), name, email, address });
    }
    return [...customers.values()].slice(0, FOUND);
  });
}
