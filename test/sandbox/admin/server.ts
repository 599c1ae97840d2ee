import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createCertificates } from "../shopify/certificates.ts";
import type { FrameBoot, StaffMember } from "./browser/boot.ts";
import { sandboxAction, type SandboxControls } from "./controls.ts";
import { framePage } from "./page.ts";

/** A shop whose admin is shown. */
export interface AdminShop {
  /** The store's name in the admin's addresses: `evenkeel-demo` of `evenkeel-demo.myshopify.com`. */
  name: string;
  domain: string;
  displayName: string;
  /** Where its storefront can be looked at, if it can. */
  storefrontUrl: string | null;
}

export interface AdminOptions {
  app: {
    name: string;
    /** In the admin's addresses: `/store/<shop>/apps/<handle>`. */
    handle: string;
    apiKey: string;
    secret: string;
    /** Called at each page, since the app may come to life on another port. */
    url: () => string;
  };
  shops: readonly AdminShop[];
  staff?: FrameBoot["staff"];
  /** Signs the token that App Bridge's `idToken()` gives out. */
  sessionToken: (shopDomain: string, staffId: string) => string;
  /** What App Bridge's resource picker offers. */
  resources?: (shopDomain: string, type: string, query: string) => { id: string; title: string }[];
  /** Answers what Shopify's CDN would for the shops' own files; true when it did. */
  files?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Without it there is no fault panel. */
  controls?: SandboxControls;
  /** Default 0: any free one. */
  port?: number;
  /**
   * Also listens with TLS, for a browser in which admin.shopify.com and cdn.shopify.com are mapped here: then
   * the app can be framed with its content security policy as it is in production.
   */
  tls?: boolean;
}

/** An admin that runs. */
export interface Admin extends AsyncDisposable {
  /** `http://localhost:<port>` */
  readonly url: string;
  readonly port: number;
  /** For `launchBrowser({ hostRules })`; empty without `tls`. */
  readonly hostRules: Readonly<Record<string, string>>;
  /** Address of an app page in the admin; with `tls` the real one, on https://admin.shopify.com. */
  appUrl(shopName: string, path?: string, options?: { panel?: boolean }): string;
  close(): Promise<void>;
}

const defaultStaff: readonly [StaffMember, StaffMember] = [
  { id: "80101", name: "Ida Berg" },
  { id: "80102", name: "Noah Meyer" },
];

const browserDir = new URL("./browser/", import.meta.url);
const fontDir = new URL("./fonts/", import.meta.url);

/** Starts the admin frame on 127.0.0.1. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { app, shops, controls } = options;
  const staff = options.staff ?? defaultStaff;
  const compiled = new Map<string, Promise<string>>();
  const eventStreams = new Set<ServerResponse>();

  const routes: [RegExp, (request: Asked) => void | Promise<void>][] = [
    [
      /^\/$/,
      ({ response }) => redirect(response, `/store/${shops[0]?.name ?? ""}/apps/${app.handle}`),
    ],
    [/^\/store\/([\w-]+)(\/.*)?$/, page],
    [/^\/admin(?:\.shopify\.com)?(\/.*)?$/, ({ response }) => redirect(response, "/")],
    [/^\/(?:shopifycloud\/)?app-bridge\.js$/, (asked) => script(asked, "app-bridge.ts")],
    [
      /^\/static\/fonts\/inter\/v4\/styles\.css$/,
      (asked) => file(asked, new URL("styles.css", fontDir), "text/css"),
    ],
    [
      /^\/sandbox\/fonts\/([\w-]+\.woff2)$/,
      (asked) => file(asked, new URL(asked.match[1] ?? "", fontDir), "font/woff2"),
    ],
    [
      /^\/sandbox\/(\w+\.css)$/,
      (asked) => file(asked, new URL(asked.match[1] ?? "", browserDir), "text/css"),
    ],
    [/^\/sandbox\/(\w+\.ts)$/, (asked) => script(asked, asked.match[1] ?? "")],
    [/^\/sandbox\/session-token$/, sessionToken],
    [/^\/sandbox\/app-parameters$/, appParameters],
    [/^\/sandbox\/resources$/, resources],
    [
      /^\/sandbox\/about$/,
      ({ response }) =>
        send(
          response,
          200,
          "application/json",
          JSON.stringify({ sandbox: "evenkeel", pid: process.pid }),
        ),
    ],
    [/^\/sandbox\/events$/, events],
    [/^\/sandbox\/actions$/, actions],
  ];

  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url ?? "/", "http://admin");
    void (async () => {
      // A page of another site may resolve its own name to this machine; it must not get to sign anyone in.
      if (
        !/^(localhost|127\.0\.0\.1|admin\.shopify\.com|cdn\.shopify\.com)(:\d+)?$/.test(
          request.headers.host ?? "",
        )
      ) {
        send(response, 421, "text/plain", "This is the sandbox's admin; ask for it as localhost.");
        return;
      }
      if (options.files?.(request, response)) return;
      for (const [pattern, answer] of routes) {
        const match = pattern.exec(url.pathname);
        if (match) {
          await answer({ request, response, url, match });
          return;
        }
      }
      send(response, 404, "text/plain", "There is nothing here.");
    })().catch((error: unknown) => {
      if (!response.headersSent) send(response, 500, "text/plain", String(error));
      else response.destroy();
    });
  };

  function page({ response, url, match }: Asked) {
    const shop = shops.find(({ name }) => name === match[1]);
    const rest = (match[2] ?? "").replace(/\/$/, "");
    if (shop === undefined) {
      send(
        response,
        404,
        "text/plain",
        `The sandbox has no store "${match[1] ?? ""}". It has: ${shops.map(({ name }) => name).join(", ")}.`,
      );
      return;
    }
    const inApp = new RegExp(`^/apps/(?:${app.handle}|${app.apiKey})(/.*)?$`).exec(rest);
    const boot: FrameBoot = {
      app: { name: app.name, handle: app.handle, origin: new URL(app.url()).origin },
      shop: shop.name,
      shops: shops.map(({ name, domain, displayName, storefrontUrl }) => ({
        name,
        domain,
        displayName,
        storefrontUrl,
      })),
      staff,
      adminPath: inApp ? null : rest === "" ? "/" : rest,
      panel: controls !== undefined && url.searchParams.get("panel") !== "none",
      shopifyFaults: controls?.shopifyFaults ?? [],
    };
    if (inApp && inApp[0].startsWith(`/apps/${app.apiKey}`)) {
      redirect(response, `/store/${shop.name}/apps/${app.handle}${inApp[1] ?? ""}${url.search}`);
      return;
    }
    send(response, 200, "text/html; charset=utf-8", framePage(boot));
  }

  function sessionToken({ response, url }: Asked) {
    const shop = shops.find(({ name }) => name === url.searchParams.get("shop"));
    if (shop === undefined) return send(response, 404, "text/plain", "No such store.");
    send(
      response,
      200,
      "text/plain",
      options.sessionToken(shop.domain, url.searchParams.get("staff") ?? ""),
    );
  }

  /** The query with which Shopify loads an embedded app, signed as the platform signs it. */
  function appParameters({ response, url }: Asked) {
    const shop = shops.find(({ name }) => name === url.searchParams.get("shop"));
    if (shop === undefined) return send(response, 404, "text/plain", "No such store.");
    const query = new URLSearchParams({
      embedded: "1",
      host: Buffer.from(`admin.shopify.com/store/${shop.name}`).toString("base64url"),
      id_token: options.sessionToken(shop.domain, url.searchParams.get("staff") ?? ""),
      locale: "en",
      session: createHmac("sha256", app.secret).update(randomUUID()).digest("hex"),
      shop: shop.domain,
      timestamp: String(Math.floor(Date.now() / 1000)),
    });
    query.set("hmac", createHmac("sha256", app.secret).update(query.toString()).digest("hex"));
    send(response, 200, "text/plain", query.toString());
  }

  function resources({ response, url }: Asked) {
    const shop = shops.find(({ name }) => name === url.searchParams.get("shop"));
    const found = shop
      ? (options.resources?.(
          shop.domain,
          url.searchParams.get("type") ?? "",
          url.searchParams.get("query") ?? "",
        ) ?? [])
      : [];
    send(response, 200, "application/json", JSON.stringify(found.slice(0, 50)));
  }

  function events({ request, response }: Asked) {
    if (controls === undefined) return send(response, 404, "text/plain", "There is no panel.");
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const write = () => response.write(`data: ${JSON.stringify(controls.state())}\n\n`);
    // Bursts of changes become one message: a person cannot read more than a few a second.
    let timer: NodeJS.Timeout | null = null;
    const unsubscribe = controls.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = null;
        write();
      }, 200);
    });
    eventStreams.add(response);
    request.on("close", () => {
      unsubscribe();
      if (timer) clearTimeout(timer);
      eventStreams.delete(response);
    });
    write();
  }

  async function actions({ request, response }: Asked) {
    // Only a page of this origin can set this header without being asked first.
    if (
      controls === undefined ||
      request.method !== "POST" ||
      request.headers["x-sandbox"] !== "1"
    ) {
      return send(response, 405, "text/plain", "Actions are posted by the panel.");
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const parsed = sandboxAction.safeParse(readJson(Buffer.concat(chunks).toString()));
    if (!parsed.success)
      return send(response, 400, "text/plain", "The sandbox knows no such action.");
    try {
      await controls.act(parsed.data);
      send(response, 204, "text/plain", "");
    } catch (error) {
      send(response, 409, "text/plain", error instanceof Error ? error.message : String(error));
    }
  }

  /** Browser code is written in TypeScript and served as what is left of it without the types. */
  async function script({ response }: Asked, name: string) {
    let code = compiled.get(name);
    if (code === undefined) {
      code = readFile(new URL(name, browserDir), "utf8").then(async (source) => {
        // Takes half a second to load, which nobody has to wait for before the first page is asked for.
        const { transformWithEsbuild } = await import("vite");
        const { code } = await transformWithEsbuild(source, name, {
          loader: "ts",
          target: "es2022",
          sourcemap: false,
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        });
        return code;
      });
      compiled.set(name, code);
    }
    send(response, 200, "text/javascript; charset=utf-8", await code);
  }

  async function file({ response }: Asked, url: URL, type: string) {
    send(response, 200, type, await readFile(fileURLToPath(url)));
  }

  const servers: Server[] = [];
  const plain = createServer(listener);
  servers.push(plain);
  const port = await listen(plain, options.port ?? 0);
  const hostRules: Record<string, string> = {};
  if (options.tls === true) {
    const names = ["admin.shopify.com", "cdn.shopify.com"];
    const certificates = await createCertificates(names);
    await certificates.remove();
    const tls = createTlsServer({ key: certificates.key, cert: certificates.cert }, listener);
    servers.push(tls);
    const tlsPort = await listen(tls, 0);
    for (const name of names) hostRules[`${name}:443`] = `127.0.0.1:${tlsPort}`;
  }

  const url = `http://localhost:${port}`;
  const close = async () => {
    for (const stream of eventStreams) stream.end();
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => {
              resolve();
            });
            server.closeAllConnections();
          }),
      ),
    );
  };
  return {
    url,
    port,
    hostRules,
    appUrl: (shopName, path = "", { panel = true } = {}) =>
      `${options.tls === true ? "https://admin.shopify.com" : url}/store/${shopName}/apps/${app.handle}${path}${panel ? "" : `${path.includes("?") ? "&" : "?"}panel=none`}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Asked {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  match: RegExpExecArray;
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer) {
  const headers: Record<string, string> = { "content-type": type, "cache-control": "no-store" };
  // Scripts, styles and fonts are asked for by the app's pages; tokens and the like are for this origin alone.
  if (/javascript|css|font/.test(type)) {
    headers["access-control-allow-origin"] = "*";
    headers["cross-origin-resource-policy"] = "cross-origin";
  }
  response.writeHead(status, headers);
  response.end(body);
}

function redirect(response: ServerResponse, location: string) {
  response.writeHead(302, { location, "cache-control": "no-store" });
  response.end();
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
