import { get } from "node:http";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { screens } from "../sandbox/browser.ts";
import { startSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { ShopStore } from "../sandbox/shopify/shop/index.ts";

/** The panel needs no app: what it moves are the sandbox's own parts. */
describe("the fault panel", () => {
  let sandbox: Sandbox;
  let shop: ShopStore;
  let browser: Browser;
  let page: Page;
  let panel: Locator;

  beforeAll(async () => {
    sandbox = await startSandbox({ orders: 20, program: null });
    [shop] = sandbox.shops as [ShopStore];
    browser = await sandbox.launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
  });

  beforeEach(async () => {
    const context = await browser.newContext({
      ...screens.desktop,
      viewport: { width: 1440, height: 900 },
    });
    page = await context.newPage();
    await page.goto(sandbox.admin.url);
    panel = page.getByRole("complementary", { name: "Sandbox controls" });
    await untilIn("Postgres n1", "primary");
  });

  afterEach(() => page.context().close());

  /** One part's card, by its name. */
  const part = (name: string) => panel.locator(".part").filter({ hasText: name });

  /** Waits until a part says that it is in a state, in just these words. */
  const untilIn = (name: string, state: string | RegExp) =>
    part(name).locator(".part-state").getByText(state, { exact: true }).waitFor();

  test("crashes the primary, fails over to the standby, and takes the old primary back", async () => {
    await part("Postgres n1").getByRole("button", { name: "Crash" }).click();
    await untilIn("Postgres n1", "down");
    expect(sandbox.pair.nodes[0].process).toBe("down");

    await panel.getByRole("button", { name: "Fail over to the standby" }).click();
    await untilIn("Postgres n2", "primary");
    await part("Postgres n2").getByText("writer").waitFor();
    expect(sandbox.pair.primary.name).toBe("n2");

    await part("Postgres n1").getByRole("button", { name: "Rejoin" }).click();
    await untilIn("Postgres n1", "standby");
    await part("Postgres n1").getByText("in step").waitFor();
    await panel.getByRole("button", { name: "Fail over to the standby" }).click();
    await untilIn("Postgres n1", "primary");
    await part("Postgres n2").getByRole("button", { name: "Rejoin" }).click();
    await untilIn("Postgres n2", "standby");
  });

  test("freezes a node and thaws it", async () => {
    await part("Postgres n2").getByRole("button", { name: "Freeze" }).click();
    await untilIn("Postgres n2", "frozen");
    await part("Postgres n2").getByRole("button", { name: "Thaw" }).click();
    await untilIn("Postgres n2", "standby");
  });

  test("makes all well again, whatever was broken", async () => {
    sandbox.shopify.faults.set({ kind: "down" });
    sandbox.pair.writer.addToxic("latency", { type: "latency", latencyMs: 50 });
    await sandbox.pair.freeze(sandbox.pair.primary);
    await sandbox.pair.crash(sandbox.pair.standby);
    await panel.getByRole("button", { name: "Make all well again" }).click();
    await panel.getByText("All is well again.").first().waitFor();
    await expect
      .poll(async () => (await sandbox.pair.status()).nodes.map(({ state }) => state).toSorted())
      .toEqual(["primary", "standby"]);
    expect(sandbox.shopify.faults.list()).toEqual([]);
    expect(sandbox.pair.writer.toxics.size).toBe(0);
  });

  test("says why something cannot be done", async () => {
    await sandbox.pair.crash(sandbox.pair.standby);
    const answer = await page.evaluate(async () => {
      const response = await fetch("/sandbox/actions", {
        method: "POST",
        headers: { "x-sandbox": "1" },
        body: JSON.stringify({ action: "database.failover" }),
      });
      return { status: response.status, text: await response.text() };
    });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain("must not be promoted");
    await sandbox.pair.start(sandbox.pair.standby);
    await sandbox.pair.supervisor.whenPromotable();
  });

  test.each([
    ["latency", "Slow"],
    ["timeout", "Silent"],
    ["reset_peer", "Reset"],
    ["limit_data", "Cut"],
    ["bandwidth", "Narrow"],
    ["slicer", "In pieces"],
    ["lost_answer", "Commits unanswered"],
    ["blackhole", "Unreachable"],
  ])("has %s for the wire to the writer, as “%s”", async (toxic, words) => {
    const { writer } = sandbox.pair;
    // What Shopify's wire may do has some of the same names, and comes later.
    const chip = panel.getByRole("button", { name: words, exact: true }).first();
    await chip.click();
    await expect.poll(() => chip.getAttribute("aria-pressed")).toBe("true");
    await expect.poll(() => [...writer.toxics.keys()]).toEqual([toxic]);
    await expect
      .poll(() => writer.listening)
      .toBe(toxic === "blackhole" ? "swallowing" : "accepting");
    await chip.click();
    await expect.poll(() => chip.getAttribute("aria-pressed")).toBe("false");
    await expect.poll(() => writer.toxics.size).toBe(0);
    await expect.poll(() => writer.listening).toBe("accepting");
  });

  test("offers no fault of names that nobody looks up", async () => {
    await panel.getByRole("heading", { name: "On the wire to the writer" }).waitFor();
    expect(await panel.getByRole("heading", { name: "Names of the nodes" }).count()).toBe(0);
  });

  test("offers every fault that Shopify can have, and clears them", async () => {
    await panel.getByText("Answers and refusals").click();
    for (const { title } of sandbox.controls.shopifyFaults) {
      await panel.getByRole("button", { name: title, exact: true }).last().click();
    }
    await expect
      .poll(() =>
        sandbox.shopify.faults
          .list()
          .map(({ kind }) => kind)
          .toSorted(),
      )
      .toEqual(sandbox.controls.shopifyFaults.map(({ kind }) => kind).toSorted());
    await part("Shopify")
      .getByText(/\d+ faults/)
      .waitFor();
    await panel.getByRole("button", { name: "Clear all" }).click();
    await untilIn("Shopify", "answering");
    expect(sandbox.shopify.faults.list()).toEqual([]);
  });

  test("lets customers order, one by one and at a pace", async () => {
    const before = shop.orders.count;
    await panel.getByRole("button", { name: "Place an order" }).click();
    await panel.getByText("A customer placed order").first().waitFor();
    expect(shop.orders.count).toBe(before + 1);
    await panel.getByLabel("New orders").press("End");
    await panel.getByText("600 a minute").waitFor();
    await expect.poll(() => shop.orders.count).toBeGreaterThan(before + 3);
    await panel.getByLabel("New orders").press("Home");
    await panel.getByText("none", { exact: true }).waitFor();
  });

  test("says what has ended when the sandbox has", async () => {
    await page.route("**/sandbox/actions", (route) => route.abort());
    await panel.getByRole("button", { name: "Change stock" }).click();
    await panel.getByRole("alert").getByText("The sandbox has ended.").waitFor();
  });

  test("stays as it was left, open or closed", async () => {
    await panel.getByRole("button", { name: "Close the sandbox controls" }).click();
    await page.reload();
    await panel.getByRole("button", { name: "Open the sandbox controls" }).waitFor();
    await panel.getByRole("button", { name: "Open the sandbox controls" }).click();
    await page.reload();
    await panel.getByRole("button", { name: "Close the sandbox controls" }).waitFor();
  });

  test("takes orders from its own page only, and only those that it knows", async () => {
    const post = (headers: Record<string, string>, body: string) =>
      fetch(`${sandbox.admin.url}/sandbox/actions`, { method: "POST", headers, body });
    const known = JSON.stringify({ action: "database.failover" });
    expect((await post({ "content-type": "text/plain" }, known)).status).toBe(405);
    expect((await post({ "x-sandbox": "1" }, '{"action":"format.disk"}')).status).toBe(400);
    expect((await post({ "x-sandbox": "1" }, "no JSON")).status).toBe(400);
    const status = await new Promise((resolve) => {
      const headers = { host: "evil.example" };
      get({ host: "127.0.0.1", port: sandbox.admin.port, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    expect(status).toBe(421);
  });
});

/** The app runs here, since only who looks names up feels what becomes of them. */
test("the panel spoils the names by which an app finds its database, one way at a time", async () => {
  await using sandbox = await startSandbox({ orders: 20, databaseByName: true });
  const { pair } = sandbox;
  const browser = await sandbox.launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(sandbox.admin.url);
    const panel = page.getByRole("complementary", { name: "Sandbox controls" });
    const chip = (words: string) => panel.getByRole("button", { name: words, exact: true });
    const modes = [
      ["stale", "Stale"],
      ["both", "Old and new"],
      ["servfail", "Failing"],
      ["silent", "No answer"],
      ["nxdomain", "No such name"],
    ] as const;
    for (const [mode, words] of modes) {
      await chip(words).click();
      await expect.poll(() => chip(words).getAttribute("aria-pressed")).toBe("true");
      await expect.poll(() => pair.dns.mode).toBe(mode);
    }
    for (const [, words] of modes.slice(0, -1)) {
      expect(await chip(words).getAttribute("aria-pressed")).toBe("false");
    }
    // The app finds the nodes again by names alone, once it has lost both and the names are back.
    const health = async () => {
      const answer = await fetch(`${sandbox.app.url}/health`);
      return ((await answer.json()) as { state: string }).state;
    };
    pair.endpoint(pair.primary).resetConnections();
    pair.endpoint(pair.standby).resetConnections();
    await expect.poll(health).toBe("degraded");
    await panel.getByRole("button", { name: "Make all well again" }).click();
    await expect.poll(() => chip("No such name").getAttribute("aria-pressed")).toBe("false");
    expect(pair.dns.mode).toBe("normal");
    await expect.poll(health).toBe("ok");
  } finally {
    await browser.close();
  }
});
