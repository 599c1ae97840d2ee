import { readFile } from "node:fs/promises";
import { Resolver } from "node:dns/promises";

import postgres from "postgres";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import {
  startPostgresPair,
  type PostgresNode,
  type PostgresPair,
} from "../sandbox/postgres/index.ts";

let pair: PostgresPair;
let clients: postgres.Sql[] = [];

type Where = "writer" | "reader" | PostgresNode;

function connect(where: Where, options: Partial<postgres.Options<never>> = {}): postgres.Sql {
  return open(pair.url("owner", where), options);
}

function open(url: string, options: Partial<postgres.Options<never>> = {}): postgres.Sql {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => {},
    fetch_types: false,
    ...options,
  });
  clients.push(sql);
  return sql;
}

/** Which of the nodes it is that answers, by its port. */
async function answeredBy(sql: postgres.Sql): Promise<string | undefined> {
  const [row] = await sql`select inet_server_port() as port`;
  return pair.nodes.find((node) => node.port === row?.["port"])?.name;
}

/** Resolves when a session of the node is in the middle of its query. */
const sleeps = (node: PostgresNode) =>
  expect
    .poll(() => node.query("select from pg_stat_activity where query ~ '^select pg_sleep'"))
    .not.toEqual([]);

afterEach(async () => {
  await Promise.all(clients.map((sql) => sql.end({ timeout: 0 })));
  clients = [];
});

describe("on the wire to a real Postgres", () => {
  beforeAll(async () => {
    pair = await startPostgresPair();
  });
  afterEach(async () => {
    for (const endpoint of [pair.writer, pair.reader, ...pair.nodeProxies]) await endpoint.heal();
  });
  afterAll(() => pair.close());

  test("latency makes each round trip slower", async () => {
    const sql = connect("writer");
    await sql`select`;
    pair.writer.addToxic("slow", { type: "latency", latencyMs: 100 });
    const startedAt = performance.now();
    await sql`select`;

    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
  });

  test("timeout leaves a query without an answer until it is removed", async () => {
    const sql = connect("writer");
    await sql`select`;
    pair.writer.addToxic("hang", { type: "timeout", timeoutMs: 0 });
    let answered = false;
    const { downstreamBytes } = pair.writer.stats;
    const query = sql`select 1 as one`.then((rows) => {
      answered = true;
      return [...rows];
    });
    await expect.poll(() => pair.writer.stats.downstreamBytes).toBeGreaterThan(downstreamBytes);
    expect(answered).toBe(false);

    pair.writer.removeToxic("hang");
    expect(await query).toEqual([{ one: 1 }]);
  });

  test("reset_peer is a reset to the client, in the middle of its query", async () => {
    const sql = connect("writer");
    await sql`select`;
    const query = sql`select pg_sleep(60)`.catch((error: unknown) => error);
    await sleeps(pair.primary);
    pair.writer.addToxic("cut", { type: "reset_peer" });

    expect(await query).toMatchObject({ code: "ECONNRESET" });
  });

  test("limit_data cuts an answer off", async () => {
    const sql = connect("writer");
    await sql`select`;
    pair.writer.addToxic("short", { type: "limit_data", bytes: 5000 });

    await expect(sql`select repeat('x', 100000)`).rejects.toMatchObject({
      code: "CONNECTION_CLOSED",
    });
  });

  test("bandwidth draws a large answer out", async () => {
    const sql = connect("writer");
    await sql`select`;
    pair.writer.addToxic("narrow", { type: "bandwidth", bytesPerSecond: 200_000 });
    const startedAt = performance.now();
    await sql`select repeat('x', 100000)`;

    expect(performance.now() - startedAt).toBeGreaterThan(400);
  });

  test("lost_answer commits, and tells the client nothing but a reset", async () => {
    const sql = connect("writer");
    await sql`create table lost (id int)`;
    pair.writer.addToxic("lost", { type: "lost_answer", match: /COMMIT\0/ });
    const commit = sql.unsafe("begin; insert into lost values (1); commit").simple();
    await expect(commit).rejects.toMatchObject({ code: "ECONNRESET" });

    const other = connect(pair.primary);
    expect([...(await other`select id from lost`)]).toEqual([{ id: 1 }]);
  });

  test("a refusing endpoint refuses, a black hole lets the connect time out", async () => {
    await pair.writer.refuse();
    await expect(connect("writer")`select`).rejects.toMatchObject({ code: "ECONNREFUSED" });

    await pair.writer.blackhole();
    await expect(connect("writer", { connect_timeout: 1 })`select`).rejects.toMatchObject({
      code: "CONNECT_TIMEOUT",
    });

    await pair.writer.heal();
    await connect("writer")`select`;
  });

  test("a fault in front of one node spares the other and the endpoints", async () => {
    const [n1, n2] = pair.nodes;
    await pair.nodeProxies[0].refuse();

    await expect(connect(n1)`select`).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await answeredBy(connect(n2))).toBe("n2");
    expect(await answeredBy(connect("writer"))).toBe("n1");
    expect(await answeredBy(open(n1.url("owner")))).toBe("n1");
  });

  test("a moved endpoint keeps old sessions where they are, or resets them", async () => {
    const [n1, n2] = pair.nodes;
    const old = connect("writer");
    await old`select`;
    pair.writer.moveTo(n2);
    expect(await answeredBy(old)).toBe("n1");
    expect(await answeredBy(connect("writer"))).toBe("n2");

    pair.writer.moveTo(n1);
    const kept = connect("writer", { max: 1 });
    expect(await answeredBy(kept)).toBe("n1");
    const cut = kept`select pg_sleep(60)`.catch((error: unknown) => error);
    await sleeps(n1);
    pair.writer.moveTo(n1, { connections: "reset" });
    expect(await cut).toMatchObject({ code: "ECONNRESET" });
  });
});

describe("by name", () => {
  beforeAll(async () => {
    pair = await startPostgresPair();
  });
  afterAll(() => pair.close());

  /** Connects as a client does that asks the sandbox's server for the name. */
  async function connectByName(where: Where): Promise<postgres.Sql> {
    const url = new URL(pair.namedUrl("owner", where));
    const resolver = new Resolver();
    resolver.setServers([...pair.dns.resolver.servers]);
    const [address] = await resolver.resolve4(url.hostname);
    if (!address) throw new Error(`${url.hostname} has no address.`);
    url.hostname = address;
    return open(url.href);
  }

  test("every endpoint and node is found, all at one port", async () => {
    const [n1, n2] = pair.nodes;

    expect(await answeredBy(await connectByName("writer"))).toBe("n1");
    expect(await answeredBy(await connectByName("reader"))).toBe("n2");
    expect(await answeredBy(await connectByName(n1))).toBe("n1");
    expect(await answeredBy(await connectByName(n2))).toBe("n2");
    const all = (["writer", "reader", n1, n2] as const).map((where) => pair.namedUrl("app", where));
    expect(new Set(all.map((url) => new URL(url).port)).size).toBe(1);
  });

  test("a failover moves the writer's name; a stale answer still leads to the old primary", async () => {
    const [n1] = pair.nodes;
    pair.dns.setMode("stale", "writer.db.test");
    await pair.switchover();
    const stale = await connectByName("writer");
    expect(await answeredBy(stale)).toBe("n1");
    await expect(stale`create table refused (id int)`).rejects.toMatchObject({ code: "25006" });

    pair.dns.setMode("normal", "writer.db.test");
    const fresh = await connectByName("writer");
    expect(await answeredBy(fresh)).toBe("n2");
    await fresh`create table taken (id int)`;
    expect(await answeredBy(await connectByName("reader"))).toBe(n1.name);
  });
});

describe("with TLS", () => {
  let ca: string;

  beforeAll(async () => {
    pair = await startPostgresPair({ tls: true });
    ca = await readFile(pair.caFile ?? "", "utf8");
  });
  afterAll(() => pair.close());

  async function tlsVersion(sql: postgres.Sql): Promise<unknown> {
    const [row] = await sql`select version from pg_stat_ssl where pid = pg_backend_pid()`;
    return row?.["version"];
  }

  test.each(["127.0.0.1", "writer.db.test", "reader.db.test", "n1.db.test", "localhost"])(
    "the certificate holds for %s",
    async (name) => {
      // An address is checked without being sent as a server name, which must be a name (RFC 6066).
      const servername = name === "127.0.0.1" ? {} : { servername: name };
      const sql = connect("writer", { ssl: { ca, ...servername } });

      expect(await tlsVersion(sql)).toBe("TLSv1.3");
    },
  );

  test("a client that trusts another CA, or expects another name, stays away", async () => {
    await expect(connect("writer", { ssl: {} })`select`).rejects.toMatchObject({
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
    const elsewhere = connect("writer", { ssl: { ca, servername: "db.example.com" } });
    await expect(elsewhere`select`).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  test("a client without TLS is sent away", async () => {
    await expect(connect("writer", { ssl: false })`select`).rejects.toMatchObject({
      code: "28000",
    });
  });

  test("it holds on both nodes, also after one was copied anew", async () => {
    const former = pair.primary;
    expect(await tlsVersion(connect("reader", { ssl: { ca } }))).toBe("TLSv1.3");
    await pair.crash(former);
    await pair.failover();
    await pair.rejoin(former);

    expect(await tlsVersion(connect(former, { ssl: { ca } }))).toBe("TLSv1.3");
    expect(await tlsVersion(connect("writer", { ssl: { ca } }))).toBe("TLSv1.3");
  });
});
