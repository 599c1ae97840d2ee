import { sql } from "drizzle-orm";
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
      rows: Array.isArray(results[0]) ? (results as Rows[]).flat() : ([...results] as Rows),
    };
  }
  // Our clients know no array types, which they would have to ask each server for: the adapter spells arrays out.
  return fromDrizzle(db, sql).executeSql(text, values.map(asParameter));
}

function asParameter(value: unknown): unknown {
  if (value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? JSON.stringify(value)
    : value;
}
