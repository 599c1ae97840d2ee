import type { ReadThrough } from "../continuity/read-through.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { listInventory, listLocations } from "../inventory/queries.server.ts";
import { getOrder, listOrders } from "../orders/queries.server.ts";
import { getOverview, getShop } from "../overview/queries.server.ts";
import { getProduct, listProducts } from "../products/queries.server.ts";
import { getSettings } from "../settings/settings.server.ts";
import type { Sync } from "../sync/sync.server.ts";
import { listSavedViews } from "../views/saved-views.server.ts";

/**
 * What pages read, each with the last answer behind it: while the database is away, a page that was open
 * before can be opened again, and says how old it is.
 */
export function createPageReads(cluster: Cluster, sync: Sync, reads: ReadThrough) {
  const through =
    <Input extends unknown[], T>(
      name: string,
      query: (cluster: Cluster, shop: string, ...input: Input) => Promise<Sourced<T>>,
    ) =>
    (shop: string, ...input: Input): Promise<Sourced<T>> =>
      reads.read({ shop, name, input }, () => query(cluster, shop, ...input));

  return {
    getOverview: through("overview", getOverview),
    getShop: through("shop", getShop),
    getSettings: through("settings", getSettings),
    listOrders: through("orders", listOrders),
    getOrder: through("order", getOrder),
    listInventory: through("inventory", listInventory),
    listLocations: through("locations", listLocations),
    listProducts: through("products", listProducts),
    getProduct: through("product", getProduct),
    syncProgress: (shop: string) => reads.read({ shop, name: "sync" }, () => sync.progress(shop)),
    listSavedViews: through("views", listSavedViews),
  };
}

export type PageReads = ReturnType<typeof createPageReads>;
