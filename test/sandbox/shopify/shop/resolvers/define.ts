import { GraphQLObjectType } from "graphql";
import type { GraphQLResolveInfo, GraphQLSchema } from "graphql";
import { given } from "../given.ts";
import type { AdminContext } from "../../platform-shop.ts";
import { NotPlayedError } from "../../schema.ts";
import { decimalAmount, fixedAmount } from "../money.ts";
import type { Money } from "../money.ts";
import type { ShopStore } from "../store.ts";
import { isoTime, toSeconds } from "../time.ts";
import type { Seconds } from "../time.ts";

/** What resolvers get as their context. */
export type Context = AdminContext<ShopStore>;

/** Arguments are typed by each resolver itself, as the schema has them. */
export type Resolver<S> = (
  source: S,
  args: never,
  context: Context,
  info: GraphQLResolveInfo,
) => unknown;

export type Resolvers<S> = Readonly<Record<string, Resolver<S>>>;

/**
 * Sets a type's resolvers on its fields. A field that is not among them throws when it is asked for, so that
 * nobody mistakes "not played here" for "empty".
 */
export function define<S>(schema: GraphQLSchema, typeName: string, resolvers: Resolvers<S>): void {
  const type = schema.getType(typeName);
  if (!(type instanceof GraphQLObjectType))
    throw new Error(`${typeName} is no object type of the schema`);
  const fields = type.getFields();
  for (const [name, resolver] of Object.entries(resolvers)) {
    const field = fields[name];
    if (!field) throw new Error(`${typeName} has no field ${name}`);
    field.resolve = resolver as NonNullable<typeof field.resolve>;
  }
  if (type === schema.getQueryType() || type === schema.getMutationType()) return;
  for (const field of Object.values(fields)) {
    field.resolve ??= () => {
      throw new NotPlayedError(`${typeName}.${field.name}`);
    };
  }
}

/** Plain data whose keys are the type's own field names. */
export function defineData(
  schema: GraphQLSchema,
  typeName: string,
  names: readonly string[],
): void {
  define<Record<string, unknown>>(
    schema,
    typeName,
    Object.fromEntries(
      names.map((name) => [name, (source: Record<string, unknown>) => source[name] ?? null]),
    ),
  );
}

export function moneyV2(minor: number, currency: string) {
  return { amount: decimalAmount(minor, currency), currencyCode: currency };
}

export function moneyBag(store: ShopStore, money: Money, presentmentCurrency: string) {
  return {
    shopMoney: moneyV2(money.shop, store.currency),
    presentmentMoney: moneyV2(money.presentment, presentmentCurrency),
  };
}

/** The `Money` scalar, in the shop's currency. */
export function moneyText(store: ShopStore, money: Money): string {
  return fixedAmount(money.shop, store.currency);
}

export function dateTime(at: Seconds): string;
export function dateTime(at: Seconds | null): string | null;
export function dateTime(at: Seconds | null): string | null {
  return at === null ? null : isoTime(at);
}

export function nowOf(context: Context): Seconds {
  return toSeconds(context.now());
}

export function count(
  value: number,
  limit: number | null | undefined,
): { count: number; precision: string } {
  return given(limit) && value > limit
    ? { count: limit, precision: "AT_LEAST" }
    : { count: value, precision: "EXACT" };
}

/** `Title - Variant`, or the title alone. */
export function fullName(title: string, variantTitle: string | null): string {
  return variantTitle ? `${title} - ${variantTitle}` : title;
}
