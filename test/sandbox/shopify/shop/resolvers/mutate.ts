import { getDirectiveValues } from "graphql";
import type { GraphQLResolveInfo } from "graphql";
import { Change } from "../change.ts";
import type { Context, Resolver } from "./define.ts";

/** One thing that is wrong with what was asked; `code` only where the mutation's errors have one. */
export interface UserError {
  field: string[] | null;
  message: string;
  code?: string | null;
}

export function userError(
  field: string | readonly string[] | null,
  message: string,
  code?: string,
): UserError {
  return {
    field: field === null ? null : typeof field === "string" ? field.split(".") : [...field],
    message,
    ...(code === undefined ? {} : { code }),
  };
}

/** What a mutation came to. */
export type Outcome =
  | { errors: UserError[] }
  | {
      /** The payload's own fields. */
      payload: Record<string, unknown>;
      /** Global ids of what was made or changed. */
      resources: string[];
      /** For the ledger: what it did, in numbers. */
      effect: Record<string, unknown>;
    };

function idempotencyKey(info: GraphQLResolveInfo): string | null {
  const directive = info.schema.getDirective("idempotent");
  for (const node of info.fieldNodes) {
    const values = directive && getDirectiveValues(directive, node, info.variableValues);
    if (typeof values?.key === "string") return values.key;
  }
  return null;
}

/**
 * Makes a mutation's resolver: it judges and changes in one go, and when it has taken effect it is entered in
 * the shop's ledger.
 * @param empty - the payload's fields that are null when it fails
 * @param act - changes the shop; must not have changed anything when it answers errors
 */
export function mutation<A>(
  empty: readonly string[],
  act: (args: A, context: Context, change: Change, info: GraphQLResolveInfo) => Outcome,
): Resolver<unknown> {
  return (_source: unknown, args: A, context: Context, info: GraphQLResolveInfo) => {
    const { store } = context;
    const change = new Change(store, Math.floor(context.now().getTime() / 1_000));
    const outcome = act(args, context, change, info);
    if ("errors" in outcome) {
      return {
        ...Object.fromEntries(empty.map((name) => [name, null])),
        userErrors: outcome.errors,
      };
    }
    change.commit();
    store.ledger.push({
      at: context.now(),
      appId: context.appId,
      mutation: info.fieldName,
      arguments: structuredClone(args) as Record<string, unknown>,
      idempotencyKey: idempotencyKey(info),
      resources: outcome.resources,
      effect: outcome.effect,
    });
    return {
      ...Object.fromEntries(empty.map((name) => [name, null])),
      ...outcome.payload,
      userErrors: [],
    };
  };
}
