import { GraphQLError } from "graphql";
import { given } from "./given.ts";

/**
 * Cursor pagination as Shopify does it: a cursor names the last element and its sort value, so that pages stay
 * where they are while others write.
 * Source: https://shopify.dev/docs/api/usage/pagination-graphql
 */

export interface ConnectionArgs {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  reverse?: boolean | null;
}

export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  nodes: T[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

export type SortValue = string | number;

interface Position {
  value: SortValue;
  id: number;
}

export interface Listing<K, T> {
  /** In ascending order of (value, id). */
  entries: readonly K[];
  idOf(entry: K): number;
  valueOf(entry: K): SortValue;
  load(entry: K): T;
}

function comparePositions(a: Position, b: Position): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.id - b.id;
}

/** Sorts entries as {@link paginate} expects them. */
export function sortEntries<K>(
  entries: K[],
  valueOf: (entry: K) => SortValue,
  idOf: (entry: K) => number,
): K[] {
  return entries.sort((a, b) =>
    comparePositions({ value: valueOf(a), id: idOf(a) }, { value: valueOf(b), id: idOf(b) }),
  );
}

export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify({ last_id: position.id, last_value: position.value })).toString(
    "base64",
  );
}

function decodeCursor(cursor: string, sample: SortValue | undefined): Position {
  try {
    const parsed = JSON.parse(Buffer.from(cursor, "base64").toString("utf8")) as {
      last_id?: unknown;
      last_value?: unknown;
    };
    const { last_id: id, last_value: value } = parsed;
    if (typeof id !== "number" || (typeof value !== "string" && typeof value !== "number"))
      throw new Error();
    if (sample !== undefined && typeof sample !== typeof value) throw new Error();
    return { id, value };
  } catch {
    throw badRequest("Invalid cursor for current pagination sort.");
  }
}

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_REQUEST" } });
}

/** The number of entries before the position, or up to and including it. */
function countBefore<K, T>(listing: Listing<K, T>, position: Position, inclusive: boolean): number {
  let low = 0;
  let high = listing.entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = listing.entries[middle] as K;
    const order = comparePositions(
      { value: listing.valueOf(entry), id: listing.idOf(entry) },
      position,
    );
    if (order < 0 || (inclusive && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One page of a listing; all of it when no size is given, as inside a bulk operation. */
export function paginate<K, T>(listing: Listing<K, T>, args: ConnectionArgs): Connection<T> {
  const { entries } = listing;
  const sample = entries.length ? listing.valueOf(entries[0] as K) : undefined;
  const reverse = args.reverse ?? false;
  const after = given(args.after) ? decodeCursor(args.after, sample) : undefined;
  const before = given(args.before) ? decodeCursor(args.before, sample) : undefined;
  // In the listing's own direction: elements from `low` up to `high`.
  const [above, below] = reverse ? [before, after] : [after, before];
  let low = above ? countBefore(listing, above, true) : 0;
  let high = below ? countBefore(listing, below, false) : entries.length;
  high = Math.max(low, high);
  const fromStart = given(args.first) !== reverse;
  const size = args.first ?? args.last ?? high - low;
  if (fromStart) high = Math.min(high, low + size);
  else low = Math.max(low, high - size);

  const page = entries.slice(low, high);
  if (reverse) page.reverse();
  const edges = page.map((entry) => ({
    cursor: encodeCursor({ value: listing.valueOf(entry), id: listing.idOf(entry) }),
    node: listing.load(entry),
  }));
  const [lower, upper] = [low > 0, high < entries.length];
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: reverse ? lower : upper,
      hasPreviousPage: reverse ? upper : lower,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** A connection over a short list that lies in memory as it is. */
export function listConnection<T>(
  items: readonly T[],
  args: ConnectionArgs,
  idOf: (item: T, index: number) => number,
): Connection<T> {
  const entries = items.map((item, index) => ({ item, id: idOf(item, index) }));
  entries.sort((a, b) => a.id - b.id);
  return paginate(
    {
      entries,
      idOf: (entry) => entry.id,
      valueOf: (entry) => entry.id,
      load: (entry) => entry.item,
    },
    args,
  );
}

/** A connection that has nothing in it. */
export function emptyConnection(): Connection<never> {
  return paginate<never, never>(
    { entries: [], idOf: Number, valueOf: Number, load: (entry) => entry },
    {},
  );
}
