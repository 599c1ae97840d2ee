import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";

/** "evenkeel" in ASCII, cut to 63 bits: any constant does, as long as every release uses the same. */
const LOCK_KEY = 0x6576656e6b65656cn & 0x7fffffffffffffffn;
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
  readonly steps?: readonly ((ownerUrl: string) => Promise<void>)[];
}

/**
 * The release step: brings the database to this release's schema. Several instances may run it at the same
 * time; an advisory lock lets one at a time through, and the second finds nothing left to do. drizzle's own
 * `migrate` takes no lock.
 *
 * @throws MissingRoleError when the roles have not been created.
 */
export async function migrate({ url, ca, steps = [] }: MigrateOptions): Promise<void> {
  const client = postgres(url, {
    max: 1,
    onnotice: () => {},
    connect_timeout: 10,
    ...(ca ? { ssl: { ca, rejectUnauthorized: true } } : {}),
  });
  try {
    const existing = await client<{ rolname: string }[]>`
      select rolname from pg_roles where rolname in ('evenkeel_app', 'evenkeel_system')`;
    const missing = ["evenkeel_app", "evenkeel_system"].filter(
      (role) => !existing.some(({ rolname }) => rolname === role),
    );
    if (missing.length > 0) throw new MissingRoleError(missing);

    // Held by the session, so it outlives the migrations' own transactions and goes with the connection.
    await client`select pg_advisory_lock(${LOCK_KEY.toString()}::bigint)`;
    await applyMigrations(drizzle(client, { casing: "snake_case" }), {
      migrationsFolder: MIGRATIONS_FOLDER,
    });
    // The app looks whether its release's migrations are there before it writes.
    await client`grant usage on schema drizzle to evenkeel_app, evenkeel_system`;
    await client`grant select on drizzle.__drizzle_migrations to evenkeel_app, evenkeel_system`;
    for (const step of steps) await step(url);
  } finally {
    await client.end({ timeout: 5 });
  }
}
