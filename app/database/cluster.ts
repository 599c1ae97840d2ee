import { and, eq, sql } from "drizzle-orm";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { DatabaseError, OperationMismatchError, toDatabaseError } from "./errors.ts";
import * as schema from "./schema.ts";
import { hashInput, type WriteDefinition } from "./write.ts";

type Database = PostgresJsDatabase<typeof schema>;

/** What a piece of work gets: drizzle inside one transaction, with the shop's row-level security in force. */
export type ShopDatabase = Parameters<Parameters<Database["transaction"]>[0]>[0];

/** A value read from the database; structurally a `Sourced` of the continuity floor above. */
export interface Reading<T> {
  readonly value: T;
  readonly source: "primary" | "replica";
  readonly asOf: Date;
}

export interface ReadOptions {
  /** How far behind the primary the answering node may be. */
  readonly maxLagMs?: number;
}

export interface DatabaseState {
  readonly state: "up" | "down";
  readonly since: Date;
  /** The class or code of the last failure, null while there was none. */
  readonly lastError: string | null;
  readonly latencyMs: number | null;
}

export interface ClusterOptions {
  /** Where the app's role logs in. */
  readonly url: string;
  /** Where the role for work across shops logs in: intake and queue tables only. */
  readonly systemUrl: string;
  /** PEM of the authority that signed the server's certificate; TLS is then required. */
  readonly ca?: string;
  readonly poolSize?: number;
}

const CONNECT_TIMEOUT_SECONDS = 2;

/** The two doors to the database, and the back door for work that spans shops. */
export class Cluster {
  readonly #app: postgres.Sql;
  readonly #system: postgres.Sql;
  readonly #appDatabase: Database;
  readonly #systemDatabase: Database;
  #state: DatabaseState = { state: "down", since: new Date(), lastError: null, latencyMs: null };

  constructor(options: ClusterOptions) {
    const connect = (url: string, max: number) =>
      postgres(url, {
        max,
        // One round trip fewer at every connect; drizzle maps arrays itself.
        fetch_types: false,
        connect_timeout: CONNECT_TIMEOUT_SECONDS,
        onnotice: () => {},
        ...(options.ca ? { ssl: { ca: options.ca, rejectUnauthorized: true } } : {}),
      });
    const poolSize = options.poolSize ?? 10;
    this.#app = connect(options.url, poolSize);
    this.#system = connect(options.systemUrl, Math.max(2, Math.ceil(poolSize / 2)));
    this.#appDatabase = drizzle(this.#app, { schema, casing: "snake_case" });
    this.#systemDatabase = drizzle(this.#system, { schema, casing: "snake_case" });
  }

  /**
   * Reads on behalf of one shop, in a read-only transaction.
   *
   * @throws DatabaseError when no node could answer.
   */
  async read<T>(
    shop: string,
    work: (db: ShopDatabase) => Promise<T>,
    _options: ReadOptions = {},
  ): Promise<Reading<T>> {
    return this.#watched(async () => {
      const asOf = new Date();
      const value = await this.#appDatabase.transaction(
        async (tx) => {
          await tx.execute(sql`select set_config('app.shop', ${shop}, true)`);
          return work(tx);
        },
        { accessMode: "read only" },
      );
      return { value, source: "primary" as const, asOf };
    });
  }

  /**
   * Makes a change for one shop exactly once per operation id: a repetition gets the stored result of the
   * first time.
   *
   * @param operationId - Made where the change was first asked for, and kept over every retry.
   * @throws OperationMismatchError when the id was already used with another input.
   * @throws DatabaseError as its class says; `unknown` means that asking again with the same id is safe.
   */
  async write<Input, Result>(
    shop: string,
    operationId: string,
    definition: WriteDefinition<Input, Result>,
    input: Input,
  ): Promise<Result> {
    const checked = definition.schema.parse(input);
    const inputHash = hashInput(definition.name, checked);
    return this.#watched(() =>
      this.#appDatabase.transaction(async (tx) => {
        await tx.execute(sql`select set_config('app.shop', ${shop}, true)`);
        const { operations } = schema;
        const inserted = await tx
          .insert(operations)
          .values({ shop, operationId, name: definition.name, inputHash })
          .onConflictDoNothing()
          .returning({ operationId: operations.operationId });
        const key = and(eq(operations.shop, shop), eq(operations.operationId, operationId));
        if (inserted.length === 0) {
          const [known] = await tx.select().from(operations).where(key);
          if (!known?.inputHash.equals(inputHash)) throw new OperationMismatchError(operationId);
          return known.result as Result;
        }
        const result = await definition.work(tx, checked, { shop, operationId });
        if (result !== undefined) {
          await tx.update(operations).set({ result }).where(key);
        }
        return result;
      }),
    );
  }

  /** Work that spans shops, under the role that may touch only intake and queue tables. */
  async system<T>(work: (db: ShopDatabase) => Promise<T>): Promise<T> {
    return this.#watched(() => this.#systemDatabase.transaction(work));
  }

  /** The raw client of the system role, for the queue. */
  get systemClient(): postgres.Sql {
    return this.#system;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** Asks the writer for a sign of life, and keeps the outcome as {@link state}. */
  async probe(): Promise<DatabaseState> {
    const startedAt = performance.now();
    try {
      await this.#watched(() => this.#app`select 1`);
      this.#state = { ...this.#state, latencyMs: performance.now() - startedAt };
    } catch {
      // The state has it.
    }
    return this.#state;
  }

  async close(): Promise<void> {
    await Promise.all([this.#app.end({ timeout: 5 }), this.#system.end({ timeout: 5 })]);
  }

  async #watched<T>(work: () => Promise<T>): Promise<T> {
    try {
      const value = await work();
      this.#moveTo("up", null);
      return value;
    } catch (error) {
      const known = toDatabaseError(error);
      this.#note(known);
      throw known;
    }
  }

  #note(error: unknown): void {
    if (!(error instanceof DatabaseError)) return;
    if (["notExecuted", "unknown", "wrongNode"].includes(error.kind)) {
      this.#moveTo("down", error.code);
    }
  }

  #moveTo(state: "up" | "down", lastError: string | null): void {
    if (this.#state.state === state && lastError === null) return;
    const since = this.#state.state === state ? this.#state.since : new Date();
    this.#state = { ...this.#state, state, since, lastError: lastError ?? this.#state.lastError };
  }
}
