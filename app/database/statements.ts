import type postgres from "postgres";
import type { HotStatement, HotStatements } from "./hot-statements.ts";

/** A question to the server; the driver's own shape of it. */
export type Question = ReturnType<postgres.Sql["unsafe"]>;

/** So many on one connection, whatever came and went meanwhile; it is replaced before long. */
const MAX_PREPARED = 200;
const REHEARSE_AGAIN_AFTER_MS = 60_000;
const PLANNING_LOCK_TIMEOUT_MS = 50;

/**
 * What a prepared statement fails with when its tables are not what they were: `feature_not_supported` ("cached plan
 * must not change result type"), a statement that is not there any more, and parameters whose types do not fit now.
 */
const OUTDATED: ReadonlySet<string> = new Set([
  "0A000",
  "26000",
  "42804",
  "42846",
  "42883",
  "42P08",
]);

/**
 * One connection's statements. What comes again and again is prepared: it is parsed once, and takes one round trip
 * instead of two, since the driver need not ask for its parameters' types first.
 */
export class Statements {
  readonly #sql: postgres.Sql;
  readonly #hot: HotStatements | null;
  readonly #prepared = new Set<string>();
  /** Of those that were prepared ahead of their first time. */
  readonly #names = new Map<string, string>();
  #rehearsed = 0;
  #rehearsedAt = performance.now();
  #outdated: string | null = null;
  #failed = false;

  /** @param hot - What is worth preparing; null where a statement may meet another session than the one before. */
  constructor(sql: postgres.Sql, hot: HotStatements | null) {
    this.#sql = sql;
    this.#hot = hot;
  }

  /** Whether anything is prepared on this connection at all. */
  get prepares(): boolean {
    return this.#hot !== null;
  }

  /** A transaction begins: forgets what went wrong in those before. */
  begin(): void {
    this.#outdated = null;
    this.#failed = false;
  }

  /** Sends a statement. Its place is behind everything that was sent before, whenever its answer is awaited. */
  send(text: string, parameters: readonly unknown[] = []): Question {
    const hot = this.#worthPreparing(text, parameters);
    const question = this.#sql.unsafe(text, parameters as postgres.ParameterOrJSON<never>[], {
      prepare: hot !== null,
    });
    const isNew = hot !== null && !this.#prepared.has(hot.key);
    if (isNew) this.#prepared.add(hot.key);
    // Its asker gets the error too.
    question.catch((error: unknown) => {
      this.#failed = true;
      if (hot && !isNew) this.#judge(hot, error);
    });
    return question;
  }

  /**
   * What a server process should go through before its time comes: what is worth preparing and was never asked here.
   * From time to time once more, since what was learned of a table is forgotten when that is vacuumed.
   */
  get unrehearsed(): readonly HotStatement[] {
    if (!this.#hot) return [];
    const isStale = performance.now() - this.#rehearsedAt > REHEARSE_AGAIN_AFTER_MS;
    if (this.#hot.version === this.#rehearsed && !isStale) return [];
    const missing = this.#hot.all.filter((hot) =>
      this.#names.has(hot.key) ? isStale : this.#hasRoomFor(hot),
    );
    if (missing.length === 0) this.#rehearsed = this.#hot.version;
    if (isStale) this.#rehearsedAt = performance.now();
    return missing;
  }

  /**
   * Parses a statement and plans it, for which a server process has to learn of its tables. Nothing is executed: a
   * standby does it too. What cannot be rehearsed is met at its first time.
   */
  async rehearse(hot: HotStatement): Promise<void> {
    try {
      const name = this.#names.get(hot.key) ?? (await this.#prepare(hot));
      await this.#plan(name, hot.samples.length);
    } catch {
      // Not to be tried again and again. A lost connection is known to its client.
      this.#prepared.add(hot.key);
    }
  }

  /** Whether a statement of the transaction has failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * The code with which a prepared statement of the transaction failed since its tables have been changed; null where
   * none did. The transaction can be run again: that statement is not prepared any more.
   */
  get outdated(): string | null {
    return this.#outdated;
  }

  #worthPreparing(text: string, parameters: readonly unknown[]): HotStatement | null {
    const hot = this.#hot?.use(text, parameters) ?? null;
    return hot && (this.#prepared.has(hot.key) || this.#hasRoomFor(hot)) ? hot : null;
  }

  /** Whether it may be prepared, and is not. */
  #hasRoomFor({ key }: HotStatement): boolean {
    return !this.#prepared.has(key) && this.#prepared.size < MAX_PREPARED;
  }

  /** @returns Its name in the session. */
  async #prepare({ key, text, samples }: HotStatement): Promise<string> {
    const { name } = await this.#sql
      .unsafe(text, samples as postgres.ParameterOrJSON<never>[])
      .describe();
    this.#prepared.add(key);
    this.#names.set(key, name);
    return name;
  }

  async #plan(name: string, parameters: number): Promise<void> {
    const values = `(${Array(parameters).fill("null").join(", ")})`;
    // A plan for whatever the values may be: one for nulls would not look at the tables. A table that is being changed is
    // not waited for.
    const planning = this.#sql
      .unsafe(
        `begin read only;
         set local plan_cache_mode = force_generic_plan;
         set local lock_timeout = ${PLANNING_LOCK_TIMEOUT_MS};
         explain execute "${name}"${values}`,
      )
      .simple();
    planning.catch(() => undefined);
    await Promise.all([planning, this.#sql.unsafe("rollback").simple()]);
  }

  #judge(statement: HotStatement, error: unknown): void {
    const { code } = error as { code?: unknown };
    if (typeof code !== "string" || !OUTDATED.has(code)) return;
    this.#outdated = code;
    this.#hot?.retire(statement);
  }
}
