import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { webhookDeliveries } from "../../app/database/schema.ts";
import { topics } from "../../app/webhooks/topics.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { readAppToml } from "../sandbox/shopify/index.ts";
import { createShops, SeededRandom, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { isActive } from "../sandbox/shopify/shop/order-state.ts";
import { ShopLife } from "../sandbox/shopify/shop/life.ts";
import { inventoryLevelPayload } from "../sandbox/shopify/shop/payloads/inventory.ts";
import { orderPayload } from "../sandbox/shopify/shop/payloads/order.ts";
import { productPayload } from "../sandbox/shopify/shop/payloads/product.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { expectShopsContent, rowOf, storedOrders, visibleOrders } from "./support/shop-content.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

let server: TestServer;
let database: TestDatabase;
let app: ShopifyApp;
let shop: ShopStore;
let life: ShopLife;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  database = await server.createDatabase();
  app = await startShopifyApp({
    database,
    shops: createShops({ orders: 80, searchLagMs: 0, random: new SeededRandom(7) }),
  });
  [shop] = app.shops as [ShopStore];
  life = new ShopLife(shop);
  await app.importShop(shop.domain);
});
afterEach(async () => {
  await app?.[Symbol.asyncDispose]();
  await database.drop();
});

interface DeliveryRow {
  topic: string;
  state: string;
  error: string | null;
  attempts: number;
}

async function deliveries(): Promise<DeliveryRow[]> {
  return [
    ...(await app.owner<DeliveryRow[]>`
      select topic, state, error, attempts from webhook_deliveries order by sequence`),
  ];
}

/** Puts a delivery into the inbox as the intake does. */
async function deliver(
  topic: string,
  payload: unknown,
  { at = new Date(), to = shop.domain, id = String(randomUUID()) } = {},
): Promise<string> {
  await app.cluster.system((db) =>
    db
      .insert(webhookDeliveries)
      .values({
        shop: to,
        id,
        topic,
        apiVersion: "2026-10",
        triggeredAt: at,
        body: typeof payload === "string" ? payload : JSON.stringify(payload),
      })
      .onConflictDoNothing(),
  );
  app.inbox.wake();
  return id;
}

const someOrder = (which: (order: ReturnType<typeof rowOf>) => boolean = () => true) => {
  const found = visibleOrders(shop).find((order) => which(rowOf(shop, order)));
  if (!found) throw new Error("The shop has no such order.");
  return found;
};

/** Ships the oldest order that still can be read; what is older than 60 days is only told of. */
function fulfilOne(random: SeededRandom): void {
  const order = someOrder(
    (row) => row.units_to_fulfil > 0 && row.fulfillment_status === "unfulfilled",
  );
  life.fulfilOrder(order, random);
}

describe("what happens in the shop", () => {
  test("is in the tables once its webhooks are in: orders, stock, products, locations", async () => {
    const random = new SeededRandom(11);
    life.placeOrders(6, random);
    for (let n = 0; n < 4; n++) fulfilOne(random);
    life.cancelOrder(someOrder((order) => order.fulfillments.length === 0 && !order.cancelled_at));
    life.deleteOrder(someOrder((order) => order.cancelled_at !== null));
    for (let n = 0; n < 6; n++) life.changeStock(random);
    for (let n = 0; n < 4; n++) life.editProduct(random);
    life.deleteProduct([...shop.products.values()][3]!);
    life.editLocation([...shop.locations.values()][1]!, { name: "The shed" });
    await app.settled();
    await expectShopsContent(app, shop);
    expect((await deliveries()).filter(({ state }) => state === "dead")).toEqual([]);
  });

  test("is the same in the tables when webhooks come twice, late and in any order", async () => {
    app.shopify.webhooks.behave({ duplicateRate: 0.4, disorderRate: 0.5, disorderMs: 400 });
    const random = new SeededRandom(5);
    for (let round = 0; round < 12; round++) {
      life.placeOrder(random);
      fulfilOne(random);
      life.changeStock(random);
      life.editProduct(random);
      if (round % 4 === 3) {
        life.cancelOrder(
          someOrder((order) => order.fulfillments.length === 0 && !order.cancelled_at),
        );
        life.deleteOrder(someOrder((order) => order.cancelled_at !== null));
        life.deleteProduct([...shop.products.values()][round]!);
      }
    }
    await app.settled();
    await expectShopsContent(app, shop);
  });

  test("reaches the tables in part at once, and in whole after the read by id", async () => {
    const order = someOrder((row) => row.units_to_fulfil > 0 && row.fulfillments.length === 0);
    await app.shopify.asShopify(
      shop.domain,
      `mutation { orderUpdate(input: { id: "gid://shopify/Order/${order.id}", note: "Ring twice" }) { userErrors { message } } }`,
    );
    await app.shopify.webhooks.settled();
    await app.until(async () => {
      const rows = await app.owner`select note from orders where id = ${order.id}`;
      return rows[0]?.note === "Ring twice";
    });
    await app.settled();
    expect((await storedOrders(app, shop.domain)).get(order.id)).toEqual(rowOf(shop, order));
  });

  test("of a hold is in the tables, although the order itself was not touched", async () => {
    const order = someOrder((row) => row.fulfillment_status === "unfulfilled" && row.units > 0);
    const [part] = order.fulfillmentOrders.filter(isActive);
    const { data, errors } = await app.shopify.asShopify(
      shop.domain,
      `mutation { fulfillmentOrderHold(id: "gid://shopify/FulfillmentOrder/${part!.id}",
         fulfillmentHold: { reason: INCORRECT_ADDRESS, reasonNotes: "No such street" }) { userErrors { message } } }`,
    );
    expect([errors, data]).toEqual([undefined, { fulfillmentOrderHold: { userErrors: [] } }]);
    await app.settled();
    const [row] = await app.owner`
      select f.status, f.holds, o.fulfillment_status
      from fulfillment_orders f join orders o on o.id = f.order_id where f.id = ${part!.id}`;
    expect(row).toEqual({
      status: "on_hold",
      holds: [{ id: part!.holds[0]!.id, reason: "incorrect_address", notes: "No such street" }],
      fulfillment_status: "on_hold",
    });
    // A fulfillment order that was never heard of leads to its order too.
    await app.owner`delete from fulfillment_orders`;
    await deliver("fulfillment_orders/hold_released", {
      fulfillment_order: { id: `gid://shopify/FulfillmentOrder/${part!.id}`, status: "open" },
    });
    await app.settled();
    expect(await app.owner`select id from fulfillment_orders where id = ${part!.id}`).toHaveLength(
      1,
    );
  });

  test("of one shop leaves the other's rows alone", async () => {
    const [, other] = app.shops as [ShopStore, ShopStore];
    await app.importShop(other.domain);
    life.placeOrders(3);
    new ShopLife(other).placeOrders(2);
    await app.settled();
    await expectShopsContent(app, shop);
    await expectShopsContent(app, other);
  });
});

describe("a webhook", () => {
  test("that is older than what is known changes nothing", async () => {
    const order = someOrder();
    const old = { ...orderPayload(shop, order), note: "from before" };
    old.updated_at = new Date(order.updatedAt * 1_000 - 60_000).toISOString();
    await deliver("orders/updated", old);
    const level = [...shop.items.values()][0]!.levels[0]!;
    const oldLevel = { ...inventoryLevelPayload(shop, level), available: 12_345 };
    oldLevel.updated_at = new Date(level.updatedAt * 1_000 - 60_000).toISOString();
    await deliver("inventory_levels/update", oldLevel);
    await app.settled();
    expect((await deliveries()).map(({ state, error }) => [state, error])).toEqual([
      ["ignored", "Newer news of the order was here before."],
      ["applied", null],
    ]);
    await expectShopsContent(app, shop);
  });

  test("that is just as old as what is known is settled by a read", async () => {
    const order = someOrder();
    await deliver("orders/updated", { ...orderPayload(shop, order), note: "same second" });
    const product = [...shop.products.values()][0]!;
    await deliver("products/update", { ...productPayload(shop, product), title: "same second" });
    await app.settled();
    await expectShopsContent(app, shop);
    expect(
      await app.owner`select 1 from orders where note = 'same second' union select 1 from products where title = 'same second'`,
    ).toHaveLength(0);
  });

  test("of a deletion is final, also where it comes before the creation", async () => {
    const gone = life.placeOrder(new SeededRandom(3));
    const created = JSON.stringify(orderPayload(shop, gone));
    const product = [...shop.products.values()][5]!;
    const updated = JSON.stringify(productPayload(shop, product));
    life.deleteOrder(gone);
    life.deleteProduct(product);
    await app.settled();
    await deliver("orders/updated", created);
    await deliver("products/update", updated);
    await deliver("orders/delete", { id: 77 });
    await deliver("orders/create", { ...(JSON.parse(created) as object), id: 77 });
    await app.settled();
    const rows = await app.owner`
      select id, deleted_at is not null as deleted, email, search_text from orders
      where id in (${gone.id}, 77) order by id`;
    expect(rows.map((row) => ({ ...row, id: Number(row.id) }))).toEqual([
      { id: 77, deleted: true, email: null, search_text: "" },
      { id: gone.id, deleted: true, email: null, search_text: "" },
    ]);
    await expectShopsContent(app, shop);
  });

  test("is applied once, however often it is delivered", async () => {
    const order = someOrder();
    const id = randomUUID();
    const payload = {
      ...orderPayload(shop, order),
      updated_at: new Date((order.updatedAt + 60) * 1_000).toISOString(),
    };
    for (let n = 0; n < 3; n++) await deliver("orders/updated", payload, { id });
    await app.settled();
    expect(await deliveries()).toHaveLength(1);
    expect(await app.owner`select 1 from operations where operation_id = ${id}`).toHaveLength(1);
  });

  test("with an unknown topic or shape is set aside with a plain reason, and holds nobody up", async () => {
    await deliver("orders/risk_assessment_changed", { order_id: 1 });
    await deliver("orders/updated", { id: "not a number", name: 5 });
    await deliver("products/update", []);
    await deliver("inventory_levels/update", {
      inventory_item_id: 1,
      location_id: 2,
      available: 99_999_999_999,
      updated_at: "2026-11-22T10:00:00Z",
    });
    await deliver("orders/create", "null");
    await deliver("products/delete", { id: 10 ** 40 });
    life.placeOrder();
    await app.settled();
    await expectShopsContent(app, shop);
    const dead = (await deliveries()).filter(({ state }) => state === "dead");
    expect(dead.map(({ topic, error }) => [topic, error])).toEqual([
      [
        "orders/risk_assessment_changed",
        "Evenkeel does not know the topic orders/risk_assessment_changed.",
      ],
      [
        "orders/updated",
        expect.stringMatching(
          /^The body is no orders\/updated as we know it \(id: .*; name: .*\)\.$/,
        ),
      ],
      ["products/update", expect.stringContaining("The body is no products/update")],
      ["inventory_levels/update", "The database does not take what it says (22003)."],
      ["orders/create", expect.stringContaining("the body: ")],
      ["products/delete", expect.stringContaining("The body is no products/delete")],
    ]);
  });

  test("that another process had claimed is taken up when its lease has ended", async () => {
    const order = someOrder();
    const payload = JSON.stringify({ ...orderPayload(shop, order), note: "taken up" });
    await app.owner`
      insert into webhook_deliveries (shop, id, topic, api_version, triggered_at, body, attempts, leased_until)
      values
        (${shop.domain}, 'held', 'orders/updated', '2026-10', now(), ${payload}, 1, now() + interval '1 hour'),
        (${shop.domain}, 'left', 'orders/updated', '2026-10', now(), ${payload}, 1, now() - interval '1 second')`;
    app.inbox.wake();
    await app.until(async () => {
      const rows = await app.owner`select state from webhook_deliveries where id = 'left'`;
      return rows[0]?.state !== "received";
    });
    const rows = await app.owner`select id, state, attempts from webhook_deliveries order by id`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { id: "held", state: "received", attempts: 1 },
      { id: "left", state: "applied", attempts: 2 },
    ]);
    await app.owner`delete from webhook_deliveries where id = 'held'`;
    await app.settled();
  });

  test("that is being applied is finished before the inbox stops, and no other is begun", async () => {
    const orders = visibleOrders(shop);
    for (const order of orders) await deliver("orders/updated", orderPayload(shop, order));
    await app.inbox.stop();
    const states = new Map<string, number>();
    for (const { state, attempts } of await deliveries()) {
      const key = `${state} after ${attempts}`;
      states.set(key, (states.get(key) ?? 0) + 1);
    }
    // Nothing is left claimed and unfinished.
    expect([...states.keys()].filter((key) => key === "received after 1")).toEqual([]);
    expect([...states.values()].reduce((sum, count) => sum + count, 0)).toBe(orders.length);
  });

  test("of each topic that shopify.app.toml asks for has a handler, and the other way round", () => {
    const asked = readAppToml("shopify.app.toml").webhooks.map(({ topic }) => topic);
    expect(Object.keys(topics).sort()).toEqual([...asked].sort());
  });
});

describe("when the app is uninstalled", () => {
  const counts = async () => {
    const [row] = await app.owner`
      select (select count(*)::int from sessions) as sessions,
        (select count(*)::int from rereads) as rereads,
        (select count(*)::int from sync_runs where state = 'running') as running,
        (select count(*)::int from commands where state not in ('done', 'discarded')) as open`;
    return row;
  };

  test("its work ends: sessions, runs, rereads and open changes; later webhooks are left", async () => {
    await app.owner`
      insert into sessions (shop, id, is_online, state, access_token)
      values (${shop.domain}, ${`offline_${shop.domain}`}, false, '', 'secret')`;
    await app.owner`
      insert into commands (shop, id, kind, resource, input, state)
      values (${shop.domain}, gen_random_uuid(), 'inventory.adjust', 'inventory_item/1', '{}', 'accepted')`;
    await app.owner`
      insert into rereads (shop, kind, id, due_at)
      values (${shop.domain}, 'order', 1, now() + interval '1 day')`;
    await app.owner`
      insert into sync_runs (shop, id, kind) values (${shop.domain}, gen_random_uuid(), 'reconciliation')`;
    const order = someOrder();
    app.shopify.uninstall(shop.domain);
    await app.settled();
    expect(await counts()).toEqual({ sessions: 0, rereads: 0, running: 0, open: 0 });

    await deliver("orders/updated", orderPayload(shop, order));
    await app.settled();
    expect((await deliveries()).map(({ topic, state }) => [topic, state])).toEqual([
      ["app/uninstalled", "applied"],
      ["orders/updated", "ignored"],
    ]);
    expect(await app.sync.reconcile(shop.domain)).toBe(false);
  });

  test("and installed again, it begins clean", async () => {
    app.shopify.uninstall(shop.domain);
    await app.settled();
    // While nobody listened: an order went, another came, stock moved.
    life.deleteOrder(someOrder());
    life.placeOrder();
    life.changeStock();
    const uninstalled = (await deliveries()).length;
    expect(uninstalled).toBe(1);

    app.shopify.install(shop.domain);
    app.forgetToken(shop.domain);
    await app.importShop(shop.domain);
    expect((await app.sync.progress(shop.domain)).value).toMatchObject({
      kind: "import",
      state: "done",
    });
    await expectShopsContent(app, shop);
    // Not even tombstones are left of what was before.
    const [row] = await app.owner`select count(*)::int as count from orders`;
    expect(row?.count).toBe(visibleOrders(shop).length);
    await deliver(
      "app/uninstalled",
      { id: Number(shop.id) },
      { at: new Date(Date.now() - 3_600_000) },
    );
    await app.settled();
    expect((await app.owner`select uninstalled_at from shops`)[0]?.uninstalled_at).toBeNull();
  });
});

describe("compliance", () => {
  /** Everything that the database holds of a shop, as text. */
  async function everything(): Promise<string> {
    const tables = await app.owner<{ name: string }[]>`
      select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name = 'shop'`;
    const texts = [];
    for (const { name } of tables) {
      const rows = await app.owner.unsafe(
        `select to_jsonb(t)::text as text from ${name} t where shop = $1`,
        [shop.domain],
      );
      texts.push(...rows.map(({ text }) => `${name}: ${String(text)}`));
    }
    return texts.join("\n");
  }

  function somebody() {
    const order = someOrder((row) => row.email !== null && row.shipping_city !== null);
    const customer = shop.customer(order.customerId!)!;
    const theirs = visibleOrders(shop).filter(({ customerId }) => customerId === customer.id);
    return {
      order,
      orders: theirs,
      customer: { id: customer.id, email: customer.email!, phone: customer.phone! },
      traces: [
        order.email!,
        `${order.shippingAddress!.firstName} ${order.shippingAddress!.lastName}`,
        order.shippingAddress!.address1!,
      ],
    };
  }

  test("customers/data_request keeps an export of what is known about the person", async () => {
    const { customer, orders } = somebody();
    app.shopify.webhooks.requestCustomerData(
      shop,
      customer,
      orders.map(({ id }) => id),
    );
    await app.settled();
    const [request] = await app.owner<
      {
        topic: string;
        completed_at: Date;
        outcome: { orders: { id: number; lines: unknown[] }[] };
      }[]
    >`select topic, completed_at, outcome from compliance_requests`;
    expect(request?.topic).toBe("customers/data_request");
    expect(request?.completed_at).not.toBeNull();
    expect(request?.outcome.orders.map(({ id }) => id).sort()).toEqual(
      orders.map(({ id }) => id).sort(),
    );
    expect(request?.outcome.orders.every(({ lines }) => lines.length > 0)).toBe(true);
  });

  test("customers/redact leaves no trace of the person, and nothing that comes later brings one", async () => {
    const { customer, order, orders, traces } = somebody();
    const ids = orders.map(({ id }) => id);
    // A delivery that was applied, and an export that was made.
    await deliver("orders/updated", orderPayload(shop, order));
    app.shopify.webhooks.requestCustomerData(shop, customer, ids);
    await app.settled();
    // What somebody here has written about them.
    const written = {
      "order.edit": {
        orderId: order.id,
        note: { value: `Call ${traces.join()}`, basedOn: traces.join() },
        addTags: [],
        removeTags: [],
      },
      "order.hold": {
        orderId: order.id,
        fulfillmentOrderIds: [1],
        reason: "other",
        notes: traces.join(),
      },
    };
    for (const [kind, input] of Object.entries(written)) {
      await app.owner`insert into commands (shop, id, kind, resource, input, state)
        values (${shop.domain}, ${randomUUID()}, ${kind}, ${`order/${order.id}`},
          ${app.owner.json(input)}, 'done')`;
    }
    const before = await everything();
    for (const trace of traces) expect(before).toContain(trace);

    app.shopify.webhooks.redactCustomer(shop, customer, ids);
    await app.settled();
    const lookFor = traces.flatMap((trace) => [trace, trace.toLowerCase()]);
    const after = await everything();
    expect(lookFor.filter((trace) => after.includes(trace))).toEqual([]);

    // Shopify still tells of the order, and still has the person in it.
    await deliver("orders/updated", {
      ...orderPayload(shop, order),
      updated_at: new Date((order.updatedAt + 60) * 1_000).toISOString(),
    });
    await app.settled();
    await app.owner`delete from webhook_deliveries`;
    const later = await everything();
    expect(lookFor.filter((trace) => later.includes(trace))).toEqual([]);
    // The order itself is still there, with its numbers.
    const [row] = await app.owner`select name, units from orders where id = ${order.id}`;
    expect(row).toEqual({ name: order.name, units: rowOf(shop, order).units });
  });

  test("shop/redact erases everything of the shop but the record that it did", async () => {
    app.shopify.uninstall(shop.domain);
    await app.settled();
    app.shopify.webhooks.redactShop(shop);
    await app.until(async () => (await app.owner`select 1 from compliance_requests`).length === 1);
    const left = (await everything()).split("\n").map((line) => line.split(":")[0]);
    expect([...new Set(left)].sort()).toEqual([
      "compliance_requests",
      "operations",
      "webhook_deliveries",
    ]);
    const [request] = await app.owner`select topic, completed_at from compliance_requests`;
    expect(request).toMatchObject({ topic: "shop/redact" });
    expect(request?.completed_at).not.toBeNull();
  });

  test("shop/redact of a shop that has the app again is left to a person", async () => {
    app.shopify.webhooks.redactShop(shop);
    await app.settled();
    const [request] = await app.owner`select topic, completed_at, outcome from compliance_requests`;
    expect(request).toMatchObject({
      topic: "shop/redact",
      completed_at: null,
      outcome: { setAside: expect.stringContaining("installed the app again") as string },
    });
    await expectShopsContent(app, shop);
  });
});

test("reconciliation finds what no webhook told of", async () => {
  app.shopify.webhooks.behave({ lossRate: 1 });
  const random = new SeededRandom(21);
  life.placeOrders(4, random);
  fulfilOne(random);
  life.changeStock(random);
  life.editProduct(random);
  await app.shopify.webhooks.settled();
  expect(await app.sync.reconcile(shop.domain)).toBe(true);
  await app.until(async () => {
    const { value } = await app.sync.progress(shop.domain);
    return value?.kind === "reconciliation" && value.state !== "running";
  });
  expect((await app.sync.progress(shop.domain)).value?.error).toBeNull();
  await expectShopsContent(app, shop);
  const { value } = await app.cluster.read(shop.domain, (db) =>
    db.execute(sql`select count(*)::int as runs from sync_runs`),
  );
  expect(value[0]).toEqual({ runs: 2 });
});
