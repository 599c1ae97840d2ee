import { paginate, sortEntries } from "../connection.ts";
import type { Connection, ConnectionArgs, SortValue } from "../connection.ts";
import type { SearchIndex } from "../search-index.ts";
import { compileQuery } from "../search-language.ts";
import type { SearchSchema } from "../search-language.ts";
import { nowOf } from "./define.ts";
import type { Context } from "./define.ts";

export interface SearchArgs extends ConnectionArgs {
  query?: string | null;
  sortKey?: string | null;
}

/** A kind of thing that can be listed whole or searched. */
export interface Collection<T, D> {
  all(): Iterable<T>;
  idOf(item: T): number;
  /** What searches know of an item. */
  document(item: T): D;
  /** Where there is none, searches see everything at once. */
  index?: SearchIndex<D>;
  search: SearchSchema<D>;
  sort: Readonly<Record<string, (document: D, item: T) => SortValue>>;
}

interface Entry<T> {
  item: T;
  id: number;
  value: SortValue;
}

/** Compiles a query in the context's time zone and moment. */
export function compileIn<D>(
  context: Context,
  query: string,
  search: SearchSchema<D>,
): (document: D) => boolean {
  return compileQuery(query, search, { zone: context.store.zone, now: nowOf(context) });
}

/** The items that match, in order. With a query, items are judged and sorted by what searches know of them. */
export function select<T, D>(
  context: Context,
  collection: Collection<T, D>,
  args: Pick<SearchArgs, "query" | "sortKey">,
): Entry<T>[] {
  const valueOf =
    collection.sort[args.sortKey ?? "ID"] ?? ((_: D, item: T) => collection.idOf(item));
  const query = args.query?.trim();
  const matches = query ? compileIn(context, query, collection.search) : undefined;
  const entries: Entry<T>[] = [];
  for (const item of collection.all()) {
    const id = collection.idOf(item);
    let document: D | null | undefined;
    if (matches && collection.index) document = collection.index.seen(id);
    if (document === null) continue;
    document ??= collection.document(item);
    if (matches && !matches(document)) continue;
    entries.push({ item, id, value: valueOf(document, item) });
  }
  return sortEntries(
    entries,
    (entry) => entry.value,
    (entry) => entry.id,
  );
}

export function page<T>(entries: readonly Entry<T>[], args: ConnectionArgs): Connection<T> {
  return paginate(
    {
      entries,
      idOf: (entry) => entry.id,
      valueOf: (entry) => entry.value,
      load: (entry) => entry.item,
    },
    args,
  );
}

export function listing<T, D>(
  context: Context,
  collection: Collection<T, D>,
  args: SearchArgs,
): Connection<T> {
  return page(select(context, collection, args), args);
}
