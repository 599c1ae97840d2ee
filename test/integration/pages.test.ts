import { randomUUID } from "node:crypto";
import fc from "fast-check";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { getChange, listChanges } from "../../app/commands/queries.server.ts";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import type { Cluster } from "../../app/database/cluster.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { searchText } from "../../app/database/search-text.ts";
import { listInventory, listLocations, lowStock } from "../../app/inventory/queries.server.ts";
import { inventorySorts, stockFilters, type InventoryQuery } from "../../app/inventory/types.ts";
import { changeMark, getOverview, getShop } from "../../app/overview/queries.server.ts";
import { defaultProductQuery } from "../../app/products/product-query.ts";
import { getProduct, listProducts } from "../../app/products/queries.server.ts";
import { productSorts, type ProductQuery } from "../../app/products/types.ts";
import { defaultSettings } from "../../app/settings/settings.ts";
import { changeSettings, getSettings, saveSettings } from "../../app/settings/settings.server.ts";
import { listSyncRuns } from "../../app/sync/history.server.ts";
import {
  deleteView,
  dropView,
  keepView,
  listSavedViews,
  saveView,
} from "../../app/views/saved-views.server.ts";
import { listDeliveries } from "../../app/webhooks/deliveries.server.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const HERE = "here.myshopify.com";
const THERE = "there.myshopify.com";

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let writes: DurableWrites;
let owner: postgres.Sql;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  database = await server.createDatabase();
  cluster = openCluster(database);
  const logger = createLogger("silent");
  writes = new DurableWrites({ cluster, journal: null, durability: "primary", logger });
  writes.register(keepView);
  writes.register(dropView);
  writes.register(changeSettings);
  owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
});
afterEach(async () => {
  await cluster.close();
  await owner.end();
  await database.drop();
});

interface Thing {
  readonly product: number;
  readonly sku: string;
  readonly tracked: boolean;
  /** By location; null where it is not stocked. */
  readonly stock: readonly (number | null)[];
}

const titles = ["Zebra Mug", "äpfel", "Apple", "apple", "Mug 10", "Mug 2"];
const PLACES = [1, 2, 3];
/** The last one is closed: what lies there does not count. */
const OPEN_PLACES = [1, 2];

async function insertCatalogue(shop: string, things: readonly Thing[]): Promise<void> {
  for (const table of ["inventory_levels", "variants", "products", "locations"]) {
    await owner`delete from ${owner(table)} where shop = ${shop}`;
  }
  for (const id of PLACES) {
    await owner`insert into locations (shop, id, name, active, updated_at)
      values (${shop}, ${id}, ${`Place ${id}`}, ${OPEN_PLACES.includes(id)}, now())`;
  }
  for (const [i, title] of titles.entries()) {
    await owner`insert into products (shop, id, title, handle, status, vendor, product_type, search_text, created_at, updated_at)
      values (${shop}, ${i + 1}, ${title}, ${`p${i}`}, ${i === 5 ? "archived" : "active"}, ${`V${i % 2}`}, ${`T${i % 3}`},
        ${searchText([title])}, now(), ${new Date(Date.UTC(2026, 1, 1 + (i % 3)))})`;
  }
  for (const [i, thing] of things.entries()) {
    const id = 100 + i;
    const title = titles[thing.product] ?? "";
    await owner`insert into variants (shop, id, product_id, inventory_item_id, title, sku, price, position, tracked, search_text, updated_at)
      values (${shop}, ${id}, ${thing.product + 1}, ${id + 1000}, ${`Size ${i}`}, ${thing.sku}, ${i}, ${i}, ${thing.tracked},
        ${searchText([title, thing.sku])}, now())`;
    for (const [place, available] of thing.stock.entries()) {
      if (available === null) continue;
      await owner`insert into inventory_levels (shop, inventory_item_id, location_id, available, on_hand, updated_at)
        values (${shop}, ${id + 1000}, ${place + 1}, ${available}, ${available}, now())`;
    }
  }
}

const thing: fc.Arbitrary<Thing> = fc.record({
  product: fc.integer({ min: 0, max: titles.length - 1 }),
  sku: fc.constantFrom("", "A-1", "A-2", "b_1"),
  tracked: fc.boolean(),
  stock: fc.tuple(...PLACES.map(() => fc.constantFrom(null, -2, 0, 3, 5, 6, 40))),
});

const inventoryQuery: fc.Arbitrary<InventoryQuery> = fc.record({
  search: fc.constantFrom("", "", "mug", "apple", "a-", "b_1", "%"),
  locationId: fc.constantFrom(null, null, 1, 2, 9),
  stock: fc.constantFrom(...stockFilters),
  productType: fc.constantFrom(null, null, "T1"),
  vendor: fc.constantFrom(null, null, "V0"),
  sort: fc.constantFrom(...inventorySorts),
  descending: fc.boolean(),
  after: fc.constant(null),
  before: fc.constant(null),
  pageSize: fc.integer({ min: 1, max: 6 }),
});

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** What there is to sell, at one place or at all that are open. */
function availableOf({ stock }: Thing, locationId: number | null): number | null {
  const places = OPEN_PLACES.filter((place) => locationId === null || place === locationId);
  const there = places.flatMap((place) => stock[place - 1] ?? []);
  return locationId !== null && there.length === 0 ? null : sum(there);
}

function belongs(one: Thing, asked: InventoryQuery): boolean {
  const available = availableOf(one, asked.locationId);
  if (available === null) return false;
  const text = searchText([titles[one.product] ?? "", one.sku]);
  const found =
    [...asked.search].length < 3
      ? ` ${text}`.includes(` ${asked.search}`)
      : text.includes(asked.search);
  const threshold = { all: null, low: defaultSettings.lowStockThreshold, out: 0 }[asked.stock];
  return (
    (asked.search === "" || found) &&
    (threshold === null || (one.tracked && one.product !== 5 && available <= threshold)) &&
    (asked.productType === null || `T${one.product % 3}` === asked.productType) &&
    (asked.vendor === null || `V${one.product % 2}` === asked.vendor)
  );
}

describe("inventory", () => {
  test("each variant that belongs on the list is on exactly one page, on the way there and back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(thing, { maxLength: 25 }),
        fc.array(inventoryQuery, { minLength: 2, maxLength: 5 }),
        async (things, queries) => {
          await insertCatalogue(HERE, things);
          await insertCatalogue(THERE, things.slice(0, 2));
          for (const asked of queries) {
            const expected = things.flatMap((one, i) => (belongs(one, asked) ? [100 + i] : []));
            const forth: number[][] = [];
            const ways: (string | null)[] = [];
            for (let after: string | null = null; ;) {
              const { value } = await listInventory(cluster, HERE, { ...asked, after });
              expect(value.total).toBe(expected.length);
              for (const row of value.rows) {
                expect(row.available).toBe(
                  availableOf(things[row.variantId - 100] as Thing, asked.locationId),
                );
              }
              forth.push(value.rows.map(({ variantId }) => variantId));
              ways.push(value.previousCursor);
              if (value.nextCursor === null) break;
              after = value.nextCursor;
            }
            const seen = forth.flat();
            expect(seen.toSorted((a, b) => a - b)).toEqual(expected);
            const again: number[][] = [];
            for (let before = ways.at(-1) ?? null; before !== null;) {
              const { value } = await listInventory(cluster, HERE, { ...asked, before });
              again.unshift(value.rows.map(({ variantId }) => variantId));
              before = value.previousCursor;
            }
            expect(again.flat()).toEqual(seen.slice(0, seen.length - (forth.at(-1)?.length ?? 0)));
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test("what is low follows the shop's own threshold, worst first", async () => {
    await insertCatalogue(HERE, [
      { product: 0, sku: "A", tracked: true, stock: [4, 4, 100] },
      { product: 1, sku: "B", tracked: true, stock: [0, null, null] },
      { product: 2, sku: "C", tracked: false, stock: [0, 0, 0] },
      { product: 5, sku: "D", tracked: true, stock: [0, 0, 0] },
    ]);
    const low = async () => {
      const { value } = await lowStock(cluster, HERE, 5);
      return [value.count, value.worst.map(({ sku, available }) => [sku, available])];
    };
    expect(await low()).toEqual([1, [["B", 0]]]);
    await saveSettings(writes, HERE, { lowStockThreshold: 8 });
    expect(await low()).toEqual([
      2,
      [
        ["B", 0],
        ["A", 8],
      ],
    ]);
  });

  test("locations are listed by name, closed ones too, deleted ones not", async () => {
    await insertCatalogue(HERE, []);
    await owner`update locations set name = 'aarhus' where id = 3`;
    await owner`update locations set deleted_at = now() where id = 1`;
    const { value } = await listLocations(cluster, HERE);
    expect(value).toEqual([
      { id: 3, name: "aarhus", active: false },
      { id: 2, name: "Place 2", active: true },
    ]);
  });
});

describe("products", () => {
  const things: Thing[] = [
    { product: 0, sku: "A", tracked: true, stock: [4, -1, 100] },
    { product: 0, sku: "B", tracked: true, stock: [1, null, null] },
    { product: 0, sku: "C", tracked: false, stock: [7, null, null] },
    { product: 1, sku: "D", tracked: false, stock: [7, null, null] },
  ];
  const query: fc.Arbitrary<ProductQuery> = fc.record({
    search: fc.constantFrom("", "", "mug", "apple", "%"),
    status: fc.constantFrom(null, "active", "archived"),
    productType: fc.constantFrom(null, null, "T1"),
    vendor: fc.constantFrom(null, null, "V0"),
    sort: fc.constantFrom(...productSorts),
    descending: fc.boolean(),
    after: fc.constant(null),
    before: fc.constant(null),
    pageSize: fc.integer({ min: 1, max: 4 }),
  });

  test("each product that belongs on the list is on exactly one page", async () => {
    await insertCatalogue(HERE, things);
    await insertCatalogue(THERE, things);
    await fc.assert(
      fc.asyncProperty(query, async (asked) => {
        const seen: number[] = [];
        for (let after: string | null = null; ;) {
          const { value } = await listProducts(cluster, HERE, { ...asked, after });
          seen.push(...value.products.map(({ id }) => id));
          if (value.nextCursor === null) {
            expect(value.total).toBe(seen.length);
            break;
          }
          after = value.nextCursor;
        }
        const expected = titles.flatMap((title, i) =>
          (asked.search === "" || searchText([title]).includes(asked.search)) &&
          (asked.search !== "%" || title.startsWith("%")) &&
          (asked.status === null || asked.status === (i === 5 ? "archived" : "active")) &&
          (asked.productType === null || asked.productType === `T${i % 3}`) &&
          (asked.vendor === null || asked.vendor === `V${i % 2}`)
            ? [i + 1]
            : [],
        );
        expect(seen.toSorted((a, b) => a - b)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test("titles are in the order of the alphabet, not of bytes", async () => {
    await insertCatalogue(HERE, []);
    const { value } = await listProducts(cluster, HERE, {
      ...defaultProductQuery,
      sort: "title",
      descending: false,
    });
    expect(value.products.map(({ title }) => title)).toEqual([
      "äpfel",
      "apple",
      "Apple",
      "Mug 10",
      "Mug 2",
      "Zebra Mug",
    ]);
  });

  test("a product shows what is counted of it, over the places that are open", async () => {
    await insertCatalogue(HERE, things);
    await owner`insert into shops (shop, currency) values (${HERE}, 'EUR')`;
    const { value } = await getProduct(cluster, HERE, 1);
    expect(value).toMatchObject({
      variantCount: 3,
      available: 4,
      priceFrom: "0.00",
      priceTo: "2.00",
      currency: "EUR",
    });
    expect(value?.variants.map(({ sku, levels }) => [sku, levels.length])).toEqual([
      ["A", 2],
      ["B", 1],
      ["C", 1],
    ]);
    expect((await getProduct(cluster, HERE, 2)).value?.available).toBeNull();
    expect((await getProduct(cluster, HERE, 999)).value).toBeNull();
    expect((await getProduct(cluster, THERE, 1)).value).toBeNull();
  });
});

describe("the overview", () => {
  async function insertOrder(id: number, change: Record<string, unknown> = {}): Promise<void> {
    const row = {
      shop: HERE,
      id,
      name: `#${id}`,
      placed_at: new Date(),
      updated_at: new Date(),
      payment_status: "paid",
      fulfillment_status: "unfulfilled",
      currency: "EUR",
      total: "12.5",
      subtotal: "0",
      total_tax: "0",
      total_shipping: "0",
      total_discounts: "0",
      total_refunded: "0",
      units: 1,
      units_to_fulfil: 1,
      location_ids: "{1}",
      ...change,
    };
    await owner`insert into orders ${owner(row)}`;
  }

  test("an empty shop has an overview, too", async () => {
    const { value } = await getOverview(cluster, HERE);
    expect(value).toMatchObject({
      toFulfil: { count: 0, oldestPlacedAt: null, byLocation: [] },
      onHold: 0,
      lowStock: { count: 0, worst: [] },
      changes: { count: 0, needYou: 0, list: [] },
      sync: null,
    });
    expect(value.ordersByDay).toHaveLength(14);
    expect((await getShop(cluster, HERE)).value).toBeNull();
  });

  test("what is to be fulfilled is what can be packed now, by place", async () => {
    await insertCatalogue(HERE, []);
    const oldest = new Date("2026-01-02T03:04:05Z");
    await insertOrder(1, { placed_at: oldest, location_ids: "{1,2}" });
    await insertOrder(2);
    await insertOrder(3, { fulfillment_status: "on_hold" });
    await insertOrder(4, { fulfillment_status: "scheduled" });
    await insertOrder(5, { cancelled_at: new Date() });
    await insertOrder(6, { closed_at: new Date() });
    await insertOrder(7, { units_to_fulfil: 0 });
    await insertOrder(8, { deleted_at: new Date() });
    await insertOrder(9, { shop: THERE });
    const { value } = await getOverview(cluster, HERE);
    expect(value.toFulfil).toEqual({
      count: 2,
      oldestPlacedAt: oldest,
      byLocation: [
        { locationId: 1, location: "Place 1", count: 2 },
        { locationId: 2, location: "Place 2", count: 1 },
      ],
    });
    expect(value.onHold).toBe(1);
  });

  test("a day begins and ends where the shop is", async () => {
    await owner`insert into shops (shop, currency, time_zone) values (${HERE}, 'EUR', 'Pacific/Auckland')`;
    const [day] = await owner<{ start: Date; today: string }[]>`
      select date_trunc('day', now() at time zone 'Pacific/Auckland') at time zone 'Pacific/Auckland' as start,
        (now() at time zone 'Pacific/Auckland')::date::text as today`;
    const start = day?.start.getTime() ?? 0;
    await insertOrder(1, { placed_at: new Date(start) });
    await insertOrder(2, { placed_at: new Date(start + 1000) });
    await insertOrder(3, { placed_at: new Date(start - 1000) });
    await insertOrder(4, { placed_at: new Date(start), cancelled_at: new Date() });
    const { value } = await getOverview(cluster, HERE);
    expect(value.ordersByDay.slice(-2)).toMatchObject([
      { orders: 1, total: { amount: "12.50", currency: "EUR" } },
      { day: day?.today, orders: 2, total: { amount: "25.00", currency: "EUR" } },
    ]);
  });

  test("a time zone that nobody knows is taken for UTC", async () => {
    await owner`insert into shops (shop, currency, time_zone) values (${HERE}, 'EUR', 'Mars/Olympus'' or true')`;
    expect((await getOverview(cluster, HERE)).value.ordersByDay).toHaveLength(14);
  });

  test("changes that need a person come first; an import that has not ended is shown", async () => {
    await insertOrder(1);
    const insertCommand = async (state: string, minutesAgo: number) => {
      const id = randomUUID();
      await owner`insert into commands (shop, id, kind, resource, input, state, accepted_at)
        values (${HERE}, ${id}, 'order.fulfil', 'order/1', '{}', ${state}, now() - ${minutesAgo} * interval '1 minute')`;
      return id;
    };
    const failed = await insertCommand("failed", 30);
    const old = await insertCommand("accepted", 20);
    const young = await insertCommand("unknown", 10);
    const done = await insertCommand("done", 5);
    await owner`insert into sync_runs (shop, id, kind) values (${HERE}, ${randomUUID()}, 'import')`;
    const { value } = await getOverview(cluster, HERE);
    expect(value.changes).toMatchObject({ count: 3, needYou: 1 });
    expect(value.changes.list.map(({ operationId }) => operationId)).toEqual([failed, young, old]);
    expect(value.changes.list[0]).toMatchObject({ subject: "#1", ring: "needs-you" });
    expect(value.sync).toMatchObject({ kind: "import", state: "running" });
    expect((await listSyncRuns(cluster, HERE)).value).toHaveLength(1);

    const listed = async (state: "all" | "pending" | "settled") =>
      (await listChanges(cluster, HERE, { state })).value.map(({ operationId }) => operationId);
    expect(await listed("all")).toEqual([failed, done, young, old]);
    expect(await listed("pending")).toEqual([young, old]);
    expect(await listed("settled")).toEqual([done]);
    expect((await getChange(cluster, HERE, done)).value).toMatchObject({ state: "done" });
    expect((await getChange(cluster, THERE, done)).value).toBeNull();
    expect((await getChange(cluster, HERE, "'; --")).value).toBeNull();
  });

  test("the mark moves with every change of orders, stock, products or changes, and with nothing else", async () => {
    await insertCatalogue(HERE, [{ product: 0, sku: "A", tracked: true, stock: [1, 1, 1] }]);
    await insertOrder(1);
    await owner`insert into commands (shop, id, kind, resource, input)
      values (${HERE}, ${randomUUID()}, 'order.fulfil', 'order/1', '{}')`;
    const mark = async () => (await changeMark(cluster, HERE)).value.mark;
    let last = await mark();
    const still = async () => {
      expect(await mark()).toBe(last);
    };
    const moved = async () => {
      const next = await mark();
      expect(next).not.toBe(last);
      last = next;
    };
    await still();
    for (const table of ["orders", "products", "variants", "inventory_levels"]) {
      await owner`update ${owner(table)} set updated_at = updated_at where shop = ${HERE}`;
      await moved();
    }
    await owner`update commands set updated_at = clock_timestamp()`;
    await moved();
    await insertOrder(2);
    await moved();
    await insertOrder(3, { shop: THERE });
    await still();
    await saveSettings(writes, HERE, { lowStockThreshold: 1 });
    await still();
    expect((await changeMark(cluster, HERE)).value).toMatchObject({
      pending: 1,
      needYou: 0,
    });
  });

  test("an open page looks often while an import runs, or is about to begin, and no longer", async () => {
    const syncing = async () => (await changeMark(cluster, HERE)).value.syncing;
    // Nobody opens a page of a shop that is not signed in, and signing in begins the import.
    expect(await syncing()).toBe(true);
    await owner`insert into sync_runs (shop, id, kind) values (${THERE}, ${randomUUID()}, 'import')`;
    await owner`insert into sync_runs (shop, id, kind) values (${HERE}, ${randomUUID()}, 'import')`;
    expect(await syncing()).toBe(true);
    for (const state of ["failed", "done"]) {
      await owner`update sync_runs set state = ${state}, finished_at = now() where shop = ${HERE}`;
      expect([state, await syncing()]).toEqual([state, false]);
    }
    await owner`insert into sync_runs (shop, id, kind) values (${HERE}, ${randomUUID()}, 'reconciliation')`;
    expect(await syncing()).toBe(true);
  });

  test("the mark moves also with what was stamped earlier and committed later", async () => {
    const slow = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
    try {
      await insertOrder(1);
      const before = (await changeMark(cluster, HERE)).value.mark;
      const committed = Promise.withResolvers<void>();
      const stamped = Promise.withResolvers<void>();
      const late = slow.begin(async (tx) => {
        await tx`update orders set note = 'late' where id = 1`;
        stamped.resolve();
        await committed.promise;
      });
      await stamped.promise;
      await insertOrder(2);
      const between = (await changeMark(cluster, HERE)).value.mark;
      expect(between).not.toBe(before);
      committed.resolve();
      await late;
      expect((await changeMark(cluster, HERE)).value.mark).not.toBe(between);
    } finally {
      await slow.end();
    }
  });
});

describe("what a shop keeps for itself", () => {
  test("settings have defaults, change one by one, and forget what they do not know", async () => {
    expect((await getSettings(cluster, HERE)).value).toEqual(defaultSettings);
    await owner`insert into settings (shop, "values") values (${HERE}, '{"lowStockThreshold": "many", "unknown": 1}')`;
    expect((await getSettings(cluster, HERE)).value).toEqual(defaultSettings);
    await saveSettings(writes, HERE, { lowStockThreshold: 3 }, "me");
    expect((await getSettings(cluster, HERE)).value).toEqual({
      ...defaultSettings,
      lowStockThreshold: 3,
    });
    expect((await getSettings(cluster, THERE)).value).toEqual(defaultSettings);
    await expect(saveSettings(writes, HERE, { lowStockThreshold: -1 })).rejects.toThrow();
  });

  test("views are kept in their order, renamed, and deleted once or more", async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const view = (id: string, name: string) => ({
      id,
      page: "orders" as const,
      name,
      query: "tab=all",
    });
    await saveView(writes, HERE, view(a, "First"));
    await saveView(writes, HERE, view(b, "Second"));
    await saveView(writes, HERE, view(a, "Renamed"));
    await saveView(writes, THERE, view(a, "Theirs"));
    const names = async (shop: string) =>
      (await listSavedViews(cluster, shop, "orders")).value.map(({ name }) => name);
    expect(await names(HERE)).toEqual(["Renamed", "Second"]);
    await deleteView(writes, HERE, a);
    await deleteView(writes, HERE, a);
    expect(await names(HERE)).toEqual(["Second"]);
    expect(await names(THERE)).toEqual(["Theirs"]);
    expect((await listSavedViews(cluster, HERE, "products")).value).toEqual([]);
  });

  test("webhooks are listed newest first, page by page, without their bodies", async () => {
    for (let n = 0; n < 60; n++) {
      await owner`insert into webhook_deliveries (shop, id, topic, api_version, body, state)
        values (${n === 0 ? THERE : HERE}, ${`d${n}`}, 'orders/create', '2026-10', '{"secret":1}', ${n % 2 ? "applied" : "dead"})`;
    }
    const first = (await listDeliveries(cluster, HERE)).value;
    const second = (await listDeliveries(cluster, HERE, { after: first.nextCursor })).value;
    const ids = [...first.deliveries, ...second.deliveries].map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 59 }, (_, i) => `d${59 - i}`));
    expect(second.nextCursor).toBeNull();
    expect(JSON.stringify(first)).not.toContain("secret");
    const dead = (await listDeliveries(cluster, HERE, { state: "dead", after: "nonsense" })).value;
    expect(dead.deliveries).toHaveLength(29);
  });
});
