import { describe, expect, it } from "vitest";
import { createShops, productImage } from "../../../sandbox/shopify/shop/index.ts";
import type { ShopStore } from "../../../sandbox/shopify/shop/index.ts";
import { onHand } from "../../../sandbox/shopify/shop/catalogue.ts";
import { scenarioNames } from "../../../sandbox/shopify/shop/order-history.ts";
import {
  currentTotal,
  netPayment,
  outstanding,
  received,
  refunded,
  totalPrice,
} from "../../../sandbox/shopify/shop/order-state.ts";
import { expectStockToMatchClaims, ordersOf } from "./claims.ts";
import { bench, startOfTest } from "./harness.ts";

describe("the shops' data", () => {
  const [shop, second] = createShops({ seed: 7, now: startOfTest, clock: () => startOfTest }) as [
    ShopStore,
    ShopStore,
  ];

  it("has 250 products, 800 variants, 3 locations and 2,000 orders of the last 60 days", () => {
    const from = startOfTest.getTime() / 1_000 - 60 * 86_400;
    expect(shop.products.size).toBe(250);
    expect(shop.variants.size).toBe(800);
    expect(shop.locations.size).toBe(3);
    expect([...ordersOf(shop)].filter((order) => order.createdAt >= from)).toHaveLength(2_000);
  });

  it("has a second shop in another currency and time zone", () => {
    expect([shop.currency, shop.zone.name]).toEqual(["EUR", "Europe/Berlin"]);
    expect([second.currency, second.zone.name]).toEqual(["USD", "America/New_York"]);
    expect(second.orders.count).toBeGreaterThan(200);
  });

  it("is the same for the same seed and another for another", () => {
    const again = createShops({
      seed: 7,
      now: startOfTest,
      clock: () => startOfTest,
      orders: 120,
    })[0];
    const same = createShops({
      seed: 7,
      now: startOfTest,
      clock: () => startOfTest,
      orders: 120,
    })[0];
    const other = createShops({
      seed: 8,
      now: startOfTest,
      clock: () => startOfTest,
      orders: 120,
    })[0];
    const print = (store: ShopStore | undefined) =>
      JSON.stringify(
        [...ordersOf(store as ShopStore)].map((order) => [
          order.name,
          order.createdAt,
          order.email,
          totalPrice(order),
          order.lines.map((line) => line.sku),
        ]),
      );
    expect(print(again)).toBe(print(same));
    expect(print(again)).not.toBe(print(other));
  });

  it("tells an order of the past the same way every time", () => {
    const first = shop.orders.get(500);
    for (let ordinal = 0; ordinal < 1_000; ordinal++) shop.orders.get(ordinal + 600);
    const again = shop.orders.get(500);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });

  it("keeps the row of every order true to the order", () => {
    for (const order of ordersOf(shop)) {
      const row = shop.orders.row(order.ordinal);
      expect(row.updatedAt).toBe(order.updatedAt);
      expect(row.total).toBe(totalPrice(order).shop);
      expect(row.closed).toBe(order.closedAt !== null);
    }
  });

  it("has orders in every financial and fulfillment state that a shop of its own has", () => {
    const financial = new Set<string>();
    const fulfillment = new Set<string>();
    for (const order of ordersOf(shop)) {
      const row = shop.orders.row(order.ordinal);
      financial.add(row.financial);
      fulfillment.add(row.fulfillment);
    }
    expect([...financial].sort()).toEqual([
      "AUTHORIZED",
      "EXPIRED",
      "PAID",
      "PARTIALLY_PAID",
      "PARTIALLY_REFUNDED",
      "PENDING",
      "REFUNDED",
      "VOIDED",
    ]);
    expect([...fulfillment].sort()).toEqual([
      "FULFILLED",
      "IN_PROGRESS",
      "ON_HOLD",
      "PARTIALLY_FULFILLED",
      "SCHEDULED",
      "UNFULFILLED",
    ]);
    expect(scenarioNames).toHaveLength(19);
  });

  it("adds up: lines, shipping, taxes, discounts and payments of every order", () => {
    for (const side of ["shop", "presentment"] as const) {
      for (const order of [...ordersOf(shop), ...ordersOf(second)]) {
        let net = 0;
        for (const line of order.lines) {
          expect(line.quantity).toBeGreaterThan(0);
          expect(line.currentQuantity).toBeGreaterThanOrEqual(0);
          expect(line.discount[side]).toBeLessThanOrEqual(line.unitPrice[side] * line.quantity);
          net += line.unitPrice[side] * line.quantity - line.discount[side];
          if (!order.taxesIncluded) net += line.tax[side];
        }
        for (const line of order.shippingLines) {
          net +=
            line.price[side] - line.discount[side] + (order.taxesIncluded ? 0 : line.tax[side]);
        }
        expect(totalPrice(order)[side]).toBe(net);
        expect(refunded(order)[side]).toBeLessThanOrEqual(received(order)[side]);
        expect(netPayment(order)[side]).toBe(received(order)[side] - refunded(order)[side]);
        expect(currentTotal(order)[side]).toBeLessThanOrEqual(totalPrice(order)[side]);
        expect(outstanding(order)[side]).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("claims in stock exactly what open orders wait for", () => {
    expectStockToMatchClaims(shop);
    expectStockToMatchClaims(second);
  });

  it("has stock that is plentiful, low, out and oversold, and is physically there", () => {
    const available = [...shop.items.values()].flatMap((item) =>
      item.levels.map((level) => level.quantities.available),
    );
    expect(available.some((quantity) => quantity > 60)).toBe(true);
    expect(available.some((quantity) => quantity > 0 && quantity <= 5)).toBe(true);
    expect(available.some((quantity) => quantity === 0)).toBe(true);
    expect(available.some((quantity) => quantity < 0)).toBe(true);
    for (const item of shop.items.values()) {
      for (const level of item.levels) {
        if (item.variant.inventoryPolicy === "DENY")
          expect(onHand(level.quantities)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("puts nothing of the past into the future", () => {
    const now = startOfTest.getTime() / 1_000;
    for (const order of ordersOf(shop)) {
      expect(order.updatedAt).toBeLessThanOrEqual(now);
      expect(order.updatedAt).toBeGreaterThanOrEqual(order.createdAt);
      for (const fulfillment of order.fulfillments) {
        expect(fulfillment.createdAt).toBeGreaterThanOrEqual(order.createdAt);
      }
    }
  });

  it("is busiest in the evening and calm at night, on the shop's own clock", () => {
    const perHour = new Array<number>(24).fill(0);
    for (const order of ordersOf(shop)) {
      const { hour } = shop.zone.wallClock(order.createdAt);
      perHour[hour] = (perHour[hour] ?? 0) + 1;
    }
    const between = (from: number, to: number) =>
      perHour.slice(from, to).reduce((sum, count) => sum + count, 0);
    expect(between(18, 22)).toBeGreaterThan(5 * between(2, 6));
  });

  it("meets names of many kinds: long, with umlauts, Chinese, right to left, and none", () => {
    const names = Array.from({ length: shop.customerCount }, (_, ordinal) => {
      const customer = shop.customerAt(ordinal);
      return [customer?.firstName, customer?.lastName].filter(Boolean).join(" ");
    });
    expect(names.some((name) => name.length > 35)).toBe(true);
    expect(names.some((name) => /[äöüßÄÖÜ]/.test(name))).toBe(true);
    expect(names.some((name) => /\p{Script=Han}/u.test(name))).toBe(true);
    expect(names.some((name) => /\p{Script=Arabic}|\p{Script=Hebrew}/u.test(name))).toBe(true);
  });

  it("sells in several currencies", () => {
    const currencies = new Set([...ordersOf(shop)].map((order) => order.presentmentCurrency));
    expect(currencies.size).toBeGreaterThanOrEqual(5);
    expect(currencies).toContain("JPY");
  });

  it("writes to addresses that reach nobody", () => {
    for (let ordinal = 0; ordinal < shop.customerCount; ordinal++) {
      const email = shop.customerAt(ordinal)?.email;
      if (email) expect(email).toMatch(/@(example\.(com|org|net)|mail\.example)$/);
    }
  });

  it("draws a picture for every product", () => {
    for (const product of shop.products.values()) {
      const picture = productImage(shop, product.id);
      expect(picture).toMatch(/^<svg .*<\/svg>$/);
      expect(picture).toContain(product.title);
    }
    expect(productImage(shop, "gid://shopify/Product/1")).toBeUndefined();
  });

  it("holds 20,000 orders in little memory, since they are told when somebody looks", () => {
    const large = bench({ orders: 20_000 });
    expect(large.shop.orders.changedCount).toBe(0);
    large.shop.placeOrders(3);
    expect(large.shop.orders.changedCount).toBe(3);
  });
});
