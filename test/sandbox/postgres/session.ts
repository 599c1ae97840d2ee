import net from "node:net";

import postgres from "postgres";

/** The server did not answer in time; the session is gone, and what it was asked may still happen. */
export class SessionTimeoutError extends Error {
  override readonly name = "SessionTimeoutError";
}

export interface SessionOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Longest time for a statement when it does not say otherwise, connecting included. */
  readonly timeoutMs?: number;
}

/**
 * One connection of the sandbox itself, straight to a node. It is disposable: after any failure it is closed and
 * never used again, since a driver that reconnects by itself hides what the sandbox is there to see.
 */
export class Session {
  readonly #sql: postgres.Sql;
  readonly #socket: net.Socket;
  readonly #timeoutMs: number;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    const socket = net.connect({ host: "127.0.0.1", port: options.port, noDelay: true });
    // The driver listens only while it uses the socket; the failure itself reaches the statement through it.
    socket.on("error", () => {});
    this.#socket = socket;
    this.#sql = postgres({
      host: "127.0.0.1",
      port: options.port,
      user: options.user,
      password: options.password,
      database: options.database,
      max: 1,
      fetch_types: false,
      prepare: false,
      max_lifetime: null,
      idle_timeout: null as unknown as number,
      connection: { application_name: "sandbox" },
      onnotice: () => {},
      onclose: () => this.close(),
      // The driver asks again when it wants to reconnect, and gets a socket that is closed for good.
      socket: () => socket,
    } as postgres.Options<Record<string, never>>);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Runs one statement.
   * @throws SessionTimeoutError when it takes longer than `timeoutMs`.
   * @throws postgres.PostgresError with its `code`, or a connection error.
   */
  async query<Row = Record<string, unknown>>(
    text: string,
    parameters: readonly (string | number | boolean | null)[] = [],
    timeoutMs = this.#timeoutMs,
  ): Promise<Row[]> {
    if (this.#closed) throw new SessionTimeoutError("The session is closed.");
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new SessionTimeoutError(`No answer within ${timeoutMs} ms.`));
    }, timeoutMs);
    const answer = this.#sql.unsafe(text, [...parameters]);
    try {
      return (await Promise.race([answer, expired])) as unknown as Row[];
    } catch (error) {
      // A statement that the server refused leaves the connection sound.
      if (!(error instanceof postgres.PostgresError) || error.severity_local !== "ERROR")
        this.close();
      answer.catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Cuts the connection at once, without waiting for a server that may be frozen. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sql.end({ timeout: 0 }).catch(() => {});
    this.#socket.destroy();
  }
}
