import { once } from "node:events";
import { mkdtemp, readdir } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  startPostgresPair,
  UnpromotableError,
  type NodeStatus,
  type PostgresNode,
  type PostgresPair,
  type PostgresPairOptions,
} from "../sandbox/postgres/index.ts";

let pair: PostgresPair;
let clients: postgres.Sql[] = [];

async function start(options: PostgresPairOptions = {}): Promise<void> {
  pair = await startPostgresPair(options);
  const sql = connect("writer");
  await sql`create table kept (id int primary key)`;
  const reader = connect("reader");
  await until(async () => (await reader`select to_regclass('kept') as t`)[0]?.["t"] !== null);
}

/** One connection as the owner; it is cut, not asked to end, since its server may be frozen. */
function connect(
  where: "writer" | "reader" | PostgresNode,
  options: Partial<postgres.Options<never>> = {},
): postgres.Sql {
  const sql = postgres(pair.url("owner", where), {
    ...options,
    max: 1,
    onnotice: () => {},
    fetch_types: false,
  });
  clients.push(sql);
  return sql;
}

async function ids(where: "writer" | "reader" | PostgresNode): Promise<number[]> {
  const sql = connect(where);
  const rows = await sql<{ id: number }[]>`select id from kept order by id`;
  await sql.end();
  return rows.map((row) => row.id);
}

/** A standby applies a commit some time after it has flushed it, which is all that a synchronous commit waits for. */
async function shows(where: "reader" | PostgresNode, expected: number[]): Promise<void> {
  await until(async () => (await ids(where)).length === expected.length);
  expect(await ids(where)).toEqual(expected);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(holds, { interval: 10 }).toBe(true);
}

async function statusOf(node: PostgresNode): Promise<NodeStatus> {
  const { nodes } = await pair.status();
  const found = nodes.find((status) => status.name === node.name);
  if (!found) throw new Error(`There is no status of ${node.name}.`);
  return found;
}

/** Inserts numbers one after the other, each on a new connection after a failure, and remembers what was confirmed. */
class Writer {
  readonly acknowledged: number[] = [];
  readonly #sql: () => postgres.Sql;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(sql: () => postgres.Sql) {
    this.#sql = sql;
    this.#done = this.#run();
  }

  async acknowledges(count: number): Promise<void> {
    const upTo = this.acknowledged.length + count;
    await until(() => this.acknowledged.length >= upTo);
  }

  async stop(): Promise<number[]> {
    this.#stopped = true;
    await this.#done;
    return this.acknowledged;
  }

  async #run(): Promise<void> {
    let sql = this.#sql();
    for (let id = 1; !this.#stopped; id++) {
      try {
        await sql`insert into kept values (${id})`;
        this.acknowledged.push(id);
      } catch {
        sql = this.#sql();
      }
    }
  }
}

afterEach(async () => {
  await pair.close();
  await Promise.all(clients.map((sql) => sql.end({ timeout: 0 })));
  clients = [];
});

describe("a synchronous pair", () => {
  beforeEach(() => start());

  test("streams: what the writer commits, the reader shows, and refuses to change", async () => {
    await connect("writer")`insert into kept values (1)`;
    await shows("reader", [1]);

    await expect(connect("reader")`insert into kept values (2)`).rejects.toMatchObject({
      code: "25006",
    });
    expect(await pair.status()).toMatchObject({
      replication: { wanted: "sync", effective: "sync" },
      nodes: [
        { name: "n1", state: "primary", role: "primary", promotable: false, timeline: 1 },
        { name: "n2", state: "standby", role: "standby", promotable: true, timeline: 1 },
      ],
    });
  });

  test("goes on through the writer endpoint after a crash, with every acknowledged commit", async () => {
    const [n1, n2] = pair.nodes;
    const writer = new Writer(() => connect("writer"));
    await writer.acknowledges(50);
    await pair.crash(n1);
    const { primary, promoteMs } = await pair.failover();
    await writer.acknowledges(50);
    const acknowledged = await writer.stop();

    expect(primary).toBe(n2);
    expect(pair.primary).toBe(n2);
    expect(promoteMs).toBeGreaterThan(0);
    expect(await ids("writer")).toEqual(expect.arrayContaining(acknowledged));
    expect(await pair.status()).toMatchObject({
      replication: { wanted: "sync", effective: "async" },
      nodes: [
        { state: "down", role: "standby", promotable: false },
        { state: "primary", role: "primary", timeline: 2 },
      ],
    });
  });

  test("goes full circle: each node is crashed, replaced, rejoined and promoted again", async () => {
    const written: number[] = [];
    for (let round = 1; round <= 4; round++) {
      const former = pair.primary;
      await connect("writer")`insert into kept values (${round})`;
      written.push(round);
      await pair.crash(former);
      await pair.failover();
      await pair.rejoin(former);

      expect(pair.standby).toBe(former);
      expect(await ids("writer")).toEqual(written);
      await shows("reader", written);
      expect(await pair.status()).toMatchObject({ replication: { effective: "sync" } });
      expect(await statusOf(former)).toMatchObject({
        state: "standby",
        promotable: true,
        timeline: round + 1,
      });
    }
  });

  test("hangs while its primary is frozen; promoted, it leaves a second writer that nobody confirms", async () => {
    const [n1, n2] = pair.nodes;
    const old = connect(n1);
    await old`insert into kept values (1)`;
    await pair.freeze(n1);
    expect(await statusOf(n1)).toMatchObject({ state: "frozen", timeline: undefined });
    let answered = false;
    const hung = old`insert into kept values (2)`.then(
      () => (answered = true),
      () => {},
    );
    await pair.failover();
    await connect("writer")`insert into kept values (3)`;
    expect(answered).toBe(false);

    await pair.thaw(n1);
    await until(async () => (await statusOf(n1)).state === "primary");
    expect(await statusOf(n1)).toMatchObject({ role: "standby", timeline: 1 });
    expect(await statusOf(n2)).toMatchObject({ state: "primary", role: "primary", timeline: 2 });
    // It still waits for a standby that is gone: in sync mode the old primary cannot confirm anything.
    expect(answered).toBe(false);

    await pair.rejoin(n1);
    await hung;
    expect(answered).toBe(false);
    await shows("reader", [1, 3]);
  });

  test("ends in good order: the session is told so, and the standby has everything", async () => {
    const [n1, n2] = pair.nodes;
    // Read from the wire, since the driver reports the code that comes with the last words to the next query.
    let wire = "";
    const socket = net.connect(pair.endpoint(n1).port);
    socket.on("data", (chunk) => (wire += chunk.toString("latin1")));
    const sql = connect(n1, { socket: () => socket } as Partial<postgres.Options<never>>);
    await sql`insert into kept values (1)`;
    const told = sql`select pg_sleep(60)`.catch((error: unknown) => error);
    await pair.shutdownFast(n1);

    expect(await told).toBeInstanceOf(Error);
    expect(wire).toContain("57P01");
    await pair.failover();
    await shows(n2, [1]);
    await pair.start(n1);
    expect(await statusOf(n1)).toMatchObject({ state: "primary", role: "standby", timeline: 1 });
  });

  test("switches over as planned and ends with two nodes in step", async () => {
    const [n1, n2] = pair.nodes;
    await connect("writer")`insert into kept values (1)`;
    const { primary } = await pair.switchover();

    expect(primary).toBe(n2);
    await connect("writer")`insert into kept values (2)`;
    await shows("reader", [1, 2]);
    expect(await statusOf(n1)).toMatchObject({ state: "standby", promotable: true });
  });

  test("lets commits go when its standby dies, but marks that standby first", async () => {
    const [, n2] = pair.nodes;
    const order: string[] = [];
    pair.events.on("promotable", ({ node, promotable }) =>
      order.push(`${node.name} ${promotable ? "promotable" : "unpromotable"}`),
    );
    pair.events.on("replication", ({ effective }) => order.push(effective));
    await pair.crash(n2);
    await connect("writer")`insert into kept values (1)`;
    expect(order[0], "before any commit goes through").toBe("n2 unpromotable");

    // The server lets commits go a moment before it says so.
    await expect.poll(() => order).toEqual(["n2 unpromotable", "async"]);
    expect(await statusOf(n2)).toMatchObject({ state: "down", promotable: false });

    await pair.start(n2);
    await pair.supervisor.whenPromotable();
    expect(order).toEqual(["n2 unpromotable", "async", "sync", "n2 promotable"]);
    await connect("writer")`insert into kept values (2)`;
    await shows(n2, [1, 2]);
  });

  test("refuses to promote a standby that lacks acknowledged commits, unless it is forced to", async () => {
    const [n1, n2] = pair.nodes;
    await pair.crash(n2);
    await connect("writer")`insert into kept values (1)`;
    await pair.crash(n1);
    await pair.start(n2);

    await expect(pair.promote(n2)).rejects.toThrow(UnpromotableError);
    await expect(pair.failover()).rejects.toThrow(/n2 must not be promoted: it is down/);
    await expect(pair.promote(n1)).rejects.toThrow(/n1 is the primary already/);
    expect(pair.primary).toBe(n1);

    await pair.failover({ force: true });
    expect(await ids("writer")).toEqual([]);
  });

  test("notices a frozen standby, and takes it back when it wakes up", async () => {
    const [, n2] = pair.nodes;
    const marked = once(pair.events, "promotable");
    await pair.freeze(n2);
    await connect("writer")`insert into kept values (1)`;
    expect(await marked).toMatchObject([
      { node: n2, promotable: false, reason: "it does not answer" },
    ]);

    await pair.thaw(n2);
    await pair.supervisor.whenPromotable();
    await shows(n2, [1]);
  });

  test("notices a standby that is cut off, which goes on showing what it has", async () => {
    const [, n2] = pair.nodes;
    await connect("writer")`insert into kept values (1)`;
    await shows(n2, [1]);
    const marked = once(pair.events, "promotable");
    await pair.cutReplication();
    await connect("writer")`insert into kept values (2)`;
    expect(await marked).toMatchObject([{ node: n2, promotable: false }]);
    await shows("reader", [1]);
    expect((await statusOf(n2)).lagBytes).toBeGreaterThan(0);

    await pair.healReplication();
    await pair.supervisor.whenPromotable();
    await shows("reader", [1, 2]);
  });

  test("does not mistake the waking of a frozen primary for the death of its standby", async () => {
    const [n1, n2] = pair.nodes;
    const marks: string[] = [];
    pair.events.on("promotable", ({ reason }) => marks.push(reason));
    await pair.freeze(n1);
    // Longer than a standby may be silent; the standby's own answers are what tells.
    for (let asked = 0; asked < 20; asked++) {
      await n2.query("select pg_sleep(0.1)");
    }
    await pair.thaw(n1);
    await connect("writer")`insert into kept values (1)`;

    expect(marks).toEqual([]);
    expect(pair.supervisor.isPromotable(n2)).toBe(true);
  });

  test("can be switched to asynchronous replication and back while it runs", async () => {
    const [, n2] = pair.nodes;
    await pair.setReplication("async");
    expect(await pair.status()).toMatchObject({ replication: { effective: "async" } });
    expect(pair.supervisor.isPromotable(n2)).toBe(true);
    await pair.cutReplication();
    await connect("writer")`insert into kept values (1)`;
    expect(pair.supervisor.isPromotable(n2)).toBe(true);

    await pair.healReplication();
    await pair.setReplication("sync");
    expect(await pair.status()).toMatchObject({ replication: { effective: "sync" } });
    await connect("writer")`insert into kept values (2)`;
    await shows(n2, [1, 2]);
  });

  test("says which node is which through endpoints that were not moved", async () => {
    const [n1, n2] = pair.nodes;
    await pair.failover({ moveEndpoints: false });
    expect(pair.writer.target).toBe(n1);
    expect(pair.dns.records.get("writer.db.test")).toEqual(["127.0.0.2"]);
    await pair.demote(n1);
    await expect(connect("writer")`insert into kept values (1)`).rejects.toMatchObject({
      code: "25006",
    });
    expect(await statusOf(n1)).toMatchObject({ state: "standby", promotable: false });

    pair.moveEndpoint("writer", n2);
    await connect("writer")`insert into kept values (2)`;
    await pair.rejoin(n1);
    await shows("reader", [2]);
  });

  test("tells an administrator's read-only from a standby", async () => {
    const [n1] = pair.nodes;
    await pair.setReadOnly(n1, true);
    await until(async () => (await statusOf(n1)).readOnly === true);
    await expect(connect("writer")`insert into kept values (1)`).rejects.toMatchObject({
      code: "25006",
    });
    expect(await statusOf(n1)).toMatchObject({ state: "primary", readOnly: true });

    await pair.setReadOnly(n1, false);
    await until(async () => (await statusOf(n1)).readOnly === false);
    await connect("writer")`insert into kept values (1)`;
  });

  test("shows a standby's delay as lag", async () => {
    const [, n2] = pair.nodes;
    await pair.delayReplay(3_600_000);
    await connect("writer")`insert into kept values (1)`;
    await shows("reader", []);
    expect((await statusOf(n2)).lagBytes).toBeGreaterThan(0);

    await pair.delayReplay(0);
    await shows("reader", [1]);
    await until(async () => (await statusOf(n2)).lagBytes === 0);
  });

  test("counts the clients of each node, its own looks left out", async () => {
    const [n1, n2] = pair.nodes;
    await Promise.all([connect(n1)`select`, connect(n1)`select`, connect("reader")`select`]);

    // One more on each has made, or waited for, the table.
    expect((await statusOf(n1)).connections).toBe(3);
    expect((await statusOf(n2)).connections).toBe(2);
  });

  test("refuses connections beyond a role's limit, and keeps those that are open", async () => {
    const [n1] = pair.nodes;
    const old = connect(n1);
    await old`select`;
    await pair.limitConnections(1);
    await expect(connect("writer")`select`).rejects.toMatchObject({ code: "53300" });
    await old`select`;

    await pair.limitConnections();
    await connect("writer")`select`;
  });

  test("comes back whole after both nodes were killed", async () => {
    const [n1, n2] = pair.nodes;
    await connect("writer")`insert into kept values (1)`;
    await Promise.all([pair.crash(n1), pair.crash(n2)]);
    expect(await pair.status()).toMatchObject({ nodes: [{ state: "down" }, { state: "down" }] });
    await Promise.all([pair.start(n1), pair.start(n2)]);
    await pair.supervisor.whenPromotable();

    await connect("writer")`insert into kept values (2)`;
    await shows("reader", [1, 2]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["both nodes killed", () => Promise.all(pair.nodes.map((node) => pair.crash(node)))],
    ["both nodes frozen", () => Promise.all(pair.nodes.map((node) => pair.freeze(node)))],
    ["an old primary that lives on", () => pair.failover()],
    [
      "an old primary that was made a standby with a history of its own",
      async () => {
        const [n1] = pair.nodes;
        await pair.failover();
        await n1.query("create table stray (id int)", { timeoutMs: 300 }).catch(() => {});
        await pair.demote(n1);
      },
    ],
    [
      "a standby that is cut off and slow",
      () => Promise.all([pair.cutReplication(), pair.delayReplay(60_000)]),
    ],
    [
      "endpoints, names and limits",
      async () => {
        await pair.writer.blackhole();
        await pair.nodeProxies[1].refuse();
        pair.dns.setMode("nxdomain", "writer.db.test");
        await pair.setReadOnly(pair.primary, true);
        await pair.limitConnections(0);
      },
    ],
  ])("is healed from %s", async (_fault, fault) => {
    await connect("writer")`insert into kept values (1)`;
    await fault();
    await pair.heal();

    await connect("writer")`insert into kept values (2)`;
    await shows("reader", [1, 2]);
    await shows(pair.standby, [1, 2]);
    expect(await pair.status()).toMatchObject({ replication: { effective: "sync" } });
    expect(await statusOf(pair.standby)).toMatchObject({ state: "standby", promotable: true });
    expect(pair.writer.target).toBe(pair.primary);
    expect(pair.reader.target).toBe(pair.standby);
  });

  test("tells of everything that happens", async () => {
    const [n1, n2] = pair.nodes;
    const told: string[] = [];
    pair.events.on("node", ({ node, process }) => told.push(`${node.name} ${process}`));
    pair.events.on("promoted", ({ primary }) => told.push(`${primary.name} promoted`));
    pair.events.on("moved", ({ endpoint, node }) => told.push(`${endpoint} to ${node.name}`));
    pair.events.on("rejoined", ({ node }) => told.push(`${node.name} rejoined`));
    await pair.freeze(n1);
    await pair.failover();
    await pair.rejoin(n1);

    expect(told).toEqual([
      "n1 frozen",
      `${n2.name} promoted`,
      "writer to n2",
      "n1 up",
      "n1 down",
      "n1 up",
      "reader to n1",
      "n1 rejoined",
    ]);
  });
});

describe("an asynchronous pair", () => {
  beforeEach(() => start({ replication: "async" }));

  test("loses acknowledged commits when a standby that was cut off is promoted", async () => {
    const [n1] = pair.nodes;
    await connect("writer")`insert into kept values (1)`;
    await shows("reader", [1]);
    await pair.cutReplication();
    const writer = new Writer(() => connect("writer"));
    await writer.acknowledges(101);
    const acknowledged = await writer.stop();
    await pair.crash(n1);
    await pair.failover();

    const left = await ids("writer");
    expect(left).toEqual([1]);
    expect(acknowledged.filter((id) => !left.includes(id)).length).toBeGreaterThanOrEqual(100);
  });

  test("has two writers after a promotion that fenced nobody", async () => {
    const [n1, n2] = pair.nodes;
    await pair.failover();
    await connect(n1)`insert into kept values (1)`;
    await connect(n2)`insert into kept values (2)`;

    await shows(n1, [1]);
    expect(await ids("writer")).toEqual([2]);
    await pair.rejoin(n1);
    await shows("reader", [2]);
  });
});

test("lives in a directory that is given, which must be empty and is removed at the end", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "evenkeel-test-"));
  await start({ dir });
  expect((await readdir(dir)).sort()).toEqual(["n1", "n2"]);
  await expect(startPostgresPair({ dir })).rejects.toThrow(/is not empty/);

  await pair.close();
  await expect(readdir(dir)).rejects.toMatchObject({ code: "ENOENT" });
});

test("close leaves nothing, in the middle of whatever goes on", async () => {
  await start();
  const pids = pair.nodes.map((node) => node.pid ?? 0);
  const ports = [pair.writer, pair.reader, ...pair.nodeProxies].map((endpoint) => endpoint.port);
  await pair.freeze(pair.primary);
  const hung = connect("writer")`select`.catch((error: unknown) => error);
  const [first, second] = [pair.close(), pair.close()];
  await Promise.all([first, second]);

  expect(await hung).toBeInstanceOf(Error);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  for (const port of ports) {
    const sql = postgres({ host: "127.0.0.1", port, max: 1 });
    await expect(sql`select`).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await sql.end();
  }
});
