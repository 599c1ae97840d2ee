import { EventEmitter } from "node:events";
import { GraphQLError, type GraphQLSchema } from "graphql";
import type { Plan } from "../../sandbox/shopify/bucket.ts";
import type { AdminContext, ShopEvent, ShopFile } from "../../sandbox/shopify/platform-shop.ts";

/**
 * As little of a shop as the platform's own tests need: a few products and orders, one stock number and
 * a ledger of the mutations that took effect.
 */
export class MiniShop {
  readonly domain: string;
  readonly id: string;
  readonly name = "Mini shop";
  readonly currency = "EUR";
  readonly plan: Plan;
  readonly events = new EventEmitter();
  readonly files = new Map<string, ShopFile>();
  /** One entry per mutation that took effect. */
  readonly ledger: string[] = [];
  available = 10;
  imageBaseUrl = "";

  constructor(handle: string, plan: Plan = "basic") {
    this.domain = `${handle}.myshopify.com`;
    this.id = "7001";
    this.plan = plan;
  }

  emit(topic: string, payload: object): void {
    const event: ShopEvent = {
      topic,
      resourceId: "gid://shopify/Order/1",
      payload,
      triggeredAt: new Date(),
    };
    this.events.emit("event", event);
  }
}

type Context = AdminContext<MiniShop>;

/** Resolvers for the few fields that the platform's tests ask for. */
export function installMiniResolvers(schema: GraphQLSchema): void {
  const query = schema.getQueryType()!.getFields();
  const mutation = schema.getMutationType()!.getFields();

  query.shop!.resolve = (_source, _args, context) => {
    const { store } = context as Context;
    return {
      id: `gid://shopify/Shop/${store.id}`,
      name: store.name,
      myshopifyDomain: store.domain,
    };
  };
  query.products!.resolve = (_source, args, context) => {
    const nodes = [1, 2, 3, 4]
      .slice(0, (args as { first: number }).first)
      .map((number) => product(number, context as Context));
    return {
      nodes,
      edges: nodes.map((node) => ({ node, cursor: node.id })),
      pageInfo: { hasNextPage: false, endCursor: null },
    };
  };
  query.productByIdentifier!.resolve = (_source, args, context) => {
    const { handle } = (args as { identifier: { handle: string } }).identifier;
    const number = Number(/^product-([1-4])$/.exec(handle)?.[1]);
    return Number.isNaN(number) ? null : product(number, context as Context);
  };
  query.orders!.resolve = () => ({
    nodes: [
      {
        id: "gid://shopify/Order/1",
        name: "#1001",
        email: "kim@example.com",
        customer: { id: "gid://shopify/Customer/1", email: "kim@example.com" },
      },
    ],
  });
  query.location!.resolve = () => {
    throw new Error("a mistake in a resolver");
  };
  mutation.inventoryAdjustQuantities!.resolve = (_source, args, context) => {
    const { store } = context as Context;
    const { input } = args as { input: { changes: { delta: number }[] } };
    const delta = input.changes.reduce((sum, change) => sum + change.delta, 0);
    if (store.available + delta < 0) {
      return {
        inventoryAdjustmentGroup: null,
        userErrors: [{ field: null, message: "Too few.", code: "INVALID_QUANTITY_TOO_LOW" }],
      };
    }
    store.available += delta;
    store.ledger.push(`adjust ${delta}`);
    return {
      inventoryAdjustmentGroup: {
        id: `gid://shopify/InventoryAdjustmentGroup/${store.ledger.length}`,
      },
      userErrors: [],
    };
  };
  mutation.tagsAdd!.resolve = (_source, args, context) => {
    (context as Context).store.ledger.push(`tag ${(args as { tags: string[] }).tags.join(",")}`);
    return { node: null, userErrors: [] };
  };
  mutation.bulkOperationRunQuery!.resolve = async (_source, args, context) => {
    const { store, execute, fileUrl } = context as Context;
    const result = await execute((args as { query: string }).query);
    if (result.errors)
      throw new GraphQLError(result.errors[0]!.message, { extensions: { code: "BAD_REQUEST" } });
    store.files.set("bulk/1.jsonl", async function* () {
      await Promise.resolve();
      yield `${JSON.stringify(result.data)}\n`;
    });
    return {
      bulkOperation: { id: "gid://shopify/BulkOperation/1", url: fileUrl("bulk/1.jsonl") },
      userErrors: [],
    };
  };
}

function product(number: number, { store }: Context) {
  return {
    __typename: "Product",
    id: `gid://shopify/Product/${number}`,
    title: `Product <${number}>`,
    handle: `product-${number}`,
    vendor: "Mini",
    status: number === 4 ? "DRAFT" : "ACTIVE",
    descriptionHtml: "<p>Very small.</p>",
    featuredMedia: {
      __typename: "MediaImage",
      preview: { image: { url: `${store.imageBaseUrl}/${number}.svg`, altText: null } },
    },
    variants: () => ({
      nodes: [
        {
          id: `gid://shopify/ProductVariant/${number}1`,
          title: "Default",
          sku: `MINI-${number}`,
          price: "12.50",
          availableForSale: number !== 3,
        },
      ],
    }),
  };
}
