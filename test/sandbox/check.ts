import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { bar, printReport, type Bar, type Row } from "../bench/report.ts";
import { importState } from "./app-tables.ts";
import { screens } from "./browser.ts";
import { Merchant } from "./merchant.ts";
import { createProgress } from "./progress.ts";
import { startSandbox, type Sandbox } from "./sandbox.ts";
import type { ShopStore } from "./shopify/shop/index.ts";

export interface CheckOptions {
  orders: number;
  /** Gives up when it is aborted. */
  signal: AbortSignal;
}

/** What a person would wait for without wondering, in ms. */
const limitsMs = {
  start: 90_000,
  install: 10_000,
  /** An import is watched, not waited for: what grows with the shop is added to this. */
  import: 30_000,
  importPerOrder: 15,
  list: 5_000,
  search: 5_000,
  adjust: 15_000,
  fulfil: 15_000,
  // The page asks for news every 15 s when nothing is under way.
  webhook: 25_000,
  settle: 60_000,
};

/** The app's process may never need more than this, however large the shop is. */
const RSS_LIMIT_MB = 400;

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The screenshots and the app's log of the last check. */
const output = join(root, ".cache", "demo-check");

/**
 * `npm run demo -- --check`: starts a sandbox, walks through it as a merchant would, in a headless Chromium with
 * the app's policy untouched, and reports: a row and a bar for each step, and the screenshots.
 */
export async function check({ orders, signal }: CheckOptions): Promise<void> {
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  const progress = createProgress();
  const rows: Row[] = [];
  const bars: Bar[] = [];
  const screenshots: string[] = [];
  console.log("\nEvenkeel demo, checked\n");

  const startedMs = performance.now();
  await using sandbox = await startSandbox({
    orders,
    tls: true,
    signal,
    progress: progress.step,
    logFile: join(output, "app.log"),
  });
  await using browser = asyncDisposable(await sandbox.launchBrowser());
  const context = await browser.value.newContext(screens.desktop);
  const page = await context.newPage();
  const complaints = listen(page);
  rows.push({
    step: "start",
    ms: Math.round(performance.now() - startedMs),
    what: "sandbox and app",
  });
  bars.push(bar("start", performance.now() - startedMs, "ms", { atMost: limitsMs.start }));

  const shop = firstShop(sandbox);
  const merchant = new Merchant(page, sandbox, shop);

  /** Does one step; a step that fails is a bar that is missed, and the rest is not tried. */
  const step = async (
    name: Exclude<keyof typeof limitsMs, "start" | "importPerOrder">,
    title: string,
    limitMs: number,
    work: () => Promise<string>,
  ) => {
    signal.throwIfAborted();
    progress.step(title);
    const beganMs = performance.now();
    page.setDefaultTimeout(limitMs);
    let what: string;
    let ms = Number.NaN;
    try {
      what = await work();
      ms = performance.now() - beganMs;
    } catch (error) {
      what = firstLine(error);
      throw error;
    } finally {
      const picture = join(output, `${rows.length}-${name}.png`);
      await page.screenshot({ path: picture }).catch(() => undefined);
      screenshots.push(relative(root, picture));
      rows.push({ step: name, ms: Math.round(ms), what: what! });
      bars.push(bar(name, ms, "ms", { atMost: limitMs }));
    }
  };

  try {
    await step("install", "Opening the app for the first time", limitsMs.install, async () => {
      await merchant.open();
      await merchant.heading("Overview").waitFor();
      return "token exchange, first page";
    });

    const importLimitMs = limitsMs.import + limitsMs.importPerOrder * orders;
    await step("import", "Importing", importLimitMs, async () => {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(importLimitMs)]);
      await importDone(sandbox, shop, deadline, progress.detail);
      await merchant.app.getByText("Your shop is being imported").waitFor({ state: "hidden" });
      return `${shop.orders.count.toLocaleString("en")} orders and ${shop.products.size} products`;
    });

    await step("list", "Looking at the orders", limitsMs.list, async () => {
      await merchant.goTo("Orders");
      const newest = shop.order(shop.ids.row("Order", shop.orders.length - 1));
      await merchant
        .rows()
        .filter({ hasText: newest?.name ?? "" })
        .first()
        .waitFor();
      return `${await merchant.rows().count()} rows, the newest is ${newest?.name ?? "?"}`;
    });

    await step("search", "Searching for one", limitsMs.search, async () => {
      const wanted = shop.order(oldestToFulfil(shop));
      await merchant.search(wanted?.name ?? "");
      await merchant
        .rows()
        .filter({ hasText: wanted?.name ?? "" })
        .first()
        .waitFor();
      return `found ${wanted?.name ?? "?"}`;
    });

    await step("adjust", "Adjusting stock", limitsMs.adjust, async () => {
      await merchant.goTo("Inventory");
      const before = shop.ledger.length;
      const { variant, location, from } = await merchant.adjustStock(3);
      await until(() => shop.ledger.length > before, signal, limitsMs.adjust);
      const now = (from + 3).toLocaleString("en");
      await merchant.app
        .getByRole("button", { name: `Adjust ${variant} at ${location}, ${now} available` })
        .waitFor();
      return `${variant} at ${location}: ${from} → ${from + 3}, in Shopify and on the page`;
    });

    await step("fulfil", "Fulfilling an order", limitsMs.fulfil, async () => {
      const id = oldestToFulfil(shop);
      await merchant.open(`/app/orders/${id}`);
      await merchant.fulfil("00340434161094022115");
      await until(() => (shop.order(id)?.fulfillments.length ?? 0) > 0, signal, limitsMs.fulfil);
      await merchant.app.getByText("00340434161094022115").first().waitFor();
      return `${shop.order(id)?.name ?? "?"}, in Shopify and on the page`;
    });

    await step("webhook", "Waiting for a new order to show up", limitsMs.webhook, async () => {
      await merchant.open("/app/orders");
      await merchant.rows().first().waitFor();
      const { name } = shop.placeOrder();
      await merchant.rows().filter({ hasText: name }).first().waitFor();
      return `${name} appeared in the open page`;
    });

    await step(
      "settle",
      "Comparing what is there with what should be",
      limitsMs.settle,
      async () => {
        await until(
          async () => (await sandbox.losses.compare())?.waitingFor === null,
          signal,
          limitsMs.settle,
        );
        return "nothing on its way";
      },
    );
    const lost = await sandbox.losses.compare();
    for (const row of lost?.rows ?? []) {
      bars.push(bar(`lost: ${row.what.toLowerCase()}`, row.lost, "of them", { exactly: 0 }));
      bars.push(bar(`doubled: ${row.what.toLowerCase()}`, row.doubled, "of them", { exactly: 0 }));
    }

    const phone = await browser.value.newContext(screens.phone);
    const onPhone = new Merchant(await phone.newPage(), sandbox, shop);
    for (const [name, path] of [
      ["overview", "/app"],
      ["orders", "/app/orders"],
    ] as const) {
      await onPhone.open(path);
      await onPhone.app.getByRole("heading", { level: 1 }).waitFor();
      const picture = join(output, `phone-${name}.png`);
      await onPhone.page.screenshot({ path: picture });
      screenshots.push(relative(root, picture));
    }
  } catch (error) {
    if (signal.aborted) throw error;
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    console.error(sandbox.app.lines.slice(-20).join("\n"));
  }
  progress.done();
  bars.push(
    bar("app's peak memory", sandbox.app.peakRssMb, "MB", { atMost: RSS_LIMIT_MB }),
    bar("complaints in the browser", complaints.length, "messages", { exactly: 0 }),
  );
  for (const complaint of complaints) console.error(`  browser: ${complaint}`);
  printReport({ name: "demo --check", runs: 1, rows, bars, extra: { orders, screenshots } });
}

/** Comes back when the import is through; tells how far it is. */
async function importDone(
  sandbox: Sandbox,
  shop: ShopStore,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<void> {
  let told = "";
  for (;;) {
    signal.throwIfAborted();
    const run = await importState(sandbox.pair, shop.domain);
    if (run?.state === "done") return;
    if (run?.state === "failed") throw new Error(`The import failed: ${run.error ?? "?"}`);
    const phase = run?.phases.find(({ state }) => state === "running");
    const words = phase
      ? `${phase.name} ${phase.done.toLocaleString("en")}${phase.total === null ? "" : ` of ${phase.total.toLocaleString("en")}`}, ${sandbox.app.rssMb ?? "?"} MB`
      : "";
    if (words !== told && words !== "") tell(words);
    told = words;
    await pause(1000);
  }
}

/** An order that waits to be sent, whole and unhindered: the oldest that the app may read. */
export function oldestToFulfil(shop: ShopStore): number {
  for (const ordinal of shop.orders.byNumber()) {
    const order = shop.orders.row(ordinal);
    const inWindow = order.createdAt > shop.now() - 59 * 24 * 3600;
    if (
      inWindow &&
      order.fulfillment === "UNFULFILLED" &&
      order.financial === "PAID" &&
      !order.cancelled
    ) {
      return shop.ids.row("Order", ordinal);
    }
  }
  throw new Error(`${shop.name} has no order to fulfil.`);
}

function firstShop(sandbox: Sandbox): ShopStore {
  const [shop] = sandbox.shops;
  if (!shop) throw new Error("The sandbox has no shop.");
  return shop;
}

/** Errors that a page reports, as they come. */
function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return complaints;
}

async function until(
  holds: () => boolean | Promise<boolean>,
  signal: AbortSignal,
  limitMs: number,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  while (!(await holds())) {
    deadline.throwIfAborted();
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

function asyncDisposable<T extends { close(): Promise<void> }>(value: T) {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
