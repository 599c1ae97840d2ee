import { once } from "node:events";
import postgres from "postgres";
import { afterEach, describe, expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { DatabaseError } from "../../app/database/errors.ts";
import { migrate } from "../../app/database/migrate.ts";
import { OwnWrites } from "../../app/database/own-writes.ts";
import { settings } from "../../app/database/schema.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { pgbouncerVersion, startPgbouncer } from "../sandbox/postgres/pgbouncer.ts";
import { TransactionPooler, type Pooler } from "../sandbox/postgres/transaction-pooler.ts";
import { append } from "./support/append.ts";
import { replicated } from "./support/replicated.ts";

/**
 * Behind a pooler in transaction mode: the stand-in is there everywhere, PgBouncer itself where somebody has installed
 * it. The reports name the one that was met.
 */
const version = pgbouncerVersion();
const poolers: Record<string, (pair: PostgresPair) => Promise<Pooler>> = {
  "the stand-in": (pair) => TransactionPooler.open(pair.writer),
  ...(version
    ? {
        [version]: (pair) =>
          startPgbouncer(pair.writer, [pair.url("app", "writer"), pair.url("system", "writer")]),
      }
    : {}),
};

const through = (url: string, { port }: Pooler) => {
  const moved = new URL(url);
  moved.port = String(port);
  return moved.href;
};

describe.each(Object.keys(poolers))("behind %s", (name) => {
  let pair: PostgresPair;
  let pooler: Pooler;
  let cluster: Cluster;

  async function start(replication: "sync" | "async" = "sync"): Promise<void> {
    pair = await startPostgresPair({ replication });
    await migrate({ url: pair.url("owner", "writer") });
    pooler = await poolers[name]!(pair);
    cluster = new Cluster({
      url: through(pair.url("app", "writer"), pooler),
      systemUrl: through(pair.url("system", "writer"), pooler),
      readerUrl: pair.url("app", "reader"),
      directUrls: [pair.url("app", "writer"), pair.url("app", "reader")],
      preparedStatements: false,
      poolSize: 8,
    });
  }

  afterEach(async () => {
    await cluster?.close();
    await pooler?.[Symbol.asyncDispose]();
    await pair?.close();
  });

  const write = (shop: string, word: string, deadlineMs = 20_000) =>
    cluster.write(shop, word, append, { word }, { deadlineMs });

  async function words(): Promise<Map<string, string[]>> {
    const admin = postgres(pair.primary.url("superuser"), { max: 1 });
    const rows = await admin<{ shop: string; values: { words: string[] } }[]>`
      select shop, values from settings`;
    await admin.end();
    return new Map(rows.map(({ shop, values }) => [shop, values.words]));
  }

  test("transactions that meet other server connections each time keep their shops apart", async () => {
    await start();
    const shops = Array.from({ length: 20 }, (_, n) => `shop-${n}.myshopify.com`);
    const list = ["a", "b", "c"];
    for (const word of list) await Promise.all(shops.map((shop) => write(shop, word)));
    const seen = await Promise.all(
      shops.map((shop) =>
        // Of the primary, however long it hesitates: a standby applies later than it confirms.
        cluster.read(shop, (db) => db.select().from(settings), { maxLagMs: 0, deadlineMs: 20_000 }),
      ),
    );
    expect(seen.map(({ value }) => value.map(({ shop }) => shop))).toEqual(
      shops.map((shop) => [shop]),
    );
    expect(await words()).toEqual(new Map(shops.map((shop) => [shop, list])));
    if (pooler.switches !== undefined) expect(pooler.switches).toBeGreaterThan(0);
  });

  test("a write's position is told, and a session is held on the server itself", async () => {
    await start();
    const own = new OwnWrites();
    await cluster.withOwnWrites(own, () => write("one.myshopify.com", "a"));
    expect(own.mark).toMatchObject({ timeline: 1 });
    const lease = await cluster.hold(AbortSignal.timeout(20_000));
    const [session] = await lease.client.sql`
      select inet_server_port() as port, current_user::text as "user"`;
    expect(session).toEqual({ port: pair.primary.port, user: "evenkeel_system" });
    lease.release();
  });

  test("a failover behind it loses and doubles nothing", async () => {
    await start();
    const acknowledged = new Map<string, string[]>();
    const failed: unknown[] = [];
    let ended = false;
    const writers = Array.from({ length: 6 }, async (_, n) => {
      const shop = `writer-${n}.myshopify.com`;
      const list: string[] = [];
      acknowledged.set(shop, list);
      for (let i = 0; !ended; i++) {
        await write(shop, `${n}-${i}`).then(
          () => list.push(`${n}-${i}`),
          (error: unknown) => failed.push(error),
        );
      }
    });
    const moved = async (by: number) => {
      const before = [...acknowledged.values()].map(({ length }) => length);
      while (![...acknowledged.values()].every((list, n) => list.length >= before[n]! + by)) {
        await new Promise(setImmediate);
      }
    };
    await moved(5);
    await pair.crash(pair.primary);
    await pair.failover();
    await moved(2);
    ended = true;
    await Promise.all(writers);
    expect(failed).toEqual([]);
    const kept = await words();
    for (const [shop, list] of acknowledged) expect(kept.get(shop)).toEqual(list);
  });

  test("an old primary that it still leads to gets no write", async () => {
    await start("async");
    const shop = "one.myshopify.com";
    await write(shop, "before");
    const former = pair.primary;
    await replicated(pair);
    // Both live on; the pooler's connections stay where they are, and the endpoint moves.
    await pair.failover();
    const { monitor } = cluster;
    const follows = () =>
      monitor.writer === "writer" && monitor.node("writer")?.report?.timeline === 2;
    while (!follows()) await once(monitor.events, "report");
    const outcome = await write(shop, "after", 2_000).then(
      () => null,
      (error: DatabaseError) => `${error.kind} ${error.code}`,
    );
    const stray = await former.query<{ words: string[] }>(
      "select values->'words' as words from settings",
      { database: "evenkeel" },
    );
    expect(stray).toEqual([{ words: ["before"] }]);
    const kept = (await words()).get(shop);
    if (outcome === null) expect(kept).toEqual(["before", "after"]);
    // Its time may end in the middle of an attempt.
    else expect(outcome).toMatch(/^(notExecuted OTHER_SERVER|unknown DEADLINE)$/);
  });

  test("while there is no server behind it, writes end with an error that may be tried again", async () => {
    await start();
    await write("one.myshopify.com", "first");
    await pair.crash(pair.primary);
    for (let n = 0; n < 3; n++) {
      const error: unknown = await write(`${n}.myshopify.com`, "a", 500).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(DatabaseError);
      expect((error as DatabaseError).kind).not.toBe("permanent");
    }
    await pair.start(pair.primary);
    await expect.poll(() => write("one.myshopify.com", "second").then(() => "done")).toBe("done");
    expect((await words()).get("one.myshopify.com")).toEqual(["first", "second"]);
  });
});

if (!version) test.skip("behind PgBouncer itself: it is not installed here", () => {});

test("named statements and unknown startup parameters fail at the stand-in as they do at PgBouncer", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  const first = through(pair.url("app", "writer"), await standIn(pair));
  const clients = [1, 2].map(() =>
    postgres(first, { max: 1, fetch_types: false, prepare: false, onnotice: () => {} }),
  );
  const [one, other] = clients;
  try {
    await other!.unsafe("select 1").simple();
    await one!.unsafe("prepare word as select 1").simple();
    await expect(one!.unsafe("execute word").simple()).rejects.toMatchObject({ code: "26000" });
  } finally {
    await Promise.all(clients.map((client) => client.end({ timeout: 0 })));
  }
  const strange = postgres(first, { max: 1, connection: { lock_timeout: 1_000 } });
  await expect(strange`select 1`).rejects.toMatchObject({ code: "08P01" });
  await strange.end({ timeout: 0 });
});

const opened: Pooler[] = [];
async function standIn(pair: PostgresPair): Promise<Pooler> {
  const pooler = await TransactionPooler.open(pair.writer);
  opened.push(pooler);
  return pooler;
}
afterEach(async () => {
  for (const pooler of opened.splice(0)) await pooler[Symbol.asyncDispose]();
});
