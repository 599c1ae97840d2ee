import { sql } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { expectedLevels } from "./expected.server.ts";
import type { AdjustInput, SetInput } from "./inputs-stock.ts";
import type { Problem } from "./types.ts";

/*
 * What can be known to be wrong with a change before Shopify is asked: what is here may be behind Shopify, so
 * these look for what a person would want to know at once, and Shopify has the last word.
 */

interface StockPlace extends Record<string, unknown> {
  readonly tracked: boolean | null;
  readonly location: string | null;
  readonly active: boolean | null;
  readonly available: number | null;
}

async function stockPlace(
  db: ShopDatabase,
  shop: string,
  { inventoryItemId, locationId }: { inventoryItemId: number; locationId: number },
): Promise<StockPlace> {
  const [place] = await db.execute<StockPlace>(sql`
    select
      (select tracked from variants
       where shop = ${shop} and inventory_item_id = ${inventoryItemId}::bigint and deleted_at is null
       limit 1) as tracked,
      l.name as location, l.active,
      (select available from inventory_levels
       where shop = ${shop} and inventory_item_id = ${inventoryItemId}::bigint
         and location_id = ${locationId}::bigint and deleted_at is null) as available
    from (select 1) one
    left join locations l on l.shop = ${shop} and l.id = ${locationId}::bigint and l.deleted_at is null`);
  return place ?? { tracked: null, location: null, active: null, available: null };
}

function placeProblems({ tracked, location, active, available }: StockPlace): Problem[] {
  if (tracked === null) {
    return [{ field: "inventoryItemId", message: "This variant no longer exists." }];
  }
  if (!tracked) {
    return [
      { field: "inventoryItemId", message: "Shopify does not track the stock of this variant." },
    ];
  }
  if (location === null) {
    return [{ field: "locationId", message: "This location no longer exists." }];
  }
  if (!active) return [{ field: "locationId", message: `${location} is deactivated.` }];
  if (available === null) {
    return [{ field: "locationId", message: `This variant is not stocked at ${location}.` }];
  }
  return [];
}

export async function checkAdjust(
  db: ShopDatabase,
  shop: string,
  input: AdjustInput,
): Promise<Problem[]> {
  const place = await stockPlace(db, shop, input);
  const problems = placeProblems(place);
  if (problems.length > 0 || place.available === null) return problems;
  const { inventoryItemId, locationId, delta } = input;
  const expected = await expectedLevels(db, shop, [inventoryItemId]);
  const before = expected.of(inventoryItemId, locationId)?.expected ?? place.available;
  // Stock that is below zero already (oversold) may still be raised.
  if (delta < 0 && before + delta < 0) {
    return [
      {
        field: "delta",
        message: `Only ${Math.max(0, before)} available at ${place.location}: you cannot take ${-delta} away.`,
      },
    ];
  }
  return [];
}

export async function checkSet(
  db: ShopDatabase,
  shop: string,
  input: SetInput,
): Promise<Problem[]> {
  return placeProblems(await stockPlace(db, shop, input));
}
