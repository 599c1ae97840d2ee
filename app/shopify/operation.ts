declare const shapes: unique symbol;

/** A GraphQL operation as text, which remembers what goes in and what comes out. */
export interface Operation<Data, Variables extends Record<string, unknown>> {
  /** The operation's own name, for logs and metrics. */
  readonly name: string;
  readonly text: string;
  readonly kind: "query" | "mutation";
  /** Whether Shopify knows a repetition by its key, so that sending it again cannot double it. */
  readonly idempotent: boolean;
  readonly [shapes]?: { data: Data; variables: Variables };
}

/**
 * Defines an operation of the Admin API. Each lives in `app/shopify/operations/`, where a test holds it
 * against the real schema and against the scopes in shopify.app.toml.
 *
 * @param text - One named query or mutation.
 */
export function operation<Data, Variables extends Record<string, unknown> = Record<string, never>>(
  text: string,
): Operation<Data, Variables> {
  const match = /^\s*(?:#[^\n]*\n\s*)*(query|mutation)\s+(\w+)/.exec(text);
  if (!match?.[1] || !match[2])
    throw new TypeError("An operation starts with query or mutation and its name.");
  return {
    kind: match[1] as "query" | "mutation",
    name: match[2],
    text,
    idempotent: /@idempotent\b/.test(text),
  };
}
