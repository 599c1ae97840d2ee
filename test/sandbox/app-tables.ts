import postgres from "postgres";
import type { PostgresPair } from "./postgres/index.ts";

const CONNECT_TIMEOUT_S = 2;

/**
 * Looks into the app's tables as the superuser and straight at the primary, past the app, past row-level security
 * and past the faults on the wire: how the sandbox finds out what the app really has.
 */
export async function readAppTables<T>(
  pair: PostgresPair,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(pair.url("superuser", pair.primary), {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_S,
    onnotice: () => undefined,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** How far a shop's import has come, as the app has written it down. */
export interface ImportState {
  readonly state: "running" | "done" | "failed";
  readonly error: string | null;
  readonly phases: readonly { name: string; state: string; done: number; total: number | null }[];
}

/** Null until the app has begun it. */
export async function importState(pair: PostgresPair, shop: string): Promise<ImportState | null> {
  const [run] = await readAppTables(
    pair,
    (sql) => sql<ImportState[]>`
      select state, error, phases from sync_runs
      where shop = ${shop} and kind = 'import' order by started_at desc limit 1`,
  );
  return run ?? null;
}
