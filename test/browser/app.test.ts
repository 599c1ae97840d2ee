import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { importState, readAppTables } from "../sandbox/app-tables.ts";
import { screens } from "../sandbox/browser.ts";
import { oldestToFulfil } from "../sandbox/check.ts";
import { Merchant } from "../sandbox/merchant.ts";
import { startSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { ShopStore } from "../sandbox/shopify/shop/index.ts";

/**
 * One sandbox for all, used in the order in which a merchant would: the app is installed, imports, and is worked
 * in. Its admin is https://admin.shopify.com, so the app runs exactly as released.
 */
describe("the app in the admin", () => {
  let sandbox: Sandbox;
  let shop: ShopStore;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let merchant: Merchant;
  const complaints: string[] = [];

  const orderToOpen = () => {
    const id = oldestToFulfil(shop);
    return { name: shop.order(id)?.name ?? "", path: `/app/orders/${id}` };
  };

  beforeAll(async () => {
    sandbox = await startSandbox({ orders: 150, tls: true });
    [shop] = sandbox.shops as [ShopStore];
    browser = await sandbox.launchBrowser();
    context = await browser.newContext(screens.desktop);
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // Remix prints it of a navigation that was overtaken while its answer was read, and then ignores it.
      const overtaken = message.text().startsWith("AbortError: BodyStreamBuffer was aborted");
      if (message.type() === "error" && !overtaken) complaints.push(message.text());
    });
    merchant = new Merchant(page, sandbox, shop);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
  });

  afterEach(() => {
    expect(complaints.splice(0), "what the browser complained about").toEqual([]);
  });

  test("is signed in on its first page, framed under the policy of production", async () => {
    const answered = page.waitForResponse(
      (response) => new URL(response.url()).pathname === "/app" && response.status() === 200,
    );
    await merchant.open();
    await merchant.heading("Overview").waitFor();
    const policy = (await (await answered).allHeaders())["content-security-policy"];
    expect(policy).toContain(`frame-ancestors https://${shop.domain} https://admin.shopify.com`);
    expect(policy).not.toContain("localhost");
  });

  test("imports the shop by itself and says so until it is done", async () => {
    await expect
      .poll(() => importState(sandbox.pair, shop.domain).then((run) => run?.state), {
        timeout: 60_000,
      })
      .toBe("done");
    await merchant.app.getByText("Your shop is being imported").waitFor({ state: "hidden" });
    const [stored] = await readAppTables(
      sandbox.pair,
      (sql) => sql<{ orders: number; products: number }[]>`
        select (select count(*) from orders where shop = ${shop.domain})::int as orders,
               (select count(*) from products where shop = ${shop.domain})::int as products`,
    );
    expect(stored).toEqual({ orders: 150, products: shop.products.size });
  });

  test("lists the orders, the newest first", async () => {
    await merchant.goTo("Orders");
    const newest = shop.order(shop.ids.row("Order", shop.orders.length - 1));
    await merchant
      .rows()
      .filter({ hasText: newest?.name ?? "" })
      .waitFor();
    expect(await merchant.rows().first().textContent()).toContain(newest?.name);
    expect(await merchant.rows().count()).toBe(50);
    await merchant.app.getByText("50 of 150 orders").waitFor();
  });

  test("finds an order by its name, and the address can be shared", async () => {
    const wanted = shop.order(oldestToFulfil(shop));
    await merchant.search(wanted?.name ?? "");
    await merchant
      .rows()
      .filter({ hasText: wanted?.name ?? "" })
      .waitFor();
    const found = await merchant.rows().count();
    expect(found).toBeLessThan(10);
    const address = page.url();
    expect(address).toContain("q=");
    await page.goto(`${address}&panel=none`);
    await merchant
      .rows()
      .filter({ hasText: wanted?.name ?? "" })
      .waitFor();
    expect(await merchant.rows().count()).toBe(found);
  });

  test.for(["a link", "the menu"])(
    "follows %s that was clicked before the page had come alive",
    async (which) => {
      const oldest = shop.order(oldestToFulfil(shop)) as { readonly name: string };
      const tab = await context.newPage();
      const eager = new Merchant(tab, sandbox, shop);
      const scripts = Promise.withResolvers<void>();
      await tab.route("**/assets/*.js", async (route) => {
        await scripts.promise;
        await route.continue();
      });
      const documents: string[] = [];
      tab.on("request", (request) => {
        if (request.isNavigationRequest() && request.frame().parentFrame())
          documents.push(request.url());
      });
      const list = `/app/orders?q=${encodeURIComponent(oldest.name)}`;
      // The page's load waits for its scripts.
      await tab.goto(sandbox.admin.appUrl(eager.shopName, list, { panel: false }), {
        waitUntil: "commit",
      });
      if (which === "a link") await eager.app.getByRole("link", { name: oldest.name }).click();
      else await eager.menuItem("Inventory").click();
      scripts.resolve();
      await eager.heading(which === "a link" ? oldest.name : "Inventory").waitFor();
      expect(documents, "one document, and the rest within it").toHaveLength(1);
      await tab.close();
    },
  );

  test("finds back to its page when its frame alone is loaded anew, and again", async () => {
    await merchant.open("/app");
    await merchant.goTo("Orders");
    const { name } = shop.order(oldestToFulfil(shop)) as { readonly name: string };
    await merchant.search(name);
    const address = page.url();
    for (let times = 0; times < 2; times++) {
      const reloaded = page.waitForRequest((request) => request.url().includes("id_token="));
      await merchant.app.locator("html").evaluate(() => location.reload());
      await reloaded;
      await merchant.alive();
      await merchant.rows().filter({ hasText: name }).waitFor();
      expect(page.url()).toBe(address);
    }
  });

  test.for<[string, Parameters<Locator["click"]>[0]]>([
    ["a middle click", { button: "middle" }],
    ["Ctrl and a click", { modifiers: ["ControlOrMeta"] }],
  ])("%s opens an order in a tab of its own, inside the admin", async ([, how]) => {
    await merchant.open(`/app/orders?q=${encodeURIComponent(orderToOpen().name)}`);
    const { name, path } = orderToOpen();
    const opened = context.waitForEvent("page");
    await merchant.app.getByRole("link", { name }).click(how);
    const tab = await opened;
    await new Merchant(tab, sandbox, shop).heading(name).waitFor();
    expect(new URL(tab.url()).pathname).toBe(`/store/${merchant.shopName}/apps/evenkeel${path}`);
    await tab.close();
    // Here everything is as it was, and a plain click goes on in this tab.
    await merchant.app.getByRole("link", { name }).click();
    await merchant.heading(name).waitFor();
  });

  test("brings an adjustment of stock to Shopify, once, and shows what Shopify made of it", async () => {
    await merchant.goTo("Inventory");
    const { variant, location, from } = await merchant.adjustStock(3);
    const now = (from + 3).toLocaleString("en");
    await merchant.app
      .getByRole("button", { name: `Adjust ${variant} at ${location}, ${now} available` })
      .waitFor();
    const applied = shop.ledger.filter(({ mutation }) => mutation === "inventoryAdjustQuantities");
    expect(applied).toHaveLength(1);
    expect(applied[0]?.idempotencyKey).toBeTruthy();
  });

  test("brings a fulfillment with its tracking number to Shopify, once", async () => {
    const id = oldestToFulfil(shop);
    await merchant.open(`/app/orders/${id}`);
    await merchant.alive();
    await merchant.fulfil("00340434161094022115");
    await merchant.app.getByText("00340434161094022115").first().waitFor();
    expect(shop.order(id)?.fulfillments).toHaveLength(1);
    expect(shop.ledger.filter(({ mutation }) => mutation === "fulfillmentCreate")).toHaveLength(1);
  });

  test("shows a new order in the page that is open, without a reload", async () => {
    await merchant.open("/app/orders");
    await merchant.rows().first().waitFor();
    let reloads = 0;
    page.on("framenavigated", () => reloads++);
    const { name } = shop.placeOrder();
    await merchant.rows().filter({ hasText: name }).waitFor({ timeout: 30_000 });
    expect(reloads).toBe(0);
  });

  test("says what to do when the device is offline, and goes on when it is back", async () => {
    await merchant.open("/app/orders");
    await merchant.goTo("Inventory");
    await context.setOffline(true);
    await merchant.menuItem("Orders").click();
    await merchant.app.getByRole("alert").getByText("can't be reached").waitFor();
    // The browser itself notes each request that has failed.
    expect(complaints.splice(0).join()).toContain("ERR_INTERNET_DISCONNECTED");
    await context.setOffline(false);
    await merchant.app.getByRole("button", { name: "Try again" }).click();
    await merchant.rows().first().waitFor();
    complaints.splice(0);
  });

  test("keeps an adjustment while nothing takes writes, says so, and brings it to Shopify once", async (context) => {
    context.skip(
      sandbox.appEnv()["JOURNAL_DIR"] === undefined,
      "The sandbox lies on a disk that forgets.",
    );
    const adjustments = () =>
      shop.ledger.filter(({ mutation }) => mutation === "inventoryAdjustQuantities").length;
    const before = adjustments();
    await merchant.open("/app/inventory");
    await sandbox.pair.freeze(sandbox.pair.primary);
    const kept = /kept on the server, waiting for the database/;
    const { variant, location, from } = await merchant.adjustStock(4, kept);
    await merchant.app.getByText("On the server, waiting for the database").first().waitFor();
    expect(adjustments()).toBe(before);

    await sandbox.pair.failover();
    const now = (from + 4).toLocaleString("en");
    await merchant.app
      .getByRole("button", { name: `Adjust ${variant} at ${location}, ${now} available` })
      .waitFor({ timeout: 60_000 });
    expect(adjustments()).toBe(before + 1);
    await sandbox.controls.act({ action: "all.well" });
  });

  test("takes an order, which is worked on here while Shopify is away, and gets there once", async () => {
    await merchant.open("/app/orders/new");
    const { app } = merchant;
    const field = app.getByRole("combobox", { name: "Search products" });
    await field.click();
    await app.getByRole("listbox").getByRole("option").first().click();
    const quantity = app.getByRole("spinbutton", { name: /^Quantity of / });
    await quantity.fill("0");
    await app.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
    await app.getByLabel("Shipping method").fill("Courier");
    await app.getByLabel("Price", { exact: true }).fill("4,95");
    await app.getByRole("button", { name: "Take order" }).click();
    await app.getByText("Take at least one.").waitFor();

    const fault = sandbox.shopify.faults.set({ kind: "down", how: "http-503" });
    const before = shop.drafts.size;
    await quantity.fill("2");
    await app.getByRole("button", { name: "Take order" }).click();
    await merchant.heading(/^EK-/).waitFor();
    await app.getByText("You can pack it now.").waitFor();
    await app.getByText("Ada Lovelace").waitFor();
    const number = (await merchant.heading(/^EK-/).textContent()) ?? "";
    await app
      .getByRole("button", { name: "Packing slip" })
      .or(app.getByRole("link", { name: "Packing slip" }))
      .first()
      .click();
    await app.getByRole("article", { name: `Order ${number}` }).waitFor();
    await merchant.open("/app/orders?tab=taken-here");
    await app.getByRole("link", { name: number }).waitFor();
    await app.getByText("Waiting for Shopify").first().waitFor();

    sandbox.shopify.faults.clear(fault);
    await app.getByRole("link", { name: number }).waitFor({ state: "hidden", timeout: 60_000 });
    await merchant.rows().first().waitFor();
    expect(shop.drafts.size).toBe(before + 1);
    const drafts = [...shop.drafts.values()].filter(({ tags }) => tags.includes(number));
    expect(drafts.map(({ status }) => status)).toEqual(["COMPLETED"]);
    await app
      .getByText(shop.order(drafts[0]?.orderId ?? 0)?.name ?? "none")
      .first()
      .waitFor();
  });

  test("works on a phone", async () => {
    const phone = await browser.newContext(screens.phone);
    const onPhone = new Merchant(await phone.newPage(), sandbox, shop);
    await onPhone.open("/app");
    await onPhone.goTo("Orders");
    await onPhone.rows().first().waitFor();
    const overflow = await onPhone.app
      .locator("html")
      .evaluate((html) => html.scrollWidth - html.clientWidth);
    expect(overflow).toBe(0);
    await phone.close();
  });

  test("keeps one shop's merchants away from the other's data", async () => {
    const [, second] = sandbox.shops as [ShopStore, ShopStore];
    const other = new Merchant(page, sandbox, second);
    await other.open(`/app/orders/${oldestToFulfil(shop)}`);
    await other.app.getByRole("heading", { name: "There is no such order here" }).waitFor();
    await page.goto("about:blank");
    // The answer for an order that is not there is a 404, and the browser says so.
    expect(complaints.splice(0).filter((text) => !text.includes("404"))).toEqual([]);
  });

  test("loses nothing on the way, and the sandbox would see it if it did", async () => {
    await expect
      .poll(async () => (await sandbox.losses.compare())?.waitingFor, { timeout: 60_000 })
      .toBeNull();
    const honest = await sandbox.losses.compare();
    expect(honest?.lost).toBe(0);
    expect(honest?.rows.map(({ expected }) => expected > 0)).toEqual([true, true, true]);

    // A check that has never caught anything is worth nothing: take one of each away.
    await readAppTables(sandbox.pair, async (sql) => {
      await sql`delete from orders where (shop, id) in (select shop, id from orders where shop = ${shop.domain} limit 1)`;
      await sql`delete from webhook_deliveries where (shop, id) in (select shop, id from webhook_deliveries limit 1)`;
    });
    shop.ledger.push(...shop.ledger.slice(-1));
    const caught = await sandbox.losses.compare();
    expect(caught?.rows.map(({ what, lost, doubled }) => ({ what, lost, doubled }))).toEqual([
      { what: "Orders", lost: 1, doubled: 0 },
      { what: "Webhooks answered 200", lost: 1, doubled: 0 },
      { what: "Changes sent", lost: 0, doubled: 1 },
    ]);
  });
});
