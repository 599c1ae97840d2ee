import {
  GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isRequiredArgument,
} from "graphql";
import type { GraphQLField } from "graphql";
import { describe, expect, it } from "vitest";
import { claims } from "../../../sandbox/shopify/shop/order-history.ts";
import { ordersOf } from "./claims.ts";
import { bench, schema } from "./harness.ts";

const shop = bench({ orders: 240 });
const recent = [...ordersOf(shop.shop)].slice(-230);

function fieldsOf(typeName: string): GraphQLField<unknown, unknown>[] {
  const type = schema.getType(typeName);
  if (!(type instanceof GraphQLObjectType)) throw new Error(`${typeName} is no object type`);
  return Object.values(type.getFields());
}

/** How a field is asked for with as little as possible; `undefined` when it needs arguments. */
function selection(field: GraphQLField<unknown, unknown>): string | undefined {
  if (field.args.some(isRequiredArgument)) return undefined;
  const type = getNamedType(field.type);
  if (isLeafType(type)) return field.name;
  if (type.name.endsWith("Connection")) return `${field.name}(first: 3) { nodes { __typename } }`;
  if (isAbstractType(type)) return `${field.name} { __typename }`;
  return `${field.name} { __typename }`;
}

const samples: [type: string, ids: string[]][] = [
  [
    "Order",
    recent.filter((_, index) => index % 6 === 0).map((order) => `gid://shopify/Order/${order.id}`),
  ],
  [
    "LineItem",
    recent
      .slice(0, 12)
      .flatMap((order) => order.lines.map((line) => `gid://shopify/LineItem/${line.id}`)),
  ],
  [
    "FulfillmentOrder",
    recent
      .flatMap((order) => order.fulfillmentOrders)
      .filter((_, index) => index % 8 === 0)
      .map((part) => `gid://shopify/FulfillmentOrder/${part.id}`),
  ],
  [
    "FulfillmentOrderLineItem",
    recent
      .slice(-9)
      .flatMap((order) => order.fulfillmentOrders.flatMap((part) => part.lines))
      .map((line) => `gid://shopify/FulfillmentOrderLineItem/${line.id}`),
  ],
  [
    "Fulfillment",
    recent
      .flatMap((order) => order.fulfillments)
      .slice(0, 20)
      .map((part) => `gid://shopify/Fulfillment/${part.id}`),
  ],
  [
    "FulfillmentHold",
    recent
      .flatMap((order) => order.fulfillmentOrders.flatMap((part) => part.holds))
      .map((hold) => `gid://shopify/FulfillmentHold/${hold.id}`),
  ],
  [
    "OrderTransaction",
    recent
      .flatMap((order) => order.transactions)
      .slice(0, 30)
      .map((part) => `gid://shopify/OrderTransaction/${part.id}`),
  ],
  [
    "Refund",
    recent
      .flatMap((order) => order.refunds)
      .slice(0, 10)
      .map((part) => `gid://shopify/Refund/${part.id}`),
  ],
  [
    "BasicEvent",
    recent
      .slice(0, 9)
      .flatMap((order) => order.events)
      .map((event) => `gid://shopify/BasicEvent/${event.id}`),
  ],
  [
    "Product",
    [...shop.shop.products.keys()].slice(0, 40).map((id) => `gid://shopify/Product/${id}`),
  ],
  [
    "ProductVariant",
    [...shop.shop.variants.keys()].slice(0, 40).map((id) => `gid://shopify/ProductVariant/${id}`),
  ],
  [
    "InventoryItem",
    [...shop.shop.items.keys()].slice(0, 20).map((id) => `gid://shopify/InventoryItem/${id}`),
  ],
  ["Location", [...shop.shop.locations.keys()].map((id) => `gid://shopify/Location/${id}`)],
  [
    "Customer",
    [0, 1, 2, 9, 30].map(
      (ordinal) => `gid://shopify/Customer/${shop.shop.customerAt(ordinal)?.id}`,
    ),
  ],
  ["Shop", [`gid://shopify/Shop/${shop.shop.id}`]],
];

describe("every field that a type is played with", () => {
  it.each(samples)("answers on %s as the schema promises", async (type, ids) => {
    expect(ids.length).toBeGreaterThan(0);
    const played: string[] = [];
    for (const field of fieldsOf(type)) {
      const asked = selection(field);
      if (!asked) continue;
      const { errors, data } = await shop.try(
        `query($id: ID!) { node(id: $id) { ... on ${type} { ${asked} } } }`,
        { id: ids[0] },
      );
      if (errors?.[0]?.extensions.code === "SANDBOX_NOT_PLAYED") continue;
      expect(errors, `${type}.${field.name}`).toBeUndefined();
      expect(data?.node, `${type}.${field.name}`).not.toBeNull();
      played.push(asked);
    }
    expect(played).toContain("id");
    const { errors, data } = await shop.try(
      `query($ids: [ID!]!) { nodes(ids: $ids) { ... on ${type} { ${played.join(" ")} } } }`,
      { ids },
    );
    expect(
      errors?.map((error) => `${String(error.path?.at(-1))}: ${error.message}`),
    ).toBeUndefined();
    expect((data?.nodes as unknown[]).every((node) => node !== null)).toBe(true);
  });

  it("throws, where a field is not played, instead of looking empty", async () => {
    const { errors } = await shop.try(`{ shop { entitlements { __typename } } }`);
    expect(errors?.[0]?.extensions.code).toBe("SANDBOX_NOT_PLAYED");
    const root = await shop.try("{ articles(first: 1) { nodes { id } } }");
    expect(root.errors?.[0]?.extensions.code).toBe("SANDBOX_NOT_PLAYED");
  });

  it("answers null for an id that is of another shop, of another kind or of nothing", async () => {
    const other = shop.second.orders.get(40);
    const first = recent[0];
    const data = await shop.run<{ nodes: unknown[]; order: unknown; product: unknown }>(
      "query($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id } order(id: $id) { id } product(id: $id) { id } }",
      {
        id: `gid://shopify/Customer/${first?.id}`,
        ids: [
          `gid://shopify/Order/${other?.id}`,
          `gid://shopify/LineItem/${other?.lines[0]?.id}`,
          `gid://shopify/Product/${first?.id}`,
          "gid://shopify/Order/999999",
          "gid://elsewhere/Order/1",
          "order one",
        ],
      },
    );
    expect(data).toEqual({
      nodes: [null, null, null, null, null, null],
      order: null,
      product: null,
    });
  });
});

describe("amounts and moments", () => {
  it("are written as Shopify writes them", async () => {
    const { orders } = await shop.run<{
      orders: {
        nodes: {
          createdAt: string;
          totalPriceSet: {
            shopMoney: { amount: string };
            presentmentMoney: { amount: string; currencyCode: string };
          };
        }[];
      };
    }>(
      "{ orders(first: 200) { nodes { createdAt totalPriceSet { shopMoney { amount } presentmentMoney { amount currencyCode } } } } }",
    );
    for (const order of orders.nodes) {
      expect(order.createdAt).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
      expect(order.totalPriceSet.shopMoney.amount).toMatch(/^\d+\.(0|\d?[1-9])$/);
    }
    expect(
      orders.nodes.some((order) => order.totalPriceSet.presentmentMoney.currencyCode !== "EUR"),
    ).toBe(true);
  });

  it("agree between an order, its lines, its fulfillment orders and its stock", async () => {
    const order = recent.findLast((candidate) => claims(candidate).length > 0);
    const data = await shop.run<{
      order: {
        lineItems: { nodes: { id: string; quantity: number; unfulfilledQuantity: number }[] };
        fulfillmentOrders: {
          nodes: {
            lineItems: {
              nodes: {
                remainingQuantity: number;
                lineItem: { id: string };
                variant: {
                  inventoryItem: {
                    inventoryLevel: { quantities: { name: string; quantity: number }[] };
                  };
                };
              }[];
            };
          }[];
        };
      };
    }>(
      `query($id: ID!, $location: ID!) { order(id: $id) {
        lineItems(first: 50) { nodes { id quantity unfulfilledQuantity } }
        fulfillmentOrders(first: 10) { nodes { lineItems(first: 50) { nodes { remainingQuantity lineItem { id }
          variant { inventoryItem { inventoryLevel(locationId: $location) { quantities(names: ["available", "committed", "on_hand"]) { name quantity } } } } } } } } } }`,
      {
        id: `gid://shopify/Order/${order?.id}`,
        location: `gid://shopify/Location/${order?.fulfillmentOrders[0]?.locationId}`,
      },
    );
    const parts = data.order.fulfillmentOrders.nodes.flatMap((part) => part.lineItems.nodes);
    for (const line of data.order.lineItems.nodes) {
      const waiting = parts
        .filter((part) => part.lineItem.id === line.id)
        .reduce((sum, part) => sum + part.remainingQuantity, 0);
      expect(line.unfulfilledQuantity).toBe(waiting);
      expect(waiting).toBeLessThanOrEqual(line.quantity);
    }
    for (const part of parts) {
      const quantities = Object.fromEntries(
        part.variant.inventoryItem.inventoryLevel.quantities.map(({ name, quantity }) => [
          name,
          quantity,
        ]),
      );
      expect(quantities.committed).toBeGreaterThanOrEqual(part.remainingQuantity);
      expect(quantities.on_hand).toBeGreaterThanOrEqual(
        (quantities.available ?? 0) + (quantities.committed ?? 0),
      );
    }
  });
});
