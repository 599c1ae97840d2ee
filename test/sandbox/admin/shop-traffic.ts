import type { ShopStore } from "../shopify/shop/index.ts";
import type { SandboxAction } from "./controls.ts";

type Deed = Extract<SandboxAction, { action: "shop.do" }>["do"];

/** Lets things happen in the shops that the app has not asked for, at a pace or one by one. */
export class ShopTraffic {
  readonly #shops: readonly ShopStore[];
  #ordersPerMinute = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(shops: readonly ShopStore[]) {
    this.#shops = shops;
  }

  get ordersPerMinute(): number {
    return this.#ordersPerMinute;
  }

  /** Spread evenly over the minute and in turn over the shops. */
  setOrdersPerMinute(perMinute: number): void {
    this.#ordersPerMinute = perMinute;
    clearInterval(this.#timer);
    if (perMinute === 0) return;
    let turn = 0;
    this.#timer = setInterval(() => {
      this.#shops[turn++ % this.#shops.length]?.placeOrder();
    }, 60_000 / perMinute);
    this.#timer.unref();
  }

  /**
   * Does one thing in a shop, as a customer or its staff would.
   *
   * @param shopName As in the admin's addresses.
   * @returns what was done, for the log.
   */
  do(shopName: string, deed: Deed): string {
    const shop = this.#shops.find(({ domain }) => domain === `${shopName}.myshopify.com`);
    if (!shop) throw new Error(`There is no shop ${shopName}.`);
    switch (deed) {
      case "place-order":
        return `A customer placed order ${shop.placeOrder().name}.`;
      case "fulfil-order": {
        const order = shop.life.fulfilOrder();
        return order
          ? `Somebody fulfilled order ${order.name} in Shopify.`
          : "There is no order to fulfil.";
      }
      case "change-stock": {
        const { level, delta } = shop.changeStock();
        const { variant } = level.item;
        const by = delta > 0 ? `+${delta}` : `−${-delta}`;
        return `Stock of ${variant.product.title} at ${level.location.name} changed in Shopify: ${by}.`;
      }
      case "edit-product":
        return `Somebody edited ${shop.editProduct().title} in Shopify.`;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#ordersPerMinute = 0;
  }
}
