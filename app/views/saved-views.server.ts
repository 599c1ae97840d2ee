import { randomUUID } from "node:crypto";
import { and, asc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { DurableWrites, Kept, WaitingWrite } from "../continuity/durable-writes.ts";
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

export const keepView = defineWrite("view.save", view, async (tx, input, { shop }) => {
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

const deletion = z.object({ id: z.uuid() });

export const dropView = defineWrite("view.delete", deletion, async (tx, input, { shop }) => {
  await tx.delete(savedViews).where(and(eq(savedViews.shop, shop), eq(savedViews.id, input.id)));
  return null;
});

/**
 * Makes a view, or changes the one of that id.
 *
 * @returns whether the database has it, or the disk for now.
 */
export async function saveView(
  writes: DurableWrites,
  shop: string,
  view: SavedView,
): Promise<Kept<unknown>["state"]> {
  return (await writes.write(shop, `view:${randomUUID()}`, keepView, view)).state;
}

/**
 * Deletes a view; deleting it again does nothing.
 *
 * @returns whether the database knows, or the disk for now.
 */
export async function deleteView(
  writes: DurableWrites,
  shop: string,
  id: string,
): Promise<Kept<unknown>["state"]> {
  return (await writes.write(shop, `view:${randomUUID()}`, dropView, { id })).state;
}

/** The views of a page with what was saved and deleted, and waits for the database. */
export function viewsWithKept(
  known: readonly SavedView[],
  waiting: readonly WaitingWrite[],
  page: ViewPage,
): SavedView[] {
  const views = new Map(known.map((one) => [one.id, one]));
  for (const { name, input } of waiting) {
    const saved = name === keepView.name ? view.safeParse(input).data : undefined;
    if (saved?.page === page) views.set(saved.id, saved);
    const deleted = name === dropView.name ? deletion.safeParse(input).data : undefined;
    if (deleted) views.delete(deleted.id);
  }
  return [...views.values()];
}
