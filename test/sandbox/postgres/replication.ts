import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";

import { giveTo, type Account } from "./account.ts";
import type { PostgresNode } from "./node.ts";
import { REPLICATOR, type Passwords } from "./roles.ts";

/**
 * What a base backup leaves out (https://www.postgresql.org/docs/18/continuous-archiving.html, "Making a Base Backup
 * Using the Low Level API"): what belongs to the running server, and the WAL, which the standby fetches itself.
 */
const NOT_COPIED =
  /^(postmaster\.(pid|opts)|(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/.+|backup_label|tablespace_map|standby\.signal|promote|.*\/pgsql_tmp.*)$/;

/** Files copied at once; more only wait for the same disk. */
const COPIES_AT_ONCE = 16;

/** How a standby finds its primary. `port` may be one where nobody listens, which cuts it off. */
export function primaryConninfo(standby: PostgresNode, port: number, passwords: Passwords): string {
  return [
    `host=127.0.0.1 port=${port} user=${REPLICATOR} password=${passwords.replicator}`,
    `application_name=${standby.name} connect_timeout=2 sslmode=disable`,
  ].join(" ");
}

/** Keeps the WAL that `standby` still needs, also while it is away. */
export async function ensureSlot(primary: PostgresNode, standby: PostgresNode): Promise<void> {
  await primary.query(
    `select pg_create_physical_replication_slot('${standby.name}', true)
     where not exists (select from pg_replication_slots where slot_name = '${standby.name}')`,
  );
}

/** Makes a node that is not running a standby of `primary` from its next start on. */
export async function followAtStart(
  standby: PostgresNode,
  primary: PostgresNode,
  passwords: Passwords,
): Promise<void> {
  await standby.configure({
    port: standby.port,
    primary_conninfo: primaryConninfo(standby, primary.port, passwords),
    primary_slot_name: standby.name,
    synchronous_standby_names: "",
    recovery_min_apply_delay: null,
    default_transaction_read_only: null,
  });
  await standby.writeDataFile("standby.signal", "");
}

/**
 * Copies a running primary into `standby`, which must be down: what pg_basebackup does, which the binaries lack. The
 * slot comes first, so that no WAL is gone when the copy is done; start and stop of the backup share a session.
 */
export async function copyOnline(primary: PostgresNode, standby: PostgresNode): Promise<void> {
  await standby.releaseSharedMemory();
  await rm(standby.dataDir, { recursive: true, force: true });
  await ensureSlot(primary, standby);
  const session = primary.connect({ timeoutMs: 120_000 });
  try {
    await session.query("select pg_backup_start('sandbox', true)");
    await copyTree(primary.dataDir, standby.dataDir, standby.account);
    const [backup] = await session.query<{ labelfile: string }>(
      "select labelfile from pg_backup_stop(false)",
    );
    if (!backup) throw new Error("pg_backup_stop gave no label.");
    await standby.writeDataFile("backup_label", backup.labelfile);
  } finally {
    session.close();
  }
}

async function copyTree(from: string, to: string, account: Account): Promise<void> {
  const files: string[] = [];
  const enter = async (relative: string): Promise<void> => {
    const made = path.join(to, relative);
    await mkdir(made, { recursive: true, mode: 0o700 });
    await giveTo(account, made);
    // Directories and files may go while the server runs; the WAL makes up for what was missed.
    const entries = await readdir(path.join(from, relative), { withFileTypes: true }).catch(
      unlessGone,
    );
    for (const entry of entries ?? []) {
      const name = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (NOT_COPIED.test(name)) continue;
      if (entry.isDirectory()) await enter(name);
      else if (entry.isFile()) files.push(name);
    }
  };
  await enter("");
  const next = files.values();
  const copyAll = async (): Promise<void> => {
    for (const name of next) {
      const copy = path.join(to, name);
      await copyFile(path.join(from, name), copy)
        .then(() => giveTo(account, copy))
        .catch(unlessGone);
    }
  };
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, copyAll));
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
