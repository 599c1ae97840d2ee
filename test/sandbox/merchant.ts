import type { FrameLocator, Locator, Page } from "playwright-core";
import type { Sandbox } from "./sandbox.ts";
import type { ShopStore } from "./shopify/shop/index.ts";

type PageName = "Orders" | "Inventory" | "Products" | "Resilience" | "Settings";

/** A merchant at work in the app, inside the admin: what they click, by the words that they read. */
export class Merchant {
  readonly page: Page;
  /** Inside the app's iframe. */
  readonly app: FrameLocator;
  readonly #sandbox: Sandbox;
  readonly #shop: ShopStore;

  constructor(page: Page, sandbox: Sandbox, shop: ShopStore) {
    this.page = page;
    this.app = page.frameLocator("#app");
    this.#sandbox = sandbox;
    this.#shop = shop;
  }

  get shopName(): string {
    return this.#shop.domain.replace(".myshopify.com", "");
  }

  /** Opens a page of the app by its address in the admin, without the fault panel. */
  async open(path = ""): Promise<void> {
    await this.page.goto(this.#sandbox.admin.appUrl(this.shopName, path, { panel: false }));
    await this.alive();
  }

  /** Comes back when the page has come alive: until then its buttons do nothing. */
  async alive(): Promise<void> {
    const title = this.app.getByRole("heading", { level: 1 }).first();
    await title.waitFor();
    await title.evaluate(
      (element) =>
        new Promise<void>((resolve) => {
          // React marks the elements that it has taken over.
          const look = () => {
            if (Object.keys(element).some((key) => key.startsWith("__reactFiber"))) resolve();
            else requestAnimationFrame(look);
          };
          look();
        }),
    );
  }

  /** The page's own title, inside the app. */
  heading(name: string | RegExp): Locator {
    return this.app.getByRole("heading", { level: 1, name });
  }

  /** A page's link in the app's menu, in the admin's navigation. */
  menuItem(name: PageName): Locator {
    return this.page.locator("#app-nav").getByRole("listitem").filter({ hasText: name });
  }

  /** Goes to a page by the app's menu. */
  async goTo(name: PageName): Promise<void> {
    const menu = this.menuItem(name);
    if (!(await menu.isVisible())) await this.page.getByRole("button", { name: "Menu" }).click();
    await menu.click();
    await this.heading(name).waitFor();
  }

  /** The rows of a list, without its head: of a table, or of what a table becomes on a phone. */
  rows(): Locator {
    return this.app.locator(".Polaris-IndexTable__TableRow");
  }

  /** Types into a list's search and waits for what it finds. */
  async search(text: string): Promise<void> {
    const field = this.app.getByRole("textbox", { name: /^Search by/ });
    if (!(await field.isVisible())) {
      await this.app.getByRole("button", { name: "Search", exact: true }).click();
    }
    await field.fill(text);
    await this.app
      .locator("body")
      .page()
      .waitForURL((url) => url.search.includes("q="));
  }

  /** The numbers in the stock list that open into a form. */
  stockCells(): Locator {
    return this.app.getByRole("button", { name: /^Adjust .+ at .+, [\d,]+ available$/ });
  }

  /**
   * Adjusts the stock of the first variant in sight by so many, at the first location that has any.
   *
   * @param told - What the app says once it has taken the change on.
   * @returns what was adjusted, by the words of its button.
   */
  async adjustStock(
    by: number,
    told = /on its way to Shopify|kept on the server/,
  ): Promise<{ variant: string; location: string; from: number }> {
    const cell = this.stockCells();
    const label = (await cell.first().getAttribute("aria-label")) ?? "";
    const [, variant = "", location = "", from = ""] =
      /^Adjust (.+) at (.+), ([\d,]+) available$/.exec(label) ?? [];
    await cell.first().click();
    await this.app.getByLabel("Adjust by").fill(String(by));
    await this.app.getByRole("button", { name: "Save" }).click();
    await this.page.getByRole("status").getByText(told).waitFor();
    return { variant, location, from: Number(from.replaceAll(",", "")) };
  }

  /** Fulfils everything that is left of the order that is open, with a tracking number. */
  async fulfil(trackingNumber: string): Promise<void> {
    await this.app.getByRole("link", { name: "Fulfil items" }).first().click();
    await this.app.getByLabel("Tracking number").fill(trackingNumber);
    await this.app.getByRole("button", { name: /^Fulfil [\d,]+ items?$/ }).click();
    const told = /^Fulfillment of .+ is on its way to Shopify$/;
    await this.page.getByRole("status").getByText(told).waitFor();
  }
}
