import { SandboxShopify, type ShopifyOptions } from "../../sandbox/shopify/shopify.ts";
import { AppStandIn } from "./app-stand-in.ts";
import { httpsThrough, type GraphqlBody, type HttpAnswer } from "./client.ts";
import { installMiniResolvers, MiniShop } from "./mini-shop.ts";

const API_KEY = "sandbox-key";

/** The secret that the stand-in app shares with the sandbox. */
export const SECRET = "sandbox-secret";

export const SCOPES = ["read_orders", "read_products", "write_inventory", "write_orders"];

type Overrides = Partial<Omit<ShopifyOptions<MiniShop>, "app" | "shops">> & {
  app?: Partial<ShopifyOptions<MiniShop>["app"]>;
  shop?: MiniShop;
};

/** A sandbox with one small shop, an app that takes its webhooks, and a token to speak with. */
export class PlatformSession {
  readonly shopify: SandboxShopify<MiniShop>;
  readonly shop: MiniShop;
  readonly app: AppStandIn;
  #token = "";

  private constructor(shopify: SandboxShopify<MiniShop>, shop: MiniShop, app: AppStandIn) {
    this.shopify = shopify;
    this.shop = shop;
    this.app = app;
  }

  static async start({ app: ofApp, shop, ...rest }: Overrides = {}): Promise<PlatformSession> {
    const app = await AppStandIn.start();
    const own = shop ?? new MiniShop("mini");
    const shopify = await SandboxShopify.start({
      app: {
        apiKey: API_KEY,
        secret: SECRET,
        url: () => app.url,
        scopes: SCOPES,
        webhooks: [],
        ...ofApp,
      },
      shops: [own],
      resolvers: installMiniResolvers,
      log: () => undefined,
      ...rest,
    });
    const session = new PlatformSession(shopify, own, app);
    await session.authenticate();
    return session;
  }

  get token(): string {
    return this.#token;
  }

  /** Exchanges a fresh session token for an offline one. */
  async authenticate(): Promise<void> {
    const answer = await this.exchange();
    this.#token = answer.json().access_token as string;
  }

  exchange(overrides: Record<string, unknown> = {}): Promise<HttpAnswer> {
    return this.post("/admin/oauth/access_token", {
      client_id: API_KEY,
      client_secret: SECRET,
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: overrides.subject_token ?? this.shopify.sessionToken(this.shop.domain),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      requested_token_type: "urn:shopify:params:oauth:token-type:offline-access-token",
      expiring: "1",
      ...overrides,
    });
  }

  refresh(refreshToken: unknown): Promise<HttpAnswer> {
    return this.post("/admin/oauth/access_token", {
      client_id: API_KEY,
      client_secret: SECRET,
      grant_type: "refresh_token",
      refresh_token: refreshToken,
    });
  }

  /** Posts to the shop through the proxy, as the app would. */
  post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    timeoutMs?: number,
  ): Promise<HttpAnswer> {
    return httpsThrough(
      this.shopify.proxyUrl,
      this.shopify.caFile,
      `https://${this.shop.domain}${path}`,
      {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    );
  }

  /** The raw answer to a GraphQL request. */
  ask(
    query: string,
    options: { variables?: object; token?: string; version?: string; timeoutMs?: number } = {},
  ): Promise<HttpAnswer> {
    return this.post(
      `/admin/api/${options.version ?? "2026-10"}/graphql.json`,
      { query, variables: options.variables },
      { "x-shopify-access-token": options.token ?? this.#token },
      options.timeoutMs,
    );
  }

  async graphql(
    query: string,
    options: { variables?: object; token?: string; version?: string } = {},
  ): Promise<{ status: number; body: GraphqlBody }> {
    const answer = await this.ask(query, options);
    return { status: answer.status, body: answer.json() };
  }

  async close(): Promise<void> {
    await this.shopify.close();
    await this.app.close();
  }
}
