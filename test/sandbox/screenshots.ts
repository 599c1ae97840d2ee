import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { importState } from "./app-tables.ts";
import { screens } from "./browser.ts";
import { oldestToFulfil } from "./check.ts";
import { runUntilSignal } from "./lifecycle.ts";
import { Merchant } from "./merchant.ts";
import { createProgress } from "./progress.ts";
import { startSandbox, type Sandbox } from "./sandbox.ts";
import type { ShopStore } from "./shopify/shop/index.ts";

const folder = fileURLToPath(new URL("../../docs/screenshots", import.meta.url));

/** Same shops at every run, so that a new picture shows what changed in the app. */
const seed = 20_261_121;

const sizes: Readonly<Record<string, BrowserContextOptions>> = {
  desktop: screens.desktop,
  phone: { ...screens.phone, deviceScaleFactor: 2 },
};

/** One picture: where it is taken, and what is done there first. */
interface Shot {
  name: string;
  /** Below the app's address in the admin. */
  path: (shop: ShopStore) => string;
  prepare?: (merchant: Merchant, shop: ShopStore) => Promise<void>;
}

const shots: readonly Shot[] = [
  { name: "overview", path: () => "/app" },
  { name: "orders", path: () => "/app/orders" },
  { name: "orders-to-fulfil", path: () => "/app/orders?tab=to-fulfil" },
  { name: "orders-no-results", path: () => "/app/orders?q=nobody+ordered+this" },
  { name: "order", path: (shop) => `/app/orders/${storied(shop)}` },
  { name: "order-to-fulfil", path: (shop) => `/app/orders/${oldestToFulfil(shop)}` },
  { name: "fulfil", path: (shop) => `/app/orders/${oldestToFulfil(shop)}/fulfil` },
  { name: "packing-slip", path: (shop) => `/app/orders/${oldestToFulfil(shop)}/packing-slip` },
  { name: "order-new", path: () => "/app/orders/new" },
  { name: "order-not-found", path: () => "/app/orders/1" },
  { name: "inventory", path: () => "/app/inventory" },
  {
    name: "inventory-adjust",
    path: () => "/app/inventory",
    prepare: async (merchant) => {
      await merchant.stockCells().first().click();
      await merchant.app.getByLabel("Adjust by").fill("12");
    },
  },
  { name: "inventory-low", path: () => "/app/inventory?stock=low" },
  { name: "products", path: () => "/app/products" },
  { name: "product", path: (shop) => `/app/products/${firstWithVariants(shop)}` },
  { name: "resilience", path: () => "/app/resilience" },
  {
    name: "change",
    path: () => "/app/resilience?changes=settled",
    prepare: async (merchant) => {
      await merchant.app
        .getByRole("link", { name: /^Fulfil #/ })
        .first()
        .click();
      await merchant.app.getByRole("heading", { name: "What became of it" }).waitFor();
    },
  },
  { name: "settings", path: () => "/app/settings" },
];

/** `npm run screenshots`: takes a picture of every page and of the states that matter, for docs/screenshots. */
async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const progress = createProgress();
  await runUntilSignal(async (signal) => {
    await using sandbox = await startSandbox({ seed, tls: true, signal, progress: progress.step });
    const browser = await sandbox.launchBrowser();
    try {
      const [shop] = sandbox.shops as [ShopStore];
      progress.step("The first import");
      await firstImport(sandbox, shop, await newPage(sizes.desktop));
      await someWork(sandbox, shop, await newPage(sizes.desktop));
      for (const [size, options] of Object.entries(sizes)) {
        const page = await newPage(options);
        for (const shot of shots) {
          signal.throwIfAborted();
          progress.step(`${shot.name}, ${size}`);
          await take(new Merchant(page, sandbox, shop), shop, shot, size);
        }
        await page.close();
      }
      progress.step("The sandbox's panel");
      await withPanel(
        sandbox,
        shop,
        await newPage({ ...sizes.desktop, viewport: { width: 1440, height: 900 } }),
      );
      progress.done();
    } finally {
      await browser.close();
    }

    async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
      return context.newPage();
    }
  });
}

async function take(merchant: Merchant, shop: ShopStore, shot: Shot, size: string): Promise<void> {
  await merchant.open(shot.path(shop));
  await shot.prepare?.(merchant, shop);
  await settled(merchant.page);
  await merchant.page.screenshot({ path: join(folder, `${shot.name}-${size}.png`) });
}

/** Opens the app for the first time and catches the import while it runs. */
async function firstImport(sandbox: Sandbox, shop: ShopStore, page: Page): Promise<void> {
  const merchant = new Merchant(page, sandbox, shop);
  await merchant.open("/app");
  await merchant.app.getByText("Your shop is being imported").waitFor();
  // Something done, something under way: what the page is for.
  while (
    !(await importState(sandbox.pair, shop.domain))?.phases.some(({ state }) => state === "done")
  ) {
    await page.waitForTimeout(100);
  }
  await merchant.open("/app");
  await settled(page);
  await page.screenshot({ path: join(folder, "importing-desktop.png") });
  while ((await importState(sandbox.pair, shop.domain))?.state !== "done") {
    await page.waitForTimeout(200);
  }
  await page.close();
}

/** A few changes and webhooks, so that no page is bare. */
async function someWork(sandbox: Sandbox, shop: ShopStore, page: Page): Promise<void> {
  const merchant = new Merchant(page, sandbox, shop);
  page.setDefaultTimeout(30_000);
  await merchant.open("/app/inventory");
  await merchant.adjustStock(3);
  await merchant.open(`/app/orders/${oldestToFulfil(shop)}`);
  await merchant.fulfil("00340434161094022115");
  shop.placeOrders(3);
  shop.changeStock();
  await sandbox.shopify.webhooks.settled();
  await page.close();
}

/** The demo as a newcomer sees it: the app, and the panel in which its database has just failed over. */
async function withPanel(sandbox: Sandbox, shop: ShopStore, page: Page): Promise<void> {
  const merchant = new Merchant(page, sandbox, shop);
  await page.goto(sandbox.admin.appUrl(merchant.shopName, "/app/orders"));
  await merchant.alive();
  const open = page.getByRole("button", { name: "Open the sandbox controls" });
  if (await open.isVisible()) await open.click();
  await page.getByText("things compared at").waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Crash" }).first().click();
  await page.getByRole("button", { name: "Fail over to the standby" }).click();
  await page.getByText("was promoted in").first().waitFor();
  await settled(page);
  await page.screenshot({ path: join(folder, "sandbox-desktop.png") });
}

/** Fonts and the pictures in sight are there, and what moved has come to rest. */
async function settled(page: Page): Promise<void> {
  await page.mouse.move(0, 0);
  for (const frame of page.frames()) {
    await frame.evaluate(async () => {
      await document.fonts.ready;
      const moving = document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
      const coming = [...document.images].filter(
        (image) => !image.complete && image.getBoundingClientRect().top < innerHeight,
      );
      await Promise.race([
        Promise.all([
          ...moving.map((animation) => animation.finished.catch(() => undefined)),
          ...coming.map((image) => image.decode().catch(() => undefined)),
        ]),
        // A picture that is never asked for is not waited for.
        new Promise((resolve) => setTimeout(resolve, 2000)),
      ]);
    });
  }
}

/** An order with a long story: partly sent, with a note and tags. */
function storied(shop: ShopStore): number {
  const ordinals = shop.orders.byNumber().toReversed();
  for (const ordinal of ordinals) {
    if (shop.orders.row(ordinal).fulfillment !== "PARTIALLY_FULFILLED") continue;
    const order = shop.orders.get(ordinal);
    if (order?.note && order.tags.length > 0) return order.id;
  }
  return oldestToFulfil(shop);
}

function firstWithVariants(shop: ShopStore): number {
  const [first] = [...shop.products.values()].filter(({ variants }) => variants.length > 3);
  if (!first) throw new Error(`${shop.name} has no product with variants.`);
  return first.id;
}

main().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
