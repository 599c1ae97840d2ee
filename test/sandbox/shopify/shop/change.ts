import { emptyStock } from "./catalogue.ts";
import { gid } from "./ids.ts";
import type {
  DraftOrder,
  Fulfillment,
  InventoryItem,
  InventoryLevel,
  Location,
  Order,
  Product,
  StockState,
} from "./model.ts";
import { fulfillmentPayload } from "./payloads/fulfillment.ts";
import { inventoryItemPayload, inventoryLevelPayload, levelGid } from "./payloads/inventory.ts";
import { orderPayload } from "./payloads/order.ts";
import { draftOrderPayload } from "./payloads/draft-order.ts";
import { productPayload } from "./payloads/product.ts";
import { received, refunded } from "./order-state.ts";
import type { ShopStore } from "./store.ts";
import type { Seconds } from "./time.ts";

/**
 * One change of a shop, all or nothing: whoever changes something opens it here first, so that searches keep
 * seeing what was, `updatedAt` moves, and the events are told once, after everything has come to rest.
 */
export class Change {
  readonly store: ShopStore;
  readonly at: Seconds;
  readonly #orders = new Map<number, { order: Order; isNew: boolean; netBefore: number }>();
  readonly #products = new Map<number, Product>();
  readonly #newProducts = new Set<Product>();
  readonly #items = new Map<number, InventoryItem>();
  readonly #levels = new Map<InventoryLevel, number>();
  readonly #drafts = new Map<number, { draft: DraftOrder; isNew: boolean }>();
  readonly #events: { topic: string; resourceId: string; payload: () => object }[] = [];

  constructor(store: ShopStore, at: Seconds = store.now()) {
    this.store = store;
    this.at = at;
  }

  /** Opens an order for changing. */
  order(order: Order): Order {
    const known = this.#orders.get(order.ordinal);
    if (known) return known.order;
    this.store.willChangeOrder(order.ordinal);
    const opened = this.store.orders.open(order.ordinal);
    if (!opened) throw new Error(`order ${order.ordinal} is gone`);
    this.#orders.set(order.ordinal, {
      order: opened,
      isNew: false,
      netBefore: received(opened).shop - refunded(opened).shop,
    });
    return opened;
  }

  newOrder(order: Order): void {
    this.store.index.orders.willWrite(order.id, () => null);
    const customer =
      order.customerId === null
        ? -1
        : (this.store.ids.rowOrdinal("Customer", order.customerId) ?? -1);
    this.store.orders.add(order, customer);
    this.store.countOrder(order);
    this.#orders.set(order.ordinal, {
      order,
      isNew: true,
      netBefore: received(order).shop - refunded(order).shop,
    });
    this.tell("orders/create", gid("Order", order.id), () => orderPayload(this.store, order));
  }

  /** Leaves an order out of what is told, since it is about to be gone. */
  forget(order: Order): void {
    this.#orders.delete(order.ordinal);
  }

  newProduct(product: Product): void {
    const { store } = this;
    store.index.products.willWrite(product.id, () => null);
    for (const variant of product.variants) {
      store.index.variants.willWrite(variant.id, () => null);
      store.index.items.willWrite(variant.item.id, () => null);
    }
    store.putProduct(product);
    this.#newProducts.add(product);
    this.#products.set(product.id, product);
    this.tell("products/create", gid("Product", product.id), () => productPayload(store, product));
    for (const { item } of product.variants) {
      this.tell("inventory_items/create", gid("InventoryItem", item.id), () =>
        inventoryItemPayload(store, item),
      );
    }
  }

  product(product: Product): Product {
    if (!this.#products.has(product.id)) {
      this.store.willChangeProduct(product);
      this.#products.set(product.id, product);
    }
    return product;
  }

  item(item: InventoryItem): InventoryItem {
    if (!this.#items.has(item.id)) {
      this.store.willChangeItem(item);
      this.#items.set(item.id, item);
    }
    return item;
  }

  draft(draft: DraftOrder): DraftOrder {
    if (!this.#drafts.has(draft.id)) {
      this.store.willChangeDraft(draft);
      this.#drafts.set(draft.id, { draft, isNew: false });
    }
    return draft;
  }

  newDraft(draft: DraftOrder): void {
    this.store.index.drafts.willWrite(draft.id, () => null);
    this.store.drafts.set(draft.id, draft);
    this.store.draftCount++;
    this.#drafts.set(draft.id, { draft, isNew: true });
  }

  /** The stock of an item at a location, for changing; since 2025-10 every location can hold every item. */
  level(item: InventoryItem, location: Location): InventoryLevel {
    let level = this.store.level(item, location.id);
    if (!level) {
      level = {
        __typename: "InventoryLevel",
        item,
        location,
        isActive: true,
        quantities: { ...emptyStock },
        createdAt: this.at,
        updatedAt: this.at,
      };
      this.product(item.variant.product);
      item.levels.push(level);
      this.store.willChangeLevel(level, true);
      this.#levels.set(level, Number.NaN);
    }
    if (!this.#levels.has(level)) {
      this.product(item.variant.product);
      this.store.willChangeLevel(level);
      this.#levels.set(level, level.quantities.available);
    }
    return level;
  }

  /** Moves one state of stock by a number of units. */
  stock(item: InventoryItem, locationId: number, state: StockState, delta: number): void {
    const location = this.store.locations.get(locationId);
    if (!location || delta === 0) return;
    this.level(item, location).quantities[state] += delta;
  }

  /** Moves the stock behind a line item, if it still has any. */
  lineStock(variantId: number | null, locationId: number, state: StockState, delta: number): void {
    const item = variantId === null ? undefined : this.store.variants.get(variantId)?.item;
    if (item?.tracked) this.stock(item, locationId, state, delta);
  }

  /** Notes an event; its payload is made when everything has been changed. */
  tell(topic: string, resourceId: string, payload: () => object): void {
    this.#events.push({ topic, resourceId, payload });
  }

  tellFulfillment(
    topic: "fulfillments/create" | "fulfillments/update",
    fulfillment: Fulfillment,
  ): void {
    this.tell(topic, gid("Fulfillment", fulfillment.id), () =>
      fulfillmentPayload(this.store, fulfillment),
    );
  }

  tellOrder(topic: string, order: Order): void {
    this.tell(topic, gid("Order", order.id), () => orderPayload(this.store, order));
  }

  /** Ends the change: moments, rows and events. */
  commit(): void {
    const { store, at } = this;
    store.version++;
    for (const [level, before] of this.#levels) {
      level.updatedAt = at;
      const { variant } = level.item;
      variant.updatedAt = at;
      const tell = (topic: string) =>
        this.tell(topic, levelGid(level), () => inventoryLevelPayload(store, level));
      // A level that is new is connected first, with nothing in it.
      if (Number.isNaN(before)) tell("inventory_levels/connect");
      if (level.quantities.available !== (Number.isNaN(before) ? 0 : before)) {
        tell("inventory_levels/update");
      }
    }
    for (const item of this.#items.values()) {
      item.updatedAt = at;
      this.tell("inventory_items/update", gid("InventoryItem", item.id), () =>
        inventoryItemPayload(store, item),
      );
    }
    for (const product of this.#products.values()) {
      product.updatedAt = Math.max(product.updatedAt, at);
      if (store.products.has(product.id) && !this.#newProducts.has(product)) {
        this.tell("products/update", gid("Product", product.id), () =>
          productPayload(store, product),
        );
      }
    }
    for (const { order, isNew, netBefore } of this.#orders.values()) {
      order.updatedAt = Math.max(order.updatedAt, at);
      store.orders.saved(order);
      const net = received(order).shop - refunded(order).shop;
      store.addSpent(store.orders.customer(order.ordinal), net - netBefore);
      if (!isNew) this.tellOrder("orders/updated", order);
    }
    for (const { draft, isNew } of this.#drafts.values()) {
      if (!store.drafts.has(draft.id)) continue;
      draft.updatedAt = at;
      this.tell(
        isNew ? "draft_orders/create" : "draft_orders/update",
        gid("DraftOrder", draft.id),
        () => draftOrderPayload(store, draft),
      );
    }
    const triggeredAt = new Date(store.clock());
    for (const { topic, resourceId, payload } of this.#events) {
      store.events.emit("event", { topic, resourceId, payload: payload(), triggeredAt });
    }
  }
}
