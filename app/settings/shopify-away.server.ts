import { LRUCache } from "lru-cache";
import type { AdminClient } from "../shopify/admin.server.ts";
import { ShopifyError } from "../shopify/errors.ts";

/** How long what was found out about a shop is good for: an import asks Shopify many times a second. */
const KNOWN_FOR_MS = 1_000;
const MOST_SHOPS = 1_000;

/**
 * Keeps Admin clients from asking Shopify in shops where somebody has said that it is to be taken for away.
 *
 * @param isAway - Looks up whether that is so.
 */
export function createShopifyGate(
  isAway: (shop: string) => Promise<boolean>,
): (admin: AdminClient) => AdminClient {
  const known = new LRUCache<string, Promise<boolean>>({ max: MOST_SHOPS, ttl: KNOWN_FOR_MS });
  const look = (shop: string) => {
    const found = known.get(shop) ?? isAway(shop);
    known.set(shop, found, { noUpdateTTL: true });
    return found;
  };
  const pass = async (shop: string) => {
    if (await look(shop)) {
      throw new ShopifyError("unavailable", "Somebody has said that Shopify is to be left alone.");
    }
  };
  return (admin) => ({
    shop: admin.shop,
    async request(operation, variables, options) {
      await pass(admin.shop);
      return admin.request(operation, variables, options);
    },
    async download(url) {
      await pass(admin.shop);
      return admin.download(url);
    },
  });
}
