import { describe, expect, test } from "vitest";
import { figuresOf, type Figures } from "../../bench/support/failover/figures.ts";
import { barsOf, LIMIT_MS, lineOf, ratiosOf, rowOf } from "../../bench/support/failover/series.ts";
import type { Series, Side } from "../../bench/support/failover/series.ts";
import type { DrillResult } from "../../drill/drill.ts";
import type { OperationRecord, Outcome } from "../../drill/history.ts";

/** Fault at 0, promotion asked for at 800, writes taken from 900, the name moved at 910, healed at `healAt`. */
function run(history: readonly Operation[], healAt = 1_200): DrillResult {
  const nothing: readonly never[] = [];
  return {
    row: {
      reads: { failed: 0 },
      writes: { failed: 0, unknownAtClient: 0 },
      process: { maxConnectsPerSecond: 0 },
      machine: { load1: 0 },
    },
    verdict: { lost: nothing, duplicated: nothing, torn: nothing, staleBeyondLabel: nothing },
    marks: { faultAt: 0, promotedFrom: 800, acceptsWritesAt: 900, movedAt: 910, healAt },
    history: history.map(([kind, process, invokedAt, completedAt, outcome = "ok"]) => ({
      ...{ kind, process, invokedAt, completedAt, outcome },
    })) as unknown as OperationRecord[],
    uncaught: nothing,
  } as unknown as DrillResult;
}

type Operation = readonly ["write" | "read", string, number, number | null, Outcome?];

describe("what a run came to", () => {
  test("counts from the moments at which the node takes writes and at which its name has moved", () => {
    const figures = figuresOf(
      run([
        ["write", "w1", -50, -40],
        ["write", "w1", 890, 930],
        ["write", "w1", 940, 945],
        ["write", "w2", 0, 1_000],
      ]),
      2,
    );
    expect(figures.outageMs).toBe(900);
    expect(figures.sinceWritable).toEqual({ firstMs: 30, allMs: 100 });
    expect(figures.sinceMoved).toEqual({ firstMs: 20, allMs: 90 });
  });

  test("does not take what the old primary acknowledged in its last moment for a return", () => {
    const figures = figuresOf(run([["write", "w1", 1, 5]]), 1);
    expect(figures.sinceWritable).toEqual({ firstMs: Infinity, allMs: Infinity });
  });

  test("does not take one writer for all, nor an answer after the limit, nor a failure", () => {
    const figures = figuresOf(
      run([
        ["write", "w1", 900, 950],
        ["write", "w2", 900, 1_250],
        ["write", "w3", 900, 950, "unknown"],
      ]),
      3,
    );
    expect(figures.sinceWritable).toEqual({ firstMs: 50, allMs: Infinity });
  });

  test("sees how long no read was answered, up to the end of it", () => {
    const answered = figuresOf(
      run([
        ["read", "r1", -10, 100],
        ["read", "r2", 50, 950, "failed"],
        ["read", "r1", 100, 800],
        ["write", "w1", 0, 1_000],
      ]),
      1,
    );
    expect(answered.readGapMs).toBe(700);
    expect(figuresOf(run([["read", "r1", 10, 20]], 9_000), 1).readGapMs).toBe(8_980);
  });
});

const figures: Figures = {
  outageMs: 950,
  sinceWritable: { firstMs: 10, allMs: 40 },
  sinceMoved: { firstMs: 5, allMs: 35 },
  readsP99Ms: 100,
  readGapMs: 20,
  readsFailed: 0,
  writesFailed: 0,
  lost: 0,
  duplicated: 0,
  torn: 0,
  staleBeyondLabel: 0,
  uncaught: 0,
  connectsPerSecond: 5,
  load1: 1,
};

function series(name: string, over: Partial<Side>, runs: readonly Partial<Figures>[]): Series {
  const side = { name, module: "", topology: "nodes", ours: false, ...over } as const;
  return { side, fault: "crash", runs: runs.map((one) => ({ ...figures, ...one })) };
}

const never = { firstMs: Infinity, allMs: Infinity };
const hung: Partial<Figures> = { sinceWritable: never, sinceMoved: never };

describe("a comparison", () => {
  test("says of a client that hangs that it was not back, and never a number", () => {
    const always = series("hangs", {}, [hung, hung]);
    expect(lineOf(always)["First write, ms"]).toBe(`not within ${LIMIT_MS / 1_000} s`);
    expect(rowOf(always)).toMatchObject({
      notBack: 2,
      sinceWritable: { allMs: { median: null, worst: null } },
    });
    const once = series("hangs once", {}, [{}, {}, hung]);
    expect(lineOf(once)["All 20 writers, ms"]).toBe(`40 / not within ${LIMIT_MS / 1_000} s`);
    expect(rowOf(once)).toMatchObject({ notBack: 1 });
  });

  test("takes the best of the others, whichever of them hangs", () => {
    const ours = series("ours", { ours: true }, [{}]);
    const slow = { sinceWritable: { firstMs: 500, allMs: 600 } };
    const slower = { sinceWritable: { firstMs: 900, allMs: 950 } };
    const peers = [
      series("hangs", {}, [hung]),
      series("slower", {}, [slower]),
      series("slow", {}, [slow]),
    ];
    const all = ratiosOf([...peers, ours]).find(({ ratio }) => ratio === "allMs");
    expect(all).toMatchObject({ bestPeer: "slow", ours: 40, theirs: 600, times: 15 });
    const [first] = ratiosOf([series("hangs", {}, [hung]), ours]);
    expect(first).toMatchObject({ bestPeer: null, theirs: null, times: null });
  });

  test("holds only ours to bars, and misses them where ours hangs, loses or repeats", () => {
    const missed = (over: Partial<Figures>, side: Partial<Side> = {}) =>
      barsOf([
        series("peer", {}, [hung]),
        series("ours", { ours: true, ...side }, [{ ...figures, ...over }]),
      ])
        .filter(({ ok }) => !ok)
        .map(({ name }) => name.split(": ")[1]);
    expect(missed({})).toEqual([]);
    expect(missed({ lost: 1 })).toEqual(["acknowledged writes lost"]);
    expect(missed({ duplicated: 1 })).toEqual(["writes done twice"]);
    expect(missed(hung)).toEqual(["first write, median", "all writers, p95"]);
    expect(missed(hung, { topology: "endpoint" })).toEqual(["all writers, p95"]);
    expect(missed({ readsFailed: 1 })).toEqual([
      "operations failed, with an outage of up to 1.2 s",
    ]);
    // A longer outage uses the deadline up by itself, but then nothing was shown.
    expect(missed({ readsFailed: 1, outageMs: 1_300 })).toEqual([
      "operations failed, with an outage of up to 1.2 s",
    ]);
  });
});
