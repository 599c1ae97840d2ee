import { and, eq, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import { isFresh, type Origin } from "../database/freshness.ts";
import { idsIn, upsertRows, type ColumnOf } from "../database/rows.ts";
import { inventoryLevels, products, variants } from "../database/schema.ts";
import type { ProductRows } from "./mapping.server.ts";

/** Products ready to be stored: each table's rows as one JSON text. */
export const productBatch = z.object({ products: z.string(), variants: z.string() });
export type ProductBatch = z.infer<typeof productBatch>;

/** Packs products; of one that is there more than once the newest counts. */
export function packProducts(all: readonly ProductRows[]): ProductBatch {
  const newest = new Map<number, ProductRows>();
  for (const rows of all) {
    const other = newest.get(rows.product.id);
    if (!other || other.product.updatedAt <= rows.product.updatedAt) {
      newest.set(rows.product.id, rows);
    }
  }
  const kept = [...newest.values()];
  return {
    products: JSON.stringify(kept.map(({ product }) => product)),
    variants: JSON.stringify(kept.flatMap((rows) => rows.variants)),
  };
}

const productColumns = [
  "id",
  "title",
  "handle",
  "status",
  "vendor",
  "productType",
  "tags",
  "imageUrl",
  "variantCount",
  "searchText",
  "createdAt",
  "updatedAt",
] as const satisfies readonly ColumnOf<typeof products>[];

const variantColumns = [
  "id",
  "productId",
  "inventoryItemId",
  "title",
  "sku",
  "barcode",
  "price",
  "compareAtPrice",
  "position",
  "imageUrl",
  "searchText",
  "updatedAt",
] as const satisfies readonly ColumnOf<typeof variants>[];

/**
 * Stores products with all of their variants; variants that are no longer there get a tombstone.
 *
 * @returns The ids of the products that were stored; the others were known in a newer state, or deleted.
 */
export async function saveProducts(
  tx: ShopDatabase,
  shop: string,
  batch: ProductBatch,
  origin: Origin,
): Promise<number[]> {
  const stored = await upsertRows(tx, products, shop, batch.products, {
    key: ["id"],
    columns: productColumns,
    when: isFresh(origin),
  });
  if (stored.length === 0) return [];
  const ids = stored.map(({ id }) => id);
  const replaced = stored.filter(({ created }) => !created).map(({ id }) => id);
  if (replaced.length > 0) {
    await tx.execute(sql`
      update ${variants} set deleted_at = now()
      where shop = ${shop} and product_id in ${idsIn(replaced)} and deleted_at is null
        and id not in (select x.id from json_to_recordset(${batch.variants}::text::json) as x(id bigint))`);
  }
  await upsertRows(tx, variants, shop, batch.variants, {
    key: ["id"],
    columns: variantColumns,
    set: { deletedAt: sql`null` },
    where: sql`x."productId" in ${idsIn(ids)}`,
  });
  await tx.execute(sql`
    update ${variants} set tracked = x.tracked
    from json_to_recordset(${batch.variants}::text::json) as x(id bigint, tracked boolean)
    where ${variants.shop} = ${shop} and ${variants.id} = x.id
      and ${variants.productId} in ${idsIn(ids)} and ${variants.tracked} is distinct from x.tracked
      and x.tracked is not null`);
  return ids;
}

/**
 * Marks a product and its variants as deleted, for good: Shopify never gives an id out again. Where the
 * product was never heard of, the mark is left all the same, since its creation may be told of later.
 */
export async function deleteProduct(
  tx: ShopDatabase,
  shop: string,
  id: number,
  at: Date,
): Promise<void> {
  await tx
    .insert(products)
    .values({
      shop,
      id,
      title: "",
      handle: "",
      status: "archived",
      createdAt: at,
      updatedAt: at,
      deletedAt: at,
    })
    .onConflictDoUpdate({
      target: [products.shop, products.id],
      set: { deletedAt: at },
      setWhere: isNull(products.deletedAt),
    });
  const gone = await tx
    .update(variants)
    .set({ deletedAt: at })
    .where(and(eq(variants.shop, shop), eq(variants.productId, id), isNull(variants.deletedAt)))
    .returning({ item: variants.inventoryItemId });
  if (gone.length === 0) return;
  await tx
    .update(inventoryLevels)
    .set({ deletedAt: at })
    .where(
      and(
        eq(inventoryLevels.shop, shop),
        sql`${inventoryLevels.inventoryItemId} in ${idsIn(gone.map(({ item }) => item))}`,
        isNull(inventoryLevels.deletedAt),
      ),
    );
}

/** What is known of a product, for telling an older webhook from one that is just as old. */
export interface KnownProduct {
  readonly updatedAt: Date;
  readonly deleted: boolean;
  readonly variantIds: ReadonlySet<number>;
}

export async function knownProduct(
  tx: ShopDatabase,
  shop: string,
  id: number,
): Promise<KnownProduct | null> {
  const [row] = await tx
    .select({ updatedAt: products.updatedAt, deletedAt: products.deletedAt })
    .from(products)
    .where(and(eq(products.shop, shop), eq(products.id, id)));
  if (!row) return null;
  const known = await tx
    .select({ id: variants.id })
    .from(variants)
    .where(and(eq(variants.shop, shop), eq(variants.productId, id), isNull(variants.deletedAt)));
  return {
    updatedAt: row.updatedAt,
    deleted: row.deletedAt !== null,
    variantIds: new Set(known.map((variant) => variant.id)),
  };
}
