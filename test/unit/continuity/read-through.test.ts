import { expect, test, vi } from "vitest";
import { ReadThrough } from "../../../app/continuity/read-through.ts";
import type { Sourced } from "../../../app/continuity/sourced.ts";

class Outage extends Error {}

function make(overrides: Partial<ConstructorParameters<typeof ReadThrough>[0]> = {}) {
  const state = { readable: true };
  const cache = new ReadThrough({
    readable: () => state.readable,
    isOutage: (error) => error instanceof Outage,
    ...overrides,
  });
  return { cache, state };
}

const live = <T>(value: T, asOf = new Date()): Sourced<T> => ({ value, source: "primary", asOf });
const question = { shop: "one.myshopify.com", name: "orders", input: { page: 1 } };
const fails = async () => Promise.reject(new Outage());

test("in fair weather every read goes through, so that nothing stale is shown", async () => {
  const { cache } = make();
  expect(await cache.read(question, async () => live(1))).toMatchObject({
    value: 1,
    source: "primary",
  });
  expect(await cache.read(question, async () => live(2))).toMatchObject({
    value: 2,
    source: "primary",
  });
});

test("an answer that cannot be had is stood in for by the last one, with its age", async () => {
  const { cache } = make();
  const asOf = new Date(Date.now() - 60_000);
  await cache.read(question, async () => live("kept", asOf));
  expect(await cache.read(question, fails)).toEqual({ value: "kept", source: "memory", asOf });
});

test("while no node answers nobody waits to be told so", async () => {
  const { cache, state } = make();
  await cache.read(question, async () => live("kept"));
  state.readable = false;
  const load = vi.fn(fails);
  expect(await cache.read(question, load)).toMatchObject({ value: "kept", source: "memory" });
  expect(load).not.toHaveBeenCalled();
});

test("what was never read is an error, not an empty answer", async () => {
  const { cache, state } = make();
  state.readable = false;
  await expect(cache.read(question, fails)).rejects.toBeInstanceOf(Outage);
});

test("an error that is not an outage is not hidden behind an old answer", async () => {
  const { cache } = make();
  await cache.read(question, async () => live("kept"));
  await expect(
    cache.read(question, async () => Promise.reject(new TypeError("a bug"))),
  ).rejects.toThrow("a bug");
});

test("the same question at the same time is asked once", async () => {
  const { cache } = make();
  const load = vi.fn(async () => live(1));
  await Promise.all([cache.read(question, load), cache.read(question, load)]);
  expect(load).toHaveBeenCalledTimes(1);
});

test("shops, queries and inputs never answer for one another", async () => {
  const { cache, state } = make();
  await cache.read(question, async () => live("kept"));
  state.readable = false;
  for (const other of [
    { ...question, shop: "two.myshopify.com" },
    { ...question, name: "products" },
    { ...question, input: { page: 2 } },
  ]) {
    await expect(cache.read(other, fails)).rejects.toBeInstanceOf(Outage);
  }
});

test("an answer that is too old no longer stands in", async () => {
  const { cache } = make({ staleIfErrorMs: 1_000 });
  await cache.read(question, async () => live("kept", new Date(Date.now() - 2_000)));
  await expect(cache.read(question, fails)).rejects.toBeInstanceOf(Outage);
});

test("a shop that is forgotten is gone, and the others stay", async () => {
  const { cache, state } = make();
  const other = { ...question, shop: "two.myshopify.com" };
  await cache.read(question, async () => live("one"));
  await cache.read(other, async () => live("two"));
  cache.forget(question.shop);
  state.readable = false;
  await expect(cache.read(question, fails)).rejects.toBeInstanceOf(Outage);
  expect(await cache.read(other, fails)).toMatchObject({ value: "two" });
});

test("one shop's reads cannot push out another's", async () => {
  const { cache, state } = make({ maxBytesPerShop: 1_000 });
  const other = { ...question, shop: "two.myshopify.com" };
  await cache.read(other, async () => live("two"));
  for (let page = 0; page < 100; page++) {
    await cache.read({ ...question, input: { page } }, async () => live("x".repeat(200)));
  }
  state.readable = false;
  expect(await cache.read(other, fails)).toMatchObject({ value: "two" });
  await expect(cache.read({ ...question, input: { page: 0 } }, fails)).rejects.toBeInstanceOf(
    Outage,
  );
});

test("who has changed something is not given the answer to a question that was asked before", async () => {
  let reader = "";
  const { cache } = make({ reader: () => reader });
  const { promise, resolve } = Promise.withResolvers<Sourced<string>>();
  const before = cache.read(question, () => promise);
  reader = "has changed something";
  const after = cache.read(question, async () => live("new"));
  const joins = cache.read(question, async () => live("not asked"));
  resolve(live("old"));
  expect(await before).toMatchObject({ value: "old" });
  expect(await after).toMatchObject({ value: "new" });
  expect(await joins).toMatchObject({ value: "new" });
});

test("an answer that comes late does not replace a newer one", async () => {
  const { cache } = make();
  await cache.read(question, async () => live("new"));
  await cache.read(question, async () => live("old", new Date(Date.now() - 60_000)));
  expect(await cache.read(question, fails)).toMatchObject({ value: "new", source: "memory" });
});
