import type { Logger } from "../observability/logger.server.ts";
import type { Journal, NewEntry, RecordKind } from "./journal/journal.ts";

/** What is on its way to the disk while its commit is on its way to the database. */
export interface RetainedAhead {
  /**
   * The commit is known.
   *
   * @returns Once they are on the disk, their sequences, in their order; null for what is kept in memory alone.
   */
  committed(): Promise<readonly (number | null)[]>;
  /** Nothing was committed. Resolves when the disk knows of none of them that was not there before. */
  abandoned(): Promise<void>;
}

interface Ahead {
  /** How many commits it belongs to that are under way: the same change may be asked for twice at a time. */
  users: number;
  /** Where it is, if it came by one of them. */
  sequence: number | null;
  isCommitted: boolean;
}

/**
 * Writes to the journal what is about to be committed, beside the commit and not after it: an acknowledgement then
 * waits for the longer of the two, and not for both.
 *
 * A process that dies in between may leave a record of something that was never committed. Its asker had no answer,
 * so that doing it later is no more of a surprise than a commit whose answer was lost.
 */
export class RetainedRecords {
  readonly #journal: Journal | null;
  readonly #kind: RecordKind;
  readonly #logger: Logger;
  readonly #ahead = new Map<string, Ahead>();

  constructor(journal: Journal | null, kind: RecordKind, logger: Logger) {
    this.#journal = journal;
    this.#kind = kind;
    this.#logger = logger;
  }

  /** Begins to keep them, all or none; one of the two must be said of them in the end. */
  begin(entries: readonly NewEntry[]): RetainedAhead {
    const journal = this.#journal;
    if (!journal || entries.length === 0) {
      return {
        committed: () => Promise.resolve(entries.map(() => null)),
        abandoned: () => Promise.resolve(),
      };
    }
    const own = entries.map((entry) => this.#enter(entry));
    const keeping = this.#keep(journal, entries, own);
    return {
      committed: async () => {
        const sequences = await keeping;
        for (const [key, ahead] of own) {
          ahead.isCommitted = true;
          this.#leave(key, ahead);
        }
        return sequences;
      },
      abandoned: async () => {
        await keeping;
        const last = own
          .filter(([key, ahead]) => this.#leave(key, ahead))
          .map(([, ahead]) => ahead);
        await this.#remove(journal, last);
      },
    };
  }

  async #keep(
    journal: Journal,
    entries: readonly NewEntry[],
    own: readonly (readonly [string, Ahead])[],
  ): Promise<readonly (number | null)[]> {
    try {
      const kept = await journal.appendAll(this.#kind, entries);
      for (const [index, { sequence, isNew }] of kept.entries()) {
        if (isNew) own[index]![1].sequence = sequence;
      }
      return kept.map(({ sequence }) => sequence);
    } catch (error) {
      // Without the journal the acknowledgement stands on one disk only; that is no reason to refuse it.
      this.#logger.error({ err: error }, "kept in memory alone");
      return entries.map(() => null);
    }
  }

  async #remove(journal: Journal, records: readonly Ahead[]): Promise<void> {
    const sequences = records.flatMap(({ isCommitted, sequence }) =>
      isCommitted || sequence === null ? [] : [sequence],
    );
    await journal.remove(sequences).catch((error: unknown) => {
      this.#logger.warn({ err: error }, "records that nobody needs stay in the journal");
    });
  }

  #enter({ shop, id }: NewEntry): readonly [string, Ahead] {
    const key = `${shop}\0${id}`;
    const ahead = this.#ahead.get(key) ?? { users: 0, sequence: null, isCommitted: false };
    ahead.users++;
    this.#ahead.set(key, ahead);
    return [key, ahead];
  }

  /** @returns Whether nobody else is under way with it. */
  #leave(key: string, ahead: Ahead): boolean {
    if (--ahead.users > 0) return false;
    this.#ahead.delete(key);
    return true;
  }
}
