import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "../observability/logger.server.ts";
import { fullJitter } from "./backoff.ts";
import { ClusterNode } from "./cluster-node.ts";
import { directAddresses } from "./direct.ts";
import { Doubts } from "./doubts.ts";
import { DatabaseError, toDatabaseError } from "./errors.ts";
import { HotStatements } from "./hot-statements.ts";
import { forWantOfMigrations, type Migration } from "./migration-head.ts";
import type { OwnWrites, WriteMark } from "./own-writes.ts";
import { isPassing, ReadRouting, type Reader } from "./read-routing.ts";
import { createResolver, type NameResolver } from "./resolver.ts";
import { changeOf, knownBefore, perform, type Change } from "./perform.ts";
import { RetryBudget } from "./retry-budget.ts";
import { operations } from "./schema.ts";
import type { Urgency } from "./slow-start.ts";
import {
  instanceAddress,
  memberAddress,
  nodesOf,
  type ClusterTargets,
  type NodeAddress,
} from "./targets.ts";
import { Discovery } from "./topology/discovery.ts";
import { TopologyMonitor, type ClusterState, type NodeStatus } from "./topology/monitor.ts";
import {
  inTransaction,
  OTHER_SERVER,
  type ShopDatabase,
  type Transaction,
  type WalPosition,
} from "./transaction.ts";
import { hashInput, type WriteDefinition } from "./write.ts";
import type { Lease, Pool } from "./pool.ts";

export type { ShopDatabase } from "./transaction.ts";

/** A value read from the database; structurally a `Sourced` of the continuity floor above. */
export interface Reading<T> {
  readonly value: T;
  readonly source: "primary" | "replica";
  /** When it was true, by this process's clock. */
  readonly asOf: Date;
  /** The reader has written something since that may be missing here. */
  readonly lacksOwnWrites?: true | undefined;
}

export interface ReadOptions {
  /** How far behind the primary the answer may be, where there is a choice. Default 5 s. */
  readonly maxLagMs?: number;
  readonly deadlineMs?: number;
}

export interface WriteOptions {
  readonly deadlineMs?: number;
  /** Whose turn it is first on a server that has just taken over. Default `live`; `later` for work across shops. */
  readonly urgency?: Urgency;
}

export interface SystemOptions extends WriteOptions {
  /** Whether the work may be done twice without harm, so that a lost answer can simply be asked for again. */
  readonly repeatable?: boolean;
  /** Ends the work before its deadline. */
  readonly signal?: AbortSignal;
}

/** The database as health checks and pages show it. */
export interface DatabaseState {
  /** Whether writes go on. */
  readonly state: "up" | "down";
  readonly cluster: ClusterState;
  readonly since: Date;
  readonly lastError: string | null;
  readonly latencyMs: number | null;
  readonly nodes: readonly NodeStatus[];
}

export interface ClusterOptions extends ClusterTargets {
  readonly logger?: Logger;
  /** Connections per node for merchants; work across shops gets half as many beside them. Default 10. */
  readonly poolSize?: number;
  /** Off behind PgBouncer in transaction mode. Default on. */
  readonly preparedStatements?: boolean;
  /**
   * Where the addresses are a pooler's in transaction mode: the servers behind it, as `evenkeel_app`, one for each of
   * `nodes`, or for `url` and `readerUrl`, in the same order. Probes and sessions go there.
   */
  readonly directUrls?: readonly string[];
  /** Name servers to ask in place of the system's. */
  readonly nameServers?: readonly string[];
  /** What an earlier process knew, so that nothing older is followed. */
  readonly remembered?: { readonly systemIdentifier: string; readonly timeline: number };
  /** The migrations that a writer must have: one that lacks any is read from only. Default none. */
  readonly release?: readonly Migration[];
}

const DEADLINE_MS = 2_000;
const MAX_LAG_MS = 5_000;
/** An attempt that takes longer makes its node suspect, which costs one probe; nothing is cut off yet. */
const SUSPECT_AFTER_MS = 100;
/** Where no node answers, a kept copy is given only after that. */
const MOMENT_MS = 250;
/** And a read for which there is none waits for a node until they have all been away for so long, */
const HOPE_MS = 2_000;
/** then only as long as it takes to notice that one is back. */
const LEAST_HOPE_MS = 400;
const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 200;

/** The two doors to the database, and the back door for work that spans shops. */
export class Cluster {
  readonly monitor: TopologyMonitor;
  /** What is known to be missing for a while; reads are labelled by it. */
  readonly doubts = new Doubts();
  /** Also those that are listed no more: they may come back. */
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #routing: ReadRouting;
  readonly #readBudget = new RetryBudget();
  readonly #writeBudget = new RetryBudget();
  readonly #ownWrites = new AsyncLocalStorage<OwnWrites>();
  #lastError: string | null = null;
  #started = false;

  constructor(options: ClusterOptions) {
    const resolver: NameResolver = createResolver(
      options.nameServers ? { servers: options.nameServers } : {},
    );
    const addresses = nodesOf(options);
    const hot = { app: new HotStatements(), system: new HotStatements() };
    const direct = directAddresses(addresses, options.directUrls ?? [], options);
    const define = (address: NodeAddress) => {
      const known = this.#nodes.get(address.id);
      if (known) return known.definition;
      const node = new ClusterNode({
        address,
        direct: direct.get(address.id) ?? null,
        resolver,
        poolSize: options.poolSize ?? 10,
        preparedStatements: options.preparedStatements ?? true,
        hot,
      });
      this.#nodes.set(node.id, node);
      return node.definition;
    };
    const named = (options.nodes ?? []).length > 0;
    const choice = options.topology ?? "auto";
    this.monitor = new TopologyMonitor({
      nodes: addresses.map(define),
      discovery: {
        survey: new Discovery({
          choice: choice === "auto" && named ? "nodes" : choice,
          instanceAddress: (instance) => instanceAddress(options, instance),
        }),
        define: (member) => define(memberAddress(options, member)),
      },
      ...(options.logger ? { logger: options.logger } : {}),
      ...(options.remembered ? { remembered: options.remembered } : {}),
      ...(options.release ? { release: options.release } : {}),
    });
    this.#routing = new ReadRouting(this.monitor, this.#nodes);
    this.monitor.events.on("abandoned", ({ id }) =>
      this.#nodes
        .get(id)
        ?.discardAll(new DatabaseError("unknown", "ABANDONED", "The node is no longer in charge.")),
    );
    // A standby's connections survive its promotion: kept open, they are there when it happens.
    this.monitor.events.on("node", ({ id, to }) => {
      if (to === "standby" || to === "primary" || to === "readOnly") this.#nodes.get(id)?.warm();
      if (to === "primary") this.#nodes.get(id)?.commits.reset();
      if (to === "unreachable") this.#nodes.get(id)?.cool();
    });
    this.monitor.events.on("writer", ({ id }) => this.#nodes.get(id)?.slowStart.begin());
    this.monitor.events.on("left", ({ id }) => this.#nodes.get(id)?.letGo());
  }

  /** Starts to watch the nodes; the first read or write does too. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.monitor.start();
  }

  /**
   * Does work that reads what it has written: writes within it are noted in `own`, and reads within it go to nodes
   * that have everything noted there. Where none of those answers, reads say that they lack it.
   */
  withOwnWrites<T>(own: OwnWrites, work: () => T): T {
    return this.#ownWrites.run(own, work);
  }

  /** What has been written by the work that this is called from; null outside of {@link withOwnWrites}. */
  get ownWrites(): OwnWrites | null {
    return this.#ownWrites.getStore() ?? null;
  }

  /**
   * Reads on behalf of one shop, in a read-only transaction: on the primary while it answers, on a standby
   * otherwise, on both at once when one hesitates.
   *
   * @throws DatabaseError when no node could answer within the deadline.
   */
  async read<T>(
    shop: string,
    work: (db: ShopDatabase) => Promise<T>,
    { maxLagMs = MAX_LAG_MS, deadlineMs = DEADLINE_MS }: ReadOptions = {},
  ): Promise<Reading<T>> {
    this.start();
    const attempt = new Attempt(deadlineMs);
    this.#readBudget.earn();
    const mark = this.#routing.known(this.ownWrites?.mark ?? null);
    for (let n = 0; ; n++) {
      const readers = await this.#readersFor(maxLagMs, n, mark, attempt.signal);
      if (readers.length === 0) throw noNode();
      try {
        return await this.#routing.firstOf(
          readers,
          { n, elapsed: () => attempt.elapsed },
          (reader) => this.#readOn(reader, shop, work, attempt, mark),
        );
      } catch (error) {
        await this.#beforeRetry(error, attempt, n, this.#readBudget, true);
      }
    }
  }

  /**
   * Makes several changes of one shop in their order in one transaction, all of them or none; for each the
   * promises of {@link write} hold.
   *
   * @returns Their results, in the same order.
   */
  async writeAll(
    shop: string,
    changes: readonly Change[],
    { deadlineMs = DEADLINE_MS, urgency = "live" }: WriteOptions = {},
  ): Promise<unknown[]> {
    const attempt = new Attempt(deadlineMs, { urgency });
    return this.#onWriter("app", shop, attempt, true, (tx) => perform(tx, shop, changes));
  }

  /**
   * Makes a change for one shop exactly once per operation id: a repetition gets the stored result of the
   * first time. Goes on over a failover, as long as the deadline allows.
   *
   * @param operationId - Made where the change was first asked for, and kept over every retry.
   * @throws OperationMismatchError when the id was already used with another input.
   * @throws DatabaseError as its class says. `unknown` means that it may have happened: asking again with
   *   the same id is safe, calling it "not done" is not, before {@link settle} has said so.
   */
  async write<Input, Result>(
    shop: string,
    operationId: string,
    definition: WriteDefinition<Input, Result>,
    input: Input,
    options: WriteOptions = {},
  ): Promise<Result> {
    const change = changeOf(operationId, definition, input);
    const [result] = await this.writeAll(shop, [change], options);
    return result as Result;
  }

  /**
   * Finds out, once and for all, whether an operation has happened: where it has not, its id is used up, so
   * that a late arrival of it fails instead of happening after it was called "not done".
   */
  async settle(
    shop: string,
    operationId: string,
    { deadlineMs = DEADLINE_MS, urgency = "live" }: WriteOptions = {},
  ): Promise<"done" | "notDone"> {
    const tombstone = hashInput(TOMBSTONE, operationId);
    const attempt = new Attempt(deadlineMs, { urgency });
    return this.#onWriter("app", shop, attempt, true, async (tx) => {
      await tx.db
        .insert(operations)
        .values({ shop, operationId, name: TOMBSTONE, inputHash: tombstone })
        .onConflictDoNothing();
      const known = await knownBefore(tx, shop, [operationId]);
      return known.get(operationId)?.name === TOMBSTONE ? "notDone" : "done";
    });
  }

  /**
   * Work that spans shops, under the role that may touch only intake and queue tables.
   *
   * @throws DatabaseError `unknown` when the answer was lost, unless the work is `repeatable`.
   */
  async system<T>(
    work: (db: ShopDatabase) => Promise<T>,
    { deadlineMs = DEADLINE_MS, repeatable = false, urgency = "later", signal }: SystemOptions = {},
  ): Promise<T> {
    const attempt = new Attempt(deadlineMs, { urgency, ended: signal });
    return this.#onWriter("system", null, attempt, repeatable, ({ db }) => work(db));
  }

  /** Waits while a new writer is left to what somebody waits for: see `SlowStart.whenCalm`. */
  async whenCalm(): Promise<void> {
    const { writer } = this.monitor;
    if (writer !== null) await this.#nodes.get(writer)?.slowStart.whenCalm();
  }

  /**
   * A connection to the writer for what lives in a session (LISTEN), its holder's alone until it is released or
   * breaks: it does when its node goes, and when that is no longer the one to write to.
   *
   * @throws DatabaseError when there is no connection to be had, or `signal` ends the wait for one.
   */
  async hold(signal: AbortSignal): Promise<Lease> {
    this.start();
    const id = await this.monitor.waitForWriter(signal);
    const node = id === null ? undefined : this.#nodes.get(id);
    if (!node) throw noWriter();
    return node.sessions.acquire(signal, "read");
  }

  /** Whether any node answers reads just now, however old its answers. */
  get readable(): boolean {
    return (
      !this.#started ||
      this.monitor.state === "starting" ||
      this.#routing.for(Infinity, 0, null).length > 0
    );
  }

  /** The same, after waiting a moment where the last node was lost just now: connections that were cut are back in one. */
  async readableSoon(): Promise<boolean> {
    while (!this.readable) {
      const leftMs = MOMENT_MS - this.monitor.awayMs;
      if (leftMs <= 0 || this.monitor.stopped) return false;
      await this.monitor.nextSign(AbortSignal.timeout(Math.ceil(leftMs)));
    }
    return true;
  }

  /** Whether a write that is asked for now is tried at once: there is a writer, and its commits end. */
  get takesWrites(): boolean {
    const { writer } = this.monitor;
    return writer !== null && this.#nodes.get(writer)?.commits.closed === false;
  }

  get state(): DatabaseState {
    const { state, since, nodes, writer } = this.monitor;
    const report = writer === null ? null : this.monitor.node(writer)?.report;
    return {
      state: state === "steady" ? "up" : "down",
      cluster: state,
      since,
      nodes,
      lastError: this.#lastError,
      latencyMs: report ? report.latencyMs : null,
    };
  }

  async close(): Promise<void> {
    this.monitor.stop();
    for (const node of this.#nodes.values()) node.close();
  }

  /** Runs a transaction on the writer, whichever node that comes to be before the deadline. */
  async #onWriter<T>(
    role: "app" | "system",
    shop: string | null,
    attempt: Attempt,
    repeatable: boolean,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    this.start();
    this.#writeBudget.earn();
    // Once an attempt may have happened, the failure of a later one does not say that it has not.
    let doubt: DatabaseError | null = null;
    for (let n = 0; ; n++) {
      try {
        const node = await this.#enterWriter(attempt);
        try {
          return await this.#runOn(node, node[role], attempt, { readOnly: false, shop }, work);
        } finally {
          node.slowStart.leave();
        }
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === "unknown") doubt = error;
        await this.#beforeRetry(error, attempt, n, this.#writeBudget, repeatable).catch(
          (failure: unknown) => {
            throw failure instanceof DatabaseError ? (doubt ?? failure) : failure;
          },
        );
      }
    }
  }

  /**
   * Waits for a writer, and for one's turn on it; its slow start is to be left again.
   *
   * @throws DatabaseError when there is no writer before the attempt's time is over.
   */
  async #enterWriter({ signal, urgency }: Attempt): Promise<ClusterNode> {
    for (;;) {
      const id = await this.monitor.waitForWriter(signal);
      const node = id === null ? undefined : this.#nodes.get(id);
      if (!node) throw this.monitor.state === "readOnlyWriter" ? readOnly() : noWriter();
      await node.slowStart.enter(signal, urgency);
      // When one's turn comes, this node may be in charge no more, and its name stand for the old primary.
      if (this.monitor.writer === id || signal.aborted) return node;
      node.slowStart.leave();
    }
  }

  /**
   * Waits for a node where there is none, not for long where they have all been away for a while: whoever waits for a
   * server costs it no retry.
   */
  async #readersFor(
    maxLagMs: number,
    n: number,
    mark: WriteMark | null,
    signal: AbortSignal,
  ): Promise<Reader[]> {
    const giveUpAt = performance.now() + Math.max(LEAST_HOPE_MS, HOPE_MS - this.monitor.awayMs);
    for (;;) {
      const readers = this.#routing.for(maxLagMs, n, mark);
      const leftMs = giveUpAt - performance.now();
      if (readers.length > 0 || leftMs <= 0 || signal.aborted || this.monitor.stopped) {
        return readers;
      }
      const late = AbortSignal.timeout(Math.ceil(leftMs));
      await this.monitor.nextSign(AbortSignal.any([signal, late]));
    }
  }

  async #readOn<T>(
    { node, lacks }: Reader,
    shop: string,
    work: (db: ShopDatabase) => Promise<T>,
    attempt: Attempt,
    mark: WriteMark | null,
  ): Promise<Reading<T>> {
    const isWriter = this.monitor.writer === node.id;
    const nodeAsOf = isWriter ? new Date() : this.#routing.asOf(node.id);
    if (nodeAsOf === null) throw noNode();
    const before = [this.doubts.since(shop), lacks ? mark?.at : null];
    const value = await this.#runOn(node, node.app, attempt, { readOnly: true, shop }, ({ db }) =>
      work(db),
    );
    const times = [nodeAsOf, ...before].flatMap((at) => (at ? [at.getTime()] : []));
    const asOf = new Date(Math.min(...times));
    return {
      value,
      // A primary that lacks what was acknowledged answers as the standby that it was.
      source: isWriter && !lacks && asOf >= nodeAsOf ? "primary" : "replica",
      asOf,
      ...(lacks ? { lacksOwnWrites: true } : {}),
    };
  }

  async #runOn<T>(
    node: ClusterNode,
    pool: Pool,
    attempt: Attempt,
    options: { readonly readOnly: boolean; readonly shop: string | null },
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    // A node that is found to be known by another name in the meantime is gone from the monitor, and its report with it.
    const chosenBy = this.monitor.node(node.id)?.report ?? null;
    const passage = options.readOnly ? null : node.commits.enter();
    let lease: Lease;
    try {
      lease = await pool.acquire(attempt.signal, options.readOnly ? "read" : "write");
    } catch (error) {
      passage?.end();
      throw error;
    }
    const { client } = lease;
    const tooLate = Promise.withResolvers<never>();
    let committing = false;
    const onDeadline = () => {
      const late = committing && !attempt.endedEarly;
      const isCanary = late && passage?.late(() => client.destroy(deadlinePassed()));
      if (isCanary) tooLate.reject(deadlinePassed());
      else client.destroy(deadlinePassed());
    };
    attempt.signal.addEventListener("abort", onDeadline, { once: true });
    const suspicion = setTimeout(() => this.monitor.suspect(node.id), SUSPECT_AFTER_MS);
    const { remainingMs } = attempt;
    const own = options.readOnly ? null : this.ownWrites;
    let at = new Date();
    const onCommit = () => {
      committing = true;
      at = new Date();
    };
    const onPosition = (position: WalPosition | null) => {
      const report = this.monitor.node(node.id)?.report ?? chosenBy;
      if (!report) return;
      const { systemIdentifier, timeline, lagMs } = report;
      // Where the storage replicates, servers tell how late they are, and no positions that compare.
      const known = lagMs === null ? position : { timeline, lsn: 0n };
      if (known) own?.note({ ...known, systemIdentifier, at });
    };
    // Much of what looks for work across shops finds none; a commit of nothing waits for no standby, and says nothing of
    // those that do.
    const onCommitted = (wrote: boolean) => {
      if (wrote) passage?.answered();
    };
    const counting = pool === node.system ? { onCommitted } : {};
    const hooks = { onCommit, ...counting, ...(own ? { onPosition } : {}) };
    // A name may have come to stand for another server since, even to the monitor's knowledge: for an old primary, say.
    const mayMove = node.pooled || node.definition.kind === "endpoint";
    const instance = mayMove ? (chosenBy?.instance ?? null) : null;
    const run = async () => {
      try {
        const value = await inTransaction(
          client,
          { ...options, ...hooks, instance, remainingMs },
          work,
        );
        if (pool !== node.system) passage?.answered();
        if (client.takeSyncWaitCancelled() && !options.readOnly) throw syncWaitCancelled();
        return value;
      } catch (error) {
        const { outdated } = client.statements;
        if (outdated !== null && !client.broken) throw statementOutdated(outdated);
        const { code } = error as { code?: unknown };
        // What a pooler chooses is another matter next time; a connection of ours stays where it leads.
        if (code === OTHER_SERVER && !node.pooled) client.destroy(error as DatabaseError);
        throw error;
      } finally {
        clearTimeout(suspicion);
        attempt.signal.removeEventListener("abort", onDeadline);
        passage?.end();
        lease.release();
      }
    };
    try {
      // A canary goes on when its caller has long been told that the outcome is unknown.
      return await (passage ? Promise.race([run(), tooLate.promise]) : run());
    } catch (error) {
      let known = client.broken ?? toDatabaseError(error);
      if (options.readOnly && known instanceof DatabaseError && known.kind === "wrongNode") {
        // A read that writes is the caller's mistake, and says nothing about the node.
        known = new DatabaseError("permanent", known.code, known.message);
      }
      if (known instanceof DatabaseError) {
        const missing = this.monitor.node(node.id)?.report?.missingMigrations ?? [];
        const classed = forWantOfMigrations(known, missing);
        this.#note(node, classed);
        throw classed;
      }
      throw known;
    }
  }

  #note(node: ClusterNode, { kind, code }: DatabaseError): void {
    if (kind === "permanent" || kind === "rolledBack") return;
    this.#lastError = code;
    if (kind === "wrongNode") this.monitor.reportReadOnly(node.id);
    else if (code === DISK_FULL) this.monitor.reportDiskFull(node.id);
    else if (kind !== "busy") this.monitor.suspect(node.id);
  }

  /** Returns when the work may be tried again; throws when it may not. */
  async #beforeRetry(
    error: unknown,
    attempt: Attempt,
    n: number,
    budget: RetryBudget,
    repeatable: boolean,
  ): Promise<void> {
    const known = toDatabaseError(error);
    if (!isPassing(known)) throw known;
    if (known.kind === "unknown" && !repeatable) throw known;
    const backoffMs = fullJitter(n, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    if (attempt.remainingMs <= backoffMs || !budget.spend()) throw known;
    await wait(backoffMs);
  }
}

const TOMBSTONE = "evenkeel.tombstone";
/** SQLSTATE `disk_full`. */
const DISK_FULL = "53100";

/** One piece of work's time. */
class Attempt {
  readonly signal: AbortSignal;
  readonly urgency: Urgency;
  readonly #deadlineMs: number;
  readonly #endsAt: number;
  readonly #ended: AbortSignal | undefined;

  /** @param options - `ended` ends it before its deadline. */
  constructor(
    deadlineMs: number,
    { urgency = "live", ended }: { urgency?: Urgency; ended?: AbortSignal | undefined } = {},
  ) {
    this.urgency = urgency;
    this.#deadlineMs = deadlineMs;
    this.#ended = ended;
    const deadline = AbortSignal.timeout(deadlineMs);
    this.signal = ended ? AbortSignal.any([deadline, ended]) : deadline;
    this.#endsAt = performance.now() + deadlineMs;
  }

  /** Whether its caller has ended it, as opposed to its time. */
  get endedEarly(): boolean {
    return this.#ended?.aborted ?? false;
  }

  /** How much of its time has passed: from 0 to 1. */
  get elapsed(): number {
    return 1 - this.remainingMs / this.#deadlineMs;
  }

  get remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#endsAt - performance.now());
  }
}

const deadlinePassed = () =>
  new DatabaseError("unknown", "DEADLINE", "The database did not answer in time.");
const statementOutdated = (code: string) =>
  new DatabaseError("rolledBack", code, "A prepared statement's tables have been changed.");
const noNode = () => new DatabaseError("notExecuted", "NO_NODE", "No database node answers.");
const noWriter = () =>
  new DatabaseError("notExecuted", "NO_WRITER", "No database node takes writes.");
const readOnly = () =>
  new DatabaseError("notExecuted", "READ_ONLY", "The database takes no writes at the moment.");
const syncWaitCancelled = () =>
  new DatabaseError("unknown", "SYNC_WAIT_CANCELLED", "The commit is on one node only.");
