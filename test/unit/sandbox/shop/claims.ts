import { expect } from "vitest";
import type { ShopStore } from "../../../sandbox/shopify/shop/index.ts";
import type { Order } from "../../../sandbox/shopify/shop/model.ts";
import { claims } from "../../../sandbox/shopify/shop/order-history.ts";

export function* ordersOf(shop: ShopStore): Iterable<Order> {
  for (let ordinal = 0; ordinal < shop.orders.length; ordinal++) {
    const order = shop.orders.get(ordinal);
    if (order) yield order;
  }
}

/** Holds that what is committed is exactly what open orders wait for, at every location. */
export function expectStockToMatchClaims(shop: ShopStore): void {
  const sums = new Map<string, number>();
  for (const order of ordersOf(shop)) {
    if (!order.claimsStock) continue;
    for (const { variantId, locationId, quantity } of claims(order)) {
      // What was deleted has no stock left to claim, and what is not counted has none.
      if (shop.variants.get(variantId)?.item.tracked !== true) continue;
      const key = `${variantId} ${locationId}`;
      sums.set(key, (sums.get(key) ?? 0) + quantity);
    }
  }
  for (const item of shop.items.values()) {
    for (const level of item.levels) {
      const key = `${item.variant.id} ${level.location.id}`;
      expect(level.quantities.committed, key).toBe(sums.get(key) ?? 0);
      sums.delete(key);
    }
  }
  expect([...sums]).toEqual([]);
}
