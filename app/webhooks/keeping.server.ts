import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { JournalError, type Journal, type RecordKind } from "../continuity/journal/journal.ts";
import { Retention, type Acknowledged } from "../continuity/retention.ts";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { webhookDeliveries } from "../database/schema.ts";
import type { Logger } from "../observability/logger.server.ts";

const delivery = z.object({
  shop: z.string(),
  id: z.string(),
  topic: z.string(),
  apiVersion: z.string(),
  eventId: z.string().nullable(),
  triggeredAt: z.coerce.date().nullable(),
  body: z.string(),
});

/** A webhook whose signature is right, as it is kept. */
export type NewDelivery = z.infer<typeof delivery>;

export interface DeliveryKeeperOptions {
  readonly cluster: Cluster;
  readonly journal: Journal | null;
  /** See `DurableWritesOptions.durability`. */
  readonly durability: "replicated" | "primary";
  /** Told when there is something new to apply. */
  readonly onDelivery: () => void;
  readonly logger: Logger;
}

interface Retained extends Acknowledged {
  readonly delivery: NewDelivery;
}

/** How long the database may take before the journal takes over: Shopify waits five seconds in all. */
const PATIENCE_MS = 500;
/** Without a journal there is nothing to turn to, and a failover may be nearly over. */
const PATIENCE_WITHOUT_JOURNAL_MS = 3_000;
const KINDS = ["delivery", "retained-delivery"] as const satisfies readonly RecordKind[];
const DRAIN_BATCH = 200;
const DRAIN_DEADLINE_MS = 5_000;
const DRAIN_PAUSE_MS = 500;

/** Keeps webhooks before they are acknowledged: in Postgres, or in the journal until Postgres is back. */
export class DeliveryKeeper {
  readonly #options: DeliveryKeeperOptions;
  readonly #retention: Retention<Retained> | null;
  readonly #adopted = new Set<number>();
  readonly #stopped = new AbortController();
  #draining: Promise<void> | null = null;

  constructor(options: DeliveryKeeperOptions) {
    this.#options = options;
    this.#retention =
      options.durability === "replicated"
        ? null
        : new Retention<Retained>({
            monitor: options.cluster.monitor,
            onSafe: (entries) => void this.#letGo(entries),
            onDoubt: (entries) => void this.#redo(entries),
          });
    options.cluster.monitor.events.on("state", ({ to }) => {
      if (to === "steady") this.drain();
    });
  }

  /**
   * Keeps a delivery.
   *
   * @returns Once it is on stable storage: `kept` in Postgres, `known` there from before, or `journaled`.
   * @throws DatabaseError when it is on neither.
   */
  async keep(one: NewDelivery): Promise<"kept" | "known" | "journaled"> {
    const { cluster, journal, logger } = this.#options;
    const outage =
      cluster.monitor.state === "noWriter" || cluster.monitor.state === "readOnlyWriter";
    try {
      if (journal && outage)
        throw new DatabaseError("notExecuted", "NO_WRITER", "There is no writer.");
      const begunIn = this.#retention?.epoch ?? 0;
      const added = await this.#insert([one], journal ? PATIENCE_MS : PATIENCE_WITHOUT_JOURNAL_MS);
      await this.#retain(one, begunIn);
      if (added > 0) this.#options.onDelivery();
      return added > 0 ? "kept" : "known";
    } catch (error) {
      if (!journal || (error instanceof DatabaseError && error.kind === "permanent")) throw error;
      try {
        await journal.append("delivery", one.shop, one.id, encode(one));
      } catch (failure) {
        if (!(failure instanceof JournalError)) throw failure;
        logger.error({ kind: failure.kind }, "a webhook could not be journaled");
        throw error;
      }
      this.drain();
      return "journaled";
    }
  }

  /** Takes what waits in the journal to Postgres, in order, as soon as there is a writer. */
  drain(): void {
    const { journal, logger } = this.#options;
    if (!journal || this.#draining || this.#stopped.signal.aborted) return;
    this.#draining = this.#drainAll(journal)
      .catch((error: unknown) => logger.error({ err: error }, "kept webhooks were not drained"))
      .finally(() => (this.#draining = null));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#draining;
  }

  /** @returns how many of them were not there before. */
  async #insert(deliveries: readonly NewDelivery[], deadlineMs: number): Promise<number> {
    const rows = await this.#options.cluster.system(
      (db) =>
        db
          .insert(webhookDeliveries)
          .values([...deliveries])
          .onConflictDoNothing()
          .returning({ id: webhookDeliveries.id }),
      // The delivery's id makes a second insert of the same one harmless.
      { deadlineMs, repeatable: true },
    );
    return rows.length;
  }

  async #retain(one: NewDelivery, begunIn: number): Promise<void> {
    if (!this.#retention) return;
    const { shop, id } = one;
    const sequence = await this.#options.journal
      ?.append("retained-delivery", shop, id, encode(one))
      .catch(
        (error: unknown) => void this.#options.logger.error({ err: error }, "kept in memory alone"),
      );
    this.#retention.hold({ shop, id, delivery: one, sequence: sequence ?? null }, begunIn);
  }

  async #letGo(entries: readonly Retained[]): Promise<void> {
    const sequences = entries.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]));
    await this.#options.journal?.remove(sequences).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, "records that are safe stay in the journal");
    });
  }

  /** After a change of timeline: whatever the old primary had not sent is missing now. */
  async #redo(entries: readonly Retained[]): Promise<void> {
    for (let from = 0; from < entries.length; from += DRAIN_BATCH) {
      const batch = entries.slice(from, from + DRAIN_BATCH);
      let begunIn = this.#retention?.epoch ?? 0;
      while (
        !this.#stopped.signal.aborted &&
        !(await this.#insertLater(batch.map((e) => e.delivery)))
      ) {
        await this.#pause();
        begunIn = this.#retention?.epoch ?? 0;
      }
      for (const entry of batch) this.#retention?.hold(entry, begunIn);
    }
    this.#options.onDelivery();
  }

  async #drainAll(journal: Journal): Promise<void> {
    let after = 0;
    while (!this.#stopped.signal.aborted) {
      const records = await journal.read(KINDS, after, DRAIN_BATCH, (sequence) =>
        this.#options.logger.error({ sequence }, "a kept webhook cannot be decrypted"),
      );
      const last = records.at(-1);
      if (!last) return;
      const mine = records.filter(
        ({ kind, sequence }) =>
          kind === "delivery" || (sequence <= journal.leftBehind && !this.#adopted.has(sequence)),
      );
      const deliveries = mine.map(({ body }) => delivery.parse(JSON.parse(body.toString())));
      const begunIn = this.#retention?.epoch ?? 0;
      if (mine.length > 0 && !(await this.#insertLater(deliveries))) {
        await this.#pause();
        continue;
      }
      for (const [index, { kind, sequence, shop, id }] of mine.entries()) {
        const one = deliveries[index]!;
        if (kind === "delivery") await this.#retain(one, begunIn);
        else {
          this.#adopted.add(sequence);
          this.#retention?.hold({ shop, id, delivery: one, sequence }, begunIn);
        }
      }
      await journal.remove(
        mine
          .filter(({ kind }) => kind === "delivery" || !this.#retention)
          .map(({ sequence }) => sequence),
      );
      after = last.sequence;
      if (mine.length > 0) this.#options.onDelivery();
    }
  }

  /** Whether they are in Postgres now. */
  async #insertLater(deliveries: readonly NewDelivery[]): Promise<boolean> {
    try {
      await this.#insert(deliveries, DRAIN_DEADLINE_MS);
      return true;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      this.#options.logger.warn({ kind: error.kind, code: error.code }, "kept webhooks wait on");
      return false;
    }
  }

  async #pause(): Promise<void> {
    await wait(DRAIN_PAUSE_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

function encode(one: NewDelivery): Buffer {
  return Buffer.from(JSON.stringify(one));
}
