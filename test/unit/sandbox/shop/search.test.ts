import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../sandbox/shopify/shop/index.ts";
import { bench } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface Nodes<T> {
  nodes: T[];
}

interface Found {
  id: string;
  name: string;
  createdAt: string;
  updatedAt: string;
  tags: string[];
  displayFinancialStatus: string;
  displayFulfillmentStatus: string;
  email: string | null;
  closed: boolean;
  cancelledAt: string | null;
  currentTotalPriceSet: { shopMoney: { amount: string } };
  lineItems: Nodes<{ sku: string }>;
  customer: { id: string } | null;
}

const orders = async (shop: Bench, query: string) =>
  (
    await shop.run<{ orders: Nodes<Found> }>(
      `query($query: String) { orders(first: 250, query: $query) { nodes {
        id name createdAt updatedAt tags displayFinancialStatus displayFulfillmentStatus email closed cancelledAt
        currentTotalPriceSet { shopMoney { amount } } customer { id } lineItems(first: 50) { nodes { sku } } } } }`,
      { query },
    )
  ).orders.nodes;

describe("searching a shop", () => {
  const shop = bench({ orders: 240 });

  it("finds orders by each of their filters, and nothing else", async () => {
    const all = await orders(shop, "");
    expect(all).toHaveLength(240);
    const [sample] = all.filter((order) => order.email && order.tags.length > 0 && order.customer);
    if (!sample) throw new Error("no order has it all");
    const same = async (query: string, holds: (order: Found) => boolean) => {
      const found = await orders(shop, query);
      expect(found.map((order) => order.id).sort(), query).toEqual(
        all
          .filter(holds)
          .map((order) => order.id)
          .sort(),
      );
      expect(found.length, query).toBeGreaterThan(0);
    };
    await same(`name:${sample.name}`, (order) => order.name === sample.name);
    await same(`name:${sample.name.slice(1)}`, (order) => order.name === sample.name);
    await same(`email:"${sample.email}"`, (order) => order.email === sample.email);
    await same(`tag:'${sample.tags[0]}'`, (order) =>
      order.tags.some((tag) => tag.toLowerCase() === sample.tags[0]?.toLowerCase()),
    );
    await same(
      `tag_not:'${sample.tags[0]}'`,
      (order) => !order.tags.includes(sample.tags[0] ?? ""),
    );
    await same("financial_status:paid", (order) => order.displayFinancialStatus === "PAID");
    await same("financial_status:paid,pending", (order) =>
      ["PAID", "PENDING"].includes(order.displayFinancialStatus),
    );
    await same(
      "fulfillment_status:fulfilled",
      (order) => order.displayFulfillmentStatus === "FULFILLED",
    );
    await same(
      "fulfillment_status:partial",
      (order) => order.displayFulfillmentStatus === "PARTIALLY_FULFILLED",
    );
    await same(
      "fulfillment_status:on_hold",
      (order) => order.displayFulfillmentStatus === "ON_HOLD",
    );
    await same("status:cancelled", (order) => order.cancelledAt !== null);
    await same("status:open", (order) => !order.closed && order.cancelledAt === null);
    await same("status:closed", (order) => order.closed && order.cancelledAt === null);
    await same(
      "current_total_price:>=200",
      (order) => Number(order.currentTotalPriceSet.shopMoney.amount) >= 200,
    );
    const sku = sample.lineItems.nodes[0]?.sku ?? "";
    await same(`sku:${sku}`, (order) => order.lineItems.nodes.some((line) => line.sku === sku));
    await same(
      `customer_id:${sample.customer?.id.split("/").at(-1)}`,
      (order) => order.customer?.id === sample.customer?.id,
    );
    await same(
      `created_at:>='${sample.createdAt}'`,
      (order) => order.createdAt >= sample.createdAt,
    );
    await same(
      `updated_at:>='${sample.updatedAt}' updated_at:<='${sample.updatedAt}'`,
      (order) => order.updatedAt === sample.updatedAt,
    );
  });

  it("finds an order by its customer's name, its number and what was bought, without a field", async () => {
    const [sample] = await orders(shop, "status:open");
    if (!sample) throw new Error("nothing is open");
    expect((await orders(shop, sample.name.slice(1))).map((order) => order.id)).toContain(
      sample.id,
    );
    expect(
      (await orders(shop, sample.lineItems.nodes[0]?.sku ?? "?")).map((order) => order.id),
    ).toContain(sample.id);
  });

  it("finds products, variants, customers and inventory items by their filters", async () => {
    const data = await shop.run<{
      products: Nodes<{ status: string; productType: string }>;
      drafts: Nodes<{ status: string }>;
      variants: Nodes<{ sku: string; inventoryQuantity: number }>;
      customers: Nodes<{ firstName: string }>;
      items: Nodes<{ sku: string }>;
    }>(`{
      products(first: 250, query: "product_type:Tents status:active") { nodes { status productType } }
      drafts: products(first: 250, query: "status:draft,archived") { nodes { status } }
      variants: productVariants(first: 250, query: "sku:TNT* inventory_quantity:<=40") { nodes { sku inventoryQuantity } }
      customers(first: 50, query: "first_name:Anna") { nodes { firstName } }
      items: inventoryItems(first: 5, query: "sku:TNT-FJE-0001") { nodes { sku } }
    }`);
    expect(data.products.nodes.length).toBeGreaterThan(5);
    expect(
      data.products.nodes.every(
        (product) => product.productType === "Tents" && product.status === "ACTIVE",
      ),
    ).toBe(true);
    expect(data.drafts.nodes.length).toBeGreaterThan(3);
    expect(data.drafts.nodes.every((product) => product.status !== "ACTIVE")).toBe(true);
    expect(data.variants.nodes.length).toBeGreaterThan(0);
    expect(
      data.variants.nodes.every(
        (variant) => variant.sku.startsWith("TNT") && variant.inventoryQuantity <= 40,
      ),
    ).toBe(true);
    expect(data.customers.nodes.every((customer) => customer.firstName === "Anna")).toBe(true);
    expect(data.items.nodes).toEqual([{ sku: "TNT-FJE-0001" }]);
  });

  it("counts what it lists, up to the limit that is asked for", async () => {
    const data = await shop.run<Record<string, { count: number; precision: string }>>(`{
      all: ordersCount(limit: null) { count precision }
      some: ordersCount(query: "financial_status:paid") { count precision }
      limited: ordersCount(limit: 10) { count precision }
      products: productsCount { count precision }
    }`);
    expect(data.all).toEqual({ count: 240, precision: "EXACT" });
    expect(data.some?.count).toBe((await orders(shop, "financial_status:paid")).length);
    expect(data.limited).toEqual({ count: 10, precision: "AT_LEAST" });
    expect(data.products).toEqual({ count: 250, precision: "EXACT" });
  });
});

describe("searches that lag behind writes", () => {
  const lagging = () => bench({ orders: 60, searchLagMs: 60_000, random: new SeededRandom(3) });

  const tag = (shop: Bench, id: string, value: string) =>
    shop.run(
      "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { message } } }",
      {
        id,
        tags: [value],
      },
    );

  it("shows a write by id at once, and in a search within a minute", async () => {
    const shop = lagging();
    const [order] = await orders(shop, "status:open");
    if (!order) throw new Error("nothing is open");
    await tag(shop, order.id, "rush");
    const { byId } = await shop.run<{ byId: { tags: string[] } }>(
      "query($id: ID!) { byId: order(id: $id) { tags } }",
      { id: order.id },
    );
    expect(byId.tags).toContain("rush");
    expect(await orders(shop, "tag:rush")).toEqual([]);
    shop.advance(60_000);
    expect((await orders(shop, "tag:rush")).map((found) => found.id)).toEqual([order.id]);
  });

  it("hides a new order from searches, but not from an unfiltered list", async () => {
    const shop = lagging();
    const placed = shop.shop.placeOrder();
    expect(await orders(shop, `name:${placed.name}`)).toEqual([]);
    const { orders: newest } = await shop.run<{ orders: Nodes<{ name: string }> }>(
      "{ orders(first: 1, sortKey: CREATED_AT, reverse: true) { nodes { name } } }",
    );
    expect(newest.nodes[0]?.name).toBe(placed.name);
    shop.advance(60_000);
    expect(await orders(shop, `name:${placed.name}`)).toHaveLength(1);
  });

  it("misses an update to a reader without overlap, as Shopify may", async () => {
    const shop = lagging();
    const [order] = await orders(shop, "status:open");
    if (!order) throw new Error("nothing is open");
    shop.advance(5_000);
    await tag(shop, order.id, "late");
    const since = new Date(shop.context.now().getTime() - 1_000).toISOString();
    expect(await orders(shop, `updated_at:>='${since}'`)).toEqual([]);
    shop.advance(60_000);
    expect((await orders(shop, `updated_at:>='${since}'`)).map((found) => found.id)).toEqual([
      order.id,
    ]);
  });

  it("lags for products, drafts and stock levels too", async () => {
    const shop = lagging();
    const product = [...shop.shop.products.values()][0];
    if (!product) throw new Error("nothing to sell");
    await shop.run(
      'mutation($id: ID!) { productUpdate(product: { id: $id, title: "Zebra crossing" }) { userErrors { message } } draftOrderCreate(input: { note: "zebra", lineItems: [{ title: "Zebra", quantity: 1, originalUnitPrice: "5" }] }) { userErrors { message } } }',
      { id: `gid://shopify/Product/${product.id}` },
    );
    shop.shop.changeStock();
    const since = new Date(shop.context.now().getTime() - 1_000).toISOString();
    const look = () =>
      shop.run<{
        products: Nodes<unknown>;
        draftOrders: Nodes<unknown>;
        locations: Nodes<{ inventoryLevels: Nodes<unknown> }>;
      }>(
        `query($levels: String) { products(first: 5, query: "zebra") { nodes { id } } draftOrders(first: 5, query: "zebra") { nodes { id } }
          locations(first: 5) { nodes { inventoryLevels(first: 5, query: $levels) { nodes { id } } } } }`,
        { levels: `updated_at:>='${since}'` },
      );
    const levels = (data: Awaited<ReturnType<typeof look>>) =>
      data.locations.nodes.flatMap((location) => location.inventoryLevels.nodes);
    const early = await look();
    expect([early.products.nodes, early.draftOrders.nodes, levels(early)]).toEqual([[], [], []]);
    shop.advance(60_000);
    const late = await look();
    expect([
      late.products.nodes.length,
      late.draftOrders.nodes.length,
      levels(late).length,
    ]).toEqual([1, 1, 1]);
  });

  it("sees everything at once when the lag is switched off", async () => {
    const shop = lagging();
    shop.shop.searchLagMs = 0;
    const placed = shop.shop.placeOrder();
    expect(await orders(shop, `name:${placed.name}`)).toHaveLength(1);
  });
});

describe("the window of 60 days", () => {
  it("hides older orders from lists, searches and reads by id without read_all_orders", async () => {
    const shop = bench({ orders: 200 });
    const old = shop.shop.orders.get(0);
    if (!old) throw new Error("there is no old order");
    const id = `gid://shopify/Order/${old.id}`;
    const read = () =>
      shop.run<{
        order: unknown;
        node: unknown;
        orders: Nodes<unknown>;
        ordersCount: { count: number };
      }>(
        "query($id: ID!, $name: String) { order(id: $id) { id } node(id: $id) { id } orders(first: 3, query: $name) { nodes { id } } ordersCount { count } }",
        { id, name: `name:${old.name}` },
      );
    expect(await read()).toEqual({
      order: null,
      node: null,
      orders: { nodes: [] },
      ordersCount: { count: 200 },
    });
    shop.context = Object.assign(shop.context, {
      scopes: new Set(["read_orders", "read_all_orders"]),
    });
    expect(await read()).toEqual({
      order: { id },
      node: { id },
      orders: { nodes: [{ id }] },
      ordersCount: { count: 205 },
    });
  });

  it("moves on with time", async () => {
    const shop = bench({ orders: 200 });
    const count = async () =>
      (await shop.run<{ ordersCount: { count: number } }>("{ ordersCount { count } }")).ordersCount
        .count;
    expect(await count()).toBe(200);
    shop.advance(10 * 86_400_000);
    expect(await count()).toBeLessThan(190);
  });
});
