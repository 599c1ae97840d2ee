import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createCommands, type Commands } from "../../app/commands/commands.server.ts";
import { getChange } from "../../app/commands/queries.server.ts";
import type { CommandKind, Problem } from "../../app/commands/types.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { getOrder } from "../../app/orders/queries.server.ts";
import { globalId } from "../../app/shopify/ids.ts";
import {
  cancelFulfillment,
  createFulfillment,
  holdFulfillmentOrder,
  releaseHolds,
} from "../../app/shopify/operations/fulfillment-changes.ts";
import { editOrder } from "../../app/shopify/operations/order-changes.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import type { Order } from "../sandbox/shopify/shop/model.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { allOrders } from "./support/command-facts.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

const logger = createLogger(process.env.LOG_LEVEL ?? "silent");
const ME = "gid://shopify/StaffMember/1";

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
    shops: createShops({ orders: 150, searchLagMs: 0 }),
  });
  [shop] = app.shops as [ShopStore];
  // Of those that it has, few are still open.
  shop.placeOrders(30);
  commands = createCommands({
    cluster: app.cluster,
    writes: app.writes,
    durability: "primary",
    jobs: app.jobs,
    admin: app.admin,
    logger,
    settleMs: 3_000,
  });
  await app.owner.unsafe(`create trigger tell_tests after insert or update on commands
    for each statement execute function tell_tests()`);
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

async function submit(kind: CommandKind, input: unknown): Promise<string> {
  const operationId = randomUUID();
  const result = await commands.submit(shop.domain, { operationId, kind, input, requestedBy: ME });
  expect(result).toMatchObject({ kind: "accepted", change: { operationId, kind } });
  return operationId;
}

async function problems(kind: CommandKind, input: unknown): Promise<readonly Problem[]> {
  const operationId = randomUUID();
  const result = await commands.submit(shop.domain, { operationId, kind, input, requestedBy: ME });
  return result.kind === "invalid" ? result.problems : [];
}

const changeOf = async (operationId: string) =>
  (await getChange(app.cluster, shop.domain, operationId)).value;

/** Resolves when a change has come to an end, or to a person. */
async function settled(operationId: string) {
  await app.until(async () =>
    ["done", "failed", "discarded"].includes((await changeOf(operationId))?.state ?? ""),
  );
  const change = await changeOf(operationId);
  if (!change) throw new Error("The change is gone.");
  return change;
}

/** A person who has seen what stands in the way sends a change again. */
const sendAgain = async (commandId: string) =>
  expect(await commands.decide(shop.domain, { commandId, action: "sendAgain", by: ME })).toBe(
    "done",
  );

const taken = new Set<number>();

/** An order that no other test has touched, with something to send; a young one, since older ones are not imported. */
function freshOrder(): Order {
  for (const order of allOrders(shop).toReversed()) {
    if (order.cancelledAt !== null || order.closedAt !== null || taken.has(order.id)) continue;
    const open = order.fulfillmentOrders.some(
      ({ status, lines }) => status === "OPEN" && lines.some(({ remaining }) => remaining > 0),
    );
    if (!open) continue;
    taken.add(order.id);
    return order;
  }
  throw new Error("The shop has no open order left.");
}

/** What the shop now holds of an order: its books give out copies. */
function now({ ordinal }: Order): Order {
  const order = shop.orders.get(ordinal);
  if (!order) throw new Error("The order is gone.");
  return order;
}

/** The first part of an order that can be sent. */
function openPart(order: Order) {
  const part = now(order).fulfillmentOrders.find(
    ({ status, lines }) => status === "OPEN" && lines.some(({ remaining }) => remaining > 0),
  );
  if (!part) throw new Error("The order has nothing to send.");
  return part;
}

const partOf = (order: Order, id: number) => {
  const part = now(order).fulfillmentOrders.find((one) => one.id === id);
  if (!part) throw new Error("The part is gone.");
  return part;
};

/** How often the shop has taken a mutation that names something. */
const times = (mutation: string, named: string) =>
  shop.ledger.filter(
    (entry) => entry.mutation === mutation && JSON.stringify(entry.arguments).includes(named),
  ).length;

const here = async ({ id }: Order) => {
  const { value } = await getOrder(app.cluster, shop.domain, id);
  if (!value) throw new Error("The order is not here.");
  return value;
};

/** Somebody else at work in Shopify. */
const inShopify = () => app.admin(shop.domain);

const editing = (order: Order, change: object) => ({
  orderId: order.id,
  note: null,
  addTags: [],
  removeTags: [],
  ...change,
});

const noteOf = (order: Order, value: string) => ({ value, basedOn: now(order).note });

const writeNote = (order: Order, note: string) => {
  const id = globalId("Order", order.id);
  return inShopify().request(editOrder, {
    id,
    note: { id, note },
    changesNote: true,
    added: [],
    addsTags: false,
    removed: [],
    removesTags: false,
  });
};

const lost = [
  ["the answer is lost in a reset", { kind: "answer-lost", how: "reset_peer" }],
  ["it is applied late", { kind: "applied-late", ms: 1_000, how: "reset_peer" }],
] as const;

describe("a note and tags", () => {
  test("reach Shopify once, beside what others have tagged, and the page shows them at once", async () => {
    const order = freshOrder();
    const before = now(order).tags;
    const note = `Leave it with ${order.id}`;
    // The page does not know of this tag yet.
    const id = globalId("Order", order.id);
    await inShopify().request(editOrder, {
      id,
      note: { id, note: "" },
      changesNote: false,
      added: ["from-elsewhere"],
      addsTags: true,
      removed: [],
      removesTags: false,
    });
    const command = await submit(
      "order.edit",
      editing(order, { note: noteOf(order, note), addTags: ["gift", "Fragile"] }),
    );
    expect(await settled(command)).toMatchObject({ state: "done", problem: null, attempts: 1 });
    expect(now(order).note).toBe(note);
    expect(new Set(now(order).tags)).toEqual(
      new Set([...before, "from-elsewhere", "gift", "Fragile"]),
    );
    expect(await here(order)).toMatchObject({ note, expected: { note: null, tags: null } });
    expect((await here(order)).tags).toEqual(expect.arrayContaining(["Fragile", "gift"]));

    const second = await submit("order.edit", editing(order, { removeTags: ["GIFT"] }));
    expect(await settled(second)).toMatchObject({ state: "done" });
    expect(now(order).tags).not.toContain("gift");
    expect(now(order).tags).toContain("Fragile");
    expect(now(order).note).toBe(note);
    expect(times("orderUpdate", note)).toBe(1);
  });

  test.for(lost)("are written once when %s", async ([, fault]) => {
    const order = freshOrder();
    const note = `Note of ${order.id}`;
    const tag = `tag-${order.id}`;
    app.shopify.faults.set({ ...fault, operation: "EditOrder", times: 1 });
    const command = await submit(
      "order.edit",
      editing(order, { note: noteOf(order, note), addTags: [tag] }),
    );
    expect(await settled(command)).toMatchObject({ state: "done", problem: null });
    expect(now(order)).toMatchObject({ note, tags: expect.arrayContaining([tag]) as string[] });
    expect(times("orderUpdate", note)).toBe(1);
    expect(times("tagsAdd", tag)).toBe(1);
  });

  test("that are on their way are expected, together with those before them", async () => {
    const order = freshOrder();
    app.shopify.faults.set({ kind: "http-503", operation: "EditOrder" });
    const first = await submit(
      "order.edit",
      editing(order, { note: noteOf(order, "First"), addTags: ["one"] }),
    );
    const second = await submit(
      "order.edit",
      editing(order, { note: { value: "Second", basedOn: "First" }, addTags: ["two"] }),
    );
    const shown = await here(order);
    expect(shown.expected.note).toEqual({ value: "Second" });
    expect(shown.expected.tags).toEqual(expect.arrayContaining(["one", "two"]));
    expect(shown.pending).toMatchObject({ operationId: first, kind: "order.edit" });
    app.shopify.faults.clear();
    expect(await settled(first)).toMatchObject({ state: "done" });
    expect(await settled(second)).toMatchObject({ state: "done" });
    expect(now(order).note).toBe("Second");
  });

  test("a note that has changed in Shopify is a person's to decide, and tags go in any case", async () => {
    const order = freshOrder();
    const input = editing(order, { note: noteOf(order, "Mine"), addTags: ["mine"] });
    await writeNote(order, "Theirs");
    const command = await submit("order.edit", input);
    expect(await settled(command)).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(now(order)).toMatchObject({ note: "Theirs" });
    expect(now(order).tags).toContain("mine");
    // Whoever decides sees what Shopify has.
    expect(await here(order)).toMatchObject({
      note: "Theirs",
      noteConflict: { operationId: command, note: "Mine" },
    });

    // It changes once more: the person was told of another one.
    await writeNote(order, "Theirs again");
    await sendAgain(command);
    await app.until(async () => (await changeOf(command))?.state === "failed");
    expect(now(order).note).toBe("Theirs again");
    await sendAgain(command);
    expect(await settled(command)).toMatchObject({ state: "done" });
    expect(now(order).note).toBe("Mine");
    expect(times("tagsAdd", "mine")).toBe(1);
    expect((await here(order)).noteConflict).toBeNull();
  });

  test("that cannot be are refused next to their entry", async () => {
    const order = freshOrder();
    const edit = (change: object) => problems("order.edit", editing(order, change));
    expect(await edit({})).toEqual([{ field: null, message: "Nothing was changed." }]);
    expect(await edit({ note: noteOf(order, "x".repeat(5_001)) })).toEqual([
      { field: "note", message: "A note can have at most 5,000 characters." },
    ]);
    expect(await edit({ note: { value: "Mine", basedOn: "Never was" } })).toMatchObject([
      { field: "note", message: /changed meanwhile/ },
    ]);
    expect(await edit({ addTags: ["x".repeat(41)] })).toEqual([
      { field: "tags", message: "A tag can have at most 40 characters." },
    ]);
    expect(await edit({ addTags: ["a,b"] })).toMatchObject([{ field: "tags" }]);
    const many = Array.from({ length: 250 }, (_, n) => `tag ${n}`);
    expect(await edit({ addTags: [...many, "one more"] })).toEqual([
      { field: "tags", message: "An order can have at most 250 tags." },
    ]);
    await settled(await submit("order.edit", editing(order, { addTags: ["kept"] })));
    expect(await edit({ addTags: many })).toEqual([
      { field: "tags", message: "An order can have at most 250 tags." },
    ]);
    expect(await problems("order.edit", editing(order, { orderId: 1, addTags: ["a"] }))).toEqual([
      { field: null, message: "This order no longer exists." },
    ]);
  });
});

describe("a hold", () => {
  const holding = (order: Order, id: number) => ({
    orderId: order.id,
    fulfillmentOrderIds: [id],
    reason: "incorrect_address",
    notes: "Ask for the house number",
  });
  const releasing = async (order: Order, id: number) => ({
    orderId: order.id,
    fulfillmentOrders: [
      {
        id,
        holdIds: (await here(order)).fulfillmentOrders
          .filter((part) => part.id === id)
          .flatMap(({ holds }) => holds.flatMap((hold) => hold.id ?? [])),
      },
    ],
  });

  test("is set and released once, and the page shows both at once", async () => {
    const order = freshOrder();
    const { id } = openPart(order);
    const hold = await submit("order.hold", holding(order, id));
    expect(await settled(hold)).toMatchObject({ state: "done", problem: null });
    expect(partOf(order, id).status).toBe("ON_HOLD");
    const shown = (await here(order)).fulfillmentOrders.find((part) => part.id === id);
    expect(shown).toMatchObject({
      status: "on_hold",
      holds: [{ reason: "incorrect_address", notes: "Ask for the house number" }],
    });
    expect(await problems("order.hold", holding(order, id))).toEqual([
      { field: "parts", message: "This part is on hold already." },
    ]);

    const release = await submit("order.release", await releasing(order, id));
    expect(await settled(release)).toMatchObject({ state: "done", problem: null });
    expect(partOf(order, id)).toMatchObject({ status: "OPEN", holds: [] });
    expect((await here(order)).fulfillmentOrders.find((part) => part.id === id)).toMatchObject({
      status: "open",
      holds: [],
    });
    expect(times("fulfillmentOrderHold", hold)).toBe(1);
    expect(times("fulfillmentOrderReleaseHold", `FulfillmentOrder/${id}"`)).toBe(1);
  });

  test.for(lost)("is set once, and released once, when %s", async ([, fault]) => {
    const order = freshOrder();
    const { id } = openPart(order);
    app.shopify.faults.set({ ...fault, operation: "fulfillmentOrderHold", times: 1 });
    const hold = await submit("order.hold", holding(order, id));
    expect(await settled(hold)).toMatchObject({ state: "done", problem: null });
    expect(partOf(order, id).holds).toHaveLength(1);
    expect(times("fulfillmentOrderHold", hold)).toBe(1);

    app.shopify.faults.set({ ...fault, operation: "fulfillmentOrderReleaseHold", times: 1 });
    const release = await submit("order.release", await releasing(order, id));
    expect(await settled(release)).toMatchObject({ state: "done", problem: null });
    expect(partOf(order, id)).toMatchObject({ status: "OPEN", holds: [] });
    expect(times("fulfillmentOrderReleaseHold", `FulfillmentOrder/${id}"`)).toBe(1);
  });

  test("whose answer was lost, and which somebody has released since, is a person's to decide", async () => {
    const order = freshOrder();
    const { id } = openPart(order);
    app.shopify.faults.set({ kind: "answer-lost", operation: "fulfillmentOrderHold", times: 1 });
    // Nothing is looked at again before somebody has been at it.
    const applied = once(shop.events, "event").then(() =>
      app.shopify.faults.set({ kind: "http-423", operation: "HoldsById" }),
    );
    const hold = await submit("order.hold", holding(order, id));
    await applied;
    await inShopify().request(releaseHolds, {
      id: globalId("FulfillmentOrder", id),
      holdIds: partOf(order, id).holds.map((one) => globalId("FulfillmentHold", one.id)),
    });
    app.shopify.faults.clear();
    const change = await settled(hold);
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toMatch(/cannot find out whether this hold was set/);
    expect(partOf(order, id).status).toBe("OPEN");
    // They say that it is still wanted.
    await sendAgain(hold);
    expect(await settled(hold)).toMatchObject({ state: "done" });
    expect(partOf(order, id).status).toBe("ON_HOLD");
  });

  test("that was set in Shopify meanwhile is not released with those that were seen", async () => {
    const order = freshOrder();
    const { id } = openPart(order);
    await settled(await submit("order.hold", holding(order, id)));
    const seen = await releasing(order, id);
    await inShopify().request(holdFulfillmentOrder, {
      id: globalId("FulfillmentOrder", id),
      hold: { reason: "HIGH_RISK_OF_FRAUD", reasonNotes: null, handle: "another" },
    });
    expect(await settled(await submit("order.release", seen))).toMatchObject({ state: "done" });
    expect(partOf(order, id)).toMatchObject({
      status: "ON_HOLD",
      holds: [{ reason: "HIGH_RISK_OF_FRAUD" }],
    });
    // Where their ids are not known, all that there are go.
    const all = { orderId: order.id, fulfillmentOrders: [{ id, holdIds: null }] };
    expect(await settled(await submit("order.release", all))).toMatchObject({ state: "done" });
    expect(partOf(order, id).status).toBe("OPEN");
  });

  test("of what was sent meanwhile is a person's to decide", async () => {
    const order = freshOrder();
    const { id, lines } = openPart(order);
    app.shopify.faults.set({ kind: "http-423", operation: "HoldsById" });
    const hold = await submit("order.hold", holding(order, id));
    expect(await problems("order.hold", holding(order, id))).toMatchObject([{ field: "parts" }]);
    expect((await here(order)).expected.held).toMatchObject([{ fulfillmentOrderId: id }]);
    await inShopify().request(createFulfillment, {
      fulfillment: {
        lineItemsByFulfillmentOrder: [
          {
            fulfillmentOrderId: globalId("FulfillmentOrder", id),
            fulfillmentOrderLineItems: lines
              .filter(({ remaining }) => remaining > 0)
              .map((line) => ({
                id: globalId("FulfillmentOrderLineItem", line.id),
                quantity: line.remaining,
              })),
          },
        ],
        trackingInfo: null,
        notifyCustomer: false,
      },
    });
    app.shopify.faults.clear();
    const change = await settled(hold);
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toMatch(/nothing to hold/);
    expect(times("fulfillmentOrderHold", hold)).toBe(0);
  });

  test("that cannot be is refused next to its entry", async () => {
    const order = freshOrder();
    const { id } = openPart(order);
    const ask = (change: object) => problems("order.hold", { ...holding(order, id), ...change });
    expect(await ask({ reason: "because" })).toEqual([
      { field: "reason", message: "Choose a reason." },
    ]);
    expect(await ask({ notes: "x".repeat(256) })).toMatchObject([{ field: "notes" }]);
    expect(await ask({ fulfillmentOrderIds: [] })).toMatchObject([{ field: "parts" }]);
    expect(await ask({ fulfillmentOrderIds: [1] })).toEqual([
      { field: "parts", message: "This part is not in the order any more." },
    ]);
    expect(
      await problems("order.release", {
        orderId: order.id,
        fulfillmentOrders: [{ id, holdIds: null }],
      }),
    ).toEqual([{ field: "parts", message: "This part is not on hold." }]);
    await app.owner`update orders set cancelled_at = now()
      where shop = ${shop.domain} and id = ${order.id}`;
    expect(await ask({})).toEqual([
      { field: null, message: `${order.name} was cancelled: there is nothing to hold.` },
    ]);
  });
});

describe("a fulfillment that is cancelled", () => {
  /** Everything that can be sent of a fresh order, sent. */
  async function sentOrder() {
    const order = freshOrder();
    const { id, lines } = openPart(order);
    const units = lines.filter(({ remaining }) => remaining > 0);
    await settled(
      await submit("order.fulfil", {
        orderId: order.id,
        fulfillmentOrders: [
          { id, lines: units.map((line) => ({ id: line.id, quantity: line.remaining })) },
        ],
        tracking: null,
        notifyCustomer: false,
      }),
    );
    const fulfillment = now(order).fulfillments.at(-1);
    if (!fulfillment) throw new Error("Nothing was sent.");
    return { order, fulfillment };
  }
  const cancelling = (order: Order, fulfillmentId: number) => ({
    orderId: order.id,
    fulfillmentId,
  });
  const cancelled = (id: number) => times("fulfillmentCancel", `Fulfillment/${id}"`);

  test("is cancelled once, and what it sent is to be sent again at once", async () => {
    const { order, fulfillment } = await sentOrder();
    const input = cancelling(order, fulfillment.id);
    const command = await submit("order.cancel-fulfilment", input);
    expect(await settled(command)).toMatchObject({ state: "done", problem: null });
    const shown = await here(order);
    expect(shown.fulfillments.find(({ id }) => id === fulfillment.id)?.status).toBe("cancelled");
    expect(shown.unitsToFulfil).toBeGreaterThan(0);
    expect(cancelled(fulfillment.id)).toBe(1);
    expect(await problems("order.cancel-fulfilment", input)).toEqual([
      { field: null, message: "This fulfillment was cancelled already." },
    ]);
    expect(await problems("order.cancel-fulfilment", cancelling(order, 1))).toEqual([
      { field: null, message: "This fulfillment is not in the order any more." },
    ]);
  });

  test.for(lost)("is cancelled once when %s", async ([, fault]) => {
    const { order, fulfillment } = await sentOrder();
    app.shopify.faults.set({ ...fault, operation: "fulfillmentCancel", times: 1 });
    const command = await submit("order.cancel-fulfilment", cancelling(order, fulfillment.id));
    expect(await settled(command)).toMatchObject({ state: "done", problem: null });
    expect(now(order).fulfillments.find(({ id }) => id === fulfillment.id)?.status).toBe(
      "CANCELLED",
    );
    expect(cancelled(fulfillment.id)).toBe(1);
  });

  test("in Shopify meanwhile is done", async () => {
    const { order, fulfillment } = await sentOrder();
    app.shopify.faults.set({ kind: "http-423", operation: "FulfillmentStatus" });
    const command = await submit("order.cancel-fulfilment", cancelling(order, fulfillment.id));
    expect((await here(order)).expected.cancelled).toEqual([fulfillment.id]);
    await inShopify().request(cancelFulfillment, { id: globalId("Fulfillment", fulfillment.id) });
    app.shopify.faults.clear();
    expect(await settled(command)).toMatchObject({ state: "done", problem: null });
    expect(cancelled(fulfillment.id)).toBe(1);
  });
});
