import { EventEmitter } from "node:events";
import type { Logger } from "../../observability/logger.server.ts";
import { DatabaseError } from "../errors.ts";
import type { GuardedClient } from "../guarded-client.ts";
import type { Migration } from "../migration-head.ts";
import { probe, type NodeReport } from "./probe.ts";
import { WriterSamples } from "./samples.ts";

/** One node, or an endpoint behind which the node changes. */
export interface NodeDefinition {
  readonly id: string;
  /**
   * `node`: always the same server. `endpoint`: a name or address that is moved to another server, so that a
   * connection says nothing about where the next one goes.
   */
  readonly kind: "node" | "endpoint";
  /** Opens a connection for probes: straight to the server, past any pooler in transaction mode. */
  readonly connect: (timeoutMs: number) => Promise<GuardedClient>;
}

/**
 * - `unknown`: not asked yet;
 * - `primary`, `standby`: as it says itself;
 * - `readOnly`: a primary that takes no writes, or must not get any, since it lacks one of the release's migrations;
 * - `unreachable`: does not answer;
 * - `fenced`: a primary of a timeline that has been superseded: it takes writes that nobody will ever see;
 * - `foreign`: a node of another cluster.
 */
export type NodeState =
  "unknown" | "primary" | "standby" | "readOnly" | "unreachable" | "fenced" | "foreign";

/**
 * - `starting`: no node has answered yet;
 * - `steady`: there is a writer;
 * - `noWriter`: none, for now: a failover, or an outage;
 * - `readOnlyWriter`: the writer is there and takes no writes; hunting for another is pointless;
 * - `conflict`: two servers write on the same timeline; nothing is written until one of them is gone.
 */
export type ClusterState = "starting" | "steady" | "noWriter" | "readOnlyWriter" | "conflict";

export interface NodeStatus {
  readonly id: string;
  readonly state: NodeState;
  readonly since: Date;
  readonly report: NodeReport | null;
  readonly lastError: string | null;
}

export interface MonitorEvents {
  /** The cluster's state changed. */
  state: [{ readonly from: ClusterState; readonly to: ClusterState; readonly at: Date }];
  /** There is a writer, and it is not the one before (another node, or another server behind the name). */
  writer: [{ readonly id: string; readonly timeline: number; readonly at: Date }];
  /** A node's state changed. */
  node: [
    { readonly id: string; readonly from: NodeState; readonly to: NodeState; readonly at: Date },
  ];
  /** A node has answered. */
  report: [{ readonly id: string; readonly report: NodeReport }];
  /** The connections to a node lead to a server that is not to be used any more. */
  abandoned: [{ readonly id: string }];
}

export interface MonitorOptions {
  readonly nodes: readonly NodeDefinition[];
  readonly logger?: Logger;
  /** What an earlier process knew: nothing below that timeline is ever followed. */
  readonly remembered?: { readonly systemIdentifier: string; readonly timeline: number };
  /** The migrations that a writer must have; without them none is asked for. */
  readonly release?: readonly Migration[];
}

const CALM_INTERVAL_MS = 1_000;
/** A name that has not followed its writer yet. */
const SEEK_INTERVAL_MS = 500;
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
/** … and while there is none: five per second, which no node minds. */
const HUNT_RECONNECT_INTERVAL_MS = 200;
/** A connect into nothing takes its whole timeout; the next one does not wait for it. */
const MAX_CONNECTING = 3;
/** A node that came and went this often in that time has to answer several times before it is believed. */
const FLAPS = 3;
const FLAP_WINDOW_MS = 10_000;
const FLAP_GOOD_PROBES = 5;

/**
 * Watches the nodes and says which of them is the writer: one per process, so that a failover is found out
 * once and not by every query for itself.
 */
export class TopologyMonitor {
  readonly events = new EventEmitter<MonitorEvents>();
  readonly samples = new WriterSamples();
  readonly #watches: readonly NodeWatch[];
  readonly #logger: Logger | undefined;
  #state: ClusterState = "starting";
  #since = new Date();
  #writer: NodeWatch | null = null;
  /** The last one there was, also while there is none. */
  #lastWriter: NodeWatch | null = null;
  #writerInstance: string | null = null;
  #systemIdentifier: string | null;
  #timeline: number;
  #stopped = false;

  constructor({ nodes, logger, remembered, release }: MonitorOptions) {
    this.#logger = logger;
    this.#systemIdentifier = remembered?.systemIdentifier ?? null;
    this.#timeline = remembered?.timeline ?? 0;
    this.events.setMaxListeners(0);
    this.#watches = nodes.map(
      (definition) =>
        new NodeWatch(
          definition,
          () => this.#evaluate(),
          () => this.#paceOf(definition),
          (report) => this.events.emit("report", { id: definition.id, report }),
          release,
        ),
    );
  }

  get state(): ClusterState {
    return this.#state;
  }

  get since(): Date {
    return this.#since;
  }

  /** The id of the node to write to; null while there is none. */
  get writer(): string | null {
    return this.#writer?.definition.id ?? null;
  }

  /** The highest timeline that any primary has had, and the cluster's identity; kept over restarts. */
  get remembered(): { systemIdentifier: string; timeline: number } | null {
    return this.#systemIdentifier === null
      ? null
      : { systemIdentifier: this.#systemIdentifier, timeline: this.#timeline };
  }

  get nodes(): readonly NodeStatus[] {
    return this.#watches.map((watch) => watch.status);
  }

  node(id: string): NodeStatus | undefined {
    return this.#watches.find(({ definition }) => definition.id === id)?.status;
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    this.#stopped = true;
    for (const watch of this.#watches) watch.stop();
    this.events.removeAllListeners();
  }

  /** Something went wrong on a node, or takes suspiciously long: it is asked at once. */
  suspect(id: string): void {
    this.#watches.find(({ definition }) => definition.id === id)?.askNow();
  }

  /** A write met a server that cannot write, although it had been believed to be the writer. */
  reportReadOnly(id: string): void {
    this.#watches.find(({ definition }) => definition.id === id)?.markReadOnly();
  }

  /** An operator's word that a new system identifier (a restored backup) is the cluster from now on. */
  accept(systemIdentifier: string): void {
    this.#systemIdentifier = systemIdentifier;
    this.#timeline = 0;
    this.#evaluate();
  }

  /**
   * Waits for the first writer, or the next one after `not` (an id).
   *
   * @returns The writer's id; null when `signal` ends the wait.
   */
  async waitForWriter(signal: AbortSignal): Promise<string | null> {
    if (this.writer !== null) return this.writer;
    return new Promise((resolve) => {
      const done = () => {
        this.events.off("writer", done);
        this.events.off("state", onState);
        signal.removeEventListener("abort", done);
        resolve(this.writer);
      };
      const onState = () => {
        if (this.writer !== null) done();
      };
      this.events.once("writer", done);
      this.events.on("state", onState);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }

  #paceOf(definition: NodeDefinition): Pace {
    if (this.#state === "noWriter" || this.#state === "starting" || this.#state === "conflict") {
      return "hunting";
    }
    // Where the writer was met by the reader's name, its own will follow, and is the one that will last.
    const isFirst = this.#watches[0]?.definition === definition;
    const stoodInFor = isFirst && this.#writer !== null && this.#writer.definition !== definition;
    return definition.kind === "endpoint" && stoodInFor ? "seeking" : "calm";
  }

  #evaluate(): void {
    if (this.#stopped) return;
    this.#systemIdentifier ??= this.#firstIdentifier();
    for (const watch of this.#watches) {
      const { report } = watch;
      if (!report || watch.silent) continue;
      if (report.systemIdentifier === this.#systemIdentifier && report.role === "primary") {
        this.#timeline = Math.max(this.#timeline, report.timeline);
      }
    }
    for (const watch of this.#watches) this.#move(watch, this.#stateOf(watch));

    const primaries = this.#watches.filter(({ state }) => state === "primary");
    const servers = new Set(primaries.map(({ report }) => report?.instance));
    // The reader's endpoint may lead to the new writer first; the writer's own, defined before it, is better.
    const writer = servers.size === 1 ? (primaries[0] ?? null) : null;
    const readOnly = this.#watches.find(({ state }) => state === "readOnly");
    // Until each node has answered once, or failed to, one of them may be the writer.
    const awaited =
      this.#watches.some(({ state }) => state === "unknown") &&
      this.#watches.every(({ state }) => state === "unknown" || state === "unreachable");

    // Nobody writes elsewhere while the primary takes no writes: what it has is all there is.
    const newest = servers.size === 0 ? readOnly?.report : writer?.report;
    if (newest) {
      this.samples.add({ timeline: newest.timeline, lsn: newest.lsn, at: newest.askedAt });
    }
    const isOtherServer = writer !== null && writer.report?.instance !== this.#writerInstance;
    const isNew = isOtherServer || (writer !== null && writer !== this.#lastWriter);
    this.#writer = writer;
    if (isOtherServer) {
      this.#writerInstance = writer.report?.instance ?? null;
      // Whatever is still under way on the server before is answered by nobody who counts.
      const before = this.#lastWriter;
      if (before && before !== writer) this.events.emit("abandoned", { id: before.definition.id });
    }
    if (writer) this.#lastWriter = writer;
    this.#moveCluster(
      servers.size > 1
        ? "conflict"
        : writer
          ? "steady"
          : readOnly
            ? "readOnlyWriter"
            : this.#state === "starting" && awaited
              ? "starting"
              : "noWriter",
    );
    if (isNew) {
      const { id } = writer.definition;
      const timeline = writer.report?.timeline ?? 0;
      this.#logger?.info({ node: id, timeline }, "the database has a writer");
      this.events.emit("writer", { id, timeline, at: new Date() });
    }
  }

  /**
   * The cluster is that of the first node that answers, in the order of the configuration: were it that of
   * whichever answers first, two instances with a foreign node among theirs could write to two clusters.
   */
  #firstIdentifier(): string | null {
    const first = this.#watches.find(({ silent, lastError }) => !silent || lastError === null);
    return first?.silent === false ? (first.report?.systemIdentifier ?? null) : null;
  }

  #stateOf(watch: NodeWatch): NodeState {
    const { report } = watch;
    if (watch.silent) return report || watch.lastError ? "unreachable" : "unknown";
    if (!report || this.#systemIdentifier === null) return "unknown";
    if (report.systemIdentifier !== this.#systemIdentifier) return "foreign";
    if (report.role === "standby") return "standby";
    if (report.timeline < this.#timeline) return "fenced";
    if (report.readOnly || report.missingMigrations.length > 0) return "readOnly";
    return watch.believed ? "primary" : "unreachable";
  }

  #move(watch: NodeWatch, to: NodeState): void {
    const from = watch.state;
    if (from === to && !watch.takeServerChanged()) return;
    const { id } = watch.definition;
    if (from === to) {
      // The name stands for another server now: connections to the one before are worth nothing.
      this.events.emit("abandoned", { id });
      return;
    }
    watch.state = to;
    watch.since = new Date();
    this.#logger?.info({ node: id, from, to, error: watch.lastError }, "a database node changed");
    this.events.emit("node", { id, from, to, at: watch.since });
    // A frozen server may come back and go on; one that has been superseded or demoted may not.
    const demoted = from === "primary" && (to === "standby" || to === "readOnly");
    if (to === "fenced" || to === "foreign" || demoted || watch.takeServerChanged()) {
      this.events.emit("abandoned", { id });
    }
  }

  #moveCluster(to: ClusterState): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#since = new Date();
    const level = to === "steady" ? "info" : "warn";
    this.#logger?.[level]({ from, to }, "the database changed");
    this.events.emit("state", { from, to, at: this.#since });
    // Calm intervals are long; whoever sleeps in one wakes up.
    if (to !== "steady") for (const watch of this.#watches) watch.askNow();
  }
}

/** How urgently a node is asked. */
type Pace = "calm" | "seeking" | "hunting";

/** Asks one node again and again. */
class NodeWatch {
  readonly definition: NodeDefinition;
  state: NodeState = "unknown";
  since = new Date();
  report: NodeReport | null = null;
  lastError: string | null = null;
  /** Whether the last question was not answered, or not in time. */
  silent = true;
  readonly #onChange: () => void;
  readonly #pace: () => Pace;
  readonly #onReport: (report: NodeReport) => void;
  readonly #release: readonly Migration[] | undefined;
  readonly #losses: number[] = [];
  #good = 0;
  #client: GuardedClient | null = null;
  #connecting = 0;
  #lastConnectAt = -Infinity;
  #asking: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #serverChanged = false;
  #stopped = false;

  constructor(
    definition: NodeDefinition,
    onChange: () => void,
    pace: () => Pace,
    onReport: (report: NodeReport) => void,
    release: readonly Migration[] | undefined,
  ) {
    this.#onReport = onReport;
    this.#release = release;
    this.definition = definition;
    this.#onChange = onChange;
    this.#pace = pace;
  }

  get status(): NodeStatus {
    const { state, since, report, lastError } = this;
    return { id: this.definition.id, state, since, report, lastError };
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
    this.#onChange();
    this.askNow();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), delayMs);
  }

  #nextTurn(): void {
    const huntMs = HUNT_INTERVAL_MS + Math.random() * HUNT_JITTER_MS;
    const delaysMs = { calm: CALM_INTERVAL_MS, seeking: SEEK_INTERVAL_MS, hunting: huntMs };
    this.#schedule(delaysMs[this.#pace()]);
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
    return probe(client, {
      before: this.report,
      ...(this.#release ? { release: this.#release } : {}),
    });
  }

  #onBroken(client: GuardedClient): void {
    if (this.#client !== client || this.#stopped) return;
    this.#client = null;
    this.#lost(client.broken?.code ?? "CONNECTION_CLOSED");
    this.#schedule(0);
  }

  #answered(report: NodeReport): void {
    if (this.report && this.report.instance !== report.instance) this.#serverChanged = true;
    this.report = report;
    this.silent = false;
    this.#good++;
    this.#onChange();
    this.#onReport(report);
  }

  #lost(code: string): void {
    this.lastError = code;
    this.#good = 0;
    if (!this.silent) {
      this.#losses.push(performance.now());
      if (this.#losses.length > FLAPS) this.#losses.shift();
    }
    this.silent = true;
    this.#onChange();
  }

  /**
   * Opens a second connection where the first says nothing, or where it can say nothing about the next one:
   * an endpoint without a writer behind it may have been moved.
   */
  #reconnectIfNeeded(): void {
    const isWriter = this.state === "primary" && !this.silent;
    const pace = this.#pace();
    const mayHaveMoved = this.definition.kind === "endpoint" && pace !== "calm" && !isWriter;
    const healthy = this.#client !== null && !this.#client.broken && !this.silent;
    if (this.#connecting >= MAX_CONNECTING || (healthy && !mayHaveMoved)) return;
    const intervalsMs = {
      calm: RECONNECT_INTERVAL_MS,
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
