/**
 * Runs something that has processes and ports of its own, and ends it in order when the terminal or the system
 * asks for it: Ctrl-C, SIGTERM, or the terminal's window being closed. A second Ctrl-C ends it at once; what it
 * started ends itself then, since each of its processes hangs on a pipe from this one.
 *
 * @param run Gets a signal that is aborted when it should end, and comes back when everything is cleaned up.
 */
export async function runUntilSignal(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const ending = new AbortController();
  const end = () => {
    if (ending.signal.aborted) process.exit(1);
    ending.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, end);
  // A closed terminal takes our output with it; writing to it then must not end us before we have cleaned up.
  process.stdout.on("error", () => undefined);
  try {
    await run(ending.signal);
  } finally {
    for (const name of signals) process.off(name, end);
  }
  // Whatever a library still holds open must not keep us alive.
  setTimeout(() => process.exit(), 1000).unref();
}

/** Comes back when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => {
      resolve();
    });
  });
}
