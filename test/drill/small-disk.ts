import { execFile } from "node:child_process";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { giveTo } from "../sandbox/postgres/account.ts";
import type { PostgresNode, PostgresPair } from "../sandbox/postgres/index.ts";

const run = promisify(execFile);

const TABLESPACE = "drill_small_disk";
const BALLAST = "ballast";
const ROOM_BYTES = 16 * 1024 * 1024;
const LOCK_TIMEOUT_MS = 250;

/**
 * A file system of its own, in memory, below some tables of the primary. It can be filled to the last block, and
 * Postgres then meets what it meets on a full volume: it cannot extend a file. The standby's copy of the tables, and
 * the primary's log, lie where they did.
 */
export class SmallDisk {
  readonly #node: PostgresNode;
  readonly #tables: readonly string[];
  readonly #mountPoint: string;

  private constructor(node: PostgresNode, tables: readonly string[], mountPoint: string) {
    this.#node = node;
    this.#tables = tables;
    this.#mountPoint = mountPoint;
  }

  /** @returns null where this machine lets us mount nothing. */
  static async under(pair: PostgresPair, tables: readonly string[]): Promise<SmallDisk | null> {
    const node = pair.primary;
    const mountPoint = await asSuperuser(node, async (sql) => {
      // In place: below each node's own data directory, since both nodes are on one machine.
      await sql`set allow_in_place_tablespaces = on`;
      await sql.unsafe(`create tablespace ${TABLESPACE} location ''`);
      const [row] = await sql<{ oid: string; bytes: string }[]>`
        select oid::text,
          (select sum(pg_total_relation_size(t::regclass)) from unnest(${[...tables]}::text[]) t) as bytes
        from pg_tablespace where spcname = ${TABLESPACE}`;
      const directory = path.join(node.dataDir, "pg_tblspc", row?.oid ?? "");
      const inside = await readdir(directory);
      const size = Math.ceil(Number(row?.bytes) * 1.5) + ROOM_BYTES;
      try {
        await run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", directory]);
      } catch {
        await sql.unsafe(`drop tablespace ${TABLESPACE}`);
        return null;
      }
      await giveTo(node.account, directory);
      for (const name of inside) {
        await mkdir(path.join(directory, name), { mode: 0o700 });
        await giveTo(node.account, path.join(directory, name));
      }
      await move(sql, tables, TABLESPACE);
      return directory;
    });
    return mountPoint === null ? null : new SmallDisk(node, tables, mountPoint);
  }

  /** Leaves not a block free. */
  async fill(): Promise<void> {
    const ballast = await open(path.join(this.#mountPoint, BALLAST), "w");
    try {
      for (const size of [1024 * 1024, 4096]) {
        const chunk = Buffer.alloc(size);
        for (;;) {
          const { bytesWritten } = await ballast.write(chunk);
          if (bytesWritten < size) break;
        }
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await ballast.close();
    }
  }

  async free(): Promise<void> {
    await rm(path.join(this.#mountPoint, BALLAST), { force: true });
  }

  /** Puts the tables back where they were. */
  async remove(): Promise<void> {
    await asSuperuser(this.#node, async (sql) => {
      await move(sql, this.#tables, "pg_default");
      // What was left of the tables there is unlinked by a checkpoint.
      await sql`checkpoint`;
      await run("umount", ["-l", this.#mountPoint]);
      await sql.unsafe(`drop tablespace ${TABLESPACE}`);
    });
  }
}

async function move(sql: postgres.Sql, tables: readonly string[], to: string): Promise<void> {
  const indexes = await sql<{ name: string }[]>`
    select indexrelid::regclass::text as name from pg_index
    where indrelid = any(${[...tables]}::text[]::regclass[])`;
  const statements = [
    ...tables.map((table) => `alter table ${table} set tablespace ${to}`),
    ...indexes.map(({ name }) => `alter index ${name} set tablespace ${to}`),
  ];
  await sql.unsafe(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
  for (const statement of statements) {
    // Whoever waits for a lock keeps those out who come after; short waits, again and again, let them through.
    for (let left = 40; ; left--) {
      try {
        await sql.unsafe(statement);
        break;
      } catch (error) {
        if ((error as { code?: string }).code !== "55P03" || left === 0) throw error;
      }
    }
  }
}

async function asSuperuser<T>(
  node: PostgresNode,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(node.url("superuser"), { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
