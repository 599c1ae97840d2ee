import { fileURLToPath } from "node:url";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import { GuardedClient } from "./guarded-client.ts";
import { createResolver } from "./resolver.ts";
import { targetOf } from "./targets.ts";

/** "evenkeel" in ASCII, cut to 63 bits: any constant does, as long as every release uses the same. */
const LOCK_KEY = 0x6576656e6b65656cn & 0x7fffffffffffffffn;
const CONNECT_TIMEOUT_MS = 10_000;
const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../drizzle", import.meta.url));

/** The database lacks a role that the migrations grant to. */
export class MissingRoleError extends Error {
  override readonly name = "MissingRoleError";

  constructor(roles: readonly string[]) {
    super(
      `The database has no role ${roles.join(" and ")}. Create it first: docs/database.md has the statements.`,
    );
  }
}

export interface MigrateOptions {
  /** Where the role `evenkeel_owner` logs in, straight to the primary (no pooler in transaction mode). */
  readonly url: string;
  readonly ca?: string;
  /** What else the release step installs (the queue), in the same lock; each must be repeatable. */
  readonly steps?: readonly ((ownerUrl: string, options: { ca?: string }) => Promise<void>)[];
}

/**
 * The release step: brings the database to this release's schema. Several instances may run it at the same
 * time; an advisory lock lets one at a time through, and the second finds nothing left to do. drizzle's own
 * `migrate` takes no lock.
 *
 * @throws MissingRoleError when the roles have not been created.
 */
export async function migrate({ url, ca, steps = [] }: MigrateOptions): Promise<void> {
  // Never reconnected: a migration that loses its connection, and with it its lock and its transaction, must not go on.
  const client = await GuardedClient.connect({
    target: targetOf(url, ca),
    resolver: createResolver(),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    preparedStatements: true,
    applicationName: "evenkeel-migrate",
  });
  const { sql } = client;
  try {
    const existing = await sql<{ rolname: string }[]>`
      select rolname from pg_roles where rolname in ('evenkeel_app', 'evenkeel_system')`;
    const missing = ["evenkeel_app", "evenkeel_system"].filter(
      (role) => !existing.some(({ rolname }) => rolname === role),
    );
    if (missing.length > 0) throw new MissingRoleError(missing);

    // Held by the session, so it outlives the migrations' own transactions and goes with the connection.
    await sql`select pg_advisory_lock(${LOCK_KEY.toString()}::bigint)`;
    await applyMigrations(client.database, { migrationsFolder: MIGRATIONS_FOLDER });
    // The app looks whether its release's migrations are there before it writes.
    await sql`grant usage on schema drizzle to evenkeel_app, evenkeel_system`;
    await sql`grant select on drizzle.__drizzle_migrations to evenkeel_app, evenkeel_system`;
    for (const step of steps) await step(url, ca ? { ca } : {});
  } finally {
    client.destroy();
  }
}
