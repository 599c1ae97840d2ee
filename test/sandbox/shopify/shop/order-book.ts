import { LRUCache } from "lru-cache";
import { currentTotal, financialStatus, fulfillmentStatus, totalPrice } from "./order-state.ts";
import type { FinancialStatus, FulfillmentStatus } from "./order-state.ts";
import type { Order } from "./model.ts";
import type { Seconds } from "./time.ts";

/**
 * All orders of a shop. An order of the past is only a row of a few numbers: the order itself is told again
 * whenever somebody looks (see order-history.ts), and kept whole from its first change on. So 100,000 orders
 * take about as much room as their columns.
 */

const financialCodes: readonly FinancialStatus[] = [
  "AUTHORIZED",
  "EXPIRED",
  "PAID",
  "PARTIALLY_PAID",
  "PARTIALLY_REFUNDED",
  "PENDING",
  "REFUNDED",
  "VOIDED",
];
const fulfillmentCodes: readonly FulfillmentStatus[] = [
  "FULFILLED",
  "IN_PROGRESS",
  "ON_HOLD",
  "PARTIALLY_FULFILLED",
  "SCHEDULED",
  "UNFULFILLED",
];

const closedBit = 1;
const cancelledBit = 2;
const deletedBit = 4;

/** What can be said of an order without telling it. */
export interface OrderRow {
  createdAt: Seconds;
  processedAt: Seconds;
  updatedAt: Seconds;
  financial: FinancialStatus;
  fulfillment: FulfillmentStatus;
  closed: boolean;
  cancelled: boolean;
  /** Minor units of the shop's currency. */
  total: number;
  currentTotal: number;
}

export class OrderBook {
  readonly #tell: (ordinal: number, createdAt: Seconds) => Order;
  readonly #now: () => Seconds;
  readonly #changed = new Map<number, Order>();
  /** Enough for the pages that are being read; a page of GraphQL asks for the same orders again and again. */
  readonly #told = new LRUCache<number, Order>({ max: 600 });
  readonly #createdAt: Seconds[] = [];
  readonly #processedAt: Seconds[] = [];
  readonly #updatedAt: Seconds[] = [];
  readonly #total: number[] = [];
  readonly #currentTotal: number[] = [];
  readonly #codes: number[] = [];
  readonly #customer: number[] = [];
  #byUpdate: number[] | undefined;
  /** Whether any order was entered with a date of its own, so that numbers do not tell the order of processing. */
  #backdated = false;
  #deleted = 0;

  constructor(tell: (ordinal: number, createdAt: Seconds) => Order, now: () => Seconds) {
    this.#tell = tell;
    this.#now = now;
  }

  /** How many numbers have been given out, deleted orders included. */
  get length(): number {
    return this.#createdAt.length;
  }

  get count(): number {
    return this.length - this.#deleted;
  }

  get hasBackdated(): boolean {
    return this.#backdated;
  }

  /** How many orders are held whole, since they were changed. */
  get changedCount(): number {
    return this.#changed.size;
  }

  /** Records an order of the past by its row alone. */
  addTold(order: Order, customerOrdinal: number): void {
    if (order.ordinal !== this.length)
      throw new Error("Orders are told in the order of their numbers.");
    this.#write(order, customerOrdinal);
  }

  /** Adds an order that is new, and is therefore kept whole. */
  add(order: Order, customerOrdinal: number): void {
    if (order.ordinal !== this.length)
      throw new Error("Orders are added in the order of their numbers.");
    this.#changed.set(order.ordinal, order);
    this.#write(order, customerOrdinal);
  }

  has(ordinal: number): boolean {
    return (
      ordinal >= 0 &&
      ordinal < this.length &&
      ((this.#codes[ordinal] ?? 0) & (deletedBit << 8)) === 0
    );
  }

  get(ordinal: number): Order | undefined {
    if (!this.has(ordinal)) return undefined;
    const changed = this.#changed.get(ordinal);
    if (changed) return changed;
    let told = this.#told.get(ordinal);
    if (!told) {
      told = this.#tell(ordinal, this.#createdAt[ordinal] as Seconds);
      this.#told.set(ordinal, told);
    }
    return told;
  }

  /** The order as an object that may be changed; call {@link saved} once it has been. */
  open(ordinal: number): Order | undefined {
    const order = this.get(ordinal);
    if (order && !this.#changed.has(ordinal)) {
      this.#changed.set(ordinal, order);
      this.#told.delete(ordinal);
    }
    return order;
  }

  /** Writes a changed order's row anew. */
  saved(order: Order): void {
    this.#writeAt(order.ordinal, order, this.#customer[order.ordinal] ?? -1);
  }

  delete(ordinal: number): void {
    if (!this.has(ordinal)) return;
    this.#codes[ordinal] = (this.#codes[ordinal] ?? 0) | (deletedBit << 8);
    this.#changed.delete(ordinal);
    this.#told.delete(ordinal);
    this.#deleted++;
    this.#byUpdate = undefined;
  }

  row(ordinal: number): OrderRow {
    const codes = this.#codes[ordinal] ?? 0;
    return {
      createdAt: this.#createdAt[ordinal] as Seconds,
      processedAt: this.#processedAt[ordinal] as Seconds,
      updatedAt: this.#updatedAt[ordinal] as Seconds,
      financial: financialCodes[codes & 15] as FinancialStatus,
      fulfillment: fulfillmentCodes[(codes >> 4) & 15] as FulfillmentStatus,
      closed: ((codes >> 8) & closedBit) !== 0,
      cancelled: ((codes >> 8) & cancelledBit) !== 0,
      total: this.#total[ordinal] as number,
      currentTotal: this.#currentTotal[ordinal] as number,
    };
  }

  createdAt(ordinal: number): Seconds {
    return this.#createdAt[ordinal] as Seconds;
  }

  processedAt(ordinal: number): Seconds {
    return this.#processedAt[ordinal] as Seconds;
  }

  updatedAt(ordinal: number): Seconds {
    return this.#updatedAt[ordinal] as Seconds;
  }

  total(ordinal: number): number {
    return this.#total[ordinal] as number;
  }

  /** The customer's ordinal, or -1. */
  customer(ordinal: number): number {
    return this.#customer[ordinal] ?? -1;
  }

  /** The first ordinal that was created at the moment or later; numbers are given out in order of time. */
  firstSince(at: Seconds): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#createdAt[middle] as Seconds) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All ordinals from one on by number, oldest first. */
  byNumber(from = 0): number[] {
    const ordinals: number[] = [];
    for (let ordinal = from; ordinal < this.length; ordinal++)
      if (this.has(ordinal)) ordinals.push(ordinal);
    return ordinals;
  }

  /** All ordinals by the moment of their last change, oldest first. Sorting what is nearly sorted is cheap. */
  byUpdate(): number[] {
    this.#byUpdate ??= this.byNumber();
    const updatedAt = this.#updatedAt;
    this.#byUpdate.sort((a, b) => (updatedAt[a] as number) - (updatedAt[b] as number) || a - b);
    return this.#byUpdate;
  }

  #write(order: Order, customerOrdinal: number): void {
    this.#writeAt(this.length, order, customerOrdinal);
    this.#byUpdate?.push(order.ordinal);
  }

  #writeAt(ordinal: number, order: Order, customerOrdinal: number): void {
    this.#createdAt[ordinal] = order.createdAt;
    this.#processedAt[ordinal] = order.processedAt;
    if (order.processedAt !== order.createdAt) this.#backdated = true;
    this.#updatedAt[ordinal] = order.updatedAt;
    this.#total[ordinal] = totalPrice(order).shop;
    this.#currentTotal[ordinal] = currentTotal(order).shop;
    this.#customer[ordinal] = customerOrdinal;
    const flags =
      (order.closedAt !== null ? closedBit : 0) | (order.cancelledAt !== null ? cancelledBit : 0);
    this.#codes[ordinal] =
      financialCodes.indexOf(financialStatus(order, this.#now())) |
      (fulfillmentCodes.indexOf(fulfillmentStatus(order)) << 4) |
      (flags << 8);
  }
}
