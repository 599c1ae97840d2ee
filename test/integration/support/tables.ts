import type postgres from "postgres";

/** The tables that hold what Shopify said, with what tells their rows apart. */
const factTables = {
  locations: "id",
  products: "id",
  variants: "id",
  inventory_levels: "inventory_item_id, location_id",
  orders: "id",
  order_lines: "order_id, id",
  fulfillment_orders: "order_id, id",
  fulfillments: "order_id, id",
} as const;
export type FactTable = keyof typeof factTables;

/** Every row of a shop, with or without tombstones, but for the moment at which it was stored here. */
export async function factsOf(
  owner: postgres.Sql,
  shop: string,
  { deleted = true }: { readonly deleted?: boolean } = {},
): Promise<Record<FactTable, Record<string, unknown>[]>> {
  const facts: Partial<Record<FactTable, Record<string, unknown>[]>> = {};
  for (const [table, key] of Object.entries(factTables)) {
    const rows = await owner.unsafe<{ row: Record<string, unknown> }[]>(
      `select to_jsonb(t) - 'synced_at' as row from ${table} t where shop = $1 order by ${key}`,
      [shop],
    );
    facts[table as FactTable] = rows
      .map(({ row }) => row)
      .filter(({ deleted_at }) => deleted || !deleted_at);
  }
  return facts as Record<FactTable, Record<string, unknown>[]>;
}
