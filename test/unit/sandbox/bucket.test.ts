import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKETS, LeakyBucket } from "../../sandbox/shopify/bucket.ts";

describe("a leaky bucket", () => {
  it("reserves before, refunds after, and refills at its rate", () => {
    let nowMs = 0;
    const bucket = new LeakyBucket(BUCKETS.basic, () => nowMs);
    expect(bucket.reserve(500)).toBe(true);
    expect(bucket.status().currentlyAvailable).toBe(1_500);
    bucket.refund(400);
    expect(bucket.status().currentlyAvailable).toBe(1_900);
    nowMs += 500;
    expect(bucket.status()).toEqual({
      maximumAvailable: 2_000,
      currentlyAvailable: 1_950,
      restoreRate: 100,
    });
    nowMs += 60_000;
    expect(bucket.status().currentlyAvailable).toBe(2_000);
  });

  it("takes nothing for what it cannot give", () => {
    const bucket = new LeakyBucket({ maximumAvailable: 100, restoreRate: 1 }, () => 0);
    expect(bucket.reserve(60)).toBe(true);
    expect(bucket.reserve(60)).toBe(false);
    expect(bucket.status().currentlyAvailable).toBe(40);
  });

  it("refuses a burst whose requested cost does not fit although its actual cost would", () => {
    const bucket = new LeakyBucket({ maximumAvailable: 1_000, restoreRate: 50 }, () => 0);
    const held = [bucket.reserve(400), bucket.reserve(400), bucket.reserve(400)];
    expect(held).toEqual([true, true, false]);
    bucket.refund(390);
    expect(bucket.reserve(400)).toBe(true);
  });

  it("stays between empty and full, whatever is done to it", () => {
    const step = fc.oneof(
      fc.record({
        act: fc.constant("reserve" as const),
        amount: fc.integer({ min: 0, max: 1_200 }),
      }),
      fc.record({
        act: fc.constant("refund" as const),
        amount: fc.integer({ min: 0, max: 1_200 }),
      }),
      fc.record({ act: fc.constant("leave" as const), amount: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ act: fc.constant("wait" as const), amount: fc.integer({ min: 0, max: 9_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let nowMs = 0;
        const bucket = new LeakyBucket({ maximumAvailable: 1_000, restoreRate: 50 }, () => nowMs);
        for (const { act, amount } of steps) {
          if (act === "wait") nowMs += amount;
          else bucket[act](amount);
          const { currentlyAvailable } = bucket.status();
          expect(currentlyAvailable).toBeGreaterThanOrEqual(0);
          expect(currentlyAvailable).toBeLessThanOrEqual(1_000);
        }
      }),
    );
  });
});
