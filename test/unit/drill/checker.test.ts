import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check, type FinalState } from "../../drill/checker.ts";
import type {
  OperationRecord,
  ReadRecord,
  SettleRecord,
  WebhookRecord,
  WriteRecord,
} from "../../drill/history.ts";

const common = { process: "a/1", key: "k", error: null };

function write(operationId: string, over: Partial<WriteRecord> = {}): WriteRecord {
  const times = { invokedAt: 10, completedAt: 20 };
  return {
    ...common,
    ...times,
    kind: "write",
    operationId,
    outcome: "ok",
    journaled: false,
    ...over,
  };
}

function read(entries: readonly string[], over: Partial<ReadRecord> = {}): ReadRecord {
  return {
    ...common,
    kind: "read",
    outcome: "ok",
    invokedAt: 100,
    completedAt: 110,
    value: { version: entries.length, last: entries.at(-1) ?? null, entries },
    source: "primary",
    asOf: 100,
    ...over,
  };
}

function settle(operationId: string, value: "done" | "notDone"): SettleRecord {
  const times = { invokedAt: 30, completedAt: 40 };
  return { ...common, ...times, kind: "settle", outcome: "ok", operationId, value };
}

function webhook(operationId: string, over: Partial<WebhookRecord> = {}): WebhookRecord {
  const times = { invokedAt: 10, completedAt: 20 };
  const answer = { outcome: "ok", status: 200 } as const;
  return { ...common, ...times, ...answer, kind: "webhook", operationId, ...over };
}

/** The state that these writes, one after the other and each done whole, leave behind. */
function after(...writes: readonly (string | { key: string; operationId: string })[]): FinalState {
  const entries: { key: string; version: number; operationId: string }[] = [];
  const registers = new Map<string, { key: string; version: number; operationId: string }>();
  for (const one of writes) {
    const { key, operationId } = typeof one === "string" ? { key: "k", operationId: one } : one;
    const version = (registers.get(key)?.version ?? 0) + 1;
    registers.set(key, { key, version, operationId });
    entries.push({ key, version, operationId });
  }
  return {
    registers: [...registers.values()],
    entries,
    operations: [...new Set(entries.map(({ operationId }) => operationId))].map((operationId) => ({
      operationId,
      tombstone: false,
    })),
    journaled: [],
    deliveries: [],
  };
}

/** The names of the kinds of findings, with how many there are. */
function accusations(history: readonly OperationRecord[], final: FinalState) {
  const verdict = check(history, final);
  const found = Object.entries(verdict).flatMap(([kind, findings]) =>
    Array.isArray(findings) && findings.length > 0 ? [[kind, findings.length] as const] : [],
  );
  expect(verdict.ok).toBe(found.length === 0);
  return Object.fromEntries(found);
}

describe("writes", () => {
  test("one that was acknowledged and is there is no matter", () => {
    expect(accusations([write("w1"), read(["w1"])], after("w1"))).toEqual({});
  });

  test("one that was acknowledged and is not there is lost", () => {
    expect(accusations([write("w1"), write("w2")], after("w2"))).toEqual({ lost: 1 });
  });

  test("one that was lost is named, with when it was acknowledged", () => {
    const { lost } = check([write("w1", { invokedAt: 1_000, completedAt: 1_050 })], after());
    expect(lost).toEqual([
      { key: "k", operationId: "w1", evidence: "acknowledged at 50 ms, not there in the end" },
    ]);
  });

  test("one that was done twice is a duplicate", () => {
    expect(accusations([write("w1")], after("w1", "w1"))).toEqual({ duplicated: 1 });
  });

  test("one whose second row is missing is torn", () => {
    const whole = after("w1", "w2");
    const final = { ...whole, entries: whole.entries.slice(0, 1) };
    expect(accusations([write("w1"), write("w2")], final)).toEqual({ lost: 1, torn: 2 });
  });

  test("one whose first row is missing is torn", () => {
    const whole = after("w1");
    expect(accusations([write("w1")], { ...whole, registers: [] })).toEqual({ torn: 1 });
  });

  test("one that was torn and then written over is still torn", () => {
    // Its register was counted outside of the transaction: entry 2 is missing, 3 is there.
    const whole = after("w1", "w2", "w3");
    const final: FinalState = {
      ...whole,
      entries: whole.entries.filter(({ operationId }) => operationId !== "w2"),
      operations: whole.operations?.filter(({ operationId }) => operationId !== "w2") ?? [],
    };
    const history = [write("w1"), write("w2", { outcome: "failed" }), write("w3")];
    expect(accusations(history, final)).toEqual({ torn: 1 });
  });

  test("one whose rows are there without its operation id is torn", () => {
    expect(accusations([write("w1")], { ...after("w1"), operations: [] })).toEqual({ torn: 1 });
  });

  test("one of a client that keeps no operation ids is done with its rows", () => {
    const whole = { ...after("w1"), operations: null };
    expect(accusations([write("w1")], whole)).toEqual({});
    expect(accusations([write("w1")], { ...whole, registers: [] })).toEqual({ torn: 1 });
  });

  test("one that failed and is there was denied", () => {
    expect(accusations([write("w1", { outcome: "failed" })], after("w1"))).toEqual({ denied: 1 });
  });

  test("one that nobody asked for is a phantom", () => {
    expect(accusations([], after("w1"))).toEqual({ phantom: 1 });
  });

  test("one that failed first and was acknowledged when asked for again is done", () => {
    const history = [
      write("w1", { outcome: "failed" }),
      write("w1", { invokedAt: 30, completedAt: 40 }),
    ];
    expect(accusations(history, after("w1"))).toEqual({});
  });
});

describe("writes whose answer was lost", () => {
  const lostAnswer = write("w1", { outcome: "unknown" });

  test("may have happened", () => {
    expect(accusations([lostAnswer], after("w1"))).toEqual({});
    expect(check([lostAnswer], after("w1")).unknown).toEqual({
      total: 1,
      happened: 1,
      didNotHappen: 0,
      unsettled: 1,
    });
  });

  test("may not have happened", () => {
    expect(accusations([lostAnswer], after())).toEqual({});
    expect(check([lostAnswer], after()).unknown).toMatchObject({ total: 1, didNotHappen: 1 });
  });

  test("are done once they are settled as done", () => {
    expect(accusations([lostAnswer, settle("w1", "done")], after("w1"))).toEqual({});
    expect(accusations([lostAnswer, settle("w1", "done")], after())).toEqual({ lost: 1 });
  });

  test("never happen once they are settled as not done", () => {
    expect(accusations([lostAnswer, settle("w1", "notDone")], after())).toEqual({});
    expect(accusations([lostAnswer, settle("w1", "notDone")], after("w1"))).toEqual({ denied: 1 });
  });

  test("are unknown also where the process ended before the answer", () => {
    const cut = write("w1", { outcome: "unknown", completedAt: null });
    expect(check([cut], after("w1"))).toMatchObject({ ok: true, unknown: { total: 1 } });
  });
});

describe("reads", () => {
  test("may lack what was acknowledged after the moment that they claim", () => {
    const history = [write("w1", { completedAt: 90 }), read([], { asOf: 80 })];
    expect(accusations(history, after("w1"))).toEqual({});
  });

  test("that lack what was acknowledged before the moment that they claim are stale beyond their label", () => {
    const stale = read([], { asOf: 95, source: "replica", process: "a/reader-2" });
    const history = [write("w1", { completedAt: 90 }), stale];
    expect(accusations(history, after("w1"))).toEqual({ staleBeyondLabel: 1 });
    expect(check(history, after("w1")).staleBeyondLabel[0]?.evidence).toBe(
      "a read from replica by a/reader-2 at 90 ms claims 85 ms and lacks what was acknowledged at 80 ms",
    );
  });

  test("need not show what was kept on an instance's disk until it is done", () => {
    const journaled = write("w1", { completedAt: 90, journaled: true });
    expect(accusations([journaled, read([])], after("w1"))).toEqual({});
    expect(accusations([journaled, read([])], after())).toEqual({ lost: 1 });
    const onDisk = { ...after(), journaled: ["w1"] };
    expect(accusations([journaled, read([])], onDisk)).toEqual({ undrained: 1 });
  });

  test("that claim a moment to come, or none, are mislabelled", () => {
    expect(accusations([read([], { asOf: 111 })], after())).toEqual({ staleBeyondLabel: 1 });
    expect(accusations([read([], { asOf: null })], after())).toEqual({ staleBeyondLabel: 1 });
  });

  test("that lack what a second primary acknowledged to another instance are told apart", () => {
    const split = { from: 80, until: 200 };
    const verdict = (written: Partial<WriteRecord>, seen: Partial<ReadRecord> = {}) => {
      const history = [write("w1", { completedAt: 90, ...written }), read([], seen)];
      const { staleBeyondLabel, acrossSplit, ok } = check(history, after("w1"), split);
      return { stale: staleBeyondLabel.length, across: acrossSplit.length, ok };
    };
    expect(verdict({ process: "b/writer-1" })).toEqual({ stale: 0, across: 1, ok: true });
    // One's own are to be seen, and so is what was acknowledged while there was one primary.
    expect(verdict({ process: "a/writer-1" })).toEqual({ stale: 1, across: 0, ok: false });
    const before = { process: "b/writer-1", completedAt: 79 };
    expect(verdict(before)).toEqual({ stale: 1, across: 0, ok: false });
    const later = { invokedAt: 300, completedAt: 310, asOf: 300 };
    const afterIt = { process: "b/writer-1", completedAt: 201 };
    expect(verdict(afterIt, later)).toEqual({ stale: 1, across: 0, ok: false });
  });

  test("may show what is not acknowledged yet", () => {
    const history = [write("w1", { completedAt: 200 }), read(["w1"])];
    expect(accusations(history, after("w1"))).toEqual({});
  });

  test("that show one row without the other are torn", () => {
    const halves = [
      { version: 1, last: "w1", entries: [] },
      { version: 0, last: null, entries: ["w1"] },
      { version: 1, last: "w2", entries: ["w1"] },
    ];
    for (const value of halves) {
      const history = [write("w1"), write("w2"), read([], { asOf: 5, value })];
      expect(accusations(history, after("w1", "w2"))).toMatchObject({ torn: 1 });
    }
  });

  test("that show what nobody has asked for yet saw a phantom", () => {
    const history = [read(["w1"]), write("w1", { invokedAt: 200, completedAt: 210 })];
    expect(accusations(history, after("w1"))).toEqual({ phantom: 1 });
  });

  test("that failed claim nothing", () => {
    const failed = read([], { outcome: "failed", value: null, asOf: null, source: null });
    expect(accusations([write("w1"), failed], after("w1"))).toEqual({});
  });
});

describe("webhooks", () => {
  const kept = (...deliveries: FinalState["deliveries"]) => ({ ...after(), deliveries });

  test("that were refused may be gone", () => {
    const refused = webhook("d1", { outcome: "failed", status: 503 });
    expect(accusations([refused], kept())).toEqual({});
  });

  test("that were answered 200 once are kept and applied once, however often they came", () => {
    const history = [
      webhook("d1", { outcome: "failed", status: 503 }),
      webhook("d1"),
      webhook("d1"),
    ];
    expect(accusations(history, kept({ id: "d1", rows: 1, timesDone: 1 }))).toEqual({});
    expect(accusations(history, kept())).toEqual({ webhooksLost: 1 });
    expect(accusations(history, kept({ id: "d1", rows: 1, timesDone: 0 }))).toEqual({
      webhooksUnapplied: 1,
    });
    expect(accusations(history, kept({ id: "d1", rows: 1, timesDone: 2 }))).toEqual({
      webhooksDuplicated: 1,
    });
    expect(accusations(history, kept({ id: "d1", rows: 2, timesDone: 1 }))).toEqual({
      webhooksDuplicated: 1,
    });
  });
});

/** One thing that a client does, to a database that keeps its word. */
const step = fc.record({
  key: fc.constantFrom("k1", "k2", "k3"),
  kind: fc.constantFrom("write", "write", "read"),
  takesMs: fc.integer({ min: 0, max: 50 }),
  /** When in that time the database does it, from 0 to 1. */
  effect: fc.double({ min: 0, max: 1, noNaN: true }),
  afterMs: fc.integer({ min: 0, max: 20 }),
  outcome: fc.constantFrom("ok", "ok", "ok", "unknown and done", "unknown and not done", "failed"),
  settled: fc.boolean(),
  source: fc.constantFrom("primary", "replica", "memory"),
  /** How far back an answer that is not live reaches. */
  behindMs: fc.integer({ min: 0, max: 100 }),
});

/** Plays the steps on a database that does each write at one moment, and labels each answer truly. */
function play(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  const history: OperationRecord[] = [];
  const effects: { at: number; key: string; operationId: string }[] = [];
  const reads: { index: number; at: number }[] = [];
  let now = 0;
  steps.forEach(
    ({ key, kind, takesMs, effect, afterMs, outcome, settled, source, behindMs }, n) => {
      now += afterMs;
      const operationId = `w${n}`;
      const times = { invokedAt: now, completedAt: now + takesMs };
      const at = now + takesMs * effect;
      if (kind === "read") {
        const asOf = source === "primary" ? now : now - behindMs;
        reads.push({ index: history.length, at: source === "primary" ? at : asOf });
        history.push(read([], { ...times, key, source, asOf }));
        return;
      }
      const told = outcome === "ok" || outcome === "failed" ? outcome : "unknown";
      if (outcome === "ok" || outcome === "unknown and done")
        effects.push({ at, key, operationId });
      history.push(write(operationId, { ...times, key, outcome: told }));
      if (told === "unknown" && settled) {
        const value = outcome === "unknown and done" ? "done" : "notDone";
        history.push({ ...settle(operationId, value), key });
      }
    },
  );
  effects.sort((a, b) => a.at - b.at);
  for (const { index, at } of reads) {
    const record = history[index] as ReadRecord;
    const entries = effects
      .filter((effect) => effect.key === record.key && effect.at <= at)
      .map(({ operationId }) => operationId);
    const value = { version: entries.length, last: entries.at(-1) ?? null, entries };
    history[index] = { ...record, value };
  }
  history.sort((a, b) => a.invokedAt - b.invokedAt);
  return { history, effects, final: after(...effects) };
}

const steps = fc.array(step, { minLength: 1, maxLength: 60 });

describe("of any history", () => {
  test("a clean one is never accused", () => {
    fc.assert(
      fc.property(steps, (some) => {
        const { history, final } = play(some);
        expect(accusations(history, final)).toEqual({});
      }),
    );
  });

  test("the loss of any acknowledged write is found", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (some, pick) => {
        const { history, effects } = play(some);
        const acknowledged = history.filter((r) => r.kind === "write" && r.outcome === "ok");
        fc.pre(acknowledged.length > 0);
        const victim = acknowledged[pick % acknowledged.length] as WriteRecord;
        const rest = effects.filter(({ operationId }) => operationId !== victim.operationId);
        const { lost } = check(history, after(...rest));
        expect(lost.map(({ operationId }) => operationId)).toEqual([victim.operationId]);
      }),
    );
  });

  test("a write that is done a second time, at any moment, is found", () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), (some, pick, where) => {
        const { history, effects } = play(some);
        fc.pre(effects.length > 0);
        const victim = effects[pick % effects.length]!;
        const again = effects.toSpliced(where % (effects.length + 1), 0, victim);
        const { duplicated } = check(history, after(...again));
        expect(duplicated.map(({ operationId }) => operationId)).toEqual([victim.operationId]);
      }),
    );
  });

  test("a row that is missing of any write, whichever, is found", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (some, pick) => {
        const { history, effects, final } = play(some);
        fc.pre(effects.length > 0);
        const entries = final.entries.toSpliced(pick % effects.length, 1);
        expect(check(history, { ...final, entries }).torn.length).toBeGreaterThan(0);
      }),
    );
  });

  test("an answer that claims to be fresher than it is, by any acknowledged write, is found", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (some, pick) => {
        const { history, final } = play(some);
        const candidates = history.filter(
          (r): r is ReadRecord => r.kind === "read" && (r.value?.entries.length ?? 0) > 0,
        );
        fc.pre(candidates.length > 0);
        const victim = candidates[pick % candidates.length]!;
        const entries = victim.value!.entries.slice(0, -1);
        const dropped = victim.value!.entries.at(-1);
        const cause = history.find((r) => r.kind === "write" && r.operationId === dropped)!;
        fc.pre(cause.outcome === "ok" && cause.completedAt! <= victim.asOf!);
        const stale = read(entries, { ...victim, value: null });
        const value = { version: entries.length, last: entries.at(-1) ?? null, entries };
        const changed = history.map((r) => (r === victim ? { ...stale, value } : r));
        const { staleBeyondLabel } = check(changed, final);
        expect(staleBeyondLabel.map(({ operationId }) => operationId)).toEqual([dropped]);
      }),
    );
  });
});
