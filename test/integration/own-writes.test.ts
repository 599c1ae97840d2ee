import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import express from "express";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { OWN_WRITES_HEADER, withOwnWrites } from "../../app/components/own-writes.ts";
import { Cluster, type ReadOptions } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { OwnWrites } from "../../app/database/own-writes.ts";
import { settings } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import { readOwnWrites, tellOwnWrites } from "../../app/http/own-writes.server.ts";
import {
  startPostgresPair,
  type PostgresNode,
  type PostgresPair,
} from "../sandbox/postgres/index.ts";
import { Amazon } from "./support/amazon.ts";

const SHOP = "one.myshopify.com";
const FOR_EVER_MS = 3_600_000;

const setWord = defineWrite(
  "test.set-word",
  z.object({ word: z.string() }),
  async (tx, { word }, { shop }) => {
    await tx
      .insert(settings)
      .values({ shop, values: { word } })
      .onConflictDoUpdate({
        target: settings.shop,
        set: { values: sql`jsonb_build_object('word', ${word}::text)` },
      });
  },
);

let pair: PostgresPair;
const open: Cluster[] = [];

afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close();
  await pair?.close();
});

/** A pair without waiting for the standby, and an app that has written "old" and knows that the standby has it. */
async function start(): Promise<Cluster> {
  pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = openCluster(pair.nodes);
  const own = new OwnWrites();
  await write(cluster, "old", own);
  await until(cluster, () => standbyHas(cluster, own));
  return cluster;
}

function openCluster(nodes: readonly PostgresNode[]): Cluster {
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes: nodes.map((node) => new URL(pair.url("app", node)).host),
    poolSize: 4,
  });
  open.push(cluster);
  return cluster;
}

const write = (cluster: Cluster, word: string, own: OwnWrites) =>
  cluster.withOwnWrites(own, () =>
    cluster.write(SHOP, crypto.randomUUID(), setWord, { word }, { deadlineMs: 20_000 }),
  );

async function read(cluster: Cluster, own: OwnWrites | null, options: ReadOptions = {}) {
  const ask = () =>
    cluster.read(SHOP, (db) => db.select().from(settings), { deadlineMs: 20_000, ...options });
  const { value, ...label } = await (own ? cluster.withOwnWrites(own, ask) : ask());
  return { word: value[0]?.values.word, ...label };
}

/** Resolves when what the monitor hears makes it so. */
async function until(cluster: Cluster, holds: () => boolean): Promise<void> {
  while (!holds()) await once(cluster.monitor.events, "report");
}

function standbyHas({ monitor }: Cluster, { mark }: OwnWrites): boolean {
  const standby = monitor.nodes.find(({ state }) => state === "standby");
  const sampled =
    standby?.report && monitor.samples.asOf(standby.report.timeline, standby.report.lsn);
  return mark !== null && !!sampled && standby.report.lsn >= mark.lsn;
}

test("who has written sees it, however far behind the standby is; others need not", async () => {
  const cluster = await start();
  await pair.delayReplay(FOR_EVER_MS);
  const own = new OwnWrites();
  await write(cluster, "new", own);
  expect(own.written).toBe(true);
  // The primary hesitates, so that the standby is asked as well.
  pair.endpoint(pair.primary).addToxic("slow", { type: "latency", latencyMs: 130 });
  const anybody = () => read(cluster, null);
  await expect.poll(anybody).toMatchObject({ word: "old", source: "replica" });
  let seen = 0;
  for (let n = 0; n < 10; n++) {
    const reading = await read(cluster, own);
    // A machine that is busy enough looks like one whose primary is away.
    if (reading.word === "new") seen++;
    else expect(reading).toMatchObject({ source: "replica", lacksOwnWrites: true });
  }
  expect(seen).toBeGreaterThan(0);
});

test("a standby that has replayed the write stands in for the primary", async () => {
  const cluster = await start();
  const own = new OwnWrites();
  await write(cluster, "new", own);
  await until(cluster, () => standbyHas(cluster, own));
  await pair.crash(pair.primary);
  const reading = await read(cluster, own);
  expect(reading).toMatchObject({ word: "new", source: "replica" });
  expect(reading).not.toHaveProperty("lacksOwnWrites");
});

test("where nobody has the write, what there is comes with its age, and is no error", async () => {
  const cluster = await start();
  await pair.delayReplay(FOR_EVER_MS);
  const own = new OwnWrites();
  await write(cluster, "new", own);
  await pair.crash(pair.primary);
  const reading = await read(cluster, own);
  expect(reading).toMatchObject({ word: "old", source: "replica", lacksOwnWrites: true });
  expect(reading.asOf.getTime()).toBeLessThanOrEqual(own.mark!.at.getTime());
});

test("while the primary hangs, a reader is not left hanging with it", async () => {
  const cluster = await start();
  await pair.delayReplay(FOR_EVER_MS);
  const own = new OwnWrites();
  await write(cluster, "new", own);
  await pair.freeze(pair.primary);
  expect(await read(cluster, own)).toMatchObject({ word: "old", lacksOwnWrites: true });
  await pair.thaw(pair.primary);
});

test("a failover that has lost the write loses nobody who looks for it", async () => {
  const cluster = await start();
  await pair.cutReplication();
  const own = new OwnWrites();
  await write(cluster, "lost", own);
  await pair.crash(pair.primary);
  await pair.failover({ force: true });
  await until(cluster, () => (cluster.monitor.remembered?.timeline ?? 0) > own.mark!.timeline);
  expect(await read(cluster, own)).toMatchObject({ word: "old", source: "primary" });
  await write(cluster, "again", own);
  expect(await read(cluster, own)).toMatchObject({ word: "again", source: "primary" });
});

test("an app that knows the old primary alone does not pass its answers off as what was written elsewhere", async () => {
  const there = await start();
  const former = pair.primary;
  const here = openCluster([former]);
  expect(await read(here, null)).toMatchObject({ word: "old", source: "primary" });
  await pair.failover();
  await until(there, () => there.monitor.writer === new URL(pair.url("app", pair.primary)).host);
  const own = new OwnWrites();
  await write(there, "new", own);
  const reading = await read(here, own);
  expect(reading).toMatchObject({ word: "old", source: "replica", lacksOwnWrites: true });
  expect(reading.asOf.getTime()).toBeLessThanOrEqual(own.mark!.at.getTime());
});

test("a standby that is cut off is as old as what it has, and not asked beyond the bound", async () => {
  const cluster = await start();
  await pair.cutReplication();
  const own = new OwnWrites();
  await write(cluster, "new", own);
  // When the commit was asked for, the primary did not show it yet.
  const writtenAt = Date.now();
  // It has replayed all that it received; only the primary's samples know better.
  const { report } = cluster.monitor.nodes.find(({ state }) => state === "standby")!;
  const after = new Promise<void>((resolve) => {
    cluster.monitor.events.on("report", ({ id, report: later }) => {
      if (id === cluster.monitor.writer && later.lsn >= own.mark!.lsn) resolve();
    });
  });
  await after;
  const asOf = cluster.monitor.samples.asOf(report!.timeline, report!.lsn)!;
  expect(asOf.getTime()).toBeLessThanOrEqual(writtenAt);
  pair.endpoint(pair.primary).addToxic("slow", { type: "latency", latencyMs: 130 });
  for (let n = 0; n < 3; n++) {
    const reading = await read(cluster, null, { maxLagMs: 0 });
    // Only where the primary seems to be away, too old is better than nothing.
    if (reading.source === "primary") expect(reading.word).toBe("new");
    else expect(reading.asOf.getTime()).toBeLessThanOrEqual(writtenAt);
  }
  await pair.crash(pair.primary);
  const reading = await read(cluster, null, { maxLagMs: 0 });
  expect(reading).toMatchObject({ word: "old", source: "replica" });
  expect(reading.asOf.getTime()).toBeLessThanOrEqual(writtenAt);
});

test("of an Aurora reader, which tells no position, it is known by the time that it is late", async () => {
  pair = await startPostgresPair();
  await using amazon = await Amazon.play(pair, "aurora");
  const { primary, standby } = pair;
  await amazon.add(primary.name, primary);
  await amazon.add(standby.name, standby, 100);
  const cluster = new Cluster({
    url: pair.namedUrl("app", "writer"),
    systemUrl: pair.namedUrl("system", "writer"),
    nameServers: pair.dns.resolver.servers,
    instanceHost: `?.${Amazon.domain}`,
    poolSize: 4,
  });
  open.push(cluster);
  cluster.start();
  const reader = amazon.idOf(standby.name);
  await until(cluster, () => cluster.monitor.asOf(reader) !== null);
  const own = new OwnWrites();
  await cluster.withOwnWrites(own, () =>
    cluster.system((db) => db.execute(sql`insert into written values ('new')`), {
      deadlineMs: 20_000,
    }),
  );
  expect(own.written).toBe(true);
  const look = () =>
    cluster.withOwnWrites(own, () =>
      cluster.read(SHOP, (db) => db.execute(sql`select word from written`), { deadlineMs: 20_000 }),
    );
  const first = await look();
  expect(first.value).toEqual([{ word: "new" }]);
  await pair.crash(primary);
  await until(
    cluster,
    () => cluster.monitor.asOf(reader)!.getTime() > own.mark!.at.getTime() + 5_000,
  );
  const reading = await look();
  expect(reading).toMatchObject({ value: [{ word: "new" }], source: "replica" });
  expect(reading).not.toHaveProperty("lacksOwnWrites");
});

test("the browser carries what it has written from one request to the next, and nonsense is ignored", async () => {
  const cluster = await start();
  await pair.delayReplay(FOR_EVER_MS);
  const app = express();
  app.use(readOwnWrites(cluster));
  const answer = async (response: express.Response, body: unknown) => {
    const told = tellOwnWrites(cluster, Response.json(body));
    for (const [name, value] of told.headers) response.set(name, value);
    response.send(await told.text());
  };
  const writeAndAnswer = async (response: express.Response) => {
    await cluster.write(SHOP, crypto.randomUUID(), setWord, { word: "new" });
    await answer(response, "done");
  };
  const readAndAnswer = async (response: express.Response) => {
    const { value, ...label } = await cluster.read(SHOP, (db) => db.select().from(settings));
    await answer(response, { word: value[0]?.values.word, ...label });
  };
  app.post("/", (_request, response) => void writeAndAnswer(response));
  app.get("/", (_request, response) => void readAndAnswer(response));
  const server = createServer(app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const storage = new Map<string, string>();
    const browser = withOwnWrites(fetch, {
      location: { href: `${origin}/app`, origin },
      sessionStorage: {
        getItem: (key) => storage.get(key) ?? null,
        setItem: (key, value) => void storage.set(key, value),
      },
    });
    const written = await browser(origin, { method: "POST" });
    expect(written.headers.get(OWN_WRITES_HEADER)).not.toBeNull();
    await pair.crash(pair.primary);
    await until(cluster, () => cluster.monitor.writer === null);
    const get = async (ask: typeof fetch, init?: RequestInit) =>
      (await (await ask(origin, init)).json()) as Record<string, unknown>;
    expect(await get(browser)).toMatchObject({ word: "old", lacksOwnWrites: true });
    expect(await get(fetch)).not.toHaveProperty("lacksOwnWrites");
    for (const nonsense of ["", "x", "1-2-3", "-1-1-1-1", `1-1-${"f".repeat(40)}-1`, "1-1-1-1"]) {
      const asked = await get(fetch, { headers: { [OWN_WRITES_HEADER]: nonsense } });
      expect(asked).toMatchObject({ word: "old" });
      expect(asked).not.toHaveProperty("lacksOwnWrites");
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
