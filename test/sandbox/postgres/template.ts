import { createHash } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { giveTo, runAs, type Account } from "./account.ts";
import { exists, type Binaries } from "./binaries.ts";
import { newPasswords, rolesSql, type Passwords } from "./roles.ts";

/** A cluster that was initialised and shut down cleanly: copied, it is a new node. */
export interface Template {
  readonly dir: string;
  readonly passwords: Passwords;
}

export interface ProvidedTemplate extends Template {
  /** Whether it had to be made, which is most of the time that a first start takes. */
  readonly made: boolean;
  /** To be called when it has been copied; only a template that is not in the cache goes away. */
  discard(): Promise<void>;
}

/** `--no-sync`: nobody needs this cluster after a power cut. C.UTF-8 sorts alike on every machine. */
const INITDB = [
  ...["--username", "postgres", "--auth", "scram-sha-256", "--encoding", "UTF8"],
  ...["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"],
  ...["--no-sync", "--no-instructions"],
];

/**
 * What is copied at each start should be small, since a disk that others use too makes it slow: databases are made from
 * template0, so template1 (a third of the files) goes; and a fresh WAL segment leaves behind initdb's 11 MB.
 */
const SLIM_SQL = [
  "update pg_database set datistemplate = false where datname = 'template1'",
  "drop database template1",
  "select pg_switch_wal()",
  "checkpoint",
];

const CACHE = path.join(import.meta.dirname, "..", "..", "..", ".cache", "postgres");

/**
 * Returns the cached template, making it first if need be (about a second). Starts that race each make one, and
 * all use the one that was finished first: a template appears under its name only when it is whole.
 *
 * All nodes copied from one template share its `system_identifier`, as do a primary and its standby;
 * `fresh` makes one of its own for a cluster that must be told apart from all others.
 */
export async function provideTemplate(
  binaries: Binaries,
  account: Account,
  options: { fresh?: boolean } = {},
): Promise<ProvidedTemplate> {
  if (options.fresh) return uncached(await makeTemplate(binaries, account));
  const blank = { owner: "", app: "", system: "", superuser: "", replicator: "" };
  const recipe = createHash("sha256")
    .update(JSON.stringify([INITDB, rolesSql(blank), SLIM_SQL]))
    .digest("hex");
  const uid = account?.uid ?? process.getuid?.() ?? 0;
  const home = path.join(CACHE, `${binaries.version}-${uid}-${recipe.slice(0, 8)}`);
  const made = !(await exists(path.join(home, "passwords.json")));
  if (made) {
    const template = await makeTemplate(binaries, account);
    try {
      await cache(template, home);
    } catch (error) {
      // A checkout that cannot be written to only costs the second start its speed.
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EACCES" || code === "EROFS") return uncached(template);
      await rm(path.dirname(template.dir), { recursive: true, force: true });
      throw error;
    }
    await rm(path.dirname(template.dir), { recursive: true, force: true });
  }
  const text = await readFile(path.join(home, "passwords.json"), "utf8");
  const passwords = JSON.parse(text) as Passwords;
  return { dir: path.join(home, "data"), passwords, made, discard: async () => {} };
}

async function makeTemplate(binaries: Binaries, account: Account): Promise<Template> {
  // Made in the temporary directory, since the account may not be able to enter the checkout.
  const home = await mkdtemp(path.join(tmpdir(), "evenkeel-template-"));
  try {
    await giveTo(account, home);
    const dir = path.join(home, "data");
    const passwordFile = path.join(home, "superuser");
    const passwords = newPasswords();
    await writeFile(passwordFile, passwords.superuser, { mode: 0o600 });
    await giveTo(account, passwordFile);
    const initdb = path.join(binaries.bin, "initdb");
    await runAs(account, initdb, ["--pgdata", dir, "--pwfile", passwordFile, ...INITDB]);
    await rm(passwordFile);
    const words = await runAs(
      account,
      path.join(binaries.bin, "postgres"),
      ["--single", "-D", dir, "-c", "log_min_messages=error", "postgres"],
      { input: [...rolesSql(passwords), ...SLIM_SQL, ""].join("\n") },
    );
    if (/ERROR|FATAL|PANIC/.test(words)) throw new Error(`The roles could not be made: ${words}`);
    await slimWal(path.join(dir, "pg_wal"));
    return { dir, passwords };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

/**
 * After a clean shutdown only the current segment counts: the ones with higher numbers are old ones kept for re-use. What
 * was never written of it becomes a hole, which `cp` keeps.
 */
async function slimWal(dir: string): Promise<void> {
  const [current, ...spare] = (await readdir(dir))
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .sort();
  if (!current) throw new Error(`There is no WAL in ${dir}.`);
  for (const name of spare) await rm(path.join(dir, name));
  const file = path.join(dir, current);
  const written = await readFile(file);
  let used = written.length;
  while (used > 0 && written[used - 1] === 0) used--;
  await truncate(file, used);
  await truncate(file, written.length);
}

function uncached(template: Template): ProvidedTemplate {
  const discard = () => rm(path.dirname(template.dir), { recursive: true, force: true });
  return { ...template, made: true, discard };
}

/** Copies a template to its name in the cache; whoever comes second drops theirs. */
async function cache(template: Template, home: string): Promise<void> {
  await mkdir(path.dirname(home), { recursive: true });
  const building = await mkdtemp(`${home}.`);
  try {
    await copyCluster(template.dir, path.join(building, "data"));
    await writeFile(path.join(building, "passwords.json"), JSON.stringify(template.passwords), {
      mode: 0o600,
    });
    await rename(building, home);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (!(await exists(path.join(home, "passwords.json")))) throw error;
  }
}

/** Copies a cluster that is not running; owner, modes and times are kept. */
export async function copyCluster(from: string, to: string): Promise<void> {
  await runAs(undefined, "cp", ["-a", from, to]);
}
