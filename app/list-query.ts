/** Every list shows 50 rows unless its address says otherwise, within what a page can show at once. */
export const defaultPageSize = 50;
const smallestPage = 10;
const largestPage = 100;

/** Longer texts in an address are not searches, and longer cursors are not ours. */
const longestText = 200;
const longestCursor = 1000;

/** A text of an address: trimmed, cut, and without NUL, which Postgres refuses. */
export function readText(params: URLSearchParams, name: string): string {
  const given = (params.get(name) ?? "").replaceAll("\0", "").trim();
  // The cut may fall into the middle of a character.
  return given.slice(0, longestText).toWellFormed().trim();
}

export function readOptionalText(params: URLSearchParams, name: string): string | null {
  return readText(params, name) || null;
}

export function readChoice<const T extends string>(
  params: URLSearchParams,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  return readOptionalChoice(params, name, choices) ?? fallback;
}

export function readOptionalChoice<const T extends string>(
  params: URLSearchParams,
  name: string,
  choices: readonly T[],
): T | null {
  const given = params.get(name);
  return choices.find((choice) => choice === given) ?? null;
}

/** The known ones among the given, each once, in the order of `choices`. */
export function readChoices<const T extends string>(
  params: URLSearchParams,
  name: string,
  choices: readonly T[],
): T[] {
  const given = new Set(params.getAll(name));
  return choices.filter((choice) => given.has(choice));
}

/** One of Shopify's ids: a positive whole number of at most 53 bits. */
export function readId(params: URLSearchParams, name: string): number | null {
  return parseId(params.get(name));
}

/** The id in a part of an address; null where it is none. */
export function parseId(text: string | null | undefined): number | null {
  if (!text || !/^[1-9]\d{0,15}$/.test(text)) return null;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : null;
}

/** An instant in ISO 8601, UTC; null where it is none, or one that no order can have. */
export function readInstant(params: URLSearchParams, name: string): Date | null {
  const given = params.get(name);
  if (!given || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/.test(given)) return null;
  const at = new Date(given);
  return Number.isNaN(at.getTime()) ? null : at;
}

export interface PageQuery {
  readonly after: string | null;
  readonly before: string | null;
  readonly pageSize: number;
}

/** Where a list stands. `after` wins where both are given. */
export function readPage(params: URLSearchParams): PageQuery {
  const cursor = (name: string) => {
    const given = params.get(name);
    return given && given.length <= longestCursor && !given.includes("\0") ? given : null;
  };
  const after = cursor("after");
  const size = params.get("size") ?? "";
  return {
    after,
    before: after === null ? cursor("before") : null,
    pageSize: /^\d{1,9}$/.test(size)
      ? Math.min(largestPage, Math.max(smallestPage, Number(size)))
      : defaultPageSize,
  };
}

export function writePage(params: URLSearchParams, page: PageQuery): void {
  if (page.pageSize !== defaultPageSize) params.set("size", String(page.pageSize));
  if (page.after !== null) params.set("after", page.after);
  else if (page.before !== null) params.set("before", page.before);
}

/** Keeps an address short: what is empty is left out. */
export function writeText(params: URLSearchParams, name: string, value: string | null): void {
  if (value) params.set(name, value);
}
