import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import type { ShopStore } from "../sandbox/shopify/shop/index.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { expectShopsContent, visibleOrders } from "./support/shop-content.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

let server: TestServer;
let database: TestDatabase;
let app: ShopifyApp;
let shop: ShopStore;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  database = await server.createDatabase();
  app = await startShopifyApp({ database, orders: 25 });
  [shop] = app.shops as [ShopStore];
});
afterEach(async () => {
  await app?.[Symbol.asyncDispose]();
  await database.drop();
});

const runs = async () =>
  (await app.owner`select kind, state from sync_runs order by started_at`).map((row) => ({
    ...row,
  }));

const ended = (count: number) =>
  app.until(async () => {
    const all = await runs();
    return all.length === count && all.every(({ state }) => state !== "running");
  });

test("a shop is reconciled after its import, and imported again where that had failed", async () => {
  app.shopify.protectedData = { level1: false, level2: false };
  await app.importShop(shop.domain);
  expect(await runs()).toEqual([{ kind: "import", state: "failed" }]);

  app.shopify.protectedData = { level1: true, level2: true };
  await app.jobs.enqueue("sync.tend", { shop: shop.domain });
  await ended(2);
  expect(await runs()).toEqual([
    { kind: "import", state: "failed" },
    { kind: "import", state: "done" },
  ]);
  await expectShopsContent(app, shop);

  await app.jobs.enqueue("sync.tend", { shop: shop.domain });
  await ended(3);
  expect((await runs()).at(-1)).toEqual({ kind: "reconciliation", state: "done" });
});

test("a run whose job got lost is taken up again", async () => {
  await app.importShop(shop.domain);
  await app.owner`
    insert into sync_runs (shop, id, kind, phases)
    select shop, gen_random_uuid(), 'reconciliation',
      jsonb_agg(jsonb_build_object('name', name, 'state', 'waiting', 'done', 0, 'total', null, 'cursor', null))
    from sync_runs, unnest(array['locations', 'products', 'inventory', 'orders']) name group by shop`;
  await app.jobs.enqueue("sync.tend", { shop: shop.domain });
  await ended(2);
  expect((await runs()).at(-1)).toEqual({ kind: "reconciliation", state: "done" });
});

test("what has to be read again is found also when nobody was told of it", async () => {
  await app.importShop(shop.domain);
  const [order] = visibleOrders(shop);
  await app.owner`update orders set note = 'wrong' where id = ${order!.id}`;
  await app.owner`insert into rereads (shop, kind, id) values (${shop.domain}, 'order', ${order!.id})`;
  await app.jobs.enqueue("sync.forgotten-rereads", {});
  await app.settled();
  const [row] = await app.owner`select note from orders where id = ${order!.id}`;
  expect(row?.note).toBe(order!.note);
});

test("a resource that is asked for again while it is being read is read once more", async () => {
  await app.importShop(shop.domain);
  const [order] = visibleOrders(shop);
  let answers = 0;
  app.shopify.traffic.on("request", ({ names }: { names: readonly string[] }) => {
    if (names.includes("OrdersById")) answers += 1;
  });
  // Shopify's answer takes a while, during which more is asked for.
  app.shopify.faults.set({ kind: "latency", operation: "OrdersById", ms: 300 });
  const ask = () =>
    app.owner`
      insert into rereads (shop, kind, id) values (${shop.domain}, 'order', ${order!.id})
      on conflict (shop, kind, id) do update set requested_at = clock_timestamp()`;
  await ask();
  await app.jobs.enqueue("sync.forgotten-rereads", {});
  await app.until(async () => {
    const [row] = await app.owner`select attempts from rereads`;
    return row?.attempts === 1;
  });
  await ask();
  await ask();
  await app.settled();
  expect(answers).toBe(2);
});

test("schedules know the installed shops by name, and nothing else of them", async () => {
  await app.importShop(shop.domain);
  const names = await app.cluster.system((db) =>
    db.execute<{ shop: string }>(sql`select shop from installed_shops() as shop`),
  );
  expect(names.map((row) => row.shop)).toEqual([shop.domain]);
  await expect(app.cluster.system((db) => db.execute(sql`select * from shops`))).rejects.toThrow(
    "permission denied",
  );
  app.shopify.uninstall(shop.domain);
  await app.settled();
  const none = await app.cluster.system((db) =>
    db.execute(sql`select shop from installed_shops() as shop`),
  );
  expect(none.length).toBe(0);
});
