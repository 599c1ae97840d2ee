import { expect, test } from "vitest";
import { z } from "zod";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { settings, webhookDeliveries } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import { startPostgresPair, type PostgresNode } from "../sandbox/postgres/index.ts";
import { replicated } from "./support/replicated.ts";

const note = defineWrite("test.note", z.object({ word: z.string() }), async (tx, { word }, at) => {
  await tx.insert(settings).values({ shop: at.shop, values: { words: [word] } });
});

/** Goes on when the test lets it. */
const held = defineWrite("test.held", z.object({}), async (tx, _input, at) => {
  await tx.insert(settings).values({ shop: at.shop, values: {} });
  atWork.add(at.shop);
  await letGo.promise;
});
const atWork = new Set<string>();
const letGo = Promise.withResolvers<void>();

const POOL_SIZE = 4;
/** Kept open beside them, for reads. */
const READ_RESERVE = 2;
/** So many are let onto a server that has just taken over; the others stand in line. */
const FIRST = 2;
const shops = Array.from({ length: 15 }, (_, n) => `shop-${n}.myshopify.com`);

test("a connection through a name that leads to the old primary is not written to, nor read from", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    readerUrl: pair.url("app", "reader"),
    poolSize: POOL_SIZE,
  });
  cluster.start();
  const writerOf = async (id: string) => {
    while (cluster.monitor.writer !== id) {
      await new Promise((resolve) => cluster.monitor.events.once("writer", resolve));
    }
  };
  try {
    await writerOf("writer");
    await cluster.write("first.myshopify.com", "first", note, { word: "first" });
    const old = pair.primary;
    const { standby } = pair;
    // The connection of the reader's probe survives the promotion, and the writer's name leads nowhere.
    await replicated(pair);
    // Its connections from before are the only way to it when no name leads there.
    const open = `select application_name as name, count(*)::int from pg_stat_activity
      where application_name in ('evenkeel', 'evenkeel-system') group by name order by name`;
    await expect
      .poll(() => standby.query(open))
      .toMatchObject([
        { name: "evenkeel", count: POOL_SIZE + READ_RESERVE },
        { name: "evenkeel-system" },
      ]);
    await pair.cutReplication();
    await pair.crash(old);
    pair.endpoint("writer").moveTo(undefined);
    await pair.promote(standby, { force: true });
    await writerOf("reader");
    // The reader's name goes to the old primary meanwhile, which comes back and does not know better.
    pair.endpoint("reader").moveTo(old, { connections: "keep" });
    await pair.start(old);

    // More at a time than there are connections from before.
    const deadlineMs = 60_000;
    await Promise.all(
      shops.map((shop) => cluster.write(shop, "noted", note, { word: shop }, { deadlineMs })),
    );
    await Promise.all(
      shops.map((shop) =>
        cluster.system(
          (db) =>
            db
              .insert(webhookDeliveries)
              .values({ shop, id: shop, topic: "orders/create", apiVersion: "2026-10", body: "{}" })
              .onConflictDoNothing(),
          { deadlineMs, repeatable: true },
        ),
      ),
    );
    const reads = await Promise.all(
      shops.map((shop) =>
        cluster.read(shop, (db) => db.select({ shop: settings.shop }).from(settings), {
          deadlineMs,
        }),
      ),
    );
    expect(reads.map(({ value }) => value.map((row) => row.shop))).toEqual(
      shops.map((shop) => [shop]),
    );
    const there = async (node: PostgresNode) => {
      const [row] = await node.query<{ written: number; kept: number }>(
        `select (select count(*) from settings where shop <> 'first.myshopify.com')::int as written,
                (select count(*) from webhook_deliveries)::int as kept`,
        { database: "evenkeel" },
      );
      return row;
    };
    expect(await there(standby)).toEqual({ written: shops.length, kept: shops.length });
    expect(await there(old)).toEqual({ written: 0, kept: 0 });

    // Nor is one that was found in charge, and is not any more when a write's turn on it has come.
    pair.endpoint("reader").moveTo(standby, { connections: "keep" });
    pair.endpoint("writer").moveTo(standby);
    await writerOf("writer");
    const holding = Array.from({ length: FIRST }, (_, n) => `holding-${n}.myshopify.com`);
    const first = holding.map((shop) => cluster.write(shop, "held", held, {}, { deadlineMs }));
    const holdingOn = Promise.all(first);
    await expect.poll(() => atWork.size).toBe(holding.length);
    const inLine = cluster.write("line.myshopify.com", "noted", note, { word: "" }, { deadlineMs });
    pair.endpoint("writer").moveTo(old, { connections: "reset" });
    await writerOf("reader");
    await expect.poll(() => cluster.monitor.node("writer")?.state).toBe("fenced");
    letGo.resolve();
    await Promise.all([holdingOn, inLine]);
    expect(await there(standby)).toMatchObject({ written: shops.length + holding.length + 1 });
    expect(await there(old)).toEqual({ written: 0, kept: 0 });

    // And a name whose probe is still connected to the new primary is found to lead elsewhere.
    pair.endpoint("reader").moveTo(old, { connections: "keep" });
    pair.endpoint("writer").moveTo(standby);
    await writerOf("writer");
    await expect.poll(() => cluster.monitor.node("reader")?.state).toBe("fenced");
  } finally {
    await cluster.close();
  }
});
