import { execFile } from "node:child_process";
import { chown, readFile } from "node:fs/promises";

/**
 * The operating-system account that Postgres runs under. `undefined` means our own: Postgres refuses to run as
 * root, so only root needs another one.
 */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** Accounts that root may borrow, best first. `initdb` insists on an entry in /etc/passwd for its uid. */
const BORROWED = ["postgres", "nobody"];

/** Our own account unless we are root; for root the first of `postgres` and `nobody` that exists. */
export async function unprivilegedAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of BORROWED) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(
    "Postgres does not run as root, and /etc/passwd has neither a 'postgres' nor a 'nobody' account to run it under.",
  );
}

/** Gives `path` to the account; does nothing where Postgres runs under our own. */
export async function giveTo(account: Account, path: string): Promise<void> {
  if (account) await chown(path, account.uid, account.gid);
}

/** Postgres wants a plain locale and time zone, and none of the PG* settings of the person at the keyboard. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { PATH, NODE_ENV } = process.env;
  return { PATH, NODE_ENV, LC_ALL: "C", TZ: "UTC" };
}

/**
 * Runs a program to its end under the account and returns what it printed.
 * @throws Error with the program's own words when it exits other than 0.
 */
export function runAs(
  account: Account,
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { cwd: options.cwd ?? "/", ...account, env: plainEnvironment(), maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout + stderr);
        const name = program.split("/").at(-1);
        reject(new Error(`${name} failed: ${(stderr || stdout || error.message).trim()}`));
      },
    );
    // A program that ends before it has read everything is judged by its exit code, not by our broken pipe.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
