import { expect } from "vitest";
import type { ShopStore } from "../../sandbox/shopify/shop/index.ts";
import type { Order } from "../../sandbox/shopify/shop/model.ts";
import {
  currentQuantity,
  financialStatus,
  fulfillmentStatus,
  isActive,
  refunded,
  remainingQuantity,
  totalPrice,
} from "../../sandbox/shopify/shop/order-state.ts";
import type { ShopifyApp } from "./shopify-app.ts";
import { factsOf } from "./tables.ts";

const seconds = (at: number | null) => (at === null ? null : new Date(at * 1_000));

/** The orders that an app may see without a scope of its own: those of the last 60 days. */
export function visibleOrders(shop: ShopStore): Order[] {
  return shop.orders
    .byNumber()
    .map((ordinal) => shop.orders.get(ordinal)!)
    .filter(({ createdAt }) => createdAt >= shop.now() - 60 * 86_400);
}

/** What the order's row has to say, worked out from the shop's own books. */
export function rowOf(shop: ShopStore, order: Order) {
  const open = order.fulfillmentOrders.filter(isActive);
  return {
    name: order.name,
    placed_at: seconds(order.processedAt),
    updated_at: seconds(order.updatedAt),
    cancelled_at: seconds(order.cancelledAt),
    closed_at: seconds(order.closedAt),
    payment_status: financialStatus(order, shop.now()).toLowerCase(),
    fulfillment_status: fulfillmentStatus(order).toLowerCase(),
    currency: shop.currency,
    total: totalPrice(order).shop / 100,
    total_refunded: refunded(order).shop / 100,
    email: order.email,
    tags: [...order.tags].sort(),
    units: currentQuantity(order),
    units_to_fulfil: remainingQuantity(order),
    location_ids: [...new Set(open.map(({ locationId }) => locationId))].sort((a, b) => a - b),
    shipping_city: order.shippingAddress?.city ?? null,
    lines: order.lines.map((line) => [
      line.id,
      line.sku ?? "",
      line.quantity,
      line.unitPrice.shop / 100,
    ]),
    fulfillment_orders: order.fulfillmentOrders
      .map((one) => [
        one.id,
        one.status.toLowerCase(),
        one.lines.reduce((n, l) => n + l.remaining, 0),
      ])
      .sort(byId),
    fulfillments: order.fulfillments
      .map((one) => [
        one.id,
        one.status.toLowerCase(),
        one.tracking.numbers,
        one.lines.map(({ line, quantity }) => [line.id, quantity]).sort(byId),
      ])
      .sort(byId),
  };
}

const byId = (a: unknown[], b: unknown[]) => Number(a[0]) - Number(b[0]);

/** The orders in our tables, by their ids, as {@link rowOf} has them. */
export async function storedOrders(app: ShopifyApp, shop: string) {
  const rows = await app.owner<Record<string, unknown>[]>`
    select o.id, o.name, o.placed_at, o.updated_at, o.cancelled_at, o.closed_at, o.payment_status,
      o.fulfillment_status, o.currency, o.total, o.total_refunded, o.email, o.tags, o.units,
      o.units_to_fulfil, o.location_ids, o.shipping_address ->> 'city' as shipping_city,
      (select json_agg(json_build_array(l.id, l.sku, l.quantity, l.unit_price) order by l.position)
         from order_lines l where l.shop = o.shop and l.order_id = o.id) as lines,
      (select json_agg(json_build_array(f.id, f.status,
          (select coalesce(sum((line ->> 'remaining')::int), 0) from jsonb_array_elements(f.lines) line)) order by f.id)
         from fulfillment_orders f where f.shop = o.shop and f.order_id = o.id) as fulfillment_orders,
      (select json_agg(json_build_array(f.id, f.status,
          (select coalesce(json_agg(t ->> 'number'), '[]') from jsonb_array_elements(f.tracking) t
            where t ->> 'number' is not null),
          (select coalesce(json_agg(json_build_array(line -> 'lineId', line -> 'quantity') order by (line ->> 'lineId')::bigint), '[]')
             from jsonb_array_elements(f.lines) line)) order by f.id)
         from fulfillments f where f.shop = o.shop and f.order_id = o.id) as fulfillments
    from orders o where o.shop = ${shop} and o.deleted_at is null`;
  return new Map(
    rows.map(({ id, ...row }) => [
      Number(id),
      {
        ...row,
        total: Number(row.total),
        total_refunded: Number(row.total_refunded),
        location_ids: (row.location_ids as string[]).map(Number),
        lines: row.lines ?? [],
        fulfillment_orders: row.fulfillment_orders ?? [],
        fulfillments: row.fulfillments ?? [],
      },
    ]),
  );
}

/** Our tables hold what the shop's own books hold, no more and no less. */
export async function expectShopsContent(app: ShopifyApp, shop: ShopStore): Promise<void> {
  const stored = await storedOrders(app, shop.domain);
  const visible = visibleOrders(shop);
  expect([...stored.keys()].sort()).toEqual(visible.map(({ id }) => id).sort());
  for (const order of visible) expect(stored.get(order.id)).toEqual(rowOf(shop, order));

  const facts = await factsOf(app.owner, shop.domain, { deleted: false });
  expect(facts.locations.map(({ id, name }) => [id, name])).toEqual(
    [...shop.locations.values()].map(({ id, name }) => [id, name]).sort(byId),
  );
  expect(facts.products.map(({ id, title, variant_count }) => [id, title, variant_count])).toEqual(
    [...shop.products.values()]
      .map(({ id, title, variants }) => [id, title, variants.length])
      .sort(byId),
  );
  expect(
    facts.variants.map(({ id, sku, tracked, price }) => [id, sku, tracked, Number(price)]),
  ).toEqual(
    [...shop.variants.values()]
      .map(({ id, sku, item, price }) => [id, sku, item.tracked, price / 100])
      .sort(byId),
  );
  const levels = [...shop.items.values()]
    .flatMap(({ levels: all }) => all)
    .filter(({ isActive: active }) => active)
    .map(({ item, location, quantities: { available, committed, incoming } }) =>
      [item.id, location.id, available, committed, incoming].join(),
    );
  expect(
    facts.inventory_levels
      .map((row) =>
        [row.inventory_item_id, row.location_id, row.available, row.committed, row.incoming].join(),
      )
      .sort(),
  ).toEqual(levels.sort());
}
