import { bar, median, percentile, type Bar } from "../bench/report.ts";
import type { DrillRow } from "./measure.ts";

/** Below this a run says what the client can do within its deadline of 2 s; above, the outage alone uses it up. */
const SHORT_OUTAGE_MS = 1_200;

/** What is said of most runs, or of nearly all, says something from so many on. */
const RUNS_FOR_PERCENTILES = 20;

/** What must never happen, whatever the fault. */
const NEVER: readonly (readonly [name: string, count: (row: DrillRow) => number])[] = [
  ["acknowledged writes lost", ({ writes }) => writes.lost],
  ["acknowledged writes still on an instance's disk", ({ writes }) => writes.undrained],
  ["writes done twice", ({ writes }) => writes.duplicated],
  ["writes torn", ({ writes }) => writes.torn],
  ["writes said to be not done, but done", ({ writes }) => writes.denied],
  ["writes that nobody asked for", ({ writes }) => writes.phantom],
  ["acknowledged webhooks lost", ({ webhooks }) => webhooks?.lost ?? NaN],
  ["webhooks applied twice", ({ webhooks }) => webhooks?.duplicated ?? NaN],
  ["acknowledged webhooks never applied", ({ webhooks }) => webhooks?.unapplied ?? NaN],
  [
    "reads not answered that a node or a cache could answer",
    ({ reads }) => reads.failed - reads.failedUnseen,
  ],
  ["reads older than labelled", ({ reads }) => reads.staleBeyondLabel],
  ["uncaught errors", ({ process }) => process.uncaught],
];

/** The bars of all runs, fault by fault and topology by topology. */
export function barsOf(rows: readonly DrillRow[]): Bar[] {
  const groups = Map.groupBy(rows, ({ fault, topology, replication }) =>
    [fault, topology, replication].join(" "),
  );
  return [...groups].flatMap(([group, runs]) => barsOfGroup(group, runs));
}

function barsOfGroup(group: string, runs: readonly DrillRow[]): Bar[] {
  const all = (value: (row: DrillRow) => number) => runs.map(value);
  const sum = (value: (row: DrillRow) => number) => all(value).reduce((a, b) => a + b, 0);
  const worst = (value: (row: DrillRow) => number) => Math.max(...all(value));
  const named = (name: string) => `${group}: ${name}`;
  const [first] = runs;
  if (!first) return [];
  return [
    ...NEVER.map(([name, count]) => bar(named(name), sum(count), "count", { exactly: 0 })),
    bar(
      named("connects of an instance to a node in its busiest second"),
      worst(({ process }) => process.maxConnectsOfPool),
      "× its pool",
      { atMost: 2 },
    ),
    bar(
      named("connects per second beside the one after each event"),
      worst(({ process }) => process.laterConnectsPerSecond),
      "connects",
      { atMost: 5 },
    ),
    bar(
      named("event loop p99"),
      worst(({ process }) => process.eventLoopP99Ms),
      "ms",
      {
        atMost: 50,
      },
    ),
    bar(
      named("reads from kept copies while a node was up"),
      worst(({ reads }) => reads.keptCopiesPercent),
      "%",
      { atMost: 1 },
    ),
    bar(
      named("keys for each value that a cache may hold"),
      Math.min(...all(({ bite }) => bite["keysPerCached"] ?? NaN)),
      "keys",
      { atLeast: 10 },
    ),
    ...timingBars(first, runs, named),
    ...biteBars(first, runs, named),
  ];
}

/** What is promised of how fast clients follow, for the faults of which it is promised. */
function timingBars(
  { fault, topology }: DrillRow,
  runs: readonly DrillRow[],
  named: (name: string) => string,
): Bar[] {
  const firsts = runs.map(({ writes }) => writes.clientAddedDowntimeMs.first);
  const slowest = runs.map(({ writes }) => writes.clientAddedDowntimeMs.all);
  const bars: Bar[] = [];
  if (topology === "nodes" && (fault === "crash" || fault === "freeze" || fault === "blackhole")) {
    const short = runs.filter(({ outageMs }) => outageMs <= SHORT_OUTAGE_MS);
    const failed = short.map(({ writes }) => writes.failed + writes.unknownAtClient);
    if (runs.length >= RUNS_FOR_PERCENTILES) {
      bars.push(
        bar(named("first write, median"), median(firsts), "ms", { atMost: 50 }),
        bar(named("first write, p95"), percentile(firsts, 0.95), "ms", { atMost: 120 }),
        bar(named("all writers, p95"), percentile(slowest, 0.95), "ms", { atMost: 200 }),
      );
    }
    bars.push(
      bar(
        named("writes failed or unknown, with an outage of up to 1.2 s"),
        short.length === 0 ? NaN : failed.reduce((a, b) => a + b, 0),
        "writes",
        { exactly: 0 },
      ),
    );
  }
  const followsAnEndpoint = topology === "endpoint" && (fault === "crash" || fault === "freeze");
  if (followsAnEndpoint && runs.length >= RUNS_FOR_PERCENTILES) {
    const atMost = fault === "crash" ? 250 : 1_000;
    bars.push(bar(named("all writers, p95"), percentile(slowest, 0.95), "ms", { atMost }));
  }
  if (fault === "crash" || fault === "freeze") {
    const p99 = Math.max(...runs.map(({ reads }) => reads.p99Ms));
    bars.push(bar(named("reads, p99"), p99, "ms", { atMost: fault === "crash" ? 150 : 600 }));
  }
  // Whatever is promised of their time: that they come back at all is promised of every fault.
  const away = slowest.filter((ms) => Number.isNaN(ms)).length;
  bars.push(
    bar(named("runs after which a writer did not come back"), away, "runs", { exactly: 0 }),
  );
  return bars;
}

/** A drill that does not bite shows nothing. */
function biteBars(
  { fault }: DrillRow,
  runs: readonly DrillRow[],
  named: (name: string) => string,
): Bar[] {
  const least = (what: string) => Math.min(...runs.map(({ bite }) => bite[what] ?? NaN));
  if (fault === "lossy") {
    const commits = least("commitsBeyondStandby");
    return [bar(named("commits that the standby lacked"), commits, "commits", { atLeast: 100 })];
  }
  if (fault === "mid-commit") {
    const cut = least("answersCut");
    return [bar(named("commits whose answer was cut"), cut, "commits", { atLeast: 20 })];
  }
  return [];
}

/** Bars that these runs are too few for, in words. */
export function unratedOf(rows: readonly DrillRow[]): string[] {
  const groups = Map.groupBy(rows, ({ fault, topology }) => `${fault} ${topology}`);
  return [...groups].flatMap(([group, runs]) =>
    runs.length < RUNS_FOR_PERCENTILES && TIMED.has(group)
      ? [
          `${group}: how soon writes are back is rated from ${RUNS_FOR_PERCENTILES} runs on, not of ${runs.length}`,
        ]
      : [],
  );
}

const TIMED: ReadonlySet<string> = new Set([
  "crash nodes",
  "freeze nodes",
  "blackhole nodes",
  "crash endpoint",
  "freeze endpoint",
]);

/** What people see of a run while others go on. */
export function lineOf({ writes, reads, webhooks, outageMs, bite, verdict }: DrillRow): string {
  const back = writes.clientAddedDowntimeMs;
  const bites = bitesOf(bite);
  return [
    verdict === "ok" ? "ok" : "FAILED",
    `nobody took writes for ${outageMs} ms, then first ${back.first} ms, all ${back.all} ms`,
    `${writes.acked} writes acknowledged, ${writes.lost} lost, ${writes.duplicated} twice, ${writes.torn} torn`,
    `${reads.total} reads, p99 ${reads.p99Ms} ms, ${reads.failed} unanswered, ${reads.staleBeyondLabel} too old`,
    ...(webhooks ? [`${webhooks.acked}/${webhooks.sent} webhooks, ${webhooks.lost} lost`] : []),
    ...(bites ? [bites] : []),
  ].join("; ");
}

/** What people see of all runs in the end: what became of the writes … */
export function writesOf({ writes, ...row }: DrillRow): Record<string, string | number> {
  return {
    ...whichOf(row),
    "outage ms": row.outageMs,
    first: writes.clientAddedDowntimeMs.first,
    all: writes.clientAddedDowntimeMs.all,
    acked: writes.acked,
    kept: writes.journaled,
    failed: writes.failed,
    unknown: writes.unknownAtClient,
    lost: writes.lost + writes.undrained,
    twice: writes.duplicated,
    torn: writes.torn + writes.denied + writes.phantom,
    verdict: row.verdict,
  };
}

/** … of the reads and the webhooks … */
export function readsOf({ reads, webhooks, ...row }: DrillRow): Record<string, string | number> {
  return {
    ...whichOf(row),
    reads: reads.total,
    "p99 ms": reads.p99Ms,
    "max ms": reads.maxMs,
    unanswered: reads.failed,
    unseen: reads.failedUnseen,
    "too old": reads.staleBeyondLabel,
    "kept %": reads.keptCopiesPercent,
    webhooks: webhooks?.acked ?? "none",
    refused: webhooks?.refused ?? "",
    lost: webhooks ? webhooks.lost + webhooks.unapplied : "",
    twice: webhooks?.duplicated ?? "",
    "ack p99": webhooks?.p99AckMs ?? "",
  };
}

/** … and of the processes, with what the machine was doing meanwhile. */
export function processesOf({
  process,
  machine,
  bite,
  ...row
}: DrillRow): Record<string, string | number> {
  return {
    ...whichOf(row),
    uncaught: process.uncaught,
    "connects/s": process.maxConnectsPerSecond,
    "× pool": process.maxConnectsOfPool,
    "then/s": process.laterConnectsPerSecond,
    "loop p99": process.eventLoopP99Ms,
    load: machine.load1,
    "harness p99": machine.harnessEventLoopP99Ms,
    "how it bit": bitesOf(bite),
  };
}

function whichOf({
  fault,
  topology,
  replication,
}: Pick<DrillRow, "fault" | "topology" | "replication">) {
  return { fault, where: `${topology} ${replication}` };
}

const BITES: Readonly<Record<string, (count: number) => string>> = {
  commitsBeyondStandby: (count) => `${count} commits that the standby lacked`,
  answersCut: (count) => `${count} answers cut`,
  fullFileSystem: (count) =>
    count > 0 ? "a file system was full" : "pretended, nothing can be mounted",
};

function bitesOf(bite: DrillRow["bite"]): string {
  return Object.entries(bite)
    .flatMap(([what, count]) => BITES[what]?.(count) ?? [])
    .join(", ");
}
