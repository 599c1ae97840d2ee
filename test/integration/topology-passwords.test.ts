import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { GuardedClient } from "../../app/database/guarded-client.ts";
import { passwordFile, type Password } from "../../app/database/password.ts";
import { createResolver } from "../../app/database/resolver.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

let pair: PostgresPair;
let admin: postgres.Sql;
let directory: string;
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  directory = await mkdtemp(path.join(tmpdir(), "evenkeel-passwords-"));
  pair = await startPostgresPair();
  admin = postgres(pair.primary.url("superuser"), { max: 1, onnotice: () => {} });
  await admin`create table written (word text primary key)`;
  await admin`grant select, insert on written to evenkeel_app, evenkeel_system`;
});
afterAll(async () => {
  await admin?.end();
  await pair?.close();
  await rm(directory, { recursive: true, force: true });
  process.off("uncaughtException", note);
  process.off("unhandledRejection", note);
});
afterEach(() => expect(uncaught.splice(0)).toEqual([]));

/** Replaces it in one step, as Kubernetes and Docker do. */
async function hand(role: string, password: string): Promise<string> {
  const file = path.join(directory, role);
  await writeFile(`${file}.new`, `${password}\n`);
  await rename(`${file}.new`, file);
  return file;
}

const passwordOf = (role: "app" | "system") => new URL(pair.url(role, "writer")).password;

function withoutPassword(role: "app" | "system"): string {
  const url = new URL(pair.url(role, "writer"));
  url.password = "";
  return url.href;
}

test("passwords are rotated while work goes on: none of it fails, and new connections use the new ones", async () => {
  const files = {
    app: await hand("app", passwordOf("app")),
    system: await hand("system", passwordOf("system")),
  };
  const cluster = new Cluster({
    url: withoutPassword("app"),
    systemUrl: withoutPassword("system"),
    password: passwordFile(files.app),
    systemPassword: passwordFile(files.system),
    poolSize: 4,
  });
  let ended = false;
  let done = 0;
  const failures: unknown[] = [];
  const worker = async (n: number) => {
    for (let i = 0; !ended; i++) {
      const write = cluster.system(
        (db) => db.execute(sql`insert into written values (${`${n}-${i}`}) on conflict do nothing`),
        { deadlineMs: 30_000, repeatable: true },
      );
      const read = cluster.read(
        "one.myshopify.com",
        (db) => db.execute(sql`select count(*) from written`),
        { deadlineMs: 30_000 },
      );
      await Promise.all([write, read]).then(
        () => done++,
        (error: unknown) => failures.push(error),
      );
    }
  };
  const progress = async (by: number) => {
    const goal = done + by;
    while (done < goal && failures.length === 0) await new Promise((next) => setTimeout(next, 5));
  };
  try {
    const working = Promise.all([0, 1, 2, 3].map(worker));
    await progress(20);
    for (const round of [1, 2]) {
      for (const role of ["app", "system"] as const) {
        const password = `rotated-${round}-${role}-${crypto.randomUUID()}`;
        await admin.unsafe(`alter role evenkeel_${role} password '${password}'`);
        // Between the two, every new connection is refused; those that are cut off need one.
        await admin`select pg_terminate_backend(pid) from pg_stat_activity
          where usename = ${`evenkeel_${role}`} and application_name <> 'evenkeel-monitor'`;
        await hand(role, password);
      }
      await progress(20);
    }
    ended = true;
    await working;
    expect(failures).toEqual([]);
  } finally {
    ended = true;
    await cluster.close();
  }
});

const connect = (password: Password, connectTimeoutMs: number) => {
  const { hostname, port, username, pathname } = new URL(pair.url("app", "writer"));
  return GuardedClient.connect({
    target: {
      host: hostname,
      port: Number(port),
      user: username,
      database: pathname.slice(1),
      password,
    },
    resolver: createResolver(),
    connectTimeoutMs,
    preparedStatements: true,
    applicationName: "passwords",
  });
};

const SECRET = "what-nobody-may-see";
const failing: Record<string, [Password, string]> = {
  "throws at once": [
    () => {
      throw new Error(SECRET);
    },
    "PASSWORD_UNAVAILABLE",
  ],
  rejects: [() => Promise.reject(new Error(SECRET)), "PASSWORD_UNAVAILABLE"],
  "rejects with no error": [
    async () => {
      throw SECRET;
    },
    "PASSWORD_UNAVAILABLE",
  ],
  "never answers": [() => new Promise<string>(() => {}), "PASSWORD_TIMEOUT"],
  "reads a file that is gone": [
    passwordFile(path.join(tmpdir(), "evenkeel-no-such-file")),
    "PASSWORD_UNAVAILABLE",
  ],
};

test.each(Object.entries(failing))(
  "a callback that %s costs the connect and nothing else, and nothing of it is told",
  async (_how, [password, code]) => {
    const before = pair.endpoint("writer").stats.acceptedConnections;
    const error: unknown = await connect(password, 300).then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ name: "DatabaseError", kind: "notExecuted", code });
    const { message, stack, cause } = error as Error;
    expect([message, stack, String(cause)].join()).not.toContain(SECRET);
    // No session waits at the server while its password is looked for.
    expect(pair.endpoint("writer").stats.acceptedConnections).toBe(before);
  },
);

test("a callback is asked at each connect", async () => {
  const current = decodeURIComponent(new URL(pair.url("app", "writer")).password);
  await admin.unsafe(`alter role evenkeel_app password '${current}'`);
  let asked = 0;
  const password = async () => {
    asked++;
    return current;
  };
  for (const n of [1, 2]) {
    (await connect(password, 5_000)).destroy();
    expect(asked).toBe(n);
  }
});

test("a server that hangs while we sign in is told from one that hangs up", async () => {
  const password = decodeURIComponent(passwordOf("app"));
  const failure = (timeoutMs: number) =>
    connect(password, timeoutMs).catch((error: unknown) => error);
  await pair.freeze(pair.primary);
  const hung = await failure(300);
  await pair.thaw(pair.primary);
  expect(hung).toMatchObject({ kind: "notExecuted", code: "CONNECT_TIMEOUT" });

  // The first byte of what the server asks of us, and no more.
  pair.writer.addToxic("cut", { type: "limit_data", bytes: 1 });
  const hungUp = await failure(20_000);
  pair.writer.clearToxics();
  expect(hungUp).toMatchObject({ kind: "notExecuted", code: "CONNECTION_CLOSED" });
});
