import { execute, parse, validate } from "graphql";
import type { DocumentNode, ExecutionResult } from "graphql";
import { loadAdminSchema, strictFieldResolver } from "../../../sandbox/shopify/schema.ts";
import { createShops, installResolvers } from "../../../sandbox/shopify/shop/index.ts";
import type {
  AdminContext,
  CreateShopsOptions,
  ShopEvent,
  ShopStore,
} from "../../../sandbox/shopify/shop/index.ts";

/** A shop and a way to speak the real Admin schema to it, without a platform around it. */
export interface Bench {
  shop: ShopStore;
  second: ShopStore;
  context: AdminContext<ShopStore>;
  /** Everything that a webhook could have told, oldest first. */
  events: ShopEvent[];
  topics(): string[];
  /** The shop's clock; moving it on is all that time does here. */
  advance(ms: number): void;
  /** Runs a document that must be valid and succeed. */
  run<T = Record<string, unknown>>(source: string, variables?: Record<string, unknown>): Promise<T>;
  /** Runs a document and answers whatever comes. */
  try(source: string, variables?: Record<string, unknown>): Promise<ExecutionResult>;
}

export const startOfTest = new Date("2026-11-21T15:00:00Z");

const { schema } = loadAdminSchema();
installResolvers(schema);

export { schema };

export function bench(options: CreateShopsOptions = {}): Bench {
  let nowMs = startOfTest.getTime();
  const clock = () => new Date(nowMs);
  const [shop, second] = createShops({
    now: startOfTest,
    clock,
    seed: 7,
    orders: 200,
    searchLagMs: 0,
    ...options,
  });
  if (!shop || !second) throw new Error("there are two shops");
  const events: ShopEvent[] = [];
  shop.events.on("event", (event) => events.push(event));
  const context: AdminContext<ShopStore> = {
    store: shop,
    scopes: new Set(["read_orders"]),
    appId: "gid://shopify/App/4242",
    protectedData: { level1: true, level2: true },
    now: clock,
    execute: async (document, variables = {}) =>
      executeDocument(typeof document === "string" ? parse(document) : document, variables),
    fileUrl: (path) => `https://files.example/${path}`,
  };
  async function executeDocument(document: DocumentNode, variableValues: Record<string, unknown>) {
    const errors = validate(schema, document);
    if (errors.length) throw errors[0] as Error;
    return execute({
      schema,
      document,
      variableValues,
      contextValue: context,
      fieldResolver: strictFieldResolver,
    });
  }
  return {
    shop,
    second,
    context,
    events,
    topics: () => events.map((event) => event.topic),
    advance(ms) {
      nowMs += ms;
    },
    async run<T>(source: string, variables: Record<string, unknown> = {}) {
      const result = await executeDocument(parse(source), variables);
      if (result.errors?.length) throw result.errors[0] as Error;
      return result.data as T;
    },
    try: async (source, variables = {}) => executeDocument(parse(source), variables),
  };
}

export interface Page<T> {
  nodes: T[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string;
    endCursor: string;
  };
}
