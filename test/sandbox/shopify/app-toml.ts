import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

/** One topic of one `[[webhooks.subscriptions]]` entry. */
export interface WebhookSubscription {
  /** As in `X-Shopify-Topic`: `orders/updated`. */
  readonly topic: string;
  /** A path on the app's own host, or a whole address. */
  readonly uri: string;
  /** Only these fields of the payload are sent; dots go into objects. */
  readonly includeFields?: readonly string[];
  readonly name?: string;
}

/** Where requests to the storefront's `/{prefix}/{subpath}` are forwarded. */
export interface AppProxyConfig {
  readonly prefix: string;
  readonly subpath: string;
  /** A path on the app's own host, or a whole address. */
  readonly url: string;
}

/** What Shopify knows of an app from its `shopify.app.toml`. */
export interface AppToml {
  readonly name: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly webhookApiVersion: string;
  readonly webhooks: readonly WebhookSubscription[];
  readonly proxy?: AppProxyConfig;
}

/** The topics that every public app must answer (docs: Privacy law compliance). */
export const COMPLIANCE_TOPICS = [
  "customers/data_request",
  "customers/redact",
  "shop/redact",
] as const;

interface TomlFile {
  name?: string;
  client_id?: string;
  application_url?: string;
  access_scopes?: { scopes?: string };
  webhooks?: {
    api_version?: string;
    subscriptions?: {
      topics?: string[];
      compliance_topics?: string[];
      uri?: string;
      include_fields?: string[];
      filter?: string;
      name?: string;
    }[];
  };
  app_proxy?: { url?: string; subpath?: string; prefix?: string };
}

/**
 * Reads an app's configuration as Shopify would after `shopify app deploy`. Addresses on the app's own
 * `application_url` become paths, since under the sandbox the app runs elsewhere.
 *
 * @throws Error when something that Shopify needs is missing, or a subscription asks for what the
 * sandbox does not play (`filter`, addresses that are not HTTP).
 */
export function readAppToml(path: string): AppToml {
  const toml = parse(readFileSync(path, "utf8")) as TomlFile;
  const missing = (what: string): never => {
    throw new Error(`${path}: ${what} is missing.`);
  };
  const home = toml.application_url ?? missing("application_url");
  const local = (address: string) => {
    if (address.startsWith("/")) return address;
    const { href, pathname, search, origin } = new URL(address, home);
    return origin === new URL(home).origin ? `${pathname}${search}` : href;
  };
  const webhooks = (toml.webhooks?.subscriptions ?? []).flatMap((subscription) => {
    const { topics = [], compliance_topics: compliance = [] } = subscription;
    const uri = subscription.uri ?? missing("uri of a webhook subscription");
    if (!/^(\/|https?:)/.test(uri)) {
      throw new Error(`${path}: the sandbox delivers webhooks over HTTP only, not to ${uri}.`);
    }
    if (subscription.filter !== undefined) {
      throw new Error(
        `${path}: the sandbox does not play webhook filters (${subscription.filter}).`,
      );
    }
    return [...topics, ...compliance].map((topic) => ({
      topic,
      uri: local(uri),
      ...(subscription.include_fields ? { includeFields: subscription.include_fields } : {}),
      ...(subscription.name ? { name: subscription.name } : {}),
    }));
  });
  const proxy = toml.app_proxy;
  return {
    name: toml.name ?? missing("name"),
    clientId: toml.client_id ?? missing("client_id"),
    scopes: (toml.access_scopes?.scopes ?? missing("access_scopes.scopes"))
      .split(",")
      .map((scope) => scope.trim())
      .filter((scope) => scope !== ""),
    webhookApiVersion: toml.webhooks?.api_version ?? missing("webhooks.api_version"),
    webhooks,
    ...(proxy
      ? {
          proxy: {
            prefix: proxy.prefix ?? missing("app_proxy.prefix"),
            subpath: proxy.subpath ?? missing("app_proxy.subpath"),
            url: local(proxy.url ?? missing("app_proxy.url")),
          },
        }
      : {}),
  };
}
