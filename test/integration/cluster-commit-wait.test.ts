import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { settings } from "../../app/database/schema.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { append } from "./support/append.ts";

/**
 * The synchronous standby hangs, and nobody tells the primary to go on without it: commits wait for ever, and no
 * limit of the server's ends that wait.
 */
const POOL_SIZE = 4;
/** So many late commits close the gate. */
const LATE_IN_A_ROW = 5;

let pair: PostgresPair;
let cluster: Cluster;

beforeEach(async () => {
  pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes: pair.nodes.map((node) => new URL(pair.url("app", node)).host),
    poolSize: POOL_SIZE,
  });
  await write("first");
});
afterEach(async () => {
  await cluster?.close();
  await pair?.close();
});

const SHOP = "one.myshopify.com";
const write = (word: string, deadlineMs = 20_000, shop = SHOP) =>
  cluster.write(shop, word, append, { word }, { deadlineMs });

/** Of the primary, however long it hesitates: a standby applies later than it confirms. */
const wordsOf = async (shop: string) => {
  const { value } = await cluster.read(shop, (db) => db.select().from(settings), {
    maxLagMs: 0,
    deadlineMs: 20_000,
  });
  return value[0]?.values.words;
};

/** Server processes whose commit waits for the standby. */
async function waiting(): Promise<number[]> {
  const rows = await pair.primary.query<{ pid: number }>(
    "select pid from pg_stat_activity where wait_event = 'SyncRep'",
  );
  return rows.map(({ pid }) => pid);
}

/** By commits that were late, and not because a busy machine took the primary for dead. */
const isClosed = () => cluster.monitor.writer !== null && !cluster.takesWrites;

/** Runs `work` while the standby hangs and the supervisor, which would let commits go without it, stands still. */
async function withHungStandby(work: () => Promise<void>): Promise<void> {
  await pair.supervisor.exclusively(async () => {
    await pair.freeze(pair.standby);
    try {
      await work();
    } finally {
      await pair.thaw(pair.standby);
    }
  });
}

test("writes are kept on the disk, one commit waits for all, and everything goes on with it", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "commit-wait-"));
  const journal = await Journal.open({ directory, secrets: ["secret"], anyFileSystem: true });
  const writes = new DurableWrites({
    cluster,
    journal,
    definitions: [append as never],
    durability: "primary",
    logger: createLogger("silent"),
  });
  const words = ["a", "b", "c", "d"];
  const shops = Array.from({ length: 20 }, (_, n) => `${n}.myshopify.com`);
  const keepAll = (word: string) =>
    Promise.all(
      shops.map((shop) =>
        writes.write(`${word}-${shop}`, "op", append, { word }, { patienceMs: 500 }),
      ),
    );
  try {
    await withHungStandby(async () => {
      expect(await keepAll("a")).toEqual(shops.map(() => ({ state: "journaled" })));
      // What is on the disk is tried, too, until the fifth commit is late.
      await expect.poll(isClosed).toBe(true);
      const stuck = await waiting();
      // Of a primary that comes back, on a busy machine from nowhere, the gate knows nothing.
      let comebacks = 0;
      cluster.monitor.events.on("node", ({ to }) => to === "primary" && comebacks++);
      for (const word of words.slice(1)) {
        expect(await keepAll(word)).toEqual(shops.map(() => ({ state: "journaled" })));
      }
      // Those that had a connection when the gate closed may have joined them; nobody after that.
      const more = POOL_SIZE + comebacks * (LATE_IN_A_ROW + POOL_SIZE);
      expect((await waiting()).length).toBeLessThanOrEqual(stuck.length + more);
      expect(await wordsOf(SHOP)).toEqual(["first"]);
    });
    await writes.drained();
    for (const word of words) {
      for (const shop of shops) expect(await wordsOf(`${word}-${shop}`)).toEqual([word]);
    }
    await expect(
      writes.write(SHOP, "second", append, { word: "second" }, { patienceMs: 20_000 }),
    ).resolves.toMatchObject({ state: "done" });
  } finally {
    await writes.stop();
    await journal.close();
    await rm(directory, { recursive: true });
  }
});

test("a write that finds the gate closed is told so at once, and the one that waits opens it", async () => {
  await withHungStandby(async () => {
    for (let n = 0; !isClosed(); n++) {
      // Of different shops: those of one would wait for its row.
      const late = write("late", 300, `late-${n}.myshopify.com`);
      await expect(late).rejects.toMatchObject({ name: "DatabaseError" });
    }
    await expect(write("more")).rejects.toMatchObject({ kind: "busy", code: "COMMITS_WAIT" });
  });
  await expect.poll(() => cluster.takesWrites).toBe(true);
  await write("after");
  expect(await wordsOf(SHOP)).toContain("after");
});

test("looks for work that find none do not keep the gate open", async () => {
  await withHungStandby(async () => {
    for (let n = 0; !isClosed(); n++) {
      const look = sql`select from webhook_deliveries`;
      await cluster.system((db) => db.execute(look), { deadlineMs: 20_000 });
      const late = write("late", 300, `late-${n}.myshopify.com`);
      await expect(late).rejects.toMatchObject({ name: "DatabaseError" });
    }
  });
});

test.each(["pg_cancel_backend", "pg_terminate_backend"])(
  "a commit whose wait is ended by %s is unknown, and so is its repetition until the standby has it",
  async (end) => {
    await withHungStandby(async () => {
      const asked = write("second", 4_000);
      const outcome = asked.then(
        () => "done",
        (error: unknown) => error,
      );
      let [pid] = await waiting();
      while (pid === undefined) [pid] = await waiting();
      await pair.primary.query(`select ${end}(${pid})`);
      expect(await outcome).toMatchObject({ name: "DatabaseError", kind: "unknown" });
    });
    await write("second");
    expect(await wordsOf(SHOP)).toEqual(["first", "second"]);
  },
);
