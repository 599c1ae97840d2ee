import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { DatabaseError, toDatabaseError } from "./errors.ts";
import { dial, guard, type TlsOptions } from "./guarded-socket.ts";
import type { HotStatements } from "./hot-statements.ts";
import { askPassword, type Password } from "./password.ts";
import type { NameResolver } from "./resolver.ts";
import { Statements } from "./statements.ts";

export type Database = PostgresJsDatabase;

/** Where a node, or an endpoint, is reached, and as whom. */
export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Password;
  readonly tls?: TlsOptions;
}

export interface ClientOptions {
  readonly target: ConnectionTarget;
  readonly resolver: NameResolver;
  readonly connectTimeoutMs: number;
  /** Off behind PgBouncer in transaction mode, where the next statement may meet another server session. */
  readonly preparedStatements: boolean;
  /** What comes again and again on connections like this one, to be prepared. Nothing by default. */
  readonly hot?: HotStatements;
  readonly applicationName: string;
}

/** A warning that a commit's wait for the synchronous standby was cancelled: it may be on one node only. */
const SYNC_WAIT_CANCELLED = /canceling (the )?wait for synchronous replication/i;

/**
 * One connection that is never reconnected. postgres.js as a pool reconnects by itself, and then goes on in
 * the middle of a transaction in autocommit, on whatever node answers; so each client here has a single
 * connection to a single address, and is thrown away at the first sign of trouble.
 */
export class GuardedClient {
  readonly sql: postgres.Sql;
  readonly statements: Statements;
  readonly database: Database;
  /** The address that the name stood for when this client connected. */
  readonly address: string;
  #broken: DatabaseError | null = null;
  #syncWaitCancelled = false;
  readonly #destroySocket: () => void;
  readonly #onBroken = new Set<() => void>();
  #onNotification: ((channel: string, payload: string) => void) | undefined;

  private constructor(
    sql: postgres.Sql,
    statements: Statements,
    address: string,
    destroySocket: () => void,
  ) {
    this.sql = sql;
    this.statements = statements;
    this.database = drizzle({ client: through(sql, statements), casing: "snake_case" });
    this.address = address;
    this.#destroySocket = destroySocket;
  }

  /**
   * Asks for the password, resolves the name, connects to its addresses one after the other, and signs in, all of
   * it within `connectTimeoutMs`.
   *
   * @throws DatabaseError `notExecuted` when no address answers in time or there is no password, `permanent` when
   *   the server refuses who we are.
   */
  static async connect(options: ClientOptions): Promise<GuardedClient> {
    const { target, resolver, connectTimeoutMs } = options;
    const signal = AbortSignal.timeout(connectTimeoutMs);
    let failure: unknown;
    try {
      const password = await askPassword(target.password, target.user, signal);
      for (const address of await resolver.resolve(target.host)) {
        try {
          return await GuardedClient.#connectTo(address, password, options, signal);
        } catch (error) {
          failure = error;
          if (signal.aborted) break;
        }
      }
    } catch (error) {
      failure = error;
    }
    throw connectError(failure, target);
  }

  static async #connectTo(
    address: string,
    password: string,
    { target, preparedStatements, hot, applicationName }: ClientOptions,
    signal: AbortSignal,
  ): Promise<GuardedClient> {
    const { host, port, tls } = target;
    const socket = await dial({ address, port, host, signal, ...(tls ? { tls } : {}) });
    let taken = false;
    const prepares = preparedStatements && hot !== undefined;
    // Nothing is awaited before both exist, so the socket cannot end before them.
    guard(socket, () => {
      void sql.end({ timeout: 0 });
      client.#markBroken(lost());
    });
    const sql = postgres({
      host,
      port,
      database: target.database,
      user: target.user,
      pass: password,
      max: 1,
      fetch_types: false,
      prepare: preparedStatements,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: 0,
      connection: { application_name: applicationName },
      onnotice: ({ message }) => {
        if (message && SYNC_WAIT_CANCELLED.test(message)) client.#syncWaitCancelled = true;
      },
      onnotify: (channel: string, payload: string) => client.#onNotification?.(channel, payload),
      // Handed out once. A second call is the driver's attempt to reconnect: it gets the dead socket.
      socket: () => {
        if (taken) setImmediate(() => socket.destroy());
        taken = true;
        return socket;
      },
    } as postgres.Options<Record<string, postgres.PostgresType>>);
    const statements = new Statements(sql, prepares ? hot : null);
    const client = new GuardedClient(sql, statements, address, () => socket.destroy());
    const onAbort = () =>
      client.destroy(
        new DatabaseError("notExecuted", "CONNECT_TIMEOUT", "The sign-in took too long."),
      );
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      // The driver connects at the first statement; an empty one signs in and asks nothing of the server.
      await sql.unsafe(prepares ? PLAN_FOR_THE_VALUES : "").simple();
      return client;
    } catch (error) {
      const known = toDatabaseError(error);
      const isLost = known instanceof DatabaseError && known.kind === "unknown";
      // The driver has one word for whatever ends its socket; we know what did.
      const reason = isLost ? client.broken : null;
      client.destroy();
      throw reason ?? error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** The server's major version, 0 where it did not say. */
  get serverVersion(): number {
    return Number.parseInt(String(this.sql.parameters["server_version"] ?? "0"), 10);
  }

  /** Why this client is of no more use; null while it is. */
  get broken(): DatabaseError | null {
    return this.#broken;
  }

  /** Whether the last commit was told not to wait for the standby any longer; reading it forgets it. */
  takeSyncWaitCancelled(): boolean {
    const cancelled = this.#syncWaitCancelled;
    this.#syncWaitCancelled = false;
    return cancelled;
  }

  /** Called with what is notified on the channels that this session listens to. */
  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#onNotification = listener;
  }

  /** Called once when the client breaks, at once if it has. */
  onBroken(listener: () => void): void {
    if (this.#broken) listener();
    else this.#onBroken.add(listener);
  }

  /** Ends it at once. Whatever is under way is rejected; the server finds out by itself. */
  destroy(reason: DatabaseError = lost()): void {
    this.#markBroken(reason);
    void this.sql.end({ timeout: 0 });
    this.#destroySocket();
  }

  #markBroken(reason: DatabaseError): void {
    if (this.#broken) return;
    this.#broken = reason;
    for (const listener of this.#onBroken) listener();
    this.#onBroken.clear();
  }
}

/**
 * A plan for whatever the parameters may be can be far from the best for those at hand: a large shop among small ones, a
 * filter that leaves three rows or nearly all, a table that was empty when it was made. What is not prepared is planned
 * for its values anyway.
 */
const PLAN_FOR_THE_VALUES = "set plan_cache_mode = force_custom_plan";

/** As much of the driver as drizzle uses, with its statements sent by us. */
function through(sql: postgres.Sql, statements: Statements): postgres.Sql {
  return {
    options: sql.options,
    begin: sql.begin.bind(sql),
    unsafe: statements.send.bind(statements),
  } as postgres.Sql;
}

function lost(): DatabaseError {
  return new DatabaseError(
    "unknown",
    "CONNECTION_CLOSED",
    "The connection to the database was lost.",
  );
}

/** Before sign-in nothing can have been executed, whatever the driver calls the failure. */
function connectError(error: unknown, { host, port }: ConnectionTarget): DatabaseError {
  const known = toDatabaseError(error);
  if (known instanceof DatabaseError) {
    return known.kind === "unknown"
      ? new DatabaseError("notExecuted", known.code, `${host}:${port} hung up while signing in.`, {
          cause: known,
        })
      : known;
  }
  const { code, message } = error as { code?: string; message?: string };
  return new DatabaseError(
    code?.startsWith("ERR_TLS") || code?.includes("CERT") || code === "TLS_REFUSED"
      ? "permanent"
      : "notExecuted",
    code ?? "UNCLASSIFIED",
    message ?? `${host}:${port} could not be reached.`,
    { cause: error },
  );
}
