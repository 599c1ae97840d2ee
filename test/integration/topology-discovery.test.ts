import { once } from "node:events";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { Cluster, type ClusterOptions } from "../../app/database/cluster.ts";
import type { TopologyMonitor } from "../../app/database/topology/monitor.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { Amazon } from "./support/amazon.ts";

const SHOP = "one.myshopify.com";
const DEADLINE_MS = 30_000;

/** Knows the names of the cluster alone, as an installation on Amazon does. */
function open(pair: PostgresPair, options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = new Cluster({
    url: pair.namedUrl("app", "writer"),
    systemUrl: pair.namedUrl("system", "writer"),
    nameServers: pair.dns.resolver.servers,
    instanceHost: `?.${Amazon.domain}`,
    poolSize: 4,
    ...options,
  });
  cluster.start();
  return cluster;
}

async function until(monitor: TopologyMonitor, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await Promise.race(
      (["state", "node", "writer", "joined", "left", "discovery", "report"] as const).map((event) =>
        once(monitor.events, event),
      ),
    );
  }
}

const watched = ({ monitor }: Cluster) => monitor.nodes.map(({ id }) => id).sort();
const write = (cluster: Cluster, word: string) =>
  cluster.system(
    (db) => db.execute(sql`insert into written values (${word}) on conflict do nothing`),
    {
      deadlineMs: DEADLINE_MS,
      repeatable: true,
    },
  );

test.each(["aurora", "rds-cluster"] as const)(
  "%s: the servers are found by the cluster's name, and a failover is followed though the name never moves",
  async (kind) => {
    await using pair = await startPostgresPair({ replication: "sync" });
    await using amazon = await Amazon.play(pair, kind);
    const { primary: old, standby: next } = pair;
    await amazon.add(old.name, old);
    await amazon.add(next.name, next);
    const cluster = open(pair);
    try {
      const { monitor } = cluster;
      const ids = [old, next].map(({ name }) => amazon.idOf(name));
      await until(monitor, () => monitor.writer === ids[0]);
      await until(monitor, () => monitor.node(ids[1]!)?.state === "standby");
      expect(watched(cluster)).toEqual(ids.toSorted());
      expect(monitor.discovery).toMatchObject({ flavour: kind, problem: null });
      await write(cluster, "before");

      const words = Array.from({ length: 20 }, (_, n) => `during-${n}`);
      await pair.crash(old);
      const writes = words.map((word) => write(cluster, word));
      await pair.promote(next);
      await Promise.all(writes);
      expect(monitor.writer).toBe(ids[1]);
      const { value, source } = await cluster.read(
        SHOP,
        (db) => db.execute<{ word: string }>(sql`select word from written`),
        { deadlineMs: DEADLINE_MS },
      );
      expect(value.map(({ word }) => word).sort()).toEqual(["before", ...words].sort());
      expect(source).toBe("primary");
    } finally {
      await cluster.close();
    }
  },
);

test("servers are added, removed and renamed while work goes on, and none of it fails", async () => {
  await using pair = await startPostgresPair({ replication: "sync" });
  await using amazon = await Amazon.play(pair, "aurora");
  const { primary, standby } = pair;
  await amazon.add(primary.name, primary);
  const cluster = open(pair);
  let ended = false;
  const failures: unknown[] = [];
  const work = async (n: number) => {
    for (let i = 0; !ended; i++) {
      await write(cluster, `${n}-${i}`).catch((error: unknown) => failures.push(error));
      await cluster
        .read(SHOP, (db) => db.execute(sql`select count(*) from written`), {
          deadlineMs: DEADLINE_MS,
        })
        .catch((error: unknown) => failures.push(error));
    }
  };
  try {
    const { monitor } = cluster;
    const id = amazon.idOf(primary.name);
    await until(monitor, () => monitor.writer === id);
    expect(watched(cluster)).toEqual([id]);
    const working = Promise.all([0, 1, 2].map(work));

    await amazon.add(standby.name, standby);
    const added = amazon.idOf(standby.name);
    await until(monitor, () => monitor.node(added)?.state === "standby");
    await amazon.remove(standby.name);
    await until(monitor, () => monitor.node(added) === undefined);
    await until(monitor, () => pair.endpoint(standby).stats.openConnections === 0);

    await amazon.rename(primary.name, "renamed", primary);
    await until(monitor, () => monitor.writer === amazon.idOf("renamed"));
    await until(monitor, () => monitor.node(id) === undefined);
    expect(watched(cluster)).toEqual([amazon.idOf("renamed")]);
    await write(cluster, "last");
    ended = true;
    await working;
    expect(failures).toEqual([]);
  } finally {
    ended = true;
    await cluster.close();
  }
});

test("an Aurora reader is as old as its cluster says, and is measured by nothing that Aurora lacks", async () => {
  await using pair = await startPostgresPair();
  await using amazon = await Amazon.play(pair, "aurora");
  const { primary, standby } = pair;
  await amazon.add(primary.name, primary);
  await amazon.add(standby.name, standby, 1_500);
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    const reader = amazon.idOf(standby.name);
    await until(monitor, () => monitor.node(reader)?.report?.lagMs === 1_500);
    const { report, lagMs } = monitor.node(reader)!;
    expect(lagMs).toBe(1_500);
    expect(monitor.asOf(reader)).toEqual(new Date(report!.askedAt.getTime() - 1_500));
    const id = amazon.idOf(primary.name);
    await until(monitor, () => monitor.writer === id);
    expect(monitor.node(id)).toMatchObject({ lagMs: 0, lagBytes: 0 });
  } finally {
    await cluster.close();
  }
});

test.each(["aurora", "rds-cluster"] as const)(
  "%s: once the list is forbidden the last one goes on to count, and that is said",
  async (kind) => {
    await using pair = await startPostgresPair({ replication: "sync" });
    await using amazon = await Amazon.play(pair, kind);
    const { primary: old, standby: next } = pair;
    for (const node of pair.nodes) await amazon.add(node.name, node);
    const cluster = open(pair);
    try {
      const { monitor } = cluster;
      const ids = [amazon.idOf(old.name), amazon.idOf(next.name)];
      await until(monitor, () => monitor.writer === ids[0]);
      await until(monitor, () => monitor.node(ids[1]!)?.state === "standby");
      await amazon.run(
        kind === "aurora"
          ? "revoke execute on function pg_catalog.aurora_replica_status() from public"
          : "revoke execute on function rds_tools.show_topology(text) from public",
      );
      await until(monitor, () => monitor.discovery.problem === "forbidden");
      expect(watched(cluster)).toEqual(ids.toSorted());
      expect(monitor.state).toBe("steady");

      await pair.crash(old);
      await pair.promote(next);
      await write(cluster, "after");
      expect(monitor.writer).toBe(ids[1]);
    } finally {
      await cluster.close();
    }
  },
);

const fallbacks = [
  { topology: "aurora", played: "none", problem: "missing" },
  { topology: "rds-cluster", played: "none", problem: "missing" },
  { topology: "aurora", played: "rds-cluster", problem: "missing" },
  { topology: "auto", played: "aurora", problem: "unaddressable" },
  { topology: "auto", played: "none", problem: null },
] as const;

test.each(fallbacks)(
  "$topology where the server is $played: $problem, and what the configuration names is used",
  async ({ topology, played, problem }) => {
    await using pair = await startPostgresPair();
    await using amazon = await Amazon.play(pair, played);
    for (const node of pair.nodes) await amazon.add(node.name, node);
    const cluster = open(pair, {
      topology,
      readerUrl: pair.namedUrl("app", "reader"),
      ...(problem === "unaddressable" ? { instanceHost: "" } : {}),
    });
    try {
      const { monitor } = cluster;
      await until(monitor, () => monitor.discovery.problem === problem);
      await until(monitor, () => monitor.writer === "writer");
      await write(cluster, "word");
      expect(watched(cluster)).toEqual(["reader", "writer"]);
    } finally {
      await cluster.close();
    }
  },
);

test("an instance of RDS that has the cluster's functions is none: it is followed by its name", async () => {
  await using pair = await startPostgresPair();
  await using amazon = await Amazon.play(pair, "rds-cluster");
  for (const node of pair.nodes) await amazon.add(node.name, node);
  await amazon.run("update amazon.cluster set is_one = false");
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    await until(monitor, () => monitor.writer === "writer");
    await write(cluster, "word");
    expect(watched(cluster)).toEqual(["writer"]);
    expect(monitor.discovery.problem).toBeNull();
  } finally {
    await cluster.close();
  }
});

test("listed servers that cannot be reached do not replace the name by which they were found", async () => {
  await using pair = await startPostgresPair();
  await using amazon = await Amazon.play(pair, "aurora");
  for (const node of pair.nodes) {
    await amazon.add(node.name, node);
    pair.dns.setMode("nxdomain", `${node.name}.${Amazon.domain}`);
  }
  const cluster = open(pair);
  try {
    const { monitor } = cluster;
    const id = amazon.idOf(pair.primary.name);
    await until(monitor, () => monitor.node(id)?.state === "unreachable");
    await write(cluster, "word");
    expect(monitor.writer).toBe("writer");
    pair.dns.setMode("normal", `${pair.primary.name}.${Amazon.domain}`);
    await until(monitor, () => monitor.writer === id);
    await until(monitor, () => monitor.node("writer") === undefined);
  } finally {
    await cluster.close();
  }
});
