import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrate } from "../../../app/database/migrate.ts";
import { installQueue } from "../../../app/jobs/install.ts";
import { startPostgresPair, type PostgresPair } from "../../sandbox/postgres/index.ts";
import { readAppToml, startShopify, type SandboxShopify } from "../../sandbox/shopify/index.ts";
import { createShops, type ShopStore } from "../../sandbox/shopify/shop/index.ts";
import { ClientNetwork } from "../network.ts";

/** A Postgres pair and a Shopify with one shop, in which nothing happens but what the app does. */
export interface ShopifyEnvironment extends AsyncDisposable {
  readonly pair: PostgresPair;
  readonly network: ClientNetwork;
  readonly shopify: SandboxShopify<ShopStore>;
  readonly shop: ShopStore;
  readonly accessToken: string;
  /** Logs and the instance's disk; removed at the end unless something was found. */
  readonly dir: string;
  keepDir(): void;
}

const cacheDir = fileURLToPath(new URL("../../../.cache/drill", import.meta.url));
const ORDERS = 1_000;
const API_KEY = "drill-key";
const SECRET = "drill-secret";

export async function createShopifyEnvironment(name: string): Promise<ShopifyEnvironment> {
  await using opened = new AsyncDisposableStack();
  await mkdir(cacheDir, { recursive: true });
  const dir = await mkdtemp(join(cacheDir, `${name}-`));
  let keepsDir = false;
  opened.defer(async () => {
    if (!keepsDir) await rm(dir, { recursive: true, force: true });
  });
  const pair = opened.use(await startPostgresPair({ replication: "sync" }));
  await migrate({ url: pair.url("owner", "writer"), steps: [installQueue] });
  const network = opened.use(await ClientNetwork.open("a", 1, pair));
  const [shop] = createShops({ orders: ORDERS, searchLagMs: 0 });
  if (!shop) throw new Error("The sandbox has no shop.");
  // The drill is about faults, and not about the limit of calls, of which it is one.
  Object.assign(shop, { plan: "plus" });
  const { scopes } = readAppToml("shopify.app.toml");
  const shopify = await startShopify<ShopStore>({
    // Nobody listens for webhooks: what the app knows it has from the import and from Shopify's answers.
    app: { apiKey: API_KEY, secret: SECRET, url: () => "http://127.0.0.1:9", scopes, webhooks: [] },
    shops: [shop],
    scratchDir: dir,
  });
  opened.defer(() => shopify.close());
  const accessToken = await exchangeToken(shopify, shop.domain);
  const keep = opened.move();
  return {
    pair,
    network,
    shopify,
    shop,
    accessToken,
    dir,
    keepDir: () => (keepsDir = true),
    [Symbol.asyncDispose]: () => keep.disposeAsync(),
  };
}

async function exchangeToken(shopify: SandboxShopify<ShopStore>, shop: string): Promise<string> {
  const answer = await fetch(`${shopify.origin()}/${shop}/admin/oauth/access_token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_id: API_KEY,
      client_secret: SECRET,
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: shopify.sessionToken(shop),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      requested_token_type: "urn:shopify:params:oauth:token-type:offline-access-token",
      expiring: "1",
    }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (!body.access_token) throw new Error(`The sandbox gave no token: ${JSON.stringify(body)}`);
  return body.access_token;
}
