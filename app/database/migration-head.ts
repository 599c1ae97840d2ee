import journal from "../../drizzle/meta/_journal.json" with { type: "json" };
import { toDatabaseError, DatabaseError } from "./errors.ts";
import type { GuardedClient } from "./guarded-client.ts";

/** One migration, as the release step keeps account of it. */
export interface Migration {
  readonly name: string;
  /** When it was made, in ms since 1970: what the database remembers of it. */
  readonly madeAt: number;
}

/** What this release's code was written for, oldest first. */
export const releaseMigrations: readonly Migration[] = journal.entries.map(({ tag, when }) => ({
  name: tag,
  madeAt: when,
}));

/** The release step has not been run there (no schema, no table), or not since the app may read the account. */
const NO_ACCOUNT: ReadonlySet<string> = new Set(["3F000", "42P01", "42501"]);

/**
 * Which of a release's migrations a database lacks. One that has more than the release knows lacks nothing:
 * migrations only expand.
 *
 * @returns Their names, oldest first.
 * @throws DatabaseError when the database does not answer.
 */
export async function missingMigrations(
  client: GuardedClient,
  release: readonly Migration[],
): Promise<readonly string[]> {
  const newest = await newestMigration(client);
  return release.filter(({ madeAt }) => madeAt > newest).map(({ name }) => name);
}

/** When the newest migration that the database has was made; 0 where it has none. */
async function newestMigration(client: GuardedClient): Promise<number> {
  try {
    const [row] = await client.sql<{ newest: string | null }[]>`
      select max(created_at)::text as newest from drizzle.__drizzle_migrations`;
    return Number(row?.newest ?? 0);
  } catch (error) {
    const known = toDatabaseError(error);
    if (known instanceof DatabaseError && NO_ACCOUNT.has(known.code)) return 0;
    throw known;
  }
}

/** A table, column, function or type that is not there, or not for us. */
const WITHHELD: ReadonlySet<string> = new Set([
  "3F000",
  "42501",
  "42P01",
  "42703",
  "42704",
  "42883",
]);

/**
 * What a statement meets in a database that lacks migrations is not its own fault, and over when the release
 * step has been run: `busy` then, as any refusal for now, and as it is otherwise.
 */
export function forWantOfMigrations(
  error: DatabaseError,
  missing: readonly string[],
): DatabaseError {
  return missing.length > 0 && WITHHELD.has(error.code)
    ? new DatabaseError("busy", error.code, error.message)
    : error;
}
