import type { Handler } from "./handler.ts";
import { dataRequest, redactCustomer, redactShop } from "./compliance.server.ts";
import {
  connectLevel,
  disconnectLevel,
  updateItem,
  updateLevel,
} from "./handlers/inventory.server.ts";
import { deleteLocation, updateLocation } from "./handlers/locations.server.ts";
import { deleteOrder, updateFulfillmentOrder, updateOrder } from "./handlers/orders.server.ts";
import { deleteProduct, updateProduct } from "./handlers/products.server.ts";
import { uninstallApp, updateShop } from "./handlers/shop.server.ts";

/**
 * What Evenkeel does with each topic. shopify.app.toml subscribes to the same ones: a test holds the two
 * against each other.
 */
export const topics: Readonly<Record<string, Handler>> = {
  "orders/create": updateOrder,
  "orders/updated": updateOrder,
  "orders/delete": deleteOrder,
  "fulfillment_orders/order_routing_complete": updateFulfillmentOrder,
  "fulfillment_orders/placed_on_hold": updateFulfillmentOrder,
  "fulfillment_orders/hold_released": updateFulfillmentOrder,
  "fulfillment_orders/moved": updateFulfillmentOrder,
  "fulfillment_orders/split": updateFulfillmentOrder,
  "fulfillment_orders/merged": updateFulfillmentOrder,
  "fulfillment_orders/rescheduled": updateFulfillmentOrder,
  "fulfillment_orders/scheduled_fulfillment_order_ready": updateFulfillmentOrder,
  "fulfillment_orders/cancelled": updateFulfillmentOrder,
  "products/create": updateProduct,
  "products/update": updateProduct,
  "products/delete": deleteProduct,
  "inventory_levels/connect": connectLevel,
  "inventory_levels/update": updateLevel,
  "inventory_levels/disconnect": disconnectLevel,
  "inventory_items/update": updateItem,
  "locations/create": updateLocation,
  "locations/update": updateLocation,
  "locations/activate": updateLocation,
  "locations/deactivate": updateLocation,
  "locations/delete": deleteLocation,
  "app/uninstalled": uninstallApp,
  "shop/update": updateShop,
  "customers/data_request": dataRequest,
  "customers/redact": redactCustomer,
  "shop/redact": redactShop,
};
