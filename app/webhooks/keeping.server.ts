import { setTimeout as wait } from "node:timers/promises";
import {
  JournalError,
  type Journal,
  type JournalRecord,
  type NewEntry,
  type RecordKind,
} from "../continuity/journal/journal.ts";
import { RetainedRecords, type RetainedAhead } from "../continuity/retained-records.ts";
import { Retention, type Acknowledged } from "../continuity/retention.ts";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import type { Logger } from "../observability/logger.server.ts";
import {
  delivery,
  DeliveryBatches,
  insertDeliveries,
  isAboutOneDelivery,
  type DueDelivery,
  type Lane,
  type NewDelivery,
} from "./delivery-batches.ts";

export interface DeliveryKeeperOptions {
  readonly cluster: Cluster;
  readonly journal: Journal | null;
  /** See `DurableWritesOptions.durability`. */
  readonly durability: "replicated" | "primary";
  /** Told when there is something new to apply. */
  readonly onDelivery: () => void;
  /** How long the database may take. Default half a second where there is a journal, three seconds where there is none. */
  readonly patienceMs?: number;
  readonly logger: Logger;
}

interface Retained extends Acknowledged {
  readonly delivery: NewDelivery;
}

/** What became of one that nobody waits for: `never` when the database will not take it as it is. */
type Outcome = "done" | "later" | "never";

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
  readonly #patienceMs: number;
  readonly #batches = new DeliveryBatches((batch, lane) => this.#commit(batch, lane));
  readonly #retention: Retention<Retained> | null;
  readonly #retained: RetainedRecords;
  readonly #adopted = new Set<number>();
  readonly #stopped = new AbortController();
  readonly #redoing = new Set<Promise<void>>();
  #draining: Promise<void> | null = null;
  /** Something was put into the journal while it was being drained. */
  #again = false;

  constructor(options: DeliveryKeeperOptions) {
    this.#options = options;
    this.#patienceMs =
      options.patienceMs ?? (options.journal ? PATIENCE_MS : PATIENCE_WITHOUT_JOURNAL_MS);
    this.#retention =
      options.durability === "replicated"
        ? null
        : new Retention<Retained>({
            monitor: options.cluster.monitor,
            onSafe: (entries) => void this.#letGo(entries),
            onDoubt: (entries) => this.#redo(entries),
          });
    this.#retained = new RetainedRecords(
      this.#retention ? options.journal : null,
      "retained-delivery",
      options.logger,
    );
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
      // Whoever has waited too long turns to the journal; a commit that comes afterwards is known by the delivery's id.
      const { answer: isNew, joined } = await this.#batches.keep(one, this.#patienceMs);
      return isNew && !joined ? "kept" : "known";
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
    if (!journal || this.#stopped.signal.aborted) return;
    if (this.#draining) {
      this.#again = true;
      return;
    }
    this.#draining = this.#drainAll(journal)
      .catch((error: unknown) => logger.error({ err: error }, "kept webhooks were not drained"))
      .finally(() => {
        this.#draining = null;
        if (this.#again) {
          this.#again = false;
          this.drain();
        }
      });
  }

  /** Resolves when nothing is being drained, or stored again after a failover, any more. */
  async drained(): Promise<void> {
    while (this.#draining) await this.#draining;
    while (this.#redoing.size > 0) await Promise.all(this.#redoing);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.drained();
  }

  /** Stores a batch, and holds it until it is safe. @returns for each whether it was new. */
  async #commit(batch: readonly DueDelivery[], lane: Lane): Promise<boolean[]> {
    const { cluster, onDelivery } = this.#options;
    const begunIn = this.#retention?.epoch ?? 0;
    let ahead: RetainedAhead | null = null;
    const retain = () => (ahead ??= this.#retained.begin(batch.filter(isLoose).map(recordOf)));
    let isNew: boolean[];
    try {
      isNew = await cluster.system(
        (db) => {
          const inserting = insertDeliveries(
            db,
            batch.map((due) => due.delivery),
          );
          // On its way to the disk while its commit is on its way to the database.
          retain();
          return inserting;
        },
        {
          // The delivery's id makes a second insert of the same one harmless.
          repeatable: true,
          ...(lane === "live"
            ? { urgency: "live", deadlineMs: this.#patienceMs }
            : { deadlineMs: DRAIN_DEADLINE_MS, signal: this.#stopped.signal }),
        },
      );
    } catch (error) {
      void (ahead as RetainedAhead | null)?.abandoned();
      throw error;
    }
    this.#hold(batch, await retain().committed(), begunIn);
    if (isNew.includes(true)) onDelivery();
    return isNew;
  }

  /** @param kept - Where the journal has those that came from elsewhere, in their order. */
  #hold(batch: readonly DueDelivery[], kept: readonly (number | null)[], begunIn: number): void {
    const sequences = kept.values();
    for (const due of batch) {
      const sequence = isLoose(due) ? (sequences.next().value ?? null) : due.sequence;
      const { shop, id } = due.delivery;
      this.#retention?.hold({ shop, id, delivery: due.delivery, sequence }, begunIn);
    }
  }

  async #letGo(entries: readonly Retained[]): Promise<void> {
    const sequences = entries.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]));
    await this.#options.journal?.remove(sequences).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, "records that are safe stay in the journal");
    });
  }

  /** After a change of timeline: whatever the old primary had not sent is missing now. */
  #redo(entries: readonly Retained[]): void {
    const redoing = this.#redoAll(entries)
      .catch((error: unknown) =>
        this.#options.logger.error({ err: error }, "webhooks were not stored again"),
      )
      .finally(() => this.#redoing.delete(redoing));
    this.#redoing.add(redoing);
  }

  async #redoAll(entries: readonly Retained[]): Promise<void> {
    await this.#options.cluster.whenCalm();
    for (let from = 0; from < entries.length; from += DRAIN_BATCH) {
      let left = entries.slice(from, from + DRAIN_BATCH);
      for (;;) {
        if (this.#stopped.signal.aborted) return;
        const outcomes = await this.#keepLater(left);
        left = left.filter((_, index) => outcomes[index] === "later");
        if (left.length === 0) break;
        await this.#pause();
      }
    }
  }

  async #drainAll(journal: Journal): Promise<void> {
    await this.#options.cluster.whenCalm();
    let after = 0;
    while (!this.#stopped.signal.aborted) {
      const records = await journal.read(KINDS, after, DRAIN_BATCH, (sequence) =>
        this.#options.logger.error({ sequence }, "a kept webhook cannot be decrypted"),
      );
      const last = records.at(-1);
      if (!last) return;
      // What this process retains is let go when it is safe.
      const due = records.filter(
        ({ kind, sequence }) =>
          kind === "delivery" || (sequence <= journal.leftBehind && !this.#adopted.has(sequence)),
      );
      if (await this.#drainBatch(journal, due)) after = last.sequence;
      else await this.#pause();
    }
  }

  /** @returns Whether none of the records has to be tried again. */
  async #drainBatch(journal: Journal, records: readonly JournalRecord[]): Promise<boolean> {
    const outcomes = await this.#keepLater(
      records.map(({ kind, sequence, body }) => ({
        delivery: delivery.parse(JSON.parse(body.toString())),
        sequence: kind === "delivery" ? null : sequence,
      })),
    );
    const done: JournalRecord[] = [];
    for (const [index, record] of records.entries()) {
      if (outcomes[index] === "never") await journal.setAside(record);
      if (outcomes[index] !== "done") continue;
      if (record.kind === "retained-delivery") this.#adopted.add(record.sequence);
      done.push(record);
    }
    await journal.remove(
      done
        .filter(({ kind }) => kind === "delivery" || !this.#retention)
        .map(({ sequence }) => sequence),
    );
    return !outcomes.includes("later");
  }

  /** Stores what was acknowledged before, behind what somebody waits for. */
  async #keepLater(some: readonly DueDelivery[]): Promise<Outcome[]> {
    const { logger } = this.#options;
    const settled = await this.#batches.keepLater(some);
    const codes = new Set<string>();
    const outcomes = settled.map((one, index): Outcome => {
      if (one.status === "fulfilled") return "done";
      const error: unknown = one.reason;
      if (!(error instanceof DatabaseError)) throw error;
      if (!isAboutOneDelivery(error)) {
        codes.add(error.code);
        return "later";
      }
      const { shop, id } = some[index]!.delivery;
      logger.error({ shop, delivery: id, code: error.code }, "a kept webhook waits for a person");
      return "never";
    });
    if (codes.size > 0) logger.warn({ codes: [...codes] }, "kept webhooks wait on");
    return outcomes;
  }

  async #pause(): Promise<void> {
    await wait(DRAIN_PAUSE_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/** Whether it is not in the journal yet. */
function isLoose({ sequence }: DueDelivery): boolean {
  return sequence === null;
}

function recordOf({ delivery: one }: DueDelivery): NewEntry {
  return { shop: one.shop, id: one.id, body: encode(one) };
}

function encode(one: NewDelivery): Buffer {
  return Buffer.from(JSON.stringify(one));
}
