import { and, desc, eq, gte, inArray, isNull, lt, sql } from "drizzle-orm";
import { z } from "zod";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { shops, syncRuns, type SyncPhase } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import type { LocationRow } from "../inventory/mapping.server.ts";
import { saveLevels, saveLocations } from "../inventory/store.server.ts";
import { orderBatch, saveOrders } from "../orders/store.server.ts";
import { productBatch, saveProducts } from "../products/store.server.ts";
import { formatCursor, type PhaseCursor } from "./cursor.ts";
import { phaseNames, type SyncProgress } from "./types.ts";

/** Somebody else has taken the run further, or it has ended: whoever finds this stops, and has changed nothing. */
export class SyncSupersededError extends Error {
  override readonly name = "SyncSupersededError";

  constructor() {
    super("The run was taken further by somebody else, or has ended.");
  }
}

/** A run as its worker sees it. */
export interface SyncRun {
  readonly id: string;
  readonly kind: "import" | "reconciliation";
  readonly startedAt: Date;
  readonly phases: readonly SyncPhase[];
}

function phases(first: PhaseCursor | null, others: PhaseCursor | null): SyncPhase[] {
  return phaseNames.map((name, index) => {
    const cursor = index === 0 ? first : others;
    return {
      name,
      state: "waiting",
      done: 0,
      total: null,
      cursor: cursor && formatCursor(cursor),
    };
  });
}

/**
 * Notes that a shop has the app, and sees to it that there is an import for it.
 *
 * @returns The import that has to be worked on, null when it is done.
 */
export const install = defineWrite(
  "sync.install",
  z.object({ runId: z.uuid() }),
  async (tx, { runId }, { shop }): Promise<{ runId: string | null }> => {
    await tx.insert(shops).values({ shop }).onConflictDoNothing();
    const [known] = await tx.select().from(shops).where(eq(shops.shop, shop)).for("update");
    const back = known !== undefined && known.uninstalledAt !== null;
    if (back) {
      const now = new Date();
      await tx
        .update(shops)
        .set({ uninstalledAt: null, installedAt: now })
        .where(eq(shops.shop, shop));
    } else {
      const [run] = await tx
        .select({ id: syncRuns.id, state: syncRuns.state })
        .from(syncRuns)
        .where(
          and(
            eq(syncRuns.shop, shop),
            eq(syncRuns.kind, "import"),
            gte(syncRuns.startedAt, known?.installedAt ?? new Date(0)),
            inArray(syncRuns.state, ["running", "done"]),
          ),
        )
        .orderBy(desc(syncRuns.startedAt))
        .limit(1);
      if (run) return { runId: run.state === "running" ? run.id : null };
    }
    const begun = await tx
      .insert(syncRuns)
      .values({
        shop,
        id: runId,
        kind: "import",
        phases: phases(back ? { at: "clear" } : null, null),
      })
      .onConflictDoNothing()
      .returning({ id: syncRuns.id });
    return { runId: begun[0]?.id ?? null };
  },
);

/** Reconciliations come every quarter of an hour; nobody looks at those of last week. */
const KEEP_MS = 7 * 24 * 3_600_000;

/**
 * Begins a reconciliation, unless a run is under way.
 *
 * @param since - What changed in Shopify before this moment is known already.
 */
export const beginReconciliation = defineWrite(
  "sync.reconcile",
  z.object({ runId: z.uuid(), since: z.iso.datetime() }),
  async (tx, { runId, since }, { shop }): Promise<{ runId: string | null }> => {
    const [installed] = await tx
      .select({ shop: shops.shop })
      .from(shops)
      .where(and(eq(shops.shop, shop), isNull(shops.uninstalledAt)));
    if (!installed) return { runId: null };
    await tx
      .delete(syncRuns)
      .where(
        and(
          eq(syncRuns.shop, shop),
          eq(syncRuns.kind, "reconciliation"),
          lt(syncRuns.startedAt, new Date(Date.now() - KEEP_MS)),
        ),
      );
    const everything: PhaseCursor = { at: "pages", after: null };
    const begun = await tx
      .insert(syncRuns)
      .values({
        shop,
        id: runId,
        kind: "reconciliation",
        // Locations are few and take no filter.
        phases: phases(everything, { ...everything, since }),
      })
      .onConflictDoNothing()
      .returning({ id: syncRuns.id });
    return { runId: begun[0]?.id ?? null };
  },
);

const batch = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("nothing") }),
  z.object({ kind: z.literal("locations"), rows: z.array(z.custom<LocationRow>()) }),
  z.object({ kind: z.literal("products"), batch: productBatch }),
  z.object({ kind: z.literal("levels"), rows: z.string() }),
  z.object({ kind: z.literal("orders"), batch: orderBatch }),
]);
/** What a step stores. */
export type Batch = z.infer<typeof batch>;

const step = z.object({
  runId: z.uuid(),
  phase: z.enum(phaseNames),
  /** Where the phase has to stand for this step to be the next one. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** How many more resources are done with … */
  add: z.number().int(),
  /** … or how many altogether, since the phase had to begin again. */
  again: z.boolean(),
  total: z.number().int().nullable(),
  state: z.enum(["running", "done"]),
  batch,
});
/** What was read, and where the phase stands once it is stored. */
export type Step = z.infer<typeof step>;

/** Stores what was read and where to go on, both or neither. */
export const takeStep = defineWrite(
  "sync.step",
  step,
  async (tx, { runId, phase, from, to, add, again, total, state, batch }, { shop }) => {
    const [run] = await tx
      .select({ phases: syncRuns.phases })
      .from(syncRuns)
      .where(and(eq(syncRuns.shop, shop), eq(syncRuns.id, runId), eq(syncRuns.state, "running")))
      .for("update");
    const before = run?.phases.find(({ name }) => name === phase);
    if (!run || !before || before.state === "done" || before.cursor !== from) {
      throw new SyncSupersededError();
    }
    await save(tx, shop, batch);
    const after: SyncPhase = {
      name: phase,
      state,
      done: again ? add : before.done + add,
      total: total ?? before.total,
      cursor: to,
    };
    await tx
      .update(syncRuns)
      .set({
        phases: run.phases.map((one) => (one.name === phase ? after : one)),
        updatedAt: new Date(),
      })
      .where(and(eq(syncRuns.shop, shop), eq(syncRuns.id, runId)));
  },
);

async function save(tx: ShopDatabase, shop: string, batch: Batch): Promise<void> {
  switch (batch.kind) {
    case "nothing":
      return;
    case "locations":
      await saveLocations(tx, shop, batch.rows, "listed");
      return;
    case "products":
      await saveProducts(tx, shop, batch.batch, "listed");
      return;
    case "levels":
      await saveLevels(tx, shop, batch.rows, "listed");
      return;
    case "orders":
      await saveOrders(tx, shop, batch.batch, "listed");
      return;
  }
}

/** How many rows of one table go at a time: a fraction of a second, so that others get their turn. */
const ROWS_PER_CLEARING = 5_000;

/** Takes away some of what an earlier installation left behind. */
export const clearSome = defineWrite(
  "sync.clear",
  z.object({ runId: z.uuid() }),
  async (tx, _input, { shop }): Promise<{ removed: number }> => {
    for (const table of [
      "order_lines",
      "fulfillment_orders",
      "fulfillments",
      "orders",
      "inventory_levels",
      "variants",
      "products",
      "locations",
      "rereads",
    ]) {
      const name = sql.identifier(table);
      const gone = await tx.execute(sql`
        delete from ${name} where shop = ${shop} and ctid = any (array(
          select ctid from ${name} where shop = ${shop} limit ${ROWS_PER_CLEARING}))`);
      if (gone.count > 0) return { removed: gone.count };
    }
    return { removed: 0 };
  },
);

/** Ends a run. */
export const endRun = defineWrite(
  "sync.end",
  z.object({
    runId: z.uuid(),
    state: z.enum(["done", "failed"]),
    error: z.string().nullable(),
  }),
  async (tx, { runId, state, error }, { shop }) => {
    const now = new Date();
    await tx
      .update(syncRuns)
      .set({ state, error, finishedAt: now, updatedAt: now })
      .where(and(eq(syncRuns.shop, shop), eq(syncRuns.id, runId), eq(syncRuns.state, "running")));
  },
);

/** The run of this id as long as it is under way. */
export async function runningRun(
  cluster: Cluster,
  shop: string,
  runId: string,
): Promise<SyncRun | null> {
  const { value } = await cluster.read(shop, (db) =>
    db
      .select()
      .from(syncRuns)
      .where(and(eq(syncRuns.shop, shop), eq(syncRuns.id, runId), eq(syncRuns.state, "running"))),
  );
  return value[0] ?? null;
}

/** What a schedule has to know of a shop. */
export interface SyncStanding {
  readonly installed: boolean;
  readonly running: string | null;
  /** When the newest run of this installation that ended well was begun. */
  readonly lastGoodStart: Date | null;
}

export async function syncStanding(cluster: Cluster, shop: string): Promise<SyncStanding> {
  const { value } = await cluster.read(shop, async (db) => {
    const [known] = await db
      .select({ installedAt: shops.installedAt, uninstalledAt: shops.uninstalledAt })
      .from(shops)
      .where(eq(shops.shop, shop));
    const runs = known
      ? await db
          .select({ id: syncRuns.id, state: syncRuns.state, startedAt: syncRuns.startedAt })
          .from(syncRuns)
          .where(
            and(
              eq(syncRuns.shop, shop),
              gte(syncRuns.startedAt, known.installedAt),
              inArray(syncRuns.state, ["running", "done"]),
            ),
          )
          .orderBy(desc(syncRuns.startedAt))
      : [];
    return {
      installed: known !== undefined && known.uninstalledAt === null,
      running: runs.find(({ state }) => state === "running")?.id ?? null,
      lastGoodStart: runs.find(({ state }) => state === "done")?.startedAt ?? null,
    };
  });
  return value;
}

/** The newest run, finished or not; null before the first. */
export async function newestRun(
  cluster: Cluster,
  shop: string,
): Promise<Sourced<SyncProgress | null>> {
  const { value, source, asOf } = await cluster.read(shop, (db) =>
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
      .limit(1),
  );
  return { value: value[0] ?? null, source, asOf };
}
