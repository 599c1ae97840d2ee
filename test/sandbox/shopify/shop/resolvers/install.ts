import { isInterfaceType, isObjectType } from "graphql";
import type { GraphQLSchema } from "graphql";
import { guardRootFields } from "../../schema.ts";
import { gid, isOrderPart, parseGid } from "../ids.ts";
import { installBulkOperations } from "./bulk.ts";
import { findLevel, installCatalogue } from "./catalogue.ts";
import { installCustomers } from "./customers.ts";
import { define, defineData } from "./define.ts";
import type { Context } from "./define.ts";
import { installDraftOrders } from "./draft-orders.ts";
import { findFulfillment, findFulfillmentOrder, installFulfillment } from "./fulfillment.ts";
import { installFulfillmentMutations } from "./fulfillment-mutations.ts";
import { installInventoryMutations } from "./inventory-mutations.ts";
import { installOrderMutations } from "./order-mutations.ts";
import { installProductMutations } from "./product-mutations.ts";
import { findOrder, installOrders, isVisible } from "./orders.ts";
import { installShop } from "./shop.ts";

/** Anything that has a global id and that this sandbox plays. */
function findNode(context: Context, id: string): unknown {
  const { store } = context;
  const parsed = parseGid(id);
  if (!parsed) return null;
  switch (parsed.kind) {
    case "Product":
      return store.products.get(parsed.id) ?? null;
    case "ProductVariant":
      return store.variants.get(parsed.id) ?? null;
    case "InventoryItem":
      return store.items.get(parsed.id) ?? null;
    case "InventoryLevel":
      return findLevel(store, id) ?? null;
    case "Location":
      return store.locations.get(parsed.id) ?? null;
    case "Customer":
      return store.customer(parsed.id) ?? null;
    case "Order":
      return findOrder(context, id) ?? null;
    case "FulfillmentOrder":
      return findFulfillmentOrder(context, id) ?? null;
    case "Fulfillment":
      return findFulfillment(context, id) ?? null;
    case "DraftOrder":
      return store.drafts.get(parsed.id) ?? null;
    case "BulkOperation":
      return (
        store.bulkOperations.find(
          (operation) => operation.id === parsed.id && operation.appId === context.appId,
        ) ?? null
      );
    case "Shop":
      return id === gid("Shop", store.id) ? store : null;
    default:
      return isOrderPart(parsed.kind) ? findPart(context, parsed.kind, parsed.id) : null;
  }
}

function findPart(
  context: Context,
  kind: Parameters<Context["store"]["ids"]["orderOfPart"]>[0],
  id: number,
): unknown {
  const { store } = context;
  const order = store.orders.get(store.ids.orderOfPart(kind, id) ?? -1);
  if (!order || !isVisible(context, order.createdAt)) return null;
  const parts: readonly { id: number; __typename: string }[] = [
    ...order.lines,
    ...order.transactions,
    ...order.refunds,
    ...order.events,
    ...order.fulfillmentOrders.flatMap((fulfillmentOrder) => [
      ...fulfillmentOrder.lines,
      ...fulfillmentOrder.holds,
    ]),
    ...order.fulfillments.flatMap((fulfillment) => fulfillment.lines),
  ];
  return parts.find((part) => part.__typename === kind && part.id === id) ?? null;
}

/**
 * Sets the resolvers of everything that the shops can tell on the fields of the real schema. Root fields
 * without one throw, and so does every other field of a type that is played.
 */
export function installResolvers(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    node: (_, { id }: { id: string }, context) => findNode(context, id),
    nodes: (_, { ids }: { ids: string[] }, context) => ids.map((id) => findNode(context, id)),
  });
  installShop(schema);
  installCatalogue(schema);
  installCustomers(schema);
  installOrders(schema);
  installFulfillment(schema);
  installBulkOperations(schema);
  installInventoryMutations(schema);
  installFulfillmentMutations(schema);
  installOrderMutations(schema);
  installProductMutations(schema);
  installDraftOrders(schema);
  defineData(schema, "MoneyV2", ["amount", "currencyCode"]);
  defineData(schema, "MoneyBag", ["shopMoney", "presentmentMoney"]);
  defineData(schema, "Count", ["count", "precision"]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (
      isObjectType(type) &&
      type.getInterfaces().some((other) => other.name === "DisplayableError")
    ) {
      defineData(schema, type.name, Object.keys(type.getFields()));
    }
    // What a shop keeps names its own type; what an interface stands for is always one of those.
    if (isInterfaceType(type)) {
      type.resolveType ??= (value) => (value as { __typename?: string }).__typename;
    }
  }
  guardRootFields(schema);
}
