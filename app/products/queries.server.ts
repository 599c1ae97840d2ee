import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { amountText } from "../orders/amount.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { planPage, type Keyset, type SortKey } from "../database/keyset.ts";
import { allOf, numberArray } from "../database/list-reads.ts";
import { products, shops, variants } from "../database/schema.ts";
import { matches } from "../database/search.ts";
import { choices, inventoryRows } from "../inventory/queries.server.ts";
import type {
  ProductDetail,
  ProductPage,
  ProductQuery,
  ProductSort,
  ProductStatus,
  ProductSummary,
} from "./types.ts";

const id: SortKey = { expression: sql`p.id`, type: "bigint" };

const keys: Readonly<Record<ProductSort, readonly SortKey[]>> = {
  title: [{ expression: sql`p.title`, type: "text" }, id],
  updated: [{ expression: sql`p.updated_at`, type: "timestamptz" }, id],
  available: [{ expression: sql`p.available`, type: "bigint" }, id],
};

/** What is available of each product, over its variants that are counted. */
const available = (shop: string, ids: readonly number[] | null) => sql`
  select v.product_id, sum(l.available)::bigint as available
  from variants v
  join inventory_levels l on l.shop = v.shop and l.inventory_item_id = v.inventory_item_id
    and l.deleted_at is null
  where v.shop = ${shop} and v.deleted_at is null and v.tracked
    ${ids === null ? sql`` : sql`and v.product_id = any(${numberArray(ids)})`}
    and l.location_id not in (
      select id from locations where shop = ${shop} and (not active or deleted_at is not null))
  group by v.product_id`;

/** One page of products, and what can be chosen to narrow it. */
export async function listProducts(
  cluster: Cluster,
  shop: string,
  query: ProductQuery,
): Promise<Sourced<ProductPage>> {
  const keyset: Keyset = { name: query.sort, keys: keys[query.sort], descending: query.descending };
  const page = planPage(keyset, query);
  const filters = [
    sql`p.shop = ${shop}`,
    matches(sql`p.search_text`, query.search),
    query.status === null ? undefined : sql`p.status = ${query.status}`,
    query.productType === null ? undefined : sql`p.product_type = ${query.productType}`,
    query.vendor === null ? undefined : sql`p.vendor = ${query.vendor}`,
  ];
  const from =
    query.sort === "available"
      ? sql`from (
          select p.*, coalesce(a.available, 0) as available
          from product_list p left join (${available(shop, null)}) a on a.product_id = p.id
        ) p`
      : sql`from product_list p`;
  return cluster.read(shop, async (db) => {
    const [counted, found, types, vendors] = await Promise.all([
      db.execute<{ total: string }>(
        sql`select count(*) as total from product_list p where ${allOf(filters)}`,
      ),
      db.execute<{ id: string; keys: string }>(sql`
        select p.id, ${page.keys} as keys ${from} where ${allOf([...filters, page.where])}
        order by ${page.orderBy} limit ${sql.raw(String(page.limit))}`),
      choices(db, shop, sql`product_type`),
      choices(db, shop, sql`vendor`),
    ]);
    const { rows, nextCursor, previousCursor } = page.finish(found);
    return {
      products: await summaries(
        db,
        shop,
        rows.map((row) => Number(row.id)),
      ),
      nextCursor,
      previousCursor,
      total: Number(counted[0]?.total ?? 0),
      productTypes: types,
      vendors,
    };
  });
}

interface SummaryRow extends Record<string, unknown> {
  readonly id: string;
  readonly title: string;
  readonly status: ProductStatus;
  readonly vendor: string;
  readonly product_type: string;
  readonly image_url: string | null;
  readonly variant_count: string;
  readonly available: string | null;
  readonly price_from: string | null;
  readonly price_to: string | null;
}

/** Products by id, in the order of the ids. */
async function summaries(
  db: ShopDatabase,
  shop: string,
  ids: readonly number[],
): Promise<ProductSummary[]> {
  if (ids.length === 0) return [];
  const currency = await currencyOf(db, shop);
  const rows = await db.execute<SummaryRow>(sql`
    select p.id, p.title, p.status, p.vendor, p.product_type, p.image_url,
      coalesce(v.variants, 0) as variant_count, v.price_from, v.price_to,
      case when v.tracked then coalesce(a.available, 0) end as available
    from products p
    left join (
      select product_id, count(*) as variants, min(price) as price_from, max(price) as price_to,
        bool_or(tracked) as tracked
      from variants
      where shop = ${shop} and product_id = any(${numberArray(ids)}) and deleted_at is null
      group by product_id
    ) v on v.product_id = p.id
    left join (${available(shop, ids)}) a on a.product_id = p.id
    where p.shop = ${shop} and p.id = any(${numberArray(ids)})`);
  const byId = new Map(rows.map((row) => [Number(row.id), row]));
  return ids.flatMap((one) => {
    const row = byId.get(one);
    if (!row) return [];
    return [
      {
        id: one,
        title: row.title,
        status: row.status,
        vendor: row.vendor,
        productType: row.product_type,
        imageUrl: row.image_url,
        variantCount: Number(row.variant_count),
        available: row.available === null ? null : Number(row.available),
        priceFrom: amountText(row.price_from ?? "0"),
        priceTo: amountText(row.price_to ?? "0"),
        currency,
      },
    ];
  });
}

/** The currency in which the shop keeps its prices. */
async function currencyOf(db: ShopDatabase, shop: string): Promise<string> {
  const [row] = await db
    .select({ currency: shops.currency })
    .from(shops)
    .where(eq(shops.shop, shop));
  // ISO 4217: no currency. Only until the first import has read the shop.
  return row?.currency ?? "XXX";
}

/** A product with its variants and their stock; null where there is none, or none any more. */
export async function getProduct(
  cluster: Cluster,
  shop: string,
  productId: number,
): Promise<Sourced<ProductDetail | null>> {
  return cluster.read(shop, async (db) => {
    const [row] = await db
      .select()
      .from(products)
      .where(and(eq(products.shop, shop), eq(products.id, productId), isNull(products.deletedAt)));
    const [summary] = row ? await summaries(db, shop, [productId]) : [];
    if (!row || !summary) return null;
    const variantRows = await db
      .select()
      .from(variants)
      .where(
        and(eq(variants.shop, shop), eq(variants.productId, productId), isNull(variants.deletedAt)),
      )
      .orderBy(asc(variants.position), asc(variants.id));
    const stock = await inventoryRows(
      db,
      shop,
      variantRows.map((variant) => variant.id),
      null,
    );
    const levels = new Map(stock.map((one) => [one.variantId, one.levels]));
    return {
      ...summary,
      handle: row.handle,
      tags: row.tags,
      updatedAt: row.updatedAt,
      variants: variantRows.map((variant) => ({
        id: variant.id,
        inventoryItemId: variant.inventoryItemId,
        title: variant.title,
        sku: variant.sku,
        barcode: variant.barcode,
        price: amountText(variant.price),
        compareAtPrice: variant.compareAtPrice === null ? null : amountText(variant.compareAtPrice),
        imageUrl: variant.imageUrl,
        tracked: variant.tracked,
        levels: levels.get(variant.id) ?? [],
      })),
    };
  });
}
