import type postgres from "postgres";
import type { ShopStore } from "../../sandbox/shopify/shop/index.ts";
import type { Order } from "../../sandbox/shopify/shop/model.ts";

export function allOrders({ orders }: ShopStore): Order[] {
  return Array.from({ length: orders.length }, (_, ordinal) => orders.get(ordinal)).filter(
    (order) => order !== undefined,
  );
}

/** As much of the shop as commands look at before they are accepted. */
export async function insertFacts(owner: postgres.Sql, store: ShopStore): Promise<void> {
  const at = new Date(0);
  for (const { id, name, isActive } of store.locations.values()) {
    await owner`insert into locations (shop, id, name, active, updated_at)
      values (${store.domain}, ${id}, ${name}, ${isActive}, ${at})`;
  }
  for (const item of [...store.items.values()].slice(0, 50)) {
    await owner`insert into variants (shop, id, product_id, inventory_item_id, price, tracked, updated_at)
      values (${store.domain}, ${item.variant.id}, ${item.variant.product.id}, ${item.id}, 1, ${item.tracked}, ${at})`;
    for (const level of item.levels) {
      await owner`insert into inventory_levels
        (shop, inventory_item_id, location_id, available, updated_at)
        values (${store.domain}, ${item.id}, ${level.location.id}, ${level.quantities.available}, ${at})`;
    }
  }
  for (const order of allOrders(store)) {
    for (const part of order.fulfillmentOrders.filter(({ status }) => status === "OPEN")) {
      await owner`insert into orders (shop, id, name, placed_at, updated_at, payment_status,
          fulfillment_status, currency, total, subtotal, total_tax, total_shipping, total_discounts, total_refunded)
        values (${store.domain}, ${order.id}, ${order.name}, ${at}, ${at}, 'paid', 'unfulfilled', 'EUR', 0, 0, 0, 0, 0, 0)
        on conflict do nothing`;
      const lines = part.lines.map(({ id, line, remaining, total }) => ({
        id,
        lineId: line.id,
        total,
        remaining,
      }));
      await owner`insert into fulfillment_orders (shop, order_id, id, status, location_id, lines, updated_at)
        values (${store.domain}, ${order.id}, ${part.id}, 'open', ${part.locationId}, ${owner.json(lines)}, ${at})`;
    }
  }
}
