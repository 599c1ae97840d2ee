import { setImmediate as nextTurn } from "node:timers/promises";
import { ConnectBudget, type Purpose } from "./connect-budget.ts";
import { DatabaseError } from "./errors.ts";
import type { GuardedClient } from "./guarded-client.ts";

export interface PoolOptions {
  /** Opens one connection. */
  readonly connect: () => Promise<GuardedClient>;
  /** How many connections there may be; all of them may be used for writes. */
  readonly size: number;
  /** How many more there may be for reads, so that writes that wait for a commit do not keep them out. Default 0. */
  readonly readReserve?: number;
  /** How many may wait for one; whoever comes after them is told at once that it is too busy. Default 10 × size. */
  readonly queueLimit?: number;
  /** Connections that are kept open although nobody uses them, so that a promoted node meets no stampede. */
  readonly warm?: number;
  /** What connects are paid from; shared by all that connect to the same node. */
  readonly budget?: ConnectBudget;
  /** How old a connection may grow before it is replaced, minus up to a fifth at random. Default 30 minutes. */
  readonly maxAgeMs?: number;
}

export interface PoolStats {
  readonly size: number;
  readonly idle: number;
  readonly leased: number;
  readonly connecting: number;
  readonly waiting: number;
  /** Since the pool was made. */
  readonly connects: number;
  readonly failedConnects: number;
}

/** A connection that is its holder's alone until it is released. */
export interface Lease {
  readonly client: GuardedClient;
  /** Gives it back; one that broke, or was left in doubt (`discard`), is thrown away. */
  release(options?: { readonly discard?: boolean }): void;
}

/** What a connection is wanted for. */
export type Lane = "read" | "write";

interface Waiter {
  readonly lane: Lane;
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: DatabaseError) => void;
}

const DEFAULT_MAX_AGE_MS = 30 * 60_000;
const MAX_CONNECT_JITTER_MS = 10;
const TEND_EVERY_MS = 1_000;
/** A server that does not answer for so long, while nothing is asked of it but to get ready, is not waited for. */
const REHEARSAL_DEADLINE_MS = 5_000;

/**
 * What is left of the first second's connects for the monitor's probes, and for what is kept warm to the same server
 * under its other name.
 */
const BESIDE_THE_BURST = 10;

/**
 * What may be spent on connects to a node with `size` connections: with the monitor's own, twice that in the first
 * second, then five per second.
 */
export function connectBudget(size: number): ConnectBudget {
  return new ConnectBudget(Math.max(size, 2 * size - BESIDE_THE_BURST));
}

/**
 * Guarded clients to one node. Connects are bounded, so that neither a node that has just been promoted nor
 * one that refuses everybody is stampeded: at most twice the pool's size in a burst, then five per second.
 */
export class Pool {
  readonly #options: Required<PoolOptions>;
  readonly #idle: GuardedClient[] = [];
  readonly #clients = new Set<GuardedClient>();
  readonly #leased = new Set<GuardedClient>();
  readonly #expiresAt = new WeakMap<GuardedClient, number>();
  readonly #waiters: Waiter[] = [];
  #writing = 0;
  /** How many are kept open although nobody uses them; none while the node does not answer. */
  #warm: number;
  #isCool = false;
  #isLetGo = false;
  #connecting = 0;
  #connects = 0;
  #failedConnects = 0;
  #closed = false;
  #tending: NodeJS.Timeout | undefined;
  #isTending = false;

  constructor(options: PoolOptions) {
    this.#options = {
      readReserve: 0,
      queueLimit: options.size * 10,
      warm: 0,
      maxAgeMs: DEFAULT_MAX_AGE_MS,
      budget: connectBudget(options.size),
      ...options,
    };
    this.#warm = this.#options.warm;
  }

  get stats(): PoolStats {
    return {
      size: this.#options.size,
      idle: this.#idle.length,
      leased: this.#leased.size,
      connecting: this.#connecting,
      waiting: this.#waiters.length,
      connects: this.#connects,
      failedConnects: this.#failedConnects,
    };
  }

  /**
   * Waits for a connection until `signal` is aborted.
   *
   * @throws DatabaseError `busy` when too many wait already, or none came free in time; `notExecuted` or
   *   `permanent` when the node cannot be connected to.
   */
  async acquire(signal: AbortSignal, lane: Lane = "write"): Promise<Lease> {
    if (this.#closed) throw closedError();
    if (signal.aborted) throw waitedTooLong();
    const client = this.#admits(lane) ? this.#takeIdle() : undefined;
    if (client) return this.#lease(client, lane);
    if (this.#isCool) throw unreachableError();
    if (this.#waiters.length >= this.#options.queueLimit) {
      throw new DatabaseError(
        "busy",
        "QUEUE_FULL",
        "Too many are waiting for a connection already.",
      );
    }
    return new Promise<Lease>((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener("abort", onAbort);
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
      };
      const onAbort = () => {
        leave();
        reject(waitedTooLong());
      };
      const waiter: Waiter = {
        lane,
        resolve: (lease) => {
          leave();
          resolve(lease);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#grow();
    });
  }

  /**
   * Gives a connection away for good: the taker destroys it in the end. For when the server has none to spare.
   *
   * @throws DatabaseError as {@link acquire} does.
   */
  async giveAway(signal: AbortSignal): Promise<GuardedClient> {
    const { client } = await this.acquire(signal, "read");
    return client;
  }

  /**
   * Opens the connections that are kept warm, as far as the budget allows, and from now on keeps them ready: those that
   * were lost or have grown old are replaced, and all of them know what they will be asked for.
   */
  warm(): void {
    this.#warm = this.#options.warm;
    this.#isCool = false;
    this.#isLetGo = false;
    this.#options.budget.renew();
    this.#grow();
    this.#tending ??= setInterval(() => void this.#tend(), TEND_EVERY_MS).unref();
  }

  /**
   * The node does not answer: whoever waits for a connection to it is sent away, to look for another node, as is
   * whoever comes until the next {@link warm}. What there is is left alone, since the node may only be slow.
   */
  cool(): void {
    this.#isCool = true;
    this.#warm = 0;
    this.#stopTending();
    for (const waiter of [...this.#waiters]) waiter.reject(unreachableError());
  }

  /** Sends away whoever waits for a connection to write on; reads go on. */
  refuseWrites(reason: DatabaseError): void {
    for (const waiter of [...this.#waiters]) if (waiter.lane === "write") waiter.reject(reason);
  }

  /**
   * Nobody is to use the node for now: as {@link cool}, and every connection is closed, those in use when they come
   * back. Until the next {@link warm}.
   */
  letGo(): void {
    this.cool();
    this.#isLetGo = true;
    for (const client of this.#idle.splice(0)) client.destroy();
  }

  /**
   * Destroys every connection, also those in use, and sends away whoever waits for one: their node is not what
   * it was, and there may be another by now. New ones are opened as they are asked for.
   */
  discardAll(reason: DatabaseError): void {
    this.#options.budget.renew();
    for (const waiter of [...this.#waiters]) waiter.reject(abandonedError());
    this.#idle.length = 0;
    void destroyByTurns([...this.#clients], reason);
  }

  /** Destroys everything and rejects whoever waits. */
  close(): void {
    this.#closed = true;
    this.#options.budget.leave(this.#grow);
    this.#stopTending();
    for (const waiter of [...this.#waiters]) waiter.reject(closedError());
    for (const client of [...this.#clients]) client.destroy();
  }

  #takeIdle(): GuardedClient | undefined {
    for (;;) {
      // Last in, first out: the ones at the bottom grow old and are let go.
      const client = this.#idle.pop();
      if (!client || !this.#isSpent(client)) return client;
      client.destroy();
    }
  }

  #isSpent(client: GuardedClient): boolean {
    return client.broken !== null || performance.now() > (this.#expiresAt.get(client) ?? 0);
  }

  #admits(lane: Lane): boolean {
    return lane === "read" || this.#writing < this.#options.size;
  }

  #lease(client: GuardedClient, lane: Lane): Lease {
    this.#leased.add(client);
    if (lane === "write") this.#writing++;
    let released = false;
    return {
      client,
      release: ({ discard = false } = {}) => {
        if (released) return;
        released = true;
        this.#leased.delete(client);
        if (lane === "write") this.#writing--;
        if (discard || this.#isLetGo || this.#isSpent(client)) client.destroy();
        else this.#idle.push(client);
        this.#serve();
      },
    };
  }

  /** Gives what is idle to those who wait, first come first served, as far as their lane admits them. */
  #serve(): void {
    for (;;) {
      const waiter = this.#waiters.find(({ lane }) => this.#admits(lane));
      const client = waiter && this.#takeIdle();
      if (!client) break;
      waiter.resolve(this.#lease(client, waiter.lane));
    }
    if (this.#waiters.length > 0) this.#grow();
  }

  /** Opens as many connections as are missing, waiting for the budget where it is used up. */
  readonly #grow = (): void => {
    if (this.#closed) return;
    const { size, readReserve } = this.#options;
    const most = size + readReserve;
    const reads = this.#waiters.filter(({ lane }) => lane === "read").length;
    const writes = Math.min(this.#waiters.length - reads, size - this.#writing);
    this.#openSome("use", Math.min(reads + writes - this.#connecting, most - this.#open));
    this.#openSome("warmth", Math.min(this.#warm, most) - this.#open);
  };

  #openSome(purpose: Purpose, wanted: number): void {
    const { budget } = this.#options;
    for (let n = 0; n < wanted; n++) {
      if (!budget.take(purpose)) return budget.whenDue(purpose, this.#grow);
      this.#connecting++;
      // The first goes at once; those after it are spread a little.
      const delayMs = n === 0 ? 0 : Math.random() * MAX_CONNECT_JITTER_MS;
      if (delayMs === 0) void this.#connect();
      else setTimeout(() => void this.#connect(), delayMs);
    }
  }

  /** How many connections there are, or will be soon. */
  get #open(): number {
    return this.#clients.size + this.#connecting;
  }

  #stopTending(): void {
    clearInterval(this.#tending);
    this.#tending = undefined;
  }

  /**
   * Looks after what is idle, one connection after the other, as long as nobody waits for one: the worst moment to learn
   * or to connect is when a server has just taken over.
   */
  async #tend(): Promise<void> {
    if (this.#isTending) return;
    this.#isTending = true;
    try {
      this.#idle.find((client) => this.#isSpent(client))?.destroy();
      if (this.#waiters.length === 0) this.#grow();
      for (const client of [...this.#idle]) await this.#rehearse(client);
    } finally {
      this.#isTending = false;
    }
  }

  /** Lets a connection that is idle go through what it will be asked for. */
  async #rehearse(client: GuardedClient): Promise<void> {
    const index = this.#idle.indexOf(client);
    const isWanted = () => this.#waiters.length > 0 || client.broken !== null;
    if (index < 0 || isWanted()) return;
    const missing = client.statements.unrehearsed;
    if (missing.length === 0) return;
    this.#idle.splice(index, 1);
    const deadline = setTimeout(() => client.destroy(), REHEARSAL_DEADLINE_MS);
    for (const statement of missing) {
      if (!isWanted()) await client.statements.rehearse(statement);
    }
    clearTimeout(deadline);
    if (client.broken) return;
    if (this.#isLetGo) return client.destroy();
    this.#idle.unshift(client);
    this.#serve();
  }

  async #connect(): Promise<void> {
    this.#connects++;
    try {
      const client = await this.#options.connect();
      this.#connecting--;
      if (this.#closed || (this.#isLetGo && this.#waiters.length === 0)) return client.destroy();
      this.#clients.add(client);
      const { maxAgeMs } = this.#options;
      this.#expiresAt.set(client, performance.now() + maxAgeMs * (1 - Math.random() / 5));
      client.onBroken(() => this.#forget(client));
      if (client.broken) return;
      this.#idle.push(client);
      this.#serve();
    } catch (error) {
      this.#connecting--;
      this.#failedConnects++;
      // Whoever has waited longest is told, and can look for another node; the others' turn may go better.
      this.#waiters[0]?.reject(notConnected(error as DatabaseError));
      if (this.#waiters.length > 0) this.#grow();
    }
  }

  #forget(client: GuardedClient): void {
    this.#clients.delete(client);
    this.#leased.delete(client);
    const index = this.#idle.indexOf(client);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#waiters.length > 0) this.#grow();
  }
}

/** To end them all takes a while; whoever hears now of another server is not to wait for it. */
async function destroyByTurns(clients: readonly GuardedClient[], reason: DatabaseError) {
  for (const client of clients) {
    await nextTurn();
    client.destroy(reason);
  }
}

/** Who asked for a connection is not to blame that there is none: a refused password is an outage like any other. */
function notConnected({ kind, code, message }: DatabaseError): DatabaseError {
  return new DatabaseError(kind === "permanent" ? "notExecuted" : kind, code, message);
}

function closedError(): DatabaseError {
  return new DatabaseError(
    "notExecuted",
    "POOL_CLOSED",
    "The connections to this node are closed.",
  );
}

function unreachableError(): DatabaseError {
  return new DatabaseError("notExecuted", "UNREACHABLE", "The node does not answer.");
}

function abandonedError(): DatabaseError {
  return new DatabaseError("notExecuted", "ABANDONED", "The node is no longer in charge.");
}

function waitedTooLong(): DatabaseError {
  return new DatabaseError("busy", "ACQUIRE_TIMEOUT", "No connection came free in time.");
}
