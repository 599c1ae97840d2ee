import { desc, eq } from "drizzle-orm";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { syncRuns } from "../database/schema.ts";
import type { SyncProgress } from "./types.ts";

const LIST_LIMIT = 50;

/** Imports and reconciliations of a shop, newest first. */
export async function listSyncRuns(
  cluster: Cluster,
  shop: string,
): Promise<Sourced<SyncProgress[]>> {
  return cluster.read(shop, (db) =>
    db
      .select({
        id: syncRuns.id,
        kind: syncRuns.kind,
        state: syncRuns.state,
        startedAt: syncRuns.startedAt,
        finishedAt: syncRuns.finishedAt,
        error: syncRuns.error,
        phases: syncRuns.phases,
      })
      .from(syncRuns)
      .where(eq(syncRuns.shop, shop))
      .orderBy(desc(syncRuns.startedAt))
      .limit(LIST_LIMIT),
  );
}
