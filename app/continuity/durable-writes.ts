import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { Cluster } from "../database/cluster.ts";
import type { WriteDefinition } from "../database/write.ts";
import type { Logger } from "../observability/logger.server.ts";
import {
  decodeWrite,
  encodeWrite,
  type AnyDurableDefinition,
  type DurableDefinition,
} from "./durable-definition.ts";
import { JournalError, type Journal, type JournalRecord } from "./journal/journal.ts";
import { RetainedRecords, type RetainedAhead } from "./retained-records.ts";
import { Retention, type Acknowledged } from "./retention.ts";
import { canWait, WriteMaker, type KeptWrite } from "./write-maker.ts";

/** Where a write is. */
export type Kept<Result> =
  /** Committed in Postgres, with its result. */
  | { readonly state: "done"; readonly result: Result }
  /** On this instance's disk, in line for the database. */
  | { readonly state: "journaled" };

export interface DurableWritesOptions {
  readonly cluster: Cluster;
  /** Null where no disk outlives the process: then a write that finds no writer fails. */
  readonly journal: Journal | null;
  /** Every write that may come out of the journal; others are added by {@link DurableWrites.register}. */
  readonly definitions?: readonly AnyDurableDefinition[];
  /**
   * `replicated`: an acknowledged commit survives the loss of any one node (storage replication, as Aurora
   * and RDS Multi-AZ instances have). `primary`: it may be on the primary alone for a while.
   */
  readonly durability: "replicated" | "primary";
  readonly logger: Logger;
}

export interface DurableWriteOptions {
  /** How long the database may take before the journal takes over. Default 2 s. */
  readonly patienceMs?: number;
  /** What people call what is changed: {@link DurableWrites.waiting} tells it while nobody can look it up. */
  readonly label?: string | null;
}

/** A write that was acknowledged and waits for the database. */
export interface WaitingWrite {
  readonly operationId: string;
  /** The definition's name. */
  readonly name: string;
  readonly input: unknown;
  readonly label: string | null;
  readonly acknowledgedAt: Date;
}

interface Retained extends Acknowledged {
  readonly name: string;
  readonly input: unknown;
  readonly acknowledgedAt: Date;
}

interface Due extends KeptWrite {
  readonly sequence: number;
}

const KINDS = ["write", "retained-write"] as const;
const PATIENCE_MS = 2_000;
/** Writes that are made in one transaction: few enough that nobody waits long for what it has locked. */
const DRAIN_BATCH = 100;
/** Records of a shop that are drained before it is the next one's turn. */
const DRAIN_TURN = 2_000;
/** Shops that are drained side by side; the other connections are for those who wait for an answer. */
const DRAIN_SHOPS = 5;
const DRAIN_PAUSE_MS = 500;
/** More waiting writes of one shop than this are not told of one by one. */
const TOLD_AT_MOST = 1_000;

/**
 * Writes that are kept whatever happens to the database: committed while there is a writer, in the journal
 * while there is none, and done again by their operation id wherever a failover may have lost them.
 */
export class DurableWrites {
  readonly #cluster: Cluster;
  readonly #journal: Journal | null;
  readonly #definitions = new Map<string, AnyDurableDefinition>();
  readonly #maker: WriteMaker;
  readonly #retention: Retention<Retained> | null;
  readonly #retained: RetainedRecords;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  readonly #redoing = new Set<Promise<void>>();
  readonly #events = new EventEmitter<{ drained: [shop: string] }>();
  /** Records that an earlier process retained and this one has done again. */
  readonly #adopted = new Set<number>();
  /** Records whose write is made, and which are about to be taken out of line. */
  readonly #made = new Set<number>();
  /** Shops of which an earlier process left something behind that this one has not looked at yet. */
  readonly #shopsLeftBehind: Set<string>;
  #draining: Promise<void> | null = null;
  #again = false;

  constructor({ cluster, journal, definitions = [], durability, logger }: DurableWritesOptions) {
    this.#events.setMaxListeners(0);
    this.#cluster = cluster;
    this.#journal = journal;
    this.#shopsLeftBehind = new Set(journal?.shopsLeftBehind);
    this.#logger = logger;
    this.#maker = new WriteMaker(cluster, this.#definitions, logger, this.#stopped.signal);
    for (const definition of definitions) this.register(definition);
    this.#retention =
      durability === "replicated"
        ? null
        : new Retention<Retained>({
            monitor: cluster.monitor,
            onSafe: (entries) => void this.#letGo(entries),
            onDoubt: (entries, since) => this.#redo(entries, since),
          });
    this.#retained = new RetainedRecords(
      this.#retention ? journal : null,
      "retained-write",
      logger,
    );
    cluster.monitor.events.on("state", ({ to }) => {
      if (to === "steady") this.drain();
    });
  }

  /** What is held back from being forgotten, and what waits in the journal. */
  get fill() {
    return {
      journal: this.#journal?.fill ?? null,
      retained: this.#retention?.fill ?? null,
    };
  }

  /** Makes a write known by its name. Before the first {@link drain}: what is kept must find its way. */
  register<Input, Result>(definition: DurableDefinition<Input, Result>): void {
    if (this.#definitions.has(definition.name)) {
      throw new TypeError(`The write ${definition.name} was registered twice.`);
    }
    this.#definitions.set(definition.name, definition as unknown as AnyDurableDefinition);
  }

  /** Whether an acknowledged write of the shop waits for the database. */
  holds(shop: string): boolean {
    return this.#journal?.holds(shop) ?? false;
  }

  /**
   * The acknowledged writes of a shop that wait for the database, in the order in which they will be made; none
   * where the disk cannot be read. Costs nothing while none waits.
   */
  async waiting(shop: string): Promise<WaitingWrite[]> {
    if (!this.#journal?.holds(shop)) return [];
    const records = await this.#journal
      .read(["write"], 0, TOLD_AT_MOST, undefined, shop)
      .catch((error: unknown) => {
        this.#logger.error({ err: error }, "the journal cannot be read");
        return [];
      });
    return records
      .filter(({ sequence }) => !this.#made.has(sequence))
      .map(({ id, body, at }) => {
        const { name, input, label } = decodeWrite(body);
        return { operationId: id, name, input, label, acknowledgedAt: at };
      });
  }

  /**
   * Resolves when everything that was acknowledged of a shop, as far as this instance knows, is in the database:
   * what goes on from there (to Shopify) must not overtake what a merchant has decided since.
   *
   * @throws AbortError when `signal` is aborted before.
   */
  async caughtUp(shop: string, signal: AbortSignal): Promise<void> {
    while (this.holds(shop) || this.#cluster.doubts.since(shop) !== null) {
      await once(this.#events, "drained", { signal });
    }
  }

  /**
   * Makes a change, or keeps it to be made.
   *
   * @throws DatabaseError when it could neither be made nor kept; with `unknown` it may have been made.
   * @throws JournalError never: a journal that cannot write leaves the database's own error.
   */
  async write<Input, Result>(
    shop: string,
    operationId: string,
    definition: DurableDefinition<Input, Result>,
    input: Input,
    { patienceMs = PATIENCE_MS, label = null }: DurableWriteOptions = {},
  ): Promise<Kept<Result>> {
    if (!this.#definitions.has(definition.name)) {
      throw new TypeError(`The write ${definition.name} was not registered.`);
    }
    // What a merchant does next must not overtake what they did before.
    const startedAt = performance.now();
    if (
      this.#journal?.holds(shop) &&
      !(await this.#caughtUpWithin(this.#journal, shop, patienceMs / 2))
    ) {
      try {
        return await this.#keep(shop, operationId, definition, input, { label });
      } catch (error) {
        if (!(error instanceof JournalError)) throw error;
        this.#logger.error({ kind: error.kind }, "the journal takes nothing; trying the database");
      }
    }
    const deadlineMs = Math.max(1, Math.ceil(patienceMs - (performance.now() - startedAt)));
    const begunIn = this.#retention?.epoch ?? 0;
    const { name, schema, work } = definition;
    let ahead: RetainedAhead | null = null;
    const record = () => ({
      shop,
      id: operationId,
      body: encodeWrite({ name, input: schema.parse(input) }),
    });
    const retain = () => (ahead ??= this.#retained.begin([record()]));
    // On its way to the disk while its commit is on its way to the database, and not before there is one to take it.
    const retained: WriteDefinition<Input, Result> = {
      ...definition,
      work: (...given) => {
        // Its first statement goes before the record is made.
        const working = work(...given);
        retain();
        return working;
      },
    };
    try {
      const result = await this.#cluster.write(shop, operationId, retained, input, { deadlineMs });
      const acknowledgedAt = new Date();
      const [sequence = null] = await retain().committed();
      const entry = { shop, id: operationId, name, input, acknowledgedAt, sequence };
      this.#retention?.hold(entry, begunIn);
      return { state: "done", result };
    } catch (error) {
      const begun = ahead as RetainedAhead | null;
      if (!this.#journal || !canWait(error)) {
        await begun?.abandoned();
        throw error;
      }
      try {
        const attempted = error.kind === "unknown";
        const kept = await this.#keep(shop, operationId, definition, input, { label, attempted });
        void begun?.abandoned();
        return kept;
      } catch (failure) {
        await begun?.abandoned();
        if (!(failure instanceof JournalError)) throw failure;
        this.#logger.error({ kind: failure.kind }, "a write could not be journaled");
        throw error;
      }
    }
  }

  /** Takes up what an earlier process left behind, and goes on until the journal is empty. */
  drain(): void {
    if (!this.#journal || this.#stopped.signal.aborted) return;
    if (this.#draining) {
      this.#again = true;
      return;
    }
    this.#draining = this.#drainAll(this.#journal)
      .catch((error: unknown) => this.#logger.error({ err: error }, "the journal was not drained"))
      .finally(() => {
        this.#draining = null;
        if (this.#again) {
          this.#again = false;
          this.drain();
        }
      });
  }

  /** Resolves when nothing is being drained, or done again after a failover, any more. */
  async drained(): Promise<void> {
    while (this.#draining) await this.#draining;
    while (this.#redoing.size > 0) await Promise.all(this.#redoing);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.drained();
  }

  async #keep<Input>(
    shop: string,
    operationId: string,
    { name, schema }: WriteDefinition<Input, unknown>,
    input: Input,
    about: { readonly label: string | null; readonly attempted?: boolean },
  ): Promise<{ state: "journaled" }> {
    const body = encodeWrite({ name, input: schema.parse(input), ...about });
    await this.#journal!.append("write", shop, operationId, body);
    this.drain();
    return { state: "journaled" };
  }

  /** Keeps what was committed until a standby has it. */
  async #retain(entries: readonly Omit<Retained, "sequence">[], begunIn: number): Promise<void> {
    if (!this.#retention) return;
    const records = entries.map(({ shop, id, name, input }) => ({
      shop,
      id,
      body: encodeWrite({ name, input }),
    }));
    const sequences = await this.#retained.begin(records).committed();
    for (const [index, entry] of entries.entries()) {
      this.#retention.hold({ ...entry, sequence: sequences[index] ?? null }, begunIn);
    }
  }

  async #letGo(entries: readonly Retained[]): Promise<void> {
    const sequences = entries.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]));
    await this.#journal?.remove(sequences).catch((error: unknown) => {
      this.#logger.warn({ err: error }, "records that are safe stay in the journal");
    });
  }

  /**
   * After a change of timeline: whatever the old primary had not sent is missing now. It is made again shop by
   * shop, several side by side, and until it is, reads of the shop say that they are older.
   */
  #redo(entries: readonly Retained[], since: Date): void {
    const shops = [...Map.groupBy(entries, ({ shop }) => shop)].map(([shop, own]) => {
      const settled = this.#cluster.doubts.add(shop, since);
      return {
        shop,
        own,
        settled: () => {
          settled();
          this.#events.emit("drained", shop);
        },
      };
    });
    const waiting = shops.values();
    const redoShops = async () => {
      await this.#cluster.whenCalm();
      for (const { shop, own, settled } of waiting) {
        await this.#redoShop(shop, own);
        settled();
      }
    };
    const redoing = Promise.all(Array.from({ length: DRAIN_SHOPS }, redoShops)).then(() => {
      this.#redoing.delete(redoing);
      this.#logger.info(
        { operations: entries.length },
        "what was acknowledged before the failover was done again by its id",
      );
    });
    this.#redoing.add(redoing);
  }

  async #redoShop(shop: string, entries: readonly Retained[]): Promise<void> {
    let left = entries.filter(({ name }) => this.#definitions.has(name));
    while (left.length > 0 && !this.#stopped.signal.aborted) {
      const begunIn = this.#retention?.epoch ?? 0;
      const batch = left
        .slice(0, DRAIN_BATCH)
        .map((entry) => ({ ...entry, how: "again" as const }));
      const outcomes = await this.#maker.makeInOrder(shop, batch);
      const through = outcomes.filter((outcome) => outcome !== "later").length;
      for (const entry of left.slice(0, through)) this.#retention?.hold(entry, begunIn);
      left = left.slice(through);
      if (outcomes.includes("later")) await this.#pause();
    }
  }

  /**
   * While writes are taken, a write waits for what its shop has on the disk instead of joining it there: a disk
   * acknowledges faster than a database drains it, and would never be empty again.
   *
   * @returns Whether nothing of the shop is on the disk any more.
   */
  async #caughtUpWithin(journal: Journal, shop: string, withinMs: number): Promise<boolean> {
    if (!this.#cluster.takesWrites) return false;
    const { monitor } = this.#cluster;
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, withinMs);
    const onState = () => {
      if (!this.#cluster.takesWrites) resolve();
    };
    const onDrained = (drained: string) => {
      if (drained === shop) resolve();
    };
    monitor.events.on("state", onState);
    this.#events.on("drained", onDrained);
    await promise;
    clearTimeout(late);
    monitor.events.off("state", onState);
    this.#events.off("drained", onDrained);
    return !journal.holds(shop);
  }

  async #drainAll(journal: Journal): Promise<void> {
    await this.#cluster.whenCalm();
    for (;;) {
      const shops = new Set([...this.#shopsLeftBehind, ...journal.shopsInLine]).values();
      let through = true;
      const drainShops = async () => {
        for (const shop of shops) if (!(await this.#drainShop(journal, shop))) through = false;
      };
      await Promise.all(Array.from({ length: DRAIN_SHOPS }, drainShops));
      // What has been added since asks to be drained by itself.
      if (through || this.#stopped.signal.aborted) return;
      await this.#pause();
    }
  }

  /**
   * The writes of a shop in the order in which they were kept, those of a few shops side by side. A shop goes on
   * as before as soon as it has nothing in line, so each is drained to its end before the next one's turn; and one
   * that has to wait holds up no other.
   *
   * @returns Whether none of them has to be tried again.
   */
  async #drainShop(journal: Journal, shop: string): Promise<boolean> {
    const onUndecryptable = (sequence: number) =>
      this.#logger.error({ sequence }, "a record of the journal cannot be decrypted");
    let after = 0;
    for (let read = 0; read < DRAIN_TURN;) {
      if (this.#stopped.signal.aborted) return true;
      const records = await journal.read(KINDS, after, DRAIN_BATCH, onUndecryptable, shop);
      const last = records.at(-1);
      if (!last) {
        this.#shopsLeftBehind.delete(shop);
        if (!journal.holds(shop)) this.#events.emit("drained", shop);
        return true;
      }
      if (!(await this.#drainBatch(journal, shop, records))) return false;
      after = last.sequence;
      read += records.length;
    }
    // More than its turn: the others first.
    this.#again = true;
    return true;
  }

  /** @returns Whether none of the records has to be tried again. */
  async #drainBatch(
    journal: Journal,
    shop: string,
    records: readonly JournalRecord[],
  ): Promise<boolean> {
    // What this process retains is let go when it is safe.
    const due = records
      .filter(
        ({ kind, sequence }) =>
          kind === "write" || (sequence <= journal.leftBehind && !this.#adopted.has(sequence)),
      )
      .map((record) => ({ record, write: dueOf(record) }));
    const begunIn = this.#retention?.epoch ?? 0;
    const writes = due.map(({ write }) => write);
    const outcomes = await this.#maker.makeInOrder(shop, writes);
    const made: Due[] = [];
    for (const [index, { record, write }] of due.entries()) {
      const outcome = outcomes[index];
      if (outcome === "never") {
        const { name, id } = write;
        this.#logger.error({ shop, name, operation: id }, "a kept write waits for a person");
        await journal.setAside(record);
      } else if (outcome === "done" && record.kind === "write") {
        this.#made.add(write.sequence);
        made.push(write);
      } else if (outcome === "done") {
        this.#adopted.add(write.sequence);
        if (this.#retention) this.#retention.hold(write, begunIn);
        else await journal.remove([write.sequence]);
      }
    }
    await this.#forget(journal, made, begunIn);
    return !outcomes.includes("later");
  }

  /** Takes what has been made out of line: retained first, in one flush of the disk, then removed, in another. */
  async #forget(journal: Journal, made: readonly Due[], begunIn: number): Promise<void> {
    await this.#retain(made, begunIn);
    await journal.remove(made.map(({ sequence }) => sequence));
    for (const { sequence } of made) this.#made.delete(sequence);
  }

  async #pause(): Promise<void> {
    await wait(DRAIN_PAUSE_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

function dueOf({ kind, sequence, shop, id, body, at }: JournalRecord): Due {
  const { name, input, attempted } = decodeWrite(body);
  const how = kind === "retained-write" || attempted ? "again" : "later";
  return { shop, id, name, input, acknowledgedAt: at, sequence, how };
}
