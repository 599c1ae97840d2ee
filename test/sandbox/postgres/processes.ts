import { readFile } from "node:fs/promises";

/**
 * Ids of the children of a process that is stopped, so that it can start no more of them. Each Postgres backend leads a
 * session of its own, so no process group holds them all.
 *
 * The kernel's list may leave one out when another ends while it is read (proc(5)): it is read until it names none that
 * it has not named before.
 */
export async function childrenOf(parent: number): Promise<number[]> {
  const known = new Set<number>();
  for (;;) {
    const before = known.size;
    const list = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8").catch(() => "");
    for (const id of list.split(" ")) if (id !== "") known.add(Number(id));
    if (known.size === before) return [...known];
  }
}

/** Whether a process runs or could; a zombie, which only waits to be buried, does not. */
export async function isAlive(pid: number): Promise<boolean> {
  // The second field is the program's name in parentheses, which may hold anything: count from the last one.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [state] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat !== "" && state !== "Z" && state !== "X";
}

/** Resolves when none of them is alive any more. SIGKILL is sent at once, but obeyed only when the kernel gets to it. */
export async function allGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Sends a signal; a process that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
