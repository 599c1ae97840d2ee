import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionResult, GraphQLSchema } from "graphql";
import { AdminApi, operationTypeOf, type AdminOutcome, type AdminRequest } from "./admin-api.ts";
import type { AppProxyConfig, WebhookSubscription } from "./app-toml.ts";
import type { ThrottleStatus } from "./bucket.ts";
import { createCertificates, type Certificates } from "./certificates.ts";
import { ConnectProxy } from "./connect-proxy.ts";
import { Faults, type ActiveFault, type FaultableRequest, type LossOfAnswer } from "./faults.ts";
import { enforceIdempotency } from "./idempotency.ts";
import { OAuth } from "./oauth.ts";
import type { PlatformShop, ProtectedData } from "./platform-shop.ts";
import { htmlReply, jsonReply, type Reply } from "./reply.ts";
import { API_VERSION, guardRootFields, loadAdminSchema, type AdminSchema } from "./schema.ts";
import { signSessionToken } from "./session-token.ts";
import { Storefront } from "./storefront.ts";
import type { ProductBlock } from "./storefront-pages.ts";
import { WebhookSender } from "./webhooks.ts";

/** Where bulk operation results lie; `.test` can never be a real host. */
export const FILES_HOST = "bulk.shopifycloud.test";

/** A request body larger than this is not read (Shopify's own limit is not published). */
const BODY_LIMIT_BYTES = 20 * 1024 * 1024;

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
    this.#certificates = await createCertificates(["*.myshopify.com", FILES_HOST]);
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
      const body = await readBody(request);
      const domain = host.replace(/:\d+$/, "").toLowerCase();
      const { pathname } = new URL(path, "https://shop");
      if (domain === FILES_HOST) {
        await this.#answerFile(request, response, pathname);
        return;
      }
      const shop = this.#shops.get(domain);
      const admin = /^\/admin\/api\/([^/]+)\/graphql\.json$/.exec(pathname);
      if (!shop) await this.#send(response, jsonReply(404, { errors: "Not Found" }));
      else if (request.method === "POST" && pathname === "/admin/oauth/access_token") {
        await this.#answerToken(request, response, shop, body);
      } else if (request.method === "POST" && admin) {
        await this.#answerAdmin(request, response, shop, admin[1] ?? "", body);
      } else await this.#send(response, jsonReply(404, { errors: "Not Found" }));
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

  async #answerToken(
    request: IncomingMessage,
    response: ServerResponse,
    shop: Shop,
    body: string,
  ): Promise<void> {
    const contentType = request.headers["content-type"] ?? "";
    await this.#underFaults(response, { shop: shop.domain, surface: "oauth" }, () =>
      Promise.resolve({ reply: this.oauth.answer(shop.domain, contentType, body) }),
    );
  }

  async #answerAdmin(
    request: IncomingMessage,
    response: ServerResponse,
    shop: Shop,
    version: string,
    body: string,
  ): Promise<void> {
    const token = request.headers["x-shopify-access-token"];
    const read = this.#admin.read(body);
    const type = operationTypeOf(read);
    await this.#underFaults(
      response,
      {
        shop: shop.domain,
        surface: "admin",
        names: read?.names ?? [],
        ...(type === undefined ? {} : { operationType: type }),
      },
      (mutationMs) =>
        this.#admin.answer(
          shop,
          version,
          this.oauth.verify(shop.domain, typeof token === "string" ? token : undefined),
          read,
          mutationMs === undefined ? {} : { mutationMs },
        ),
      read,
    );
  }

  async #answerFile(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
  ): Promise<void> {
    const [, domain = "", ...rest] = pathname.split("/").map(decodeURIComponent);
    const path = rest.join("/");
    const files = this.#shops.get(domain)?.files;
    const file = files?.get(path) ?? files?.get(`/${path}`);
    if (file === undefined || request.method !== "GET") {
      await this.#send(response, jsonReply(404, { errors: "Not Found" }));
      return;
    }
    const type = FILE_TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    const fault = this.faults.strike({ shop: domain, surface: "files" });
    const startedMs = performance.now();
    let status: number | undefined = 200;
    if (fault) {
      const outcome = await this.#struck(fault, response, undefined, () =>
        Promise.resolve({
          reply: {
            status: 200,
            headers: { "content-type": type },
            body: typeof file === "function" ? "" : file.toString(),
          },
        }),
      );
      status = outcome?.reply.status;
      if (fault.kind === "latency") await this.#stream(response, type, file);
    } else await this.#stream(response, type, file);
    this.#count(
      { shop: domain, surface: "files" },
      startedMs,
      status === undefined ? {} : { status },
      fault,
    );
  }

  async #stream(
    response: ServerResponse,
    type: string,
    file: string | Buffer | (() => AsyncIterable<string>),
  ): Promise<void> {
    if (typeof file !== "function") {
      response.writeHead(200, {
        "content-type": type,
        "content-length": Buffer.byteLength(file),
      });
      response.end(file);
      return;
    }
    response.writeHead(200, { "content-type": type });
    for await (const chunk of file()) {
      if (response.destroyed) return;
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off("drain", go).off("close", go);
          resolve();
        };
        response.on("drain", go).on("close", go);
      });
    }
    response.end();
  }

  /** Runs a request unless a fault strikes it, sends what comes of it, and counts it. */
  async #underFaults(
    response: ServerResponse,
    request: FaultableRequest,
    run: (mutationMs?: number) => Promise<AdminOutcome>,
    read?: AdminRequest,
  ): Promise<void> {
    const startedMs = performance.now();
    if (this.#options.latencyMs) await sleep(this.#options.latencyMs);
    const fault = this.faults.strike(request);
    let outcome: Partial<AdminOutcome> | undefined;
    if (fault) outcome = await this.#struck(fault, response, { request, read }, run);
    else {
      outcome = await run();
      await this.#send(response, outcome.reply!);
    }
    this.#count(
      request,
      startedMs,
      {
        ...(outcome?.reply ? { status: outcome.reply.status } : {}),
        ...(outcome?.requestedCost === undefined ? {} : { requestedCost: outcome.requestedCost }),
        ...(outcome?.actualCost === undefined ? {} : { actualCost: outcome.actualCost }),
        ...(outcome?.throttled ? { throttled: true } : {}),
      },
      fault,
    );
  }

  /** Does what the fault says; gives back what the app got, if it got an answer. */
  async #struck(
    fault: ActiveFault,
    response: ServerResponse,
    admin: { request: FaultableRequest; read: AdminRequest | undefined } | undefined,
    run: (mutationMs?: number) => Promise<AdminOutcome>,
  ): Promise<AdminOutcome | undefined> {
    const answer = async (reply: Reply) => {
      await this.#send(response, reply);
      return { reply };
    };
    const throttled = () => {
      const shop = admin && this.#shops.get(admin.request.shop);
      return admin?.request.surface === "admin" && shop
        ? this.#admin.throttled(shop, this.#admin.requestedCost(admin.read), {
            ...this.#admin.throttleStatus(shop),
            currentlyAvailable: 0,
          })
        : jsonReply(429, { errors: "Exceeded the rate limit" }, { "retry-after": "2" });
    };
    switch (fault.kind) {
      case "throttled":
        return { ...(await answer(throttled())), throttled: true };
      case "http-429": {
        const seconds = fault.retryAfterSeconds ?? 2;
        const after = fault.retryAfterDate
          ? new Date(this.#now().getTime() + seconds * 1_000).toUTCString()
          : seconds.toFixed(1);
        return answer(
          jsonReply(
            429,
            {
              errors:
                "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
            },
            { "retry-after": after },
          ),
        );
      }
      case "http-500":
        return answer(htmlReply(500, "Something went wrong."));
      case "http-502":
      case "http-504": {
        if (fault.applied) await run();
        return answer(gatewayReply(fault.kind));
      }
      case "http-503":
        return answer({
          ...htmlReply(503, "Service Unavailable"),
          headers: {
            "content-type": "text/html; charset=utf-8",
            ...(fault.retryAfterSeconds === undefined
              ? {}
              : { "retry-after": String(fault.retryAfterSeconds) }),
          },
        });
      case "http-401":
        return answer(
          jsonReply(401, {
            errors: "[API] Invalid API key or access token (unrecognized login or wrong password)",
          }),
        );
      case "http-402":
        return answer(jsonReply(402, { errors: "Unavailable Shop" }));
      case "http-403":
        return answer(jsonReply(403, { errors: "Forbidden" }));
      case "ip-not-allowed":
        return answer(
          jsonReply(403, {
            errors: "The IP address of this request is not on the app's IP allowlist.",
          }),
        );
      case "http-423":
        return answer(jsonReply(423, { errors: "Locked" }));
      case "http-430":
        return answer({ ...htmlReply(430, "Shopify Security Rejection") });
      case "internal-server-error":
        return answer(this.#admin.internalError(crypto.randomUUID()));
      case "latency": {
        const waitMs = fault.ms + this.#random() * (fault.jitterMs ?? 0);
        if (fault.inside) {
          const outcome = await run(waitMs);
          await this.#send(response, outcome.reply);
          return outcome;
        }
        const outcome = await run();
        await sleep(waitMs);
        if (admin) await this.#send(response, outcome.reply);
        return outcome;
      }
      case "timeout":
        return undefined;
      case "reset_peer":
        this.#reset(response);
        return undefined;
      case "limit_data": {
        const outcome = await run();
        const bytes = Buffer.from(outcome.reply.body);
        const cut = Math.min(fault.bytes ?? Math.floor(bytes.length / 2), bytes.length);
        response.writeHead(outcome.reply.status, {
          ...outcome.reply.headers,
          "content-length": bytes.length,
        });
        response.write(bytes.subarray(0, cut), () => response.socket?.end());
        return undefined;
      }
      case "malformed-body": {
        const outcome = await run();
        const reply = {
          ...outcome.reply,
          body: `${outcome.reply.body.slice(0, Math.floor(outcome.reply.body.length / 2))}\n<!-- upstream error -->`,
        };
        return { ...outcome, ...(await answer(reply)) };
      }
      case "answer-lost": {
        const outcome = await run();
        await this.#lose(response, fault.how);
        return { ...outcome, reply: undefined } as unknown as AdminOutcome;
      }
      case "applied-late": {
        const effect = sleep(fault.ms).then(() => run());
        this.#late.add(effect);
        void effect.finally(() => this.#late.delete(effect));
        await this.#lose(response, fault.how);
        return undefined;
      }
      case "down": {
        if (fault.how === "http-503") return answer(htmlReply(503, "Service Unavailable"));
        this.#reset(response);
        return undefined;
      }
    }
  }

  async #lose(response: ServerResponse, how: LossOfAnswer = "reset_peer"): Promise<void> {
    if (how === "reset_peer") this.#reset(response);
    else if (how !== "timeout") await this.#send(response, gatewayReply(how));
  }

  #reset(response: ServerResponse): void {
    const { socket } = response;
    if (!socket) return;
    if ("encrypted" in socket) this.#proxy.reset(socket.remotePort);
    else socket.resetAndDestroy();
  }

  async #send(response: ServerResponse, reply: Reply): Promise<void> {
    if (response.destroyed || response.writableEnded) return;
    response.writeHead(reply.status, {
      ...reply.headers,
      "content-length": Buffer.byteLength(reply.body),
      "x-request-id": crypto.randomUUID(),
    });
    response.end(reply.body);
  }

  #count(
    request: FaultableRequest,
    startedMs: number,
    outcome: Partial<Pick<RequestRecord, "status" | "requestedCost" | "actualCost" | "throttled">>,
    fault: ActiveFault | undefined,
  ): void {
    this.stats.requests += 1;
    if (outcome.throttled) this.stats.throttled += 1;
    if (fault) this.stats.struck += 1;
    if (outcome.actualCost !== undefined) {
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
      throttled: false,
      ...outcome,
      ...(fault === undefined ? {} : { fault: fault.kind }),
    };
    this.traffic.emit("request", record);
  }

  #log(line: string): void {
    (this.#options.log ?? ((text: string) => console.error(`[sandbox shopify] ${text}`)))(line);
  }
}

const FILE_TYPES: Readonly<Record<string, string>> = { jsonl: "application/jsonl" };

function gatewayReply(kind: "http-502" | "http-504"): Reply {
  return kind === "http-502"
    ? htmlReply(502, "502 Bad Gateway")
    : htmlReply(504, "504 Gateway Time-out");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_LIMIT_BYTES) throw new Error("The request's body is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
