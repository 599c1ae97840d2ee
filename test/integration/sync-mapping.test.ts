import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  levelFromNode,
  levelNode,
  levelPayload,
  locationFromNode,
  locationFromPayload,
  locationNode,
  locationPayload,
} from "../../app/inventory/mapping.server.ts";
import {
  orderFromNode,
  orderFromPayload,
  orderNode,
  orderPayload,
  type OrderRows,
} from "../../app/orders/mapping.server.ts";
import {
  productFromNode,
  productFromPayload,
  productNode,
  productPayload,
} from "../../app/products/mapping.server.ts";
import { globalId } from "../../app/shopify/ids.ts";
import { levelsPage } from "../../app/shopify/operations/inventory.ts";
import { locationsPage } from "../../app/shopify/operations/locations.ts";
import { orderById } from "../../app/shopify/operations/orders.ts";
import { productsById } from "../../app/shopify/operations/products.ts";
import type { Operation } from "../../app/shopify/operation.ts";
import { startShopify, type SandboxShopify } from "../sandbox/shopify/index.ts";
import {
  inventoryLevelPayload,
  locationPayload as tellLocation,
} from "../sandbox/shopify/shop/payloads/inventory.ts";
import { orderPayload as tellOrder } from "../sandbox/shopify/shop/payloads/order.ts";
import { productPayload as tellProduct } from "../sandbox/shopify/shop/payloads/product.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";

const shops = createShops({ orders: 700, searchLagMs: 0 });
let shopify: SandboxShopify<ShopStore>;

beforeAll(async () => {
  shopify = await startShopify<ShopStore>({
    app: { apiKey: "key", secret: "secret", url: () => "", scopes: [], webhooks: [] },
    shops,
  });
});
afterAll(async () => {
  await shopify?.close();
});

async function ask<Data, Variables extends Record<string, unknown>>(
  shop: ShopStore,
  operation: Operation<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, errors } = await shopify.asShopify(shop.domain, operation.text, variables);
  if (errors) throw errors[0] as Error;
  return data as Data;
}

/** What went over the wire as a webhook. */
const sent = (payload: object): unknown => JSON.parse(JSON.stringify(payload));

/** What both of the ways say of an order. */
function sharedByBoth({ order, lines, fulfillments }: OrderRows) {
  const { fulfillmentStatus } = order;
  const coarse = ["on_hold", "scheduled", "in_progress"].includes(fulfillmentStatus)
    ? "unfulfilled"
    : fulfillmentStatus;
  return {
    order: { ...order, fulfillmentStatus: coarse, locationIds: null, risk: null },
    lines: lines.map((line) => ({ ...line, imageUrl: null })),
    fulfillments,
  };
}

describe.each(shops)("of $name", (shop) => {
  test("every order says the same as an answer and as a webhook, as far as both say it", async () => {
    const kinds = new Set<string>();
    for (const ordinal of shop.orders.byNumber()) {
      const order = shop.orders.get(ordinal)!;
      const { order: node } = await ask(shop, orderById, {
        id: globalId("Order", order.id),
        personal: true,
      });
      const asked = sharedByBoth(orderFromNode(orderNode.parse(node)));
      const told = sharedByBoth(orderFromPayload(orderPayload.parse(sent(tellOrder(shop, order)))));
      const inOtherCurrency =
        order.refunds.length > 0 && order.presentmentCurrency !== shop.currency;
      if (inOtherCurrency) {
        // The payload gives refunds in the customer's currency: the amount is right to the cent or so only.
        const difference = Number(told.order.totalRefunded) - Number(asked.order.totalRefunded);
        expect(Math.abs(difference)).toBeLessThan(0.03 * order.refunds.length);
        expect({ ...told.order, totalRefunded: "" }).toEqual({ ...asked.order, totalRefunded: "" });
        expect({ ...told, order: null }).toEqual({ ...asked, order: null });
      } else {
        expect(told).toEqual(asked);
      }
      kinds.add(`${asked.order.paymentStatus}`).add(asked.order.fulfillmentStatus);
    }
    // The data must have had something to say.
    expect(kinds.size).toBeGreaterThan(6);
  });

  test("every product says the same as an answer and as a webhook, as far as both say it", async () => {
    for (const product of shop.products.values()) {
      const { nodes } = await ask(shop, productsById, { ids: [globalId("Product", product.id)] });
      const asked = productFromNode(productNode.parse(nodes[0]));
      const told = productFromPayload(productPayload.parse(sent(tellProduct(shop, product))));
      expect(told.product).toEqual(asked.product);
      expect(told.variants).toEqual(
        asked.variants.map((variant) => ({
          ...variant,
          // The payload does not say.
          tracked: null,
        })),
      );
    }
  });

  test("every location and level says the same as an answer and as a webhook", async () => {
    const { locations } = await ask(shop, locationsPage, { first: 50, after: null });
    for (const node of locations.nodes) {
      const asked = locationFromNode(locationNode.parse(node));
      const location = shop.locations.get(asked.id)!;
      const told = locationFromPayload(locationPayload.parse(sent(tellLocation(shop, location))));
      expect({ ...told, fulfillsOnlineOrders: null }).toEqual({
        ...asked,
        fulfillsOnlineOrders: null,
      });

      const answer = await ask(shop, levelsPage, {
        locationId: globalId("Location", asked.id),
        first: 200,
        after: null,
        query: null,
      });
      for (const one of answer.location!.inventoryLevels.nodes) {
        const level = levelFromNode(levelNode.parse(one), asked.id);
        const item = shop.items.get(level.inventoryItemId)!;
        const payload = levelPayload.parse(
          sent(inventoryLevelPayload(shop, shop.level(item, asked.id)!)),
        );
        expect(payload).toEqual({
          inventory_item_id: level.inventoryItemId,
          location_id: level.locationId,
          available: level.available,
          updated_at: level.updatedAt,
        });
      }
    }
  });
});
