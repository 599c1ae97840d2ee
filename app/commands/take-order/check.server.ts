import { and, eq, isNull, sql } from "drizzle-orm";
import type { ShopDatabase } from "../../database/cluster.ts";
import { numberArray } from "../../database/list-reads.ts";
import { products, shops, variants } from "../../database/schema.ts";
import { isTaken } from "../../orders/taken.server.ts";
import { takenNumber } from "../../orders/taken-number.ts";
import { takenTotals } from "../../orders/taken-totals.ts";
import type { Problem } from "../types.ts";
import type { TakeInput } from "./input.ts";

/** What can be known to be wrong with an order that somebody takes before Shopify is asked. */
export async function checkTake(
  db: ShopDatabase,
  shop: string,
  input: TakeInput,
): Promise<Problem[]> {
  if (await isTaken(db, shop, input.id)) {
    const message = `This order was taken already: it is ${takenNumber(input.id)}.`;
    return [{ field: null, message }];
  }
  const ids = input.lines.map(({ variantId }) => variantId);
  const found = await db
    .select({ id: variants.id, status: products.status })
    .from(variants)
    .innerJoin(
      products,
      and(
        eq(products.shop, variants.shop),
        eq(products.id, variants.productId),
        isNull(products.deletedAt),
      ),
    )
    .where(
      and(
        eq(variants.shop, shop),
        isNull(variants.deletedAt),
        sql`${variants.id} = any(${numberArray(ids)})`,
      ),
    );
  const sold = new Set(
    found.filter(({ status }) => status !== "archived").map(({ id: variant }) => variant),
  );
  const problems: Problem[] = ids
    .filter((variant) => !sold.has(variant))
    .map((variant) => ({
      field: `quantity.${variant}`,
      message: "This product can no longer be sold.",
    }));
  const [known] = await db
    .select({ currency: shops.currency })
    .from(shops)
    .where(eq(shops.shop, shop));
  if (known?.currency && known.currency !== input.currency) {
    problems.push({
      field: null,
      message: "The shop's currency has changed. Load the page again.",
    });
  }
  const { subtotal } = takenTotals(input);
  if (input.discount?.kind === "amount" && Number(input.discount.value) > Number(subtotal)) {
    problems.push({
      field: "value",
      message: "The discount is more than the products cost.",
    });
  }
  return problems;
}
