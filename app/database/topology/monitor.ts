import { EventEmitter } from "node:events";
import type { Logger } from "../../observability/logger.server.ts";
import type { Migration } from "../migration-head.ts";
import { Discovery, type Listing, type Member } from "./discovery.ts";
import { Membership } from "./membership.ts";
import { NodeWatch, type Pace } from "./node-watch.ts";
import type { NodeReport } from "./probe.ts";
import { WriterSamples } from "./samples.ts";
import type {
  ClusterState,
  DiscoveryStatus,
  MonitorEvents,
  NodeDefinition,
  NodeState,
  NodeStatus,
  Remembered,
} from "./states.ts";

export type * from "./states.ts";

export interface MonitorOptions {
  /** Those that the configuration names. */
  readonly nodes: readonly NodeDefinition[];
  /** Finds those that it does not name. */
  readonly discovery?: {
    readonly survey: Discovery;
    readonly define: (member: Member) => NodeDefinition;
  };
  readonly logger?: Logger;
  /** What an earlier process knew: nothing below that timeline is ever followed. */
  readonly remembered?: Remembered;
  /** The migrations that a writer must have; without them none is asked for. */
  readonly release?: readonly Migration[];
}

/**
 * For how long a refusal for want of disk counts. What is kept meanwhile is tried again after that, and says whether
 * there is room.
 */
const DISK_FULL_MS = 2_000;

/**
 * Watches the nodes and says which of them is the writer: one per process, so that a failover is found out
 * once and not by every query for itself.
 */
export class TopologyMonitor {
  readonly events = new EventEmitter<MonitorEvents>();
  readonly samples = new WriterSamples();
  /** In the order in which they are preferred where several lead to the same server. */
  #watches: readonly NodeWatch[] = [];
  readonly #membership: Membership;
  readonly #discovery: Discovery;
  readonly #release: readonly Migration[] | undefined;
  readonly #logger: Logger | undefined;
  #state: ClusterState = "starting";
  #since = new Date();
  #writer: NodeWatch | null = null;
  /** The last one there was, also while there is none. */
  #lastWriter: NodeWatch | null = null;
  #writerInstance: string | null = null;
  #systemIdentifier: string | null;
  #timeline: number;
  /** A writer that is listed no more; it goes when there is another. */
  #leaving: NodeWatch | null = null;
  #diskFullUntil = 0;
  #started = false;
  #stopped = false;

  constructor({ nodes, discovery, logger, remembered, release }: MonitorOptions) {
    this.#logger = logger;
    this.#release = release;
    this.#systemIdentifier = remembered?.systemIdentifier ?? null;
    this.#timeline = remembered?.timeline ?? 0;
    this.#discovery =
      discovery?.survey ?? new Discovery({ choice: "nodes", instanceAddress: () => null });
    this.#membership = new Membership(nodes, discovery?.define);
    this.events.setMaxListeners(0);
    this.#watchWanted();
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
  get remembered(): Remembered | null {
    return this.#systemIdentifier === null
      ? null
      : { systemIdentifier: this.#systemIdentifier, timeline: this.#timeline };
  }

  get nodes(): readonly NodeStatus[] {
    return this.#watches.map((watch) => this.#statusOf(watch));
  }

  node(id: string): NodeStatus | undefined {
    const watch = this.#watch(id);
    return watch && this.#statusOf(watch);
  }

  /** The newest moment at which all that was true is known to a node; null where nothing tells. */
  asOf(id: string): Date | null {
    const report = this.#watch(id)?.report;
    return report ? this.#asOf(report) : null;
  }

  /** Whether, and how, the servers are known from the cluster's own list. */
  get discovery(): DiscoveryStatus {
    return { flavour: this.#discovery.flavour, ...this.#membership.status };
  }

  start(): void {
    this.#started = true;
    for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    this.#stopped = true;
    for (const watch of this.#watches) watch.stop();
    this.events.removeAllListeners();
  }

  /** Something went wrong on a node, or takes suspiciously long: it is asked at once. */
  suspect(id: string): void {
    this.#watch(id)?.askNow();
  }

  /** A write met a server that cannot write, although it had been believed to be the writer. */
  reportReadOnly(id: string): void {
    this.#watch(id)?.markReadOnly();
  }

  /** A write was refused because the server's disk is full. */
  reportDiskFull(id: string): void {
    if (id !== this.writer) return;
    this.#diskFullUntil = performance.now() + DISK_FULL_MS;
    this.#evaluate();
  }

  /** An operator's word that a new system identifier (a restored backup) is the cluster from now on. */
  accept(systemIdentifier: string): void {
    this.#remember(systemIdentifier, 0);
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

  /** Whether it watches nobody any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** For how long there has been no node to ask; 0 while there is one, or may be one that has not answered yet. */
  get awayMs(): number {
    const now = Date.now();
    const away = this.#watches.map(({ state, since }) =>
      state === "unreachable" || state === "foreign" || state === "fenced"
        ? now - since.getTime()
        : 0,
    );
    return Math.min(...away);
  }

  /** Waits until a node answers or changes, or `signal` ends the wait. */
  async nextSign(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    this.events.on("report", done);
    this.events.on("node", done);
    signal.addEventListener("abort", done, { once: true });
    await promise;
    this.events.off("report", done);
    this.events.off("node", done);
    signal.removeEventListener("abort", done);
  }

  #watch(id: string): NodeWatch | undefined {
    return this.#watches.find(({ definition }) => definition.id === id);
  }

  #statusOf(watch: NodeWatch): NodeStatus {
    const { definition, state, since, report, lastError, silent } = watch;
    const isWriter = watch === this.#writer;
    const { samples } = this;
    const asOf = () => (report ? this.#asOf(report) : null);
    return {
      id: definition.id,
      state,
      since,
      report,
      lastError,
      // Every read asks for the states, and nearly none for these.
      get lagBytes() {
        if (isWriter) return 0;
        return report && report.lsn > 0n ? Number(samples.lagBytes(report.lsn)) : null;
      },
      get lagMs() {
        if (isWriter) return 0;
        const known = asOf();
        const now = report && !silent ? report.askedAt.getTime() : Date.now();
        return known && Math.max(0, now - known.getTime());
      },
    };
  }

  #asOf({ lagMs, askedAt, timeline, lsn, replayedAt }: NodeReport): Date | null {
    if (lagMs !== null) return new Date(askedAt.getTime() - Math.max(0, lagMs));
    if (!this.samples.empty) return this.samples.asOf(timeline, lsn);
    // A process that was started while the primary is away has nothing to compare with but the standby's own word.
    const met = this.#watches.every(({ state }) => state !== "unknown");
    return met && replayedAt ? new Date(Math.min(replayedAt.getTime(), askedAt.getTime())) : null;
  }

  #paceOf(definition: NodeDefinition): Pace {
    if (this.#state === "noWriter" || this.#state === "starting" || this.#state === "conflict") {
      return "hunting";
    }
    // Where the writer was met by the reader's name, its own will follow, and is the one that will last.
    const isFirst = this.#watches[0]?.definition === definition;
    const isWriter = this.#writer === null || this.#writer.definition === definition;
    if (definition.kind !== "endpoint" || isWriter) return "calm";
    if (isFirst) return "seeking";
    const watch = this.#watch(definition.id);
    if (watch?.state !== "primary") return "calm";
    // Connected to the standby that became the writer, it would never learn that its name has gone elsewhere.
    return watch.hasLooked ? "double" : "seeking";
  }

  #evaluate(): void {
    if (this.#stopped) return;
    const identifier = this.#systemIdentifier ?? this.#firstIdentifier();
    const timelines = this.#watches.flatMap(({ report, silent }) =>
      report?.role === "primary" && !silent && report.systemIdentifier === identifier
        ? [report.timeline]
        : [],
    );
    if (identifier !== null) this.#remember(identifier, Math.max(this.#timeline, ...timelines));
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
    if (newest && newest.lsn > 0n) {
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
    if (!writer) this.#diskFullUntil = 0;
    this.#moveCluster(
      servers.size > 1
        ? "conflict"
        : writer
          ? performance.now() < this.#diskFullUntil
            ? "diskFull"
            : "steady"
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
      // The other names may have moved together with this one.
      for (const watch of this.#watches) {
        if (watch !== writer && watch.definition.kind === "endpoint") watch.askNow();
      }
    }
    const hasChanged = this.#membership.follow(
      this.writer,
      this.#state === "noWriter" ? Date.now() - this.#since.getTime() : 0,
    );
    const hasLeft = this.#leaving !== null && this.#leaving !== this.#writer;
    if (hasChanged || hasLeft) this.#watchWanted();
  }

  #onReport(watch: NodeWatch, report: NodeReport): void {
    this.events.emit("report", { id: watch.definition.id, report });
    const { listing } = report;
    // A standby that is cut off, or a primary that was superseded, may list those who were there before.
    const counts =
      this.#writer === null
        ? watch.state === "standby" || watch.state === "primary" || watch.state === "readOnly"
        : watch === this.#writer;
    if (listing && counts) this.#onListing(listing);
  }

  #onListing(listing: Listing): void {
    const before = this.#membership.status.problem;
    if (this.#membership.take(listing)) this.#watchWanted();
    const { problem } = this.#membership.status;
    if (before === problem) return;
    if (problem) this.#logger?.warn({ problem }, "the cluster's list of servers cannot be had");
    else this.#logger?.info("the cluster's list of servers can be had again");
    this.events.emit("discovery", this.discovery);
  }

  /** Watches those that are wanted, and no others; except that the writer is let go only for another. */
  #watchWanted(): void {
    const wanted = this.#membership.wanted;
    const watches = wanted.map(({ id, define }) => this.#watch(id) ?? this.#newWatch(define()));
    const gone = this.#watches.filter(
      (watch) => !watches.includes(watch) && watch !== this.#writer,
    );
    const joined = watches.filter((watch) => !this.#watches.includes(watch));
    this.#leaving = this.#writer && !watches.includes(this.#writer) ? this.#writer : null;
    this.#watches = this.#leaving ? [...watches, this.#leaving] : watches;
    for (const watch of gone) {
      watch.stop();
      const { id } = watch.definition;
      this.#logger?.info({ node: id }, "a database node is not watched any more");
      this.events.emit("left", { id });
    }
    for (const watch of joined) {
      if (this.#started) watch.start();
      this.events.emit("joined", { id: watch.definition.id });
    }
  }

  #newWatch(definition: NodeDefinition): NodeWatch {
    const watch: NodeWatch = new NodeWatch({
      definition,
      discovery: this.#discovery,
      pace: () => this.#paceOf(definition),
      onChange: () => this.#evaluate(),
      onReport: (report) => this.#onReport(watch, report),
      ...(this.#release ? { release: this.#release } : {}),
    });
    return watch;
  }

  #remember(systemIdentifier: string, timeline: number): void {
    if (systemIdentifier === this.#systemIdentifier && timeline === this.#timeline) return;
    this.#systemIdentifier = systemIdentifier;
    this.#timeline = timeline;
    this.events.emit("remembered", { systemIdentifier, timeline });
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
    const serverChanged = watch.takeServerChanged();
    const { id } = watch.definition;
    if (from === to) {
      if (!serverChanged) return;
      // The name stands for another server now: connections to the one before are worth nothing.
      this.events.emit("abandoned", { id });
      return;
    }
    watch.state = to;
    watch.since = new Date();
    const identity = to === "foreign" ? { systemIdentifier: watch.report?.systemIdentifier } : {};
    this.#logger?.info(
      { node: id, from, to, error: watch.lastError, ...identity },
      "a database node changed",
    );
    this.events.emit("node", { id, from, to, at: watch.since });
    // A frozen server may come back and go on; one that has been superseded or demoted may not.
    const demoted = from === "primary" && (to === "standby" || to === "readOnly");
    if (to === "fenced" || to === "foreign" || demoted || serverChanged) {
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
