import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Cluster } from "../../app/database/cluster.ts";
import { settings } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const ONE = "one.myshopify.com";
const TWO = "two.myshopify.com";

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  cluster = openCluster(database);
});
afterAll(async () => {
  await cluster?.close();
  await server?.[Symbol.asyncDispose]();
});

const count = defineWrite(
  "test.count",
  z.object({ by: z.number() }),
  async (tx, { by }, { shop }) => {
    const [row] = await tx
      .insert(settings)
      .values({ shop, values: { n: by } })
      .onConflictDoUpdate({
        target: settings.shop,
        set: { values: sql`jsonb_build_object('n', (${settings.values}->>'n')::int + ${by}::int)` },
      })
      .returning();
    return row?.values.n;
  },
);

test("a write with the same operation id happens once, and every caller gets its result", async () => {
  const shop = "once.myshopify.com";
  const all = await Promise.all(
    Array.from({ length: 8 }, () => cluster.write(shop, "op-1", count, { by: 2 })),
  );
  expect(new Set(all)).toEqual(new Set([2]));
  expect(await cluster.write(shop, "op-2", count, { by: 3 })).toBe(5);
  expect(await cluster.write(shop, "op-1", count, { by: 2 })).toBe(2);
});

test("an operation id that comes back with another input is an error", async () => {
  await cluster.write(ONE, "op-mismatch", count, { by: 1 });
  await expect(cluster.write(ONE, "op-mismatch", count, { by: 2 })).rejects.toThrow(
    "already used for a different change",
  );
});

test("a write that fails leaves nothing, so that the same id can be used again", async () => {
  const shop = "fails.myshopify.com";
  const fails = defineWrite("test.fails", z.object({}), async (tx, _input, context) => {
    await tx.insert(settings).values({ shop: context.shop });
    throw new Error("on purpose");
  });
  await expect(cluster.write(shop, "op-fail", fails, {})).rejects.toThrow("on purpose");
  expect(await cluster.write(shop, "op-fail", count, { by: 7 })).toBe(7);
});

test("a shop neither sees nor changes another shop's rows, even where the query forgets the shop", async () => {
  await cluster.write(TWO, "op-two", count, { by: 41 });
  const seen = await cluster.read(ONE, (db) => db.select().from(settings));
  expect(seen.value.every((row) => row.shop === ONE)).toBe(true);
  const careless = defineWrite("test.careless", z.object({}), async (tx) => {
    await tx.update(settings).set({ updatedBy: "one" });
    return (await tx.delete(settings).returning()).map((row) => row.shop);
  });
  expect(await cluster.write(ONE, "op-careless", careless, {})).toEqual([ONE]);
  const others = await cluster.read(TWO, (db) => db.select().from(settings));
  expect(others.value).toMatchObject([{ shop: TWO, updatedBy: null }]);
});

test("a row for another shop cannot be written", async () => {
  const intruder = defineWrite("test.intruder", z.object({}), async (tx) => {
    await tx.insert(settings).values({ shop: "three.myshopify.com" });
  });
  await expect(cluster.write(ONE, "op-intruder", intruder, {})).rejects.toMatchObject({
    name: "DatabaseError",
    kind: "permanent",
  });
});

test("the role for work across shops reads no merchant's data", async () => {
  await expect(cluster.system((db) => db.execute(sql`select * from orders`))).rejects.toMatchObject(
    { kind: "permanent", code: "42501" },
  );
});

test("a read cannot write", async () => {
  await expect(
    cluster.read(ONE, (db) => db.insert(settings).values({ shop: ONE })),
  ).rejects.toMatchObject({ code: "25006" });
});

test("the server itself ends what takes too long, transaction by transaction", async () => {
  const limits = sql`select current_setting('lock_timeout') as lock,
    current_setting('idle_in_transaction_session_timeout') as idle,
    current_setting('transaction_timeout') as all, current_setting('app.shop', true) as shop`;
  const { value } = await cluster.read(ONE, (db) => db.execute(limits), { deadlineMs: 20_000 });
  // A little later than we give up ourselves.
  const ms = (text: unknown) => {
    const [, amount, unit] = /^(\d+)(ms|s)$/.exec(String(text)) ?? [];
    return Number(amount) * (unit === "s" ? 1_000 : 1);
  };
  expect(value[0]).toMatchObject({ lock: "1s", shop: ONE });
  for (const limit of [value[0]?.idle, value[0]?.all]) {
    expect(ms(limit)).toBeGreaterThan(0);
    expect(ms(limit)).toBeLessThanOrEqual(20_500);
  }
  // What a transaction sets goes with it.
  await cluster.system((db) => db.execute(limits), { deadlineMs: 20_000 });
  const lease = await cluster.hold(AbortSignal.timeout(20_000));
  const [after] = await lease.client.sql`
    select current_setting('lock_timeout') as lock, current_setting('transaction_timeout') as all`;
  lease.release();
  expect(after).toEqual({ lock: "0", all: "0" });
});

test("who waits for a lock for too long is told that the database is busy", async () => {
  const shop = "locked.myshopify.com";
  await cluster.write(shop, "first", count, { by: 1 });
  const held = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const hold = defineWrite("test.hold", z.object({}), async (tx) => {
    await tx.update(settings).set({ updatedBy: "holder" });
    held.resolve();
    await over.promise;
  });
  const holding = cluster.write(shop, "hold", hold, {}, { deadlineMs: 30_000 });
  await held.promise;
  await expect(
    cluster.write(shop, "second", count, { by: 1 }, { deadlineMs: 30_000 }),
  ).rejects.toMatchObject({ kind: "busy", code: "55P03" });
  over.resolve();
  await holding;
  expect(await cluster.write(shop, "second", count, { by: 1 })).toBe(2);
});

test("every table that belongs to a shop is under a forced policy, and the app's roles cannot bypass it", async () => {
  const unprotected = await cluster.system((db) =>
    db.execute<{ relname: string }>(sql`
      select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'shop'
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and not (c.relrowsecurity and c.relforcerowsecurity
                 and exists (select from pg_policy p where p.polrelid = c.oid))`),
  );
  expect([...unprotected]).toEqual([]);
  const powerful = await cluster.system((db) =>
    db.execute(sql`select rolname from pg_roles
      where rolname like 'evenkeel%' and (rolsuper or rolbypassrls or rolcreaterole)`),
  );
  expect([...powerful]).toEqual([]);
});
