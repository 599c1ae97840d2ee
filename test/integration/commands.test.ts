import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createCommands, type Commands } from "../../app/commands/commands.server.ts";
import { getChange, listChanges } from "../../app/commands/queries.server.ts";
import type { CommandKind, Problem, SubmitResult } from "../../app/commands/types.ts";
import { listInventory } from "../../app/inventory/queries.server.ts";
import { defaultInventoryQuery } from "../../app/inventory/inventory-query.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { getOrder, listOrders } from "../../app/orders/queries.server.ts";
import { defaultOrderQuery } from "../../app/orders/order-query.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import type { FulfillmentOrder, InventoryItem } from "../sandbox/shopify/shop/model.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { allOrders, insertFacts } from "./support/command-facts.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

const logger = createLogger(process.env.LOG_LEVEL ?? "silent");
const ME = "gid://shopify/StaffMember/1";

let server: TestServer;
let database: TestDatabase;
let app: ShopifyApp;
let commands: Commands;
let shop: ShopStore;

/** Lets tests wait for changes of commands, too. */
async function watchCommands({ owner }: ShopifyApp): Promise<void> {
  await owner.unsafe(`create trigger tell_tests after insert or update on commands
    for each statement execute function tell_tests()`);
}

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  app = await startShopifyApp({
    database,
    work: false,
    shops: createShops({ orders: 120, searchLagMs: 0 }),
  });
  [shop] = app.shops as [ShopStore];
  commands = createCommands({
    cluster: app.cluster,
    writes: app.writes,
    durability: "primary",
    jobs: app.jobs,
    admin: app.admin,
    logger,
    settleMs: 3_000,
  });
  await watchCommands(app);
  await app.jobs.start();
  await app.inbox.start();
  await app.importShop(shop.domain);
});
afterEach(() => {
  app.shopify.faults.clear();
});
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  await database?.drop();
  await server?.[Symbol.asyncDispose]();
});

async function submit(
  kind: CommandKind,
  input: unknown,
  operationId: string = randomUUID(),
): Promise<string> {
  const result = await commands.submit(shop.domain, { operationId, kind, input, requestedBy: ME });
  expect(result).toMatchObject({ kind: "accepted", change: { operationId, kind } });
  return operationId;
}

/** Resolves when a change has come to an end, or to a person. */
async function settled(...operationIds: string[]) {
  for (const operationId of operationIds) {
    await app.until(async () => {
      const { value } = await getChange(app.cluster, shop.domain, operationId);
      return value !== null && ["done", "failed", "discarded"].includes(value.state);
    });
  }
  const { value } = await getChange(app.cluster, shop.domain, operationIds.at(-1) ?? "");
  if (!value) throw new Error("The change is gone.");
  return value;
}

/** What the shop now holds of a part: its books give out copies. */
function now(part: FulfillmentOrder, store: ShopStore = shop): FulfillmentOrder {
  const order = store.orders.get(part.order.ordinal);
  const found = order?.fulfillmentOrders.find(({ id }) => id === part.id);
  if (!found) throw new Error("The part is gone.");
  return found;
}

const unitsLeft = (part: FulfillmentOrder) =>
  now(part).lines.reduce((sum, { remaining }) => sum + remaining, 0);

const taken = new Set<InventoryItem>();

/** An item that no other test has touched, with some stock at a location. */
function freshItem() {
  for (const item of shop.items.values()) {
    const level = item.levels.find((one) => one.isActive && one.quantities.available >= 20);
    if (!item.tracked || !level || taken.has(item)) continue;
    taken.add(item);
    return { item, level, at: { inventoryItemId: item.id, locationId: level.location.id } };
  }
  throw new Error("The shop has no item left.");
}

const takenParts = new Set<number>();

/** A part of an order that can be sent now; of a young one, since older ones were not imported. */
function freshPart(): FulfillmentOrder {
  for (const order of allOrders(shop).toReversed()) {
    if (order.cancelledAt !== null || order.closedAt !== null) continue;
    for (const part of order.fulfillmentOrders) {
      if (part.status !== "OPEN" || takenParts.has(part.id)) continue;
      if (!part.lines.some(({ remaining }) => remaining > 0)) continue;
      takenParts.add(part.id);
      return part;
    }
  }
  throw new Error("The shop has no open order left.");
}

const wholePart = (part: FulfillmentOrder) => ({
  orderId: part.order.id,
  fulfillmentOrders: [
    {
      id: part.id,
      lines: part.lines
        .filter(({ remaining }) => remaining > 0)
        .map(({ id, remaining }) => ({ id, quantity: remaining })),
    },
  ],
  tracking: { company: "DHL Express", number: `JD${part.id}`, url: null },
  notifyCustomer: false,
});

/** What the shop's own book says about one command. */
const entriesOf = (operationId: string) =>
  shop.ledger.filter((entry) => JSON.stringify(entry.arguments).includes(operationId));

async function levelHere({
  inventoryItemId,
  locationId,
}: {
  inventoryItemId: number;
  locationId: number;
}) {
  const [row] = await app.owner<{ available: number; on_hand: number }[]>`
    select available, on_hand from inventory_levels
    where shop = ${shop.domain} and inventory_item_id = ${inventoryItemId} and location_id = ${locationId}`;
  return row;
}

describe("stock", () => {
  test("a difference reaches Shopify once, and the page shows Shopify's answer at once", async () => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    const id = await submit("inventory.adjust", { ...at, delta: -3, reason: "damaged" });
    const change = await settled(id);
    expect(change).toMatchObject({ state: "done", ring: "done", problem: null, attempts: 1 });
    expect(level.quantities.available).toBe(before - 3);
    expect(await levelHere(at)).toMatchObject({ available: before - 3 });
    expect(entriesOf(id)).toMatchObject([{ idempotencyKey: id }]);
    expect(change.events.map(({ state, actor }) => [state, actor])).toEqual([
      ["done", "evenkeel"],
      ["sending", "evenkeel"],
      ["accepted", ME],
    ]);
  });

  test("a count replaces what was seen", async () => {
    const { level, at } = freshItem();
    const id = await submit("inventory.set", {
      ...at,
      quantity: 7,
      changeFromQuantity: level.quantities.available,
      reason: "cycle_count_available",
    });
    expect(await settled(id)).toMatchObject({ state: "done" });
    expect(level.quantities.available).toBe(7);
    expect(await levelHere(at)).toMatchObject({ available: 7 });
  });

  test("a count of what has changed meanwhile is a person's to decide", async () => {
    const { level, at } = freshItem();
    const seen = level.quantities.available;
    const first = await submit("inventory.adjust", { ...at, delta: 1, reason: "received" });
    await settled(first);
    const id = await submit("inventory.set", {
      ...at,
      quantity: 7,
      changeFromQuantity: seen,
      reason: "cycle_count_available",
    });
    const change = await settled(id);
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toMatch(/changed in Shopify/);
    expect(level.quantities.available).toBe(seen + 1);

    const list = await listChanges(app.cluster, shop.domain, { state: "needs-you" });
    expect(list.value.map(({ operationId }) => operationId)).toContain(id);
    expect(await commands.decide(shop.domain, { commandId: id, action: "discard", by: ME })).toBe(
      "done",
    );
    expect(await commands.decide(shop.domain, { commandId: id, action: "discard", by: ME })).toBe(
      "gone",
    );
    expect(await settled(id)).toMatchObject({ state: "discarded", ring: "done" });
  });

  test("a change that was refused is sent again under a new key when a person says so", async () => {
    const { level, at } = freshItem();
    const seen = level.quantities.available;
    const up = await submit("inventory.adjust", { ...at, delta: 1, reason: "received" });
    await settled(up);
    const id = await submit("inventory.set", {
      ...at,
      quantity: 3,
      changeFromQuantity: seen,
      reason: "correction",
    });
    await settled(id);
    // Somebody puts the stock back as it was counted.
    const down = await submit("inventory.adjust", { ...at, delta: -1, reason: "correction" });
    await settled(down);
    expect(await commands.decide(shop.domain, { commandId: id, action: "sendAgain", by: ME })).toBe(
      "done",
    );
    await app.until(async () => level.quantities.available === 3);
    expect(await settled(id)).toMatchObject({ state: "done", problem: null });
    expect(entriesOf(id).map(({ idempotencyKey }) => idempotencyKey)).toEqual([`${id}-1`]);
  });

  test("the same form sent many times at once has one effect", async () => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    const id = randomUUID();
    await Promise.all(
      Array.from({ length: 8 }, () =>
        submit("inventory.adjust", { ...at, delta: -1, reason: "shrinkage" }, id),
      ),
    );
    await settled(id);
    await submit("inventory.adjust", { ...at, delta: -1, reason: "shrinkage" }, id);
    expect(await settled(id)).toMatchObject({ state: "done" });
    expect(level.quantities.available).toBe(before - 1);
    expect(entriesOf(id)).toHaveLength(1);
  });

  test("an id that was used for another change is not taken for it", async () => {
    const { at } = freshItem();
    const id = await submit("inventory.adjust", { ...at, delta: 1, reason: "received" });
    const answer = await commands.submit(shop.domain, {
      operationId: id,
      kind: "inventory.adjust",
      input: { ...at, delta: 2, reason: "received" },
      requestedBy: ME,
    });
    expect(answer).toMatchObject({ kind: "invalid", problems: [{ field: null }] });
    await settled(id);
  });

  test.for([
    ["the answer is lost in a reset", { kind: "answer-lost", how: "reset_peer" }],
    ["the answer is lost in a 502", { kind: "answer-lost", how: "http-502" }],
    ["the answer breaks off", { kind: "limit_data" }],
    ["the answer is not JSON", { kind: "malformed-body" }],
    ["Shopify has an internal error", { kind: "internal-server-error" }],
    ["Shopify is unavailable", { kind: "http-503" }],
    ["Shopify throttles", { kind: "throttled" }],
  ] as const)("has one effect when %s", async ([, fault]) => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    app.shopify.faults.set({ ...fault, operation: "inventoryAdjustQuantities", times: 2 });
    const id = await submit("inventory.adjust", { ...at, delta: -2, reason: "damaged" });
    expect(await settled(id)).toMatchObject({ state: "done", problem: null });
    expect(level.quantities.available).toBe(before - 2);
    expect(entriesOf(id)).toHaveLength(1);
  });

  test("changes of one item go in the order in which they were accepted, whatever happens on the way", async () => {
    const { level, at } = freshItem();
    app.shopify.faults.set({
      kind: "answer-lost",
      how: "reset_peer",
      operation: /^inventory/,
      operationType: "mutation",
      probability: 0.2,
    });
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        n % 3 === 2
          ? submit("inventory.set", {
              ...at,
              quantity: 50 + n,
              changeFromQuantity: null,
              reason: "correction",
            })
          : submit("inventory.adjust", { ...at, delta: n + 1, reason: "received" }),
      ),
    );
    await settled(...ids);
    const rows = await app.owner<{ id: string; state: string }[]>`
      select id, state from commands where id = any(${ids}) order by accepted_at, id`;
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(["done"]));
    const sent = shop.ledger.flatMap((entry) =>
      ids.filter((id) => JSON.stringify(entry.arguments).includes(id)),
    );
    expect(sent).toEqual(rows.map(({ id }) => id));
    expect(await levelHere(at)).toMatchObject({ available: level.quantities.available });
  });

  test("while Shopify is away the change is kept, said, and counted in what is expected", async () => {
    const { item, level, at } = freshItem();
    const before = level.quantities.available;
    app.shopify.faults.set({ kind: "down", how: "http-503" });
    const id = await submit("inventory.adjust", { ...at, delta: 5, reason: "received" });
    const second = await submit("inventory.adjust", { ...at, delta: -2, reason: "damaged" });
    await app.until(
      async () => ((await getChange(app.cluster, shop.domain, id)).value?.problem ?? null) !== null,
    );
    const { value: waiting } = await getChange(app.cluster, shop.domain, id);
    expect(waiting).toMatchObject({ ring: "shopify" });
    const page = await listInventory(app.cluster, shop.domain, {
      ...defaultInventoryQuery,
      search: item.variant.sku,
    });
    const row = page.value.rows.find((one) => one.inventoryItemId === item.id);
    expect(row?.levels.find((one) => one.locationId === at.locationId)).toMatchObject({
      available: before,
      expected: before + 3,
    });
    expect(row?.pending).toMatchObject({ operationId: id, ring: "shopify" });

    app.shopify.faults.clear();
    expect(await settled(id, second)).toMatchObject({ state: "done" });
    expect(level.quantities.available).toBe(before + 3);
  });

  test("what Shopify tells of a change before its own answer comes is not counted twice", async () => {
    const { item, level, at } = freshItem();
    const before = level.quantities.available;
    app.shopify.faults.set({
      kind: "answer-lost",
      how: "timeout",
      operation: "inventoryAdjustQuantities",
      times: 1,
    });
    const id = await submit("inventory.adjust", { ...at, delta: -4, reason: "damaged" });
    await app.until(async () => (await levelHere(at))?.available === before - 4);
    const shown = async () => {
      const { value } = await listInventory(app.cluster, shop.domain, {
        ...defaultInventoryQuery,
        search: item.variant.sku,
      });
      const row = value.rows.find((one) => one.inventoryItemId === item.id);
      return row?.levels.find((one) => one.locationId === at.locationId);
    };
    expect((await getChange(app.cluster, shop.domain, id)).value?.state).not.toBe("done");
    expect(await shown()).toMatchObject({ available: before - 4, expected: before - 4 });
    expect(await settled(id)).toMatchObject({ state: "done" });
    expect(await shown()).toMatchObject({ available: before - 4, expected: null });
    expect(entriesOf(id)).toHaveLength(1);
  });

  test("a change that is being tried again can be given up, and those behind it go on", async () => {
    const { level, at } = freshItem();
    const before = level.quantities.available;
    app.shopify.faults.set({ kind: "http-423", operation: "inventoryAdjustQuantities" });
    const id = await submit("inventory.adjust", { ...at, delta: 5, reason: "received" });
    const second = await submit("inventory.adjust", { ...at, delta: 1, reason: "received" });
    await app.until(
      async () =>
        (await getChange(app.cluster, shop.domain, id)).value?.state === "accepted" &&
        ((await getChange(app.cluster, shop.domain, id)).value?.problem ?? null) !== null,
    );
    const { value } = await getChange(app.cluster, shop.domain, id);
    expect(value?.problem).toMatch(/locked/);
    await app.until(
      async () =>
        (await commands.decide(shop.domain, { commandId: id, action: "discard", by: ME })) ===
        "done",
    );
    app.shopify.faults.clear();
    expect(await settled(second)).toMatchObject({ state: "done" });
    expect(level.quantities.available).toBe(before + 1);
    expect(entriesOf(id)).toHaveLength(0);
  });

  test("what Shopify does not allow is a person's to decide, in words", async () => {
    const { at } = freshItem();
    app.shopify.faults.set({ kind: "http-403", operation: "inventoryAdjustQuantities", times: 1 });
    const id = await submit("inventory.adjust", { ...at, delta: 5, reason: "received" });
    const change = await settled(id);
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toBe("Shopify does not allow Evenkeel to make this change.");
  });
});

describe("fulfillments", () => {
  const created = (part: FulfillmentOrder) =>
    shop.ledger.filter(
      ({ mutation, arguments: given }) =>
        mutation === "fulfillmentCreate" &&
        JSON.stringify(given).includes(`FulfillmentOrder/${part.id}"`),
    );

  test("a part of an order is sent once, and the order shows it at once", async () => {
    const part = freshPart();
    const input = wholePart(part);
    const id = await submit("order.fulfil", input);
    expect(await settled(id)).toMatchObject({ state: "done", subject: part.order.name });
    expect(unitsLeft(part)).toBe(0);
    const { value: order } = await getOrder(app.cluster, shop.domain, part.order.id);
    const stored = order?.fulfillmentOrders.find((one) => one.id === part.id);
    expect(stored?.lines.every(({ remaining }) => remaining === 0)).toBe(true);
    expect(order?.fulfillments.flatMap(({ tracking }) => tracking.map((t) => t.number))).toContain(
      input.tracking.number,
    );
    expect(order?.timeline.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["placed", "fulfilled", "change"]),
    );
    const found = await listOrders(app.cluster, shop.domain, {
      ...defaultOrderQuery,
      search: input.tracking.number,
    });
    expect(found.value.orders.map((one) => one.id)).toEqual([part.order.id]);
  });

  test("the same units asked for twice are sent once", async () => {
    const part = freshPart();
    const input = wholePart(part);
    const first = await submit("order.fulfil", input);
    const second = await commands.submit(shop.domain, {
      operationId: randomUUID(),
      kind: "order.fulfil",
      input,
      requestedBy: ME,
    });
    expect(second).toMatchObject({ kind: "invalid" });
    await settled(first);
    expect(created(part)).toHaveLength(1);
  });

  test.for([
    ["the answer is lost in a reset", { kind: "answer-lost", how: "reset_peer" }],
    ["the answer is lost in a 504", { kind: "answer-lost", how: "http-504" }],
    ["it is applied late", { kind: "applied-late", ms: 1_500, how: "reset_peer" }],
    ["the answer is not JSON", { kind: "malformed-body" }],
    ["Shopify is unavailable", { kind: "http-503" }],
    ["Shopify throttles", { kind: "throttled" }],
  ] as const)("is one when %s", async ([, fault]) => {
    const part = freshPart();
    app.shopify.faults.set({ ...fault, operation: "fulfillmentCreate", times: 1 });
    const id = await submit("order.fulfil", wholePart(part));
    expect(await settled(id)).toMatchObject({ state: "done", problem: null });
    expect(created(part)).toHaveLength(1);
    expect(unitsLeft(part)).toBe(0);
  });

  test("an order waits for Shopify until its change is settled", async () => {
    const part = freshPart();
    app.shopify.faults.set({ kind: "http-503", operation: "fulfillmentCreate" });
    const id = await submit("order.fulfil", wholePart(part));
    const tab = () =>
      listOrders(app.cluster, shop.domain, { ...defaultOrderQuery, tab: "waiting" });
    const waiting = (await tab()).value.orders.find((one) => one.id === part.order.id);
    expect(waiting?.pending).toMatchObject({ operationId: id, kind: "order.fulfil" });
    app.shopify.faults.clear();
    await settled(id);
    expect((await tab()).value.orders.map((one) => one.id)).not.toContain(part.order.id);
  });

  test("what was sent in Shopify meanwhile is a person's to decide", async () => {
    const part = freshPart();
    const input = wholePart(part);
    await settled(await submit("order.fulfil", input));
    // The webhook that would have told us has not come: here it still looks open.
    await app.settled();
    await app.owner`update fulfillment_orders
      set status = 'open', lines = (select jsonb_agg(line || '{"remaining":1}') from jsonb_array_elements(lines) line)
      where shop = ${shop.domain} and id = ${part.id}`;
    const [line] = input.fulfillmentOrders[0]?.lines ?? [];
    const change = await settled(
      await submit("order.fulfil", {
        ...input,
        fulfillmentOrders: [{ id: part.id, lines: [{ ...line, quantity: 1 }] }],
      }),
    );
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toMatch(/can no longer be sent/);
    expect(created(part)).toHaveLength(1);
  });
});

describe("what is wrong is said next to the entry", () => {
  const problemsOf = (result: SubmitResult): readonly Problem[] =>
    result.kind === "invalid" ? result.problems : [];
  const ask = async (kind: string, input: unknown, operationId: string = randomUUID()) =>
    problemsOf(await commands.submit(shop.domain, { operationId, kind, input, requestedBy: ME }));

  test("of stock", async () => {
    const { level, at } = freshItem();
    const available = level.quantities.available;
    const place = level.location.name;
    const adjust = (input: object) =>
      ask("inventory.adjust", { ...at, delta: 1, reason: "received", ...input });
    const set = (input: object) =>
      ask("inventory.set", {
        ...at,
        quantity: 1,
        changeFromQuantity: null,
        reason: "received",
        ...input,
      });
    expect(await adjust({ delta: "three" })).toEqual([
      { field: "delta", message: "Enter a number." },
    ]);
    expect(await adjust({ delta: Number.NaN })).toEqual([
      { field: "delta", message: "Enter a number." },
    ]);
    expect(await adjust({ delta: 1.5 })).toEqual([
      { field: "delta", message: "Enter a whole number." },
    ]);
    expect(await adjust({ delta: 0 })).toEqual([
      { field: "delta", message: "Enter a difference other than zero." },
    ]);
    expect(await adjust({ delta: 2_000_000_000 })).toEqual([
      { field: "delta", message: "That is more than Shopify can keep." },
    ]);
    expect(await adjust({ delta: -available - 1 })).toEqual([
      {
        field: "delta",
        message: `Only ${available} available at ${place}: you cannot take ${available + 1} away.`,
      },
    ]);
    expect(await adjust({ reason: "because" })).toEqual([
      { field: "reason", message: "Choose a reason." },
    ]);
    expect(await adjust({ inventoryItemId: 1 })).toEqual([
      { field: "inventoryItemId", message: "This variant no longer exists." },
    ]);
    expect(await adjust({ locationId: 1 })).toEqual([
      { field: "locationId", message: "This location no longer exists." },
    ]);
    expect(await adjust({ locationId: "1" })).toEqual([
      { field: "locationId", message: "Choose a location." },
    ]);
    expect(await set({ quantity: -1 })).toEqual([
      { field: "quantity", message: "Stock cannot be set below zero." },
    ]);
    expect(await set({ quantity: null })).toEqual([
      { field: "quantity", message: "Enter a number." },
    ]);
  });

  test("of an item that is not counted, at a closed location, or not stocked there", async () => {
    const uncounted = freshItem();
    await app.owner`update variants set tracked = false
      where shop = ${shop.domain} and inventory_item_id = ${uncounted.item.id}`;
    expect(
      await ask("inventory.adjust", { ...uncounted.at, delta: 1, reason: "received" }),
    ).toEqual([
      { field: "inventoryItemId", message: "Shopify does not track the stock of this variant." },
    ]);
    const closed = freshItem();
    await app.owner`update locations set active = false where id = ${closed.at.locationId}`;
    try {
      expect(await ask("inventory.adjust", { ...closed.at, delta: 1, reason: "received" })).toEqual(
        [{ field: "locationId", message: `${closed.level.location.name} is deactivated.` }],
      );
    } finally {
      await app.owner`update locations set active = true where id = ${closed.at.locationId}`;
    }
    const elsewhere = freshItem();
    await app.owner`update inventory_levels set deleted_at = now() where shop = ${shop.domain}
      and inventory_item_id = ${elsewhere.item.id} and location_id = ${elsewhere.at.locationId}`;
    expect(
      await ask("inventory.adjust", { ...elsewhere.at, delta: 1, reason: "received" }),
    ).toEqual([
      {
        field: "locationId",
        message: `This variant is not stocked at ${elsewhere.level.location.name}.`,
      },
    ]);
  });

  test("of a fulfillment", async () => {
    const part = freshPart();
    const input = wholePart(part);
    const [line] = input.fulfillmentOrders[0]?.lines ?? [];
    if (!line) throw new Error("The part has nothing left.");
    const title = part.lines.find(({ id }) => id === line.id)?.line.title ?? "";
    const withLine = (change: object) => ({
      ...input,
      fulfillmentOrders: [{ id: part.id, lines: [{ ...line, ...change }] }],
    });
    const fulfil = (change: object) => ask("order.fulfil", { ...input, ...change });

    expect(await fulfil({ orderId: 1 })).toEqual([
      { field: null, message: "This order no longer exists." },
    ]);
    expect(await ask("order.fulfil", withLine({ quantity: 0 }))).toEqual([
      { field: `quantity.${line.id}`, message: "Send at least one." },
    ]);
    expect(await ask("order.fulfil", withLine({ quantity: "two" }))).toEqual([
      { field: `quantity.${line.id}`, message: "Enter a number." },
    ]);
    expect(await ask("order.fulfil", withLine({ quantity: line.quantity + 1 }))).toEqual([
      { field: `quantity.${line.id}`, message: `Only ${line.quantity} of ${title} left to send.` },
    ]);
    expect(await ask("order.fulfil", withLine({ id: 1 }))).toEqual([
      { field: "quantity.1", message: "This line is not in the order any more." },
    ]);
    expect(await fulfil({ fulfillmentOrders: [] })).toEqual([
      { field: "quantities", message: "Choose what to send." },
    ]);
    expect(await fulfil({ fulfillmentOrders: [{ id: 1, lines: [line] }] })).toEqual([
      { field: "quantities", message: "This part is not in the order any more." },
    ]);
    expect(await fulfil({ tracking: { company: null, number: " ", url: null } })).toEqual([
      { field: "number", message: "Enter the tracking number." },
    ]);
    expect(await fulfil({ tracking: { company: null, number: "1", url: "javascript:x" } })).toEqual(
      [{ field: "url", message: "Enter a web address that begins with https://." }],
    );
    expect(
      await fulfil({ tracking: { company: "x".repeat(300), number: "1", url: null } }),
    ).toEqual([{ field: "company", message: "Keep this under 256 characters." }]);
  });

  test("of an order that was cancelled, a part on hold, and a line that was sent", async () => {
    const cancelled = freshPart();
    await app.owner`update orders set cancelled_at = now()
      where shop = ${shop.domain} and id = ${cancelled.order.id}`;
    const { name } = cancelled.order;
    expect(await ask("order.fulfil", wholePart(cancelled))).toEqual([
      { field: null, message: `${name} was cancelled: nothing of it can be sent.` },
    ]);
    const held = freshPart();
    await app.owner`update fulfillment_orders set status = 'on_hold'
      where shop = ${shop.domain} and id = ${held.id}`;
    expect(await ask("order.fulfil", wholePart(held))).toEqual([
      { field: "quantities", message: "This part is on hold. Release it first." },
    ]);
    const sent = freshPart();
    const input = wholePart(sent);
    await app.owner`update fulfillment_orders
      set lines = (select jsonb_agg(line || '{"remaining":0}') from jsonb_array_elements(lines) line)
      where shop = ${shop.domain} and id = ${sent.id}`;
    const problems = await ask("order.fulfil", input);
    expect(problems[0]?.message).toMatch(/has been sent in full already/);
  });

  test("of what belongs to another shop", async () => {
    const { at } = freshItem();
    const answer = await commands.submit("another.myshopify.com", {
      operationId: randomUUID(),
      kind: "inventory.adjust",
      input: { ...at, delta: 1, reason: "received" },
      requestedBy: ME,
    });
    expect(problemsOf(answer)).toEqual([
      { field: "inventoryItemId", message: "This variant no longer exists." },
    ]);
  });

  test("of a form that nobody made", async () => {
    expect(await ask("order.explode", {})).toEqual([
      { field: null, message: "Evenkeel does not know this kind of change." },
    ]);
    expect(await ask("inventory.adjust", null)).toMatchObject([{ field: null }]);
    expect(await ask("inventory.adjust", {}, "not-an-id")).toEqual([
      { field: null, message: "This form is broken. Load the page again." },
    ]);
  });

  test("a form that was put right goes through under the same id", async () => {
    const { level, at } = freshItem();
    const id = randomUUID();
    const wrong = { ...at, delta: -level.quantities.available - 1, reason: "damaged" };
    expect(await ask("inventory.adjust", wrong, id)).toHaveLength(1);
    await submit("inventory.adjust", { ...wrong, delta: -1 }, id);
    expect(await settled(id)).toMatchObject({ state: "done" });
  });
});

describe("a worker that is killed", () => {
  /** A shop whose catalogue is known here without an import, and a worker in a process of its own. */
  async function withWorker(
    run: (parts: {
      app: ShopifyApp;
      shop: ShopStore;
      commands: Commands;
      kill: () => Promise<void>;
    }) => Promise<void>,
  ): Promise<void> {
    const own = await server.createDatabase();
    const parts = await startShopifyApp({
      database: own,
      work: false,
      shops: createShops({ orders: 60, searchLagMs: 0 }),
    });
    const [store] = parts.shops as [ShopStore];
    await watchCommands(parts);
    const outbox = createCommands({
      cluster: parts.cluster,
      writes: parts.writes,
      durability: "primary",
      jobs: parts.jobs,
      admin: parts.admin,
      logger,
      settleMs: 0,
    });
    await insertFacts(parts.owner, store);
    const worker = spawn(
      process.execPath,
      [fileURLToPath(new URL("./support/commands-process.ts", import.meta.url))],
      {
        env: {
          ...process.env,
          ...parts.shopify.environment(),
          DATABASE_URL: own.url("app"),
          DATABASE_SYSTEM_URL: own.url("system"),
          SHOPIFY_ACCESS_TOKEN: await parts.token(store.domain),
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const exited = once(worker, "exit");
    const kill = async () => {
      worker.kill("SIGKILL");
      await exited;
    };
    try {
      await once(worker.stdout, "data");
      await run({ app: parts, shop: store, commands: outbox, kill });
    } finally {
      await kill();
      await parts[Symbol.asyncDispose]();
      await own.drop();
    }
  }

  test("between Shopify's effect and our commit: stock changes once", async () => {
    await withWorker(async ({ app: parts, shop: store, commands: outbox, kill }) => {
      const item = [...store.items.values()].find(
        (one) => one.tracked && one.levels.some(({ quantities }) => quantities.available > 5),
      );
      const level = item?.levels.find(({ quantities }) => quantities.available > 5);
      if (!item || !level) throw new Error("The shop has no stock.");
      const before = level.quantities.available;
      parts.shopify.faults.set({
        kind: "answer-lost",
        how: "timeout",
        operation: "inventoryAdjustQuantities",
        times: 1,
      });
      const applied = once(store.events, "event");
      const operationId = randomUUID();
      await outbox.submit(store.domain, {
        operationId,
        kind: "inventory.adjust",
        input: {
          inventoryItemId: item.id,
          locationId: level.location.id,
          delta: -4,
          reason: "damaged",
        },
        requestedBy: ME,
      });
      await applied;
      await kill();
      await parts.jobs.start();
      await parts.until(
        async () =>
          (await getChange(parts.cluster, store.domain, operationId)).value?.state === "done",
      );
      expect(level.quantities.available).toBe(before - 4);
      expect(store.ledger.filter((e) => JSON.stringify(e).includes(operationId))).toHaveLength(1);
    });
  });

  test("between Shopify's effect and our commit: a part is sent once", async () => {
    await withWorker(async ({ app: parts, shop: store, commands: outbox, kill }) => {
      const part = [...allOrders(store)]
        .filter(({ cancelledAt }) => cancelledAt === null)
        .flatMap(({ fulfillmentOrders }) => fulfillmentOrders)
        .find(({ status, lines }) => status === "OPEN" && lines.some((l) => l.remaining > 1));
      const line = part?.lines.find(({ remaining }) => remaining > 1);
      if (!part || !line) throw new Error("The shop has nothing to send.");
      const before = line.remaining;
      parts.shopify.faults.set({
        kind: "answer-lost",
        how: "timeout",
        operation: "fulfillmentCreate",
        times: 1,
      });
      const applied = once(store.events, "event");
      const operationId = randomUUID();
      const answer = await outbox.submit(store.domain, {
        operationId,
        kind: "order.fulfil",
        input: {
          orderId: part.order.id,
          // One of several units: sending it twice would be possible.
          fulfillmentOrders: [{ id: part.id, lines: [{ id: line.id, quantity: 1 }] }],
          tracking: null,
          notifyCustomer: false,
        },
        requestedBy: ME,
      });
      expect(answer.kind).toBe("accepted");
      await applied;
      await kill();
      await parts.jobs.start();
      await parts.until(
        async () =>
          (await getChange(parts.cluster, store.domain, operationId)).value?.state === "done",
      );
      expect(now(part, store).lines.find(({ id }) => id === line.id)?.remaining).toBe(before - 1);
      expect(store.ledger.filter(({ mutation }) => mutation === "fulfillmentCreate")).toHaveLength(
        1,
      );
    });
  });
});
