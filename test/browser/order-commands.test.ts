import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importState } from "../sandbox/app-tables.ts";
import { screens } from "../sandbox/browser.ts";
import { oldestToFulfil } from "../sandbox/check.ts";
import { Merchant } from "../sandbox/merchant.ts";
import { startSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { ShopStore } from "../sandbox/shopify/shop/index.ts";

/** One order, worked on as a merchant would: each change is made by hand, and waited for until Shopify has it. */
describe("an order that is changed", () => {
  let sandbox: Sandbox;
  let shop: ShopStore;
  let browser: Browser;
  let page: Page;
  let merchant: Merchant;
  let id: number;

  /** What Shopify has. */
  const order = () => {
    const found = shop.order(id);
    if (!found) throw new Error("The order is gone.");
    return found;
  };
  const taken = (mutation: string) =>
    shop.ledger.filter((entry) => entry.mutation === mutation).length;
  const button = (name: string) => merchant.app.getByRole("button", { name, exact: true });
  const told = (text: string | RegExp) => page.getByRole("status").getByText(text).waitFor();

  beforeAll(async () => {
    sandbox = await startSandbox({ orders: 60, tls: true });
    [shop] = sandbox.shops as [ShopStore];
    browser = await sandbox.launchBrowser();
    page = await (await browser.newContext(screens.desktop)).newPage();
    page.setDefaultTimeout(60_000);
    merchant = new Merchant(page, sandbox, shop);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox?.close();
  });

  test("is there once the shop is imported", async () => {
    await merchant.open();
    await expect
      .poll(() => importState(sandbox.pair, shop.domain).then((run) => run?.state))
      .toBe("done");
    id = oldestToFulfil(shop);
    await merchant.open(`/app/orders/${id}`);
    await merchant.heading(order().name).waitFor();
  });

  test("is put on hold, and says why", async () => {
    await button("Hold").first().click();
    await merchant.app.getByLabel("Reason").selectOption("incorrect_address");
    await merchant.app.getByLabel("Notes (optional)").fill("Ask for the house number");
    await button("Hold fulfillment").click();
    await told(`Hold of ${order().name} is on its way to Shopify`);
    await merchant.app.getByText("On hold: the address is wrong").waitFor();
    await button("Release hold").waitFor();
    await merchant.app.getByText("Your change, not yet at Shopify").waitFor({ state: "hidden" });
    expect(order().fulfillmentOrders.map(({ status }) => status)).toContain("ON_HOLD");
    expect(taken("fulfillmentOrderHold")).toBe(1);
  });

  test("is released", async () => {
    await button("Release hold").first().click();
    await told(`Release of ${order().name} is on its way to Shopify`);
    await merchant.app.getByRole("link", { name: "Fulfil items" }).first().waitFor();
    await merchant.app.getByText("On hold: the address is wrong").waitFor({ state: "hidden" });
    expect(order().fulfillmentOrders.flatMap(({ holds }) => holds)).toEqual([]);
    expect(taken("fulfillmentOrderReleaseHold")).toBe(1);
  });

  test("gets a note and tags, and keeps what was entered where something is wrong with it", async () => {
    const note = merchant.app.getByRole("textbox", { name: "Note", exact: true });
    const saveBar = page.getByRole("region", { name: "Unsaved changes" });
    await note.fill("x".repeat(5_001));
    await saveBar.getByRole("button", { name: "Save" }).click();
    await merchant.app.getByText("A note can have at most 5,000 characters.").waitFor();
    expect(await note.inputValue()).toHaveLength(5_001);

    await note.fill("Leave it with the neighbour");
    const tags = merchant.app.getByRole("textbox", { name: "Tags", exact: true });
    await tags.fill("x".repeat(41));
    await tags.press("Enter");
    await merchant.app.getByText("A tag can have at most 40 characters.").waitFor();
    await tags.fill("fragile, call first");
    await tags.press("Enter");
    await saveBar.getByRole("button", { name: "Save" }).click();
    await told("Note and tags are on their way to Shopify");
    await saveBar.waitFor({ state: "hidden" });
    await expect.poll(() => order().note).toBe("Leave it with the neighbour");
    await expect
      .poll(() => order().tags)
      .toEqual(expect.arrayContaining(["call first", "fragile"]));
    await button("Remove fragile").waitFor();
    expect([taken("orderUpdate"), taken("tagsAdd"), taken("tagsRemove")]).toEqual([1, 1, 0]);

    await button("Remove fragile").click();
    await saveBar.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => order().tags).not.toContain("fragile");
    expect(order().tags).toContain("call first");
    await saveBar.waitFor({ state: "hidden" });
    expect([taken("orderUpdate"), taken("tagsAdd"), taken("tagsRemove")]).toEqual([1, 1, 1]);
  });

  test("has a fulfillment taken back", async () => {
    await merchant.fulfil("00340434161094022115");
    await button("Cancel fulfillment").click();
    const dialog = merchant.app.getByRole("dialog");
    await dialog.getByText("Its items are to be sent again.").waitFor();
    await dialog.getByRole("button", { name: "Cancel fulfillment" }).click();
    await told(/^Cancelling .+ is on its way to Shopify$/);
    await expect
      .poll(() => order().fulfillments.map(({ status }) => status))
      .toEqual(["CANCELLED"]);
    await merchant.app.getByText("You cancelled a fulfillment").waitFor();
    await merchant.app.getByRole("link", { name: "Fulfil items" }).first().waitFor();
    expect(taken("fulfillmentCancel")).toBe(1);
  });
});
