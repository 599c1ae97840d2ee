import { once } from "node:events";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import type { TopologyMonitor } from "../../app/database/topology/monitor.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

const SHOP = "one.myshopify.com";

function open(pair: PostgresPair): Cluster {
  const nodes = pair.nodes.map((node) => idOf(pair, node));
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes,
    poolSize: 2,
  });
  cluster.start();
  return cluster;
}

function idOf(pair: PostgresPair, node: PostgresPair["primary"]): string {
  const { hostname, port } = new URL(pair.url("app", node));
  return `${hostname}:${port}`;
}

async function until(monitor: TopologyMonitor, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await Promise.race(
      (["state", "node", "report"] as const).map((event) => once(monitor.events, event)),
    );
  }
}

async function asSuperuser(pair: PostgresPair, statements: string): Promise<void> {
  const admin = postgres(pair.primary.url("superuser"), { max: 1, onnotice: () => {} });
  await admin.unsafe(statements).simple();
  await admin.end();
}

const write = (cluster: Cluster) =>
  cluster.system((db) => db.execute(sql`insert into written values ('word')`), {
    deadlineMs: 20_000,
  });

const TABLE = `create table written (word text);
  grant select on written to evenkeel_app;
  grant insert on written to evenkeel_system`;

test("a writer whose disk is full is a state of its own: nobody hunts for another, and it ends by itself", async () => {
  await using pair = await startPostgresPair();
  await asSuperuser(
    pair,
    `${TABLE};
     create function full_disk() returns trigger language plpgsql as
       $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
     create trigger full_disk before insert on written execute function full_disk()`,
  );
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    const states: string[] = [];
    monitor.events.on("state", ({ to }) => states.push(to));
    await expect(write(cluster)).rejects.toMatchObject({ kind: "busy", code: "53100" });
    expect(states.at(-1)).toBe("diskFull");
    expect(monitor.writer).toBe(idOf(pair, pair.primary));
    const { value } = await cluster.read(SHOP, (db) => db.execute(sql`select word from written`));
    expect(value).toEqual([]);

    await asSuperuser(pair, "drop trigger full_disk on written");
    await until(monitor, () => monitor.state === "steady");
    await write(cluster);
    expect(states).not.toContain("noWriter");
  } finally {
    await cluster.close();
  }
});

test("how far a standby is behind is told in bytes and in time", async () => {
  await using pair = await startPostgresPair({ replication: "async" });
  await asSuperuser(pair, TABLE);
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    const [writer, standby] = [pair.primary, pair.standby].map((node) => idOf(pair, node));
    await until(monitor, () => monitor.writer === writer);
    await until(monitor, () => monitor.node(standby!)?.lagBytes === 0);
    await pair.delayReplay(3_600_000);
    // What waits is a commit; all that comes after it waits behind it.
    await asSuperuser(pair, "insert into written values ('first')");
    await asSuperuser(
      pair,
      "insert into written select repeat('x', 1000) from generate_series(1, 1000)",
    );
    await until(monitor, () => (monitor.node(standby!)?.lagBytes ?? 0) > 1_000_000);
    await until(monitor, () => (monitor.node(standby!)?.lagMs ?? 0) > 1_000);
    expect(monitor.node(writer!)).toMatchObject({ lagBytes: 0, lagMs: 0 });
    await pair.delayReplay(0);
    await until(monitor, () => monitor.node(standby!)?.lagBytes === 0);
  } finally {
    await cluster.close();
  }
});

test("a writer that comes and goes has to answer several times before it is believed", async () => {
  await using pair = await startPostgresPair();
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    const id = idOf(pair, pair.primary);
    const endpoint = pair.endpoint(pair.primary);
    await until(monitor, () => monitor.writer === id);
    const answersBefore: number[] = [];
    let answers = 0;
    monitor.events.on("report", ({ id: from }) => {
      if (from === id) answers++;
    });
    monitor.events.on("node", ({ id: from, to }) => {
      if (from !== id) return;
      if (to === "primary") answersBefore.push(answers);
      answers = 0;
    });
    // The window in which it has come and gone three times is ten seconds; a busy machine may need more rounds.
    for (let round = 0; round < 12 && !answersBefore.some((n) => n > 0); round++) {
      await endpoint.refuse();
      endpoint.resetConnections();
      await until(monitor, () => monitor.state === "noWriter");
      await endpoint.accept();
      await until(monitor, () => monitor.writer === id);
    }
    expect(answersBefore[0]).toBe(0);
    expect(answersBefore.at(-1)).toBeGreaterThan(0);
  } finally {
    await cluster.close();
  }
});
