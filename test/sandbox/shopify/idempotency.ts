import {
  getDirectiveValues,
  getNamedType,
  GraphQLError,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isListType,
  getNullableType,
  isObjectType,
} from "graphql";

/** Keys are remembered for a day (docs: Implementing idempotency). */
const RETENTION_MS = 24 * 60 * 60 * 1_000;

type Outcome = { state: "under way" } | { state: "failed" } | { state: "done"; result: unknown };

interface Remembered {
  readonly parameters: string;
  readonly untilMs: number;
  outcome: Outcome;
}

/** The idempotency keys that one app has used in one shop. */
export class IdempotencyKeys {
  readonly #nowMs: () => number;
  readonly #keys = new Map<string, Remembered>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#keys.size;
  }

  recall(key: string): Remembered | undefined {
    const remembered = this.#keys.get(key);
    if (remembered && remembered.untilMs <= this.#nowMs()) {
      this.#keys.delete(key);
      return undefined;
    }
    return remembered;
  }

  begin(key: string, parameters: string): Remembered {
    const nowMs = this.#nowMs();
    // Insertion order is order of age, so the old ones are in front.
    for (const [old, { untilMs }] of this.#keys) {
      if (untilMs > nowMs) break;
      this.#keys.delete(old);
    }
    const remembered: Remembered = {
      parameters,
      untilMs: nowMs + RETENTION_MS,
      outcome: { state: "under way" },
    };
    this.#keys.set(key, remembered);
    return remembered;
  }
}

/** What a guarded mutation finds in its context. */
export interface IdempotencyContext {
  readonly idempotencyKeys: IdempotencyKeys;
  /** Milliseconds for which a mutation is under way before it takes effect. */
  readonly mutationMs?: number;
}

/** The mutations whose reference says that a key is required; the schema's types do not show it. */
export function mutationsThatNeedKeys(schema: GraphQLSchema): string[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {})
    .filter(({ description }) => /idempotency key is required/i.test(description ?? ""))
    .map(({ name }) => name);
}

/**
 * Puts `@idempotent` into force on the mutations that need it: a missing key is an error of the request,
 * everything else one of the mutation's own `userErrors` (docs: Implementing idempotency).
 */
export function enforceIdempotency(schema: GraphQLSchema): void {
  const mutations = schema.getMutationType()?.getFields() ?? {};
  for (const name of mutationsThatNeedKeys(schema)) {
    const field = mutations[name];
    if (field) guard(field);
  }
}

function guard(field: GraphQLField<unknown, unknown>): void {
  const resolve = field.resolve;
  if (!resolve) return;
  field.resolve = async (source, args, context, info) => {
    const { idempotencyKeys: keys, mutationMs } = context as IdempotencyContext;
    const key = keyOf(info);
    if (key === undefined) {
      // Recorded, word for word, code included.
      throw new GraphQLError(
        "The @idempotent directive is required for this mutation but was not provided.",
        { extensions: { code: "BAD_REQUEST" } },
      );
    }
    if (key.trim() === "") {
      throw new GraphQLError("The idempotency key cannot be empty.", {
        extensions: { code: "BAD_REQUEST" },
      });
    }
    const parameters = `${field.name} ${canonical(args)}`;
    const known = keys.recall(key);
    if (known) {
      if (known.parameters !== parameters) {
        return refusal(
          field,
          "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
          "The same idempotency key cannot be used with different operation parameters.",
        );
      }
      switch (known.outcome.state) {
        case "under way":
          return refusal(
            field,
            "IDEMPOTENCY_CONCURRENT_REQUEST",
            "This request is currently in progress, please try again.",
          );
        case "failed":
          return refusal(
            field,
            "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
            "A previous request with this idempotency key failed. Retry with a new idempotency key.",
          );
        case "done":
          return known.outcome.result;
      }
    }
    const remembered = keys.begin(key, parameters);
    try {
      if (mutationMs) await new Promise((resolve) => setTimeout(resolve, mutationMs));
      const result: unknown = await resolve(source, args, context, info);
      // Assumed: user errors count as a failed attempt, as the error's own words suggest.
      remembered.outcome = hasUserErrors(result) ? { state: "failed" } : { state: "done", result };
      return result;
    } catch (error) {
      remembered.outcome = { state: "failed" };
      throw error;
    }
  };
}

function keyOf(info: GraphQLResolveInfo): string | undefined {
  const directive = info.schema.getDirective("idempotent");
  if (!directive) return undefined;
  for (const node of info.fieldNodes) {
    const values = getDirectiveValues(directive, node, info.variableValues);
    if (typeof values?.key === "string") return values.key;
  }
  return undefined;
}

/** The arguments with their object keys in order, so that the order of writing makes no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function hasUserErrors(result: unknown): boolean {
  if (typeof result !== "object" || result === null) return false;
  return Object.entries(result).some(
    ([name, value]) => /userErrors$/i.test(name) && Array.isArray(value) && value.length > 0,
  );
}

/** A payload of the mutation's own type that holds nothing but one user error. */
function refusal(field: GraphQLField<unknown, unknown>, code: string, message: string): unknown {
  const payload = getNamedType(field.type);
  if (!isObjectType(payload)) return null;
  return Object.fromEntries(
    Object.values(payload.getFields()).map(({ name, type }) => {
      const isList = isListType(getNullableType(type));
      return [name, /userErrors$/i.test(name) && isList ? [{ field: null, message, code }] : null];
    }),
  );
}
