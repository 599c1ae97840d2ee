import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PlatformSession, SECRET } from "./shopify-platform/session.ts";

let session: PlatformSession;
const now = new Date("2026-11-20T10:00:00Z");

beforeAll(async () => {
  session = await PlatformSession.start({
    app: { proxy: { prefix: "apps", subpath: "evenkeel", url: "/proxy" } },
    clock: () => now,
    picture: (_shop, name) => (name === "1.svg" ? "<svg/>" : undefined),
    productBlock: ({ id }) => `<div data-block="${id}"></div>`,
  });
});
afterEach(() => {
  const storefront = session.shopify.storefront(session.shop.domain);
  storefront.passwordProtected = false;
  storefront.customerId = undefined;
  session.shopify.install(session.shop.domain);
  session.app.answer = () => 200;
});
afterAll(() => session.close());

const page = (path: string, init?: RequestInit) =>
  fetch(`${session.shopify.storefront(session.shop.domain).url}${path}`, init);

describe("the storefront", () => {
  it("shows what the shop sells", async () => {
    const answer = await page("/");
    const text = await answer.text();
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(text).toContain('href="/products/product-1"');
    expect(text).toContain("Product &lt;1&gt;");
    expect(text).toContain("€12.50");
  });

  it("shows a product with its variants, its picture and the app's block", async () => {
    const text = await (await page("/products/product-1")).text();
    expect(text).toContain('<option value="11">Default, €12.50</option>');
    expect(text).toContain('data-block="gid://shopify/Product/1"');
    const picture = /src="([^"]+)"/.exec(text)?.[1] ?? "";
    const answer = await fetch(picture);
    expect(answer.headers.get("content-type")).toBe("image/svg+xml");
    expect((await page("/products/product-3")).status).toBe(200);
    expect(await (await page("/products/product-3")).text()).toContain("Sold out");
  });

  it("has no page for what is not there or not for sale", async () => {
    expect((await page("/products/nothing")).status).toBe(404);
    expect((await page("/products/product-4")).status).toBe(404);
    expect((await page("/nowhere")).status).toBe(404);
    expect((await page("/cdn/pictures/9.svg")).status).toBe(404);
  });

  it("answers HTML to everything while it is behind a password", async () => {
    session.shopify.storefront(session.shop.domain).passwordProtected = true;
    for (const path of ["/", "/products/product-1", "/apps/evenkeel/availability"]) {
      const answer = await page(path);
      expect(answer.headers.get("content-type")).toContain("text/html");
      expect(await answer.text()).toContain("Opening soon");
    }
  });
});

describe("the app proxy", () => {
  it("forwards to the app what it signed: every parameter, sorted and joined", async () => {
    session.shopify.storefront(session.shop.domain).customerId = "55";
    session.app.answer = () => ({
      status: 201,
      headers: { "content-type": "application/json", etag: '"1"', "set-cookie": "a=b" },
      body: '{"fine":true}',
    });
    const answer = await page("/apps/evenkeel/availability?id=2&id=1&q=a%20b", {
      headers: { cookie: "secret=1", accept: "application/json" },
    });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ fine: true });
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(answer.headers.get("set-cookie")).toBeNull();

    const received = session.app.received.at(-1)!;
    const url = new URL(received.path, "http://app");
    expect(url.pathname).toBe("/proxy/availability");
    expect(received.headers.cookie).toBeUndefined();
    expect(received.headers["x-forwarded-host"]).toBe(session.shop.domain);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      shop: session.shop.domain,
      logged_in_customer_id: "55",
      path_prefix: "/apps/evenkeel",
      timestamp: String(now.getTime() / 1_000),
    });
    const text =
      "id=2,1logged_in_customer_id=55path_prefix=/apps/evenkeelq=a b" +
      `shop=${session.shop.domain}timestamp=${now.getTime() / 1_000}`;
    expect(url.searchParams.get("signature")).toBe(
      createHmac("sha256", SECRET).update(text).digest("hex"),
    );
  });

  it("carries methods and bodies, and never a signature of the visitor's own", async () => {
    await page("/apps/evenkeel?signature=forged&shop=other.myshopify.com", {
      method: "POST",
      body: "hello",
    });
    const received = session.app.received.at(-1)!;
    const url = new URL(received.path, "http://app");
    expect(received.method).toBe("POST");
    expect(received.body.toString()).toBe("hello");
    expect(url.pathname).toBe("/proxy");
    expect(url.searchParams.getAll("signature")).not.toContain("forged");
    expect(url.searchParams.getAll("shop")).toEqual([session.shop.domain]);
  });

  it("is not there where the app is not installed", async () => {
    session.shopify.uninstall(session.shop.domain);
    expect((await page("/apps/evenkeel/availability")).status).toBe(404);
  });

  it("says 502 when the app is gone", async () => {
    const own = await PlatformSession.start({
      app: { proxy: { prefix: "apps", subpath: "evenkeel", url: "/proxy" } },
    });
    await own.app.close();
    const answer = await fetch(
      `${own.shopify.storefront(own.shop.domain).url}/apps/evenkeel/availability`,
    );
    expect(answer.status).toBe(502);
    await own.shopify.close();
  });
});
