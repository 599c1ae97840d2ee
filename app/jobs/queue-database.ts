import type { Db } from "pg-boss";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { execute, isScript, withoutTransaction, type Rows } from "./executor.ts";
import { Listener } from "./listener.ts";

/**
 * How long a statement goes on over a failover: long enough for most of them, so that what was done is told and
 * workers begin at the moment at which there is a writer; shorter than a heartbeat lasts.
 */
const STATEMENT_DEADLINE_MS = 10_000;
/** Maintenance reads and deletes a lot. */
const SCRIPT_DEADLINE_MS = 30_000;

/**
 * The database as pg-boss uses it: each statement runs in a transaction of its own on the writer, whichever node
 * that comes to be.
 *
 * All of them may be repeated. What settles or refreshes a job names the attempt that it is about, what is
 * scheduled is filed in a slot that has room for one, what we add ourselves brings its id; and jobs fetched by a
 * statement whose answer was lost are nobody's, and are given out again when their first heartbeat has not come.
 */
export class QueueDatabase implements Db {
  readonly #cluster: Cluster;
  readonly #onOutcome: (failure: DatabaseError | null) => void;
  #waiting = new AbortController();
  #lastWords: AbortSignal | undefined;
  #channel: string | null = null;

  /** @param onOutcome - Told after each statement whether the database was away, and what its failure was. */
  constructor(cluster: Cluster, onOutcome: (failure: DatabaseError | null) => void) {
    this.#cluster = cluster;
    this.#onOutcome = onOutcome;
  }

  /** @throws DatabaseError */
  async executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: Rows }> {
    const script = isScript(text);
    const statement = script ? withoutTransaction(text) : text;
    const signal = this.#lastWords ?? this.#waiting.signal;
    try {
      const result = await this.#cluster.system((db) => execute(db, statement, values), {
        deadlineMs: script ? SCRIPT_DEADLINE_MS : STATEMENT_DEADLINE_MS,
        repeatable: true,
        signal,
      });
      this.#onOutcome(null);
      return result;
    } catch (error) {
      const away = error instanceof DatabaseError && error.kind !== "permanent";
      if (away && !signal.aborted) this.#onOutcome(error);
      throw error;
    }
  }

  /** Where workers are told of what there is to do; null as long as none of this process listens. */
  get channel(): string | null {
    return this.#channel;
  }

  async listen(
    channel: string,
    onNotification: (payload: string) => void,
    onListening: () => void,
  ): Promise<Listener> {
    this.#channel = channel;
    return new Listener({ cluster: this.#cluster, channel, onNotification, onListening });
  }

  /** Sends away whoever waits for an answer; what is asked from now on is answered before `until`, or not at all. */
  abandon(until: AbortSignal): void {
    this.#lastWords = until;
    this.#waiting.abort();
  }
}
