import { afterEach, expect, test, vi } from "vitest";
import { ConnectBudget } from "../../../app/database/connect-budget.ts";

/** A budget on a clock that stands still until it is moved. */
function budgetOf(burst: number) {
  let now = 0;
  const budget = new ConnectBudget(burst, () => now);
  return {
    budget,
    pass: (ms: number) => (now += ms),
    /** How many of `n` connects are allowed at this moment. */
    take: (n: number) => Array.from({ length: n }, () => budget.take()).filter(Boolean).length,
  };
}

afterEach(() => void vi.useRealTimers());

/** The most of `moments` that lie within any one second. */
function busiest(moments: readonly number[]): number {
  const within = (from: number) => moments.filter((at) => at >= from && at < from + 1_000).length;
  return Math.max(0, ...moments.map(within));
}

test("the first second takes a burst, most of it at once, and then there is one after the other", () => {
  const { pass, take } = budgetOf(20);
  expect(take(20)).toBe(12);
  pass(500);
  expect(take(20)).toBe(4);
  pass(499);
  expect(take(20)).toBe(4);
  pass(400);
  expect(take(20)).toBe(1);
  pass(399);
  expect(take(20)).toBe(0);
  pass(1);
  expect(take(20)).toBe(1);
});

test("what is lost again in the midst of a burst can be replaced", () => {
  const { pass, take } = budgetOf(20);
  const hadAfterResets = [150, 250].map((ms) => {
    take(18);
    pass(ms);
    return take(1);
  });
  expect(hadAfterResets).toEqual([1, 1]);
});

test("connections that break again and again get no second burst", () => {
  const { pass, take } = budgetOf(25);
  const made: number[] = [];
  for (let ms = 0; ms < 30_000; ms += 10) {
    made.push(...Array.from({ length: take(3) }, () => ms));
    pass(10);
  }
  expect(busiest(made)).toBe(25);
  expect(busiest(made.filter((at) => at >= 1_000))).toBe(3);
});

test("however long each takes on its way, no more than four arrive in a second beside bursts", () => {
  const { pass, take } = budgetOf(25);
  // The worst case: those before some moment are late, and those after it are not.
  for (const lateMs of [50, 300, 590]) {
    const arrived: number[] = [];
    for (let ms = 0; ms < 10_000; ms += 10) {
      if (take(1) === 1 && ms >= 1_000) arrived.push(ms < 5_000 ? ms + lateMs : ms);
      pass(10);
    }
    expect(busiest(arrived)).toBeLessThanOrEqual(4);
    pass(10_000);
  }
});

test("after a calm, and after news of the node, there is another burst", () => {
  const { budget, pass, take } = budgetOf(25);
  expect(take(25)).toBe(15);
  pass(2_000);
  expect(take(25)).toBe(1);
  pass(5_000);
  expect(take(25)).toBe(15);
  pass(2_000);
  budget.renew();
  expect(take(25)).toBe(15);
});

test("however often there is news, no second takes more than a burst", () => {
  const { budget, pass, take } = budgetOf(25);
  const made: number[] = [];
  for (let ms = 0; ms < 10_000; ms += 50) {
    budget.renew();
    made.push(...Array.from({ length: take(5) }, () => ms));
    pass(50);
  }
  expect(busiest(made)).toBe(25);
});

test("it says when asking is worth while", () => {
  const { budget, pass, take } = budgetOf(25);
  take(25);
  for (let n = 0; n < 40; n++) {
    pass(budget.waitMs());
    expect(take(25)).toBeGreaterThan(0);
  }
});

test("a budget for one connection has it", () => {
  const { pass, take } = budgetOf(1);
  expect(take(2)).toBe(1);
  pass(1_000);
  expect(take(2)).toBe(1);
});

/** Those who stand in line, each of whom takes one whenever it is called and wants `n` in all. */
function takers(budget: ConnectBudget, wants: Record<string, ["use" | "warmth", number]>) {
  const taken: string[] = [];
  for (const [name, [purpose, n]] of Object.entries(wants)) {
    let left = n;
    const take = () => {
      if (left > 0 && budget.take(purpose)) {
        taken.push(name);
        left--;
      }
      if (left > 0) budget.whenDue(purpose, take);
    };
    take();
  }
  return taken;
}

test("where it does not go round, all who wait have their turn before anything is kept warm", () => {
  vi.useFakeTimers();
  const budget = new ConnectBudget(20, () => Date.now());
  while (budget.take()) vi.advanceTimersByTime(40);
  vi.advanceTimersByTime(1_000);
  while (budget.take());
  const taken = takers(budget, { spare: ["warmth", 3], first: ["use", 3], second: ["use", 3] });
  vi.advanceTimersByTime(30_000);
  expect(taken).toEqual([
    ...["first", "second", "first", "second", "first", "second"],
    ...["spare", "spare", "spare"],
  ]);
});

test("what is kept warm leaves a part of each burst to those who wait", () => {
  vi.useFakeTimers();
  const budget = new ConnectBudget(20, () => Date.now());
  const taken = takers(budget, { spare: ["warmth", 100] });
  vi.advanceTimersByTime(999);
  expect(taken).toHaveLength(17);
  expect(budget.take("use")).toBe(true);
});

test("who has left is not called", () => {
  vi.useFakeTimers();
  const budget = new ConnectBudget(1, () => Date.now());
  budget.take();
  const called: string[] = [];
  const gone = () => called.push("gone");
  budget.whenDue("use", gone);
  budget.whenDue("use", () => called.push("there"));
  budget.leave(gone);
  vi.advanceTimersByTime(5_000);
  expect(called).toEqual(["there"]);
});

test("news of the node lets those in line have theirs at once", () => {
  vi.useFakeTimers();
  const budget = new ConnectBudget(4, () => Date.now());
  while (budget.take());
  vi.advanceTimersByTime(1_000);
  while (budget.take());
  const taken = takers(budget, { one: ["use", 2] });
  budget.renew();
  vi.advanceTimersByTime(1);
  expect(taken).toEqual(["one"]);
});
