import { EventEmitter } from "node:events";
import { buildCatalogue } from "./catalogue.ts";
import type { Catalogue } from "./catalogue.ts";
import { CustomerRegister } from "./customers.ts";
import type { Plan, ShopProfile } from "./data/profiles.ts";
import {
  draftDocument,
  frozenOrderDocument,
  itemDocument,
  levelDocument,
  orderDocument,
  productDocument,
  variantDocument,
} from "./documents.ts";
import type {
  CustomerDocument,
  DraftDocument,
  ItemDocument,
  LevelDocument,
  OrderDocument,
  ProductDocument,
  VariantDocument,
} from "./documents.ts";
import type { BulkOperation } from "./bulk-operations.ts";
import { IdSpace } from "./ids.ts";
import type {
  Customer,
  DraftOrder,
  InventoryItem,
  InventoryLevel,
  Location,
  Order,
  Product,
  Variant,
} from "./model.ts";
import { ShopLife } from "./life.ts";
import { OrderBook } from "./order-book.ts";
import { levelGid } from "./payloads/inventory.ts";
import { claims, tellOrder } from "./order-history.ts";
import type { HistorySource } from "./order-history.ts";
import { drawOrderTimes } from "./order-times.ts";
import { received, refunded } from "./order-state.ts";
import { drawPicture } from "./product-image.ts";
import { SeededRandom, mixSeed } from "./random.ts";
import type { Random } from "./random.ts";
import { SearchIndex } from "./search-index.ts";
import type { ListingMemory } from "./resolvers/orders.ts";
import { Zone, day, hour, minute, toSeconds } from "./time.ts";
import type { Seconds } from "./time.ts";
import type { ShopEvent, ShopFile } from "../platform-shop.ts";

/** One applied mutation: what was asked for, and that it took effect. Nothing that failed is in here. */
export interface LedgerEntry {
  at: Date;
  /** The app whose token it came with. */
  appId: string;
  mutation: string;
  arguments: Readonly<Record<string, unknown>>;
  /** From `@idempotent(key:)`. */
  idempotencyKey: string | null;
  /** Global ids of what was made or changed. */
  resources: readonly string[];
  /** What it came to, in numbers that a checker can add up. */
  effect: Readonly<Record<string, unknown>>;
}

export interface ShopStoreOptions {
  profile: ShopProfile;
  seed: number;
  /** Where the told past ends. */
  now: Date;
  /** How many orders of the last 60 days. */
  orders: number;
  /** The shop's clock from then on. */
  clock?: () => Date;
  /** For what is decided while the shop runs, such as how long a write stays out of searches. */
  random?: Random;
  /** The longest time, in ms, that a write stays out of searches; 0 makes searches see everything at once. */
  searchLagMs?: number;
}

/** How far back an app without `read_all_orders` sees. */
export const orderWindow = 60 * day;

/** A shop in memory: what it sells, has in stock and has sold, and everything that happens to it. */
export class ShopStore {
  readonly __typename = "Shop";
  readonly domain: string;
  /** The shop's number. */
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly plan: Plan;
  readonly profile: ShopProfile;
  readonly zone: Zone;
  readonly seed: number;
  readonly ids: IdSpace;
  /** Emits `"event"` with a {@link ShopEvent}. */
  readonly events = new EventEmitter<{ event: [ShopEvent] }>();
  readonly ledger: LedgerEntry[] = [];
  /** Results of bulk operations, by path. */
  readonly files = new Map<string, ShopFile>();
  readonly catalogue: Catalogue;
  readonly products = new Map<number, Product>();
  readonly variants = new Map<number, Variant>();
  readonly items = new Map<number, InventoryItem>();
  readonly locations = new Map<number, Location>();
  readonly orders: OrderBook;
  readonly drafts = new Map<number, DraftOrder>();
  readonly bulkOperations: BulkOperation[] = [];
  readonly random: Random;
  /** What customers and staff do without the app. */
  readonly life: ShopLife = new ShopLife(this);
  readonly createdAt: Seconds;
  /** Where pictures are served from; a picture's address is this, a slash, and the product's number with `.svg`. */
  imageBaseUrl: string;
  clock: () => Date;
  readonly index: {
    orders: SearchIndex<OrderDocument>;
    products: SearchIndex<ProductDocument>;
    variants: SearchIndex<VariantDocument>;
    items: SearchIndex<ItemDocument>;
    /** By the levels' global ids. */
    levels: SearchIndex<LevelDocument>;
    customers: SearchIndex<CustomerDocument>;
    drafts: SearchIndex<DraftDocument>;
  };
  /** How many products and variants there ever were; their numbers are not given out again. */
  productCount = 0;
  variantCount = 0;
  /** How many draft orders were ever made; their numbers are not given out again. */
  draftCount = 0;
  /** Counts every write, so that derived lists know when they are stale. */
  version = 0;
  /** Lists of orders that were made for earlier pages. */
  readonly listings: ListingMemory = { version: 0, lists: new Map() };
  readonly #register: CustomerRegister;
  readonly #changedCustomers = new Map<number, Customer>();
  readonly #addedCustomers: Customer[] = [];
  readonly #orderCounts: number[] = [];
  readonly #spent: number[] = [];
  readonly #lag: { maxMs: number; random: Random; nowMs(): number };

  constructor(options: ShopStoreOptions) {
    const { profile, seed } = options;
    this.profile = profile;
    this.seed = seed;
    this.domain = profile.domain;
    this.id = profile.id;
    this.name = profile.name;
    this.currency = profile.currency;
    this.plan = profile.plan;
    this.zone = new Zone(profile.zone);
    this.ids = new IdSpace(profile.id);
    this.clock = options.clock ?? (() => new Date());
    this.random = options.random ?? new SeededRandom(mixSeed(seed, Number(profile.id), 9));
    this.imageBaseUrl = `https://cdn.shopify.com/s/files/1/${profile.id}/products`;
    const now = toSeconds(options.now);
    this.createdAt = now - 900 * day;

    this.#lag = {
      maxMs: options.searchLagMs ?? 60_000,
      random: this.random,
      nowMs: () => this.clock().getTime(),
    };
    this.index = {
      orders: new SearchIndex(this.#lag),
      products: new SearchIndex(this.#lag),
      variants: new SearchIndex(this.#lag),
      items: new SearchIndex(this.#lag),
      levels: new SearchIndex(this.#lag),
      customers: new SearchIndex(this.#lag),
      drafts: new SearchIndex(this.#lag),
    };

    this.catalogue = buildCatalogue(profile, this.ids, seed, now);
    for (const location of this.catalogue.locations) this.locations.set(location.id, location);
    for (const product of this.catalogue.products) this.putProduct(product);
    this.productCount = this.catalogue.products.length;
    this.variantCount = this.catalogue.variants.length;

    const customerCount =
      options.orders === 0 ? 12 : Math.max(12, Math.round(options.orders * 0.42));
    this.#register = new CustomerRegister(profile, this.ids, seed, now, customerCount);
    const source: HistorySource = {
      profile,
      ids: this.ids,
      seed,
      now,
      catalogue: this.catalogue,
      customerCount,
      customer: (ordinal) => this.#register.derive(ordinal),
    };
    this.orders = new OrderBook(
      (ordinal, createdAt) => tellOrder(source, ordinal, createdAt),
      () => toSeconds(this.clock()),
    );
    this.#tellPast(source, options.orders);
  }

  /** Takes a product in, with its variants, their inventory items and its picture. */
  putProduct(product: Product): void {
    this.products.set(product.id, product);
    for (const variant of product.variants) {
      this.variants.set(variant.id, variant);
      this.items.set(variant.item.id, variant.item);
    }
    this.files.set(`products/${product.id}.svg`, async function* () {
      yield drawPicture(product.picture, product.title);
    });
  }

  /** A customer places an order now. */
  placeOrder(random?: Random): Order {
    return this.life.placeOrder(random);
  }

  placeOrders(count: number, random?: Random): Order[] {
    return this.life.placeOrders(count, random);
  }

  /** Staff edit a product: its price, its tags or its title. */
  editProduct(random?: Random, product?: Product): Product {
    return this.life.editProduct(random, product);
  }

  /** Another channel sells, or staff count again. */
  changeStock(
    random?: Random,
    what?: { level?: InventoryLevel; delta?: number },
  ): { level: InventoryLevel; delta: number } {
    return this.life.changeStock(random, what);
  }

  /** The longest time, in ms, that a write may stay out of searches. */
  get searchLagMs(): number {
    return this.#lag.maxMs;
  }

  set searchLagMs(value: number) {
    this.#lag.maxMs = value;
  }

  now(): Seconds {
    return toSeconds(this.clock());
  }

  /** Makes every write visible to searches. */
  settleSearch(): void {
    for (const index of Object.values(this.index)) index.settle();
  }

  get customerCount(): number {
    return this.#register.count + this.#addedCustomers.length;
  }

  customerAt(ordinal: number): Customer | undefined {
    const changed = this.#changedCustomers.get(ordinal);
    if (changed) return changed;
    if (ordinal < 0 || ordinal >= this.customerCount) return undefined;
    return ordinal < this.#register.count
      ? this.#register.derive(ordinal)
      : this.#addedCustomers[ordinal - this.#register.count];
  }

  customer(id: number): Customer | undefined {
    const ordinal = this.ids.rowOrdinal("Customer", id);
    return ordinal === undefined ? undefined : this.customerAt(ordinal);
  }

  /** The customer as an object that may be changed. */
  openCustomer(id: number): Customer | undefined {
    const customer = this.customer(id);
    if (customer && !this.#changedCustomers.has(customer.ordinal)) {
      const before = this.customerDocument(customer);
      this.index.customers.willWrite(id, () => ({
        ...before,
        customer: { ...customer, tags: [...customer.tags] },
      }));
      this.#changedCustomers.set(customer.ordinal, customer);
    }
    return customer;
  }

  addCustomer(customer: Omit<Customer, "id" | "ordinal">): Customer {
    const ordinal = this.customerCount;
    const added: Customer = { ...customer, ordinal, id: this.ids.row("Customer", ordinal) };
    this.index.customers.willWrite(added.id, () => null);
    this.#addedCustomers.push(added);
    return added;
  }

  orderCountOf(customer: Customer): number {
    return this.#orderCounts[customer.ordinal] ?? 0;
  }

  /** Minor units of the shop's currency. */
  spentBy(customer: Customer): number {
    return this.#spent[customer.ordinal] ?? 0;
  }

  customerDocument(customer: Customer): CustomerDocument {
    return {
      customer,
      orderCount: this.orderCountOf(customer),
      spent: this.spentBy(customer) / 100,
    };
  }

  orderOrdinal(id: number): number | undefined {
    const ordinal = this.ids.rowOrdinal("Order", id);
    return ordinal !== undefined && this.orders.has(ordinal) ? ordinal : undefined;
  }

  order(id: number): Order | undefined {
    const ordinal = this.orderOrdinal(id);
    return ordinal === undefined ? undefined : this.orders.get(ordinal);
  }

  level(item: InventoryItem, locationId: number): InventoryLevel | undefined {
    return item.levels.find((level) => level.location.id === locationId);
  }

  /** Every order is named by its number. */
  orderName(ordinal: number): string {
    return `${this.profile.orderPrefix}${1_001 + ordinal}${this.profile.orderSuffix}`;
  }

  orderDocument(ordinal: number): OrderDocument {
    const customer = this.orders.customer(ordinal);
    return orderDocument(
      this.orders,
      ordinal,
      this.ids.row("Order", ordinal),
      this.orderName(ordinal),
      customer < 0 ? null : this.ids.row("Customer", customer),
    );
  }

  /** An order as searches see it; `undefined` when they do not see it yet. */
  searchableOrder(ordinal: number): OrderDocument | undefined {
    const seen = this.index.orders.seen(this.ids.row("Order", ordinal));
    if (seen === undefined) return this.orderDocument(ordinal);
    return seen ?? undefined;
  }

  willChangeOrder(ordinal: number): void {
    this.index.orders.willWrite(this.ids.row("Order", ordinal), () =>
      frozenOrderDocument(this.orderDocument(ordinal)),
    );
  }

  willChangeProduct(product: Product): void {
    this.index.products.willWrite(product.id, () => productDocument(product));
    for (const variant of product.variants) {
      this.index.variants.willWrite(variant.id, () => variantDocument(variant));
    }
  }

  willChangeItem(item: InventoryItem): void {
    this.index.items.willWrite(item.id, () => itemDocument(item));
  }

  willChangeLevel(level: InventoryLevel, isNew = false): void {
    this.index.levels.willWrite(levelGid(level), () => (isNew ? null : levelDocument(level)));
  }

  willChangeDraft(draft: DraftOrder): void {
    this.index.drafts.willWrite(draft.id, () => draftDocument(draft));
  }

  /** Counts an order in its customer's sums. */
  countOrder(order: Order, sign: 1 | -1 = 1): void {
    const ordinal = this.orders.customer(order.ordinal);
    if (ordinal < 0) return;
    this.#orderCounts[ordinal] = (this.#orderCounts[ordinal] ?? 0) + sign;
    this.addSpent(ordinal, sign * (received(order).shop - refunded(order).shop));
  }

  addSpent(customerOrdinal: number, minor: number): void {
    if (customerOrdinal >= 0)
      this.#spent[customerOrdinal] = (this.#spent[customerOrdinal] ?? 0) + minor;
  }

  /** The address of a product's picture. */
  pictureUrl(product: Product): string {
    return `${this.imageBaseUrl}/${product.id}.svg`;
  }

  #tellPast(source: HistorySource, recent: number): void {
    const random = new SeededRandom(mixSeed(this.seed, Number(this.id), 4));
    const { now } = source;
    // A few are older than the window, so that it hides something.
    const older = Math.round(recent * 0.025);
    // Half a day of room, so that none slips out of the window while somebody is looking.
    const windowStart = now - orderWindow + 12 * hour;
    const times = [
      ...drawOrderTimes(random, this.zone, now - 120 * day, now - orderWindow - hour, older),
      ...drawOrderTimes(random, this.zone, windowStart, now - 2 * minute, recent),
    ];
    for (const [ordinal, createdAt] of times.entries()) {
      const order = tellOrder(source, ordinal, createdAt);
      const customer =
        order.customerId === null ? -1 : (this.ids.rowOrdinal("Customer", order.customerId) ?? -1);
      this.orders.addTold(order, customer);
      this.countOrder(order);
      for (const { variantId, locationId, quantity } of claims(order)) {
        const variant = this.variants.get(variantId);
        const level = variant && this.level(variant.item, locationId);
        if (level && variant.item.tracked) level.quantities.committed += quantity;
      }
    }
  }
}
