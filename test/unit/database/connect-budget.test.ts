import { expect, test } from "vitest";
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

test("the first second takes a burst, the seconds after it a few", () => {
  const { pass, take } = budgetOf(25);
  expect(take(20)).toBe(20);
  pass(500);
  expect(take(20)).toBe(5);
  pass(500);
  // Those of the burst's end are less than a second old.
  expect(take(20)).toBe(0);
  pass(500);
  expect(take(20)).toBe(3);
  pass(999);
  expect(take(20)).toBe(0);
  pass(1);
  expect(take(20)).toBe(3);
});

test("connections that break again and again get no second burst", () => {
  const { pass, take } = budgetOf(25);
  const perSecond = Array.from({ length: 30 }, () => {
    const some = Array.from({ length: 10 }, () => {
      pass(100);
      return take(3);
    });
    return some.reduce((sum, n) => sum + n, 0);
  });
  expect(perSecond[0]).toBe(25);
  expect(Math.max(...perSecond.slice(2))).toBe(3);
});

test("after a calm, and after news of the node, there is another burst", () => {
  const { budget, pass, take } = budgetOf(25);
  take(25);
  pass(2_000);
  expect(take(25)).toBe(3);
  pass(5_000);
  expect(take(25)).toBe(25);
  pass(2_000);
  budget.renew();
  expect(take(25)).toBe(25);
});

test("however often there is news, no second takes more than a burst", () => {
  const { budget, pass, take } = budgetOf(25);
  const made: number[] = [];
  for (let ms = 0; ms < 10_000; ms += 50) {
    budget.renew();
    made.push(take(5));
    pass(50);
  }
  const seconds = made.map((_, n) => made.slice(n, n + 20).reduce((sum, one) => sum + one, 0));
  expect(Math.max(...seconds)).toBe(25);
});

test("it says when asking is worth while", () => {
  const { budget, pass, take } = budgetOf(25);
  take(25);
  for (let n = 0; n < 20; n++) {
    pass(budget.waitMs());
    expect(take(25)).toBeGreaterThan(0);
  }
});
