import { sql, type SQL } from "drizzle-orm";

/** What a list can be ordered by; the text of a key's value must be one that its type reads. */
export interface SortKey {
  /** An expression, the same as in the index that serves it. */
  readonly expression: SQL;
  readonly type: "timestamptz" | "numeric" | "bigint" | "text";
}

/** An order in which no two rows are equal: the last key is unique. All keys run in the same direction. */
export interface Keyset {
  /** Names the order in cursors, so that a cursor of another order is not taken for one of this. */
  readonly name: string;
  readonly keys: readonly SortKey[];
  readonly descending: boolean;
}

export interface PageRequest {
  readonly after: string | null;
  readonly before: string | null;
  readonly pageSize: number;
}

/** What makes a page of a query: three pieces of SQL, and how to read the result. */
export interface PagePlan {
  /** The keys' values as text, to be selected beside the rest: one array column. */
  readonly keys: SQL;
  /** Where the page begins; undefined on the first page. */
  readonly where: SQL | undefined;
  readonly orderBy: SQL;
  /** One more than the page holds, to see whether there is more. */
  readonly limit: number;
  /** Makes the page of the rows that came. */
  readonly finish: <Row extends { readonly keys: string }>(rows: readonly Row[]) => KeysetPage<Row>;
}

export interface KeysetPage<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
}

const LARGEST_PAGE = 250;

const readable: Readonly<Record<SortKey["type"], RegExp>> = {
  timestamptz: /^\d{4,5}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/,
  numeric: /^-?\d{1,30}(\.\d{1,10})?$/,
  bigint: /^-?\d{1,18}$/,
  text: /^[^\0]{0,2000}$/s,
};

/**
 * Plans one page of a list by keyset: the page begins where a cursor says, not after so many rows, so that it
 * stays where it is when rows come and go, and the thousandth page costs as much as the first. A cursor that
 * cannot be read, or that is of another order, gives the first page.
 */
export function planPage(keyset: Keyset, request: PageRequest): PagePlan {
  const after = readCursor(keyset, request.after);
  const before = after ? null : readCursor(keyset, request.before);
  const from = after ?? before;
  const backwards = before !== null;
  const descending = keyset.descending !== backwards;
  const size = Math.min(LARGEST_PAGE, Math.max(1, Math.trunc(request.pageSize)));

  const expressions = keyset.keys.map(({ expression }) => expression);
  const direction = descending ? sql.raw(" desc") : sql.raw(" asc");
  const values = from?.map((value, i) => sql`${value}::${sql.raw(keyset.keys[i]?.type ?? "text")}`);
  return {
    keys: sql`json_build_array(${sql.join(
      expressions.map((expression) => sql`${expression}::text`),
      sql`, `,
    )})::text`,
    where: values
      ? sql`(${sql.join(expressions, sql`, `)}) ${sql.raw(descending ? "<" : ">")} (${sql.join(values, sql`, `)})`
      : undefined,
    orderBy: sql.join(
      expressions.map((expression) => sql`${expression}${direction}`),
      sql`, `,
    ),
    limit: size + 1,
    finish(found) {
      const rows = found.slice(0, size);
      const more = found.length > size;
      if (backwards) rows.reverse();
      const first = rows.at(0);
      const last = rows.at(-1);
      const cursor = (row: { readonly keys: string } | undefined) =>
        row ? writeCursor(keyset, JSON.parse(row.keys) as string[]) : null;
      // Where nothing is left on this side, the way back starts at the cursor itself.
      const wayBack = from ? writeCursor(keyset, from) : null;
      return {
        rows,
        nextCursor: backwards ? (cursor(last) ?? wayBack) : more ? cursor(last) : null,
        previousCursor: backwards
          ? more
            ? cursor(first)
            : null
          : from
            ? (cursor(first) ?? wayBack)
            : null,
      };
    },
  };
}

/** A cursor is opaque to everyone else: the order's name, its direction, and the keys of a row. */
function writeCursor({ name, descending }: Keyset, keys: readonly string[]): string {
  return Buffer.from(JSON.stringify([name, descending ? 1 : 0, ...keys])).toString("base64url");
}

function readCursor(keyset: Keyset, cursor: string | null): string[] | null {
  if (!cursor) return null;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (!Array.isArray(parts)) return null;
  const [name, descending, ...keys] = parts as unknown[];
  const fits =
    name === keyset.name &&
    descending === (keyset.descending ? 1 : 0) &&
    keys.length === keyset.keys.length &&
    keyset.keys.every(({ type }, i) => typeof keys[i] === "string" && readable[type].test(keys[i]));
  return fits ? (keys as string[]) : null;
}
