import "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, RequestedTokenType, shopifyApi } from "@shopify/shopify-api";

/**
 * A process of its own that speaks to Shopify with the stock library and nothing else, as any app does.
 * Takes its task from the environment and prints what came of it as JSON.
 */
const {
  SHOP = "",
  SESSION_TOKEN = "",
  API_KEY = "",
  SECRET = "",
  WEBHOOK,
  PROXY_QUERY,
} = process.env;

const shopify = shopifyApi({
  apiKey: API_KEY,
  apiSecretKey: SECRET,
  apiVersion: ApiVersion.October26,
  hostName: "localhost",
  isEmbeddedApp: true,
  logger: { level: LogSeverity.Error },
});

const { session } = await shopify.auth.tokenExchange({
  shop: SHOP,
  sessionToken: SESSION_TOKEN,
  requestedTokenType: RequestedTokenType.OfflineAccessToken,
  expiring: true,
});
const { session: refreshed } = await shopify.auth.refreshToken({
  shop: SHOP,
  refreshToken: session.refreshToken ?? "",
});
const client = new shopify.clients.Graphql({ session: refreshed });
const answer = await client.request("{ shop { name } }");

const webhook = JSON.parse(WEBHOOK ?? "{}") as { headers: Record<string, string>; body: string };
const validated = await shopify.webhooks.validate({
  rawBody: webhook.body,
  rawRequest: { method: "POST", url: "/webhooks", headers: webhook.headers },
  rawResponse: {},
});
const signed = await shopify.utils.validateHmac(
  Object.fromEntries(new URLSearchParams(PROXY_QUERY)),
  { signator: "appProxy" },
);

console.log(
  JSON.stringify({
    session: {
      id: refreshed.id,
      scope: refreshed.scope,
      expires: refreshed.expires,
      refreshTokenExpires: refreshed.refreshTokenExpires,
    },
    data: answer.data as unknown,
    webhook: validated,
    proxy: signed,
  }),
);
