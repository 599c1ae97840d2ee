import { Change } from "./change.ts";
import type { OriginalVariant } from "./catalogue.ts";
import { gid } from "./ids.ts";
import type { InventoryLevel, Location, Order, Product, Variant } from "./model.ts";
import { addTransaction } from "./order-acts.ts";
import { drawBasket, makeTracking } from "./order-history.ts";
import { isActive, remainingQuantity, totalPrice } from "./order-state.ts";
import { locationPayload } from "./payloads/inventory.ts";
import { chance, integer, pick, pickWeighted } from "./random.ts";
import type { Random } from "./random.ts";
import { cancelOrder, deleteProduct, fulfil, placeOrder } from "./shop-acts.ts";
import type { ShopStore } from "./store.ts";

/**
 * What goes on in a shop without the app: customers buy, staff edit and count, other channels sell. None of it
 * is in the ledger, which holds only what apps did.
 */
export class ShopLife {
  readonly #store: ShopStore;

  constructor(store: ShopStore) {
    this.#store = store;
  }

  /** A customer places an order now; most pay at once. */
  placeOrder(random: Random = this.#store.random): Order {
    const store = this.#store;
    const change = new Change(store);
    const order = drawBasket(
      random,
      {
        profile: store.profile,
        ids: store.ids,
        originals: this.#onSale(),
        customerCount: store.customerCount,
        customer: (ordinal) => {
          const customer = store.customerAt(ordinal);
          if (!customer) throw new Error(`no customer ${ordinal}`);
          return customer;
        },
      },
      store.orders.length,
      change.at,
    );
    const total = totalPrice(order);
    switch (pickWeighted(random, [90, 6, 4])) {
      case 0:
        addTransaction(
          order,
          store.ids,
          "SALE",
          total,
          chance(random, 0.3) ? "paypal" : "shopify_payments",
          change.at,
        );
        break;
      case 1:
        addTransaction(order, store.ids, "AUTHORIZATION", total, "shopify_payments", change.at);
        break;
      default:
        addTransaction(order, store.ids, "SALE", total, "Bank Deposit", change.at, {
          status: "PENDING",
        });
    }
    placeOrder(change, order);
    change.commit();
    return order;
  }

  /** Several orders at once, as on a busy evening. */
  placeOrders(count: number, random: Random = this.#store.random): Order[] {
    return Array.from({ length: count }, () => this.placeOrder(random));
  }

  /** Staff edit a product: its price, its tags or its title. */
  editProduct(random: Random = this.#store.random, product?: Product): Product {
    const store = this.#store;
    const edited = product ?? pick(random, [...store.products.values()]);
    const change = new Change(store);
    change.product(edited);
    switch (integer(random, 0, 2)) {
      case 0:
        for (const variant of edited.variants) {
          variant.price = Math.max(
            100,
            Math.round((variant.price * (0.9 + random.next() * 0.2)) / 100) * 100 - 5,
          );
          variant.updatedAt = change.at;
        }
        break;
      case 1:
        edited.tags = edited.tags.includes("staff pick")
          ? edited.tags.filter((tag) => tag !== "staff pick")
          : [...edited.tags, "staff pick"].sort();
        break;
      default:
        edited.title = edited.title.endsWith(" II")
          ? edited.title.slice(0, -3)
          : `${edited.title} II`;
    }
    change.commit();
    return edited;
  }

  /** Staff add a product, as a copy of one that is there; its variants start with nothing in stock. */
  addProduct(title: string, like?: Product): Product {
    const store = this.#store;
    const pattern = like ?? [...store.products.values()][0];
    if (!pattern) throw new Error("There is no product to copy.");
    const change = new Change(store);
    const ordinal = store.productCount++;
    const product: Product = {
      ...pattern,
      id: store.ids.row("Product", ordinal),
      ordinal,
      title,
      handle: `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${ordinal}`,
      tags: [...pattern.tags],
      options: pattern.options.map((option, index) => ({
        ...option,
        id: store.ids.row("ProductOption", ordinal * 3 + index),
        values: [...option.values],
      })),
      variants: [],
      createdAt: change.at,
      updatedAt: change.at,
      publishedAt: pattern.status === "ACTIVE" ? change.at : null,
    };
    for (const copied of pattern.variants) {
      const variantOrdinal = store.variantCount++;
      const variant: Variant = {
        ...copied,
        id: store.ids.row("ProductVariant", variantOrdinal),
        ordinal: variantOrdinal,
        product,
        sku: `NEW-${variantOrdinal}`,
        createdAt: change.at,
        updatedAt: change.at,
      };
      variant.item = {
        ...copied.item,
        id: store.ids.row("InventoryItem", variantOrdinal),
        variant,
        levels: [],
        createdAt: change.at,
        updatedAt: change.at,
      };
      product.variants.push(variant);
    }
    change.newProduct(product);
    for (const { item } of product.variants) {
      for (const location of store.locations.values())
        if (location.isActive) change.level(item, location);
    }
    change.commit();
    return product;
  }

  /** Staff take a product out of the shop. */
  deleteProduct(product: Product): void {
    const change = new Change(this.#store);
    deleteProduct(change, product);
    change.commit();
  }

  /** Another channel sells, or staff count again: the available stock of one item at one place moves. */
  changeStock(
    random: Random = this.#store.random,
    what: { level?: InventoryLevel; delta?: number } = {},
  ): { level: InventoryLevel; delta: number } {
    const store = this.#store;
    const level =
      what.level ??
      pick(
        random,
        [...store.items.values()].flatMap((item) => item.levels.filter((other) => other.isActive)),
      );
    const drawn = chance(random, 0.7) ? -integer(random, 1, 3) : integer(random, 4, 24);
    const delta = what.delta ?? drawn;
    const change = new Change(store);
    change.stock(level.item, level.location.id, "available", delta);
    change.commit();
    return { level, delta };
  }

  /** Staff ship what is still open of an order; the oldest open one when none is named. */
  fulfilOrder(order?: Order, random: Random = this.#store.random): Order | undefined {
    const store = this.#store;
    const chosen = order ?? this.#oldestOpen();
    if (!chosen) return undefined;
    const change = new Change(store);
    for (const fulfillmentOrder of [...chosen.fulfillmentOrders]) {
      if (fulfillmentOrder.status !== "OPEN" && fulfillmentOrder.status !== "IN_PROGRESS") continue;
      fulfil(
        change,
        chosen,
        fulfillmentOrder.locationId,
        fulfillmentOrder.lines
          .filter((part) => part.remaining > 0)
          .map((part) => ({ part, quantity: part.remaining })),
        makeTracking(random, store.profile),
        { name: store.profile.owner },
      );
    }
    change.commit();
    return chosen;
  }

  /** Staff cancel an order that has nothing sent, put its stock back and give the money back. */
  cancelOrder(order: Order): void {
    const change = new Change(this.#store);
    cancelOrder(
      change,
      order,
      { reason: "CUSTOMER", restock: true, refund: true, staffNote: null },
      { name: this.#store.profile.owner },
    );
    change.commit();
  }

  /** Staff delete an order for good. Its stock stays where it is, as with Shopify. */
  deleteOrder(order: Order): void {
    const store = this.#store;
    const change = new Change(store);
    change.order(order);
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      if (!isActive(fulfillmentOrder) || !order.claimsStock) continue;
      for (const part of fulfillmentOrder.lines) {
        change.lineStock(
          part.line.variantId,
          fulfillmentOrder.locationId,
          "committed",
          -part.remaining,
        );
      }
    }
    change.forget(order);
    store.countOrder(order, -1);
    store.orders.delete(order.ordinal);
    change.tell("orders/delete", gid("Order", order.id), () => ({ id: order.id }));
    change.commit();
  }

  /** Staff rename a location, or switch it off and on. */
  editLocation(location: Location, edit: { name?: string; isActive?: boolean }): void {
    const store = this.#store;
    const change = new Change(store);
    if (edit.name !== undefined) location.name = edit.name;
    const switched = edit.isActive !== undefined && edit.isActive !== location.isActive;
    if (edit.isActive !== undefined) location.isActive = edit.isActive;
    location.updatedAt = change.at;
    const id = gid("Location", location.id);
    change.tell("locations/update", id, () => locationPayload(store, location));
    if (switched) {
      change.tell(location.isActive ? "locations/activate" : "locations/deactivate", id, () =>
        locationPayload(store, location),
      );
    }
    change.commit();
  }

  /** What a customer can put into a basket now. */
  #onSale(): OriginalVariant[] {
    const found: OriginalVariant[] = [];
    for (const variant of this.#store.variants.values()) {
      const { product, item } = variant;
      if (product.status !== "ACTIVE") continue;
      const most =
        variant.inventoryPolicy === "CONTINUE" || !item.tracked
          ? 20
          : Math.max(
              0,
              ...item.levels.map((level) => (level.isActive ? level.quantities.available : 0)),
            );
      if (most === 0) continue;
      found.push({
        variantId: variant.id,
        productId: product.id,
        title: product.title,
        variantTitle: variant.title === "Default Title" ? null : variant.title,
        sku: variant.sku,
        vendor: product.vendor,
        price: variant.price,
        grams: item.grams,
        taxable: variant.taxable,
        locations: [],
        most,
      });
    }
    return found;
  }

  #oldestOpen(): Order | undefined {
    const { orders } = this.#store;
    for (let ordinal = 0; ordinal < orders.length; ordinal++) {
      if (!orders.has(ordinal)) continue;
      const row = orders.row(ordinal);
      if (row.fulfillment !== "UNFULFILLED" || row.cancelled) continue;
      const order = orders.get(ordinal);
      if (order && remainingQuantity(order) > 0) return order;
    }
    return undefined;
  }
}
