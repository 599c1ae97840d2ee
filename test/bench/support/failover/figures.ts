import type { Marks } from "../../../drill/faults.ts";
import type { DrillResult } from "../../../drill/drill.ts";
import { percentile } from "../../report.ts";

/** What one run of one client came to. Times are in ms; infinite where it did not come back within the limit. */
export interface Figures {
  /** From the fault until the promoted node takes writes: nothing that a client can do. */
  readonly outageMs: number;
  /** From that moment to the first acknowledged write of any writer, and to the first of the slowest. */
  readonly sinceWritable: Returned;
  /** The same from the moment at which the writer's name had been moved to it. */
  readonly sinceMoved: Returned;
  /** Of the reads that were under way between the fault and the last writer's return. */
  readonly readsP99Ms: number;
  /** The longest time in between in which no reader at all was answered. */
  readonly readGapMs: number;
  readonly readsFailed: number;
  /** Writes of which the client was told that they are not done, or nothing. */
  readonly writesFailed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly torn: number;
  /** What reads lacked although it had been acknowledged before the moment that they claim to show. */
  readonly staleBeyondLabel: number;
  readonly uncaught: number;
  /** The most connects to one node within a second. */
  readonly connectsPerSecond: number;
  readonly load1: number;
}

export interface Returned {
  readonly firstMs: number;
  readonly allMs: number;
}

export function figuresOf(result: DrillResult, writers: number): Figures {
  const { row, verdict, marks, history, uncaught } = result;
  const healAt = marks.healAt ?? NaN;
  const moments = firstAcknowledgements(result, healAt);
  const firstAt = Math.min(...moments);
  const allAt = moments.length < writers ? Infinity : Math.max(...moments);
  const since = (from: number): Returned => ({
    firstMs: round(Math.max(0, firstAt - from)),
    allMs: round(Math.max(0, allAt - from)),
  });
  const writableAt = marks.acceptsWritesAt ?? NaN;
  return {
    outageMs: round(writableAt - marks.faultAt),
    sinceWritable: since(writableAt),
    sinceMoved: since(Math.max(writableAt, marks.movedAt ?? NaN)),
    ...readFigures(history, marks, Math.min(allAt, healAt)),
    readsFailed: row.reads.failed,
    writesFailed: row.writes.failed + row.writes.unknownAtClient,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated.length,
    torn: verdict.torn.length,
    staleBeyondLabel: verdict.staleBeyondLabel.length,
    uncaught: uncaught.length,
    connectsPerSecond: row.process.maxConnectsPerSecond,
    load1: row.machine.load1,
  };
}

/** For each writer that was back in time, when: from the promotion on nobody but the promoted node can take writes. */
function firstAcknowledgements({ history, marks }: DrillResult, until: number): number[] {
  const firstOf = new Map<string, number>();
  for (const { kind, process, outcome, completedAt } of history) {
    if (kind !== "write" || outcome !== "ok" || completedAt === null) continue;
    if (completedAt <= (marks.promotedFrom ?? Infinity) || completedAt > until) continue;
    firstOf.set(process, Math.min(firstOf.get(process) ?? Infinity, completedAt));
  }
  return [...firstOf.values()];
}

function readFigures(history: DrillResult["history"], { faultAt }: Marks, until: number) {
  const reads = history.filter(({ kind }) => kind === "read");
  const latencies: number[] = [];
  const answers = [faultAt, until];
  for (const { invokedAt, completedAt, outcome } of reads) {
    if (completedAt === null || completedAt <= faultAt || invokedAt >= until) continue;
    latencies.push(completedAt - invokedAt);
    if (outcome === "ok" && completedAt < until) answers.push(completedAt);
  }
  answers.sort((a, b) => a - b);
  const gaps = answers.map((at, index) => at - (answers[index - 1] ?? at));
  return { readsP99Ms: round(percentile(latencies, 0.99)), readGapMs: round(Math.max(...gaps)) };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
