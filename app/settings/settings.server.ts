import { randomUUID } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { settings } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { settingsSchema, type Settings } from "./settings.ts";

/** A shop's settings, with the defaults where nothing was set. */
export async function getSettings(cluster: Cluster, shop: string): Promise<Sourced<Settings>> {
  return cluster.read(shop, (db) => readSettings(db, shop));
}

/** {@link getSettings} within a transaction that has already begun. */
export async function readSettings(db: ShopDatabase, shop: string): Promise<Settings> {
  const [row] = await db
    .select({ values: settings.values })
    .from(settings)
    .where(eq(settings.shop, shop));
  // A value that an older or newer release stored in a way unknown here gives way to the default.
  const stored = Object.entries(row?.values ?? {}).filter(
    ([name, value]) =>
      name in settingsSchema.shape &&
      settingsSchema.shape[name as keyof Settings].safeParse(value).success,
  );
  return settingsSchema.parse(Object.fromEntries(stored));
}

const changeSettings = defineWrite(
  "settings.change",
  z.object({ changes: settingsSchema.partial(), by: z.string().nullable() }),
  async (tx, { changes, by }, { shop }) => {
    await tx
      .insert(settings)
      .values({ shop, values: changes, updatedBy: by })
      .onConflictDoUpdate({
        target: settings.shop,
        set: {
          values: sql`${settings.values} || excluded."values"`,
          updatedAt: sql`now()`,
          updatedBy: by,
        },
      });
    return null;
  },
);

/**
 * Changes some settings and leaves the others as they are.
 *
 * @param by - Who did it, for the record.
 */
export async function saveSettings(
  cluster: Cluster,
  shop: string,
  changes: Partial<Settings>,
  by: string | null = null,
): Promise<void> {
  await cluster.write(shop, `settings:${randomUUID()}`, changeSettings, { changes, by });
}
