import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { MEMORY_FILE, TopologyMemory } from "../../app/database/topology/memory.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { replicated } from "./support/replicated.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "evenkeel-memory-"));
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

const file = () => path.join(directory, MEMORY_FILE);
const logger = createLogger("silent");

/** A process of its own, as far as the database goes: nothing is handed on but the directory. */
async function start(pair: PostgresPair, remembers: boolean) {
  const memory = remembers ? await TopologyMemory.open({ directory, logger }) : null;
  const nodes = pair.nodes.map((node) => {
    const { hostname, port } = new URL(pair.url("app", node));
    return `${hostname}:${port}`;
  });
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes,
    poolSize: 2,
    ...(memory?.recalled ? { remembered: memory.recalled } : {}),
  });
  memory?.follow(cluster.monitor);
  cluster.start();
  const write = (word: string, deadlineMs: number) =>
    cluster.system(
      (db) => db.execute(sql`insert into written values (${word}) on conflict do nothing`),
      { deadlineMs, repeatable: true },
    );
  const stop = async () => {
    await cluster.close();
    await memory?.close();
  };
  return { cluster, memory, write, stop };
}

async function words(node: { url(role: "superuser"): string }): Promise<string[]> {
  const admin = postgres(node.url("superuser"), { max: 1 });
  try {
    return (await admin<{ word: string }[]>`select word from written order by word`).map(
      ({ word }) => word,
    );
  } finally {
    await admin.end();
  }
}

/** Up to where the old primary is back, unfenced, and is all that can be reached. */
async function failOver(pair: PostgresPair, remembers: boolean) {
  const admin = postgres(pair.primary.url("superuser"), { max: 1 });
  await admin`create table written (word text primary key)`;
  await admin`grant select, insert on written to evenkeel_system`;
  await admin.end();
  const { primary: old, standby: next } = pair;
  const first = await start(pair, remembers);
  await first.write("before", 20_000);
  await replicated(pair);
  await pair.crash(old);
  await pair.promote(next, { force: true });
  await first.write("after", 20_000);
  await first.stop();
  await pair.crash(next);
  await pair.start(old);
  return old;
}

test("a process that starts when only the old primary is left does not write to it", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  const old = await failOver(pair, true);
  const second = await start(pair, true);
  try {
    const { monitor } = second.cluster;
    expect(second.memory?.recalled?.timeline).toBe(2);
    while (!monitor.nodes.some(({ state }) => state === "fenced")) {
      await once(monitor.events, "node");
    }
    await expect(second.write("lost", 500)).rejects.toMatchObject({ code: "NO_WRITER" });
    expect(await words(old)).toEqual(["before"]);
  } finally {
    await second.stop();
  }
});

test("one that remembers nothing does: the test before would notice", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  const old = await failOver(pair, false);
  const second = await start(pair, false);
  try {
    await second.write("lost", 20_000);
    expect(await words(old)).toEqual(["before", "lost"]);
  } finally {
    await second.stop();
  }
});

test.each(["", "{", '{"systemIdentifier":7,"timeline":"x"}', "\0\0\0\0"])(
  "a file that holds %j is reported, ignored, and replaced",
  async (text) => {
    await writeFile(file(), text);
    const warnings: unknown[] = [];
    const reporting = createLogger("silent");
    reporting.warn = (...said: unknown[]) => warnings.push(said);
    const memory = await TopologyMemory.open({ directory, logger: reporting });
    expect(memory.recalled).toBeNull();
    expect(warnings).toHaveLength(1);

    await using pair = await startPostgresPair();
    const { cluster, stop } = await start(pair, true);
    while (cluster.monitor.writer === null) await once(cluster.monitor.events, "writer");
    const known = cluster.monitor.remembered;
    await stop();
    expect(JSON.parse(await readFile(file(), "utf8"))).toEqual(known);
  },
);

test("nothing that was remembered is no reason to report", async () => {
  const warnings: unknown[] = [];
  const reporting = createLogger("silent");
  reporting.warn = (...said: unknown[]) => warnings.push(said);
  expect((await TopologyMemory.open({ directory, logger: reporting })).recalled).toBeNull();
  expect(warnings).toEqual([]);
});

test("where it cannot be written, the database is followed all the same", async () => {
  // Neither replaced by a file nor opened as one.
  await mkdir(path.join(file(), "in-the-way"), { recursive: true });
  await using pair = await startPostgresPair();
  const { cluster, memory, stop } = await start(pair, true);
  while (cluster.monitor.writer === null) await once(cluster.monitor.events, "writer");
  expect(memory?.recalled).toBeNull();
  await stop();
});
