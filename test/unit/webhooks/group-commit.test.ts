import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DatabaseError } from "../../../app/database/errors.ts";
import { GroupCommit, type GroupCommitOptions } from "../../../app/webhooks/group-commit.ts";

interface Item {
  readonly key: string;
  readonly bytes: number;
}

const item = (key: string | number, bytes = 1): Item => ({ key: String(key), bytes });
const keys = (batch: readonly Item[]) => batch.map(({ key }) => key);
const poisoned = new DatabaseError("permanent", "22021", "It cannot be stored.");
const outage = new DatabaseError("notExecuted", "ECONNREFUSED", "Nobody answers.");

const PATIENCE_MS = 500;

// Patience ends when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A group whose batches are ended by the test. */
function group(options: Partial<GroupCommitOptions<Item, string>> = {}) {
  const begun: { readonly keys: string[]; end(error?: Error): void }[] = [];
  let onBegun: (() => void) | undefined;
  const made = new GroupCommit<Item, string>({
    commit: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      const end = (error?: Error) => (error ? reject(error) : resolve(keys(items)));
      begun.push({ keys: keys(items), end });
      onBegun?.();
      return promise;
    },
    isAboutOne: (error) => error === poisoned,
    keyOf: ({ key }) => key,
    bytesOf: ({ bytes }) => bytes,
    maxInFlight: 2,
    maxItems: 10,
    maxBytes: 1_000,
    maxWaitingBytes: 10_000,
    ...options,
  });
  /** The n-th batch, as soon as it has begun. */
  const batch = async (n: number) => {
    while (begun.length <= n) await new Promise<void>((resolve) => (onBegun = resolve));
    return begun[n]!;
  };
  const add = (key: string | number, bytes = 1, patienceMs?: number) =>
    made.add(item(key, bytes), patienceMs);
  return { add, batch, begun, made };
}

test("what comes while batches are under way makes up the next one", async () => {
  const { add, batch, begun, made } = group();
  const first = add("a");
  const one = await batch(0);
  const second = add("b");
  const two = await batch(1);
  const others = ["c", "d", "e"].map((key) => add(key));
  expect([one.keys, two.keys]).toEqual([["a"], ["b"]]);
  expect(begun).toHaveLength(2);
  two.end();
  expect(await second).toEqual({ answer: "b", joined: false });
  const three = await batch(2);
  expect(three.keys).toEqual(["c", "d", "e"]);
  three.end();
  one.end();
  expect((await Promise.all([first, ...others])).map(({ answer }) => answer)).toEqual([
    "a",
    "c",
    "d",
    "e",
  ]);
  expect(begun).toHaveLength(3);
  await new Promise(setImmediate);
  expect(made.isIdle).toBe(true);
});

test("what comes together is committed together, also when nothing else is under way", async () => {
  const { add, batch } = group();
  const all = [add("a"), add("b"), add("c")];
  const one = await batch(0);
  expect(one.keys).toEqual(["a", "b", "c"]);
  one.end();
  await Promise.all(all);
});

test("a batch is bounded in items and in bytes, and a single large item goes alone", async () => {
  const { add, batch, begun } = group({ maxInFlight: 1, maxItems: 3, maxBytes: 10 });
  const all = [
    ...[1, 1, 1, 1].map((bytes, n) => add(`small-${n}`, bytes)),
    add("large", 50),
    add("six", 6),
    add("five", 5),
  ];
  const expected = [["small-0", "small-1", "small-2"], ["small-3"], ["large"], ["six"], ["five"]];
  for (const n of expected.keys()) (await batch(n)).end();
  await Promise.all(all);
  expect(begun.map((one) => one.keys)).toEqual(expected);
});

test("beyond what may wait, whoever comes is told at once", async () => {
  const { add, batch } = group({ maxInFlight: 1, maxWaitingBytes: 10 });
  const first = add("under way", 100);
  const one = await batch(0);
  const waiting = add("waits", 8);
  await expect(add("too much", 3)).rejects.toMatchObject({ kind: "busy" });
  one.end();
  (await batch(1)).end();
  await Promise.all([first, waiting]);
});

test("the same item is committed once, and whoever comes second is told that it joined", async () => {
  const { add, batch, begun } = group();
  const all = [add("a"), add("a")];
  const one = await batch(0);
  all.push(add("a"));
  one.end();
  expect((await Promise.all(all)).map(({ joined }) => joined)).toEqual([false, true, true]);
  expect(begun).toHaveLength(1);
  const again = add("a");
  (await batch(1)).end();
  expect(await again).toMatchObject({ joined: false });
});

test("an error that is nobody's own reaches everybody, without another try", async () => {
  const { add, batch, begun } = group();
  const all = Promise.allSettled([add("a"), add("b")]);
  (await batch(0)).end(outage);
  expect(await all).toEqual([
    { status: "rejected", reason: outage },
    { status: "rejected", reason: outage },
  ]);
  expect(begun).toHaveLength(1);
});

test("whichever items are poison, they alone fail, and each other one is committed once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (poison, maxItems) => {
        const committed: string[] = [];
        let tries = 0;
        const made = new GroupCommit<Item, string>({
          commit: async (items) => {
            tries++;
            await Promise.resolve();
            if (items.some(({ key }) => poison[Number(key)])) throw poisoned;
            committed.push(...keys(items));
            return keys(items);
          },
          isAboutOne: (error) => error === poisoned,
          keyOf: ({ key }) => key,
          bytesOf: () => 1,
          maxInFlight: 2,
          maxItems,
          maxBytes: 1_000,
          maxWaitingBytes: 1_000,
        });
        const settled = await Promise.allSettled(poison.map((_, n) => made.add(item(n))));
        expect(settled.map(({ status }) => status === "rejected")).toEqual(poison);
        const good = poison.flatMap((bad, n) => (bad ? [] : [String(n)]));
        expect(committed.toSorted()).toEqual(good.toSorted());
        expect(tries).toBeLessThanOrEqual(2 * poison.length);
      },
    ),
  );
});

test("whose patience ends while it waits is told so, and is not committed", async () => {
  const { add, batch, begun, made } = group({ maxInFlight: 1 });
  const first = add("a");
  const one = await batch(0);
  const late = expect(add("b", 1, PATIENCE_MS)).rejects.toMatchObject({ kind: "busy" });
  vi.advanceTimersByTime(PATIENCE_MS);
  await late;
  one.end();
  await first;
  const next = add("c");
  (await batch(1)).end();
  await next;
  expect(begun.map((each) => each.keys)).toEqual([["a"], ["c"]]);
  await new Promise(setImmediate);
  expect(made.isIdle).toBe(true);
});

test("patience is each caller's own, from when it came", async () => {
  const { add, batch } = group();
  const first = expect(add("a", 1, PATIENCE_MS)).rejects.toMatchObject({ kind: "unknown" });
  const one = await batch(0);
  vi.advanceTimersByTime(PATIENCE_MS - 1);
  const second = add("a", 1, PATIENCE_MS);
  vi.advanceTimersByTime(1);
  await first;
  vi.advanceTimersByTime(PATIENCE_MS - 2);
  one.end();
  expect(await second).toEqual({ answer: "a", joined: true });
});

test("what was given up is left out when its batch is tried again in halves", async () => {
  const { add, batch, begun } = group();
  const late = expect(add("late", 1, PATIENCE_MS)).rejects.toMatchObject({ kind: "unknown" });
  const others = Promise.allSettled([add("b"), add("poison"), add("d")]);
  const whole = await batch(0);
  vi.advanceTimersByTime(PATIENCE_MS);
  await late;
  whole.end(poisoned);
  (await batch(1)).end();
  (await batch(2)).end(poisoned);
  (await batch(3)).end(poisoned);
  (await batch(4)).end();
  expect((await others).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(begun.map((one) => one.keys)).toEqual([
    ["late", "b", "poison", "d"],
    ["b"],
    ["poison", "d"],
    ["poison"],
    ["d"],
  ]);
});

test("nothing begins while it may not", async () => {
  let may = false;
  const { add, batch, begun, made } = group({ mayBegin: () => may });
  const waiting = add("a");
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(begun).toHaveLength(0);
  may = true;
  made.pump();
  (await batch(0)).end();
  expect(await waiting).toMatchObject({ answer: "a" });
});
