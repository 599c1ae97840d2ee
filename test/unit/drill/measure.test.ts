import { expect, test } from "vitest";
import { barsOf, unratedOf } from "../../drill/bars.ts";
import type { Marks } from "../../drill/faults.ts";
import { measureConnects, type DrillRow } from "../../drill/measure.ts";

const marks: Marks = {
  faultAt: 10_000,
  promotedFrom: null,
  acceptsWritesAt: null,
  movedAt: null,
  healAt: null,
  reachable: [],
};

const times = (n: number, from: number, everyMs: number) =>
  Array.from({ length: n }, (_, index) => from + index * everyMs);

const measured = (at: readonly number[], more: Partial<Marks> = {}) =>
  measureConnects([{ from: "a", node: "n1", poolSize: 15, at }], { ...marks, ...more });

test("what comes before the fault does not count", () => {
  expect(measured(times(50, 9_000, 10))).toEqual({
    maxConnectsPerSecond: 0,
    maxConnectsOfPool: 0,
    laterConnectsPerSecond: 0,
  });
});

test("one burst is allowed after the fault, whenever it comes, and five per second beside it", () => {
  const at = [...times(30, 12_000, 10), ...times(20, 13_500, 200)];
  expect(measured(at)).toEqual({
    maxConnectsPerSecond: 30,
    maxConnectsOfPool: 2,
    laterConnectsPerSecond: 5,
  });
});

test("a second burst without an event of its own is seen", () => {
  const at = [...times(20, 10_000, 10), ...times(12, 14_000, 10)];
  expect(measured(at).laterConnectsPerSecond).toBe(12);
});

test("a node that comes back may be met by a burst; another's return excuses nothing", () => {
  const at = [...times(20, 10_000, 10), ...times(12, 14_000, 10)];
  const back = (node: string) => measured(at, { reachable: [{ node, at: 13_900 }] });
  expect(back("n1").laterConnectsPerSecond).toBe(0);
  expect(back("n2").laterConnectsPerSecond).toBe(12);
});

const row: DrillRow = {
  fault: "crash",
  topology: "nodes",
  replication: "sync",
  reads: {
    total: 1_000,
    failed: 0,
    failedUnseen: 0,
    bySource: { primary: 1_000 },
    p50Ms: 2,
    p99Ms: 20,
    maxMs: 40,
    staleBeyondLabel: 0,
    acrossSplit: 0,
    keptCopiesPercent: 0,
  },
  writes: {
    acked: 1_000,
    journaled: 0,
    failed: 0,
    unknownAtClient: 0,
    lost: 0,
    undrained: 0,
    duplicated: 0,
    torn: 0,
    denied: 0,
    phantom: 0,
    clientAddedDowntimeMs: { first: 20, all: 100 },
  },
  webhooks: {
    sent: 100,
    acked: 100,
    refused: 0,
    lost: 0,
    duplicated: 0,
    unapplied: 0,
    p99AckMs: 50,
    maxAckMs: 60,
  },
  pages: { total: 10, failed: 0, p99Ms: 100 },
  process: {
    uncaught: 0,
    maxConnectsPerSecond: 20,
    maxConnectsOfPool: 1.3,
    laterConnectsPerSecond: 3,
    eventLoopP99Ms: 10,
  },
  outageMs: 900,
  bite: { keysPerCached: 10.5 },
  machine: { load1: 1, harnessEventLoopP99Ms: 5 },
  verdict: "ok",
};

const missed = (rows: readonly DrillRow[]) =>
  barsOf(rows)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

test("a good run meets every bar", () => {
  expect(missed([row])).toEqual([]);
});

test.each([
  ["a lost write", { writes: { ...row.writes, lost: 1 } }],
  ["a write on a disk", { writes: { ...row.writes, undrained: 1 } }],
  ["a torn write", { writes: { ...row.writes, torn: 1 } }],
  ["a read that was not answered", { reads: { ...row.reads, failed: 1 } }],
  ["a mislabelled read", { reads: { ...row.reads, staleBeyondLabel: 1 } }],
  ["too many kept copies", { reads: { ...row.reads, keptCopiesPercent: 1.1 } }],
  ["slow reads", { reads: { ...row.reads, p99Ms: 151 } }],
  ["no webhooks", { webhooks: null }],
  ["a crowd of connects", { process: { ...row.process, maxConnectsOfPool: 2.1 } }],
  ["connects that go on", { process: { ...row.process, laterConnectsPerSecond: 6 } }],
  ["a busy event loop", { process: { ...row.process, eventLoopP99Ms: 51 } }],
  ["a write that was given up", { writes: { ...row.writes, failed: 1 } }],
  ["a small key space", { bite: { keysPerCached: 9 } }],
] satisfies [string, Partial<DrillRow>][])("%s is one bar missed or more", (_what, change) => {
  expect(missed([row, { ...row, ...change }])).not.toEqual([]);
});

test.each([
  ["lossy", "commitsBeyondStandby", 100],
  ["mid-commit", "answersCut", 20],
] as const)("%s has to bite", (fault, what, least) => {
  const bitten = (count: number) => ({ ...row, fault, bite: { ...row.bite, [what]: count } });
  expect(missed([bitten(least)])).toEqual([]);
  expect(missed([bitten(least - 1)])).toHaveLength(1);
  expect(missed([{ ...row, fault }])).toHaveLength(1);
});

test("percentiles over runs are rated from twenty runs on, and said to be missing before", () => {
  const slow = {
    ...row,
    writes: { ...row.writes, clientAddedDowntimeMs: { first: 60, all: 250 } },
  };
  expect(missed(Array.from({ length: 19 }, () => slow))).toEqual([]);
  expect(unratedOf(Array.from({ length: 19 }, () => slow))).toHaveLength(1);
  expect(missed(Array.from({ length: 20 }, () => slow))).toEqual([
    "crash nodes sync: first write, median",
    "crash nodes sync: all writers, p95",
  ]);
  expect(unratedOf(Array.from({ length: 20 }, () => slow))).toEqual([]);
});
