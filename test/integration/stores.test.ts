import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { z } from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster, ShopDatabase } from "../../app/database/cluster.ts";
import type { Origin } from "../../app/database/freshness.ts";
import { defineWrite } from "../../app/database/write.ts";
import type { InventoryLevelRow } from "../../app/inventory/mapping.server.ts";
import { packLevels, saveLevels, saveToldLevel } from "../../app/inventory/store.server.ts";
import { orderFromPayload, orderPayload, type OrderRows } from "../../app/orders/mapping.server.ts";
import { deleteOrder, packOrders, saveOrders } from "../../app/orders/store.server.ts";
import { productFromPayload, productPayload } from "../../app/products/mapping.server.ts";
import { packProducts, saveProducts } from "../../app/products/store.server.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";
import { factsOf } from "./support/tables.ts";
import postgres from "postgres";

const SHOP = "one.myshopify.com";

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let owner: postgres.Sql;
let nextId = 1;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  cluster = openCluster(database);
  owner = postgres(database.url("owner"), { max: 2, onnotice: () => {} });
});
afterAll(async () => {
  await owner?.end();
  await cluster?.close();
  await server?.[Symbol.asyncDispose]();
});

/** Runs some work as one write of the shop. */
function inWrite<Result>(work: (tx: ShopDatabase) => Promise<Result>): Promise<Result> {
  const definition = defineWrite("test", z.object({}), (tx) => work(tx));
  return cluster.write(SHOP, randomUUID(), definition, {}, { deadlineMs: 20_000 });
}

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();

/** An order as it was at a second: how many lines it has and its note follow from that. */
function orderAt(id: number, second: number, lineCount: number): OrderRows {
  const line_items = Array.from({ length: lineCount }, (_, n) => ({
    id: id * 100 + n,
    title: "Mug",
    sku: `MUG-${n}`,
    quantity: second + 1,
    fulfillable_quantity: 1,
    price: "1.00",
  }));
  const rows = orderFromPayload(
    orderPayload.parse({
      id,
      name: `#${id}`,
      note: `second ${second}`,
      created_at: at(0),
      updated_at: at(second),
      currency: "EUR",
      total_price: "1.00",
      tags: "",
      line_items,
    }),
  );
  return {
    ...rows,
    fulfillmentOrders: line_items.map(({ id: lineId }) => ({
      orderId: id,
      id: lineId + 50,
      status: "open",
      locationId: second + 1,
      locationName: null,
      holds: [],
      fulfillAt: null,
      lines: [{ id: lineId, lineId, total: 1, remaining: 1 }],
      updatedAt: at(second),
    })),
  };
}

const origin = fc.constantFrom<Origin>("read", "listed", "told");

describe("an order", () => {
  test("ends as its newest state says, with just that state's parts, in whichever order states come", async () => {
    const state = fc.record({
      second: fc.integer({ min: 0, max: 20 }),
      lines: fc.integer({ min: 0, max: 4 }),
      origin,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(state, { minLength: 1, maxLength: 6, selector: ({ second }) => second }),
        async (states) => {
          const id = nextId++;
          for (const { second, lines, origin: how } of states) {
            await inWrite((tx) =>
              saveOrders(tx, SHOP, packOrders([orderAt(id, second, lines)]), how),
            );
          }
          const newest = states.reduce((a, b) => (a.second > b.second ? a : b));
          const facts = await factsOf(owner, SHOP);
          const parts = (rows: Record<string, unknown>[]) =>
            rows.filter((row) => row.order_id === id);
          expect(facts.orders.find((row) => row.id === id)).toMatchObject({
            note: `second ${newest.second}`,
            units: newest.lines * (newest.second + 1),
          });
          expect(parts(facts.order_lines).map(({ quantity }) => quantity)).toEqual(
            Array.from({ length: newest.lines }, () => newest.second + 1),
          );
          expect(parts(facts.fulfillment_orders).map(({ location_id }) => location_id)).toEqual(
            Array.from({ length: newest.lines }, () => newest.second + 1),
          );
          await owner`delete from orders`;
        },
      ),
      { numRuns: 40 },
    );
  });

  test("of the same second is replaced by a read, and by nothing else", async () => {
    for (const [how, expected] of [
      ["listed", "second 5"],
      ["told", "second 5"],
      ["read", "again"],
    ] as const) {
      const id = nextId++;
      const first = orderAt(id, 5, 1);
      const again = { ...first, order: { ...first.order, note: "again" } };
      await inWrite((tx) => saveOrders(tx, SHOP, packOrders([first]), "listed"));
      await inWrite((tx) => saveOrders(tx, SHOP, packOrders([again]), how));
      const [row] = await owner`select note from orders where id = ${id}`;
      expect(row?.note).toBe(expected);
    }
  });

  test("that was deleted stays deleted, whatever comes and however new it is", async () => {
    for (const how of ["read", "listed", "told"] as const) {
      const id = nextId++;
      await inWrite((tx) => saveOrders(tx, SHOP, packOrders([orderAt(id, 1, 2)]), "listed"));
      await inWrite((tx) => deleteOrder(tx, SHOP, id, new Date(at(2))));
      const saved = await inWrite((tx) =>
        saveOrders(tx, SHOP, packOrders([orderAt(id, 30, 2)]), how),
      );
      expect(saved).toEqual([]);
      const [row] = await owner`
        select deleted_at is not null as deleted, note,
          (select count(*)::int from order_lines where order_id = ${id}) as lines
        from orders where id = ${id}`;
      expect(row).toEqual({ deleted: true, note: null, lines: 0 });
    }
  });

  test("told of by a webhook keeps what only a read can know", async () => {
    const id = nextId++;
    const read = orderAt(id, 1, 1);
    const known = {
      ...read,
      order: {
        ...read.order,
        risk: "high" as const,
        fulfillmentStatus: "on_hold" as const,
        locationIds: [5],
      },
      lines: read.lines.map((line) => ({ ...line, imageUrl: "https://pictures/1" })),
    };
    await inWrite((tx) => saveOrders(tx, SHOP, packOrders([known]), "read"));
    const told = { ...orderAt(id, 2, 1), fulfillmentOrders: null };
    await inWrite((tx) => saveOrders(tx, SHOP, packOrders([told]), "told"));
    const [row] = await owner`
      select o.note, o.risk, o.fulfillment_status, o.location_ids, l.image_url,
        (select count(*)::int from fulfillment_orders where order_id = ${id}) as parts
      from orders o join order_lines l on l.order_id = o.id where o.id = ${id}`;
    expect(row).toEqual({
      note: "second 2",
      risk: "high",
      fulfillment_status: "on_hold",
      location_ids: ["5"],
      image_url: "https://pictures/1",
      parts: 1,
    });
    const partial = { ...told.order, updatedAt: at(3), fulfillmentStatus: "partially_fulfilled" };
    await inWrite((tx) => saveOrders(tx, SHOP, packOrders([{ ...told, order: partial }]), "told"));
    const [after] = await owner`select fulfillment_status from orders where id = ${id}`;
    expect(after?.fulfillment_status).toBe("partially_fulfilled");
  });

  test("is written by many at a time without anybody locking anybody out", async () => {
    const ids = Array.from({ length: 40 }, () => nextId++);
    const writers = Array.from({ length: 8 }, (_, writer) => {
      const shuffled = ids.toSorted(
        (a, b) => ((a * 7 + writer * 13) % 41) - ((b * 7 + writer * 13) % 41),
      );
      return inWrite((tx) =>
        saveOrders(
          tx,
          SHOP,
          packOrders(shuffled.map((id) => orderAt(id, writer, 2))),
          writer % 2 === 0 ? "listed" : "read",
        ),
      );
    });
    await Promise.all(writers);
    const rows = await owner`select distinct note from orders where id >= ${ids[0]!}`;
    expect(rows.map(({ note }) => String(note))).toEqual(["second 7"]);
  });
});

test("a batch keeps the newest of what it holds twice", async () => {
  const id = nextId++;
  const batch = packOrders([orderAt(id, 3, 1), orderAt(id, 9, 2), orderAt(id, 4, 3)]);
  await inWrite((tx) => saveOrders(tx, SHOP, batch, "listed"));
  const [row] = await owner`
    select note, (select count(*)::int from order_lines where order_id = ${id}) as lines
    from orders where id = ${id}`;
  expect(row).toEqual({ note: "second 9", lines: 2 });
});

test("a product's variants are those of its newest state; the others get a tombstone", async () => {
  const productAt = (second: number, variantIds: readonly number[]) =>
    productFromPayload(
      productPayload.parse({
        id: 1,
        title: `second ${second}`,
        handle: "mug",
        status: "active",
        vendor: "",
        product_type: "",
        tags: "",
        created_at: at(0),
        updated_at: at(second),
        variants: variantIds.map((id, n) => ({
          id,
          title: `V${id}`,
          sku: "",
          price: "1.00",
          position: n + 1,
          updated_at: at(second),
          inventory_item_id: id + 100,
        })),
      }),
    );
  const save = (second: number, ids: readonly number[], how: Origin) =>
    inWrite((tx) => saveProducts(tx, SHOP, packProducts([productAt(second, ids)]), how));
  await save(1, [1, 2, 3], "listed");
  await save(5, [2, 4], "told");
  await save(3, [1, 2, 3], "read");
  await save(5, [9], "told");
  const rows = await owner`select id, deleted_at is not null as gone from variants order by id`;
  expect(rows.map(({ id, gone }) => [Number(id), Boolean(gone)])).toEqual([
    [1, true],
    [2, false],
    [3, true],
    [4, false],
  ]);
  await save(8, [1, 2], "told");
  const back = await owner`select id from variants where deleted_at is null order by id`;
  expect(back.map(({ id }) => Number(id))).toEqual([1, 2]);
});

test("a level's newest numbers count, and a webhook leaves alone what it does not say", async () => {
  const level = (second: number, available: number): InventoryLevelRow => ({
    inventoryItemId: 1,
    locationId: 2,
    available,
    onHand: available + 3,
    committed: 3,
    incoming: 1,
    updatedAt: at(second),
  });
  const stored = async () => {
    const [row] = await owner`
      select available, on_hand, committed, incoming from inventory_levels`;
    return row;
  };
  await inWrite((tx) => saveLevels(tx, SHOP, packLevels([level(5, 10)]), "listed"));
  await inWrite((tx) => saveLevels(tx, SHOP, packLevels([level(4, 99)]), "read"));
  expect(await stored()).toEqual({ available: 10, on_hand: 13, committed: 3, incoming: 1 });
  const told = { inventoryItemId: 1, locationId: 2, available: 7 };
  expect(await inWrite((tx) => saveToldLevel(tx, SHOP, { ...told, updatedAt: at(5) }))).toBe(false);
  expect(await inWrite((tx) => saveToldLevel(tx, SHOP, { ...told, updatedAt: at(6) }))).toBe(true);
  expect(await stored()).toEqual({ available: 7, on_hand: 13, committed: 3, incoming: 1 });
  await inWrite((tx) => saveLevels(tx, SHOP, packLevels([level(6, 7)]), "read"));
  expect(await stored()).toEqual({ available: 7, on_hand: 10, committed: 3, incoming: 1 });
});
