import type { Handler } from "./handler.ts";
import { dataRequest, redactCustomer, redactShop } from "./compliance.server.ts";
import { connectLevel, disconnectLevel, updateLevel } from "./handlers/inventory.server.ts";
import { deleteLocation, updateLocation } from "./handlers/locations.server.ts";
import { deleteOrder, updateOrder } from "./handlers/orders.server.ts";
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
  "products/create": updateProduct,
  "products/update": updateProduct,
  "products/delete": deleteProduct,
  "inventory_levels/connect": connectLevel,
  "inventory_levels/update": updateLevel,
  "inventory_levels/disconnect": disconnectLevel,
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
