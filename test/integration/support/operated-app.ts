import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { AppProcess } from "../../sandbox/app-process.ts";
import { freePort } from "../../sandbox/postgres/ports.ts";
import { signSessionToken } from "../../sandbox/shopify/session-token.ts";

const API_KEY = "operated-key";
const SECRET = "operated-secret";
export const SHOP = "northbound.myshopify.com";

const BROWSER =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0";

const HEALTH_INTERVAL_MS = 100;

export interface Health {
  readonly state: "ok" | "degraded";
  readonly dependencies: {
    readonly database: {
      readonly state: string;
      readonly problems: readonly {
        readonly about: string;
        readonly level: string;
        readonly problem: string;
      }[];
      readonly nodes: readonly { readonly id: string; readonly state: string }[];
    };
  };
}

/** The released app as an operator runs it, with whatever configuration; Shopify cannot be reached from it. */
export interface OperatedApp extends AsyncDisposable {
  readonly process: AppProcess;
  get(path: string): Promise<Response>;
  health(): Promise<Health>;
  /** Resolves when /health says that all is well. */
  well(): Promise<void>;
  /** Opens a page of the shop as its merchant. */
  open(path: string): Promise<{ readonly status: number; readonly html: string }>;
  /** Sends a webhook as Shopify does, and returns the status that it is answered with. */
  webhook(): Promise<number>;
  /** What it has logged or will log: resolves with the first line that `matches`. */
  logged(matches: (line: Readonly<Record<string, unknown>>) => boolean): Promise<void>;
}

/** @param env - The variables that lead to the database, and whatever else is not as it should be. */
export async function operateApp(env: Readonly<Record<string, string>>): Promise<OperatedApp> {
  const port = await freePort();
  const app = new AppProcess({
    program: "app/start.ts",
    port,
    env: () => ({
      PORT: String(port),
      SHOPIFY_API_KEY: API_KEY,
      SHOPIFY_API_SECRET: SECRET,
      SHOPIFY_APP_URL: `http://localhost:${port}`,
      SHUTDOWN_GRACE_SECONDS: "5",
      // Nobody listens there: no test speaks with the real Shopify.
      NODE_USE_ENV_PROXY: "1",
      HTTPS_PROXY: "http://127.0.0.1:1",
      NO_PROXY: "localhost,127.0.0.1",
      ...env,
    }),
  });
  await app.start();
  const get = (path: string) => fetch(new URL(path, app.url), { redirect: "manual" });
  const health = async () => (await (await get("/health")).json()) as Health;
  return {
    process: app,
    get,
    health,
    async well() {
      while ((await health()).state !== "ok") await wait(HEALTH_INTERVAL_MS);
    },
    async open(path) {
      const url = new URL(path, app.url);
      const idToken = signSessionToken({
        shop: SHOP,
        apiKey: API_KEY,
        secret: SECRET,
        userId: "1",
        now: new Date(),
      });
      const host = Buffer.from("admin.shopify.com/store/northbound").toString("base64url");
      const query = { shop: SHOP, host, embedded: "1", id_token: idToken };
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
      const response = await fetch(url, {
        redirect: "manual",
        headers: { "user-agent": BROWSER },
      });
      return { status: response.status, html: await response.text() };
    },
    async webhook() {
      const body = '{"id":1}';
      const response = await fetch(new URL("/webhooks", app.url), {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "x-shopify-hmac-sha256": createHmac("sha256", SECRET).update(body).digest("base64"),
          "x-shopify-topic": "app/scopes_update",
          "x-shopify-shop-domain": SHOP,
          "x-shopify-api-version": "2026-10",
          "x-shopify-webhook-id": randomUUID(),
        },
      });
      return response.status;
    },
    async logged(matches) {
      const isIt = (line: string) => {
        try {
          return matches(JSON.parse(line) as Record<string, unknown>);
        } catch {
          return false;
        }
      };
      if (app.lines.some(isIt)) return;
      await new Promise<void>((resolve) => {
        const onLine = (line: string) => {
          if (!isIt(line)) return;
          app.events.off("line", onLine);
          resolve();
        };
        app.events.on("line", onLine);
      });
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}
