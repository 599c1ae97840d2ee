import { DatabaseError } from "../database/errors.ts";

export interface GroupCommitOptions<Item, Answer> {
  /** Commits all of them or none of them. @returns an answer for each, in their order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Whether an error may be about one of the items, so that it is worth trying them in halves. */
  readonly isAboutOne: (error: unknown) => boolean;
  /** Two items with the same key are one. */
  readonly keyOf: (item: Item) => string;
  readonly bytesOf: (item: Item) => number;
  /** How many batches may be under way at once. */
  readonly maxInFlight: number;
  /** How many items a batch has at most, and how many bytes; a single item may have more. */
  readonly maxItems: number;
  readonly maxBytes: number;
  /** How many bytes may wait for a batch; whoever comes after them is told at once that it is too busy. */
  readonly maxWaitingBytes: number;
  /** Whether a batch may begin just now; asked again at every {@link GroupCommit.pump}. Default always. */
  readonly mayBegin?: () => boolean;
  /** Called when a batch begins, and when it has ended. */
  readonly onChange?: (what: "begun" | "ended") => void;
}

/** What became of an item. */
export interface Committed<Answer> {
  readonly answer: Answer;
  /** Whether the same item was there already, waiting or under way, when this one came. */
  readonly joined: boolean;
}

interface Caller<Answer> {
  readonly joined: boolean;
  readonly resolve: (outcome: Committed<Answer>) => void;
  readonly reject: (error: unknown) => void;
  patience: NodeJS.Timeout | undefined;
}

interface Entry<Item, Answer> {
  readonly item: Item;
  readonly key: string;
  readonly bytes: number;
  readonly callers: Set<Caller<Answer>>;
}

/**
 * Commits in groups what is asked for one by one (natural batching): what comes while batches are being committed
 * makes up the next one. An idle group commits each item at once, a busy one hundreds with one flush of the disk,
 * and nobody waits for a timer.
 *
 * A batch that fails for what may be one item's fault is tried again in halves, so that such an item fails alone.
 */
export class GroupCommit<Item, Answer> {
  readonly #options: GroupCommitOptions<Item, Answer>;
  /** By key, in the order in which they came. */
  readonly #waiting = new Map<string, Entry<Item, Answer>>();
  readonly #underWay = new Map<string, Entry<Item, Answer>>();
  #waitingBytes = 0;
  #inFlight = 0;
  #scheduled = false;

  constructor(options: GroupCommitOptions<Item, Answer>) {
    this.#options = options;
  }

  /** Whether nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#waiting.size === 0;
  }

  /**
   * Commits an item with whatever else there is by then.
   *
   * @param patienceMs - How long the caller waits, from now on. Whatever is under way then goes on without it.
   * @throws DatabaseError `unknown` when the caller's patience ended while its batch was under way, `busy` when it
   *   ended before or there was no room; otherwise whatever `commit` threw.
   */
  add(item: Item, patienceMs?: number): Promise<Committed<Answer>> {
    const key = this.#options.keyOf(item);
    const known = this.#waiting.get(key) ?? this.#underWay.get(key);
    const entry = known ?? this.#enter(item, key);
    if (!entry) return Promise.reject(noRoom());
    return new Promise((resolve, reject) => {
      const caller: Caller<Answer> = {
        joined: known !== undefined,
        resolve,
        reject,
        patience: undefined,
      };
      entry.callers.add(caller);
      if (patienceMs !== undefined) {
        caller.patience = setTimeout(() => this.#leave(entry, caller), patienceMs);
      }
    });
  }

  /** Begins what may begin. */
  pump(): void {
    const { maxInFlight, mayBegin, onChange } = this.#options;
    while (this.#waiting.size > 0 && this.#inFlight < maxInFlight && (mayBegin?.() ?? true)) {
      const batch = this.#take();
      this.#inFlight++;
      onChange?.("begun");
      void this.#run(batch).finally(() => {
        this.#inFlight--;
        this.pump();
        onChange?.("ended");
      });
    }
  }

  #enter(item: Item, key: string): Entry<Item, Answer> | undefined {
    const bytes = this.#options.bytesOf(item);
    const isFull = this.#waitingBytes + bytes > this.#options.maxWaitingBytes;
    if (isFull && this.#waiting.size > 0) return undefined;
    const entry: Entry<Item, Answer> = { item, key, bytes, callers: new Set() };
    this.#waiting.set(key, entry);
    this.#waitingBytes += bytes;
    // Whatever else has arrived with it joins its batch.
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.pump();
      });
    }
    return entry;
  }

  #take(): Entry<Item, Answer>[] {
    const { maxItems, maxBytes } = this.#options;
    const batch: Entry<Item, Answer>[] = [];
    let bytes = 0;
    for (const entry of this.#waiting.values()) {
      bytes += entry.bytes;
      if (batch.length > 0 && (batch.length >= maxItems || bytes > maxBytes)) break;
      batch.push(entry);
    }
    for (const entry of batch) {
      this.#forget(entry);
      this.#underWay.set(entry.key, entry);
    }
    return batch;
  }

  #forget({ key, bytes }: Entry<Item, Answer>): void {
    if (this.#waiting.delete(key)) this.#waitingBytes -= bytes;
  }

  async #run(all: readonly Entry<Item, Answer>[]): Promise<void> {
    // Nobody waits any more for what was given up between two attempts.
    const batch = all.filter(({ callers }) => callers.size > 0);
    for (const entry of all) if (entry.callers.size === 0) this.#underWay.delete(entry.key);
    if (batch.length === 0) return;
    try {
      const answers = await this.#options.commit(batch.map(({ item }) => item));
      for (const [index, entry] of batch.entries()) {
        const answer = answers[index]!;
        this.#end(entry, ({ joined, resolve }) => resolve({ answer, joined }));
      }
    } catch (error) {
      if (batch.length === 1 || !this.#options.isAboutOne(error)) {
        for (const entry of batch) this.#end(entry, ({ reject }) => reject(error));
        return;
      }
      const middle = batch.length >> 1;
      await this.#run(batch.slice(0, middle));
      await this.#run(batch.slice(middle));
    }
  }

  #end(entry: Entry<Item, Answer>, tell: (caller: Caller<Answer>) => void): void {
    this.#underWay.delete(entry.key);
    for (const caller of entry.callers) {
      clearTimeout(caller.patience);
      tell(caller);
    }
  }

  #leave(entry: Entry<Item, Answer>, caller: Caller<Answer>): void {
    entry.callers.delete(caller);
    if (this.#underWay.get(entry.key) === entry) caller.reject(tooLate());
    else caller.reject(noRoom());
    if (entry.callers.size === 0) this.#forget(entry);
  }
}

function tooLate(): DatabaseError {
  return new DatabaseError("unknown", "DEADLINE", "The database did not answer in time.");
}

function noRoom(): DatabaseError {
  return new DatabaseError("busy", "QUEUE_FULL", "Too much waits for the database already.");
}
