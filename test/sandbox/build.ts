import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the build is made from. */
const sources = ["app", "public", "package-lock.json", "vite.config.ts", "remix.config.js"];
const output = join(root, "build", "server", "index.js");
const lock = join(root, "node_modules", ".cache", "evenkeel-build.lock");

/** The app could not be built; the message holds what the build printed. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Builds the app unless the build is newer than everything that it is made from. Several processes may ask at
 * once: one builds, the others wait for it.
 *
 * @returns whether it had to be built.
 */
export async function ensureBuild(): Promise<boolean> {
  if (await isBuilt()) return false;
  return alone(buildIfNeeded);
}

/**
 * Copies the built app, built anew where it had to be, into a folder of its own: a sandbox that runs from there
 * goes on when the project is built again.
 *
 * @param to - The folder; it is made.
 * @returns Path of the program that starts the copy.
 */
export async function copyRelease(to: string): Promise<string> {
  await alone(async () => {
    await buildIfNeeded();
    for (const part of ["app", "build", "drizzle", "package.json"]) {
      await cp(join(root, part), join(to, part), { recursive: true });
    }
  });
  await symlink(join(root, "node_modules"), join(to, "node_modules"));
  return releaseProgram(to);
}

/** The program that {@link copyRelease} will put there. */
export function releaseProgram(folder: string): string {
  return join(folder, "app", "start.ts");
}

async function buildIfNeeded(): Promise<boolean> {
  if (await isBuilt()) return false;
  await build();
  return true;
}

/** Does something while nobody else builds or copies. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(join(root, "node_modules", ".cache"), { recursive: true });
  while (!(await takeLock())) await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function build(): Promise<void> {
  const cli = createRequire(import.meta.url).resolve("@remix-run/dev/dist/cli.js");
  const child = spawn(process.execPath, [cli, "vite:build"], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  }
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new BuildError(`The app could not be built.\n${printed.trim()}`);
}

/** Whether the build is newer than everything that it is made from. */
export async function isBuilt(): Promise<boolean> {
  const built = await modifiedMs(output);
  if (built === undefined) return false;
  const newest = await Promise.all(sources.map((source) => newestMs(join(root, source))));
  return Math.max(...newest) <= built;
}

/** The latest change at or below a path. A directory's own time tells of files that were removed. */
async function newestMs(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined);
  if (entry === undefined) return 0;
  if (!entry.isDirectory()) return entry.mtimeMs;
  const below = await readdir(path);
  const times = await Promise.all(below.map((name) => newestMs(join(path, name))));
  return Math.max(entry.mtimeMs, ...times);
}

async function modifiedMs(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

/** A directory is made by exactly one of those who try. One left behind by a process that died is taken over. */
async function takeLock(): Promise<boolean> {
  const staleAfterMs = 5 * 60_000;
  try {
    await mkdir(lock);
    return true;
  } catch {
    const made = await modifiedMs(lock);
    if (made !== undefined && Date.now() - made > staleAfterMs) {
      await rm(lock, { recursive: true, force: true });
    }
    return false;
  }
}
