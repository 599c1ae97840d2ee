import { sql } from "drizzle-orm";
import { parsePgArray } from "drizzle-orm/pg-core";
import { fromDrizzle } from "pg-boss";
import type { Database } from "../database/guarded-client.ts";

export type Rows = Record<string, unknown>[];

/** Some of pg-boss's statements are scripts that bring a transaction of their own. */
const SCRIPT = /^\s*BEGIN\s*;(?<body>.*);\s*COMMIT\s*;?\s*$/is;

/** Whether a statement of pg-boss's is a script with a transaction of its own: maintenance, and changes of the schema. */
export function isScript(text: string): boolean {
  return SCRIPT.test(text);
}

/** A script without its transaction, to be run in one that is open already. */
export function withoutTransaction(text: string): string {
  return SCRIPT.exec(text)?.groups?.["body"] ?? text;
}

/**
 * Runs one statement, or one script, of pg-boss's on a connection.
 *
 * @param values - As pg-boss's own driver would take them: arrays for array types, objects for JSON.
 * @returns The rows; those of all its statements where it is a script.
 */
export async function execute(
  db: Pick<Database, "execute">,
  text: string,
  values: readonly unknown[] = [],
): Promise<{ rows: Rows }> {
  if (values.length === 0) {
    const results = (await db.execute(sql.raw(text))) as unknown as Rows | Rows[];
    return {
      rows: Array.isArray(results[0])
        ? (results as Rows[]).flatMap(withArrays)
        : withArrays(results as Rows),
    };
  }
  // Our clients know no array types, which they would have to ask each server for: the adapter spells arrays out.
  const { rows } = await fromDrizzle(db, sql).executeSql(text, values.map(asParameter));
  return { rows: withArrays(rows as Rows) };
}

/** The array types of the columns that pg-boss reads: `text[]` and `uuid[]` (pg_type.dat). */
const ARRAY_TYPES: ReadonlySet<number> = new Set([1009, 2951]);

/** A result with its arrays as arrays, as pg-boss's own driver would give it. */
function withArrays(rows: Rows & { readonly columns?: readonly { name: string; type: number }[] }) {
  const arrays = rows.columns?.filter(({ type }) => ARRAY_TYPES.has(type)) ?? [];
  return rows.map((row) => {
    const parsed = arrays.map(({ name }) => [name, asArray(row[name])] as const);
    return { ...row, ...Object.fromEntries(parsed) };
  });
}

const asArray = (value: unknown): unknown =>
  typeof value === "string" ? parsePgArray(value) : value;

function asParameter(value: unknown): unknown {
  if (value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? JSON.stringify(value)
    : value;
}
