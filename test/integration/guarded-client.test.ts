import { readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { DatabaseError, toDatabaseError } from "../../app/database/errors.ts";
import { GuardedClient, type ConnectionTarget } from "../../app/database/guarded-client.ts";
import type { TlsOptions } from "../../app/database/guarded-socket.ts";
import { HotStatements } from "../../app/database/hot-statements.ts";
import { createResolver } from "../../app/database/resolver.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

/**
 * Each test but the last ones is a trap that the stock driver falls into when its server goes away; see
 * docs/decisions/0010-disposable-clients.md.
 */
let pair: PostgresPair;
let admin: postgres.Sql;
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  pair = await startPostgresPair({ tls: true });
  admin = postgres(pair.primary.url("superuser"), {
    max: 1,
    onnotice: () => {},
    ssl: { rejectUnauthorized: false },
  });
  await admin`create table trap (id int generated always as identity, word text)`;
  await admin`grant all on trap to evenkeel_app`;
});
afterAll(async () => {
  await admin?.end();
  await pair?.close();
  process.off("uncaughtException", note);
  process.off("unhandledRejection", note);
});
afterEach(async () => {
  pair.writer.clearToxics();
  await admin`truncate trap`;
  expect(uncaught.splice(0)).toEqual([]);
});

function target(url = pair.url("app", "writer")) {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
    tls: { ca: readFileSync(pair.caFile!, "utf8") },
  };
}

const connect = (
  options: { target?: ConnectionTarget; connectTimeoutMs?: number; hot?: HotStatements } = {},
) =>
  GuardedClient.connect({
    ...(options.hot ? { hot: options.hot } : {}),
    target: options.target ?? target(),
    resolver: createResolver(),
    connectTimeoutMs: options.connectTimeoutMs ?? 2000,
    preparedStatements: true,
    applicationName: "trap",
  });

const pidOf = async (client: GuardedClient) =>
  (await client.sql<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]!.pid;

const kindOf = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(
    () => "done",
    (error: unknown) => {
      const known = toDatabaseError(error);
      return known instanceof DatabaseError ? known.kind : known;
    },
  );

test("a connection killed inside a transaction breaks the client, and nothing is uncaught", async () => {
  const client = await connect();
  const outcome = kindOf(
    client.sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      const slow = tx`select pg_sleep(60)`.execute();
      await admin`select pg_terminate_backend(${row!.pid})`;
      await slow;
    }),
  );
  expect(await outcome).toBe("unknown");
  const broken = new Promise<void>((resolve) => client.onBroken(resolve));
  await broken;
  expect(client.broken).toMatchObject({ kind: "unknown" });
  expect(await kindOf(client.sql`select 1`)).toBe("unknown");
});

test("statements after a lost connection never run outside of their transaction", async () => {
  const client = await connect();
  const pid = await pidOf(client);
  const outcome = kindOf(
    client.sql.begin(async (tx) => {
      await tx`insert into trap (word) values ('first')`;
      const broken = new Promise<void>((resolve) => client.onBroken(resolve));
      await admin`select pg_terminate_backend(${pid})`;
      await broken;
      await tx`insert into trap (word) values ('second')`;
    }),
  );
  expect(await outcome).toBe("unknown");
  expect(await admin`select word from trap`).toEqual([]);
});

test("a frozen server costs the deadline, not for ever", async () => {
  const client = await connect();
  const pid = await pidOf(client);
  process.kill(pid, "SIGSTOP");
  try {
    const query = kindOf(client.sql`select 1`);
    const queued = kindOf(client.sql`select 2`);
    client.destroy(new DatabaseError("unknown", "DEADLINE", "The deadline has passed."));
    expect(await Promise.all([query, queued])).toEqual(["unknown", "unknown"]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
});

test("a connection that dies idle breaks the client before it is used again", async () => {
  const client = await connect();
  const pid = await pidOf(client);
  const broken = new Promise<void>((resolve) => client.onBroken(resolve));
  await admin`select pg_terminate_backend(${pid})`;
  await broken;
  expect(client.broken).not.toBeNull();
});

test("an answer that is cut off in the middle of a commit is unknown, not done and not failed", async () => {
  // The cut is found by reading the wire, so this one goes without TLS.
  await using plain = await startPostgresPair();
  const unencrypted: { tls?: TlsOptions } & ConnectionTarget = target(plain.url("app", "writer"));
  delete unencrypted.tls;
  const client = await connect({ target: unencrypted });
  await client.sql`select 1`;
  plain.writer.addToxic("cut", { type: "lost_answer", match: /commit/i });
  const outcome = kindOf(
    client.sql.begin(async (tx) => {
      await tx`select 1`;
    }),
  );
  expect(await outcome).toBe("unknown");
});

test("a server that is reset on the wire rejects what is under way and what is queued", async () => {
  const client = await connect();
  const running = kindOf(client.sql`select pg_sleep(60)`);
  const queued = kindOf(client.sql`select 1`);
  await admin`select 1`;
  pair.writer.resetConnections();
  expect(await Promise.all([running, queued])).toEqual(["unknown", "unknown"]);
});

test("a broken client opens no further connection", async () => {
  const client = await connect();
  pair.writer.resetConnections();
  await new Promise<void>((resolve) => client.onBroken(resolve));
  const before = pair.writer.stats.acceptedConnections;
  expect(await kindOf(client.sql`select 1`)).toBe("unknown");
  expect(await kindOf(client.sql.begin(async (tx) => tx`select 1`))).toBe("unknown");
  expect(pair.writer.stats.acceptedConnections).toBe(before);
});

test("nobody listening is notExecuted at once", async () => {
  expect(await kindOf(connect({ target: { ...target(), port: 1 } }))).toBe("notExecuted");
});

test("a server that takes the connection and says nothing is notExecuted after the timeout", async () => {
  pair.writer.addToxic("hole", { type: "timeout", timeoutMs: 0 });
  expect(await kindOf(connect({ connectTimeoutMs: 150 }))).toBe("notExecuted");
});

test("a wrong password is permanent, and says so", async () => {
  const error: unknown = await connect({ target: { ...target(), password: "wrong" } }).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ name: "DatabaseError", kind: "permanent", code: "28P01" });
});

test("the password is asked for at each connect, so that it can rotate", async () => {
  const asked: number[] = [];
  const { password } = target();
  const rotating = { ...target(), password: async () => (asked.push(1), password) };
  for (const n of [1, 2]) {
    const client = await connect({ target: rotating });
    client.destroy();
    expect(asked).toHaveLength(n);
  }
});

test("TLS is verified against the authority and the name", async () => {
  const client = await connect();
  const [row] = await client.sql<{ ssl: boolean }[]>`
    select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
  expect(row?.ssl).toBe(true);
  client.destroy();
  const stranger = await connect({
    target: { ...target(), tls: { ...target().tls, servername: "someone-else.example.com" } },
  }).catch((e: unknown) => e);
  expect(stranger).toMatchObject({ name: "DatabaseError", kind: "permanent" });
});

test("drizzle works on it, dates and arrays included", async () => {
  const client = await connect();
  const [row] = await client.database.execute<{ n: number; t: string }>(
    sql`select ${2}::int as n, 'x' as t`,
  );
  expect(row).toEqual({ n: 2, t: "x" });
  client.destroy();
});

test("hundreds of kills under load leave nothing uncaught and nothing half done", async () => {
  let killed = 0;
  let acknowledged = 0;
  const worker = async (n: number) => {
    while (killed < 200) {
      try {
        const client = await connect();
        while (!client.broken && killed < 200) {
          await client.sql.begin(async (tx) => {
            await tx`insert into trap (word) values (${`${n}a`})`;
            await tx`insert into trap (word) values (${`${n}b`})`;
          });
          acknowledged++;
        }
        client.destroy();
      } catch (error) {
        expect(toDatabaseError(error)).toBeInstanceOf(DatabaseError);
      }
    }
  };
  const killer = async () => {
    while (killed < 200) {
      const victims = await admin`
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'trap'`;
      killed += victims.length;
    }
  };
  await Promise.all([...Array.from({ length: 6 }, (_, n) => worker(n)), killer()]);
  const [rows] = await admin<{ a: number; b: number }[]>`
    select count(*) filter (where word like '%a')::int as a, count(*) filter (where word like '%b')::int as b from trap`;
  expect(rows!.a).toBe(rows!.b);
  expect(rows!.a).toBeGreaterThanOrEqual(acknowledged);
});

test("a standby's connection goes through what it will be asked for, writes too, and does none of it", async () => {
  const hot = new HotStatements();
  const primary = await connect({ hot });
  const write = (client: GuardedClient) =>
    client.database.execute(sql`insert into trap (word) values (${"a"})`);
  for (let n = 0; n < 6; n++) await write(primary);
  primary.destroy();
  const [{ lsn }] = await admin<[{ lsn: string }]>`select pg_current_wal_lsn() as lsn`;
  const standby = await connect({ target: target(pair.url("app", "reader")), hot });
  while (
    (await standby.sql`select 1 where pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn`).length === 0
  ) {
    await new Promise(setImmediate);
  }

  const [statement, ...others] = standby.statements.unrehearsed;
  expect(others).toEqual([]);
  await standby.statements.rehearse(statement!);
  expect(standby.statements.unrehearsed).toEqual([]);
  expect(
    await standby.sql.unsafe(
      "select generic_plans::int as plans from pg_prepared_statements where statement like 'insert into trap%'",
    ),
  ).toEqual([{ plans: 1 }]);
  expect(await admin`select from trap`).toHaveLength(6);
  // The session is as it was: its transaction is over, and a write is refused as ever.
  await expect(kindOf(write(standby))).resolves.toBe("wrongNode");
  standby.destroy();
});
