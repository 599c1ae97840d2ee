import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";

import { plainEnvironment, type Account } from "./account.ts";

/**
 * Postgres must not outlive the program that started it, not even when that program is killed with -9 and can
 * clean up nothing. So a shell stands between them and holds the other end of a pipe from us: when we end, however
 * that happens, the kernel closes the pipe, and the shell stops Postgres and removes the node's directory.
 *
 * - SIGCONT first: a frozen process would take no other signal.
 * - SIGQUIT is the immediate shutdown; the postmaster still removes its shared memory.
 * - The shell that waits for the postmaster passes its exit status on; it ends the watcher with SIGTERM, which the
 *   watcher ignores from the moment at which it has work to do.
 * - The last node to go also removes the directory that they share.
 */
const SCRIPT = `
exec 3<&0
"$0" -D "$1" </dev/null 3<&- &
postmaster=$!
(
  read -r _ <&3
  trap '' TERM
  kill -CONT $postmaster $(cat /proc/$postmaster/task/$postmaster/children 2>/dev/null) 2>/dev/null
  kill -QUIT $postmaster 2>/dev/null
  tries=0
  while kill -0 $postmaster 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1 || sleep 1; tries=$((tries + 1)); done
  kill -KILL $postmaster 2>/dev/null
  cd /
  rm -rf "$2"
  for left in "$3"/n*/; do [ -d "$left" ] && exit; done
  rm -rf "$3"
) &
watcher=$!
wait $postmaster
status=$?
kill $watcher 2>/dev/null
exit $status
`;

export interface LifelineOptions {
  /** Path of the `postgres` program. */
  readonly postgres: string;
  /** Its data directory. */
  readonly dataDir: string;
  /** What is removed when we die: the node's directory, which holds the data and its log. */
  readonly nodeDir: string;
  /** The directory of all nodes, removed with the last of them. */
  readonly baseDir: string;
  readonly logFile: string;
  readonly account: Account;
}

/**
 * Starts Postgres behind the shell. The child's `exit` is the postmaster's. A session of its own (`detached`)
 * keeps Ctrl-C in the terminal from reaching Postgres before our own orderly shutdown does.
 */
export function spawnOnLifeline(options: LifelineOptions): ChildProcess {
  const log = openSync(options.logFile, "a", 0o600);
  try {
    return spawn(
      "/bin/sh",
      ["-c", SCRIPT, options.postgres, options.dataDir, options.nodeDir, options.baseDir],
      {
        cwd: path.dirname(options.dataDir),
        ...options.account,
        env: plainEnvironment(),
        stdio: ["pipe", log, log],
        detached: true,
      },
    );
  } finally {
    closeSync(log);
  }
}
