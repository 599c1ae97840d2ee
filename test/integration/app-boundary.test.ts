import { execFile } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signSessionToken } from "../sandbox/shopify/session-token.ts";
import { startSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { ShopStore } from "../sandbox/shopify/shop/index.ts";

/** What the app, as a real process on a real Postgres and the sandbox's Shopify, answers to odd requests. */
const BROWSER =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0";

let sandbox: Sandbox;
let shop: ShopStore;
let host: string;

beforeAll(async () => {
  sandbox = await startSandbox({ orders: 20 });
  shop = sandbox.shops[0]!;
  const name = shop.domain.replace(".myshopify.com", "");
  host = Buffer.from(`admin.shopify.com/store/${name}`).toString("base64").replace(/=+$/, "");
});
afterAll(() => sandbox?.close());

/** A session token as the admin signs it, but for what is said otherwise. */
const sign = (claims: { shop?: string; apiKey?: string; secret?: string }) =>
  signSessionToken({
    shop: shop.domain,
    apiKey: apiKey(),
    secret: secret(),
    userId: "1",
    now: new Date(),
    ...claims,
  });

interface Asked {
  readonly token?: string;
  readonly query?: Record<string, string>;
  /** Sent as JSON, as the pages send their changes. */
  readonly body?: unknown;
}

function ask(path: string, { token, query, body }: Asked = {}): Promise<Response> {
  const url = new URL(path, sandbox.app.url);
  for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
  return fetch(url, {
    redirect: "manual",
    headers: {
      "user-agent": BROWSER,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
}

const signedIn = () => sandbox.shopify.sessionToken(shop.domain, {});
const secret = () => sandbox.appEnv()["SHOPIFY_API_SECRET"]!;
const apiKey = () => sandbox.appEnv()["SHOPIFY_API_KEY"]!;

async function shopsKnown(): Promise<string[]> {
  const sql = postgres(sandbox.pair.url("superuser", "writer"), { max: 1 });
  const rows = await sql<{ shop: string }[]>`select shop from sessions order by shop`;
  await sql.end();
  return rows.map((row) => row.shop);
}

describe("signing in", () => {
  test("a request that names no shop is told where the app is opened", async () => {
    const response = await ask("/app");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/auth/login?to=%2Fapp");
    const page = await (await ask("/auth/login")).text();
    expect(page).toContain("In your Shopify admin, choose Apps and then Evenkeel.");
  });

  test("a shop that is not Shopify's is not followed anywhere", async () => {
    const response = await ask("/app", { query: { shop: "evil.example.com", host } });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/auth/login?to=%2Fapp");
  });

  test("and which page was asked for is not forgotten, without what only the admin can say", async () => {
    const response = await ask("/app/orders", { query: { q: "a b", embedded: "1", host } });
    expect(response.headers.get("location")).toBe("/auth/login?to=%2Fapp%2Forders%3Fq%3Da%2Bb");
  });

  test.each(["https://evil.example.com/", "//evil.example.com/app", "/application", "/webhooks"])(
    "the way back leads to pages of the app and nowhere else: not to %s",
    async (to) => {
      const page = await (await ask("/auth/login", { query: { to } })).text();
      expect(page).not.toContain(to);
    },
  );

  test("without a session token the browser is sent to fetch one", async () => {
    const response = await ask("/app", { query: { shop: shop.domain, host, embedded: "1" } });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toMatch(/^\/auth\/session-token\?/);
  });

  test.each([
    ["a forged signature", () => sign({ secret: "guess" })],
    ["the token of another app", () => sign({ apiKey: "other" })],
    ["something that is no token", () => "abc.def.ghi"],
    ["an empty token", () => " "],
  ])(
    "%s opens nothing: 401, and the browser is asked to fetch a fresh one",
    async (_what, token) => {
      for (const path of ["/app.data", "/app/orders.data", "/app/changes", "/app/inventory.data"]) {
        const response = await ask(path, { token: token() });
        expect([path, response.status]).toEqual([path, 401]);
        expect(await response.text()).not.toContain(shop.name);
      }
      expect(await shopsKnown()).not.toContain("evil.myshopify.com");
    },
  );

  test("a shop that never installed the app gets no session, however well its token is signed", async () => {
    const stranger = "stranger.myshopify.com";
    const token = sign({ shop: stranger });
    await ask("/app/orders.data", { token });
    expect(await shopsKnown()).not.toContain(stranger);
  });

  test("a signed token opens the app: one exchange, although layout and page load side by side", async () => {
    let exchanges = 0;
    sandbox.shopify.traffic.on("request", ({ surface }) => {
      if (surface === "oauth") exchanges++;
    });
    const responses = await Promise.all(
      ["/app.data", "/app/orders.data", "/app/changes"].map((path) =>
        ask(path, { token: signedIn() }),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(exchanges).toBe(1);
  });

  test("a shop that Shopify does not sign in is shown what is here, after one look for its layout and page", async () => {
    const { domain } = sandbox.shops[1]!;
    sandbox.shopify.faults.set({ kind: "timeout", surface: "oauth", shop: domain });
    const struck = () => sandbox.shopify.faults.list().map((fault) => fault.struck);
    try {
      const token = sandbox.shopify.sessionToken(domain, {});
      const response = await ask("/app/orders.data", { token });
      expect(response.status).toBe(200);
      expect(struck()).toEqual([1]);
      expect(await shopsKnown()).not.toContain(domain);
    } finally {
      sandbox.shopify.faults.clear();
    }
    const back = await ask("/app.data", { token: sandbox.shopify.sessionToken(domain, {}) });
    expect(back.status).toBe(200);
    expect(await shopsKnown()).toContain(domain);
  });

  test("App Bridge is loaded early from where it is asked for, on the library's own pages too", async () => {
    const query = { shop: shop.domain, host, embedded: "1" };
    const appBridge = `<${sandbox.admin.url}/app-bridge.js>; rel="preload"; as="script";`;
    const page = await ask("/app", { query: { ...query, id_token: signedIn() } });
    expect(page.status).toBe(200);
    const bounce = await ask("/auth/session-token", { query });
    expect(await bounce.text()).toContain(`src="${sandbox.admin.url}/app-bridge.js"`);
    expect([page.headers.get("link"), bounce.headers.get("link")]).toEqual([appBridge, appBridge]);
  });
});

describe("addresses", () => {
  test.each([
    ["/app/orders/999999999999", "an order that is not there"],
    ["/app/orders/abc", "an id that is no number"],
    ["/app/orders/99999999999999999999999", "an id that is too long"],
    ["/app/orders/-1", "a negative id"],
    ["/app/orders/1%27%20or%201=1", "an attempt at SQL"],
    ["/app/products/999999999999", "a product that is not there"],
    ["/app/nothing/here", "a page that is not there"],
  ])("%s (%s) is a page that says so, with status 404", async (path) => {
    const response = await ask(path, {
      query: { shop: shop.domain, host, embedded: "1", id_token: signedIn() },
    });
    expect(response.status).toBe(404);
    const page = await response.text();
    expect(/Handling response|Application Error|at .*\.[jt]s:\d+/.exec(page)?.[0]).toBeUndefined();
    expect(/<h1[^>]*>([^<]*)</.exec(page)?.[1]).toMatch(/^There is no such (order|product|page)/);
  });

  test("odd filters are ignored, not an error", async () => {
    const query = {
      tab: "nonsense",
      sort: "' or 1=1",
      after: "%%%",
      page: "-5",
      q: "x".repeat(10_000),
    };
    const response = await ask("/app/orders.data", { token: signedIn(), query });
    expect(response.status).toBe(200);
  });
});

describe("forms", () => {
  const stock = { inventoryItemId: 1, locationId: 1, delta: 1, reason: "correction" };
  const asked = { operationId: randomUUID(), kind: "inventory.adjust", input: stock };

  test.each([
    ["a quantity that is not a number", { ...asked, input: { ...stock, delta: "many" } }],
    ["a quantity with a fraction", { ...asked, input: { ...stock, delta: 1.5 } }],
    ["no change at all", { ...asked, input: { ...stock, delta: 0 } }],
    [
      "a variant that is not there",
      { ...asked, input: { ...stock, inventoryItemId: 999_999_999 } },
    ],
    ["no operation id", { ...asked, operationId: "" }],
    ["a kind of change that does not exist", { ...asked, kind: "inventory.explode" }],
    ["nothing at all", null],
  ])("%s is answered in words, and nothing is kept", async (_what, body) => {
    const response = await ask("/app/inventory.data", { token: signedIn(), body });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"invalid"');
    const sql = postgres(sandbox.pair.url("superuser", "writer"), { max: 1 });
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from commands`;
    await sql.end();
    expect(row?.n).toBe(0);
  });
});

describe("webhooks", () => {
  test("a forged webhook is refused by the running app", async () => {
    const body = "{}";
    const response = await fetch(new URL("/webhooks", sandbox.app.url), {
      method: "POST",
      body,
      headers: {
        "x-shopify-hmac-sha256": createHmac("sha256", "guess").update(body).digest("base64"),
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": shop.domain,
        "x-shopify-api-version": "2026-10",
        "x-shopify-webhook-id": randomUUID(),
      },
    });
    expect(response.status).toBe(401);
  });
});

describe("the process", () => {
  test("says that it lives, that it is ready and what it depends on, and nothing secret", async () => {
    expect(await (await ask("/livez")).text()).toBe("ok\n");
    expect(await (await ask("/readyz")).text()).toBe("serving\n");
    const text = await (await ask("/health")).text();
    expect(JSON.parse(text)).toMatchObject({
      state: "ok",
      dependencies: { database: { state: "steady", nodes: expect.any(Array) as unknown } },
    });
    for (const value of [secret(), new URL(sandbox.appEnv()["DATABASE_URL"]!).password]) {
      expect(text).not.toContain(value);
    }
  });

  test("stays ready without its database, shows what it has, and /health says what is away", async () => {
    const { pair } = sandbox;
    await ask("/app/orders.data", { token: signedIn() });
    await pair.crash(pair.standby);
    await pair.crash(pair.primary);
    await expect
      .poll(async () => ((await (await ask("/health")).json()) as { state: string }).state)
      .toBe("degraded");
    expect((await ask("/readyz")).status).toBe(200);
    // A page that was open before can be opened again, and does not pass for live.
    const orders = await ask("/app/orders.data", { token: signedIn() });
    expect(orders.status).toBe(200);
    expect(await orders.text()).toContain('"memory"');
    await pair.heal();
    await expect
      .poll(async () => ((await (await ask("/health")).json()) as { state: string }).state, {
        timeout: 30_000,
      })
      .toBe("ok");
  });

  test("does not start on a wrong environment, and says why in plain words", async () => {
    const failed = promisify(execFile)(process.execPath, ["app/start.ts"], {
      env: { NODE_ENV: "production", SHOPIFY_API_KEY: "key", PORT: "eighty" },
    });
    const { stderr } = (await failed.catch((error: unknown) => error)) as { stderr: string };
    expect(stderr).toContain("Evenkeel cannot start, because of its environment:");
    expect(stderr).toContain("PORT is not a number");
    expect(stderr).toContain("DATABASE_URL is not set");
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("on SIGTERM it answers what has come in, ends by itself, and the port is free", async () => {
    const { app } = sandbox;
    const pid = app.pid!;
    const asked = ask("/app/orders.data", { token: signedIn() });
    const down = new Promise<void>((resolve) => {
      app.events.on("state", (state) => {
        if (state === "down") resolve();
      });
    });
    const response = await asked;
    process.kill(pid, "SIGTERM");
    expect(response.status).toBe(200);
    await down;
    await expect(ask("/livez")).rejects.toThrow();
    expect(app.lines.join("\n")).toContain("stopped");
  });
});
