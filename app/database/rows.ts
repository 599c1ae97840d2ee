import { getTableColumns, getTableName, sql, type SQL } from "drizzle-orm";
import { toSnakeCase } from "drizzle-orm/casing";
import type { PgTable } from "drizzle-orm/pg-core";
import type { ShopDatabase } from "./cluster.ts";

/** A value as it is in JSON: moments are ISO 8601 text. */
type InJson<T> = T extends Date ? string : T;

/** What a row needs to be stored, without its shop and what the database itself sets, in the words of JSON. */
export type RowOf<Table extends PgTable> = {
  readonly [Column in Exclude<keyof Table["$inferSelect"], "shop" | "syncedAt">]: InJson<
    Table["$inferSelect"][Column]
  >;
};

/** Columns of a table by their names in the schema. */
export type ColumnOf<Table extends PgTable> = Exclude<
  keyof Table["$inferSelect"],
  "shop" | "syncedAt"
> &
  string;

/** Many rows of one table as one parameter: a JSON array, made once and never parsed again on this side. */
export type PackedRows = string;

export interface UpsertOptions<Table extends PgTable> {
  /** The primary key, without the shop. */
  readonly key: readonly ColumnOf<Table>[];
  /** The columns that the rows carry, the key included. */
  readonly columns: readonly ColumnOf<Table>[];
  /** Of these, those that an existing row keeps. */
  readonly keep?: readonly ColumnOf<Table>[];
  /** What an existing row gets instead of the new value; `t` is what is there, `excluded` what comes. */
  readonly set?: { readonly [Column in ColumnOf<Table>]?: SQL };
  /** Whether an existing row is replaced; without it, always. */
  readonly when?: SQL;
  /** Which of the rows are stored at all; `x` is the row, its columns in the schema's (quoted) names. */
  readonly where?: SQL;
}

/** One row that was stored. */
export interface Stored {
  /** The first column of the key. */
  readonly id: number;
  /** Whether the row was new. */
  readonly created: boolean;
}

/**
 * Inserts or replaces many rows in one statement.
 *
 * The rows go over as one JSON text (`json_to_recordset`), so that a statement has two parameters however
 * many rows and columns there are. They are stored in the order of their key: two batches that overlap then
 * wait for each other and never lock each other out.
 *
 * @returns Those that were inserted or replaced; what `when` or `where` held back is not among them.
 */
export async function upsertRows<Table extends PgTable>(
  tx: ShopDatabase,
  table: Table,
  shop: string,
  rows: PackedRows,
  { key, columns, keep = [], set = {}, when, where }: UpsertOptions<Table>,
): Promise<Stored[]> {
  if (rows === "[]") return [];
  const all = getTableColumns(table);
  const name = (column: string) => sql.identifier(toSnakeCase(column));
  const from = (column: string) => sql`x.${sql.identifier(column)}`;
  const replaced = columns.filter((column) => !key.includes(column) && !keep.includes(column));
  const changes = [
    ...replaced.filter((column) => !set[column]).map((c) => sql`${name(c)} = excluded.${name(c)}`),
    ...Object.entries(set).map(([column, value]) => sql`${name(column)} = ${value}`),
  ];
  const shape = columns.map((column) => {
    const type = all[column]?.getSQLType() ?? "text";
    return sql`${sql.identifier(column)} ${sql.raw(type)}`;
  });
  const [first = "id"] = key;
  const stored = await tx.execute<{ id: string; created: boolean }>(sql`
    insert into ${sql.identifier(getTableName(table))} as t (shop, ${list(columns.map(name))})
    select ${shop}, ${list(columns.map(from))}
    from json_to_recordset(${rows}::text::json) as x(${list(shape)})
    ${where ? sql`where ${where}` : sql``}
    order by ${list(key.map(from))}
    on conflict (shop, ${list(key.map(name))})
    ${
      changes.length === 0
        ? sql`do nothing`
        : sql`do update set ${list(changes)} ${when ? sql`where ${when}` : sql``}`
    }
    returning ${name(first)} as id, (t.xmax = 0) as created`);
  return stored.map(({ id, created }) => ({ id: Number(id), created }));
}

/** Ids as one parameter, for `in (…)`. */
export function idsIn(ids: readonly number[]): SQL {
  return sql`(select value::bigint from json_array_elements_text(${JSON.stringify(ids)}::text::json))`;
}

/** Several pieces of SQL, separated by commas. */
function list(parts: readonly SQL[] | readonly ReturnType<typeof sql.identifier>[]): SQL {
  return sql.join([...parts], sql`, `);
}
