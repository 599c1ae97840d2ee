import "@shopify/shopify-app-remix/adapters/node";
import { LogSeverity, shopifyApi, type Shopify } from "@shopify/shopify-api";
import type { ApiVersion } from "@shopify/shopify-api";
import { AppDistribution, shopifyApp, type Session } from "@shopify/shopify-app-remix/server";
import type { SessionStorage } from "@shopify/shopify-app-session-storage";
import type { Logger } from "../observability/logger.server.ts";
import { API_VERSION } from "./api-version.ts";

export interface ShopifyAppOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly appUrl: string;
  readonly sessionStorage: SessionStorage;
  /** Runs after every token exchange, about hourly per shop: idempotent and cheap. */
  readonly afterAuth: (session: Session) => Promise<void>;
  readonly logger: Logger;
}

/**
 * The library's app (sign-in of merchants) and a plain API object beside it (session tokens, token refresh),
 * since the library does not hand out its own.
 */
export function createShopifyApp(options: ShopifyAppOptions) {
  const { apiKey, apiSecret, appUrl, sessionStorage, logger } = options;
  const log = (severity: LogSeverity, message: string) => {
    // The library's info lines name every request; they are debug lines here.
    if (severity === LogSeverity.Error) logger.error({ from: "shopify" }, message);
    else if (severity === LogSeverity.Warning) logger.warn({ from: "shopify" }, message);
    else logger.debug({ from: "shopify" }, message);
  };
  const app = shopifyApp({
    apiKey,
    apiSecretKey: apiSecret,
    apiVersion: API_VERSION as ApiVersion,
    appUrl,
    authPathPrefix: "/auth",
    distribution: AppDistribution.AppStore,
    isEmbeddedApp: true,
    sessionStorage,
    hooks: { afterAuth: ({ session }) => options.afterAuth(session) },
    logger: { level: LogSeverity.Info, log, httpRequests: false, timestamps: false },
    future: { unstable_newEmbeddedAuthStrategy: true, expiringOfflineAccessTokens: true },
  });
  const { host, protocol } = new URL(appUrl);
  const api: Shopify = shopifyApi({
    apiKey,
    apiSecretKey: apiSecret,
    apiVersion: API_VERSION as ApiVersion,
    hostName: host,
    hostScheme: protocol === "http:" ? "http" : "https",
    isEmbeddedApp: true,
    logger: { level: LogSeverity.Warning, log, httpRequests: false, timestamps: false },
  });
  return { app, api };
}

export type ShopifyApp = ReturnType<typeof createShopifyApp>["app"];
