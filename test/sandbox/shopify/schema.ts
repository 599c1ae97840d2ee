import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import {
  buildClientSchema,
  getNamedType,
  GraphQLError,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from "graphql";

/** The version of the Admin API that the app speaks and that this sandbox answers. */
export const API_VERSION = "2026-10";

/** Where the packed introspection lies; `npm run schema:refresh` writes it. */
export const SCHEMA_FILE = fileURLToPath(
  new URL(`./schema/admin-${API_VERSION}.json.gz`, import.meta.url),
);

/**
 * What a type, or one field of it, asks of an app's access scopes: any one of `anyOf` will do.
 * Shopify publishes these beside the introspection.
 */
export interface ScopeRequirement {
  readonly typeName: string;
  /** Absent when the requirement is the type's own, wherever it is returned. */
  readonly fieldName?: string;
  readonly anyOf: readonly string[];
  /** Shopify's sentence for people, as ACCESS_DENIED errors quote it. */
  readonly requiredAccess: string;
}

/** The packed file's shape. */
export interface AdminSchemaFile {
  source: string;
  data: IntrospectionQuery;
  scopes: ScopeRequirement[];
}

/** The Admin API as published: without resolvers, enough to validate an operation and judge its scopes. */
export interface AdminSchema {
  readonly schema: GraphQLSchema;
  readonly offlineScopes: readonly ScopeRequirement[];
}

/**
 * Reads the full 2026-10 Admin schema (3,546 types; about a third of a second).
 * Every call builds a schema of its own, so that nobody's resolvers leak into anybody else's.
 */
export function loadAdminSchema(): AdminSchema {
  const file = JSON.parse(
    gunzipSync(readFileSync(SCHEMA_FILE)).toString("utf8"),
  ) as AdminSchemaFile;
  // The introspection is Shopify's own, so checking it again would only cost time.
  const schema = buildClientSchema(file.data, { assumeValid: true });
  return { schema, offlineScopes: file.scopes };
}

/** A field of the real schema that the sandbox does not play. Never a silent null. */
export class NotPlayedError extends GraphQLError {
  constructor(field: string) {
    super(
      `The sandbox has no resolver for ${field}. It is part of the real schema; add it to test/sandbox/shopify/shop.`,
      { extensions: { code: "SANDBOX_NOT_PLAYED", field } },
    );
    this.name = "NotPlayedError";
  }
}

/** Makes every root field without a resolver throw, since graphql would answer null for it. */
export function guardRootFields(schema: GraphQLSchema): void {
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      field.resolve ??= () => {
        throw new NotPlayedError(`${root?.name ?? ""}.${field.name}`);
      };
    }
  }
}

/**
 * Reads a field off its source like graphql's own default resolver, but throws when the source does not
 * have it at all: an object that was made without a field must not look like one whose field is empty.
 */
export const strictFieldResolver: GraphQLFieldResolver<unknown, unknown> = (
  source,
  args,
  context,
  info,
) => {
  if (typeof source !== "object" || source === null) return undefined;
  const value = (source as Record<string, unknown>)[info.fieldName];
  if (typeof value === "function") {
    return (value as (args: unknown, context: unknown, info: unknown) => unknown).call(
      source,
      args,
      context,
      info,
    );
  }
  if (value === undefined && !(info.fieldName in source)) {
    throw new NotPlayedError(`${info.parentType.name}.${info.fieldName}`);
  }
  return value;
};

/** The type whose objects a field gives: of a connection, that of its nodes. */
export function objectTypeOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (isObjectType(named) && named.name.endsWith("Connection")) {
    const nodes = named.getFields().nodes;
    if (nodes) return getNamedType(nodes.type).name;
  }
  return named.name;
}
