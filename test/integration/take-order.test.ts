import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createCommands, type Commands } from "../../app/commands/commands.server.ts";
import { getChange } from "../../app/commands/queries.server.ts";
import type { TakeInput } from "../../app/commands/take-order/input.ts";
import type { PendingChange } from "../../app/commands/types.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { operation } from "../../app/shopify/operation.ts";
import { createDraft } from "../../app/shopify/operations/draft-orders.ts";
import { defaultOrderQuery } from "../../app/orders/order-query.ts";
import { listOrders } from "../../app/orders/queries.server.ts";
import { getTaken, listTaken } from "../../app/orders/taken.server.ts";
import { takenNumber } from "../../app/orders/taken-number.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import type { DraftOrder, Variant } from "../sandbox/shopify/shop/model.ts";
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
    shops: createShops({ orders: 60, searchLagMs: 0 }),
  });
  [shop] = app.shops as [ShopStore];
  commands = createCommands({
    cluster: app.cluster,
    writes: app.writes,
    durability: "primary",
    jobs: app.jobs,
    admin: app.admin,
    logger,
    settleMs: 500,
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

const price = (variant: Variant) => (variant.price / 100).toFixed(2);

const lineOf = (variant: Variant, quantity: number) => ({
  variantId: variant.id,
  quantity,
  unitPrice: price(variant),
  title: variant.product.title,
  variantTitle: null,
  sku: variant.sku,
});

/** The variants that the shop has in stock, in the order of its catalogue. */
function stocked(store: ShopStore = shop): [Variant, Variant, ...Variant[]] {
  const found = [...store.variants.values()].filter(({ item }) =>
    item.levels.some(({ isActive, quantities }) => isActive && quantities.available > 9),
  );
  return found as [Variant, Variant, ...Variant[]];
}

function orderOf(change: Partial<TakeInput> = {}, store: ShopStore = shop): TakeInput {
  const [one, two] = stocked(store);
  return {
    id: randomUUID(),
    lines: [lineOf(one, 2), lineOf(two, 1)],
    currency: store.currency,
    customer: { id: null, name: "Ada Lovelace", email: "ada@example.com" },
    shippingAddress: null,
    discount: null,
    shipping: null,
    note: null,
    payment: "paid",
    ...change,
  };
}

async function take(input: TakeInput, operationId: string = randomUUID()): Promise<string> {
  const result = await commands.submit(shop.domain, {
    operationId,
    kind: "order.take",
    input,
    requestedBy: ME,
  });
  expect(result).toMatchObject({ kind: "accepted", change: { operationId, kind: "order.take" } });
  return operationId;
}

/** Resolves when a change has come to an end, or to a person. */
async function settled(operationId: string): Promise<PendingChange> {
  let change: PendingChange | null = null;
  await app.until(async () => {
    change = (await getChange(app.cluster, shop.domain, operationId)).value;
    return change !== null && ["done", "failed", "discarded"].includes(change.state);
  });
  return change!;
}

const draftsOf = ({ id }: TakeInput, store: ShopStore = shop): DraftOrder[] =>
  [...store.drafts.values()].filter(({ tags }) => tags.includes(takenNumber(id)));
const ordersOf = ({ id }: TakeInput, store: ShopStore = shop) =>
  allOrders(store).filter(({ tags }) => tags.includes(takenNumber(id)));
/** What is remembered of a change between attempts. */
async function notesOf(id: string): Promise<{ finishingAt?: string }> {
  const [row] = await app.owner<{ notes: { finishingAt?: string } | null }[]>`
    select result as notes from commands where shop = ${shop.domain} and id = ${id}`;
  return row?.notes ?? {};
}

const completeByHand = operation(
  `mutation ByHand($id: ID!) { draftOrderComplete(id: $id) { userErrors { message } } }`,
);

/** A request to Shopify that none of the app's breakers and limits stands before. */
async function besideTheApp({ text }: { readonly text: string }, variables: object): Promise<void> {
  const answer = await fetch(`https://${shop.domain}/admin/api/2026-10/graphql.json`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-shopify-access-token": await app.token(shop.domain),
    },
    body: JSON.stringify({ query: text, variables }),
  });
  expect(await answer.json()).toMatchObject({ data: expect.anything() as unknown });
}

/** How often the shop's own book has a mutation about a draft. */
const entriesOf = (mutation: string, draft: DraftOrder | undefined) =>
  shop.ledger.filter(
    (entry) =>
      entry.mutation === mutation &&
      entry.resources.includes(`gid://shopify/DraftOrder/${draft?.id}`),
  );

describe("an order that was paid outside", () => {
  test("becomes one paid order with its lines, discount, shipping, address and note", async () => {
    const customer = shop.customerAt(4);
    const input = orderOf({
      customer: { id: customer?.id ?? 0, name: null, email: "ada@example.com" },
      discount: { kind: "percent", value: "10", reason: "Friend" },
      shipping: { title: "Bike courier", price: "4.95" },
      note: "Ring twice.",
      shippingAddress: {
        name: "Ada King Lovelace",
        company: null,
        address1: "Hauptstr. 1",
        address2: null,
        zip: "10115",
        city: "Berlin",
        province: null,
        provinceCode: null,
        country: "Germany",
        countryCode: "DE",
        phone: null,
      },
    });
    const change = await settled(await take(input));
    expect(change).toMatchObject({
      state: "done",
      problem: null,
      attempts: 1,
      subject: takenNumber(input.id),
    });
    expect(draftsOf(input)).toHaveLength(1);
    const [order, ...more] = ordersOf(input);
    expect(more).toEqual([]);
    expect(order).toMatchObject({
      customerId: customer?.id,
      note: "Ring twice.",
      shippingAddress: { firstName: "Ada King", lastName: "Lovelace", city: "Berlin" },
    });
    expect(order?.lines.map(({ variantId, quantity }) => [variantId, quantity])).toEqual(
      input.lines.map(({ variantId, quantity }) => [variantId, quantity]),
    );
    const [row] = await app.owner<{ payment_status: string; units: number; note: string }[]>`
      select payment_status, units, note from orders where shop = ${shop.domain} and id = ${order?.id ?? 0}`;
    expect(row).toEqual({ payment_status: "paid", units: 3, note: "Ring twice." });
  });

  test("costs what was agreed, where the price has changed since", async () => {
    const [variant] = stocked();
    const input = orderOf({ lines: [{ ...lineOf(variant, 1), unitPrice: "1.23" }] });
    await settled(await take(input));
    const lines = ordersOf(input).flatMap((order) => order.lines);
    expect(lines.map(({ unitPrice }) => unitPrice.shop)).toEqual([123]);
  });

  test.for([
    [
      "asking for the draft is lost in a reset",
      "draftOrderCreate",
      { kind: "answer-lost", how: "reset_peer" },
    ],
    [
      "asking for the draft is lost in a 502",
      "draftOrderCreate",
      { kind: "answer-lost", how: "http-502" },
    ],
    ["asking for the draft never gets there", "draftOrderCreate", { kind: "reset_peer" }],
    ["Shopify is unavailable for the draft", "draftOrderCreate", { kind: "http-503" }],
    ["the draft is made late", "draftOrderCreate", { kind: "applied-late", ms: 300 }],
    [
      "completing is lost in a reset",
      "draftOrderComplete",
      { kind: "answer-lost", how: "reset_peer" },
    ],
    ["completing never gets there", "draftOrderComplete", { kind: "reset_peer" }],
    ["the completion breaks off", "draftOrderComplete", { kind: "limit_data" }],
    ["completing happens late", "draftOrderComplete", { kind: "applied-late", ms: 300 }],
    ["reading the draft fails", "draftOrder", { kind: "http-503" }],
  ] as const)("becomes one order when %s", async ([, named, fault]) => {
    app.shopify.faults.set({ ...fault, operation: named, times: 1 });
    const input = orderOf();
    expect(await settled(await take(input))).toMatchObject({ state: "done", problem: null });
    expect(ordersOf(input)).toHaveLength(1);
    expect(draftsOf(input).map(({ status }) => status)).toEqual(["COMPLETED"]);
  });

  test("sent many times at once becomes one order", async () => {
    const input = orderOf();
    const id = randomUUID();
    await Promise.all(Array.from({ length: 6 }, () => take(input, id)));
    await settled(id);
    await take(input, id);
    expect(ordersOf(input)).toHaveLength(1);
    expect(draftsOf(input)).toHaveLength(1);
  });

  describe("a draft that turns up after another had to be made", () => {
    /** Has a draft made for the second time, and then the first one turn up. */
    async function takeWithLateDraft() {
      app.shopify.faults.set({ kind: "reset_peer", operation: "draftOrderCreate", times: 1 });
      const completing = { kind: "http-503", operation: "CompleteDraft" } as const;
      app.shopify.faults.set(completing);
      const input = orderOf();
      const id = await take(input);
      await app.until(async () => (await notesOf(id)).finishingAt !== undefined);
      // From here on no attempt gets any further than to look for drafts, and the one before is over.
      const looking = app.shopify.faults.set({ kind: "http-503", operation: "SearchDrafts" });
      await app.until(async () =>
        app.shopify.faults.list().some((fault) => fault.id === looking && fault.struck > 0),
      );
      const [second] = draftsOf(input);
      if (!second) throw new Error("There is no draft.");
      await besideTheApp(createDraft, {
        input: {
          lineItems: second.lines.map(({ variant, quantity }) => ({
            variantId: `gid://shopify/ProductVariant/${variant?.id}`,
            quantity,
          })),
          tags: second.tags,
          customAttributes: second.attributes,
        },
      });
      const [, late] = draftsOf(input);
      if (!late) throw new Error("There is no second draft.");
      expect(draftsOf(input)).toHaveLength(2);
      return { id, input, late, goOn: () => app.shopify.faults.clear() };
    }

    test("is deleted", async () => {
      const { id, input, late, goOn } = await takeWithLateDraft();
      goOn();
      expect(await settled(id)).toMatchObject({ state: "done" });
      expect(ordersOf(input)).toHaveLength(1);
      expect(draftsOf(input).map(({ status }) => status)).toEqual(["COMPLETED"]);
      expect(draftsOf(input)).not.toContain(late);
    });

    test("is taken for ours where somebody has made it an order", async () => {
      const { id, input, late, goOn } = await takeWithLateDraft();
      await besideTheApp(completeByHand, { id: `gid://shopify/DraftOrder/${late.id}` });
      goOn();
      expect(await settled(id)).toMatchObject({ state: "done" });
      expect(ordersOf(input)).toHaveLength(1);
      expect(draftsOf(input)).toEqual([late]);
    });
  });
});

describe("an order that was taken here", () => {
  const listed = async ({ id }: TakeInput) =>
    (await listTaken(app.cluster, shop.domain)).value.find((order) => order.id === id);
  const takenHere = async () =>
    (await listOrders(app.cluster, shop.domain, { ...defaultOrderQuery, tab: "taken-here" })).value
      .orders;

  test("is shown at once, and Shopify's order takes its place", async () => {
    const away = app.shopify.faults.set({ kind: "http-503", operation: "draftOrderCreate" });
    const input = orderOf({ discount: { kind: "percent", value: "50", reason: null } });
    const id = await take(input);
    const shown = await listed(input);
    expect(shown).toMatchObject({
      number: takenNumber(input.id),
      orderId: null,
      customer: input.customer,
      change: { operationId: id, ring: "shopify" },
    });
    expect(Number(shown?.totals.total)).toBeCloseTo(Number(shown?.totals.subtotal) / 2, 1);
    expect(ordersOf(input)).toEqual([]);

    app.shopify.faults.clear(away);
    expect(await settled(id)).toMatchObject({ state: "done" });
    expect(await listed(input)).toBeUndefined();
    const [order] = ordersOf(input);
    expect((await getTaken(app.cluster, shop.domain, input.id)).value).toMatchObject({
      orderId: order?.id,
    });
    expect((await takenHere()).filter(({ id: one }) => one === order?.id)).toHaveLength(1);
    // What Shopify tells of it later does not change where it began.
    await app.settled();
    expect((await takenHere()).filter(({ id: one }) => one === order?.id)).toHaveLength(1);
  });

  test("is found by its number when the customer pays the invoice later", async () => {
    const input = orderOf({ payment: "invoice" });
    await settled(await take(input));
    expect(await listed(input)).toMatchObject({ orderId: null, change: { state: "done" } });
    const [draft] = draftsOf(input);
    await besideTheApp(completeByHand, { id: `gid://shopify/DraftOrder/${draft?.id}` });
    await app.settled();
    const [order] = ordersOf(input);
    expect((await getTaken(app.cluster, shop.domain, input.id)).value?.orderId).toBe(order?.id);
    expect(await listed(input)).toBeUndefined();
    expect((await takenHere()).map(({ id }) => id)).toContain(order?.id);
  });

  test("is not taken twice by a form that is sent again with other entries", async () => {
    const input = orderOf();
    await settled(await take(input));
    const again = await commands.submit(shop.domain, {
      operationId: randomUUID(),
      kind: "order.take",
      input: { ...input, note: "Another one?" },
      requestedBy: ME,
    });
    expect(again).toMatchObject({
      kind: "invalid",
      problems: [
        { field: null, message: expect.stringContaining(takenNumber(input.id)) as string },
      ],
    });
    expect(ordersOf(input)).toHaveLength(1);
  });

  test("forgets a customer who has asked for it", async () => {
    const customer = shop.customerAt(7);
    if (!customer) throw new Error("The shop has no such customer.");
    const person = { id: customer.id, name: "Mary Somerville", email: "mary@example.com" };
    const input = orderOf({ customer: person, note: "For Mary", payment: "invoice" });
    const byAddress = orderOf({
      customer: { ...person, id: null, email: customer.email?.toUpperCase() ?? "" },
    });
    await settled(await take(input));
    await settled(await take(byAddress));
    app.shopify.webhooks.redactCustomer(shop, customer, []);
    await app.settled();
    for (const { id, lines } of [input, byAddress]) {
      const { value } = await getTaken(app.cluster, shop.domain, id);
      expect(value).toMatchObject({ customer: null, shippingAddress: null, note: null, lines });
    }
    const [kept] = await app.owner<{ kept: number }[]>`
      select count(*)::int as kept from commands where input::text like '%Somerville%'`;
    expect(kept).toEqual({ kept: 0 });
  });
});

describe("an order whose invoice is sent", () => {
  test("is a draft whose customer has had one e-mail", async () => {
    const input = orderOf({ payment: "invoice" });
    expect(await settled(await take(input))).toMatchObject({ state: "done", problem: null });
    const [draft] = draftsOf(input);
    expect(draft).toMatchObject({ status: "INVOICE_SENT", email: "ada@example.com" });
    expect(entriesOf("draftOrderInvoiceSend", draft)).toHaveLength(1);
    expect(ordersOf(input)).toEqual([]);
  });

  test.for([
    ["is lost", { kind: "answer-lost", how: "reset_peer" }],
    ["is lost before it gets there", { kind: "reset_peer" }],
    ["comes late", { kind: "applied-late", ms: 300 }],
  ] as const)("sends one e-mail when the answer %s", async ([, fault]) => {
    app.shopify.faults.set({ ...fault, operation: "draftOrderInvoiceSend", times: 1 });
    const input = orderOf({ payment: "invoice" });
    expect(await settled(await take(input))).toMatchObject({ state: "done" });
    const [draft] = draftsOf(input);
    expect(entriesOf("draftOrderInvoiceSend", draft)).toHaveLength(1);
  });
});

describe("what a person has to decide", () => {
  test.for([
    ["before it was to become an order", "draftOrder", /Send it again to have a new one made/],
    [
      "after it may have become an order",
      "draftOrderComplete",
      /Look in Shopify for an order tagged EK-/,
    ],
  ] as const)("a draft that somebody deleted %s", async ([, named, words]) => {
    const stay = app.shopify.faults.set({ kind: "http-503", operation: named });
    const input = orderOf();
    const id = await take(input);
    await app.until(async () => {
      const { value } = await getChange(app.cluster, shop.domain, id);
      return draftsOf(input).length === 1 && (value?.problem ?? null) !== null;
    });
    const [draft] = draftsOf(input);
    shop.drafts.delete(draft?.id ?? 0);
    app.shopify.faults.clear(stay);
    const change = await settled(id);
    expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
    expect(change.problem).toMatch(words);
    expect(ordersOf(input)).toEqual([]);

    expect(await commands.decide(shop.domain, { commandId: id, action: "sendAgain", by: ME })).toBe(
      "done",
    );
    await app.until(
      async () => (await getChange(app.cluster, shop.domain, id)).value?.state === "done",
    );
    expect(ordersOf(input)).toHaveLength(1);
  });

  test("a product that Shopify no longer has", async () => {
    const input = orderOf();
    const [line] = input.lines;
    const variant = shop.variants.get(line?.variantId ?? 0);
    if (!variant) throw new Error("The shop has no such variant.");
    shop.variants.delete(variant.id);
    try {
      const change = await settled(await take(input));
      expect(change).toMatchObject({ state: "failed", ring: "needs-you" });
      expect(change.problem).toBe(
        `Shopify no longer has ${variant.product.title}. Discard this order, and take it again without it.`,
      );
      expect(draftsOf(input)).toEqual([]);
    } finally {
      shop.variants.set(variant.id, variant);
    }
  });

  test("what can be seen here is said at once, beside its field", async () => {
    const ask = async (input: TakeInput) => {
      const answer = await commands.submit(shop.domain, {
        operationId: randomUUID(),
        kind: "order.take",
        input,
        requestedBy: ME,
      });
      return answer.kind === "invalid" ? answer.problems.map(({ field }) => field) : [];
    };
    const [variant] = stocked();
    expect(await ask(orderOf({ lines: [{ ...lineOf(variant, 1), variantId: 1 }] }))).toEqual([
      "quantity.1",
    ]);
    expect(
      await ask(orderOf({ discount: { kind: "amount", value: "99999", reason: null } })),
    ).toEqual(["value"]);
    expect(await ask(orderOf({ currency: "XTS" }))).toEqual([null]);
    expect(await ask(orderOf({ payment: "invoice", customer: null }))).toEqual(["email"]);
  });
});

describe("a worker that dies", () => {
  test("after Shopify has made the draft and before that is known makes one order", async () => {
    const own = await server.createDatabase();
    const parts = await startShopifyApp({
      database: own,
      work: false,
      shops: createShops({ orders: 40, searchLagMs: 0 }),
    });
    const [store] = parts.shops as [ShopStore];
    await parts.owner.unsafe(`create trigger tell_tests after insert or update on commands
        for each statement execute function tell_tests()`);
    const outbox = createCommands({
      cluster: parts.cluster,
      writes: parts.writes,
      durability: "primary",
      jobs: parts.jobs,
      admin: parts.admin,
      logger,
      settleMs: 0,
    });
    const input = orderOf({}, store);
    const at = new Date(0);
    for (const { variantId } of input.lines) {
      const variant = store.variants.get(variantId);
      if (!variant) throw new Error("The shop has no such variant.");
      await parts.owner`insert into products (shop, id, title, handle, status, created_at, updated_at)
          values (${store.domain}, ${variant.product.id}, 'x', 'x', 'active', ${at}, ${at}) on conflict do nothing`;
      await parts.owner`insert into variants (shop, id, product_id, inventory_item_id, price, updated_at)
          values (${store.domain}, ${variant.id}, ${variant.product.id}, ${variant.item.id}, 1, ${at})`;
    }
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
      parts.shopify.faults.set({
        kind: "answer-lost",
        how: "timeout",
        operation: "draftOrderCreate",
        times: 1,
      });
      const applied = new Promise<void>((resolve) => {
        store.events.on("event", () => {
          if (draftsOf(input, store).length > 0) resolve();
        });
      });
      const operationId = randomUUID();
      await outbox.submit(store.domain, {
        operationId,
        kind: "order.take",
        input,
        requestedBy: ME,
      });
      await applied;
      await kill();
      await parts.jobs.start();
      await parts.until(
        async () =>
          (await getChange(parts.cluster, store.domain, operationId)).value?.state === "done",
      );
      expect(ordersOf(input, store)).toHaveLength(1);
      expect(draftsOf(input, store).map(({ status }) => status)).toEqual(["COMPLETED"]);
    } finally {
      await kill();
      await parts[Symbol.asyncDispose]();
      await own.drop();
    }
  });
});
