import { randomUUID } from "node:crypto";
import {
  execute,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  OperationTypeNode,
  parse,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { AccessControl, type AccessContext, type Denials } from "./access.ts";
import { BUCKETS, LeakyBucket, type ThrottleStatus } from "./bucket.ts";
import { CostRules, MAX_QUERY_COST } from "./cost.ts";
import { internalError, type Outcome } from "./fault-player.ts";
import { IdempotencyKeys, type IdempotencyContext } from "./idempotency.ts";
import { globalIdErrors, limitErrors, operationNames } from "./limits.ts";
import type { AccessGrant } from "./oauth.ts";
import type { AdminContext, PlatformShop, ProtectedData } from "./platform-shop.ts";
import { jsonReply, type Reply } from "./reply.ts";
import { API_VERSION, strictFieldResolver, type AdminSchema } from "./schema.ts";
import { expandScopes, ScopeRules } from "./scopes.ts";

const RATE_LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits";

/** Distinct query texts that are kept parsed and validated; an app has a few dozen. */
const PREPARED_LIMIT = 500;

export interface AdminApiOptions {
  /** The real schema with its resolvers. */
  admin: AdminSchema;
  appId: string;
  scopes: readonly string[];
  protectedData: () => ProtectedData;
  bulkAccess: () => boolean;
  now: () => Date;
  fileUrl: (shop: PlatformShop, path: string) => string;
  /** Told of exceptions that the app gets to see only as INTERNAL_SERVER_ERROR. */
  onInternalError: (error: Error, requestId: string) => void;
}

/** A request to the GraphQL endpoint, as far as it could be read. */
export interface AdminRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  readonly prepared: Prepared;
  readonly operation: OperationDefinitionNode | undefined;
  /** The operation's name and its root fields. */
  readonly names: readonly string[];
}

type Prepared =
  | { document: DocumentNode; errors: readonly GraphQLError[] }
  | { document?: undefined; errors: readonly GraphQLError[] };

interface Tenant {
  readonly bucket: LeakyBucket;
  readonly idempotencyKeys: IdempotencyKeys;
}

type RequestContext = AdminContext & AccessContext & IdempotencyContext;

/** The GraphQL Admin API of one app: the same for all its shops, with a bucket and keys for each. */
export class AdminApi {
  readonly #options: AdminApiOptions;
  readonly #schema: GraphQLSchema;
  readonly #cost: CostRules;
  readonly #access: AccessControl;
  readonly #prepared = new Map<string, Prepared>();
  /** What an app with the same rights is refused in a document stays the same. */
  readonly #denials = new WeakMap<DocumentNode, Map<string, Denials>>();
  readonly #tenants = new Map<string, Tenant>();

  constructor(options: AdminApiOptions) {
    this.#options = options;
    this.#schema = options.admin.schema;
    this.#cost = new CostRules(this.#schema);
    this.#access = new AccessControl(options.admin, new ScopeRules(options.admin.offlineScopes));
  }

  /** Reads a request's body; undefined when it is not a GraphQL request at all. */
  read(body: string): AdminRequest | undefined {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      return undefined;
    }
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { query, variables, operationName } = parsed as Record<string, unknown>;
    if (typeof query !== "string") return undefined;
    const name = typeof operationName === "string" ? operationName : undefined;
    const prepared = this.#prepare(query);
    const operation = prepared.document
      ? (getOperationAST(prepared.document, name) ?? undefined)
      : undefined;
    return {
      query,
      variables: (variables ?? {}) as Record<string, unknown>,
      ...(name === undefined ? {} : { operationName: name }),
      prepared,
      operation,
      names: operation ? operationNames(operation) : [],
    };
  }

  /**
   * Answers a request.
   *
   * @param options.mutationMs For how long its mutations are under way before they take effect.
   */
  async answer(
    shop: PlatformShop,
    version: string,
    grant: AccessGrant | undefined,
    request: AdminRequest | undefined,
    options: { mutationMs?: number } = {},
  ): Promise<Outcome> {
    if (!grant) {
      return {
        reply: jsonReply(401, {
          errors: "[API] Invalid API key or access token (unrecognized login or wrong password)",
        }),
      };
    }
    if (grant.kind === "offline-non-expiring") {
      // Recorded: what public apps made since April 2026 get.
      return {
        reply: jsonReply(403, {
          errors:
            "Non-expiring access tokens are no longer accepted for the Admin API. Start using expiring offline tokens.",
        }),
      };
    }
    if (version !== API_VERSION) return { reply: jsonReply(404, { errors: "Not Found" }) };
    if (!request) {
      return {
        reply: jsonReply(400, { errors: { query: "Required parameter missing or invalid" } }),
      };
    }
    const { prepared, operation } = request;
    if (!prepared.document || prepared.errors.length > 0) {
      return { reply: refuse(prepared.errors) };
    }
    if (!operation) {
      return { reply: refuse([new GraphQLError("An operation name is required")]) };
    }
    const coerced = getVariableValues(
      this.#schema,
      operation.variableDefinitions ?? [],
      request.variables,
      { maxErrors: 10 },
    );
    if (coerced.errors) {
      return {
        reply: refuse(
          coerced.errors.map(
            ({ message, nodes }) =>
              new GraphQLError(message, {
                nodes: nodes ?? null,
                extensions: { code: "INVALID_VARIABLE" },
              }),
          ),
        ),
      };
    }
    const variables = coerced.coerced;
    const limits = [
      ...globalIdErrors(this.#schema, prepared.document, operation, variables),
      ...limitErrors(this.#schema, prepared.document, operation, variables),
    ];
    if (limits.length > 0) return { reply: refuse(limits) };
    return this.#run(shop, grant, prepared.document, operation, variables, options.mutationMs);
  }

  /** The answer to a request for which the bucket has not enough left. */
  throttled(shop: PlatformShop, requestedCost: number, status = this.throttleStatus(shop)): Reply {
    return jsonReply(200, {
      errors: [
        {
          message: "Throttled",
          extensions: { code: "THROTTLED", documentation: RATE_LIMITS_PAGE },
        },
      ],
      extensions: {
        cost: {
          requestedQueryCost: requestedCost,
          actualQueryCost: null,
          throttleStatus: status,
        },
      },
    });
  }

  /** What a request would reserve, if it can be told. */
  requestedCost(request: AdminRequest | undefined): number {
    if (!request?.prepared.document || !request.operation) return 0;
    return this.#cost.requested(request.prepared.document, request.operation, request.variables);
  }

  /** Reads or writes a shop with all rights, unthrottled, as Shopify's own pages do. */
  asShopify(
    shop: PlatformShop,
    document: string,
    variables: Record<string, unknown> = {},
  ): Promise<ExecutionResult> {
    return this.#executeInside(shop, undefined, document, variables);
  }

  bucket(shop: PlatformShop): LeakyBucket {
    return this.#tenant(shop).bucket;
  }

  throttleStatus(shop: PlatformShop): ThrottleStatus {
    return this.bucket(shop).status();
  }

  /** Forgets bucket and keys of a shop, as a new installation does. */
  forget(shop: PlatformShop): void {
    this.#tenants.delete(shop.domain);
  }

  async #run(
    shop: PlatformShop,
    grant: AccessGrant,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
    mutationMs?: number,
  ): Promise<Outcome> {
    const requestedCost = this.#cost.requested(document, operation, variables);
    if (requestedCost > MAX_QUERY_COST) {
      return { reply: tooExpensive(requestedCost), requestedCost };
    }
    const { bucket } = this.#tenant(shop);
    if (!bucket.reserve(requestedCost)) {
      return { reply: this.throttled(shop, requestedCost), requestedCost, throttled: true };
    }
    const requestId = randomUUID();
    const result = await execute({
      schema: this.#schema,
      document,
      operationName: operation.name?.value ?? null,
      variableValues: variables,
      contextValue: this.#context(shop, grant, document, operation, mutationMs),
      fieldResolver: strictFieldResolver,
    });
    const actualCost = Math.min(
      requestedCost,
      this.#cost.actual(document, operation, variables, result.data),
    );
    bucket.refund(requestedCost - actualCost);
    const errors = result.errors?.map((error) => this.#present(error, requestId));
    const body = {
      ...(errors ? { errors } : {}),
      ...(result.data === undefined ? {} : { data: result.data }),
      extensions: {
        cost: {
          requestedQueryCost: requestedCost,
          actualQueryCost: actualCost,
          throttleStatus: bucket.status(),
        },
      },
    };
    return {
      reply: jsonReply(200, body, { "x-shopify-api-version": API_VERSION }),
      requestedCost,
      actualCost,
    };
  }

  #context(
    shop: PlatformShop,
    /** Absent for Shopify itself. */
    grant: AccessGrant | undefined,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    mutationMs?: number,
  ): RequestContext {
    const { appId, scopes, protectedData, now, fileUrl } = this.#options;
    const granted = expandScopes(grant ? scopes : [...scopes, "read_all_orders"]);
    const approved = grant ? protectedData() : { level1: true, level2: true };
    return {
      store: shop,
      scopes: granted,
      appId,
      protectedData: approved,
      now,
      ...(grant?.userId === undefined ? {} : { userId: grant.userId }),
      execute: (inner, variables) => this.#executeInside(shop, grant, inner, variables),
      fileUrl: (path) => fileUrl(shop, path),
      denials: grant ? this.#denialsOf(document, operation, granted, approved) : new Map(),
      idempotencyKeys: this.#tenant(shop).idempotencyKeys,
      ...(mutationMs === undefined ? {} : { mutationMs }),
    };
  }

  #denialsOf(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    scopes: ReadonlySet<string>,
    approved: ProtectedData,
  ): Denials {
    const bulkAccess = this.#options.bulkAccess();
    const key = `${operation.name?.value ?? ""} ${approved.level1} ${approved.level2} ${bulkAccess}`;
    const known = this.#denials.get(document) ?? new Map<string, Denials>();
    this.#denials.set(document, known);
    let denials = known.get(key);
    if (!denials) {
      denials = this.#access.denials(document, operation, scopes, approved, bulkAccess);
      known.set(key, denials);
    }
    return denials;
  }

  /** Runs a document with the same rights, as a bulk operation does: unthrottled and without page sizes. */
  async #executeInside(
    shop: PlatformShop,
    grant: AccessGrant | undefined,
    inner: string | DocumentNode,
    variables: Record<string, unknown> = {},
  ): Promise<ExecutionResult> {
    const prepared: Prepared =
      typeof inner === "string"
        ? this.#prepare(inner)
        : { document: inner, errors: validate(this.#schema, inner) };
    const { document, errors } = prepared;
    if (!document || errors.length > 0) return { errors };
    const operation = getOperationAST(document);
    if (!operation) return { errors: [new GraphQLError("An operation is required")] };
    return execute({
      schema: this.#schema,
      document,
      variableValues: variables,
      contextValue: this.#context(shop, grant, document, operation),
      fieldResolver: strictFieldResolver,
    });
  }

  #prepare(query: string): Prepared {
    const known = this.#prepared.get(query);
    if (known) return known;
    let prepared: Prepared;
    try {
      const document = parse(query);
      prepared = { document, errors: validate(this.#schema, document) };
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      prepared = { errors: [error] };
    }
    const oldest = this.#prepared.keys().next();
    if (this.#prepared.size >= PREPARED_LIMIT && !oldest.done) this.#prepared.delete(oldest.value);
    this.#prepared.set(query, prepared);
    return prepared;
  }

  #tenant(shop: PlatformShop): Tenant {
    let tenant = this.#tenants.get(shop.domain);
    if (!tenant) {
      tenant = {
        bucket: new LeakyBucket(BUCKETS[shop.plan]),
        idempotencyKeys: new IdempotencyKeys(() => this.#options.now().getTime()),
      };
      this.#tenants.set(shop.domain, tenant);
    }
    return tenant;
  }

  /** Errors that were meant go out as they are; anything else broke inside, as Shopify would say it. */
  #present(error: GraphQLError, requestId: string): object {
    if (error.originalError === undefined || error.extensions.code !== undefined) {
      return error.toJSON();
    }
    this.#options.onInternalError(error.originalError, requestId);
    return { ...internalError(requestId), path: error.path };
  }
}

function refuse(errors: readonly GraphQLError[]): Reply {
  return jsonReply(200, { errors: errors.map((error) => error.toJSON()) });
}

function tooExpensive(cost: number): Reply {
  return jsonReply(200, {
    errors: [
      {
        message:
          `Query cost is ${cost}, which exceeds the single query max cost limit (${MAX_QUERY_COST}).\n\n` +
          `See https://shopify.dev/docs/api/usage/rate-limits for more information on how the\ncost of a query is calculated.\n\n` +
          `To query larger amounts of data with fewer limits, bulk operations should be used instead.\n` +
          `See https://shopify.dev/docs/api/usage/bulk-operations/queries for usage details.\n`,
        extensions: {
          code: "MAX_COST_EXCEEDED",
          cost,
          maxCost: MAX_QUERY_COST,
          documentation: RATE_LIMITS_PAGE,
        },
      },
    ],
  });
}

/** Whether a document holds a mutation: those are what "applied" and "lost" are about. */
export function operationTypeOf(
  request: AdminRequest | undefined,
): "query" | "mutation" | undefined {
  const type = request?.operation?.operation;
  return type === OperationTypeNode.SUBSCRIPTION ? undefined : type;
}
