import { installResolvers, productImage, type ShopStore } from "./shop/index.ts";
import { SandboxShopify, type ShopifyOptions } from "./shopify.ts";

export { readAppToml, COMPLIANCE_TOPICS, type AppToml } from "./app-toml.ts";
export { FAULT_TITLES, Faults, type Fault, type FaultKind } from "./faults.ts";
export { API_VERSION, loadAdminSchema, type AdminSchema } from "./schema.ts";
export { missingScopes, requiredScopes } from "./scopes.ts";
export { SandboxShopify, type RequestRecord, type ShopifyOptions } from "./shopify.ts";
export { WebhookSender, type Delivery, type WebhookBehaviour } from "./webhooks.ts";

/**
 * Starts a Shopify on this machine for some shops; see {@link SandboxShopify} for the strings to pull.
 *
 * ```ts
 * await using shopify = await startShopify({ app, shops: createShops({ orders: 200 }) });
 * shopify.faults.set({ kind: "answer-lost", operation: "inventoryAdjustQuantities", times: 1 });
 * ```
 */
export function startShopify<Shop extends ShopStore>(
  options: Omit<ShopifyOptions<Shop>, "resolvers" | "picture">,
): Promise<SandboxShopify<Shop>> {
  return SandboxShopify.start({
    ...options,
    resolvers: installResolvers,
    picture: (shop, name) => productImage(shop, name.replace(/\.svg$/, "")),
  });
}
