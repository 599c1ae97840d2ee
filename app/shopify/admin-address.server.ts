import type { Config } from "../config.server.ts";

/** Where a shop's staff open the app: its address in the Shopify admin, to which a page's own path is added. */
export function adminAddress(config: Config, shop: string): string {
  const origin = config.sandboxAdminOrigin ?? "https://admin.shopify.com";
  const store = shop.replace(/\.myshopify\.com$/, "");
  return `${origin}/store/${store}/apps/${config.shopify.apiKey}`;
}
