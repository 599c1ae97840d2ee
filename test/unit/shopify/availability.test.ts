import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { Availability } from "../../../app/shopify/availability.ts";
import { ShopifyError } from "../../../app/shopify/errors.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;
const noAnswer = () => Promise.reject(new ShopifyError("unavailable", "no answer"));

/** Shops that are away or not, and how often each was asked. */
function world() {
  const away = new Set<string>();
  const probes: string[] = [];
  const sent: string[] = [];
  const availability = new Availability({
    logger: createLogger("silent"),
    async probe(shop, signal) {
      probes.push(shop);
      if (!away.has(shop)) return;
      // Shopify at its worst: it never answers.
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () =>
          reject(new ShopifyError("unavailable", "no answer")),
        ),
      );
    },
  });
  const ask = (shop: string) =>
    availability.run(shop, async () => {
      sent.push(shop);
      if (away.has(shop)) await noAnswer();
      return "answer";
    });
  const fail = async (shop: string, times: number) => {
    for (let n = 0; n < times; n++) await ask(shop).catch(() => {});
  };
  return { away, probes, sent, availability, ask, fail };
}

describe("a shop that does not answer", () => {
  test("is asked by nobody but the probe, and whoever asks is told at once", async () => {
    const { away, sent, probes, ask, fail, availability } = world();
    away.add("a");
    await fail("a", 20);
    expect(sent).toHaveLength(5);
    await expect(ask("a")).rejects.toMatchObject({ kind: "unavailable", maybeApplied: false });
    expect(availability.awaySince("a")).toBeInstanceOf(Date);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(probes.length).toBeGreaterThan(10);
    expect(sent).toHaveLength(5);
    availability.close();
  });

  test("is back within two seconds of its return, however long it was away", async () => {
    const { away, ask, fail, availability } = world();
    const told: string[] = [];
    availability.onBack((shop) => told.push(shop));
    away.add("a");
    await fail("a", 5);
    await vi.advanceTimersByTimeAsync(3_600_000);
    const waiting = availability.until("a", never).then(() => performance.now());
    const backAt = performance.now();
    away.delete("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await waiting) - backAt).toBeLessThanOrEqual(2_000);
    expect(told).toEqual(["a"]);
    await expect(ask("a")).resolves.toBe("answer");
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(availability.awaySince("a")).toBeNull();
  });

  test("does not keep other shops from theirs", async () => {
    const { away, ask, fail, availability } = world();
    away.add("a");
    await fail("a", 50);
    await expect(ask("b")).resolves.toBe("answer");
    availability.close();
  });
});

test("a refusal is an answer: the shop is not away", async () => {
  const { availability } = world();
  for (let n = 0; n < 20; n++) {
    await availability
      .run("a", () => Promise.reject(new ShopifyError("unauthorized", "no token")))
      .catch(() => {});
    await availability.run("a", () => Promise.reject(new Error("a bug"))).catch(() => {});
  }
  expect(availability.awaySince("a")).toBeNull();
});

test("once several shops in a row do not answer, no other has to find that out by itself", async () => {
  const { away, sent, ask, fail, availability } = world();
  const told: string[] = [];
  availability.onBack((shop) => told.push(shop));
  for (const shop of ["a", "b", "c", "d"]) away.add(shop);
  await fail("a", 5);
  await fail("b", 1);
  await fail("c", 1);
  const before = sent.length;
  await expect(ask("d")).rejects.toMatchObject({ kind: "unavailable" });
  expect(sent).toHaveLength(before);

  const waiting = availability.until("d", never);
  away.clear();
  await vi.advanceTimersByTimeAsync(2_000);
  await expect(waiting).resolves.toBeUndefined();
  expect(told).toEqual(expect.arrayContaining(["a", "d"]));
  await expect(ask("d")).resolves.toBe("answer");
});

test("whoever no longer wants to wait does not", async () => {
  const { away, fail, availability } = world();
  away.add("a");
  await fail("a", 5);
  const impatient = new AbortController();
  const waiting = availability.until("a", impatient.signal);
  impatient.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  availability.close();
});

test("nothing is left ticking after the end", async () => {
  const { away, fail, availability } = world();
  away.add("a");
  await fail("a", 5);
  availability.close();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(vi.getTimerCount()).toBe(0);
});
