import type { Source } from "../../app/continuity/sourced.ts";
import { percentile } from "../bench/report.ts";
import type { Replication } from "../sandbox/postgres/index.ts";
import type { Verdict } from "./checker.ts";
import type { FaultName, Marks } from "./faults.ts";
import type { OperationRecord, ReadRecord, WriteRecord } from "./history.ts";
import { cacheEntriesPerShop } from "./instance.ts";
import type { Topology } from "./network.ts";

/** What one run came to; every row of a drill's report is one of these. */
export interface DrillRow {
  readonly fault: FaultName;
  readonly topology: Topology;
  readonly replication: Replication;
  readonly reads: {
    readonly total: number;
    readonly failed: number;
    /**
     * Of those that failed while no node was up: what the instance had not read of late, so that no cache of its
     * size could have had it.
     */
    readonly failedUnseen: number;
    readonly bySource: Readonly<Partial<Record<Source, number>>>;
    /** Of those that were under way between the fault and the last writer's return. */
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
    readonly staleBeyondLabel: number;
    /** Of two primaries at a time, one's answers that lack what the other acknowledged; nobody could know. */
    readonly acrossSplit: number;
    /** Part of those answered from memory or disk while a node was up, in %. */
    readonly keptCopiesPercent: number;
  };
  readonly writes: {
    readonly acked: number;
    /** Of these, acknowledged as kept on the instance's disk. */
    readonly journaled: number;
    readonly failed: number;
    readonly unknownAtClient: number;
    readonly lost: number;
    /** Kept on an instance's disk, and still there in the end. */
    readonly undrained: number;
    readonly duplicated: number;
    readonly torn: number;
    /** Said to be not done, and there. */
    readonly denied: number;
    /** There without having been asked for. */
    readonly phantom: number;
    /**
     * From the moment at which the node took writes, and the names led to it, to the first committed write of any
     * writer, and to the first of the slowest writer. NaN where they did not come back.
     */
    readonly clientAddedDowntimeMs: { readonly first: number; readonly all: number };
  };
  /** Null where the app was left out. */
  readonly webhooks: {
    readonly sent: number;
    readonly acked: number;
    /** Attempts that were answered, but not with 200. */
    readonly refused: number;
    readonly lost: number;
    readonly duplicated: number;
    /** Acknowledged and kept, but not applied when all else had settled. */
    readonly unapplied: number;
    readonly p99AckMs: number;
    readonly maxAckMs: number;
  } | null;
  readonly pages: {
    readonly total: number;
    readonly failed: number;
    readonly p99Ms: number;
  } | null;
  readonly process: {
    readonly uncaught: number;
    /** Of one instance to one node, from the fault on. */
    readonly maxConnectsPerSecond: number;
    /** The same as a multiple of what the instance may have open. */
    readonly maxConnectsOfPool: number;
    /**
     * The most in any second but one: the busiest after the fault, after each time that a node came back or took
     * writes, and after the names moved.
     */
    readonly laterConnectsPerSecond: number;
    readonly eventLoopP99Ms: number;
  };
  /** How long nobody took writes, from the fault on, whatever the client does. */
  readonly outageMs: number;
  /** How hard the fault bit: what it must come to is among the bars. */
  readonly bite: Readonly<Record<string, number>>;
  /** What the machine was doing meanwhile: figures from a busy one say little. */
  readonly machine: { readonly load1: number; readonly harnessEventLoopP99Ms: number };
  readonly verdict: "ok" | "failed";
}

/** The connects of one instance to one node, in the drill's time. */
export interface Connects {
  readonly from: string;
  readonly node: string;
  /** How many connections the instance may have open to it. */
  readonly poolSize: number;
  readonly at: readonly number[];
}

export interface Measured {
  readonly fault: FaultName;
  readonly topology: Topology;
  readonly replication: Replication;
  readonly history: readonly OperationRecord[];
  readonly verdict: Verdict;
  readonly marks: Marks;
  /** The instance whose writers' return counts; the other one of a split cannot come back by itself. */
  readonly instance: string;
  readonly writers: number;
  readonly connects: readonly Connects[];
  readonly webhooksSent: number | null;
  readonly uncaught: readonly string[];
  readonly eventLoopP99Ms: number;
  readonly bite: Readonly<Record<string, number>>;
  readonly machine: DrillRow["machine"];
}

export function measure(run: Measured): DrillRow {
  const { history, verdict, marks } = run;
  const writes = history.filter((record) => record.kind === "write");
  const back = returns(run, writes);
  const reads = measureReads(run, back.lastAt);
  const unanswered = reads.failed - reads.failedUnseen;
  const failures = (verdict.ok ? 0 : 1) + run.uncaught.length + unanswered;
  return {
    fault: run.fault,
    topology: run.topology,
    replication: run.replication,
    reads,
    writes: {
      acked: count(writes, ({ outcome }) => outcome === "ok"),
      journaled: count(writes, ({ outcome, journaled }) => outcome === "ok" && journaled),
      failed: count(writes, ({ outcome }) => outcome === "failed"),
      unknownAtClient: count(writes, ({ outcome }) => outcome === "unknown"),
      lost: verdict.lost.length,
      undrained: verdict.undrained.length,
      duplicated: verdict.duplicated.length,
      torn: verdict.torn.length,
      denied: verdict.denied.length,
      phantom: verdict.phantom.length,
      clientAddedDowntimeMs: { first: round(back.firstMs), all: round(back.allMs) },
    },
    webhooks: measureWebhooks(run),
    pages: measurePages(run),
    process: {
      uncaught: run.uncaught.length,
      ...measureConnects(run.connects, marks),
      eventLoopP99Ms: round(run.eventLoopP99Ms),
    },
    outageMs: round((marks.acceptsWritesAt ?? NaN) - marks.faultAt),
    bite: run.bite,
    machine: run.machine,
    verdict: failures === 0 ? "ok" : "failed",
  };
}

/** When the writers of the instance were back, after the moment at which they could be. */
function returns({ marks, instance, writers, topology }: Measured, writes: readonly WriteRecord[]) {
  const from = marks.promotedFrom ?? marks.faultAt;
  // Whoever knows the nodes does not wait for the names to move.
  const moved = topology === "endpoint" ? (marks.movedAt ?? -Infinity) : -Infinity;
  const possibleAt = Math.max(marks.acceptsWritesAt ?? NaN, moved);
  // Without a promotion the node is the same one: what it committed before the fault took hold does not count.
  const since = marks.promotedFrom === null ? possibleAt : from;
  const firstOf = new Map<string, number>();
  for (const { process, outcome, journaled, completedAt } of writes) {
    if (outcome !== "ok" || journaled || completedAt === null || completedAt <= since) continue;
    if (!process.startsWith(`${instance}/`)) continue;
    firstOf.set(process, Math.min(firstOf.get(process) ?? Infinity, completedAt));
  }
  const moments = [...firstOf.values()];
  const lastAt = moments.length < writers ? NaN : Math.max(...moments);
  return {
    lastAt,
    firstMs: moments.length === 0 ? NaN : Math.max(0, Math.min(...moments) - possibleAt),
    allMs: Math.max(0, lastAt - possibleAt),
  };
}

function measureReads({ history, verdict, marks, fault }: Measured, backAt: number) {
  const reads = history.filter((record) => record.kind === "read");
  const until = Number.isNaN(backAt) ? (marks.healAt ?? Infinity) : backAt;
  const latencies = reads
    .filter(
      ({ invokedAt, completedAt }) =>
        (completedAt ?? Infinity) > marks.faultAt && invokedAt < until,
    )
    .map(({ invokedAt, completedAt }) => (completedAt ?? NaN) - invokedAt)
    .filter((ms) => !Number.isNaN(ms));
  const bySource: Partial<Record<Source, number>> = {};
  for (const { source, outcome } of reads) {
    if (outcome === "ok" && source) bySource[source] = (bySource[source] ?? 0) + 1;
  }
  // In an outage no node is up from the fault on until one takes writes again.
  const noNodeUp = ({ invokedAt, completedAt }: ReadRecord) =>
    fault === "outage" &&
    (completedAt ?? Infinity) >= marks.faultAt &&
    invokedAt <= (marks.acceptsWritesAt ?? Infinity);
  const nodeWasUp = reads.filter((read) => !noNodeUp(read));
  const unseen = unseenOf(reads);
  const copies = count(nodeWasUp, ({ source }) => source === "memory" || source === "disk");
  return {
    total: reads.length,
    failed: count(reads, ({ outcome }) => outcome !== "ok"),
    failedUnseen: count(
      reads,
      (read) => read.outcome !== "ok" && noNodeUp(read) && unseen.has(read),
    ),
    bySource,
    p50Ms: round(percentile(latencies, 0.5)),
    p99Ms: round(percentile(latencies, 0.99)),
    maxMs: round(percentile(latencies, 1)),
    staleBeyondLabel: verdict.staleBeyondLabel.length,
    acrossSplit: verdict.acrossSplit.length,
    keptCopiesPercent: round((100 * copies) / Math.max(1, nodeWasUp.length)),
  };
}

/** The reads of keys that are not among those that their instance was answered last, of the same shop. */
function unseenOf(reads: readonly ReadRecord[]): Set<ReadRecord> {
  const unseen = new Set<ReadRecord>();
  const answered = new Map<string, Set<string>>();
  for (const read of reads) {
    const [shop = ""] = read.key.split(" ");
    const of = `${read.process.split("/")[0]} ${shop}`;
    const last = answered.get(of) ?? new Set<string>();
    answered.set(of, last);
    if (!last.has(read.key)) unseen.add(read);
    if (read.outcome !== "ok") continue;
    // A set keeps the order in which its members came: the oldest is the first.
    last.delete(read.key);
    last.add(read.key);
    if (last.size > cacheEntriesPerShop.least) last.delete(last.values().next().value ?? "");
  }
  return unseen;
}

function measureWebhooks({ history, verdict, webhooksSent }: Measured): DrillRow["webhooks"] {
  if (webhooksSent === null) return null;
  const attempts = history.filter((record) => record.kind === "webhook");
  const acked = attempts.filter(({ outcome }) => outcome === "ok");
  const latencies = acked.map(({ invokedAt, completedAt }) => (completedAt ?? NaN) - invokedAt);
  return {
    sent: webhooksSent,
    acked: new Set(acked.map(({ operationId }) => operationId)).size,
    refused: count(attempts, ({ outcome }) => outcome === "failed"),
    lost: verdict.webhooksLost.length,
    duplicated: verdict.webhooksDuplicated.length,
    unapplied: verdict.webhooksUnapplied.length,
    p99AckMs: round(percentile(latencies, 0.99)),
    maxAckMs: round(percentile(latencies, 1)),
  };
}

function measurePages({ history, webhooksSent }: Measured): DrillRow["pages"] {
  if (webhooksSent === null) return null;
  const pages = history.filter((record) => record.kind === "page");
  const latencies = pages.map(({ invokedAt, completedAt }) => (completedAt ?? NaN) - invokedAt);
  return {
    total: pages.length,
    failed: count(pages, ({ outcome }) => outcome !== "ok"),
    p99Ms: round(percentile(latencies, 0.99)),
  };
}

const WINDOW_MS = 1_000;

export function measureConnects(connects: readonly Connects[], marks: Marks) {
  let maxConnectsPerSecond = 0;
  let maxConnectsOfPool = 0;
  let laterConnectsPerSecond = 0;
  for (const { node, poolSize, at } of connects) {
    const since = at.filter((moment) => moment >= marks.faultAt);
    const most = mostInWindow(since);
    maxConnectsPerSecond = Math.max(maxConnectsPerSecond, most);
    maxConnectsOfPool = Math.max(maxConnectsOfPool, most / poolSize);
    const events = [
      marks.faultAt,
      marks.acceptsWritesAt ?? marks.faultAt,
      marks.movedAt ?? marks.faultAt,
      ...marks.reachable.filter((mark) => mark.node === node).map((mark) => mark.at),
    ].sort((a, b) => a - b);
    const bursts = events.flatMap((from, index) => {
      const until = events[index + 1] ?? Infinity;
      return busiestWindow(since.filter((moment) => moment >= from && moment < until));
    });
    const later = since.filter(
      (moment) => !bursts.some((burst) => moment >= burst && moment < burst + WINDOW_MS),
    );
    laterConnectsPerSecond = Math.max(laterConnectsPerSecond, mostInWindow(later));
  }
  return {
    maxConnectsPerSecond,
    maxConnectsOfPool: round(maxConnectsOfPool),
    laterConnectsPerSecond,
  };
}

/** The most moments within any one second; `at` is in order. */
function mostInWindow(at: readonly number[]): number {
  let most = 0;
  let start = 0;
  for (const [index, moment] of at.entries()) {
    while ((at[start] ?? moment) <= moment - WINDOW_MS) start++;
    most = Math.max(most, index - start + 1);
  }
  return most;
}

/** @returns when the second begins in which most of the moments lie; nothing of none. */
function busiestWindow(at: readonly number[]): number[] {
  const most = mostInWindow(at);
  return at
    .filter((from) => at.filter((one) => one >= from && one < from + WINDOW_MS).length === most)
    .slice(0, 1);
}

function count<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length;
}

const round = (value: number): number => Math.round(value * 10) / 10;
