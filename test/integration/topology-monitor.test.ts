import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { GuardedClient } from "../../app/database/guarded-client.ts";
import { createResolver } from "../../app/database/resolver.ts";
import {
  TopologyMonitor,
  type ClusterState,
  type NodeDefinition,
} from "../../app/database/topology/monitor.ts";
import { probe } from "../../app/database/topology/probe.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import {
  startPostgresPair,
  type PostgresNode,
  type PostgresPair,
} from "../sandbox/postgres/index.ts";

const logger = createLogger("silent");
const resolver = createResolver();
const open: { stop(): void }[] = [];

afterEach(() => {
  for (const monitor of open.splice(0)) monitor.stop();
});

function definition(id: string, kind: NodeDefinition["kind"], url: string): NodeDefinition {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    id,
    kind,
    connect: (connectTimeoutMs) =>
      GuardedClient.connect({
        target: {
          host: hostname,
          port: Number(port),
          user: username,
          password,
          database: pathname.slice(1),
        },
        resolver,
        connectTimeoutMs,
        preparedStatements: true,
        applicationName: "monitor",
      }),
  };
}

function watch(pair: PostgresPair, how: "nodes" | "endpoint"): TopologyMonitor {
  const nodes =
    how === "nodes"
      ? pair.nodes.map((node) => definition(node.name, "node", pair.url("app", node)))
      : [
          definition("writer", "endpoint", pair.url("app", "writer")),
          definition("reader", "endpoint", pair.url("app", "reader")),
        ];
  const monitor = new TopologyMonitor({ nodes, logger });
  open.push(monitor);
  monitor.start();
  return monitor;
}

async function until(monitor: TopologyMonitor, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await Promise.race([
      once(monitor.events, "state"),
      once(monitor.events, "node"),
      once(monitor.events, "writer"),
    ]);
  }
}

const becomes = (monitor: TopologyMonitor, state: ClusterState) =>
  until(monitor, () => monitor.state === state);
const stateOf = (monitor: TopologyMonitor, node: PostgresNode) => monitor.node(node.name)?.state;

test("with the nodes known: who is who, and a failover by crash is followed without a new connection", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "nodes");
  await becomes(monitor, "steady");
  const { primary: old, standby: next } = pair;
  await until(monitor, () => stateOf(monitor, next) === "standby");
  expect(monitor.writer).toBe(old.name);

  await pair.crash(old);
  await becomes(monitor, "noWriter");
  expect(stateOf(monitor, old)).toBe("unreachable");
  const warm = pair.endpoint(next).stats.acceptedConnections;
  await pair.promote(next);
  await becomes(monitor, "steady");
  expect(monitor.writer).toBe(next.name);
  expect(pair.endpoint(next).stats.acceptedConnections).toBe(warm);
  expect(monitor.remembered?.timeline).toBe(2);

  await pair.rejoin(old);
  await until(monitor, () => stateOf(monitor, old) === "standby");
});

test("a frozen primary is noticed, and when it wakes up after a promotion it is fenced, not followed", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "nodes");
  await becomes(monitor, "steady");
  const { primary: old, standby: next } = pair;
  const abandoned: string[] = [];
  monitor.events.on("abandoned", ({ id }) => abandoned.push(id));

  await pair.freeze(old);
  monitor.suspect(old.name);
  await becomes(monitor, "noWriter");
  await pair.promote(next);
  await becomes(monitor, "steady");
  expect(monitor.writer).toBe(next.name);
  expect(abandoned).toContain(old.name);

  await pair.thaw(old);
  await until(monitor, () => stateOf(monitor, old) === "fenced");
  expect(monitor.writer).toBe(next.name);
});

test("a primary that froze and woke up before anybody was promoted is the writer again", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "nodes");
  await becomes(monitor, "steady");
  const { primary } = pair;
  const abandoned: string[] = [];
  monitor.events.on("abandoned", ({ id }) => abandoned.push(id));
  await pair.freeze(primary);
  monitor.suspect(primary.name);
  await becomes(monitor, "noWriter");
  await pair.thaw(primary);
  await becomes(monitor, "steady");
  expect(monitor.writer).toBe(primary.name);
  expect(abandoned).toEqual([]);
});

test("with an endpoint alone, a failover is followed when the endpoint has moved", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "endpoint");
  await becomes(monitor, "steady");
  await pair.crash(pair.primary);
  await becomes(monitor, "noWriter");
  const before = monitor.remembered?.timeline;
  await pair.failover();
  await becomes(monitor, "steady");
  await until(monitor, () => monitor.writer === "writer");
  expect(monitor.remembered!.timeline).toBeGreaterThan(before!);
});

test("an administrator's read-only writer is a state of its own, and ends when the setting does", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "nodes");
  await becomes(monitor, "steady");
  const session = pair.primary.connect();
  const set = async (value: string) => {
    await session.query(`alter system set default_transaction_read_only = ${value}`);
    await session.query("select pg_reload_conf()");
    monitor.suspect(pair.primary.name);
  };
  await set("on");
  await becomes(monitor, "readOnlyWriter");
  await set("off");
  await becomes(monitor, "steady");
  session.close();
});

test("two servers that write on the same timeline stop all writing, until one of them is gone", async () => {
  await using pair = await startPostgresPair();
  // Both promoted from the same point: the second believes itself on the timeline that the first is on.
  const { primary: one, standby: two } = pair;
  await pair.promote(two, { force: true });
  await pair.shutdownFast(one);
  await pair.rejoin(one);
  await pair.promote(one, { force: true });
  const timelines = (await pair.status()).nodes.map(({ timeline }) => timeline);
  const monitor = watch(pair, "nodes");
  if (timelines[0] === timelines[1]) {
    await becomes(monitor, "conflict");
    expect(monitor.writer).toBeNull();
    await pair.crash(two);
    await becomes(monitor, "steady");
  } else {
    await becomes(monitor, "steady");
    await until(monitor, () => monitor.nodes.some(({ state }) => state === "fenced"));
    expect(monitor.writer).toBe(one.name);
  }
});

test("a node of another cluster is never followed", async () => {
  await using pair = await startPostgresPair();
  await using stranger = await startPostgresPair({ freshIdentity: true });
  const monitor = new TopologyMonitor({
    nodes: [
      definition("ours", "node", pair.url("app", pair.primary)),
      definition("stranger", "node", stranger.url("app", stranger.primary)),
    ],
    logger,
    remembered: { systemIdentifier: await systemIdentifier(pair), timeline: 1 },
  });
  open.push(monitor);
  monitor.start();
  await until(monitor, () => monitor.node("stranger")?.state === "foreign");
  await becomes(monitor, "steady");
  expect(monitor.writer).toBe("ours");
});

test("a timeline that an earlier process has seen superseded is fenced from the start", async () => {
  await using pair = await startPostgresPair();
  const monitor = new TopologyMonitor({
    nodes: [definition("old", "node", pair.url("app", pair.primary))],
    logger,
    remembered: { systemIdentifier: await systemIdentifier(pair), timeline: 2 },
  });
  open.push(monitor);
  monitor.start();
  await until(monitor, () => monitor.node("old")?.state === "fenced");
  expect(monitor.writer).toBeNull();
});

test("a standby's data is as old as the newest writer position that it has replayed", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "nodes");
  await becomes(monitor, "steady");
  const { standby } = pair;
  await until(monitor, () => stateOf(monitor, standby) === "standby");
  const report = monitor.node(standby.name)!.report!;
  const writerReport = monitor.node(pair.primary.name)!.report!;
  expect(report.timeline).toBe(writerReport.timeline);
  const asOf = monitor.samples.asOf(report.timeline, writerReport.lsn);
  expect(asOf).toEqual(writerReport.askedAt);
  expect(monitor.samples.asOf(report.timeline, 0n)).toBeNull();
});

async function systemIdentifier(pair: PostgresPair): Promise<string> {
  const session = pair.primary.connect();
  try {
    const [row] = await session.query(
      "select system_identifier::text as id from pg_control_system()",
    );
    return String((row as { id: string }).id);
  } finally {
    session.close();
  }
}

test("a process that stands still for a while does not take its nodes for dead", async () => {
  await using pair = await startPostgresPair();
  // Past the proxies, which would stand still with us.
  const nodes = pair.nodes.map((node) => definition(node.name, "node", node.url("app")));
  const monitor = new TopologyMonitor({ nodes, logger });
  open.push(monitor);
  monitor.start();
  await becomes(monitor, "steady");
  await until(monitor, () => stateOf(monitor, pair.standby) === "standby");
  const changes: string[] = [];
  monitor.events.on("node", ({ id, to }) => changes.push(`${id} ${to}`));
  for (let n = 0; n < 3; n++) {
    const reported = once(monitor.events, "report");
    monitor.suspect(pair.primary.name);
    // The question is on its way by then; its answer comes while nobody looks.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const standsStillUntil = performance.now() + 400;
    while (performance.now() < standsStillUntil);
    await reported;
  }
  expect(changes).toEqual([]);
});

test("a probe that is under way while its node is promoted finds a primary that takes writes", async () => {
  await using pair = await startPostgresPair();
  const { standby } = pair;
  const client = await definition("n2", "node", pair.url("app", standby)).connect(2_000);
  try {
    await client.sql.unsafe("begin").simple();
    await pair.crash(pair.primary);
    await pair.promote(standby);
    expect(await probe(client)).toMatchObject({ role: "primary", readOnly: false });
  } finally {
    client.destroy();
  }
});

test("where the reader's name stood in, the writer's own is found when it has moved, though the old primary lives", async () => {
  await using pair = await startPostgresPair();
  const monitor = watch(pair, "endpoint");
  await until(monitor, () => monitor.node("reader")?.state === "standby");
  const { primary: old } = pair;
  await pair.freeze(old);
  await pair.failover({ moveEndpoints: false });
  await until(monitor, () => monitor.writer === "reader");
  await pair.thaw(old);
  await until(monitor, () => monitor.node("writer")?.state === "fenced");
  pair.moveEndpoint("writer", pair.primary);
  await until(monitor, () => monitor.writer === "writer");
  expect(monitor.state).toBe("steady");
});
