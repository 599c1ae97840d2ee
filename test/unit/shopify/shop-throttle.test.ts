import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ShopThrottle, type Priority } from "../../../app/shopify/shop-throttle.ts";
import { LeakyBucket } from "../../sandbox/shopify/bucket.ts";

/*
 * Played in simulated time against the sandbox's own bucket: what is reserved there before a request runs, and
 * given back after it, is what Shopify documents.
 */

const SIZE = { maximumAvailable: 2_000, restoreRate: 100 };
const never = new AbortController().signal;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class Shop {
  readonly bucket = new LeakyBucket(SIZE);
  asked = 0;
  refused = 0;
  spent = 0;

  /** Runs a request as Shopify does: what it could cost is taken first, and the rest given back. */
  async run(requested: number, actual: number) {
    this.asked++;
    if (!this.bucket.reserve(requested)) {
      this.refused++;
      return { status: this.bucket.status(), actual: 0 };
    }
    await pause(80);
    this.bucket.refund(requested - actual);
    this.spent += actual;
    return { status: this.bucket.status(), actual };
  }
}

/** One request through a throttle, again until it is served; how long it waited for its turn. */
async function served(
  throttle: ShopThrottle,
  shop: Shop,
  cost: { requested: number; actual: number; priority: Priority },
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const turn = await throttle.reserve(cost.requested, cost.priority, never);
    const waitedMs = performance.now() - startedAt;
    const { status, actual } = await shop.run(cost.requested, cost.actual);
    turn.settle(status, actual);
    if (actual > 0) return waitedMs;
  }
}

const importPage = { requested: 420, actual: 300, priority: "background" } as const;
const rereading = { requested: 60, actual: 50, priority: "background" } as const;
const edit = { requested: 11, actual: 10, priority: "interactive" } as const;

/** Everything at once for a while: an import of several readers, a reconciliation, and a merchant at work. */
async function busyShop(throttles: readonly ShopThrottle[], shop: Shop, forMs: number) {
  const end = performance.now() + forMs;
  const waits: number[] = [];
  const during = async (step: () => Promise<unknown>) => {
    while (performance.now() < end) await step();
  };
  const all = throttles.flatMap((throttle) => [
    ...[1, 2, 3].map(() => during(() => served(throttle, shop, importPage))),
    during(() => served(throttle, shop, rereading)),
    during(async () => {
      waits.push(await served(throttle, shop, edit));
      await pause(700);
    }),
  ]);
  await vi.advanceTimersByTimeAsync(forMs + 120_000);
  await Promise.all(all);
  return waits.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;

test("an import, a reconciliation and a merchant together use the whole limit, and are hardly ever refused", async () => {
  const shop = new Shop();
  const forMs = 600_000;
  const waits = await busyShop([new ShopThrottle()], shop, forMs);
  expect(shop.refused / shop.asked).toBeLessThan(0.01);
  const restored = SIZE.maximumAvailable + (forMs / 1000) * SIZE.restoreRate;
  expect(shop.spent / restored).toBeGreaterThan(0.9);
  expect(at(waits, 0.95)).toBeLessThanOrEqual(1_000);
});

test("two instances that share a bucket without knowing of each other find their shares", async () => {
  const shop = new Shop();
  const waits = await busyShop([new ShopThrottle(), new ShopThrottle()], shop, 600_000);
  expect(shop.refused / shop.asked).toBeLessThan(0.05);
  expect(at(waits, 0.95)).toBeLessThanOrEqual(1_000);
});

test("only one request goes out until the bucket's size is known", async () => {
  const throttle = new ShopThrottle();
  const first = await throttle.reserve(10, "interactive", never);
  let second = false;
  void throttle.reserve(10, "interactive", never).then(() => (second = true));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(second).toBe(false);
  first.settle({ ...SIZE, currentlyAvailable: 1_990 }, 10);
  await vi.advanceTimersByTimeAsync(0);
  expect(second).toBe(true);
});

test("a request that never heard of the bucket lets the next one ask", async () => {
  const throttle = new ShopThrottle();
  const first = await throttle.reserve(10, "interactive", never);
  const second = throttle.reserve(10, "interactive", never);
  first.settle(null, 0);
  await expect(second).resolves.toBeDefined();
});

test("whoever gives up leaves the queue, and those behind go on", async () => {
  const throttle = new ShopThrottle();
  (await throttle.reserve(10, "interactive", never)).settle(
    { ...SIZE, currentlyAvailable: 100 },
    10,
  );
  const impatient = new AbortController();
  const large = throttle.reserve(1_500, "interactive", impatient.signal);
  const small = throttle.reserve(50, "interactive", never);
  impatient.abort(new Error("enough"));
  await expect(large).rejects.toThrow("enough");
  await expect(small).resolves.toBeDefined();
});

test("background work is not put off for ever by a busy merchant", async () => {
  const throttle = new ShopThrottle();
  const shop = new Shop();
  shop.bucket.leave(0);
  let done = false;
  void served(throttle, shop, importPage).then(() => (done = true));
  let busy = true;
  const flood = Array.from({ length: 20 }, async () => {
    while (busy) await served(throttle, shop, edit);
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(done).toBe(true);
  busy = false;
  await vi.advanceTimersByTimeAsync(60_000);
  await Promise.all(flood);
});

test("Retry-After closes the door for as long as it says", async () => {
  const throttle = new ShopThrottle();
  throttle.close(5_000);
  let through = false;
  void throttle.reserve(1, "interactive", never).then(() => (through = true));
  await vi.advanceTimersByTimeAsync(4_999);
  expect(through).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(through).toBe(true);
});
