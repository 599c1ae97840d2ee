import type { Browser, FrameLocator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startAdmin, type Admin } from "../sandbox/admin/server.ts";
import { launchBrowser, screens } from "../sandbox/browser.ts";
import { signSessionToken, verifySessionToken } from "../sandbox/shopify/session-token.ts";
import { startFixtureApp, type FixtureApp } from "./fixture-app.ts";

const keys = { apiKey: "key", secret: "secret" };
const shops = [
  { name: "first", domain: "first.myshopify.com", displayName: "First Shop", storefrontUrl: null },
  { name: "second", domain: "second.myshopify.com", displayName: "Second", storefrontUrl: null },
];

/** Slowly: the field that is left tells the admin of its edit once more before the button is up again. */
const asPeopleDo = { delay: 150 };

/** What the app's page sees of the stand-in. */
interface AppWindow {
  shopify: {
    idToken(): Promise<string>;
    toast: { show(message: string, options?: object): string };
  };
}

describe.each([
  { how: "as admin.shopify.com, with the app's policy untouched", tls: true },
  { how: "on localhost", tls: false },
])("the admin frame $how", ({ tls }) => {
  let admin: Admin;
  let app: FixtureApp;
  let browser: Browser;
  let page: Page;
  let frame: FrameLocator;

  beforeAll(async () => {
    app = await startFixtureApp({
      appBridgeUrl: () =>
        tls ? "https://cdn.shopify.com/shopifycloud/app-bridge.js" : `${admin.url}/app-bridge.js`,
      frameAncestors: () => (tls ? "https://admin.shopify.com" : admin.url),
    });
    admin = await startAdmin({
      app: { name: "Fixture", handle: "fixture", ...keys, url: () => app.url },
      shops,
      sessionToken: (shop, userId) => signSessionToken({ shop, userId, ...keys, now: new Date() }),
      tls,
    });
    browser = await launchBrowser({ hostRules: admin.hostRules });
  });

  afterAll(async () => {
    await browser.close();
    await admin.close();
    await app[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    const context = await browser.newContext(screens.desktop);
    page = await context.newPage();
    frame = page.frameLocator("#app");
    await page.goto(admin.appUrl("first", "/app/orders"));
    await frame.getByRole("heading", { name: "/app/orders" }).waitFor();
  });

  afterEach(() => page.context().close());

  /** Runs in the app's own document. */
  const inApp = <T>(work: () => T | Promise<T>) => frame.locator("body").evaluate(work);

  test("signs in: idToken() is a session token of the shop that is open", async () => {
    const token = await inApp(() => (window as unknown as AppWindow).shopify.idToken());
    const claims = verifySessionToken(token, {
      shop: "first.myshopify.com",
      ...keys,
      now: new Date(),
    });
    expect(claims?.dest).toBe("https://first.myshopify.com");
  });

  test("gives every request to the app's own origin a session token", async () => {
    await inApp(() => fetch("/api").then(() => undefined));
    expect(app.authorizations.at(-1)).toMatch(/^Bearer ey/);
  });

  test("sends a request once more when the server asks for another token", async () => {
    const before = app.authorizations.length;
    app.refuseOnce();
    const status = await inApp(() => fetch("/api").then((response) => response.status));
    expect(status).toBe(200);
    expect(app.authorizations.length - before).toBe(2);
  });

  test("leads a document without a token over the bounce page and back", async () => {
    const bounced = page.waitForRequest((request) => request.url().includes("/bounce?"));
    await inApp(() => {
      location.assign("/app/stock?shop=first.myshopify.com");
    });
    await bounced;
    await frame.getByRole("heading", { name: "/app/stock" }).waitFor();
    await expect.poll(() => page.url()).toContain("/apps/fixture/app/stock");
  });

  test("shows the app's menu, and a click there is a step inside the app", async () => {
    await page.getByRole("listitem").filter({ hasText: "Stock" }).click();
    await frame.getByRole("heading", { name: "/app/stock" }).waitFor();
    await expect
      .poll(() => new URL(page.url()).pathname)
      .toBe("/store/first/apps/fixture/app/stock");
    await page.goBack();
    await expect
      .poll(() => new URL(page.url()).pathname)
      .toBe("/store/first/apps/fixture/app/orders");
  });

  test("draws the title bar, and its buttons act in the app", async () => {
    await page.getByText("Fixture page").waitFor();
    await page.getByRole("button", { name: "Create" }).click();
    await frame.getByText("primary clicked").waitFor();
    await page.getByText("More actions").click();
    await page.getByRole("button", { name: "Print" }).click();
    await frame.getByText("printed").waitFor();
  });

  test("brings the save bar with the first edit; Save submits the form", async () => {
    const saveBar = page.getByRole("region", { name: "Unsaved changes" });
    await frame.getByLabel("Note").fill("second");
    await saveBar.getByRole("button", { name: "Save" }).click(asPeopleDo);
    await frame.getByText("saved second").waitFor();
    await saveBar.waitFor({ state: "hidden" });
  });

  test("asks before it discards edits, where the form wants it", async () => {
    await frame.getByLabel("Note").fill("second");
    await page.getByRole("button", { name: "Discard" }).click(asPeopleDo);
    await page.getByRole("button", { name: "Discard changes" }).click();
    await page.getByRole("region", { name: "Unsaved changes" }).waitFor({ state: "hidden" });
    await expect.poll(() => frame.getByLabel("Note").inputValue()).toBe("first");
  });

  test("does not leave a page with unsaved edits unasked", async () => {
    await frame.getByLabel("Note").fill("second");
    await page.getByRole("listitem").filter({ hasText: "Stock" }).click();
    await page.getByRole("button", { name: "Stay" }).click();
    await frame.getByRole("heading", { name: "/app/orders" }).waitFor();
    await page.getByRole("listitem").filter({ hasText: "Stock" }).click();
    await page.getByRole("button", { name: "Leave page" }).click();
    await frame.getByRole("heading", { name: "/app/stock" }).waitFor();
  });

  test("shows toasts, with their action", async () => {
    await inApp(() => {
      (window as unknown as AppWindow).shopify.toast.show("Order held", {
        action: "Undo",
        onAction: () => (document.querySelector("#said")!.textContent = "undone"),
      });
    });
    await page.getByRole("status").getByText("Order held").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await frame.getByText("undone").waitFor();
  });

  test("takes shopify://admin addresses to the admin", async () => {
    await frame.getByText("In Shopify").click();
    await page.waitForURL("**/store/first/orders/1001*");
  });

  test("never answers idToken() while the admin is away", async () => {
    await page.evaluate(() => {
      window.sandboxFaults.set({ adminAway: true });
    });
    const answered = await inApp(() =>
      Promise.race([
        (window as unknown as AppWindow).shopify.idToken().then(() => true),
        // Long past the few milliseconds that an answer takes.
        new Promise((resolve) => setTimeout(() => resolve(false), 500)),
      ]),
    );
    expect(answered).toBe(false);
  });

  test("lets the page believe that its device is offline", async () => {
    await page.evaluate(() => {
      window.sandboxFaults.set({ deviceOffline: true });
    });
    await frame.getByText("offline false").waitFor();
    const failed = await inApp(() =>
      fetch("/api").then(
        () => "answered",
        (error: Error) => error.name,
      ),
    );
    expect(failed).toBe("TypeError");
  });

  test("changes the store, and the token with it", async () => {
    await page.getByRole("button", { name: "First Shop" }).click();
    await page.getByRole("menuitem", { name: "Second" }).click();
    await page.waitForURL("**/store/second/apps/fixture*");
    await frame.getByRole("heading").waitFor();
    const token = await inApp(() => (window as unknown as AppWindow).shopify.idToken());
    const now = new Date();
    expect(verifySessionToken(token, { shop: "second.myshopify.com", ...keys, now })).toBeDefined();
  });
});

test("gives session tokens to no page of another site", async () => {
  const admin = await startAdmin({
    app: { name: "Fixture", handle: "fixture", ...keys, url: () => "http://localhost:1" },
    shops,
    sessionToken: () => "token",
  });
  try {
    const asked = await fetch(`http://127.0.0.1:${admin.port}/sandbox/session-token?shop=first`, {
      headers: { origin: "https://evil.example" },
    });
    expect(asked.headers.get("access-control-allow-origin")).toBeNull();
    const page = await fetch(`${admin.url}/store/none/apps/fixture`);
    expect(page.status).toBe(404);
    expect(await page.text()).toContain("It has: first, second.");
  } finally {
    await admin.close();
  }
});
