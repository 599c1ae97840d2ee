import { day } from "./time.ts";
import type { Seconds, Zone } from "./time.ts";

/**
 * Shopify's search language: terms, quoted phrases, `field:value`, comparators, ranges, prefixes, AND, OR, NOT
 * and parentheses. Terms beside each other are joined by AND, which binds tighter than OR.
 * Source: https://shopify.dev/docs/api/usage/search-syntax
 */

export type Comparator = "=" | ">" | ">=" | "<" | "<=";

export type Query =
  | { kind: "all" }
  | { kind: "and"; parts: Query[] }
  | { kind: "or"; parts: Query[] }
  | { kind: "not"; part: Query }
  | { kind: "text"; value: string; prefix: boolean; phrase: boolean }
  | {
      kind: "field";
      field: string;
      comparator: Comparator;
      value: string;
      prefix: boolean;
      phrase: boolean;
    };

type Token = { kind: "open" | "close" | "and" | "or" | "not" } | { kind: "term"; query: Query };

/** What Shopify reports in `extensions.search` when it could make nothing of a part of a query. */
export interface SearchWarning {
  field: string;
  message: string;
}

const special = /[\s()]/;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tokens(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      while (this.#at < this.#text.length && /\s/.test(this.#peek())) this.#at++;
      if (this.#at >= this.#text.length) return tokens;
      const char = this.#peek();
      if (char === "(" || char === ")") {
        this.#at++;
        tokens.push({ kind: char === "(" ? "open" : "close" });
        continue;
      }
      if (
        char === "-" &&
        this.#at + 1 < this.#text.length &&
        !/\s/.test(this.#text[this.#at + 1] ?? " ")
      ) {
        this.#at++;
        tokens.push({ kind: "not" });
        continue;
      }
      const word = /^(AND|OR|NOT)(?=[\s()]|$)/.exec(this.#text.slice(this.#at));
      if (word) {
        this.#at += word[0].length;
        tokens.push({ kind: word[0].toLowerCase() as "and" | "or" | "not" });
        continue;
      }
      tokens.push({ kind: "term", query: this.#term() });
    }
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #term(): Query {
    const name = /^([A-Za-z_][\w.-]*):/.exec(this.#text.slice(this.#at));
    if (!name) {
      const { value, quoted } = this.#value();
      return { kind: "text", ...wildcard(value, quoted) };
    }
    this.#at += name[0].length;
    // Blanks after the colon are let through, as in `order_date: >='2024-01-01'`.
    const blanks = /^\s+(?=[<>'"])/.exec(this.#text.slice(this.#at));
    if (blanks) this.#at += blanks[0].length;
    const comparator = (/^(>=|<=|>|<|=)/.exec(this.#text.slice(this.#at))?.[0] ??
      "=") as Comparator;
    if (this.#text.startsWith(comparator, this.#at)) this.#at += comparator.length;
    const { value, quoted } = this.#value();
    return {
      kind: "field",
      field: (name[1] as string).toLowerCase(),
      comparator,
      ...wildcard(value, quoted),
    };
  }

  #value(): { value: string; quoted: boolean } {
    const quote = this.#peek();
    if (quote === '"' || quote === "'") {
      const end = this.#closing(quote);
      if (end > 0) {
        const value = this.#text.slice(this.#at + 1, end).replace(/\\(.)/g, "$1");
        this.#at = end + 1;
        return { value, quoted: true };
      }
    }
    let value = "";
    while (this.#at < this.#text.length && !special.test(this.#peek())) {
      // A list may quote its members one by one: `tag:vip,'camping gear'`.
      const inner = this.#peek();
      if (value.endsWith(",") && (inner === '"' || inner === "'") && this.#closing(inner) > 0) {
        const end = this.#closing(inner);
        value += this.#text.slice(this.#at + 1, end).replace(/\\(.)/g, "$1");
        this.#at = end + 1;
        continue;
      }
      if (this.#peek() === "\\" && this.#at + 1 < this.#text.length) this.#at++;
      value += this.#peek();
      this.#at++;
    }
    return { value, quoted: false };
  }

  /** Where a quote ends: at the next of its kind that is not escaped; -1 when it never does. */
  #closing(quote: string): number {
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      if (this.#text[at] === "\\") at++;
      else if (this.#text[at] === quote) return at;
    }
    return -1;
  }
}

function wildcard(
  value: string,
  quoted: boolean,
): { value: string; prefix: boolean; phrase: boolean } {
  if (!quoted && value.endsWith("*"))
    return { value: value.slice(0, -1), prefix: true, phrase: false };
  return { value, prefix: false, phrase: quoted };
}

/** Reads a query; what cannot be read as grammar is read as text, since a search box never fails. */
export function parseQuery(text: string): Query {
  const tokens = new Scanner(text).tokens();
  let at = 0;
  const peek = (): Token | undefined => tokens[at];

  const either = (): Query => {
    const parts = [both()];
    while (peek()?.kind === "or") {
      at++;
      parts.push(both());
    }
    return parts.length === 1 ? (parts[0] as Query) : { kind: "or", parts };
  };
  const both = (): Query => {
    const parts: Query[] = [];
    for (;;) {
      const token = peek();
      if (!token || token.kind === "or" || token.kind === "close") break;
      if (token.kind === "and") {
        at++;
        continue;
      }
      parts.push(one());
    }
    if (parts.length === 0) return { kind: "all" };
    return parts.length === 1 ? (parts[0] as Query) : { kind: "and", parts };
  };
  const one = (): Query => {
    const token = tokens[at++];
    if (!token) return { kind: "all" };
    if (token.kind === "not") return { kind: "not", part: one() };
    if (token.kind === "open") {
      const inner = either();
      if (peek()?.kind === "close") at++;
      return inner;
    }
    return token.kind === "term" ? token.query : { kind: "all" };
  };

  const parts: Query[] = [];
  while (at < tokens.length) {
    parts.push(either());
    // A closing parenthesis that nothing opened.
    if (peek()?.kind === "close") at++;
  }
  if (parts.length === 0) return { kind: "all" };
  return parts.length === 1 ? (parts[0] as Query) : { kind: "and", parts };
}

/** How one field of a kind of document is searched. */
export type SearchField<D> =
  | { type: "id"; get(document: D): number | null }
  | { type: "number"; get(document: D): number | null }
  | { type: "time"; get(document: D): Seconds | null }
  | { type: "boolean"; get(document: D): boolean }
  /** Equal without regard to case; a list of values matches if any does; commas in the query mean "any of". */
  | { type: "keyword"; get(document: D): readonly (string | null)[] }
  /** As `keyword`, but matches when no value does. */
  | { type: "not-keyword"; get(document: D): readonly (string | null)[] }
  /** Words: every word of the query must be one of the value's. */
  | { type: "text"; get(document: D): readonly (string | null)[] };

export interface SearchSchema<D> {
  fields: Readonly<Record<string, SearchField<D>>>;
  /** What a term without a field looks in. */
  text(document: D): readonly (string | null)[];
}

export interface SearchEnvironment {
  zone: Zone;
  now: Seconds;
  warn?(warning: SearchWarning): void;
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}

type Test<D> = (document: D) => boolean;

function compare(comparator: Comparator, a: number, b: number): boolean {
  switch (comparator) {
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case "=":
      return a === b;
  }
}

/** A moment or a stretch: `2026`, `2026-11`, `2026-11-21` are stretches on the shop's calendar. */
function parseTime(
  value: string,
  environment: SearchEnvironment,
): readonly [Seconds, Seconds] | undefined {
  if (value.toLowerCase() === "now") return [environment.now, environment.now];
  const date = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(value);
  if (date) {
    const [year, month, dayOfMonth] = [Number(date[1]), date[2], date[3]];
    const local = (y: number, m: number, d: number) => {
      const at = Date.UTC(y, m, d) / 1_000;
      return at - environment.zone.offsetMinutes(at) * 60;
    };
    const from = local(year, Number(month ?? 1) - 1, Number(dayOfMonth ?? 1));
    const to = dayOfMonth
      ? from + day
      : month
        ? local(year, Number(month), 1)
        : local(year + 1, 0, 1);
    return Number.isFinite(from) ? [from, to - 1] : undefined;
  }
  const hasZone = /(?:[zZ]|[+-]\d{2}:?\d{2})$/.test(value);
  const parsed = Date.parse(hasZone ? value : `${value.replace(" ", "T")}Z`);
  if (Number.isNaN(parsed)) return undefined;
  const at = Math.floor(parsed / 1_000);
  const local = hasZone ? at : at - environment.zone.offsetMinutes(at) * 60;
  return [local, local];
}

function fieldTest<D>(
  query: Extract<Query, { kind: "field" }>,
  field: SearchField<D>,
  environment: SearchEnvironment,
): Test<D> | undefined {
  const { comparator, value } = query;
  const range = /^(.+)\.\.(.+)$/.exec(value);
  switch (field.type) {
    case "id":
    case "number": {
      if (query.prefix && value === "") return (document) => field.get(document) !== null;
      const numbers = (range ? [range[1], range[2]] : value.split(",")).map((part) =>
        Number((part ?? "").replace(/^gid:\/\/shopify\/\w+\//, "").trim() || "x"),
      );
      if (numbers.some(Number.isNaN)) return undefined;
      if (range) {
        const [from, to] = numbers as [number, number];
        return (document) => {
          const found = field.get(document);
          return found !== null && found >= from && found <= to;
        };
      }
      return (document) => {
        const found = field.get(document);
        return found !== null && numbers.some((number) => compare(comparator, found, number));
      };
    }
    case "time": {
      if (query.prefix && value === "") return (document) => field.get(document) !== null;
      const from = parseTime(range?.[1] ?? value, environment);
      const to = parseTime(range?.[2] ?? value, environment);
      if (!from || !to) return undefined;
      return (document) => {
        const found = field.get(document);
        if (found === null) return false;
        switch (comparator) {
          case ">":
            return found > from[1];
          case ">=":
            return found >= from[0];
          case "<":
            return found < from[0];
          case "<=":
            return found <= from[1];
          case "=":
            return found >= from[0] && found <= to[1];
        }
      };
    }
    case "boolean": {
      const wanted = value.toLowerCase();
      if (wanted !== "true" && wanted !== "false") return undefined;
      return (document) => field.get(document) === (wanted === "true");
    }
    case "keyword":
    case "not-keyword": {
      const wanted =
        query.phrase && !value.includes(",")
          ? [value.toLowerCase()]
          : value
              .toLowerCase()
              .split(",")
              .map((part) => part.trim());
      const matches = (document: D) =>
        field
          .get(document)
          .some(
            (found) =>
              found !== null &&
              (query.prefix
                ? found.toLowerCase().startsWith(wanted[0] ?? "")
                : wanted.includes(found.toLowerCase())),
          );
      return field.type === "keyword" ? matches : (document) => !matches(document);
    }
    case "text":
      return (document) => textMatches(field.get(document), query);
  }
}

function textMatches(
  values: readonly (string | null)[],
  query: { value: string; prefix: boolean; phrase: boolean },
): boolean {
  const wanted = words(query.value);
  if (wanted.length === 0) {
    return query.prefix ? values.some((value) => value !== null && value !== "") : true;
  }
  if (query.phrase) {
    const phrase = wanted.join(" ");
    return values.some(
      (value) => value !== null && ` ${words(value).join(" ")} `.includes(` ${phrase} `),
    );
  }
  const found = values.flatMap((value) => (value === null ? [] : words(value)));
  return wanted.every((word, index) =>
    query.prefix && index === wanted.length - 1
      ? found.some((candidate) => candidate.startsWith(word))
      : found.includes(word),
  );
}

/**
 * Compiles a query into a test. A field that does not exist, or a value that its field cannot hold, is left out
 * and warned about: Shopify then answers as if that part were not there.
 */
export function compileQuery<D>(
  text: string,
  schema: SearchSchema<D>,
  environment: SearchEnvironment,
): (document: D) => boolean {
  const compile = (query: Query): Test<D> | undefined => {
    switch (query.kind) {
      case "all":
        return undefined;
      case "and": {
        const tests = query.parts.map(compile).filter((test) => test !== undefined);
        return tests.length ? (document) => tests.every((test) => test(document)) : undefined;
      }
      case "or": {
        const tests = query.parts.map(compile).filter((test) => test !== undefined);
        return tests.length ? (document) => tests.some((test) => test(document)) : undefined;
      }
      case "not": {
        const test = compile(query.part);
        return test && ((document) => !test(document));
      }
      case "text": {
        if (query.value === "" && !query.prefix) return undefined;
        return (document) => textMatches(schema.text(document), query);
      }
      case "field": {
        const field = schema.fields[query.field];
        if (!field) {
          environment.warn?.({
            field: query.field,
            message: "Invalid search field for this query.",
          });
          return undefined;
        }
        const test = fieldTest(query, field, environment);
        if (!test) {
          environment.warn?.({
            field: query.field,
            message: `Input \`${query.value}\` is not an accepted value.`,
          });
        }
        return test;
      }
    }
  };
  return compile(parseQuery(text)) ?? (() => true);
}
