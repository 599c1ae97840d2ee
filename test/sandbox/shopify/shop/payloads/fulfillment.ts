import { gid } from "../ids.ts";
import type { Fulfillment, FulfillmentOrder, LineItem } from "../model.ts";
import { fulfilledOfLine, remainingOfLine } from "../order-state.ts";
import { fixedAmount } from "../money.ts";
import type { ShopStore } from "../store.ts";
import { addressPayload, moment, moneySet } from "./common.ts";

/** A line item as orders and fulfillments carry it. */
export function lineItemPayload(store: ShopStore, line: LineItem) {
  const { order } = line;
  const set = (money: Parameters<typeof moneySet>[1]) =>
    moneySet(store, money, order.presentmentCurrency);
  const fulfilled = fulfilledOfLine(line);
  const remaining = remainingOfLine(line);
  return {
    id: line.id,
    admin_graphql_api_id: gid("LineItem", line.id),
    attributed_staffs: [],
    current_quantity: line.currentQuantity,
    fulfillable_quantity: remaining,
    fulfillment_service: "manual",
    fulfillment_status: fulfilled === 0 ? null : remaining > 0 ? "partial" : "fulfilled",
    gift_card: false,
    grams: line.grams,
    name: line.variantTitle ? `${line.title} - ${line.variantTitle}` : line.title,
    price: fixedAmount(line.unitPrice.shop, store.currency),
    price_set: set(line.unitPrice),
    product_exists: line.productId !== null && store.products.has(line.productId),
    product_id: line.productId,
    properties: line.attributes.map(({ key, value }) => ({ name: key, value })),
    quantity: line.quantity,
    requires_shipping: line.requiresShipping,
    sales_line_item_group_id: null,
    sku: line.sku ?? "",
    taxable: line.taxable,
    title: line.title,
    total_discount: "0.00",
    total_discount_set: set({ shop: 0, presentment: 0 }),
    variant_id: line.variantId,
    variant_inventory_management: line.variantId === null ? null : "shopify",
    variant_title: line.variantTitle,
    vendor: line.vendor,
    tax_lines:
      line.tax.shop === 0
        ? []
        : [
            {
              channel_liable: false,
              price: fixedAmount(line.tax.shop, store.currency),
              price_set: set(line.tax),
              rate: order.taxRate,
              title: order.taxTitle,
            },
          ],
    duties: [],
    discount_allocations:
      line.discount.shop === 0
        ? []
        : [
            {
              amount: fixedAmount(line.discount.shop, store.currency),
              amount_set: set(line.discount),
              discount_application_index: 0,
            },
          ],
  };
}

/** `fulfillments/create` and `fulfillments/update`. */
export function fulfillmentPayload(store: ShopStore, fulfillment: Fulfillment) {
  const { order } = fulfillment;
  const address = addressPayload(order.shippingAddress);
  return {
    id: fulfillment.id,
    order_id: order.id,
    status: fulfillment.status === "SUCCESS" ? "success" : "cancelled",
    created_at: moment(store, fulfillment.createdAt),
    service: "manual",
    updated_at: moment(store, fulfillment.updatedAt),
    tracking_company: fulfillment.tracking.company,
    shipment_status:
      fulfillment.deliveredAt !== null
        ? "delivered"
        : fulfillment.inTransitAt !== null
          ? "in_transit"
          : null,
    location_id: fulfillment.locationId,
    origin_address: null,
    email: order.email,
    destination: address,
    line_items: fulfillment.lines.map(({ line, quantity }) => ({
      ...lineItemPayload(store, line),
      quantity,
    })),
    tracking_number: fulfillment.tracking.numbers[0] ?? null,
    tracking_numbers: fulfillment.tracking.numbers,
    tracking_url: fulfillment.tracking.urls[0] ?? null,
    tracking_urls: fulfillment.tracking.urls,
    receipt: {},
    name: fulfillment.name,
    admin_graphql_api_id: gid("Fulfillment", fulfillment.id),
  };
}

/** What every `fulfillment_orders/*` topic carries of the fulfillment order itself: its global id and status. */
export function fulfillmentOrderPayload(fulfillmentOrder: FulfillmentOrder) {
  return {
    id: gid("FulfillmentOrder", fulfillmentOrder.id),
    status: fulfillmentOrder.status.toLowerCase(),
  };
}
