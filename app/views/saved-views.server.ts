import { randomUUID } from "node:crypto";
import { and, asc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { savedViews } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { viewPages, type SavedView, type ViewPage } from "./types.ts";

/** The views of a page, in the order in which they were made. */
export async function listSavedViews(
  cluster: Cluster,
  shop: string,
  page: ViewPage,
): Promise<Sourced<SavedView[]>> {
  return cluster.read(shop, (db) =>
    db
      .select({
        id: savedViews.id,
        page: savedViews.page,
        name: savedViews.name,
        query: savedViews.query,
      })
      .from(savedViews)
      .where(and(eq(savedViews.shop, shop), eq(savedViews.page, page)))
      .orderBy(asc(savedViews.position), asc(savedViews.createdAt), asc(savedViews.id)),
  );
}

const view = z.object({
  id: z.uuid(),
  page: z.enum(viewPages),
  name: z.string().trim().min(1).max(100),
  query: z.string().max(4000),
});

const keepView = defineWrite("view.save", view, async (tx, input, { shop }) => {
  await tx
    .insert(savedViews)
    .values({
      shop,
      ...input,
      position: sql`(select coalesce(max(position), 0) + 1 from saved_views
        where shop = ${shop} and page = ${input.page})`,
    })
    .onConflictDoUpdate({
      target: [savedViews.shop, savedViews.id],
      set: { name: input.name, query: input.query },
    });
  return null;
});

const dropView = defineWrite(
  "view.delete",
  z.object({ id: z.uuid() }),
  async (tx, input, { shop }) => {
    await tx.delete(savedViews).where(and(eq(savedViews.shop, shop), eq(savedViews.id, input.id)));
    return null;
  },
);

/** Makes a view, or changes the one of that id. */
export async function saveView(cluster: Cluster, shop: string, view: SavedView): Promise<void> {
  await cluster.write(shop, `view:${randomUUID()}`, keepView, view);
}

/** Deletes a view; deleting it again does nothing. */
export async function deleteView(cluster: Cluster, shop: string, id: string): Promise<void> {
  await cluster.write(shop, `view:${randomUUID()}`, dropView, { id });
}
