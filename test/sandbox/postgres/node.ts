import { execFile, type ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { giveTo, type Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { spawnOnLifeline } from "./lifeline.ts";
import { allGone, childrenOf, signal } from "./processes.ts";
import { DATABASE, databaseSql, ROLE_NAMES, roleUrl, type Passwords, type Role } from "./roles.ts";
import { Session } from "./session.ts";
import { copyCluster } from "./template.ts";

/** What the operating system knows of a node. */
export type NodeProcess = "up" | "frozen" | "down";

export type Settings = Readonly<Record<string, string | number>>;

/** Postgres did not start, with the end of its own log. */
export class NodeStartError extends Error {
  override readonly name = "NodeStartError";
  readonly portTaken: boolean;

  constructor(node: string, log: string) {
    super(`Postgres ${node} did not start:\n${log}`);
    this.portTaken = /Address already in use/.test(log);
  }
}

export interface PostgresNodeOptions {
  readonly name: string;
  readonly port: number;
  /** Directory of all nodes; the node's own is made below it. */
  readonly baseDir: string;
  readonly binaries: Binaries;
  readonly account: Account;
  readonly passwords: Passwords;
}

/** Longest start: crash recovery of a busy node on a slow disk. */
const START_TIMEOUT_MS = 60_000;

/** One Postgres server. Its name, port and directory stay through every crash, rebuild and change of role. */
export class PostgresNode {
  readonly name: string;
  readonly port: number;
  readonly dir: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly account: Account;
  /** Emits `process` whenever it starts, freezes, thaws or ends. */
  readonly events = new EventEmitter<{ process: [NodeProcess] }>();
  readonly #binaries: Binaries;
  readonly #passwords: Passwords;
  #process: NodeProcess = "down";
  #running: { child: ChildProcess; pid: number; exited: Promise<void> } | undefined;

  constructor(options: PostgresNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.account = options.account;
    this.dir = path.join(options.baseDir, options.name);
    this.dataDir = path.join(this.dir, "data");
    this.logFile = path.join(this.dir, "postgres.log");
    this.#binaries = options.binaries;
    this.#passwords = options.passwords;
  }

  get process(): NodeProcess {
    return this.#process;
  }

  /** The postmaster's process id while it runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Address of the node itself, past every proxy. */
  url(role: Role, database: string = DATABASE): string {
    return roleUrl(role, this.#passwords, { host: "127.0.0.1", port: this.port, database });
  }

  /** Makes the data directory as a copy of a cluster that is not running. */
  async createFrom(clusterDir: string): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    await giveTo(this.account, this.dir);
    await rm(this.dataDir, { recursive: true, force: true });
    await copyCluster(clusterDir, this.dataDir);
  }

  /** Writes a file into the data directory as the account that Postgres runs under. */
  async writeDataFile(name: string, text: string): Promise<void> {
    const file = path.join(this.dataDir, name);
    await writeFile(file, text, { mode: 0o600 });
    await giveTo(this.account, file);
  }

  /** Sets what `alter system` sets, without a running server; `null` removes a setting. */
  async configure(settings: Readonly<Record<string, string | number | null>>): Promise<void> {
    const name = "postgresql.auto.conf";
    const lines = (await readFile(path.join(this.dataDir, name), "utf8")).split("\n");
    const all = new Map<string, string>();
    for (const line of lines) {
      const match = /^([\w.]+) = (.*)$/.exec(line);
      if (match?.[1] && match[2]) all.set(match[1], match[2]);
    }
    for (const [key, value] of Object.entries(settings)) {
      if (value === null) all.delete(key);
      else all.set(key, `'${String(value).replaceAll("'", "''")}'`);
    }
    const text = [...all].map(([key, value]) => `${key} = ${value}\n`).join("");
    await this.writeDataFile(name, text);
  }

  /**
   * Starts the server in the role that its directory says, and waits until it answers queries.
   * @throws NodeStartError with the log's last lines.
   */
  async start(): Promise<void> {
    if (this.#running) throw new Error(`${this.name} is running already.`);
    const logged = (await readFile(this.logFile, "utf8").catch(() => "")).length;
    const child = spawnOnLifeline({
      postgres: path.join(this.#binaries.bin, "postgres"),
      dataDir: this.dataDir,
      logFile: this.logFile,
      account: this.account,
    });
    // The pipe exists to be closed by our death; that Postgres ended first is no error of ours.
    child.stdin?.on("error", () => {});
    let ended = false;
    const exited = new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => {
        ended = true;
        this.#running = undefined;
        this.#enter("down");
        resolve();
      });
    });
    exited.catch(() => {
      ended = true;
    });
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    // Line 8 of postmaster.pid is what pg_ctl waits for too.
    for (;;) {
      const lines = (await readFile(this.#pidFile, "utf8").catch(() => "")).split("\n");
      const pid = Number(lines[0]);
      const ready = /^(ready|standby)/.test(lines[7] ?? "");
      if (ready && !ended && (await this.#isOurs(pid, child.pid))) {
        this.#running = { child, pid, exited };
        break;
      }
      if (ended || performance.now() > giveUpAt) {
        child.stdin?.destroy();
        const log = (await readFile(this.logFile, "utf8")).slice(logged);
        throw new NodeStartError(this.name, log.split("\n").slice(-20).join("\n"));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#enter("up");
  }

  /** Ends it: `fast` as an orderly restart does (sessions cut, checkpoint), `immediate` without a checkpoint. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    const running = this.#running;
    if (!running) return;
    if (this.#process === "frozen") await this.thaw();
    signal(running.pid, mode === "fast" ? "SIGINT" : "SIGQUIT");
    await running.exited;
  }

  /** Kills every process of the node at once with SIGKILL, as the kernel does to a machine out of memory. */
  async crash(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    // Stopped first, the postmaster cannot start a child that the list then misses.
    signal(running.pid, "SIGSTOP");
    const children = await childrenOf(running.pid);
    for (const pid of [...children, running.pid]) signal(pid, "SIGKILL");
    await Promise.all([running.exited, allGone(children)]);
  }

  /**
   * Stops every process of the node where it stands (SIGSTOP). The kernel still accepts connections and data for
   * it, and nothing is ever answered: what a hung disk or a paused virtual machine looks like.
   */
  async freeze(): Promise<void> {
    const running = this.#running;
    if (!running || this.#process === "frozen") return;
    signal(running.pid, "SIGSTOP");
    for (const child of await childrenOf(running.pid)) signal(child, "SIGSTOP");
    this.#enter("frozen");
  }

  /** Lets a frozen node go on as if nothing had happened. */
  async thaw(): Promise<void> {
    const running = this.#running;
    if (!running || this.#process !== "frozen") return;
    for (const child of await childrenOf(running.pid)) signal(child, "SIGCONT");
    signal(running.pid, "SIGCONT");
    this.#enter("up");
  }

  /**
   * Makes a standby a primary, and resolves when it accepts writes. Asked for by file and signal, as `pg_ctl` does it,
   * which works also where every connection is taken.
   */
  async promote(): Promise<void> {
    const running = this.#running;
    if (!running || this.#process !== "up") throw new Error(`${this.name} is not running.`);
    // Whose file it is does not matter: the postmaster only looks whether it is there, at any signal, and removes it.
    await writeFile(path.join(this.dataDir, "promote"), "");
    signal(running.pid, "SIGUSR1");
    const session = this.connect();
    try {
      for (;;) {
        const [row] = await session.query<{ standby: boolean }>(
          "select pg_is_in_recovery() as standby",
        );
        if (row?.standby === false) return;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    } finally {
      session.close();
    }
  }

  /** A connection of the superuser, straight to the node; the caller closes it. */
  connect(options: { database?: string; timeoutMs?: number } = {}): Session {
    return new Session({
      port: this.port,
      user: ROLE_NAMES.superuser,
      password: this.#passwords.superuser,
      database: options.database ?? "postgres",
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
  }

  /** Runs one statement as the superuser on a connection of its own. */
  async query<Row = Record<string, unknown>>(
    text: string,
    options: { database?: string; timeoutMs?: number } = {},
  ): Promise<Row[]> {
    const session = this.connect(options);
    try {
      return await session.query<Row>(text);
    } finally {
      session.close();
    }
  }

  /**
   * Sets as `alter system` does and reloads; settings that need a restart take effect at the next one. Resolves when
   * every process of the node has been told: sessions know it with their next statement, the others with their next step.
   */
  async alterSystem(settings: Settings): Promise<void> {
    const session = this.connect();
    try {
      for (const [key, value] of Object.entries(settings)) {
        await session.query(`alter system set ${key} = '${String(value).replaceAll("'", "''")}'`);
      }
      const [reload] = await session.query<{ at: string }>(
        "select clock_timestamp()::text as at, pg_reload_conf()",
      );
      // The postmaster reads its files, tells its processes, and only then starts another one, which knows when that was.
      const later = `select where pg_conf_load_time() > '${reload?.at}'`;
      while ((await this.query(later)).length === 0);
    } finally {
      session.close();
    }
  }

  /**
   * Makes a database that belongs to the owner role, empty or a copy of `template`, which must have no connection
   * open to it. Tests take one each and share the server.
   */
  async createDatabase(name: string, options: { template?: string } = {}): Promise<void> {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new Error(`Not a database name: ${name}`);
    const session = this.connect();
    try {
      for (const statement of databaseSql(name, options.template)) await session.query(statement);
    } finally {
      session.close();
    }
  }

  async dropDatabase(name: string): Promise<void> {
    await this.query(`drop database if exists ${name} with (force)`);
  }

  /** Ends the server in whatever state it is, and removes its directory. */
  async destroy(): Promise<void> {
    await this.stop("immediate");
    await this.releaseSharedMemory();
    await rm(this.dir, { recursive: true, force: true });
  }

  /**
   * A crashed postmaster leaves its 56-byte System V segment (the lock on its directory) until its next start. A
   * directory that goes away without one must give it back; its id is on line 7 of postmaster.pid.
   */
  async releaseSharedMemory(): Promise<void> {
    const lines = (await readFile(this.#pidFile, "utf8").catch(() => "")).split("\n");
    const id = lines[6]?.trim().split(/\s+/)[1];
    if (!id) return;
    await new Promise<void>((resolve) => execFile("ipcrm", ["-m", id], () => resolve()));
  }

  get #pidFile(): string {
    return path.join(this.dataDir, "postmaster.pid");
  }

  /** After a crash the file still holds the last postmaster; ours is a child of the shell that we started. */
  async #isOurs(pid: number, shell: number | undefined): Promise<boolean> {
    return shell !== undefined && (await childrenOf(shell)).includes(pid);
  }

  #enter(state: NodeProcess): void {
    if (this.#process === state) return;
    this.#process = state;
    this.events.emit("process", state);
  }
}
