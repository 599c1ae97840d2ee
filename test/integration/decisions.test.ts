import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { BulkRequest } from "../../app/commands/bulk.ts";
import { bulksUnderWay, submitBulk } from "../../app/commands/bulk.server.ts";
import { createCommands, type Commands } from "../../app/commands/commands.server.ts";
import {
  isReplaceable,
  overridableIn,
  overrides,
  type Override,
} from "../../app/commands/overrides.ts";
import { getChange } from "../../app/commands/queries.server.ts";
import type { ChangeDetail, CommandKind, CommandState } from "../../app/commands/types.ts";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { createJobs } from "../../app/jobs/jobs.server.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import type { Mode } from "../../app/settings/modes.ts";
import { changeSettings, getSettings, saveSettings } from "../../app/settings/settings.server.ts";
import { createShopifyGate } from "../../app/settings/shopify-away.server.ts";
import { operation } from "../../app/shopify/operation.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import type { InventoryItem } from "../sandbox/shopify/shop/model.ts";
import { allOrders, insertFacts } from "./support/command-facts.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

/** What people decide about changes on their way. */
const logger = createLogger(process.env.LOG_LEVEL ?? "silent");
const ME = "548380009";

let server: TestServer;
let database: TestDatabase;
let app: ShopifyApp;
let commands: Commands;
let shop: ShopStore;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  app = await startShopifyApp({
    database,
    work: false,
    shops: createShops({ orders: 40, searchLagMs: 0 }),
  });
  [shop] = app.shops as [ShopStore];
  await insertFacts(app.owner, shop);
  await app.owner.unsafe(`create trigger tell_tests after insert or update on commands
    for each statement execute function tell_tests()`);
  const { cluster, admin, writes } = app;
  const shared = { cluster, durability: "primary", admin, logger, settleMs: 1_000 } as const;
  // The queue is there, and nobody works at it yet.
  const jobs = createJobs({ cluster, logger });
  const elsewhere = new DurableWrites({ cluster, durability: "primary", journal: null, logger });
  createCommands({ ...shared, writes: elsewhere, jobs });
  await jobs.start();
  await jobs.stop();
  await elsewhere.stop();
  commands = createCommands({ ...shared, writes, jobs: app.jobs });
  writes.register(changeSettings);
});
afterEach(() => {
  app.shopify.faults.clear();
});
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await database?.drop();
  await server?.[Symbol.asyncDispose]();
});

const taken = new Set<InventoryItem>();

/** An item that no other test has touched, with some stock at a location. */
function freshItem() {
  for (const item of [...shop.items.values()].slice(0, 50)) {
    const level = item.levels.find((one) => one.isActive && one.quantities.available >= 20);
    if (!item.tracked || !level || taken.has(item)) continue;
    taken.add(item);
    return { level, at: { inventoryItemId: item.id, locationId: level.location.id } };
  }
  throw new Error("The shop has no item left.");
}

const ask = (kind: CommandKind, input: unknown, replaces?: string) =>
  commands.submit(shop.domain, {
    operationId: randomUUID(),
    kind,
    input,
    requestedBy: ME,
    ...(replaces ? { replaces } : {}),
  });

async function submit(kind: CommandKind, input: unknown, replaces?: string): Promise<string> {
  const answer = await ask(kind, input, replaces);
  if (answer.kind !== "accepted") throw new Error(JSON.stringify(answer.problems));
  return answer.change.operationId;
}

const adjust = (at: object, delta = 1) =>
  submit("inventory.adjust", { ...at, delta, reason: "received" });

const decide = (action: Override, commandId: string, reason?: string) =>
  commands.decide(shop.domain, { commandId, action, by: ME, ...(reason ? { reason } : {}) });

async function change(id: string): Promise<ChangeDetail> {
  const { value } = await getChange(app.cluster, shop.domain, id);
  if (!value) throw new Error("The change is gone.");
  return value;
}

/** Resolves when the change is in one of these states. */
async function in_(id: string, ...states: CommandState[]): Promise<ChangeDetail> {
  await app.until(async () => states.includes((await change(id)).state));
  return change(id);
}

const entriesOf = (id: string) =>
  shop.ledger.filter((entry) => JSON.stringify(entry.arguments).includes(id));

const put = (id: string, state: CommandState, uncertain = false) =>
  app.owner`update commands set state = ${state},
    uncertain_since = ${uncertain ? app.owner`now()` : null},
    error = ${state === "failed" ? app.owner.json({ code: "refused:X", message: "No." }) : null}
    where id = ${id}`;

const jobsOf = async ({ inventoryItemId }: { inventoryItemId: number }) =>
  app.owner<{ state: string; due: boolean }[]>`
    select state::text, start_after <= now() as due from pgboss.job_common
    where singleton_key = ${`${shop.domain}/inventory_item/${inventoryItemId}`}`;

describe("nobody is working:", () => {
  const states = [
    "accepted",
    "sending",
    "unknown",
    "failed",
    "held",
    "done",
    "discarded",
  ] as const satisfies readonly CommandState[];
  const becomes = {
    sendNow: (from) => from,
    sendAgain: () => "accepted",
    hold: () => "held",
    release: () => "accepted",
    discard: () => "discarded",
    markDone: () => "done",
  } as const satisfies Record<Override, (from: CommandState) => CommandState>;

  test.for(states)(
    "of a change that is %s each decision is taken, or left for a reason",
    async (state) => {
      const { at } = freshItem();
      for (const action of overrides) {
        const id = await adjust(at);
        await put(id, state, state === "unknown");
        const before = await change(id);
        const allowed = (overridableIn[action] as readonly CommandState[]).includes(state);
        expect(await decide(action, id, "by hand"), action).toBe(
          allowed ? "done" : state === "sending" ? "sending" : "gone",
        );
        const after = await change(id);
        expect(after.state, action).toBe(allowed ? becomes[action](state) : state);
        // Who, and why, stands in its story; what was not done does not.
        const told = allowed
          ? [{ actor: ME, action, detail: "by hand", state: after.state }, ...before.events]
          : before.events;
        expect(after.events, action).toMatchObject(told);
        await app.owner`delete from commands where id = ${id}`;
      }
    },
  );

  test("a change of which nobody knows whether Shopify has it is looked for again once it is released", async () => {
    const { at } = freshItem();
    const id = await adjust(at);
    await put(id, "unknown", true);
    await decide("hold", id);
    expect(await change(id)).toMatchObject({ state: "held", uncertain: true });
    await decide("release", id);
    expect(await change(id)).toMatchObject({ state: "unknown", uncertain: true });
    // A person has looked and says what is: nothing is open any more.
    await decide("markDone", id, "It is there.");
    expect(await change(id)).toMatchObject({ state: "done", uncertain: false });
  });

  test("its job no longer waits when it is to be sent now", async () => {
    const { at } = freshItem();
    const id = await adjust(at);
    await app.owner`update pgboss.job_common set state = 'retry', start_after = now() + interval '300 seconds'
      where singleton_key = ${`${shop.domain}/inventory_item/${at.inventoryItemId}`}`;
    expect(await jobsOf(at)).toEqual([{ state: "retry", due: false }]);
    await decide("sendNow", id);
    expect(await jobsOf(at)).toContainEqual({ state: "retry", due: true });
  });

  test("what is unknown here, or another shop's, is nobody's to decide about", async () => {
    const { at } = freshItem();
    const id = await adjust(at);
    expect(await decide("discard", randomUUID())).toBe("gone");
    const elsewhere = { commandId: id, action: "discard", by: ME } as const;
    expect(await commands.decide("another.myshopify.com", elsewhere)).toBe("gone");
    expect((await change(id)).state).toBe("accepted");
  });

  describe("edited,", () => {
    const other = { delta: 4, reason: "correction" };

    test.for(states)("a change that is %s is replaced, or left", async (state) => {
      const { at } = freshItem();
      const old = await adjust(at);
      await put(old, state, state === "unknown");
      const uncertain = state === "unknown";
      const answer = await ask("inventory.adjust", { ...at, ...other }, old);
      if (!isReplaceable({ state, uncertain })) {
        expect(answer).toMatchObject({ kind: "invalid", problems: [{ field: null }] });
        expect((await change(old)).state).toBe(state);
        return;
      }
      if (answer.kind !== "accepted") throw new Error("It was not accepted.");
      const id = answer.change.operationId;
      const [replaced, edited] = [await change(old), await change(id)];
      expect(replaced.state).toBe("discarded");
      expect(replaced.events[0]).toMatchObject({ actor: ME, action: "replaced", detail: id });
      expect(edited).toMatchObject({ state: "accepted", input: { ...at, ...other } });
      expect(edited.events[0]).toMatchObject({ actor: ME, action: "edited", detail: old });
    });

    test("one that Shopify may have is not: both could take effect", async () => {
      const { at } = freshItem();
      const old = await adjust(at);
      await put(old, "held", true);
      expect(await ask("inventory.adjust", { ...at, ...other }, old)).toMatchObject({
        kind: "invalid",
      });
      expect((await change(old)).state).toBe("held");
    });

    test("what is wrong with the new entries is said, and the old change stays", async () => {
      const { at } = freshItem();
      const old = await adjust(at);
      await put(old, "held");
      const tooMuch = { ...at, delta: -1_000_000, reason: "damaged" };
      expect(await ask("inventory.adjust", tooMuch, old)).toMatchObject({
        kind: "invalid",
        problems: [{ field: "delta" }],
      });
      expect((await change(old)).state).toBe("held");
    });

    test("it cannot become another change, or one of something else", async () => {
      const { at } = freshItem();
      const { at: elsewhere } = freshItem();
      const old = await adjust(at);
      await put(old, "held");
      expect(await ask("inventory.adjust", { ...elsewhere, ...other }, old)).toMatchObject({
        kind: "invalid",
      });
      const count = { ...at, quantity: 3, changeFromQuantity: null, reason: "correction" };
      expect(await ask("inventory.set", count, old)).toMatchObject({ kind: "invalid" });
      expect((await change(old)).state).toBe("held");
    });
  });
});

describe("while changes are sent,", () => {
  beforeAll(async () => {
    await app.owner`delete from commands`;
    await app.jobs.start();
  });

  /** Three changes of one item; Shopify takes none of them yet. */
  async function threeInLine() {
    const { level, at } = freshItem();
    app.shopify.faults.set({ kind: "http-423", operation: "inventoryAdjustQuantities" });
    const ids = [await adjust(at, 1), await adjust(at, 2), await adjust(at, 4)] as const;
    // Decided at a moment at which it is not being sent.
    const first = async (action: Override, reason?: string) =>
      app.until(async () => (await decide(action, ids[0], reason)) === "done");
    return { before: level.quantities.available, level, ids, first };
  }

  test("what is held keeps those behind it waiting, until it is released", async () => {
    const { before, level, ids, first } = await threeInLine();
    await first("hold");
    app.shopify.faults.clear();
    await decide("sendNow", ids[1]);
    const { level: untouched, at } = freshItem();
    const stock = untouched.quantities.available;
    await in_(await adjust(at), "done");
    expect(untouched.quantities.available).toBe(stock + 1);
    expect(ids.flatMap(entriesOf)).toEqual([]);
    await first("release");
    for (const id of ids) await in_(id, "done");
    expect(level.quantities.available).toBe(before + 7);
    expect(shop.ledger.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
      expect.arrayContaining([...ids]),
    );
  });

  test.for([
    ["discard", 6],
    ["markDone", 6],
  ] as const)("those behind what was held go on after %s", async ([action, added]) => {
    const { before, level, ids, first } = await threeInLine();
    await first("hold");
    app.shopify.faults.clear();
    await first(action, "Counted by hand.");
    for (const id of ids.slice(1)) await in_(id, "done");
    expect(level.quantities.available).toBe(before + added);
    expect(entriesOf(ids[0])).toEqual([]);
  });

  test("what was edited takes its new effect alone", async () => {
    const { before, level, ids, first } = await threeInLine();
    await first("hold");
    app.shopify.faults.clear();
    const { input } = await change(ids[0]);
    const edited = await submit("inventory.adjust", { ...(input as object), delta: 8 }, ids[0]);
    for (const id of [...ids.slice(1), edited]) await in_(id, "done");
    expect(level.quantities.available).toBe(before + 14);
    expect(entriesOf(ids[0])).toEqual([]);
  });

  test("a count that Shopify's stock has overtaken is set all the same when a person says so", async () => {
    const { level, at } = freshItem();
    const count = { ...at, quantity: 7, reason: "cycle_count_available" };
    const seen = level.quantities.available;
    const id = await submit("inventory.set", { ...count, changeFromQuantity: seen + 1 });
    expect(await in_(id, "failed")).toMatchObject({
      problemCode: "refused:CHANGE_FROM_QUANTITY_STALE",
      uncertain: false,
    });
    expect(level.quantities.available).toBe(seen);
    const again = await submit("inventory.set", { ...count, changeFromQuantity: null }, id);
    await in_(again, "done");
    expect(level.quantities.available).toBe(7);
    expect((await change(id)).state).toBe("discarded");
  });

  test("what Evenkeel cannot find out about is sent anew when a person has looked", async () => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    app.shopify.faults.set({ kind: "http-423", operation: "inventoryAdjustQuantities" });
    const id = await adjust(at, 3);
    await app.until(async () => (await decide("hold", id)) === "done");
    // Its answer was lost so long ago that Shopify has forgotten its key.
    await app.owner`update commands set uncertain_since = now() - interval '2 days',
      first_sent_at = now() - interval '2 days' where id = ${id}`;
    app.shopify.faults.clear();
    await decide("release", id);
    expect(await in_(id, "failed")).toMatchObject({ problemCode: "unknowable" });
    expect(await decide("sendAgain", id)).toBe("done");
    await in_(id, "done");
    expect(level.quantities.available).toBe(before + 3);
  });

  test("no sequence of decisions makes a change take effect twice, or leaves it without a state", async () => {
    const step = fc.record({
      change: fc.nat(2),
      action: fc.constantFrom(...overrides),
      twice: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const { level, at } = freshItem();
        const before = level.quantities.available;
        app.shopify.faults.set({
          kind: "answer-lost",
          how: "reset_peer",
          operation: "inventoryAdjustQuantities",
          probability: 0.3,
        });
        const deltas = [1, 10, 100];
        const ids = [];
        for (const delta of deltas) ids.push(await adjust(at, delta));
        for (const { change: which, action, twice } of steps) {
          const id = ids[which] ?? "";
          await Promise.all(
            Array.from({ length: twice ? 2 : 1 }, () => decide(action, id, "a reason")),
          );
        }
        app.shopify.faults.clear();
        for (const id of ids) await decide("release", id);
        let effect = 0;
        for (const [index, id] of ids.entries()) {
          const { state, events } = await in_(id, "done", "failed", "discarded");
          const byHand = events.some(({ action }) => action === "markDone");
          const wasUnknown = events.some((event) => event.state === "unknown");
          const sent = entriesOf(id).length;
          expect(sent).toBeLessThanOrEqual(1);
          if (state === "done" && !byHand) expect(sent).toBe(1);
          if (state === "discarded" && !wasUnknown) expect(sent).toBe(0);
          effect += sent * (deltas[index] ?? 0);
        }
        expect(level.quantities.available).toBe(before + effect);
      }),
      { numRuns: 8 },
    );
  });
});

describe("many orders at once:", () => {
  beforeAll(() => app.jobs.start());

  const used = new Set<number>();

  /** Some orders of which everything can still be sent. */
  function someOrders(count: number) {
    const found = allOrders(shop)
      // Young ones: Shopify shows no older ones.
      .toReversed()
      .filter(({ id, cancelledAt, closedAt, fulfillmentOrders }) => {
        const open = fulfillmentOrders.every(({ status }) => status === "OPEN");
        const alive = cancelledAt === null && closedAt === null;
        return !used.has(id) && alive && fulfillmentOrders.length > 0 && open;
      })
      .slice(0, count);
    if (found.length < count) throw new Error("The shop has no open order left.");
    for (const { id } of found) used.add(id);
    return found;
  }
  const bulk = (request: Omit<BulkRequest, "bulkId">, bulkId: string = randomUUID()) =>
    submitBulk({ cluster: app.cluster, commands }, shop.domain, { bulkId, ...request }, ME);
  const progressOf = async (bulkId: string) =>
    (await bulksUnderWay(app.cluster, shop.domain)).value.find((one) => one.bulkId === bulkId);
  /** Resolves when nothing of a bulk is on its way any more, and nothing of it needs a person. */
  async function ended(bulkId: string, count: number): Promise<void> {
    const found = { settled: 0, needYou: 0 };
    await app.until(async () => {
      Object.assign(found, await progressOf(bulkId));
      return found.settled + found.needYou === count;
    });
    expect(found).toMatchObject({ settled: count, needYou: 0 });
  }
  const fulfilled = () =>
    shop.ledger.filter(({ mutation }) => mutation === "fulfillmentCreate").length;

  test("each is fulfilled once, however often the same click arrives", async () => {
    const chosen = someOrders(3);
    const before = fulfilled();
    const bulkId = randomUUID();
    const request = { action: "fulfil", orderIds: [...chosen.map(({ id }) => id), 1] } as const;
    const answers = await Promise.all([bulk(request, bulkId), bulk(request, bulkId)]);
    const { accepted } = answers[0];
    expect(accepted).toBeGreaterThanOrEqual(chosen.length);
    for (const answer of answers) {
      expect(answer).toMatchObject({ accepted, leftOut: [{ order: "1" }] });
    }
    await ended(bulkId, accepted);
    expect(fulfilled()).toBe(before + accepted);
    // Long after, when nothing is left to send.
    expect(await bulk(request, bulkId)).toMatchObject({ accepted });
    expect(await progressOf(bulkId)).toMatchObject({ total: accepted, needYou: 0 });
    expect(fulfilled()).toBe(before + accepted);
    // Another click is another wish, of which nothing is left.
    const again = await bulk({ ...request, orderIds: chosen.map(({ id }) => id) });
    expect(again).toMatchObject({ accepted: 0 });
    expect(again.leftOut).toHaveLength(chosen.length);
  });

  test("they are tagged, held and released", async () => {
    const orderIds = someOrders(2).map(({ id }) => id);
    const done = async (request: Omit<BulkRequest, "bulkId" | "orderIds">) => {
      const bulkId = randomUUID();
      const answer = await bulk({ ...request, orderIds }, bulkId);
      expect(answer).toEqual({ action: request.action, accepted: 2, leftOut: [] });
      await ended(bulkId, 2);
    };
    const statuses = () =>
      allOrders(shop)
        .filter(({ id }) => orderIds.includes(id))
        .flatMap(({ fulfillmentOrders }) => fulfillmentOrders.map(({ status }) => status));
    await done({ action: "tag", tags: ["courier"] });
    for (const order of allOrders(shop).filter(({ id }) => orderIds.includes(id))) {
      expect(order.tags).toContain("courier");
    }
    await done({ action: "hold", reason: "awaiting_payment" });
    expect(new Set(statuses())).toEqual(new Set(["ON_HOLD"]));
    await done({ action: "release" });
    expect(new Set(statuses())).toEqual(new Set(["OPEN"]));
  });
});

describe("what somebody forces upon the whole app:", () => {
  beforeAll(() => app.jobs.start());

  const switchMode = (mode: Mode, on: boolean) =>
    saveSettings(
      app.writes,
      shop.domain,
      { [mode]: { on, at: new Date().toISOString(), by: ME } },
      ME,
    );

  test("read-only, it accepts no change, and says why; what was accepted goes on", async () => {
    const { at } = freshItem();
    const asked = {
      operationId: randomUUID(),
      kind: "inventory.adjust",
      input: { ...at, delta: 2, reason: "received" },
      requestedBy: ME,
    } as const;
    app.shopify.faults.set({ kind: "http-423", operation: "inventoryAdjustQuantities" });
    expect(await commands.submit(shop.domain, asked)).toMatchObject({ kind: "accepted" });
    await switchMode("readOnly", true);
    const refused = await ask("inventory.adjust", asked.input);
    expect(refused).toMatchObject({
      kind: "invalid",
      problems: [{ field: null, message: expect.stringContaining("read-only") as string }],
    });
    // The same click again is no new change.
    expect(await commands.submit(shop.domain, asked)).toMatchObject({ kind: "accepted" });
    app.shopify.faults.clear();
    await in_(asked.operationId, "done");
    const { value } = await getSettings(app.cluster, shop.domain);
    expect(value.readOnly).toMatchObject({ on: true, by: ME });
    await switchMode("readOnly", false);
    await in_(await submit("inventory.adjust", asked.input), "done");
  });

  test("with Shopify taken for away, changes wait and nothing is sent until that is over", async () => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    await switchMode("shopifyAway", true);
    const id = await adjust(at, 5);
    // Tried, and put back.
    await expect
      .poll(async () => (await jobsOf(at)).map(({ state }) => state), { timeout: 50_000 })
      .toEqual(["retry"]);
    await decide("sendNow", id);
    expect(await change(id)).toMatchObject({ state: "accepted", attempts: 0 });
    expect(entriesOf(id)).toEqual([]);
    await switchMode("shopifyAway", false);
    await commands.hurry(shop.domain);
    await in_(id, "done");
    expect(level.quantities.available).toBe(before + 5);
    expect(entriesOf(id)).toHaveLength(1);
  });

  test("where Shopify is to be left alone, no client asks it", async () => {
    const whose = operation<{ shop: { id: string } }>("query Whose { shop { id } }");
    const ask = (away: boolean) =>
      createShopifyGate(() => Promise.resolve(away))(app.admin(shop.domain)).request(whose, {});
    await expect(ask(true)).rejects.toMatchObject({ kind: "unavailable", maybeApplied: false });
    expect(await ask(false)).toHaveProperty("shop.id");
  });
});
