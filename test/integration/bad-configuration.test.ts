import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { forgetfulFileSystem } from "../../app/continuity/journal/file-systems.ts";
import { migrate } from "../../app/database/migrate.ts";
import { releaseMigrations } from "../../app/database/migration-head.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { ensureBuild } from "../sandbox/build.ts";
import {
  DnsServer,
  Endpoint,
  startPostgres,
  startPostgresPair,
  type Postgres,
  type PostgresPair,
  type TestDatabase,
} from "../sandbox/postgres/index.ts";
import { installCertificates, makeCertificates } from "../sandbox/postgres/tls.ts";
import { operateApp, type OperatedApp } from "./support/operated-app.ts";
import { replicated } from "./support/replicated.ts";

/**
 * Whatever an operator gets wrong about the database: the app starts, says in plain words what it is and what to do,
 * serves what it can, acknowledges nothing that it cannot keep, and goes on by itself when the fault is mended.
 */

// Each starts a process of the app, and waits for it to fail, to say so and to recover. Most of that is waiting, which
// they do together; so each has what it breaks to itself.
vi.setConfig({ testTimeout: 180_000 });

const TEMPLATE = "migrated";
const AWAY = "We can&#x27;t reach our database right now";

let server: Postgres;
let scratch: string;

beforeAll(async () => {
  [server, scratch] = await Promise.all([
    startPostgres(),
    mkdtemp(join(tmpdir(), "evenkeel-test-")),
    ensureBuild(),
  ]);
  const template = await server.createDatabase({ name: TEMPLATE });
  await migrate({ url: template.url("owner"), steps: [installQueue] });
});
afterAll(async () => {
  await server?.close();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

/** A database of this release for one test. */
const migrated = () => server.createDatabase({ template: TEMPLATE });

/** One on a server of its own, for a test that changes what the databases of a server share: roles and settings. */
async function migratedApart() {
  const own = await startPostgres();
  const database = await own.createDatabase();
  await migrate({ url: database.url("owner"), steps: [installQueue] });
  return { node: own.node, database, [Symbol.asyncDispose]: () => own.close() };
}

function databaseEnv(database: TestDatabase, changes: Partial<URL> = {}): Record<string, string> {
  return {
    DATABASE_URL: changed(database.url("app"), changes),
    DATABASE_SYSTEM_URL: changed(database.url("system"), changes),
  };
}

/** The address with parts of it replaced. */
function changed(url: string, changes: Partial<URL>): string {
  return Object.assign(new URL(url), changes).href;
}

interface Expected {
  /** What the log and /health must say. */
  readonly says: RegExp;
  /** What pages show meanwhile. Default `away`. */
  readonly pages?: "live" | "away";
  /** How webhooks are answered meanwhile. Default 503. */
  readonly webhook?: number;
}

/** Holds the app to what must be true while a fault lasts, and returns the sentence that says what it is. */
async function rides(
  app: OperatedApp,
  { says, pages = "away", webhook = 503 }: Expected,
): Promise<string> {
  await app.logged(({ msg }) => says.test(String(msg)));
  expect((await app.get("/livez")).status).toBe(200);
  expect((await app.get("/readyz")).status).toBe(200);
  const health = await app.health();
  expect(health.state).toBe("degraded");
  const { problems } = health.dependencies.database;
  const found = problems.filter(({ problem }) => says.test(problem));
  expect(found.map(({ level }) => level)).toEqual(["error"]);
  const [page, answered] = await Promise.all([app.open("/app/orders"), app.webhook()]);
  if (pages === "live") {
    expect(page.status).toBe(200);
    expect(page.html).not.toContain(AWAY);
  } else {
    expect(page.status).toBe(503);
    expect(page.html).toContain(AWAY);
  }
  expect(answered).toBe(webhook);
  return found[0]!.problem;
}

/** Waits until the app is well again in the same process, and holds it to having said so, and said it once. */
async function recovers(app: OperatedApp, sentence: string): Promise<void> {
  const { pid } = app.process;
  await app.well();
  expect((await app.health()).dependencies.database.problems).toEqual([]);
  expect((await app.open("/app/orders")).status).toBe(200);
  expect(await app.webhook()).toBe(200);
  expect(app.process.pid).toBe(pid);
  const said = app.process.lines.filter((line) => line.includes(JSON.stringify(sentence)));
  expect(said).toHaveLength(1);
  await app.logged(({ msg }) => msg === "the problem with the database is over");
}

/** Neither the log nor /health holds any of them. */
async function keepsSecret(app: OperatedApp, secrets: readonly string[]): Promise<void> {
  const text = [JSON.stringify(await app.health()), ...app.process.lines].join("\n");
  for (const secret of secrets) expect(text).not.toContain(secret);
}

const asSuperuser = async (database: TestDatabase, ...statements: string[]) => {
  const sql = postgres(database.url("superuser"), { max: 1, onnotice: () => {} });
  for (const statement of statements) await sql.unsafe(statement);
  await sql.end();
};

describe.concurrent("an address that leads nowhere", () => {
  test("nobody listens", async () => {
    await using database = await migrated();
    await using network = await Endpoint.open({ name: "db", target: server.node });
    await network.refuse();
    await using app = await operateApp(databaseEnv(database, { port: String(network.port) }));
    const sentence = await rides(app, { says: /^Nothing listens at 127\.0\.0\.1:\d+\. / });
    expect(sentence).toContain("Check DATABASE_URL");
    await keepsSecret(app, [new URL(database.url("app")).password]);
    await network.accept();
    await recovers(app, sentence);
  });

  test("nobody answers, as behind a firewall that drops", async () => {
    await using database = await migrated();
    await using network = await Endpoint.open({ name: "db", target: server.node });
    await network.swallow();
    await using app = await operateApp(databaseEnv(database, { port: String(network.port) }));
    const sentence = await rides(app, { says: /^127\.0\.0\.1:\d+ does not answer\. / });
    await network.accept();
    await recovers(app, sentence);
  });

  test("the name is not in the DNS", async () => {
    await using database = await migrated();
    await using dns = await DnsServer.open();
    await using app = await operateApp({
      ...databaseEnv(database, { hostname: "db.example.test" }),
      DATABASE_NAME_SERVERS: dns.server,
    });
    const sentence = await rides(app, { says: /^The name db\.example\.test has no address\. / });
    dns.set("db.example.test", "127.0.0.1");
    await recovers(app, sentence);
  });
});

describe.concurrent("an account that is not let in", () => {
  test("a wrong password", async () => {
    await using apart = await migratedApart();
    const { database } = apart;
    const wrong = "not-the-password";
    const env = databaseEnv(database);
    await using app = await operateApp({
      ...env,
      DATABASE_URL: changed(env["DATABASE_URL"]!, { password: wrong }),
    });
    const sentence = await rides(app, {
      says: /^The password for role evenkeel_app was refused by 127\.0\.0\.1:\d+/,
    });
    expect(sentence).toContain("Check DATABASE_URL");
    await keepsSecret(app, [wrong, new URL(env["DATABASE_SYSTEM_URL"]!).password]);
    await asSuperuser(database, `alter role evenkeel_app password '${wrong}'`);
    await recovers(app, sentence);
  });

  test("a wrong password of the role for work across shops: pages go on", async () => {
    await using apart = await migratedApart();
    const { database } = apart;
    const env = databaseEnv(database);
    await using app = await operateApp({
      ...env,
      DATABASE_SYSTEM_URL: changed(env["DATABASE_SYSTEM_URL"]!, { password: "wrong-one" }),
    });
    const sentence = await rides(app, {
      says: /^The password for role evenkeel_system was refused by 127\.0\.0\.1:\d+/,
      pages: "live",
    });
    expect(sentence).toContain("Check DATABASE_SYSTEM_URL");
    await asSuperuser(database, "alter role evenkeel_system password 'wrong-one'");
    await recovers(app, sentence);
  });

  test("a role that does not exist", async () => {
    await using database = await migrated();
    const env = databaseEnv(database);
    const url = changed(env["DATABASE_URL"]!, { username: "evenkel_app", password: "secret-one" });
    await using app = await operateApp({ ...env, DATABASE_URL: url });
    const sentence = await rides(app, { says: /role evenkel_app was refused .* no such role/ });
    await asSuperuser(
      database,
      "create role evenkel_app login password 'secret-one' in role evenkeel_app",
    );
    await recovers(app, sentence);
  });

  test("a database that does not exist", async () => {
    const nowhere = {
      name: "not_there",
      url: (role) => server.url(role, "not_there"),
    } as TestDatabase;
    await using app = await operateApp(databaseEnv(nowhere));
    const sentence = await rides(app, { says: /^There is no database not_there at / });
    const database = await server.createDatabase({ name: "not_there", template: TEMPLATE });
    await recovers(app, sentence);
    await database.drop();
  });

  test("no connection left", async () => {
    await using apart = await migratedApart();
    const { database } = apart;
    const limit = (n: number) =>
      asSuperuser(
        database,
        `alter role evenkeel_app connection limit ${n}`,
        `alter role evenkeel_system connection limit ${n}`,
      );
    await limit(0);
    await using app = await operateApp(databaseEnv(database));
    const sentence = await rides(app, { says: /has no connection left for role evenkeel_app/ });
    await limit(-1);
    await recovers(app, sentence);
  });
});

describe.concurrent("TLS", () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair({ tls: true });
    const ca = await readFile(pair.caFile!, "utf8");
    const url = pair.url("owner", "writer");
    await migrate({ url, ca, steps: [(ownerUrl) => installQueue(ownerUrl, { ca })] });
  });
  afterAll(() => pair?.close());

  const env = (url: (role: "app" | "system") => string) => ({
    DATABASE_URL: url("app"),
    DATABASE_SYSTEM_URL: url("system"),
  });

  // It changes the certificate of the server that the others of these share.
  test(
    "an authority that did not sign the server's certificate",
    { concurrent: false },
    async () => {
      const others = await makeCertificates(scratch, ["localhost", "127.0.0.1"]);
      await using app = await operateApp({
        ...env((role) => pair.url(role, "writer")),
        DATABASE_CA_FILE: others.caFile,
      });
      const sentence = await rides(app, {
        says: /^The certificate of 127\.0\.0\.1:\d+ was not signed by the authority in DATABASE_CA_FILE\. /,
      });
      const before = await Promise.all(
        ["server.crt", "server.key"].map((name) =>
          readFile(join(pair.primary.dataDir, name), "utf8"),
        ),
      );
      await installCertificates(pair.primary, others);
      await pair.primary.query("select pg_reload_conf()");
      await recovers(app, sentence);
      await installCertificates(pair.primary, {
        ...others,
        cert: before[0]!,
        key: before[1]!,
      });
      await pair.primary.query("select pg_reload_conf()");
    },
  );

  test("a certificate for another name", async () => {
    pair.dns.set("elsewhere.example.test", "127.0.0.2");
    await using app = await operateApp({
      ...env((role) =>
        changed(pair.namedUrl(role, pair.nodes[0]), { hostname: "elsewhere.example.test" }),
      ),
      DATABASE_CA_FILE: pair.caFile!,
      DATABASE_NAME_SERVERS: pair.dns.server,
    });
    await rides(app, {
      says: /^The certificate of elsewhere\.example\.test:\d+ is for another name than elsewhere/,
    });
  });

  test("a server that demands it, and an app that was not told", async () => {
    await using app = await operateApp(env((role) => pair.url(role, "writer")));
    const sentence = await rides(app, { says: /does not let role evenkeel_app in / });
    expect(sentence).toContain("set DATABASE_CA_FILE");
  });

  test("an app that demands it, and a server that does not speak it", async () => {
    await using database = await migrated();
    await using app = await operateApp({
      ...databaseEnv(database),
      DATABASE_CA_FILE: pair.caFile!,
    });
    await rides(app, { says: /^127\.0\.0\.1:\d+ does not speak TLS, which DATABASE_CA_FILE/ });
  });

  test("the name that the servers do have is no trouble", async () => {
    await using app = await operateApp({
      ...env((role) => pair.namedUrl(role, "writer")),
      DATABASE_CA_FILE: pair.caFile!,
      DATABASE_NAME_SERVERS: pair.dns.server,
    });
    await app.well();
    expect(await app.webhook()).toBe(200);
  });
});

describe.concurrent("servers that are not what they should be", () => {
  test("a writer that is read-only: pages are live, and what cannot be written is not acknowledged", async () => {
    await using apart = await migratedApart();
    const { database, node } = apart;
    await node.alterSystem({ default_transaction_read_only: "on" });
    await using app = await operateApp(databaseEnv(database));
    const sentence = await rides(app, { says: /yet takes no writes/, pages: "live" });
    await node.alterSystem({ default_transaction_read_only: "off" });
    await recovers(app, sentence);
  });

  test("a writer's address that leads to a standby", async () => {
    await using pair = await startPostgresPair();
    await migrate({ url: pair.url("owner", "writer"), steps: [installQueue] });
    await using app = await operateApp({
      DATABASE_URL: pair.url("app", pair.standby),
      DATABASE_SYSTEM_URL: pair.url("system", pair.standby),
    });
    await app.logged(({ msg }) => /^No server takes writes: .* is a standby\. /.test(String(msg)));
    expect((await app.get("/readyz")).status).toBe(200);
    expect((await app.health()).state).toBe("degraded");
    // What the standby has can be read, although nobody has met its primary.
    expect((await app.open("/app/orders")).status).toBe(200);
    expect(await app.webhook()).toBe(503);
  });

  test("a node of another cluster is named and left alone, whichever answers first", async () => {
    await using database = await migrated();
    await using other = await startPostgres({ freshIdentity: true });
    const { password } = new URL(database.url("app"));
    await other.node.query(`alter role evenkeel_app password '${password}'`);
    await other.createDatabase({ name: database.name });
    // The one that belongs is slower to answer.
    await using network = await Endpoint.open({ name: "db", target: server.node });
    network.addToxic("far", { type: "latency", latencyMs: 30 });
    const at = (one: Postgres) => `127.0.0.1:${one === server ? network.port : one.node.port}`;
    await using app = await operateApp({
      ...databaseEnv(database),
      DATABASE_NODES: [at(server), at(other)].join(","),
    });
    const isSaid = new RegExp(`^${at(other)} belongs to another cluster `);
    await app.logged(({ msg }) => isSaid.test(String(msg)));
    await app.well();
    const { dependencies } = await app.health();
    expect(dependencies.database.nodes.map((node) => [node.id, node.state])).toEqual([
      [at(server), "primary"],
      [at(other), "foreign"],
    ]);
    expect(dependencies.database.problems).toMatchObject([
      {
        about: at(other),
        level: "warning",
        problem: expect.stringMatching("DATABASE_NODES") as string,
      },
    ]);
    expect((await app.open("/app/orders")).status).toBe(200);
    expect(await app.webhook()).toBe(200);
  });
});

describe.concurrent("rights", () => {
  test("a role without any: what cannot be read is away, not broken", async () => {
    await using database = await migrated();
    await asSuperuser(
      database,
      "create role guest login password 'guest-password'",
      `grant connect on database ${database.name} to guest`,
    );
    const env = databaseEnv(database);
    await using app = await operateApp({
      ...env,
      DATABASE_URL: changed(env["DATABASE_URL"]!, {
        username: "guest",
        password: "guest-password",
      }),
    });
    const sentence = await rides(app, { says: /^Role guest has no rights on the app's tables\. / });
    expect(sentence).toContain("Put evenkeel_app into DATABASE_URL");
    await asSuperuser(database, "grant evenkeel_app to guest");
    await recovers(app, sentence);
  });

  test.each(["superuser", "owner"] as const)(
    "the %s in place of the app's role is warned of; nothing stops",
    async (role) => {
      await using database = await migrated();
      await using app = await operateApp({
        ...databaseEnv(database),
        DATABASE_URL: database.url(role),
      });
      const says = /is a superuser, owns the tables or has BYPASSRLS/;
      await app.logged(({ msg, level }) => says.test(String(msg)) && level === "warn");
      await app.well();
      const { dependencies } = await app.health();
      expect(dependencies.database.problems).toMatchObject([
        { level: "warning", problem: expect.stringContaining("Put evenkeel_app into") as string },
      ]);
      expect((await app.open("/app/orders")).status).toBe(200);
    },
  );
});

const migrationsFolder = fileURLToPath(new URL("../../drizzle", import.meta.url));

/** The release's migrations without the last `less`, or with one that the release does not know. */
async function otherMigrations(change: { less: number } | "newer"): Promise<string> {
  const folder = await mkdtemp(join(scratch, "migrations-"));
  await cp(migrationsFolder, folder, { recursive: true });
  const file = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(await readFile(file, "utf8")) as {
    entries: { idx: number; when: number; tag: string }[];
  };
  if (change === "newer") {
    const last = journal.entries.at(-1)!;
    journal.entries.push({ ...last, idx: last.idx + 1, when: last.when + 1, tag: "9999_newer" });
    await writeFile(join(folder, "9999_newer.sql"), "alter table orders add column newer text;");
  } else journal.entries.splice(-change.less);
  await writeFile(file, JSON.stringify(journal));
  return folder;
}

/** The release step of another release. */
async function migrateTo(url: string, folder: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await applyMigrations(drizzle(sql), { migrationsFolder: folder });
  await sql.unsafe("grant usage on schema drizzle to evenkeel_app, evenkeel_system");
  await sql.unsafe("grant select on drizzle.__drizzle_migrations to evenkeel_app, evenkeel_system");
  await installQueue(url);
  await sql.end();
}

describe.concurrent("the schema", () => {
  const newest = releaseMigrations.at(-1)!.name;

  test("a database in which the release step was never run", async () => {
    await using database = await server.createDatabase();
    await using app = await operateApp(databaseEnv(database));
    const sentence = await rides(app, { says: /lacks \d+ migrations of this release/ });
    expect(sentence).toContain(newest);
    expect(sentence).toContain("npm run migrate");
    await migrate({ url: database.url("owner"), steps: [installQueue] });
    await recovers(app, sentence);
  });

  test("a migration is missing: what can be read is, nothing is written, what is sent is kept or refused", async ({
    expect,
  }) => {
    await using database = await server.createDatabase();
    await migrateTo(database.url("owner"), await otherMigrations({ less: 1 }));
    const keeps = (await forgetfulFileSystem(scratch)) === null;
    const journal = { JOURNAL_DIR: join(scratch, "journal"), ENCRYPTION_KEY: "k".repeat(32) };
    await using app = await operateApp({ ...databaseEnv(database), ...(keeps ? journal : {}) });
    const sentence = await rides(app, {
      says: /lacks a migration of this release/,
      pages: "live",
      webhook: keeps ? 200 : 503,
    });
    expect(sentence).toContain(`(${newest})`);
    const owner = postgres(database.url("superuser"), { max: 1 });
    const deliveries = async () =>
      (await owner<{ n: number }[]>`select count(*)::int as n from webhook_deliveries`)[0]!.n;
    expect(await deliveries()).toBe(0);
    await migrate({ url: database.url("owner"), steps: [installQueue] });
    await recovers(app, sentence);
    await expect.poll(deliveries).toBe(keeps ? 2 : 1);
    await owner.end();
  });

  test("a newer release's schema is no trouble", async () => {
    await using database = await server.createDatabase();
    await migrateTo(database.url("owner"), await otherMigrations("newer"));
    await using app = await operateApp(databaseEnv(database));
    await app.well();
    expect((await app.open("/app/orders")).status).toBe(200);
    expect(await app.webhook()).toBe(200);
  });

  test("a standby that lacked a migration when it was promoted is read from, not written to", async ({
    expect,
  }) => {
    await using pair = await startPostgresPair({ replication: "async" });
    const owner = pair.url("owner", "writer");
    await migrateTo(owner, await otherMigrations({ less: 1 }));
    const { primary: old, standby: next } = pair;
    await replicated(pair);
    await pair.cutReplication();
    await migrate({ url: owner, steps: [installQueue] });
    const at = pair.nodes.map((node) => `127.0.0.1:${pair.endpoint(node).port}`);
    await using app = await operateApp({
      DATABASE_URL: pair.url("app", old),
      DATABASE_SYSTEM_URL: pair.url("system", old),
      DATABASE_NODES: at.join(","),
    });
    await app.well();
    expect(await app.webhook()).toBe(200);

    await pair.crash(old);
    await pair.promote(next, { force: true });
    const sentence = await rides(app, {
      says: /lacks a migration of this release/,
      pages: "live",
    });
    const count = "select count(*)::int as n from webhook_deliveries";
    expect(await next.query(count, { database: "evenkeel" })).toEqual([{ n: 0 }]);
    await migrate({ url: pair.url("owner", next), steps: [installQueue] });
    await app.logged(({ msg }) => msg === "the problem with the database is over");
    await expect
      .poll(async () => (await app.health()).dependencies.database.state, { timeout: 120_000 })
      .toBe("steady");
    expect(await app.webhook()).toBe(200);
    expect(app.process.lines.filter((line) => line.includes(sentence))).toHaveLength(1);
  });
});
