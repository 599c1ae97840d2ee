import { EventEmitter } from "node:events";

import type { NodeProcess, PostgresNode } from "./node.ts";
import { Probe } from "./probe.ts";

export type Replication = "sync" | "async";

/** A standby may lack commits that were acknowledged; promoting it would lose them. */
export class UnpromotableError extends Error {
  override readonly name = "UnpromotableError";

  constructor(node: string, reason: string) {
    super(
      `${node} must not be promoted: ${reason}. Force it only if losing commits is acceptable.`,
    );
  }
}

export interface SupervisorEvents {
  /** What commits wait for has changed; `reason` says why in words. */
  replication: [{ effective: Replication; reason: string }];
  promotable: [{ node: PostgresNode; promotable: boolean; reason: string }];
  /** `primary` has been promoted and accepts writes. */
  promoted: [{ primary: PostgresNode; former: PostgresNode; tookMs: number }];
}

export interface SupervisorOptions {
  readonly primary: PostgresNode;
  readonly standby: PostgresNode;
  readonly replication: Replication;
  readonly pollMs?: number;
  /** How long a standby may be silent before it counts as dead. Shorter than 1 s mistakes its pauses for death. */
  readonly standbyTimeoutMs?: number;
}

interface StandbyView {
  state: string | null;
  syncState: string | null;
  /** Flushed by the standby, in bytes from 0/0; null while it is not connected. */
  flushed: string | null;
  primaryFlushed: string;
  replyAgeMs: number | null;
  names: string;
}

const VIEW = (standby: string) => `
  select r.state, r.sync_state as "syncState",
         pg_wal_lsn_diff(r.flush_lsn, '0/0')::text as flushed,
         pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as "primaryFlushed",
         (extract(epoch from clock_timestamp() - r.reply_time) * 1000)::int as "replyAgeMs",
         current_setting('synchronous_standby_names') as names
  from (select) one left join pg_stat_replication r on r.application_name = '${standby}'`;

const QUERY_TIMEOUT_MS = 1000;

/**
 * What Patroni is to a real pair: it knows who is primary, watches the standby, and alone decides whether commits
 * wait for it and whether it may be promoted.
 *
 * The rule that keeps acknowledged commits: a standby is promotable only while every acknowledged commit is on it.
 * When a synchronous standby dies, it is first marked unpromotable and only then are commits let go without it; it is
 * promotable again only after commits wait for it again and it has flushed all that was committed before.
 */
export class Supervisor {
  readonly events = new EventEmitter<SupervisorEvents>();
  readonly #probes = new Map<PostgresNode, Probe>();
  readonly #pollMs: number;
  readonly #standbyTimeoutMs: number;
  /** Why a node may not be promoted; a standby that is not in here may. */
  readonly #unpromotable = new Map<PostgresNode, string>();
  #primary: PostgresNode;
  #standby: PostgresNode;
  #wanted: Replication;
  #effective: Replication = "async";
  /** What the standby must have flushed, in bytes from 0/0, before it is promotable again. */
  #catchUpTo: bigint | undefined;
  #lastSeenMs = performance.now();
  #lastAnswerMs = performance.now();
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #stopListening: (() => void)[] = [];

  constructor(options: SupervisorOptions) {
    this.#primary = options.primary;
    this.#standby = options.standby;
    this.#wanted = options.replication;
    this.#pollMs = options.pollMs ?? 50;
    this.#standbyTimeoutMs = options.standbyTimeoutMs ?? 1500;
    for (const node of [options.primary, options.standby]) {
      this.#probes.set(node, new Probe(node));
      const listener = (state: NodeProcess) => this.#onProcess(node, state);
      node.events.on("process", listener);
      this.#stopListening.push(() => node.events.off("process", listener));
    }
    this.#unpromotable.set(options.standby, "it has not caught up yet");
    this.#schedule(0);
  }

  get primary(): PostgresNode {
    return this.#primary;
  }

  get standby(): PostgresNode {
    return this.#standby;
  }

  /** What was asked for. */
  get wanted(): Replication {
    return this.#wanted;
  }

  /** What is in force: `async` while a synchronous standby is away. */
  get effective(): Replication {
    return this.#effective;
  }

  isPromotable(node: PostgresNode): boolean {
    return node === this.#standby && !this.#unpromotable.has(node);
  }

  /** A warm connection of the supervisor's own, for others who look at a node. */
  probe(node: PostgresNode): Probe {
    const probe = this.#probes.get(node);
    if (!probe) throw new Error(`${node.name} is not one of this pair.`);
    return probe;
  }

  /** Changes what commits wait for, and resolves when that is in force; a dead standby leaves it `async`. */
  async setReplication(wanted: Replication): Promise<void> {
    await this.exclusively(async () => {
      this.#wanted = wanted;
      if (wanted === "async" && this.#effective === "sync") await this.#letGo("as asked");
    });
    if (wanted === "sync" && this.#standby.process === "up") await this.whenPromotable();
  }

  /** Resolves when the standby is promotable, and in sync if that is wanted. */
  async whenPromotable(timeoutMs = 30_000): Promise<void> {
    const settled = () =>
      this.isPromotable(this.#standby) && (this.#wanted === "async" || this.#effective === "sync");
    const giveUpAt = performance.now() + timeoutMs;
    while (!settled()) {
      if (this.#closed) throw new Error("The supervisor is closed.");
      if (performance.now() > giveUpAt) {
        const reason = this.#unpromotable.get(this.#standby) ?? "commits do not wait for it";
        throw new Error(`${this.#standby.name} is not ready after ${timeoutMs} ms: ${reason}.`);
      }
      await this.#poll();
      if (!settled()) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /**
   * Makes the standby the primary. The old one is left as it is: if it lives, there are two writers from here on,
   * until it is rejoined.
   * @throws UnpromotableError unless `force` is given.
   */
  async promote(
    node: PostgresNode,
    options: { force?: boolean } = {},
  ): Promise<{ tookMs: number }> {
    return this.exclusively(async () => {
      if (node === this.#primary) throw new Error(`${node.name} is the primary already.`);
      const reason = this.#unpromotable.get(node);
      if (reason !== undefined && !options.force) throw new UnpromotableError(node.name, reason);
      const startedAt = performance.now();
      await node.promote();
      const tookMs = performance.now() - startedAt;
      const former = this.#primary;
      this.#primary = node;
      this.#standby = former;
      this.#unpromotable.delete(node);
      this.#unpromotable.set(former, "it was the primary before, and has not been rejoined");
      this.#catchUpTo = undefined;
      this.#enterEffective("async", "a new primary has no standby yet");
      this.events.emit("promoted", { primary: node, former, tookMs });
      return { tookMs };
    });
  }

  /** Runs `work` while the supervisor itself stands still. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stopListening) stop();
    for (const probe of this.#probes.values()) probe.close();
    await this.#turn;
    for (const probe of this.#probes.values()) probe.close();
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#poll().then(() => this.#schedule(this.#pollMs));
    }, delayMs);
  }

  /**
   * A process that ends is known at once, as an agent on its machine would know it. That it is frozen is not, but a
   * question that it will not answer is dropped, so that a promotion need not wait for it.
   */
  #onProcess(node: PostgresNode, state: NodeProcess): void {
    if (state !== "up") this.probe(node).close();
    if (state === "down") this.#schedule(0);
  }

  /** One look, and what follows from it; a node that dies meanwhile fails only this look, not the next. */
  async #poll(): Promise<void> {
    await this.exclusively(() => this.#look()).catch(() => {});
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    const standby = this.#standby;
    const [view] = await Promise.all([this.#view(standby), this.#listenTo(standby)]);
    // Without a primary there is nothing to decide: whether to promote is for the operator.
    if (!view || this.#closed) return;
    const now = performance.now();
    const silentMs = this.#standbyTimeoutMs;
    let dead: string | undefined;
    if (standby.process === "down") dead = "it is down";
    else if (view.state === null) {
      if (now - this.#lastSeenMs > silentMs) dead = "it is not connected to the primary";
    } else {
      this.#lastSeenMs = now;
      // Both must agree: after a pause of the primary its last reply from the standby looks old.
      const answerAgeMs = now - this.#lastAnswerMs;
      if (answerAgeMs > silentMs && (view.replyAgeMs ?? 0) > silentMs) dead = "it does not answer";
    }
    this.#enterEffective(view.names === "" ? "async" : "sync", "as the primary says");
    if (dead !== undefined) {
      this.#catchUpTo = undefined;
      if (this.#effective === "sync") await this.#letGo(dead);
      return;
    }
    if (view.state === "streaming") await this.#hold(standby, view);
  }

  /** Marks first, lets commits go second: in between nobody may promote what lacks the commits that follow. */
  async #letGo(reason: string): Promise<void> {
    if (reason !== "as asked") this.#mark(this.#standby, reason);
    await this.#waitFor("");
    this.#enterEffective("async", reason);
  }

  /**
   * Sets what commits wait for, over the warm connection: a new one might not get through any more. Resolves when that
   * connection has been told of it, by which it is seen later what is in force.
   */
  async #waitFor(names: string): Promise<void> {
    const probe = this.probe(this.#primary);
    const statement = `alter system set synchronous_standby_names = '${names}'`;
    await probe.query(statement, QUERY_TIMEOUT_MS);
    await probe.query("select pg_reload_conf()", QUERY_TIMEOUT_MS);
    const inForce = `select where current_setting('synchronous_standby_names') = '${names}'`;
    while ((await probe.query(inForce, QUERY_TIMEOUT_MS)).length === 0);
  }

  /** Makes commits wait for a streaming standby again, and it promotable once it has all that came before. */
  async #hold(standby: PostgresNode, view: StandbyView): Promise<void> {
    const waits = view.syncState === "sync" || view.syncState === "quorum";
    if (this.#wanted === "sync" && view.names === "") {
      await this.#waitFor(`FIRST 1 (${standby.name})`);
      return;
    }
    if (this.#wanted === "sync" && !waits) return;
    if (!this.#unpromotable.has(standby)) return;
    this.#catchUpTo ??= BigInt(view.primaryFlushed);
    if (view.flushed === null || BigInt(view.flushed) < this.#catchUpTo) return;
    this.#catchUpTo = undefined;
    this.#unpromotable.delete(standby);
    const reason = "it has caught up";
    this.events.emit("promotable", { node: standby, promotable: true, reason });
  }

  #mark(node: PostgresNode, reason: string): void {
    if (this.#unpromotable.has(node)) return;
    this.#unpromotable.set(node, reason);
    this.events.emit("promotable", { node, promotable: false, reason });
  }

  #enterEffective(effective: Replication, reason: string): void {
    if (this.#effective === effective) return;
    this.#effective = effective;
    this.events.emit("replication", { effective, reason });
  }

  async #view(standby: PostgresNode): Promise<StandbyView | undefined> {
    if (this.#primary.process !== "up") return undefined;
    const probe = this.probe(this.#primary);
    return probe.query<StandbyView>(VIEW(standby.name), QUERY_TIMEOUT_MS).then(
      (rows) => rows[0],
      () => undefined,
    );
  }

  async #listenTo(standby: PostgresNode): Promise<void> {
    if (standby.process === "down") return;
    await this.probe(standby)
      .query("select", QUERY_TIMEOUT_MS)
      .then(
        () => (this.#lastAnswerMs = performance.now()),
        () => {},
      );
  }
}
