import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Cluster } from "../../app/database/cluster.ts";
import { settings } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { append } from "./support/append.ts";
import { startTestServer, type TestServer } from "./support/database.ts";
import { Turns } from "./support/turns.ts";

const SHOP = "one.myshopify.com";
/** The machine that this runs on may be busy. */
const PATIENCE = { deadlineMs: 60_000 };
/** More often than it takes for a statement to be worth preparing. */
const OFTEN = 6;

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster | undefined;
let owner: postgres.Sql;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  database = await server.createDatabase();
  owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
});
afterEach(async () => {
  await cluster?.close();
  await owner.end();
  await database.drop();
});

interface Setup {
  readonly preparedStatements?: boolean;
  readonly poolSize?: number;
  readonly port?: number;
}

function open({ port, poolSize = 1, ...options }: Setup = {}): Cluster {
  const urlOf = (role: "app" | "system") => {
    const url = new URL(database.url(role));
    if (port) url.port = String(port);
    return url.href;
  };
  cluster = new Cluster({ url: urlOf("app"), systemUrl: urlOf("system"), poolSize, ...options });
  return cluster;
}

async function often(work: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < OFTEN; n++) await work(n);
}

/** What the server has prepared for the one connection of a pool, by the first words of each text. */
async function preparedOn(one: Cluster): Promise<string[]> {
  const { value } = await one.read(
    SHOP,
    (db) => db.execute<{ statement: string }>(sql`select statement from pg_prepared_statements`),
    PATIENCE,
  );
  return value.map(({ statement }) => statement.trim().split(" ").slice(0, 3).join(" "));
}

const readSettings = (one: Cluster) =>
  one.read(SHOP, (db) =>
    db
      .select()
      .from(settings)
      .where(sql`${settings.shop} = ${SHOP}`),
  );

/** A write whose result is stored with it. */
const answer = defineWrite("test.answer", z.object({ n: z.number() }), async (tx, { n }) => {
  const [row] = await tx.execute<{ twice: number }>(sql`select ${n}::int * 2 as twice`);
  return row?.twice;
});

test("what comes again and again is prepared, once on its connection", async () => {
  const one = open();
  await often((n) => one.write(SHOP, `w-${n}`, append, { word: `${n}` }, PATIENCE));
  await often(() => readSettings(one));
  expect((await preparedOn(one)).sort()).toEqual(
    ['insert into "settings"', "insert into operations", 'select "shop", "values",'].sort(),
  );
});

test("where a pooler chooses the session, nothing is", async () => {
  const one = open({ preparedStatements: false });
  await often((n) => one.write(SHOP, `w-${n}`, append, { word: `${n}` }, PATIENCE));
  await often(() => readSettings(one));
  expect(await preparedOn(one)).toEqual([]);
});

test("a write waits three times for the server: for its id, its work and its commit; a read once", async () => {
  await using turns = await Turns.to(Number(new URL(database.url("app")).port));
  const one = open({ port: turns.port });
  await often(() => readSettings(one));
  await often((n) => one.write(SHOP, `w-${n}`, answer, { n }, PATIENCE));
  const asked = async (work: () => Promise<unknown>) => {
    turns.take();
    await work();
    // The monitor's probes go through the same address.
    const [transaction] = turns.take().filter(([first]) => first?.includes("begin"));
    return transaction;
  };

  const writing = await asked(() => one.write(SHOP, "once", answer, { n: 21 }, PATIENCE));
  expect(writing).toHaveLength(3);
  expect(writing?.[2]).toContain("commit");
  expect(await one.write(SHOP, "once", answer, { n: 21 }, PATIENCE)).toBe(42);

  const both = await asked(async () => {
    await readSettings(one);
    // The end of what only reads travels with whatever comes next.
    await one.write(SHOP, "twice", answer, { n: 21 }, PATIENCE);
  });
  expect(both).toHaveLength(1 + 3);
});

test("what one connection is asked again and again, the idle ones beside it get ready for", async () => {
  const size = 3;
  const one = open({ poolSize: size });
  await often((n) => one.write(SHOP, `w-${n}`, append, { word: `${n}` }, PATIENCE));
  /** What each of so many connections has, which are in use at the same time. */
  const onEach = async () => {
    let inside = 0;
    const all = Promise.withResolvers<void>();
    return Promise.all(
      Array.from({ length: size }, async () => {
        const { value } = await one.read(
          SHOP,
          async (db) => {
            const rows = await db.execute(sql`select statement from pg_prepared_statements`);
            if (++inside >= size) all.resolve();
            await all.promise;
            return rows.length;
          },
          PATIENCE,
        );
        return value;
      }),
    );
  };
  const areReady = async () => (await onEach()).every((count) => count === 2);
  // The insert of the id and the write's own; a connection that has none yet gets both by and by.
  await expect.poll(areReady).toBe(true);
});

test("a migration beneath a prepared statement costs its transaction another try, and no error", async () => {
  const one = open({ poolSize: 3 });
  await owner`create table trial (id text primary key, n integer not null)`;
  await owner`grant all on trial to evenkeel_app`;
  const add = defineWrite(
    "test.trial",
    z.object({ id: z.string(), n: z.number() }),
    async (tx, { id, n }) => {
      const [row] = await tx.execute<{ n: unknown }>(
        sql`insert into trial (id, n) values (${id}, ${n}) returning n`,
      );
      return row?.n;
    },
  );
  const above = (n: number) =>
    one.read(
      SHOP,
      (db) => db.execute<{ n: unknown }>(sql`select n from trial where n > ${n} order by id`),
      PATIENCE,
    );
  await Promise.all(
    Array.from({ length: 3 * OFTEN }, async (_, n) => {
      await one.write(SHOP, `before-${n}`, add, { id: `a${n}`, n: 1 }, PATIENCE);
      await above(0);
    }),
  );

  await owner`alter table trial alter column n type text`;

  const results = await Promise.all(
    Array.from({ length: OFTEN }, (_, n) =>
      one.write(SHOP, `after-${n}`, add, { id: `b${n}`, n: 2 }, PATIENCE),
    ),
  );
  expect(results).toEqual(Array.from({ length: OFTEN }, () => "2"));
  const { value } = await above(1);
  expect(value.map(({ n }) => n)).toEqual(Array.from({ length: OFTEN }, () => "2"));
});
