import { createHash, randomUUID } from "node:crypto";
import { and, eq, isNull, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { locations as locationsTable } from "../database/schema.ts";
import type { Job, Jobs } from "../jobs/jobs.server.ts";
import type { Logger } from "../observability/logger.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { ShopifyError } from "../shopify/errors.ts";
import { shopDetails } from "../shopify/operations/shop.ts";
import { formatCursor, parseCursor } from "./cursor.ts";
import { inventory } from "./phases/inventory.ts";
import { locations } from "./phases/locations.ts";
import { orders } from "./phases/orders.ts";
import type { Phase, PhaseContext, PhaseStep } from "./phases/phase.ts";
import { products } from "./phases/products.ts";
import { REREAD_DELAY_MS, Rereads } from "./rereads.server.ts";
import {
  beginReconciliation,
  clearSome,
  endRun,
  install,
  newestRun,
  runningRun,
  SyncSupersededError,
  syncStanding,
  takeStep,
  type Step,
  type SyncRun,
} from "./runs.server.ts";
import { shopNode, storeShopDetails } from "./shop-details.server.ts";
import type { PhaseName, SyncProgress } from "./types.ts";

/** Takes Shopify's facts into our tables: the first import, reconciliations, and reads of single things. */
export interface Sync {
  /**
   * Notes that a shop has the app and sees to it that it is imported. Cheap when that is so already, so that it
   * can be called at every token exchange.
   *
   * @throws DatabaseError when it could not be noted; calling again is safe.
   */
  start(shop: string): Promise<void>;
  /** How far the shop's newest import or reconciliation has come; null before the first. */
  progress(shop: string): Promise<Sourced<SyncProgress | null>>;
  /**
   * Begins to read what changed in Shopify since the last run that ended well, minus ten minutes.
   *
   * @returns Whether one was begun; not while a run is under way, nor before the first import.
   */
  reconcile(shop: string): Promise<boolean>;
  /** Resources of the shop wait in `rereads`: reads them once they are due. */
  wake(shop: string): Promise<void>;
  /** Ends the runs in this process after the step they are at; another instance, or the next start, goes on. */
  stop(): Promise<void>;
}

export interface SyncOptions {
  readonly cluster: Cluster;
  readonly jobs: Jobs;
  readonly admin: (shop: string) => AdminClient;
  readonly logger: Logger;
  /** From how many orders or products on a bulk operation is used. Default {@link BULK_FROM}. */
  readonly bulkFrom?: number;
  /** How long one job works on a run before it makes room for others. Default 60 s. */
  readonly sliceMs?: number;
}

/**
 * Reading page by page takes from the shop's limit of calls, a bulk operation does not. On the smallest plan, whose
 * limit holds 2,000 points and refills by 100 a second, four pages of orders (28) empty it. Measured in the sandbox:
 * 250 products of 800 variants take 37 s page by page, their stock at three locations 58 s, 150 orders 104 s; a bulk
 * operation takes about a second for each.
 */
const BULK_FROM = 25;
/** Orders further back cannot be read without a scope of their own. */
const ORDER_WINDOW_MS = 60 * 24 * 3_600_000;
/** What was committed at Shopify shortly before may not have been found by the last search (docs: search lags). */
const OVERLAP_MS = 10 * 60_000;
/** How long a refusal of protected customer data is remembered: an approval should not need a restart. */
const REFUSAL_MEMORY_MS = 3_600_000;
/** How far ahead a job for rereads is added. */
const WAIT_AT_MOST_MS = 10_000;
/** How long somebody else who works on a run is left alone. */
const LOOK_AGAIN_MS = 30_000;
/** Nobody waits for a step at the screen, and a large one on a busy database takes its time. */
const STEP_DEADLINE_MS = 60_000;
/** Shops are not all reconciled in the same second. */
const SPREAD_MS = 5 * 60_000;

const phases: Readonly<Record<PhaseName, Phase>> = { locations, products, inventory, orders };

const runJob = z.object({ shop: z.string(), runId: z.uuid() });
const shopJob = z.object({ shop: z.string() });
const noData = z.object({});

const queues = {
  run: "sync.run",
  reread: "sync.reread",
  /** Decides what a shop needs: an import, a reconciliation, nothing. */
  tend: "sync.tend",
  /** Hands every shop to `tend`. */
  everyShop: "sync.every-shop",
  /** Finds shops with rereads that nobody was told of. */
  forgotten: "sync.forgotten-rereads",
} as const;

/** Makes the sync and registers its jobs; nothing talks to the network before the jobs are started. */
export function createSync(options: SyncOptions): Sync {
  return new ShopSync(options);
}

class ShopSync implements Sync {
  readonly #cluster: Cluster;
  readonly #jobs: Jobs;
  readonly #admin: (shop: string) => AdminClient;
  readonly #logger: Logger;
  readonly #bulkFrom: number;
  readonly #sliceMs: number;
  readonly #rereads: Rereads;
  readonly #stopping = new AbortController();
  /** Shops that have refused protected customer data lately. */
  readonly #withoutPeople = new LRUCache<string, true>({ max: 10_000, ttl: REFUSAL_MEMORY_MS });

  constructor(options: SyncOptions) {
    this.#cluster = options.cluster;
    this.#jobs = options.jobs;
    this.#admin = options.admin;
    this.#logger = options.logger;
    this.#bulkFrom = options.bulkFrom ?? BULK_FROM;
    this.#sliceMs = options.sliceMs ?? 60_000;
    this.#rereads = new Rereads({ cluster: options.cluster, logger: options.logger });
    this.#register();
  }

  async start(shop: string): Promise<void> {
    const standing = await syncStanding(this.#cluster, shop);
    if (standing.installed && standing.lastGoodStart && !standing.running) return;
    const { runId } = await this.#cluster.write(shop, `sync.install:${randomUUID()}`, install, {
      runId: randomUUID(),
    });
    if (runId) await this.#enqueueRun(shop, runId);
  }

  progress(shop: string): Promise<Sourced<SyncProgress | null>> {
    return newestRun(this.#cluster, shop);
  }

  async reconcile(shop: string): Promise<boolean> {
    const { installed, lastGoodStart } = await syncStanding(this.#cluster, shop);
    if (!installed || !lastGoodStart) return false;
    const { runId } = await this.#cluster.write(
      shop,
      `sync.reconcile:${randomUUID()}`,
      beginReconciliation,
      {
        runId: randomUUID(),
        since: new Date(lastGoodStart.getTime() - OVERLAP_MS).toISOString(),
      },
    );
    if (runId) await this.#enqueueRun(shop, runId);
    return runId !== null;
  }

  wake(shop: string): Promise<void> {
    return this.#wakeAt(shop, new Date(Date.now() + REREAD_DELAY_MS));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
  }

  async #wakeAt(shop: string, at: Date): Promise<void> {
    await this.#jobs.enqueue(queues.reread, { shop }, { singletonKey: shop, startAfter: at });
  }

  #register(): void {
    const jobs = this.#jobs;
    jobs.register(queues.run, runJob, (data, job) => this.#work(data.shop, data.runId, job), {
      // One job of a shop waits, so that a run whose process died is taken up by the next start at once. Two
      // that run at the same time are told apart by the run's own row.
      policy: "short",
      concurrency: 2,
      // A slice ends by itself long before.
      expireSeconds: 900,
    });
    jobs.register(queues.reread, shopJob, ({ shop }, job) => this.#reread(shop, job), {
      policy: "short",
      concurrency: 2,
    });
    jobs.register(queues.tend, shopJob, ({ shop }) => this.#tend(shop), { policy: "short" });
    jobs.register(queues.everyShop, noData, () => this.#everyShop());
    jobs.register(queues.forgotten, noData, () => this.#forgottenRereads());
    jobs.schedule(queues.everyShop, "*/15 * * * *", {});
    jobs.schedule(queues.forgotten, "* * * * *", {});
  }

  async #enqueueRun(shop: string, runId: string, waitMs = 0): Promise<void> {
    await this.#jobs.enqueue(
      queues.run,
      { shop, runId },
      {
        singletonKey: shop,
        ...(waitMs > 0 ? { startAfter: new Date(Date.now() + waitMs) } : {}),
      },
    );
  }

  async #everyShop(): Promise<void> {
    const shops = await this.#cluster.system((db) =>
      db.execute<{ shop: string }>(sql`select shop from installed_shops() as shop`),
    );
    for (const { shop } of shops) {
      const startAfter = new Date(Date.now() + Math.random() * SPREAD_MS);
      await this.#jobs.enqueue(queues.tend, { shop }, { singletonKey: shop, startAfter });
    }
  }

  async #tend(shop: string): Promise<void> {
    const { installed, running, lastGoodStart } = await syncStanding(this.#cluster, shop);
    if (!installed) return;
    // A run whose job got lost on the way is taken up again; where it did not, the second job finds nothing to do.
    if (running) await this.#enqueueRun(shop, running);
    else if (lastGoodStart) await this.reconcile(shop);
    else await this.start(shop);
  }

  async #forgottenRereads(): Promise<void> {
    const shops = await this.#cluster.system((db) =>
      db.execute<{ shop: string }>(sql`select distinct shop from rereads where due_at < now()`),
    );
    for (const { shop } of shops) await this.wake(shop);
  }

  async #reread(shop: string, job: Job): Promise<void> {
    const nextDue = await this.#rereads.readDue(this.#admin(shop), {
      mayAskForPeople: () => !this.#withoutPeople.has(shop),
      peopleRefused: (reason) => this.#peopleRefused(shop, reason),
      signal: AbortSignal.any([job.signal, this.#stopping.signal]),
    });
    // What comes later is found by the schedule: a job that waits for long would keep others from being added.
    if (nextDue && nextDue.getTime() < Date.now() + WAIT_AT_MOST_MS)
      await this.#wakeAt(shop, nextDue);
  }

  #peopleRefused(shop: string, reason: string): void {
    if (!this.#withoutPeople.has(shop)) {
      this.#logger.warn({ shop, reason }, "orders are read without their customers");
    }
    this.#withoutPeople.set(shop, true);
  }

  async #work(shop: string, runId: string, job: Job): Promise<void> {
    try {
      const run = await runningRun(this.#cluster, shop, runId);
      if (run) await this.#slice(shop, run, job);
    } catch (error) {
      if (job.signal.aborted) throw error;
      if (error instanceof SyncSupersededError) {
        // Another worker has the run, or it was read from a standby that lags: another look will tell.
        await this.#enqueueRun(shop, runId, LOOK_AGAIN_MS);
        return;
      }
      const hopeless = error instanceof ShopifyError && !error.passing;
      if (!hopeless && !job.lastAttempt) throw error;
      this.#logger.error({ shop, run: runId, err: error }, "sync failed");
      await this.#end(shop, runId, "failed", problemOf(error));
    }
  }

  /** Works on a run for a while. */
  async #slice(shop: string, run: SyncRun, job: Job): Promise<void> {
    const until = Date.now() + this.#sliceMs;
    const context = this.#context(shop, run, job.signal);
    if (run.phases.every(({ state }) => state === "waiting")) {
      // An approval may have come since the last refusal, and an import is what it is for.
      if (run.kind === "import") this.#withoutPeople.delete(shop);
      const { shop: node } = await context.admin.request(shopDetails, {}, context);
      await this.#cluster.write(
        shop,
        `sync:${run.id}:details`,
        storeShopDetails,
        shopNode.parse(node),
      );
    }
    for (const { name, state, cursor } of run.phases) {
      if (state === "done") continue;
      const outcome = await this.#phase(shop, run.id, name, cursor, context, until);
      if (outcome.kind === "paused") {
        // A slice that was cut short has not handed the run on: whoever gets its job next does.
        job.signal.throwIfAborted();
        await this.#enqueueRun(shop, run.id, outcome.waitMs);
        return;
      }
    }
    await this.#end(shop, run.id, "done", null);
    this.#logger.info({ shop, run: run.id, kind: run.kind }, "sync done");
  }

  #context(shop: string, run: SyncRun, signal: AbortSignal): PhaseContext {
    return {
      admin: this.#admin(shop),
      kind: run.kind,
      ordersSince: new Date(run.startedAt.getTime() - ORDER_WINDOW_MS),
      signal,
      bulkFrom: this.#bulkFrom,
      mayAskForPeople: () => !this.#withoutPeople.has(shop),
      peopleRefused: (reason) => this.#peopleRefused(shop, reason),
      unreadable: (id, where) =>
        this.#logger.error({ shop, run: run.id, id, where }, "left out: its shape is not known"),
      bulkRefused: (reason) =>
        this.#logger.info({ shop, run: run.id, reason }, "reading page by page"),
      locationIds: async () => {
        const { value } = await this.#cluster.read(shop, (db) =>
          db
            .select({ id: locationsTable.id })
            .from(locationsTable)
            .where(and(eq(locationsTable.shop, shop), isNull(locationsTable.deletedAt)))
            .orderBy(locationsTable.id),
        );
        return value.map(({ id }) => id);
      },
      clear: async () => {
        for (let removed = 1; removed > 0 && !signal.aborted;) {
          ({ removed } = await this.#cluster.write(
            shop,
            `sync.clear:${randomUUID()}`,
            clearSome,
            { runId: run.id },
            { deadlineMs: STEP_DEADLINE_MS },
          ));
        }
      },
    };
  }

  async #phase(
    shop: string,
    runId: string,
    phase: PhaseName,
    from: string | null,
    context: PhaseContext,
    until: number,
  ): Promise<{ kind: "done" } | { kind: "paused"; waitMs: number }> {
    const steps = phases[phase](context, parseCursor(from));
    let at = from;
    try {
      let upcoming = steps.next();
      for (;;) {
        const { value: step, done } = await upcoming;
        if (done) return { kind: "done" };
        if (step.kind === "wait") return { kind: "paused", waitMs: step.waitMs };
        // The next step is read while this one is stored. What it fails with shows when its turn comes.
        upcoming =
          step.next === null ? Promise.resolve({ done: true, value: undefined }) : steps.next();
        upcoming.catch(() => undefined);
        at = await this.#take(shop, runId, phase, at, step);
        if (step.next === null) return { kind: "done" };
        if (context.signal.aborted || this.#stopping.signal.aborted || Date.now() > until) {
          await upcoming.catch(() => undefined);
          return { kind: "paused", waitMs: 0 };
        }
      }
    } finally {
      await steps.return();
    }
  }

  async #take(
    shop: string,
    runId: string,
    phase: PhaseName,
    from: string | null,
    { batch, next, add, total, again }: PhaseStep,
  ): Promise<string | null> {
    const to = next && formatCursor(next);
    // A step is known by where it begins: two workers at the same place are one too many, and the run's own
    // row tells them apart.
    const place = createHash("sha256")
      .update(from ?? "")
      .digest("base64url")
      .slice(0, 16);
    const step: Step = {
      runId,
      phase,
      from,
      to,
      add,
      again: again ?? false,
      total: total ?? null,
      state: next === null ? "done" : "running",
      batch,
    };
    await this.#cluster.write(shop, `sync:${runId}:${phase}:${place}`, takeStep, step, {
      deadlineMs: STEP_DEADLINE_MS,
    });
    return to;
  }

  async #end(
    shop: string,
    runId: string,
    state: "done" | "failed",
    error: string | null,
  ): Promise<void> {
    await this.#cluster.write(shop, `sync:${runId}:end`, endRun, { runId, state, error });
  }
}

/** Why a run failed, for the merchant. */
function problemOf(error: unknown): string {
  return error instanceof ShopifyError
    ? error.message
    : "Evenkeel could not finish reading the shop. It will begin again by itself.";
}
