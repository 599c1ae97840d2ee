import { describe, expect, it } from "vitest";
import { currentTotal, totalPrice } from "../../../sandbox/shopify/shop/order-state.ts";
import type { Order } from "../../../sandbox/shopify/shop/model.ts";
import { fulfillmentPayload } from "../../../sandbox/shopify/shop/payloads/fulfillment.ts";
import {
  inventoryItemPayload,
  locationPayload,
} from "../../../sandbox/shopify/shop/payloads/inventory.ts";
import { orderPayload } from "../../../sandbox/shopify/shop/payloads/order.ts";
import { productPayload } from "../../../sandbox/shopify/shop/payloads/product.ts";
import { redactPayload } from "../../../sandbox/shopify/redaction.ts";
import { ordersOf } from "./claims.ts";
import { bench } from "./harness.ts";

/** The top-level fields of Shopify's published sample payloads. */
const orderFields =
  "admin_graphql_api_id app_id billing_address browser_ip buyer_accepts_marketing cancel_reason cancelled_at cart_token checkout_id checkout_token client_details closed_at company confirmation_number confirmed contact_email created_at currency current_shipping_price_set current_subtotal_price current_subtotal_price_set current_total_additional_fees_set current_total_discounts current_total_discounts_set current_total_duties_set current_total_price current_total_price_set current_total_tax current_total_tax_set customer customer_locale device_id discount_applications discount_codes duties_included email estimated_taxes financial_status fulfillment_status fulfillments id landing_site landing_site_ref line_items location_id merchant_business_entity_id merchant_of_record_app_id name note note_attributes number order_number order_status_url original_total_additional_fees_set original_total_duties_set payment_gateway_names payment_terms phone po_number presentment_currency processed_at reference referring_site refunds returns shipping_address shipping_lines source_identifier source_name source_url subtotal_price subtotal_price_set tags tax_exempt tax_lines taxes_included test token total_cash_rounding_payment_adjustment_set total_cash_rounding_refund_adjustment_set total_discounts total_discounts_set total_line_items_price total_line_items_price_set total_outstanding total_price total_price_set total_shipping_price_set total_tax total_tax_set total_tip_received total_weight updated_at user_id".split(
    " ",
  );

const lineFields =
  "admin_graphql_api_id attributed_staffs current_quantity discount_allocations duties fulfillable_quantity fulfillment_service fulfillment_status gift_card grams id name price price_set product_exists product_id properties quantity requires_shipping sales_line_item_group_id sku tax_lines taxable title total_discount total_discount_set variant_id variant_inventory_management variant_title vendor".split(
    " ",
  );

const productFields =
  "admin_graphql_api_id body_html category created_at handle has_variants_that_requires_components id image images media options product_type published_at published_scope status tags template_suffix title updated_at variant_gids variants vendor".split(
    " ",
  );

const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}$/;

function sorted(value: object): string[] {
  return Object.keys(value).sort();
}

describe("webhook payloads", () => {
  const shop = bench({ orders: 120 });
  const sample = (holds: (order: Order) => boolean): Order => {
    const found = [...ordersOf(shop.shop)].find(holds);
    if (!found) throw new Error("no such order");
    return found;
  };

  it("carry all the fields of the published order sample", () => {
    const payload = orderPayload(
      shop.shop,
      sample((order) => order.fulfillments.length > 0),
    );
    expect(sorted(payload)).toEqual(orderFields);
    expect(sorted(payload.line_items[0] ?? {})).toEqual(lineFields);
  });

  it("name moments in the shop's time zone, in whole seconds", () => {
    const order = sample((candidate) => candidate.closedAt !== null);
    const payload = orderPayload(shop.shop, order);
    for (const at of [
      payload.created_at,
      payload.updated_at,
      payload.processed_at,
      payload.closed_at,
    ]) {
      expect(at).toMatch(moment);
    }
    expect(Date.parse(payload.updated_at ?? "")).toBe(order.updatedAt * 1_000);
  });

  it("amount to what the API says, in both currencies", () => {
    for (const order of ordersOf(shop.shop)) {
      const payload = orderPayload(shop.shop, order);
      expect(Number(payload.total_price)).toBeCloseTo(totalPrice(order).shop / 100, 2);
      expect(Number(payload.current_total_price)).toBeCloseTo(currentTotal(order).shop / 100, 2);
      expect(payload.total_price_set.presentment_money.currency_code).toBe(
        order.presentmentCurrency,
      );
      expect(payload.total_price).toMatch(/^\d+\.\d\d$/);
    }
  });

  it("use the words of the REST API for statuses", () => {
    const words = (holds: (order: Order) => boolean) => {
      const payload = orderPayload(shop.shop, sample(holds));
      return [payload.financial_status, payload.fulfillment_status];
    };
    const row = (order: Order) => shop.shop.orders.row(order.ordinal);
    expect(
      words(
        (order) =>
          row(order).financial === "PARTIALLY_REFUNDED" && row(order).fulfillment === "FULFILLED",
      ),
    ).toEqual(["partially_refunded", "fulfilled"]);
    expect(words((order) => row(order).fulfillment === "PARTIALLY_FULFILLED")[1]).toBe("partial");
    expect(words((order) => row(order).fulfillment === "ON_HOLD")[1]).toBeNull();
  });

  it("carry everything of products, fulfillments, stock and places", () => {
    const product = [...shop.shop.products.values()][2];
    const order = sample((candidate) => candidate.fulfillments.length > 0);
    const [fulfillment] = order.fulfillments;
    const item = product?.variants[0]?.item;
    const location = [...shop.shop.locations.values()][0];
    if (!product || !fulfillment || !item || !location) throw new Error("something is missing");
    const payload = productPayload(shop.shop, product);
    expect(sorted(payload)).toEqual(productFields);
    expect(payload.variants[0]).toMatchObject({
      inventory_item_id: item.id,
      product_id: product.id,
    });
    expect(fulfillmentPayload(shop.shop, fulfillment)).toMatchObject({
      order_id: order.id,
      status: "success",
      tracking_number: fulfillment.tracking.numbers[0] ?? null,
      location_id: fulfillment.locationId,
      admin_graphql_api_id: `gid://shopify/Fulfillment/${fulfillment.id}`,
    });
    expect(inventoryItemPayload(shop.shop, item)).toMatchObject({
      id: item.id,
      sku: item.variant.sku,
      tracked: true,
    });
    expect(locationPayload(shop.shop, location)).toMatchObject({
      id: location.id,
      name: location.name,
      active: true,
    });
  });

  it("can be sent as JSON", () => {
    for (const order of ordersOf(shop.shop)) {
      expect(JSON.parse(JSON.stringify(orderPayload(shop.shop, order)))).toMatchObject({
        id: order.id,
      });
    }
  });
});

describe("payloads for an app that is not approved for all protected data", () => {
  const shop = bench({ orders: 60 });
  const order = [...ordersOf(shop.shop)].find(
    (candidate) => candidate.email !== null && candidate.fulfillments.length > 0,
  ) as Order;
  const payload = orderPayload(shop.shop, order);

  it("say nothing of persons without level 2", () => {
    const redacted = JSON.stringify(
      redactPayload("orders/updated", payload, { level1: true, level2: false }),
    );
    const { shippingAddress } = order;
    for (const secret of [
      order.email,
      shippingAddress?.lastName,
      shippingAddress?.address1,
      shippingAddress?.zip,
    ]) {
      expect(JSON.stringify(payload)).toContain(JSON.stringify(secret));
      expect(redacted).not.toContain(JSON.stringify(secret));
    }
    expect(JSON.parse(redacted)).toMatchObject({
      id: order.id,
      total_price: payload.total_price,
      email: null,
    });
  });

  it("are not sent at all without level 1, unless they are not about customers", () => {
    const nothing = { level1: false, level2: false };
    expect(redactPayload("orders/updated", payload, nothing)).toBeUndefined();
    expect(redactPayload("fulfillments/create", payload, nothing)).toBeUndefined();
    const product = { id: 1 };
    expect(redactPayload("products/update", product, nothing)).toBe(product);
  });
});

describe("a shop's own life", () => {
  it("adds products with numbers of their own, and tells", async () => {
    const shop = bench({ orders: 10 });
    const product = shop.shop.life.addProduct("Kite");
    expect(shop.topics()).toEqual([
      "products/create",
      ...product.variants.map(() => "inventory_items/create"),
      ...product.variants.flatMap(() => [
        "inventory_levels/connect",
        "inventory_levels/connect",
        "inventory_levels/connect",
      ]),
    ]);
    const data = await shop.run<{
      product: { title: string; totalInventory: number; featuredMedia: object };
    }>("query($id: ID!) { product(id: $id) { title totalInventory featuredMedia { alt } } }", {
      id: `gid://shopify/Product/${product.id}`,
    });
    expect(data.product).toEqual({
      title: "Kite",
      totalInventory: 0,
      featuredMedia: { alt: "Kite" },
    });
    expect(shop.shop.products.size).toBe(251);
  });

  it("places orders that claim stock, and tells", () => {
    const shop = bench({ orders: 40 });
    const [order] = shop.shop.placeOrders(1);
    expect(shop.topics().slice(0, 2)).toEqual([
      "orders/create",
      "fulfillment_orders/order_routing_complete",
    ]);
    expect(shop.topics()).toEqual(
      expect.arrayContaining(["inventory_levels/update", "products/update"]),
    );
    expect(shop.events[0]).toMatchObject({
      resourceId: `gid://shopify/Order/${order?.id}`,
      payload: { id: order?.id, admin_graphql_api_id: `gid://shopify/Order/${order?.id}` },
      triggeredAt: shop.context.now(),
    });
    expect(order?.name).toBe(`#${1_001 + (order?.ordinal ?? 0)}`);
    expect(shop.shop.ledger).toEqual([]);
  });

  it("never sells what is not there", () => {
    const shop = bench({ orders: 40 });
    const oversold = () =>
      [...shop.shop.items.values()]
        .filter((item) => item.variant.inventoryPolicy === "DENY")
        .flatMap((item) => item.levels)
        .filter((level) => level.quantities.available < 0).length;
    const before = oversold();
    shop.shop.placeOrders(300);
    expect(oversold()).toBe(before);
  });

  it("tells of edits, deletions, counts and places", () => {
    const shop = bench({ orders: 40 });
    const { life } = shop.shop;
    const product = shop.shop.editProduct();
    expect(shop.topics()).toEqual(["products/update"]);
    shop.events.length = 0;
    shop.shop.changeStock();
    expect(shop.topics()).toContain("inventory_levels/update");
    shop.events.length = 0;
    life.deleteProduct(product);
    expect(shop.topics()).toContain("inventory_items/delete");
    expect(shop.events.find((event) => event.topic === "products/delete")?.payload).toEqual({
      id: product.id,
    });
    shop.events.length = 0;
    const [place] = shop.shop.locations.values();
    if (!place) throw new Error("nowhere");
    life.editLocation(place, { name: "Neues Lager", isActive: false });
    expect(shop.topics()).toEqual(["locations/update", "locations/deactivate"]);
    shop.events.length = 0;
    const order = shop.shop.placeOrder();
    shop.events.length = 0;
    life.deleteOrder(order);
    expect(shop.events.filter((event) => event.topic.startsWith("orders/"))).toMatchObject([
      { topic: "orders/delete", payload: { id: order.id } },
    ]);
    expect(shop.shop.order(order.id)).toBeUndefined();
  });

  it("counts a customer's orders and spending as they happen", async () => {
    const shop = bench({ orders: 40 });
    const order = shop.shop.placeOrder();
    const customer = order.customerId === null ? undefined : shop.shop.customer(order.customerId);
    if (!customer) throw new Error("nobody bought it");
    const data = await shop.run<{
      customer: { numberOfOrders: string; orders: { nodes: { id: string }[] } };
    }>(
      "query($id: ID!) { customer(id: $id) { numberOfOrders orders(first: 50) { nodes { id } } } }",
      { id: `gid://shopify/Customer/${customer.id}` },
    );
    expect(data.customer.orders.nodes).toHaveLength(Number(data.customer.numberOfOrders));
    expect(data.customer.orders.nodes.at(-1)?.id).toBe(`gid://shopify/Order/${order.id}`);
  });
});

describe("productUpdate and productDelete", () => {
  it("edit what is named, tell, and refuse an empty title", async () => {
    const shop = bench({ orders: 10 });
    const [product] = shop.shop.products.values();
    const id = `gid://shopify/Product/${product?.id}`;
    const update = async (input: object) =>
      (
        await shop.run<{
          productUpdate: {
            product: { title: string; status: string; vendor: string } | null;
            userErrors: { field: string[]; message: string }[];
          };
        }>(
          "mutation($product: ProductUpdateInput!) { productUpdate(product: $product) { product { title status vendor } userErrors { field message } } }",
          { product: input },
        )
      ).productUpdate;
    expect(await update({ id, title: "Fjell Tent II", status: "DRAFT" })).toEqual({
      product: { title: "Fjell Tent II", status: "DRAFT", vendor: product?.vendor },
      userErrors: [],
    });
    expect(shop.topics()).toEqual(["products/update"]);
    expect((await update({ id, title: " " })).userErrors).toEqual([
      { field: ["title"], message: "Title can't be blank" },
    ]);
    expect(
      (await update({ id: "gid://shopify/Product/1", title: "x" })).userErrors[0]?.message,
    ).toBe("Product does not exist");
  });

  it("leave an order's lines quoting what is gone", async () => {
    const shop = bench({ orders: 60 });
    const order = [...ordersOf(shop.shop)].at(-1);
    const [line] = order?.lines ?? [];
    const data = await shop.run<{
      productDelete: { deletedProductId: string; userErrors: unknown[] };
    }>(
      "mutation($input: ProductDeleteInput!) { productDelete(input: $input) { deletedProductId userErrors { message } } }",
      { input: { id: `gid://shopify/Product/${line?.productId}` } },
    );
    expect(data.productDelete.userErrors).toEqual([]);
    const { order: read } = await shop.run<{
      order: {
        lineItems: {
          nodes: { title: string; product: unknown; variant: unknown; image: unknown }[];
        };
      };
    }>(
      "query($id: ID!) { order(id: $id) { lineItems(first: 1) { nodes { title product { id } variant { id } image { url } } } } }",
      { id: `gid://shopify/Order/${order?.id}` },
    );
    expect(read.lineItems.nodes[0]).toEqual({
      title: line?.title,
      product: null,
      variant: null,
      image: null,
    });
  });
});
