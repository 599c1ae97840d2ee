import { once } from "node:events";
import postgres from "postgres";
import { expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { DatabaseError } from "../../app/database/errors.ts";
import { migrate } from "../../app/database/migrate.ts";
import { settings } from "../../app/database/schema.ts";
import {
  startPostgresPair,
  type PostgresPair,
  type PostgresPairOptions,
} from "../sandbox/postgres/index.ts";
import { append } from "./support/append.ts";
import { replicated } from "./support/replicated.ts";

type How = "nodes" | "endpoint";

function open(pair: PostgresPair, how: How, poolSize = 8): Cluster {
  const nodes = pair.nodes.map((node) => {
    const { hostname, port } = new URL(pair.url("app", node));
    return `${hostname}:${port}`;
  });
  return new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    poolSize,
    ...(how === "nodes" ? { nodes } : { readerUrl: pair.url("app", "reader") }),
  });
}

/** Writers that append words of their own until told to stop, and readers beside them. */
function load(cluster: Cluster, until: Promise<unknown>) {
  const acknowledged = new Map<string, string[]>();
  const outcomes = { unknown: 0, failed: [] as unknown[], reads: 0, readsFailed: [] as unknown[] };
  let ended = false;
  void until.then(() => (ended = true));
  const writer = async (n: number) => {
    const shop = `writer-${n}.myshopify.com`;
    const words: string[] = [];
    acknowledged.set(shop, words);
    for (let i = 0; !ended; i++) {
      const word = `${n}-${i}`;
      try {
        await cluster.write(shop, word, append, { word }, { deadlineMs: 20_000 });
        words.push(word);
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === "unknown") outcomes.unknown++;
        else outcomes.failed.push(error);
      }
    }
  };
  const reader = async (n: number) => {
    while (!ended) {
      try {
        await cluster.read(`writer-${n}.myshopify.com`, (db) => db.select().from(settings), {
          deadlineMs: 20_000,
        });
        outcomes.reads++;
      } catch (error) {
        outcomes.readsFailed.push(error);
      }
    }
  };
  const all = [0, 1, 2, 3].flatMap((n) => [writer(n), reader(n)]);
  return { acknowledged, outcomes, done: Promise.all(all) };
}

async function words(pair: PostgresPair): Promise<Map<string, string[]>> {
  const admin = postgres(pair.primary.url("superuser"), { max: 1 });
  const rows = await admin<
    { shop: string; values: { words: string[] } }[]
  >`select shop, values from settings`;
  await admin.end();
  return new Map(rows.map(({ shop, values }) => [shop, values.words]));
}

const faults: Record<string, (pair: PostgresPair) => Promise<void>> = {
  "a killed primary": async (pair) => {
    await pair.crash(pair.primary);
    await pair.failover();
  },
  "a frozen primary that wakes up as a stranger": async (pair) => {
    const old = pair.primary;
    await pair.freeze(old);
    await pair.failover();
    await pair.thaw(old);
  },
  "a planned switch": async (pair) => {
    await pair.shutdownFast(pair.primary);
    await pair.failover();
  },
};

const cases = (["nodes", "endpoint"] as const).flatMap((how) =>
  Object.keys(faults).map((fault) => [how, fault] as const),
);

test.each(cases)(
  "%s: through %s no acknowledged write is lost or doubled, and every read is answered",
  async (how, fault) => {
    const options: PostgresPairOptions = { replication: "sync" };
    await using pair = await startPostgresPair(options);
    await migrate({ url: pair.url("owner", "writer") });
    const cluster = open(pair, how);
    try {
      const { promise: over, resolve: end } = Promise.withResolvers<void>();
      const running = load(cluster, over);
      await progress(running.outcomes, 50);
      await faults[fault]!(pair);
      // Whoever waits for the new writer has it once one more write of each has gone through.
      const before = new Map([...running.acknowledged].map(([shop, list]) => [shop, list.length]));
      await allMoved(running.acknowledged, before);
      end();
      await running.done;

      expect(running.outcomes).toMatchObject({ failed: [], readsFailed: [], unknown: 0 });
      const kept = await words(pair);
      for (const [shop, list] of running.acknowledged) {
        expect(kept.get(shop)).toEqual(list);
      }
    } finally {
      await cluster.close();
    }
  },
);

test("whoever waits for a connection to a frozen primary goes on to the one that is promoted", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes", 2);
  try {
    await cluster.write("one.myshopify.com", "first", append, { word: "first" });
    const old = pair.primary;
    await pair.freeze(old);
    // Two have its connections, the others wait for one; it stays frozen all the while.
    const words = Array.from({ length: 20 }, (_, n) => `word-${n}`);
    const writes = words.map((word, n) =>
      cluster.write(`writer-${n}.myshopify.com`, word, append, { word }, { deadlineMs: 5_000 }),
    );
    await pair.failover();
    await expect(Promise.all(writes)).resolves.toHaveLength(20);
  } finally {
    await cluster.close();
  }
});

test("when a node goes, those who wait for it do not storm it", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes");
  try {
    const writes = (deadlineMs: number) =>
      Array.from({ length: 40 }, (_, n) => {
        const shop = `writer-${n}.myshopify.com`;
        const id = crypto.randomUUID();
        return cluster.write(shop, id, append, { word: "a" }, { deadlineMs });
      });
    await Promise.all(writes(20_000));
    const { primary } = pair;
    const way = pair.endpoint(primary);
    await pair.freeze(primary);
    // Some have its connections, the others wait for one.
    const stuck = Promise.allSettled(writes(1_000));
    const before = way.stats.acceptedConnections;
    const since = performance.now();
    await pair.crash(primary);
    await stuck;
    // The monitor's five per second, and what was under way.
    const seconds = Math.ceil((performance.now() - since) / 1_000);
    expect(way.stats.acceptedConnections - before).toBeLessThanOrEqual(5 * seconds + 5);
  } finally {
    await cluster.close();
  }
});

test("a writer that takes no writes keeps serving reads, and is written to again when it takes them", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes");
  const shop = "one.myshopify.com";
  const write = (word: string, deadlineMs: number) =>
    cluster.write(shop, word, append, { word }, { deadlineMs });
  try {
    const taken = ["first"];
    await write("first", 20_000);
    await pair.setReadOnly(pair.primary, true);
    // Sessions hear of it one after the other.
    let refusal: unknown;
    while (refusal === undefined) {
      const word = `late-${taken.length}`;
      await write(word, 1_000).then(
        () => taken.push(word),
        (error: unknown) => (refusal = error),
      );
    }
    expect(refusal).toMatchObject({
      name: "DatabaseError",
      kind: expect.stringMatching(/wrongNode|notExecuted/) as string,
    });
    // The standby that may be asked as well applies later than it confirms.
    await replicated(pair);
    const read = () =>
      cluster.read(shop, (db) => db.select().from(settings), { deadlineMs: 20_000 });
    expect((await read()).value).toMatchObject([{ values: { words: taken } }]);
    await pair.setReadOnly(pair.primary, false);
    await write("second", 20_000);
    expect((await words(pair)).get(shop)).toEqual([...taken, "second"]);
  } finally {
    await cluster.close();
  }
});

test("a writer that comes back and takes no writes is read from", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes");
  const shop = "one.myshopify.com";
  try {
    await cluster.write(shop, "first", append, { word: "first" }, { deadlineMs: 20_000 });
    const { primary, standby } = pair;
    await pair.setReadOnly(primary, true);
    await pair.crash(standby);
    await pair.crash(primary);
    const lost = () => cluster.monitor.nodes.every(({ state }) => state === "unreachable");
    await expect.poll(lost).toBe(true);
    await pair.start(primary);
    await expect.poll(() => cluster.monitor.state).toBe("readOnlyWriter");
    const { value } = await cluster.read(shop, (db) => db.select().from(settings));
    expect(value).toMatchObject([{ values: { words: ["first"] } }]);
  } finally {
    await cluster.close();
  }
});

test("without a writer nobody is left hanging, and the standby that is there is not stormed", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes");
  try {
    await cluster.write("one.myshopify.com", "first", append, { word: "first" });
    const ways = pair.nodes.map((node) => pair.endpoint(node));
    await pair.crash(pair.primary);
    while (cluster.monitor.state !== "noWriter") await once(cluster.monitor.events, "state");
    const before = ways.map(({ stats }) => stats.acceptedConnections);
    const since = performance.now();
    const writes = Array.from({ length: 40 }, (_, n) =>
      cluster.write(`${n}.myshopify.com`, "a", append, { word: "a" }, { deadlineMs: 1_000 }),
    );
    for (const outcome of await Promise.allSettled(writes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "notExecuted" } });
    }
    const seconds = Math.ceil((performance.now() - since) / 1_000);
    for (const [n, { stats }] of ways.entries()) {
      // The probes' five per second, and those that were opened for reads; not one for each who waits.
      expect(stats.acceptedConnections - before[n]!).toBeLessThanOrEqual(5 * seconds + 5);
    }
  } finally {
    await cluster.close();
  }
});

test("while writes wait for a standby that is gone, reads go on", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = open(pair, "nodes", 2);
  try {
    const shop = "one.myshopify.com";
    await cluster.write(shop, "first", append, { word: "first" });
    let writes: Promise<unknown>[] = [];
    await pair.supervisor.exclusively(async () => {
      await pair.freeze(pair.standby);
      writes = Array.from({ length: 6 }, (_, n) =>
        cluster.write(`${n}.myshopify.com`, "a", append, { word: "a" }, { deadlineMs: 30_000 }),
      );
      const waiting = "select from pg_stat_activity where wait_event = 'SyncRep'";
      while ((await pair.primary.query(waiting)).length < 2) await new Promise(setImmediate);
      const reads = Array.from({ length: 6 }, () =>
        cluster.read(shop, (db) => db.select().from(settings), { deadlineMs: 20_000 }),
      );
      for (const read of await Promise.all(reads)) expect(read.source).toBe("primary");
    });
    // The supervisor lets the commits go without the standby.
    await Promise.all(writes);
  } finally {
    await cluster.close();
  }
});

test("a write whose commit was cut off is unknown, whatever its repetitions meet", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer") });
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    poolSize: 2,
  });
  try {
    await cluster.write("one.myshopify.com", "first", append, { word: "first" });
    const { writer } = pair;
    // The answer to the commit is lost, and from then on nobody gets through.
    const match = new (class extends RegExp {
      override test(text: string): boolean {
        const cut = super.test(text);
        if (cut) writer.moveTo(undefined, { connections: "reset" });
        return cut;
      }
    })(/COMMIT\0/);
    writer.addToxic("cut", { type: "lost_answer", match });
    const write = cluster.write("one.myshopify.com", "second", append, { word: "second" });
    await expect(write).rejects.toMatchObject({ name: "DatabaseError", kind: "unknown" });
    expect((await words(pair)).get("one.myshopify.com")).toEqual(["first", "second"]);
  } finally {
    await cluster.close();
  }
});

async function progress(outcomes: { reads: number }, reads: number): Promise<void> {
  while (outcomes.reads < reads) await new Promise(setImmediate);
}

async function allMoved(now: Map<string, string[]>, before: Map<string, number>): Promise<void> {
  while (![...now].every(([shop, list]) => list.length > before.get(shop)! + 1)) {
    await new Promise(setImmediate);
  }
}
