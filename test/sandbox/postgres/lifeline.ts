import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";

import { plainEnvironment, type Account } from "./account.ts";

/**
 * Postgres must not outlive the program that started it, not even when that program is killed with -9 and can
 * clean up nothing. So a shell stands between them and holds the other end of a pipe from us: when we end, however
 * that happens, the kernel closes the pipe, and the shell stops Postgres.
 *
 * - SIGCONT first: a frozen process would take no other signal.
 * - SIGQUIT is the immediate shutdown; the postmaster still removes its shared memory.
 * - The shell that waits for the postmaster passes its exit status on; it ends the watcher with SIGTERM, which the
 *   watcher ignores from the moment at which it has work to do.
 */
const STOP_POSTGRES = `
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
) &
watcher=$!
wait $postmaster
status=$?
kill $watcher 2>/dev/null
exit $status
`;

/**
 * The directory goes after the nodes in it have ended, also where some were down already and nobody watched them. A
 * crashed one has left its shared memory segment, whose id is on line 7 of postmaster.pid.
 */
const REMOVE_DIRECTORY = `
read -r _
tries=0
for file in "$0"/n*/data/postmaster.pid; do
  [ -f "$file" ] || continue
  while [ -f "$file" ] && kill -0 "$(head -n 1 "$file")" 2>/dev/null && [ $tries -lt 70 ]; do
    sleep 0.1 || sleep 1
    tries=$((tries + 1))
  done
  [ -f "$file" ] && ipcrm -m "$(sed -n 's/^ *[0-9]* *\\([0-9]*\\) *$/\\1/p;7q' "$file" | tail -n 1)" 2>/dev/null
done
rm -rf "$0"
`;

export interface LifelineOptions {
  /** Path of the `postgres` program. */
  readonly postgres: string;
  /** Its data directory. */
  readonly dataDir: string;
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
    return spawn("/bin/sh", ["-c", STOP_POSTGRES, options.postgres, options.dataDir], {
      cwd: path.dirname(options.dataDir),
      ...options.account,
      env: plainEnvironment(),
      stdio: ["pipe", log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** Sees to it that a directory of nodes goes when we do, however we end; killed, it leaves the directory to us. */
export function spawnDirectoryWatch(dir: string): ChildProcess {
  return spawn("/bin/sh", ["-c", REMOVE_DIRECTORY, dir], {
    cwd: "/",
    env: plainEnvironment(),
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
}
