import type { Migration } from "../migration-head.ts";
import { DatabaseError } from "../errors.ts";
import type { GuardedClient } from "../guarded-client.ts";
import type { Discovery } from "./discovery.ts";
import { probe, type NodeReport } from "./probe.ts";
import type { NodeDefinition, NodeState } from "./states.ts";

const CALM_INTERVAL_MS = 1_000;
/** A name that has not followed its writer yet. */
const SEEK_INTERVAL_MS = 500;
/** A name whose server another name leads to as well: where it leads now is asked over a new connection this often. */
const DOUBLE_RECONNECT_INTERVAL_MS = 5_000;
/** Without a writer every node is asked every 15 to 25 ms over its warm connection. */
const HUNT_INTERVAL_MS = 15;
const HUNT_JITTER_MS = 10;
/**
 * A probe that takes longer than 250 ms means that the node does not answer; on a calm one it takes 1 ms. Counted in
 * ticks, so that only time in which this process ran counts: however long it stood still, that is one tick.
 */
const PROBE_TICK_MS = 50;
const PROBE_TICKS = 5;
const CONNECT_TIMEOUT_MS = 500;
/** Between two connects to a node that does not answer, while there is a writer elsewhere … */
const RECONNECT_INTERVAL_MS = 1_000;
/** … and while there is none: with their jitter at most five per second, which no node minds. */
const HUNT_RECONNECT_INTERVAL_MS = 250;
/** A connect into nothing takes its whole timeout; the next one does not wait for it. */
const MAX_CONNECTING = 3;
/** A node that came and went this often in that time has to answer several times before it is believed. */
const FLAPS = 3;
const FLAP_WINDOW_MS = 10_000;
const FLAP_GOOD_PROBES = 5;

/** How urgently a node is asked. */
export type Pace = "calm" | "double" | "seeking" | "hunting";

export interface NodeWatchOptions {
  readonly definition: NodeDefinition;
  readonly discovery: Discovery;
  /** The migrations that a writer must have. */
  readonly release?: readonly Migration[];
  readonly pace: () => Pace;
  /** It answered, or failed to. */
  readonly onChange: () => void;
  /** It answered; after `onChange`. */
  readonly onReport: (report: NodeReport) => void;
}

/** Asks one node again and again. */
export class NodeWatch {
  readonly definition: NodeDefinition;
  state: NodeState = "unknown";
  since = new Date();
  report: NodeReport | null = null;
  lastError: string | null = null;
  /** Whether the last question was not answered, or not in time. */
  silent = true;
  readonly #options: NodeWatchOptions;
  readonly #losses: number[] = [];
  #good = 0;
  #client: GuardedClient | null = null;
  #connecting = 0;
  #lastConnectAt = -Infinity;
  #asking: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #serverChanged = false;
  /** When a new connection was last asked where the name leads. */
  #lookedAt = -Infinity;
  #stopped = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.definition = options.definition;
  }

  /** Whether it has answered often enough to be trusted with writes, having come and gone of late. */
  get believed(): boolean {
    const recent = this.#losses.filter((at) => at > performance.now() - FLAP_WINDOW_MS);
    return recent.length < FLAPS || this.#good >= FLAP_GOOD_PROBES;
  }

  /** Whether the name has come to stand for another server since this was last asked. */
  takeServerChanged(): boolean {
    const changed = this.#serverChanged;
    this.#serverChanged = false;
    return changed;
  }

  /** Whether a new connection has told where the name leads, since the node became what it is. */
  get hasLooked(): boolean {
    return this.#lookedAt >= this.since.getTime();
  }

  start(): void {
    this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#client?.destroy();
  }

  askNow(): void {
    if (!this.#asking) this.#schedule(0);
  }

  markReadOnly(): void {
    if (this.report?.role !== "primary" || this.report.readOnly) return;
    this.report = { ...this.report, readOnly: true };
    this.#options.onChange();
    this.askNow();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), delayMs);
  }

  #nextTurn(): void {
    const huntMs = HUNT_INTERVAL_MS + Math.random() * HUNT_JITTER_MS;
    const delaysMs = {
      calm: CALM_INTERVAL_MS,
      double: CALM_INTERVAL_MS,
      seeking: SEEK_INTERVAL_MS,
      hunting: huntMs,
    };
    this.#schedule(delaysMs[this.#options.pace()]);
  }

  #turn(): void {
    this.#reconnectIfNeeded();
    if (this.#client && !this.#client.broken && !this.#asking) void this.#ask(this.#client);
    else this.#nextTurn();
  }

  async #ask(client: GuardedClient): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    // A frozen server answers when it wakes up: the question stays asked, but is not waited for.
    let ticks = 0;
    const late = setInterval(() => {
      if (++ticks < PROBE_TICKS) return;
      clearInterval(late);
      this.#lost("PROBE_TIMEOUT");
      this.#nextTurn();
    }, PROBE_TICK_MS);
    try {
      const report = await this.#probe(client);
      if (this.#client === client) this.#answered(report);
    } catch (error) {
      client.destroy();
      if (this.#client === client) this.#lost(codeOf(error));
    } finally {
      clearInterval(late);
      if (this.#asking === asking) {
        this.#asking = null;
        this.#nextTurn();
      }
    }
  }

  #probe(client: GuardedClient): Promise<NodeReport> {
    const { discovery, release } = this.#options;
    return probe(client, { discovery, before: this.report, ...(release ? { release } : {}) });
  }

  #onBroken(client: GuardedClient): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = null;
    this.#lost(client.broken?.code ?? "CONNECTION_CLOSED");
    this.#schedule(0);
  }

  #answered(report: NodeReport): void {
    if (this.#stopped) return;
    if (this.report && this.report.instance !== report.instance) this.#serverChanged = true;
    this.report = report;
    this.silent = false;
    this.#good++;
    this.#options.onChange();
    this.#options.onReport(report);
  }

  #lost(code: string): void {
    if (this.#stopped) return;
    this.lastError = code;
    this.#good = 0;
    if (!this.silent) {
      this.#losses.push(performance.now());
      if (this.#losses.length > FLAPS) this.#losses.shift();
    }
    this.silent = true;
    this.#options.onChange();
  }

  /**
   * Opens a second connection where the first says nothing, or where it can say nothing about the next one:
   * an endpoint without a writer behind it may have been moved.
   */
  #reconnectIfNeeded(): void {
    const isWriter = this.state === "primary" && !this.silent;
    const pace = this.#options.pace();
    const mayHaveMoved =
      this.definition.kind === "endpoint" && pace !== "calm" && !(pace === "hunting" && isWriter);
    const healthy = this.#client !== null && !this.#client.broken && !this.silent;
    if (this.#connecting >= MAX_CONNECTING || (healthy && !mayHaveMoved)) return;
    const intervalsMs = {
      calm: RECONNECT_INTERVAL_MS,
      double: DOUBLE_RECONNECT_INTERVAL_MS,
      seeking: SEEK_INTERVAL_MS,
      hunting: HUNT_RECONNECT_INTERVAL_MS,
    };
    if (performance.now() - this.#lastConnectAt < intervalsMs[pace]) return;
    this.#lastConnectAt = performance.now();
    this.#connecting++;
    void this.#reconnect().finally(() => this.#connecting--);
  }

  async #reconnect(): Promise<void> {
    let client: GuardedClient | undefined;
    try {
      client = await this.definition.connect(CONNECT_TIMEOUT_MS);
      const report = await Promise.race([
        this.#probe(client),
        new Promise<never>((_resolve, reject) =>
          setTimeout(
            () => reject(new DatabaseError("unknown", "PROBE_TIMEOUT", "The node did not answer.")),
            CONNECT_TIMEOUT_MS,
          ).unref(),
        ),
      ]);
      if (this.#stopped) return client.destroy();
      this.#lookedAt = Date.now();
      const old = this.#client;
      this.#client = client;
      this.#asking = null;
      old?.destroy();
      const current = client;
      client.onBroken(() => this.#onBroken(current));
      this.#answered(report);
      this.#nextTurn();
    } catch (error) {
      client?.destroy();
      if (this.#client === null) this.#lost(codeOf(error));
    }
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? "UNCLASSIFIED";
}
