import fc from "fast-check";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../app/database/cluster.ts";
import { searchText } from "../../app/database/search-text.ts";
import { defaultOrderQuery } from "../../app/orders/order-query.ts";
import { getOrder, listOrders } from "../../app/orders/queries.server.ts";
import { orderSorts, orderTabs, type OrderQuery } from "../../app/orders/types.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const HERE = "here.myshopify.com";
const THERE = "there.myshopify.com";

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let owner: postgres.Sql;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  cluster = openCluster(database);
  owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await cluster?.close();
  await owner?.end();
  await database?.drop();
  await server?.[Symbol.asyncDispose]();
});

interface Made {
  readonly id: number;
  readonly name: string;
  readonly placedAt: Date;
  readonly updatedAt: Date;
  readonly total: string;
  readonly customer: string | null;
  readonly payment: string;
  readonly fulfillment: string;
  readonly toFulfil: number;
  readonly cancelled: boolean;
  readonly closed: boolean;
  readonly locationIds: readonly number[];
  readonly tags: readonly string[];
  readonly source: string;
  readonly sku: string;
  readonly deleted: boolean;
}

/** Few different values, so that many orders are equal in whatever they are ordered by. */
const made: fc.Arbitrary<Omit<Made, "id" | "name">> = fc.record({
  placedAt: fc.integer({ min: 0, max: 5 }).map((n) => new Date(Date.UTC(2026, 10, 1, 0, 0, n))),
  updatedAt: fc.integer({ min: 0, max: 5 }).map((n) => new Date(Date.UTC(2026, 10, 2, 0, 0, n))),
  total: fc.constantFrom("0", "9.99", "10", "10.5", "100", "-1"),
  customer: fc.constantFrom(null, "Anna Müller", "anna müller", "Émile", "Zoë", "O'Brien", "北京"),
  payment: fc.constantFrom("paid", "pending", "refunded"),
  fulfillment: fc.constantFrom("unfulfilled", "fulfilled", "on_hold", "scheduled"),
  toFulfil: fc.integer({ min: 0, max: 2 }),
  cancelled: fc.boolean(),
  closed: fc.boolean(),
  locationIds: fc.subarray([1, 2, 3]),
  tags: fc.subarray(["vip", "gift, wrapped", 'a"b', "{x}"]),
  source: fc.constantFrom("web", "evenkeel"),
  sku: fc.constantFrom("MUG-1", "50%_off", "back\\slash", "tee"),
  deleted: fc.boolean(),
});

const query: fc.Arbitrary<OrderQuery> = fc.record({
  tab: fc.constantFrom(...orderTabs),
  search: fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    fc.constantFrom("anna", "muller", "#1", "mug", "%", "_", "50%", "\\", "o'b", "京", "e"),
  ),
  paymentStatuses: fc.subarray(["paid", "pending"] as const),
  fulfillmentStatuses: fc.subarray(["unfulfilled", "on_hold"] as const),
  locationId: fc.constantFrom(null, null, 1, 9),
  tag: fc.constantFrom(null, null, "vip", "gift, wrapped", 'a"b', "{x}"),
  placedAfter: fc.constantFrom(null, new Date(Date.UTC(2026, 10, 1, 0, 0, 2))),
  placedBefore: fc.constantFrom(null, new Date(Date.UTC(2026, 10, 1, 0, 0, 5))),
  sort: fc.constantFrom(...orderSorts),
  descending: fc.boolean(),
  after: fc.constant(null),
  before: fc.constant(null),
  pageSize: fc.integer({ min: 1, max: 7 }),
});

async function insert(shop: string, all: readonly Made[]): Promise<void> {
  await owner`delete from orders where shop = ${shop}`;
  for (const one of all) {
    await owner`
      insert into orders (shop, id, name, placed_at, updated_at, cancelled_at, closed_at, payment_status,
        fulfillment_status, currency, total, subtotal, total_tax, total_shipping, total_discounts,
        total_refunded, customer_name, tags, source_name, units, units_to_fulfil, location_ids, search_text,
        deleted_at)
      values (${shop}, ${one.id}, ${one.name}, ${one.placedAt}, ${one.updatedAt},
        ${one.cancelled ? one.placedAt : null}, ${one.closed ? one.placedAt : null}, ${one.payment},
        ${one.fulfillment}, 'EUR', ${one.total}, 0, 0, 0, 0, 0, ${one.customer}, ${[...one.tags]},
        ${one.source}, 2, ${one.toFulfil}, ${[...one.locationIds]},
        ${searchText([one.name, one.customer, one.sku])}, ${one.deleted ? one.placedAt : null})`;
  }
}

/** What belongs on the list, decided here without SQL. */
function belongs(one: Made, asked: OrderQuery): boolean {
  const text = searchText([one.name, one.customer, one.sku]);
  const begins = (word: string) => [" ", "#"].some((mark) => ` ${text}`.includes(mark + word));
  const found = (word: string) => ([...word].length < 3 ? begins(word) : text.includes(word));
  const inTab = {
    all: true,
    "to-fulfil":
      one.toFulfil > 0 &&
      !one.cancelled &&
      !one.closed &&
      !["on_hold", "scheduled"].includes(one.fulfillment),
    "on-hold": one.fulfillment === "on_hold" && !one.cancelled,
    waiting: false,
    "taken-here": one.source === "evenkeel",
  }[asked.tab];
  return (
    !one.deleted &&
    inTab &&
    (asked.search === "" || found(asked.search)) &&
    (asked.paymentStatuses.length === 0 ||
      asked.paymentStatuses.some((status) => status === one.payment)) &&
    (asked.fulfillmentStatuses.length === 0 ||
      asked.fulfillmentStatuses.some((status) => status === one.fulfillment)) &&
    (asked.locationId === null || one.locationIds.includes(asked.locationId)) &&
    (asked.tag === null || one.tags.includes(asked.tag)) &&
    (asked.placedAfter === null || one.placedAt >= asked.placedAfter) &&
    (asked.placedBefore === null || one.placedAt < asked.placedBefore)
  );
}

/** Every page from a cursor on, in one direction. */
async function walk(asked: OrderQuery, direction: "after" | "before", from: string | null) {
  const pages: number[][] = [];
  for (let cursor = from; ;) {
    const { value } = await listOrders(cluster, HERE, { ...asked, [direction]: cursor });
    pages.push(value.orders.map(({ id }) => id));
    const { nextCursor, previousCursor, total } = value;
    const [onward, back] =
      direction === "after" ? [nextCursor, previousCursor] : [previousCursor, nextCursor];
    if (onward === null) return { pages, total, turn: back };
    cursor = onward;
  }
}

test("each order that belongs on the list is on exactly one page, on the way there and back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 40 }),
      fc.array(made, { maxLength: 3 }),
      fc.array(query, { minLength: 3, maxLength: 6 }),
      async (here, there, queries) => {
        const numbered = (all: readonly Omit<Made, "id" | "name">[], first: number): Made[] =>
          all.map((one, i) => ({ ...one, id: first + i, name: `#${1000 + first + i}` }));
        const mine = numbered(here, 1);
        await insert(HERE, mine);
        await insert(THERE, numbered(there, 1000));
        for (const asked of queries) {
          const expected = mine.filter((one) => belongs(one, asked)).map(({ id }) => id);
          const forth = await walk(asked, "after", null);
          const seen = forth.pages.flat();
          expect(seen.toSorted((a, b) => a - b)).toEqual(expected);
          expect(forth.total).toBe(expected.length);
          expect(forth.pages.every((page) => page.length <= asked.pageSize)).toBe(true);

          const back = forth.turn === null ? [] : (await walk(asked, "before", forth.turn)).pages;
          const again = back.toReversed().flat();
          expect(again).toEqual(seen.slice(0, again.length));
          expect(again.length + (forth.pages.at(-1)?.length ?? 0)).toBe(seen.length);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test("orders that come in while somebody turns pages neither repeat nor hide what was there", async () => {
  const at = (n: number) => new Date(Date.UTC(2026, 10, 1, 0, n));
  const one = (id: number): Made => ({
    id,
    name: `#${id}`,
    placedAt: at(id),
    updatedAt: at(id),
    total: "1",
    customer: null,
    payment: "paid",
    fulfillment: "unfulfilled",
    toFulfil: 1,
    cancelled: false,
    closed: false,
    locationIds: [],
    tags: [],
    source: "web",
    sku: "",
    deleted: false,
  });
  const all = Array.from({ length: 9 }, (_, i) => one(i + 1));
  await insert(HERE, all);
  const asked = { ...defaultOrderQuery, pageSize: 3 };
  const first = await listOrders(cluster, HERE, asked);
  expect(first.value.orders.map(({ id }) => id)).toEqual([9, 8, 7]);
  await insert(HERE, [...all, one(10), one(11)]);
  const second = await listOrders(cluster, HERE, { ...asked, after: first.value.nextCursor });
  expect(second.value.orders.map(({ id }) => id)).toEqual([6, 5, 4]);
  const back = await listOrders(cluster, HERE, { ...asked, before: second.value.previousCursor });
  expect(back.value.orders.map(({ id }) => id)).toEqual([9, 8, 7]);
  const newest = await listOrders(cluster, HERE, { ...asked, before: back.value.previousCursor });
  expect(newest.value.orders.map(({ id }) => id)).toEqual([11, 10]);
  // What a cursor points at may vanish.
  await owner`update orders set deleted_at = now() where shop = ${HERE} and id = 7`;
  const after = await listOrders(cluster, HERE, { ...asked, after: first.value.nextCursor });
  expect(after.value.orders.map(({ id }) => id)).toEqual([6, 5, 4]);
});

describe("search", () => {
  beforeAll(async () => {
    await owner`delete from orders`;
    for (const [id, parts] of Object.entries({
      1: ["#1001", "Anna Müller", "anna@example.com", "MUG-BLUE", "JD0140000123"],
      2: ["#1002", "José García", "jose@example.com", "50%_OFF", "1Z999AA10123456784"],
      3: ["#1010", "Дмитрий Иванов", null, "back\\slash", null],
      4: ["#2001", "יעל כהן", "yael@example.co.il", "קפה", null],
      5: ["#3001", 'O\'Brien "Bob"', "bob@example.com", "😀-smile", null],
    })) {
      await owner`insert into orders (shop, id, name, placed_at, updated_at, payment_status,
          fulfillment_status, currency, total, subtotal, total_tax, total_shipping, total_discounts,
          total_refunded, search_text)
        values (${HERE}, ${Number(id)}, ${parts[0] ?? ""}, now(), now(), 'paid', 'unfulfilled', 'EUR', 0, 0, 0, 0, 0, 0,
          ${searchText(parts)})`;
    }
  });

  const find = async (search: string) => {
    const { value } = await listOrders(cluster, HERE, { ...defaultOrderQuery, search });
    return value.orders.map(({ id }) => id).sort();
  };

  test.for([
    ["#1001", [1]],
    ["1001", [1]],
    ["anna", [1]],
    ["ANNA muller", [1]],
    ["müller anna", [1]],
    ["garcia", [2]],
    ["anna@example.com", [1]],
    ["mug-b", [1]],
    ["0140000", [1]],
    ["1z999aa1", [2]],
    ["50%_off", [2]],
    ["%", []],
    ["_", []],
    ["0%_", [2]],
    ["\\", []],
    ["k\\s", [3]],
    ["иванов", [3]],
    ["כהן", [4]],
    ["קפה", [4]],
    ["o'brien", [5]],
    ['"bob"', [5]],
    ["😀", [5]],
    ["an", [1]],
    ["10", [1, 2, 3]],
    ["1", [1, 2, 3]],
    ["anna garcia", []],
    ["nobody", []],
  ] as const)("%s", async ([search, ids]) => {
    expect(await find(search)).toEqual(ids);
  });

  test("whatever is pasted into it is answered", async () => {
    await find("x".repeat(10_000));
    await find("\u202eabc\u202c");
    await find("a\0b");
    await find("\ud83d");
    await find("'; drop table orders; --");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (search) => {
        await find(search);
      }),
      { numRuns: 60 },
    );
  });
});

test("an order of another shop is not there, whoever knows its number", async () => {
  await owner`delete from orders`;
  await owner`insert into orders (shop, id, name, placed_at, updated_at, payment_status,
      fulfillment_status, currency, total, subtotal, total_tax, total_shipping, total_discounts,
      total_refunded, search_text)
    values (${THERE}, 7, '#7', now(), now(), 'paid', 'unfulfilled', 'EUR', 0, 0, 0, 0, 0, 0, '#7 secret')`;
  expect((await getOrder(cluster, HERE, 7)).value).toBeNull();
  expect((await getOrder(cluster, THERE, 7)).value?.name).toBe("#7");
  for (const search of ["", "#7", "secret", "7"]) {
    const { value } = await listOrders(cluster, HERE, { ...defaultOrderQuery, search });
    expect(value).toMatchObject({ orders: [], total: 0 });
  }
});
