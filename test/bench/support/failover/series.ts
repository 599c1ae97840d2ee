import type { Topology } from "../../../drill/network.ts";
import { bar, median, percentile, type Bar, type Row } from "../../report.ts";
import type { Figures, Returned } from "./figures.ts";

/** One of those that are compared. */
export interface Side {
  readonly name: string;
  /** Address of the module that opens its database. */
  readonly module: string;
  readonly topology: Topology;
  readonly ours: boolean;
}

/** What they go through; as the drill plays it. */
export const FAULTS = ["crash", "freeze"] as const;

/** A client that is not back by then hangs, for all that its users will know. */
export const LIMIT_MS = 10_000;
/** Below this, an outage leaves a client time enough within the deadline of 2 s. */
const SHORT_OUTAGE_MS = 1_200;

/** All runs of one of them through one fault. */
export interface Series {
  readonly side: Side;
  readonly fault: (typeof FAULTS)[number];
  readonly runs: Figures[];
}

/** From when on a client could be back: the node's first write, or, for those who follow a name, the name's move. */
export function reference(
  { side: { topology } }: Pick<Series, "side">,
  figures: Figures,
): Returned {
  return topology === "nodes" ? figures.sinceWritable : figures.sinceMoved;
}

interface Summary {
  readonly median: number | null;
  readonly p95: number | null;
  readonly worst: number | null;
}

/** Null in place of a time stands for "not within the limit". */
function summary({ runs }: Series, of: (figures: Figures) => number): Summary {
  const values = runs.map(of);
  const finite = (value: number) => (Number.isFinite(value) ? Math.round(value * 10) / 10 : null);
  return {
    median: finite(median(values)),
    p95: finite(percentile(values, 0.95)),
    worst: finite(Math.max(...values)),
  };
}

const total = ({ runs }: Series, of: (figures: Figures) => number): number =>
  runs.map(of).reduce((sum, value) => sum + value, 0);

/** A row for programs. */
export function rowOf(one: Series): Row {
  const { side, fault, runs } = one;
  return {
    client: side.name,
    fault,
    topology: side.topology,
    outageMs: summary(one, ({ outageMs }) => outageMs),
    sinceWritable: {
      firstMs: summary(one, ({ sinceWritable }) => sinceWritable.firstMs),
      allMs: summary(one, ({ sinceWritable }) => sinceWritable.allMs),
    },
    sinceMoved: {
      firstMs: summary(one, ({ sinceMoved }) => sinceMoved.firstMs),
      allMs: summary(one, ({ sinceMoved }) => sinceMoved.allMs),
    },
    notBack: runs.filter(({ sinceWritable }) => !Number.isFinite(sinceWritable.allMs)).length,
    readsP99Ms: summary(one, ({ readsP99Ms }) => readsP99Ms),
    readGapMs: summary(one, ({ readGapMs }) => readGapMs),
    readsFailed: summary(one, ({ readsFailed }) => readsFailed),
    writesFailed: summary(one, ({ writesFailed }) => writesFailed),
    lost: total(one, ({ lost }) => lost),
    duplicated: total(one, ({ duplicated }) => duplicated),
    torn: total(one, ({ torn }) => torn),
    staleBeyondLabel: total(one, ({ staleBeyondLabel }) => staleBeyondLabel),
    uncaught: total(one, ({ uncaught }) => uncaught),
    connectsPerSecond: summary(one, ({ connectsPerSecond }) => connectsPerSecond),
    load1: summary(one, ({ load1 }) => load1),
  };
}

/** Each of ours beside the best of the others in the same fault, from the moment at which the node takes writes. */
export function ratiosOf(series: readonly Series[]): Row[] {
  return series
    .filter(({ side }) => side.ours)
    .flatMap((one) =>
      (["firstMs", "allMs"] as const).map((figure) => {
        const medianOf = (of: Series) =>
          summary(of, ({ sinceWritable }) => sinceWritable[figure]).median ?? Infinity;
        const peers = series.filter(({ side, fault }) => !side.ours && fault === one.fault);
        const theirs = Math.min(...peers.map(medianOf));
        const ours = medianOf(one);
        const known = Number.isFinite(theirs) && Number.isFinite(ours);
        return {
          ratio: figure,
          client: one.side.name,
          fault: one.fault,
          bestPeer: known ? peers.find((peer) => medianOf(peer) === theirs)?.side.name : null,
          ours: Number.isFinite(ours) ? ours : null,
          theirs: Number.isFinite(theirs) ? theirs : null,
          // What takes less than a millisecond is taken for one.
          times: known ? Math.round((100 * theirs) / Math.max(1, ours)) / 100 : null,
        };
      }),
    );
}

const LATE = `not within ${LIMIT_MS / 1_000} s`;

/** In whole ms. */
export const inMs = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? LATE : `${Math.round(value)}`;

/** Median and worst. */
const both = ({ median, worst }: Summary): string =>
  median === null ? LATE : `${inMs(median)} / ${inMs(worst)}`;

/** A row for people: the median and the worst of the runs, or, of what must never happen, all that did. */
export function lineOf(one: Series): Row {
  return {
    Client: one.side.name,
    Fault: one.fault,
    "First write, ms": both(summary(one, (run) => reference(one, run).firstMs)),
    "All 20 writers, ms": both(summary(one, (run) => reference(one, run).allMs)),
    "Reads' p99, ms": both(summary(one, ({ readsP99Ms }) => readsP99Ms)),
    "No read answered for, ms": both(summary(one, ({ readGapMs }) => readGapMs)),
    Failed: both(summary(one, ({ readsFailed, writesFailed }) => readsFailed + writesFailed)),
    Lost: total(one, ({ lost }) => lost),
    Twice: total(one, ({ duplicated }) => duplicated),
    Torn: total(one, ({ torn }) => torn),
    Uncaught: total(one, ({ uncaught }) => uncaught),
  };
}

/** Only of ours: what others do is not promised here. */
export function barsOf(series: readonly Series[]): Bar[] {
  return series
    .filter(({ side }) => side.ours)
    .flatMap((one) => {
      const { side, fault, runs } = one;
      const named = (name: string) => `${fault}, ${side.topology}: ${name}`;
      const all = runs.map((run) => reference(one, run).allMs);
      const first = runs.map((run) => reference(one, run).firstMs);
      const never = (name: string, of: (figures: Figures) => number) =>
        bar(named(name), total(one, of), "count", { exactly: 0 });
      const bars = [
        never("acknowledged writes lost", ({ lost }) => lost),
        never("writes done twice", ({ duplicated }) => duplicated),
        never("writes torn", ({ torn }) => torn),
        never("reads older than labelled", ({ staleBeyondLabel }) => staleBeyondLabel),
        never("uncaught errors", ({ uncaught }) => uncaught),
      ];
      if (side.topology === "endpoint") {
        const atMost = fault === "crash" ? 250 : 1_000;
        return [...bars, bar(named("all writers, p95"), percentile(all, 0.95), "ms", { atMost })];
      }
      const short = runs.filter(({ outageMs }) => outageMs <= SHORT_OUTAGE_MS);
      const failed = short.map(({ readsFailed, writesFailed }) => readsFailed + writesFailed);
      return [
        ...bars,
        bar(named("first write, median"), median(first), "ms", { atMost: 50 }),
        bar(named("all writers, p95"), percentile(all, 0.95), "ms", { atMost: 200 }),
        bar(
          named("operations failed, with an outage of up to 1.2 s"),
          short.length === 0 ? NaN : failed.reduce((sum, value) => sum + value, 0),
          "operations",
          { exactly: 0 },
        ),
      ];
    });
}
