import { sql, type SQL } from "drizzle-orm";
import type { ShopDatabase } from "./cluster.ts";

/** Counting stops here: beyond it a number says no more than "many", and costs more. */
export const COUNTED_UP_TO = 10_000;

/**
 * Has the planner walk the order's own index instead of collecting all matches and ordering them. To be used
 * when many rows are known to match: a page's worth is then found at once, which estimates of a text search
 * cannot foresee.
 */
export async function walkInOrder(db: ShopDatabase): Promise<void> {
  await db.execute(sql`
    select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
      set_config('enable_seqscan', 'off', true)`);
}

/** How many rows `from` has, counted up to {@link COUNTED_UP_TO}; null beyond it. */
export async function countUpToLimit(db: ShopDatabase, from: SQL): Promise<number | null> {
  const [row] = await db.execute<{ count: string }>(
    sql`select count(*) as count from (select 1 ${from} limit ${sql.raw(String(COUNTED_UP_TO + 1))}) counted`,
  );
  const count = Number(row?.count ?? 0);
  return count > COUNTED_UP_TO ? null : count;
}

/** Conditions joined by `and`; what is undefined narrows nothing. */
export function allOf(conditions: readonly (SQL | undefined)[]): SQL {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length > 0 ? sql.join(given, sql` and `) : sql`true`;
}

/** Numbers as one parameter, so that a statement stays the same however many there are. */
export function numberArray(numbers: readonly number[]): SQL {
  return sql`${`{${numbers.join(",")}}`}::bigint[]`;
}

/** Texts as one parameter each, for `in`. */
export function textList(texts: readonly string[]): SQL {
  return sql`(${sql.join(
    texts.map((text) => sql`${text}`),
    sql`, `,
  )})`;
}
