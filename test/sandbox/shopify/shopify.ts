import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionResult, GraphQLSchema } from "graphql";
import { AdminApi, operationTypeOf, type AdminRequest } from "./admin-api.ts";
import type { AppProxyConfig, WebhookSubscription } from "./app-toml.ts";
import type { ThrottleStatus } from "./bucket.ts";
import { createCertificates, type Certificates } from "./certificates.ts";
import { ConnectProxy } from "./connect-proxy.ts";
import { playFault, type Outcome, type Struck } from "./fault-player.ts";
import { Faults, type ActiveFault, type FaultableRequest } from "./faults.ts";
import { enforceIdempotency } from "./idempotency.ts";
import { OAuth } from "./oauth.ts";
import type { PlatformShop, ProtectedData } from "./platform-shop.ts";
import { jsonReply, type Reply } from "./reply.ts";
import { API_VERSION, guardRootFields, loadAdminSchema, type AdminSchema } from "./schema.ts";
import { signSessionToken } from "./session-token.ts";
import { Storefront } from "./storefront.ts";
import type { ProductBlock } from "./storefront-pages.ts";
import { WebhookSender } from "./webhooks.ts";
import { deliver, readBody } from "./wire.ts";

/** Where bulk operation results lie; `.test` can never be a real host. */
export const FILES_HOST = "bulk.shopifycloud.test";

/** The app as Shopify knows it. */
export interface SandboxApp {
  apiKey: string;
  secret: string;
  /** Where the app listens; asked for at each use, since it may start after the sandbox. */
  url: () => string;
  scopes: readonly string[];
  webhooks: readonly WebhookSubscription[];
  webhookApiVersion?: string;
  proxy?: AppProxyConfig;
}

export interface ShopifyOptions<Shop extends PlatformShop = PlatformShop> {
  app: SandboxApp;
  shops: readonly Shop[];
  /** Puts the shops' resolvers on the fields of the real schema. */
  resolvers: (schema: GraphQLSchema) => void;
  /** Draws the picture at `{imageBaseUrl}/{name}` of a shop, as SVG; undefined when there is none. */
  picture?: (shop: Shop, name: string) => string | undefined;
  /** Where the authority's file lies while the sandbox lives; the system's temporary directory when absent. */
  scratchDir?: string;
  /** Retry waits of webhooks and the lag of searches take this many times less than at Shopify; 1 when absent. */
  timeScale?: number;
  /** Gives numbers in [0, 1); seed it for runs that can be repeated. */
  random?: () => number;
  clock?: () => Date;
  /** Approved for both levels when absent. */
  protectedData?: ProtectedData;
  /** Port of the first shop's storefront, the others follow; free ones when absent. */
  storefrontPort?: number;
  /** What an app's theme block adds to the product pages of the storefronts. */
  productBlock?: ProductBlock;
  /** Time that every answer takes, in ms; 0 when absent. */
  latencyMs?: number;
  log?: (line: string) => void;
}

/** One request that the app made, after it was answered. */
export interface RequestRecord {
  readonly shop: string;
  readonly surface: FaultableRequest["surface"];
  readonly at: Date;
  readonly durationMs: number;
  /** Operation name and root fields. */
  readonly names: readonly string[];
  readonly operationType?: "query" | "mutation";
  /** Absent when the app got no answer. */
  readonly status?: number;
  readonly requestedCost?: number;
  readonly actualCost?: number;
  readonly throttled: boolean;
  readonly fault?: ActiveFault["kind"];
}

export interface ShopifyStats {
  requests: number;
  throttled: number;
  requestedCost: number;
  actualCost: number;
  /** Requests that a fault struck. */
  struck: number;
  /** Exceptions inside the sandbox itself; anything but 0 is a mistake in it. */
  internalErrors: number;
}

/** A Shopify on this machine: what an app sees of it, and the strings to pull. */
export class SandboxShopify<Shop extends PlatformShop = PlatformShop> {
  readonly faults: Faults;
  readonly webhooks: WebhookSender;
  readonly oauth: OAuth;
  /** Emits `request` with a {@link RequestRecord} after each answer, or loss of one. */
  readonly traffic = new EventEmitter();
  readonly stats: ShopifyStats = {
    requests: 0,
    throttled: 0,
    requestedCost: 0,
    actualCost: 0,
    struck: 0,
    internalErrors: 0,
  };
  /** What the app has been approved for; may be changed at any time. */
  protectedData: ProtectedData;
  /** Whether the app may run bulk operations; the right lapses after 31 days without any. */
  bulkAccess = true;

  readonly #options: ShopifyOptions<Shop>;
  readonly #shops: ReadonlyMap<string, Shop>;
  readonly #installed = new Set<string>();
  readonly #admin: AdminApi;
  readonly #now: () => Date;
  readonly #random: () => number;
  readonly #late = new Set<Promise<unknown>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #certificates!: Certificates;
  #proxy!: ConnectProxy;
  #direct!: Server;
  readonly #storefronts = new Map<string, Storefront>();

  private constructor(options: ShopifyOptions<Shop>, admin: AdminSchema) {
    this.#options = options;
    this.#shops = new Map(options.shops.map((shop) => [shop.domain, shop]));
    for (const shop of options.shops) this.#installed.add(shop.domain);
    this.#now = options.clock ?? (() => new Date());
    this.#random = options.random ?? Math.random;
    this.protectedData = options.protectedData ?? { level1: true, level2: true };
    const isInstalled = (shop: string) => this.#installed.has(shop);
    const { app } = options;
    this.faults = new Faults(this.#random);
    this.oauth = new OAuth({ ...app, now: this.#now, isInstalled });
    this.webhooks = new WebhookSender({
      secret: app.secret,
      apiVersion: app.webhookApiVersion ?? API_VERSION,
      subscriptions: app.webhooks,
      appUrl: app.url,
      timeScale: options.timeScale ?? 1,
      random: this.#random,
      now: this.#now,
      isInstalled,
      protectedData: () => this.protectedData,
    });
    this.#admin = new AdminApi({
      admin,
      appId: "gid://shopify/App/1",
      scopes: app.scopes,
      protectedData: () => this.protectedData,
      bulkAccess: () => this.bulkAccess,
      now: this.#now,
      fileUrl: (shop, path) => this.#fileUrl(shop, path),
      onInternalError: (error, requestId) => {
        this.stats.internalErrors += 1;
        this.#log(
          `The sandbox itself failed (request ${requestId}): ${error.stack ?? error.message}`,
        );
      },
    });
  }

  static async start<Shop extends PlatformShop>(
    options: ShopifyOptions<Shop>,
  ): Promise<SandboxShopify<Shop>> {
    const admin = loadAdminSchema();
    options.resolvers(admin.schema);
    guardRootFields(admin.schema);
    enforceIdempotency(admin.schema);
    const shopify = new SandboxShopify(options, admin);
    await shopify.#listen();
    for (const shop of options.shops) shopify.webhooks.watch(shop);
    return shopify;
  }

  /** For HTTPS_PROXY. */
  get proxyUrl(): string {
    return this.#proxy.url;
  }

  /** For NODE_EXTRA_CA_CERTS. */
  get caFile(): string {
    return this.#certificates.caFile;
  }

  /** The environment that carries an app's traffic to Shopify into this sandbox. */
  environment(): Record<string, string> {
    return {
      NODE_USE_ENV_PROXY: "1",
      HTTPS_PROXY: this.proxyUrl,
      NO_PROXY: "localhost,127.0.0.1",
      NODE_EXTRA_CA_CERTS: this.caFile,
    };
  }

  /**
   * The same Shopify without TLS and proxy, for tests and tools in this process:
   * `${origin()}/<shop domain>/admin/...`.
   */
  origin(): string {
    return `http://127.0.0.1:${(this.#direct.address() as AddressInfo).port}`;
  }

  /** @throws Error when the sandbox has no such shop. */
  shop(domain: string): Shop {
    const shop = this.#shops.get(domain);
    if (!shop) throw new Error(`The sandbox has no shop ${domain}.`);
    return shop;
  }

  /** The shop as its customers see it. */
  storefront(domain: string): Storefront {
    const storefront = this.#storefronts.get(domain);
    if (!storefront) throw new Error(`The sandbox has no shop ${domain}.`);
    return storefront;
  }

  /** Reads or changes a shop with all rights and no limits, as a merchant in the admin would. */
  asShopify(
    domain: string,
    document: string,
    variables: Record<string, unknown> = {},
  ): Promise<ExecutionResult> {
    return this.#admin.asShopify(this.shop(domain), document, variables);
  }

  /** The bucket's state, as the next answer would report it. */
  throttleStatus(domain: string): ThrottleStatus {
    return this.#admin.throttleStatus(this.shop(domain));
  }

  /** Leaves exactly `points` in the bucket of a shop, as other work of the same app would. */
  leaveInBucket(domain: string, points: number): void {
    this.#admin.bucket(this.shop(domain)).leave(points);
  }

  /**
   * The token that App Bridge's `idToken()` gives an app which is open in the admin.
   *
   * @throws Error when the app is not installed in that shop.
   */
  sessionToken(domain: string, user: { id?: string; lifetimeSeconds?: number } = {}): string {
    const { domain: shop } = this.shop(domain);
    if (!this.#installed.has(shop)) throw new Error(`The app is not installed in ${shop}.`);
    const { apiKey, secret } = this.#options.app;
    return signSessionToken({
      shop,
      apiKey,
      secret,
      userId: user.id ?? "548380009",
      now: this.#now(),
      ...(user.lifetimeSeconds === undefined ? {} : { lifetimeSeconds: user.lifetimeSeconds }),
    });
  }

  isInstalled(domain: string): boolean {
    return this.#installed.has(domain);
  }

  /** Installs the app (again). Shops start with it installed. */
  install(domain: string): void {
    this.#installed.add(this.shop(domain).domain);
  }

  /** Uninstalls the app: its tokens die at once and `app/uninstalled` is sent. */
  uninstall(domain: string): void {
    const shop = this.shop(domain);
    if (!this.#installed.delete(domain)) return;
    this.oauth.revoke(domain);
    this.#admin.forget(shop);
    this.webhooks.publish(
      domain,
      "app/uninstalled",
      {
        id: Number(shop.id),
        name: shop.name,
        domain: shop.domain,
        myshopify_domain: shop.domain,
        currency: shop.currency,
      },
      `gid://shopify/Shop/${shop.id}`,
    );
  }

  /** Resolves when no `applied-late` effect is outstanding. */
  async effectsSettled(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  /** Cuts all open connections and forgets everything but the shops. */
  async close(): Promise<void> {
    this.webhooks.close();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#proxy.close();
    this.#direct.closeAllConnections();
    await new Promise<void>((resolve) => this.#direct.close(() => resolve()));
    await Promise.all([...this.#storefronts.values()].map((storefront) => storefront.close()));
    await this.#certificates.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    this.#certificates = await createCertificates(
      ["*.myshopify.com", FILES_HOST],
      this.#options.scratchDir,
    );
    this.#proxy = await ConnectProxy.start({
      certificates: this.#certificates,
      plays: (host) => host === FILES_HOST || this.#shops.has(host),
      refuses: (host) => this.faults.refusesConnections(host),
      handle: (request, response) => {
        void this.#handle(request, response, request.headers.host ?? "", request.url ?? "/");
      },
      log: (line) => this.#log(line),
    });
    this.#direct = createServer((request, response) => {
      const [, host = "", ...rest] = (request.url ?? "/").split("/");
      void this.#handle(request, response, host, `/${rest.join("/")}`);
    });
    await new Promise<void>((resolve, reject) => {
      this.#direct.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    const { app, picture, productBlock, storefrontPort } = this.#options;
    for (const shop of this.#shops.values()) {
      const storefront = await Storefront.start({
        port: storefrontPort === undefined ? 0 : storefrontPort + this.#storefronts.size,
        shop,
        secret: app.secret,
        proxy: app.proxy,
        appUrl: app.url,
        now: this.#now,
        isInstalled: () => this.#installed.has(shop.domain),
        read: (document, variables) => this.#admin.asShopify(shop, document, variables),
        productBlock,
        picture: (name) => picture?.(shop, name),
      });
      this.#storefronts.set(shop.domain, storefront);
      if (picture) shop.imageBaseUrl = storefront.picturesUrl;
      if (shop.searchLagMs !== undefined) shop.searchLagMs /= this.#options.timeScale ?? 1;
    }
  }

  #fileUrl(shop: PlatformShop, path: string): string {
    const clean = path.replace(/^\//, "");
    return `https://${FILES_HOST}/${shop.domain}/${clean}`;
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    host: string,
    path: string,
  ): Promise<void> {
    response.on("error", () => response.destroy());
    try {
      await this.#route(request, response, host.replace(/:\d+$/, "").toLowerCase(), path);
    } catch (error) {
      if (request.socket.destroyed) return;
      this.stats.internalErrors += 1;
      this.#log(
        `The sandbox itself failed: ${error instanceof Error ? error.stack : String(error)}`,
      );
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    domain: string,
    path: string,
  ): Promise<void> {
    const body = await readBody(request);
    const { pathname } = new URL(path, "https://shop");
    const say = (reply: Reply) =>
      deliver(response, { how: "whole", reply }, () => this.#reset(response));
    if (body === undefined) return say(jsonReply(413, { errors: "Payload Too Large" }));
    if (domain === FILES_HOST) {
      const [, shop = "", ...rest] = pathname.split("/").map(decodeURIComponent);
      const file = this.#shops.get(shop)?.files.get(rest.join("/"));
      if (file === undefined || request.method !== "GET") return say(NOT_FOUND);
      const headers = { "content-type": fileType(rest.at(-1) ?? "") };
      const reply: Reply = { status: 200, headers, body: file };
      return this.#answer(response, { shop, surface: "files" }, undefined, () =>
        Promise.resolve({ reply }),
      );
    }
    const shop = this.#shops.get(domain);
    if (!shop || request.method !== "POST") return say(NOT_FOUND);
    if (pathname === "/admin/oauth/access_token") {
      const contentType = request.headers["content-type"] ?? "";
      return this.#answer(response, { shop: domain, surface: "oauth" }, undefined, () =>
        Promise.resolve({ reply: this.oauth.answer(domain, contentType, body) }),
      );
    }
    const version = /^\/admin\/api\/([^/]+)\/graphql\.json$/.exec(pathname)?.[1];
    if (version === undefined) return say(NOT_FOUND);
    const token = request.headers["x-shopify-access-token"];
    const read = this.#admin.read(body);
    const type = operationTypeOf(read);
    const faultable: FaultableRequest = {
      shop: domain,
      surface: "admin",
      names: read?.names ?? [],
      ...(type === undefined ? {} : { operationType: type }),
    };
    return this.#answer(response, faultable, read, (mutationMs) =>
      this.#admin.answer(
        shop,
        version,
        this.oauth.verify(domain, typeof token === "string" ? token : undefined),
        read,
        mutationMs === undefined ? {} : { mutationMs },
      ),
    );
  }

  /** Runs a request unless a fault strikes it, delivers what comes of it, and tells of it. */
  async #answer(
    response: ServerResponse,
    request: FaultableRequest,
    read: AdminRequest | undefined,
    run: (mutationMs?: number) => Promise<Outcome>,
  ): Promise<void> {
    const startedMs = performance.now();
    if (this.#options.latencyMs) await this.#sleep(this.#options.latencyMs);
    const fault = this.faults.strike(request);
    let struck: Struck;
    if (fault) {
      struck = await playFault(fault, {
        run,
        throttled: () => this.#throttled(request, read),
        now: this.#now(),
        random: this.#random,
        sleep: (ms) => this.#sleep(ms),
        later: (effect) => {
          this.#late.add(effect);
          void effect.finally(() => this.#late.delete(effect));
        },
      });
    } else {
      const outcome = await run();
      struck = { delivered: { how: "whole", reply: outcome.reply }, outcome };
    }
    await deliver(response, struck.delivered, () => this.#reset(response));
    this.#count(request, startedMs, struck, fault);
  }

  #throttled(request: FaultableRequest, read: AdminRequest | undefined): Reply {
    const shop = this.#shops.get(request.shop);
    if (request.surface !== "admin" || !shop) {
      return jsonReply(429, { errors: "Exceeded the rate limit" }, { "retry-after": "2.0" });
    }
    const status = { ...this.#admin.throttleStatus(shop), currentlyAvailable: 0 };
    return this.#admin.throttled(shop, this.#admin.requestedCost(read), status);
  }

  #reset(response: ServerResponse): void {
    const { socket } = response;
    if (!socket) return;
    if ("encrypted" in socket) this.#proxy.reset(socket.remotePort);
    else socket.resetAndDestroy();
  }

  /** Never comes back when the sandbox is closed meanwhile: what was to come then does not. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  #count(
    request: FaultableRequest,
    startedMs: number,
    { delivered, outcome }: Struck,
    fault: ActiveFault | undefined,
  ): void {
    const throttled = outcome?.throttled === true || fault?.kind === "throttled";
    this.stats.requests += 1;
    if (throttled) this.stats.throttled += 1;
    if (fault) this.stats.struck += 1;
    if (outcome?.actualCost !== undefined) {
      this.stats.requestedCost += outcome.requestedCost ?? 0;
      this.stats.actualCost += outcome.actualCost;
    }
    const record: RequestRecord = {
      shop: request.shop,
      surface: request.surface,
      at: this.#now(),
      durationMs: performance.now() - startedMs,
      names: request.names ?? [],
      ...(request.operationType === undefined ? {} : { operationType: request.operationType }),
      ...(delivered.how === "whole" ? { status: delivered.reply.status } : {}),
      ...(outcome?.requestedCost === undefined ? {} : { requestedCost: outcome.requestedCost }),
      ...(outcome?.actualCost === undefined ? {} : { actualCost: outcome.actualCost }),
      throttled,
      ...(fault === undefined ? {} : { fault: fault.kind }),
    };
    this.traffic.emit("request", record);
  }

  #log(line: string): void {
    (this.#options.log ?? ((text: string) => console.error(`[sandbox shopify] ${text}`)))(line);
  }
}

const NOT_FOUND = jsonReply(404, { errors: "Not Found" });

function fileType(name: string): string {
  return name.endsWith(".jsonl") ? "application/jsonl" : "application/octet-stream";
}
