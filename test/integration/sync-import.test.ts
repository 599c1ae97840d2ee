import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import type { Order } from "../sandbox/shopify/shop/model.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { startShopifyApp } from "./support/shopify-app.ts";
import { expectShopsContent, rowOf, storedOrders, visibleOrders } from "./support/shop-content.ts";
import { factsOf } from "./support/tables.ts";

let server: TestServer;
let databases: TestDatabase[];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  databases = [];
});
afterEach(async () => {
  for (const database of databases) await database.drop();
});

async function newDatabase(): Promise<TestDatabase> {
  const database = await server.createDatabase();
  databases.push(database);
  return database;
}

describe("the first import", () => {
  test("takes over the whole shop, each part as the shop's own books have it", async () => {
    await using app = await startShopifyApp({ database: await newDatabase(), orders: 600 });
    const [shop] = app.shops as [ShopStore];
    await app.importShop(shop.domain);

    const progress = (await app.sync.progress(shop.domain)).value;
    expect(progress).toMatchObject({ kind: "import", state: "done", error: null });
    expect(progress?.phases.map(({ name, state }) => [name, state])).toEqual([
      ["locations", "done"],
      ["products", "done"],
      ["inventory", "done"],
      ["orders", "done"],
    ]);
    expect(progress?.phases.at(-1)).toMatchObject({ done: 600, total: 600 });
    expect(shop.bulkOperations.map(({ status }) => status)).toEqual(
      shop.bulkOperations.map(() => "COMPLETED"),
    );
    expect(shop.bulkOperations.length).toBe(3);
    await expectShopsContent(app, shop);

    const [details] = await app.owner`select name, currency, time_zone from shops`;
    expect(details).toEqual({
      name: shop.name,
      currency: shop.currency,
      time_zone: shop.profile.zone,
    });
  });

  test("gives the same page by page, where bulk operations are refused", async () => {
    const shops = createShops({ orders: 250, searchLagMs: 0 });
    const [shop] = shops as [ShopStore];
    const facts = [];
    for (const bulkAccess of [true, false]) {
      await using app = await startShopifyApp({ database: await newDatabase(), shops });
      app.shopify.bulkAccess = bulkAccess;
      await app.importShop(shop.domain);
      expect((await app.sync.progress(shop.domain)).value?.state).toBe("done");
      // Pictures lie at an address that each sandbox has for itself.
      const text = JSON.stringify(await factsOf(app.owner, shop.domain));
      facts.push(JSON.parse(text.replaceAll(/localhost:\d+/g, "pictures")) as unknown);
    }
    expect(facts[1]).toEqual(facts[0]);
    // The second time all were refused, and none was run.
    expect(shop.bulkOperations.length).toBe(3);
  });

  test.each([
    { orders: 20, bulk: ["products", "inventoryItems"] },
    { orders: 60, bulk: ["products", "inventoryItems", "orders"] },
  ])(
    "keeps the limit of calls for the merchant: $orders orders with a large catalogue take bulk operations for $bulk",
    async ({ orders, bulk }) => {
      await using app = await startShopifyApp({
        database: await newDatabase(),
        orders,
        plan: "basic",
      });
      const [shop] = app.shops as [ShopStore];
      await app.importShop(shop.domain);
      expect((await app.sync.progress(shop.domain)).value?.state).toBe("done");
      const asked = shop.bulkOperations.map(({ query }) => /\{\s*(\w+)/.exec(query)?.[1]);
      expect(asked).toEqual(bulk);
    },
  );

  test("reads a small shop page by page, without waiting for a bulk operation", async () => {
    await using app = await startShopifyApp({
      database: await newDatabase(),
      orders: 40,
      sync: { bulkFrom: 1_000 },
    });
    const [shop] = app.shops as [ShopStore];
    await app.importShop(shop.domain);
    expect(shop.bulkOperations).toEqual([]);
    await expectShopsContent(app, shop);
  });

  test.each([{ bulkFrom: 1 }, { bulkFrom: 10_000 }])(
    "goes without people where the app is not approved for their data (bulk operations from $bulkFrom on)",
    async (sync) => {
      await using app = await startShopifyApp({
        database: await newDatabase(),
        orders: 30,
        sync,
        shopify: { protectedData: { level1: true, level2: false } },
      });
      const [shop] = app.shops as [ShopStore];
      await app.importShop(shop.domain);
      expect((await app.sync.progress(shop.domain)).value).toMatchObject({ state: "done" });
      const { orders } = await factsOf(app.owner, shop.domain);
      expect(orders.length).toBe(30);
      for (const order of orders) {
        expect([order.email, order.phone, order.customer_name, order.shipping_address]).toEqual([
          null,
          null,
          null,
          null,
        ]);
      }
    },
  );

  test("takes orders over that are larger than a page has room for", async () => {
    const shops = createShops({ orders: 12, searchLagMs: 0 });
    const [shop] = shops as [ShopStore];
    const [ordinal] = shop.orders.byNumber().filter((one) => {
      const order = shop.orders.get(one)!;
      return order.fulfillments.length > 0 && order.refunds.length === 0;
    });
    const order = shop.orders.open(ordinal!)!;
    const [line] = order.lines as [Order["lines"][number]];
    const [fulfillmentOrder] = order.fulfillmentOrders as [Order["fulfillmentOrders"][number]];
    const [fulfillment] = order.fulfillments as [Order["fulfillments"][number]];
    for (let n = 1; n <= 140; n++) {
      const more = { ...line, id: line.id + 1_000 + n };
      order.lines.push(more);
      const part = {
        ...fulfillmentOrder.lines[0]!,
        id: fulfillmentOrder.lines[0]!.id + 1_000 + n,
        line: more,
      };
      fulfillmentOrder.lines.push(part);
      fulfillment.lines.push({
        ...fulfillment.lines[0]!,
        id: fulfillment.lines[0]!.id + 1_000 + n,
        line: more,
        fulfillmentOrderLine: part,
      });
    }
    for (let n = 1; n <= 24; n++) {
      order.fulfillments.push({
        ...fulfillment,
        id: fulfillment.id + 1_000 + n,
        name: `${fulfillment.name}-${n}`,
      });
    }
    shop.orders.saved(order);
    await using app = await startShopifyApp({
      database: await newDatabase(),
      shops,
      sync: { bulkFrom: 1_000 },
    });
    await app.importShop(shop.domain);
    expect((await app.sync.progress(shop.domain)).value).toMatchObject({ state: "done" });
    const stored = (await storedOrders(app, shop.domain)).get(order.id);
    expect(stored).toEqual(rowOf(shop, order));
  });

  test.each([{ bulkFrom: 1 }, { bulkFrom: 1_000 }])(
    "leaves out an order that cannot be read, and no other (bulk operations from $bulkFrom on)",
    async (sync) => {
      const shops = createShops({ orders: 30, searchLagMs: 0 });
      const [shop] = shops as [ShopStore];
      const [ordinal] = shop.orders.byNumber().slice(10);
      const order = shop.orders.open(ordinal!)!;
      // An id that no number of ours can hold.
      order.lines[0] = { ...order.lines[0]!, id: 2 ** 60 };
      await using app = await startShopifyApp({ database: await newDatabase(), shops, sync });
      await app.importShop(shop.domain);
      expect((await app.sync.progress(shop.domain)).value).toMatchObject({ state: "done" });
      const expected = visibleOrders(shop).filter(({ id }) => id !== order.id);
      expect([...(await storedOrders(app, shop.domain)).keys()].sort()).toEqual(
        expected.map(({ id }) => id).sort(),
      );
    },
  );

  test("takes the same over in slices of one step each", async () => {
    await using app = await startShopifyApp({
      database: await newDatabase(),
      orders: 600,
      sync: { sliceMs: -1 },
    });
    const [shop] = app.shops as [ShopStore];
    await app.importShop(shop.domain);
    expect((await app.sync.progress(shop.domain)).value?.phases.at(-1)).toMatchObject({
      done: 600,
    });
    const slices = async () => {
      const [jobs] = await app.owner`
        select count(*)::int as count from pgboss.job where name = 'sync.run' and state = 'completed'`;
      return Number(jobs?.["count"]);
    };
    // The last one's own end is noted after the run's.
    await expect.poll(slices).toBeGreaterThan(8);
    await expectShopsContent(app, shop);
  });

  test("keeps two shops apart", async () => {
    await using app = await startShopifyApp({ database: await newDatabase(), orders: 280 });
    const [one, other] = app.shops as [ShopStore, ShopStore];
    await Promise.all([app.importShop(one.domain), app.importShop(other.domain)]);
    await expectShopsContent(app, one);
    await expectShopsContent(app, other);
    for (const shop of [one, other]) {
      const { value } = await app.cluster.read(shop.domain, (db) =>
        db.execute<{ shop: string }>(sql`
          select distinct shop from orders union select distinct shop from inventory_levels
          union select distinct shop from variants union select distinct shop from sync_runs`),
      );
      expect(value.map((row) => row.shop)).toEqual([shop.domain]);
    }
  });

  test("is begun once, however often it is asked for", async () => {
    await using app = await startShopifyApp({ database: await newDatabase(), orders: 20 });
    const [shop] = app.shops as [ShopStore];
    await Promise.all([1, 2, 3, 4].map(() => app.sync.start(shop.domain)));
    await app.until(async () => (await app.sync.progress(shop.domain)).value?.state === "done");
    await app.sync.start(shop.domain);
    expect((await app.owner`select kind, state from sync_runs`).map((row) => ({ ...row }))).toEqual(
      [{ kind: "import", state: "done" }],
    );
  });

  test("says what stands in its way, where Shopify does not let it go on", async () => {
    await using app = await startShopifyApp({ database: await newDatabase(), orders: 20 });
    const [shop] = app.shops as [ShopStore];
    app.shopify.protectedData = { level1: false, level2: false };
    await app.importShop(shop.domain);
    expect((await app.sync.progress(shop.domain)).value).toMatchObject({
      state: "failed",
      error: expect.stringContaining("not approved") as string,
    });
  });

  test("goes on where it was when its process is killed: nothing twice, nothing missing", async () => {
    const database = await newDatabase();
    await using app = await startShopifyApp({ database, orders: 3_000, work: false });
    const [shop] = app.shops as [ShopStore];
    const start = async () =>
      spawn(
        process.execPath,
        [fileURLToPath(new URL("./support/sync-process.ts", import.meta.url))],
        {
          stdio: ["ignore", "ignore", "inherit"],
          env: {
            NODE_ENV: "test",
            PATH: process.env.PATH,
            ...app.shopify.environment(),
            DATABASE_URL: database.url("app"),
            DATABASE_SYSTEM_URL: database.url("system"),
            SHOP: shop.domain,
            SHOPIFY_ACCESS_TOKEN: await app.token(shop.domain),
          },
        },
      );
    const ordersDone = async () =>
      (await app.sync.progress(shop.domain)).value?.phases.find(({ name }) => name === "orders")
        ?.done ?? 0;

    const first = await start();
    await app.until(async () => (await ordersDone()) >= 500);
    first.kill("SIGKILL");
    await once(first, "exit");
    const killedAt = await ordersDone();
    expect(killedAt).toBeLessThan(3_000);

    const second = await start();
    await app.until(async () => (await app.sync.progress(shop.domain)).value?.state === "done");
    second.kill("SIGTERM");
    await once(second, "exit");

    const [phase] = (await app.sync.progress(shop.domain)).value?.phases.slice(-1) ?? [];
    expect(phase).toMatchObject({ name: "orders", done: 3_000, total: 3_000 });
    // One bulk operation for each kind: the second process went on with the first one's.
    expect(shop.bulkOperations.length).toBe(3);
    await expectShopsContent(app, shop);
  }, 120_000);
});
