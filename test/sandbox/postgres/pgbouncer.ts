import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";

import { giveTo, unprivilegedAccount } from "./account.ts";
import { BaseDirectory } from "./base-directory.ts";
import type { Target } from "./endpoint.ts";
import { freePort } from "./ports.ts";
import type { Pooler } from "./transaction-pooler.ts";

/** The installed PgBouncer's version; null where there is none. */
export function pgbouncerVersion(): string | null {
  try {
    return execFileSync("pgbouncer", ["--version"], { encoding: "utf8" }).split("\n")[0] ?? null;
  } catch {
    return null;
  }
}

/**
 * Starts a PgBouncer in transaction mode in front of `target`, with the settings that docs/database.md asks for.
 *
 * @param urls - Addresses of the roles that may sign in; only their user, password and database count.
 */
export async function startPgbouncer(target: Target, urls: readonly string[]): Promise<Pooler> {
  const account = await unprivilegedAccount();
  const base = await BaseDirectory.make(account);
  const port = await freePort();
  const roles = urls.map((url) => new URL(url));
  const write = async (name: string, lines: string[]) => {
    const file = path.join(base.path, name);
    await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
    await giveTo(account, file);
    return file;
  };
  const users = await write(
    "users.txt",
    roles.map(({ username, password }) => `"${username}" "${decodeURIComponent(password)}"`),
  );
  const { host = "127.0.0.1" } = target;
  const file = await write("pgbouncer.ini", [
    "[databases]",
    `* = host=${host} port=${target.port}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = scram-sha-256",
    `auth_file = ${users}`,
    "pool_mode = transaction",
    "default_pool_size = 4",
    "server_login_retry = 1",
    "server_connect_timeout = 1",
    "query_wait_timeout = 2",
  ]);
  const child = spawn("pgbouncer", [file], { stdio: "ignore", ...account });
  const ended = once(child, "exit");
  await answers(port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await base.remove();
    },
  };
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = net.connect(port, "127.0.0.1");
    const answered = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
