import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import { shops } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { id, idOf, moment, optionalText } from "../shopify/fields.ts";

/** What we keep of a shop itself. */
const details = z.object({
  shopifyId: z.number(),
  name: z.string(),
  email: z.string().nullable(),
  currency: z.string(),
  timeZone: z.string(),
  plan: z.string().nullable(),
  updatedAt: z.string(),
});
export type ShopDetails = z.infer<typeof details>;

export const shopNode = z
  .object({
    id: idOf("Shop"),
    name: z.string(),
    email: optionalText,
    currencyCode: z.string(),
    ianaTimezone: z.string(),
    plan: z.object({ publicDisplayName: z.string() }).nullish(),
    updatedAt: moment,
  })
  .transform((node): ShopDetails => ({
    shopifyId: node.id,
    name: node.name,
    email: node.email,
    currency: node.currencyCode,
    timeZone: node.ianaTimezone,
    plan: node.plan?.publicDisplayName ?? null,
    updatedAt: node.updatedAt,
  }));

/** `shop/update`; `app/uninstalled` carries the same. */
export const shopPayload = z
  .object({
    id,
    name: z.string(),
    email: optionalText,
    currency: z.string(),
    iana_timezone: z.string(),
    plan_display_name: optionalText,
    updated_at: moment,
  })
  .transform((payload): ShopDetails => ({
    shopifyId: payload.id,
    name: payload.name,
    email: payload.email,
    currency: payload.currency,
    timeZone: payload.iana_timezone,
    plan: payload.plan_display_name,
    updatedAt: payload.updated_at,
  }));

/** Stores a shop's details, unless newer ones are known; a shop that is not installed is left alone. */
export async function saveShopDetails(
  tx: ShopDatabase,
  shop: string,
  { updatedAt, ...known }: ShopDetails,
): Promise<void> {
  await tx
    .update(shops)
    .set({ ...known, updatedAt: sql`${updatedAt}::timestamptz` })
    .where(
      // Before the first details the row's own moment is that of the installation.
      sql`${eq(shops.shop, shop)} and (${shops.name} is null or ${shops.updatedAt} <= ${updatedAt}::timestamptz)`,
    );
}

export const storeShopDetails = defineWrite("shop.details", details, (tx, input, { shop }) =>
  saveShopDetails(tx, shop, input),
);
