import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { savedViews } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { replicated } from "./support/replicated.ts";

const SHOP = "one.myshopify.com";
/** A busy machine is no outage … */
const PATIENT_MS = 20_000;
/** … and an outage need not be waited out. */
const IMPATIENT_MS = 300;
const logger = createLogger("silent");

const addView = defineWrite(
  "test.add-view",
  z.object({ id: z.uuid(), name: z.string() }),
  async (tx, { id, name }, { shop }) => {
    await tx.insert(savedViews).values({ shop, id, page: "orders", name, query: "" });
  },
);

let directory: string;
let pair: PostgresPair;
let open: { stop(): Promise<void> }[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "durable-"));
  open = [];
});
afterEach(async () => {
  for (const part of open.reverse()) await part.stop();
  await pair?.close();
  await rm(directory, { recursive: true });
});

interface Process {
  readonly writes: DurableWrites;
  readonly cluster: Cluster;
  readonly journal: Journal | null;
  stop(): Promise<void>;
}

async function start({ withJournal = true, slowFsyncMs = 0 } = {}): Promise<Process> {
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes: pair.nodes.map((node) => new URL(pair.url("app", node)).host),
    poolSize: 4,
  });
  const journal = withJournal
    ? await Journal.open({ directory, secrets: ["secret"], anyFileSystem: true, slowFsyncMs })
    : null;
  const writes = new DurableWrites({
    cluster,
    journal,
    definitions: [addView as never],
    durability: "primary",
    logger,
  });
  cluster.start();
  const stop = async () => {
    await writes.stop();
    await journal?.close();
    await cluster.close();
  };
  const process = { writes, cluster, journal, stop };
  open.push(process);
  return process;
}

const add = ({ writes }: Process, name: string, patienceMs = PATIENT_MS) =>
  writes.write(SHOP, `op-${name}`, addView, { id: crypto.randomUUID(), name }, { patienceMs });

async function names(): Promise<string[]> {
  const admin = postgres(pair.primary.url("superuser"), { max: 1 });
  const rows = await admin<{ name: string }[]>`select name from saved_views order by name`;
  await admin.end();
  return rows.map(({ name }) => name);
}

/** What somebody meets who waits too long for a lock, whenever they write what is called a. */
const BUSY_WITH_A = `
  create function busy() returns trigger language plpgsql as
    $$ begin raise exception 'the row is locked' using errcode = '55P03'; end $$;
  create trigger busy before insert on saved_views for each row when (new.name = 'a')
    execute function busy()`;

async function asOwner(statements: string): Promise<void> {
  const owner = postgres(pair.primary.url("owner"), { max: 1 });
  await owner.unsafe(statements);
  await owner.end();
}

/** Two servers with the schema; what is committed from here on may be on the primary alone. */
async function startPair(): Promise<void> {
  pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
  await replicated(pair);
}

const steady = async ({ cluster }: Process) => {
  while (cluster.monitor.state !== "steady") await once(cluster.monitor.events, "state");
};

test("while both nodes are down writes are kept, and made in their order when the database is back", async () => {
  await startPair();
  const app = await start();
  expect(await add(app, "a")).toMatchObject({ state: "done" });
  await pair.crash(pair.standby);
  await pair.crash(pair.primary);
  expect(await add(app, "b", IMPATIENT_MS)).toEqual({ state: "journaled" });
  expect(await add(app, "c", IMPATIENT_MS)).toEqual({ state: "journaled" });
  expect(app.journal?.holds(SHOP)).toBe(true);
  await pair.start(pair.primary);
  await steady(app);
  await app.writes.drained();
  expect(await names()).toEqual(["a", "b", "c"]);
  expect(app.journal?.holds(SHOP)).toBe(false);
});

test("a shop whose kept write has to wait holds up its own later ones, and no other shop's", async () => {
  await startPair();
  await asOwner(BUSY_WITH_A);
  const app = await start();
  await steady(app);
  await pair.crash(pair.primary);
  for (const name of ["a", "b"]) {
    expect(await add(app, name, IMPATIENT_MS)).toEqual({ state: "journaled" });
  }
  const view = { id: crypto.randomUUID(), name: "c" };
  await app.writes.write("two.myshopify.com", "op-c", addView, view, { patienceMs: 300 });
  await pair.start(pair.primary);
  await expect.poll(names).toEqual(["c"]);
  expect(app.journal?.holds(SHOP)).toBe(true);
  await asOwner("drop trigger busy on saved_views");
  await expect.poll(names).toEqual(["a", "b", "c"]);
});

test("once there is a writer, a write waits for what its shop has on the disk, and is then made at once", async () => {
  await startPair();
  await asOwner(BUSY_WITH_A);
  const app = await start();
  await steady(app);
  await pair.crash(pair.primary);
  for (const name of ["a", "b"]) {
    expect(await add(app, name, IMPATIENT_MS)).toEqual({ state: "journaled" });
  }
  await pair.start(pair.primary);
  await steady(app);
  const third = add(app, "c", 20_000);
  await asOwner("drop trigger busy on saved_views");
  expect(await third).toMatchObject({ state: "done" });
  expect(await names()).toEqual(["a", "b", "c"]);
});

/** Keeps so many writes while there is no writer, and comes back when all have been made. */
async function keepAndMake(app: Process, views: readonly { id: string; name: string }[]) {
  await pair.crash(pair.primary);
  for (const view of views) {
    const kept = app.writes.write(SHOP, `op-${view.name}`, addView, view, { patienceMs: 300 });
    expect(await kept).toEqual({ state: "journaled" });
  }
  await pair.start(pair.primary);
  await expect.poll(() => app.journal?.holds(SHOP), { timeout: 60_000 }).toBe(false);
}

const viewsNamed = (prefix: string) =>
  Array.from({ length: 60 }, (_, n) => ({
    id: crypto.randomUUID(),
    name: `${prefix}${String(n).padStart(2, "0")}`,
  }));

test("what a shop has kept is made in a few transactions", async () => {
  await startPair();
  const app = await start();
  await steady(app);
  const views = viewsNamed("v");
  await keepAndMake(app, views);
  expect(await names()).toEqual(views.map(({ name }) => name));
  const admin = postgres(pair.primary.url("superuser"), { max: 1 });
  const [made] = await admin<{ transactions: number }[]>`
    select count(distinct xmin::text)::int as transactions from saved_views`;
  await admin.end();
  expect(made?.transactions).toBeLessThan(views.length / 2);
});

test("a kept write that cannot be made keeps none of its shop's others out", async () => {
  await startPair();
  const app = await start();
  await steady(app);
  const taken = { id: crypto.randomUUID(), name: "first" };
  await app.writes.write(SHOP, "op-first", addView, taken);
  const views = viewsNamed("v").map((view, n) => (n === 30 ? { ...view, id: taken.id } : view));
  await keepAndMake(app, views);
  const possible = views.filter(({ id }) => id !== taken.id).map(({ name }) => name);
  expect(await names()).toEqual(["first", ...possible]);
});

test("what a killed process left in its journal is made by the next one, once", async () => {
  await startPair();
  const first = await start();
  await steady(first);
  await pair.crash(pair.primary);
  await add(first, "left", IMPATIENT_MS);
  await first.stop();
  await pair.failover();
  const second = await start();
  await steady(second);
  second.writes.drain();
  await second.writes.drained();
  expect(await names()).toEqual(["left"]);
});

test("a write that is refused leaves nothing on the disk by the time that anybody is told", async () => {
  await startPair();
  const process = await start();
  const id = crypto.randomUUID();
  const input = { id, name: "a" };
  await process.writes.write(SHOP, "op-first", addView, input, { patienceMs: PATIENT_MS });
  const other = process.writes.write(SHOP, "op-other", addView, input, { patienceMs: PATIENT_MS });
  await expect(other).rejects.toThrow();
  const kept = await process.journal!.read(["write", "retained-write"], 0, 100);
  expect(kept.filter((record) => record.id === "op-other")).toEqual([]);
  expect(await names()).toEqual(["a"]);
});

test("with the journal off a write that finds no writer fails, and is never said to be kept", async () => {
  await startPair();
  const app = await start({ withJournal: false });
  await steady(app);
  await pair.crash(pair.primary);
  await expect(add(app, "x", IMPATIENT_MS)).rejects.toMatchObject({ name: "DatabaseError" });
});

test.each([
  ["in the journal", true],
  ["in memory", false],
])(
  "acknowledged writes that the standby never got survive its promotion: kept %s",
  async (_where, withJournal) => {
    await startPair();
    const app = await start({ withJournal });
    await steady(app);
    await add(app, "before");
    await pair.cutReplication();
    const lost = Array.from({ length: 20 }, (_, n) => `beyond-${String(n).padStart(2, "0")}`);
    for (const name of lost) expect(await add(app, name)).toMatchObject({ state: "done" });
    const old = pair.primary;
    await pair.crash(old);
    const redone = once(app.cluster.monitor.events, "writer");
    await pair.failover({ force: true });
    await redone;
    // The new primary gets a write behind those that are done again, under the same roof.
    await expect.poll(names).toEqual([...lost, "before"].sort());
  },
);

test("until they are made again, reads of their shop say that they are older than they", async () => {
  await startPair();
  // On the standby, once it is promoted, nothing called b can be written for now.
  await asOwner(`
    create function busy() returns trigger language plpgsql as $$ begin
      if current_setting('port') = '${pair.standby.port}' then
        raise exception 'the row is locked' using errcode = '55P03';
      end if;
      return new;
    end $$;
    create trigger busy before insert on saved_views for each row when (new.name = 'b')
      execute function busy()`);
  const app = await start();
  await steady(app);
  await add(app, "a");
  await expect.poll(() => app.writes.fill.retained?.held).toBe(0);
  await pair.cutReplication();
  await add(app, "b", IMPATIENT_MS);
  const acknowledgedAt = new Date();
  await pair.crash(pair.primary);
  const promoted = once(app.cluster.monitor.events, "writer");
  await pair.failover({ force: true });
  await promoted;
  const look = () =>
    app.cluster.read(SHOP, async (db) => (await db.select().from(savedViews)).map((v) => v.name));
  const before = await look();
  expect(before).toMatchObject({ value: ["a"], source: "replica" });
  expect(before.asOf.getTime()).toBeLessThanOrEqual(acknowledgedAt.getTime());
  const other = await app.cluster.read("two.myshopify.com", (db) => db.select().from(savedViews));
  expect(other).toMatchObject({ value: [], source: "primary" });
  await asOwner("drop trigger busy on saved_views");
  await app.writes.drained();
  expect(await look()).toMatchObject({ value: ["a", "b"], source: "primary" });
});

test("what is acknowledged while the timeline changes is made again too", async () => {
  await startPair();
  const app = await start({ slowFsyncMs: 3_000 });
  await steady(app);
  await pair.cutReplication();
  // Committed at once, acknowledged when it is on the disk too; in between the primary is lost.
  const late = add(app, "late");
  await expect.poll(names).toEqual(["late"]);
  await pair.crash(pair.primary);
  await pair.failover({ force: true });
  expect(await late).toMatchObject({ state: "done" });
  await expect.poll(names).toEqual(["late"]);
});

test("what a standby has is forgotten, and what none has is not", async () => {
  await startPair();
  const app = await start();
  await steady(app);
  await add(app, "safe");
  await expect.poll(() => app.writes.fill.retained?.held).toBe(0);
  await expect.poll(() => app.journal?.fill.records).toBe(0);
  await pair.cutReplication();
  await add(app, "not safe");
  const { id } = { id: app.cluster.monitor.writer! };
  // Two more words of the primary and of the standby change nothing while the standby has not moved.
  for (let seen = 0; seen < 4;) {
    app.cluster.monitor.suspect(id);
    await once(app.cluster.monitor.events, "report");
    seen++;
  }
  expect(app.writes.fill.retained?.held).toBe(1);
  expect(app.journal?.fill.records).toBe(1);
});
