import type { LedgerEntry, ShopStore } from "../../sandbox/shopify/shop/index.ts";
import type { FulfillmentOrder, Order } from "../../sandbox/shopify/shop/model.ts";
import { day } from "../../sandbox/shopify/shop/time.ts";

/** A change as the drill asks for it. */
export interface Asked {
  /** The operation id. */
  readonly id: string;
  readonly kind: string;
  readonly input: unknown;
}

/** What a drill needs to know of a kind of change. */
export interface DrilledKind {
  /** How many of the commands are of this kind, beside the others' shares. */
  readonly share: number;
  /** The mutations that it takes, each once. */
  readonly mutations: readonly string[];
  /** Input for a change that Shopify will take; null where the shop has nothing left for one. */
  readonly make: (goods: Goods, id: string) => unknown;
  /** Whether an entry in the shop's books, of one of its mutations, is this change's. */
  readonly owns: (entry: Pick<LedgerEntry, "arguments">, asked: Asked) => boolean;
}

/** What of a shop is still untouched by the commands made so far. */
export class Goods {
  readonly #levels: Generator<{ inventoryItemId: number; locationId: number; available: number }>;
  readonly #units: Generator<{ orderId: number; partId: number; lineId: number }>;
  readonly #orders: Generator<Order>;
  readonly #parts: Generator<FulfillmentOrder>;
  readonly #heldParts: Generator<FulfillmentOrder>;
  readonly #fulfillments: Generator<{ orderId: number; fulfillmentId: number }>;
  /** The stock that everybody adjusts. */
  readonly shared: readonly { inventoryItemId: number; locationId: number; available: number }[];

  constructor(shop: ShopStore) {
    const orders = openOrders(shop);
    const parts = orders.flatMap(({ fulfillmentOrders }) => fulfillmentOrders);
    const open = parts.filter(({ status }) => status === "OPEN");
    this.#levels = levels(shop);
    this.shared = Array.from({ length: SHARED_LEVELS }, () => this.level()).filter(
      (level) => level !== null,
    );
    // What is held is not sent: each part is for one or for the other.
    this.#units = units(open.filter((_, n) => n % 3 !== 0));
    this.#parts = open.filter((_, n) => n % 3 === 0).values() as Generator<FulfillmentOrder>;
    this.#heldParts = parts
      .filter(({ status }) => status === "ON_HOLD")
      .values() as Generator<FulfillmentOrder>;
    this.#orders = orders.values() as Generator<Order>;
    this.#fulfillments = orders
      .filter(({ fulfillmentOrders }) =>
        fulfillmentOrders.every(({ status }) => status === "CLOSED"),
      )
      .flatMap(({ id, fulfillments }) =>
        fulfillments
          // What has arrived cannot be taken back.
          .filter(({ status, deliveredAt }) => status === "SUCCESS" && deliveredAt === null)
          .map((fulfillment) => ({ orderId: id, fulfillmentId: fulfillment.id })),
      )
      .values() as Generator<{ orderId: number; fulfillmentId: number }>;
  }

  /** Stock of an item at a location, with some to take from. */
  level() {
    return next(this.#levels);
  }

  /** One unit that can be sent. */
  unit() {
    return next(this.#units);
  }

  order() {
    return next(this.#orders);
  }

  part() {
    return next(this.#parts);
  }

  heldPart() {
    return next(this.#heldParts);
  }

  fulfillment() {
    return next(this.#fulfillments);
  }
}

const SHARED_LEVELS = 25;
const LEAST_AVAILABLE = 20;
const MOST_UNITS_OF_A_PART = 3;
/** The app sees 60 days. */
const SEEN = 58 * day;

const next = <T>(generator: Iterator<T>): T | null => {
  const { value, done } = generator.next() as IteratorResult<T, undefined>;
  return done ? null : value;
};

function openOrders(shop: ShopStore): Order[] {
  const since = shop.now() - SEEN;
  return Array.from({ length: shop.orders.length }, (_, ordinal) => shop.orders.get(ordinal))
    .filter((order) => order !== undefined)
    .filter(({ createdAt, cancelledAt }) => createdAt > since && cancelledAt === null);
}

function* levels(shop: ShopStore) {
  for (const item of shop.items.values()) {
    if (!item.tracked) continue;
    for (const { isActive, quantities, location } of item.levels) {
      if (!isActive || !location.isActive || quantities.available < LEAST_AVAILABLE) continue;
      const { available } = quantities;
      yield { inventoryItemId: item.id, locationId: location.id, available };
    }
  }
}

function* units(parts: readonly FulfillmentOrder[]) {
  for (const { id, order, lines } of parts) {
    const each = lines.flatMap((line) => Array.from({ length: line.remaining }, () => line.id));
    for (const lineId of each.slice(0, MOST_UNITS_OF_A_PART)) {
      yield { orderId: order.id, partId: id, lineId };
    }
  }
}

/** A word that no other change has; short enough for a tag. */
const markOf = (id: string) => `EK${id.replaceAll("-", "")}`;

const mentions =
  (word: (id: string) => string) =>
  ({ arguments: given }: Pick<LedgerEntry, "arguments">, { id }: Asked) =>
    JSON.stringify(given).includes(word(id));

/** By the number at the end of its global id. */
const isOf = (value: unknown, id: number) => typeof value === "string" && value.endsWith(`/${id}`);

/** Every kind that the drill knows; those that the app does not have (yet) are left out. */
export const drilledKinds: Readonly<Record<string, DrilledKind>> = {
  "inventory.adjust": {
    share: 34,
    mutations: ["inventoryAdjustQuantities"],
    make: ({ shared }, id) => {
      const level = shared[Number.parseInt(id.slice(0, 6), 16) % shared.length];
      if (!level) return null;
      const { inventoryItemId, locationId } = level;
      return { inventoryItemId, locationId, delta: 1, reason: "received" };
    },
    owns: mentions((id) => id),
  },
  "inventory.set": {
    share: 26,
    mutations: ["inventorySetQuantities"],
    make: (goods) => {
      const level = goods.level();
      if (!level) return null;
      const { inventoryItemId, locationId, available } = level;
      return {
        inventoryItemId,
        locationId,
        quantity: available + 3,
        changeFromQuantity: available,
        reason: "cycle_count_available",
      };
    },
    owns: mentions((id) => id),
  },
  "order.fulfil": {
    share: 20,
    mutations: ["fulfillmentCreate"],
    make: (goods, id) => {
      const unit = goods.unit();
      if (!unit) return null;
      return {
        orderId: unit.orderId,
        fulfillmentOrders: [{ id: unit.partId, lines: [{ id: unit.lineId, quantity: 1 }] }],
        tracking: { company: "DHL Express", number: markOf(id), url: null },
        notifyCustomer: false,
      };
    },
    owns: mentions(markOf),
  },
  "order.edit": {
    share: 12,
    mutations: ["orderUpdate", "tagsAdd"],
    make: (goods, id) => {
      const order = goods.order();
      if (!order) return null;
      return {
        orderId: order.id,
        note: { value: `Packed by ${markOf(id)}`, basedOn: order.note },
        addTags: [markOf(id)],
        removeTags: [],
      };
    },
    owns: mentions(markOf),
  },
  "order.hold": {
    share: 4,
    mutations: ["fulfillmentOrderHold"],
    make: (goods, id) => {
      const part = goods.part();
      if (!part) return null;
      return {
        orderId: part.order.id,
        fulfillmentOrderIds: [part.id],
        reason: "other",
        notes: markOf(id),
      };
    },
    owns: mentions(markOf),
  },
  "order.release": {
    share: 1,
    mutations: ["fulfillmentOrderReleaseHold"],
    make: (goods) => {
      const part = goods.heldPart();
      if (!part) return null;
      return { orderId: part.order.id, fulfillmentOrders: [{ id: part.id, holdIds: null }] };
    },
    owns: ({ arguments: given }, { input }) => {
      const [part] = (input as { fulfillmentOrders: { id: number }[] }).fulfillmentOrders;
      return part !== undefined && isOf(given["id"], part.id);
    },
  },
  "order.cancel-fulfilment": {
    share: 3,
    mutations: ["fulfillmentCancel"],
    make: (goods) => goods.fulfillment(),
    owns: ({ arguments: given }, { input }) =>
      isOf(given["id"], (input as { fulfillmentId: number }).fulfillmentId),
  },
};

/**
 * Changes of all kinds that a shop has something for, mixed. Where it has nothing left of a kind, others take its share.
 *
 * @param kinds - Those that the app has.
 */
export function makeCommands(
  shop: ShopStore,
  kinds: readonly string[],
  count: number,
  newId: () => string,
): Asked[] {
  const goods = new Goods(shop);
  const shares = Object.entries(drilledKinds)
    .filter(([kind]) => kinds.includes(kind))
    .map(([kind, drilled]) => ({ kind, drilled, made: 0, left: true }));
  const asked: Asked[] = [];
  while (asked.length < count) {
    // The one that is furthest behind its share.
    const [behind] = shares
      .filter(({ left }) => left)
      .sort((a, b) => a.made / a.drilled.share - b.made / b.drilled.share);
    if (!behind) throw new Error(`The shop has enough for ${asked.length} changes only.`);
    const id = newId();
    const input = behind.drilled.make(goods, id);
    if (input === null) behind.left = false;
    else asked.push({ id, kind: behind.kind, input });
    behind.made++;
  }
  return asked;
}
