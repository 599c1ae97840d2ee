import { readdir, readFile } from "node:fs/promises";

/**
 * Ids of the living processes whose parent is `parent`. Each Postgres backend leads a session of its own, so no
 * process group holds them all.
 */
export async function childrenOf(parent: number): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => ((await parentOf(id)) === parent ? Number(id) : undefined)),
  );
  return found.filter((id) => id !== undefined);
}

/** Whether a process runs or could; a zombie, which only waits to be buried, does not. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await parentOf(String(pid))) !== undefined;
}

/** Resolves when none of them is alive any more. SIGKILL is sent at once, but obeyed only when the kernel gets to it. */
export async function allGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function parentOf(id: string): Promise<number | undefined> {
  // The second field is the program's name in parentheses, which may hold anything: count from the last one.
  const stat = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || state === "Z" || state === "X" ? undefined : Number(parent);
}

/** Sends a signal; a process that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
