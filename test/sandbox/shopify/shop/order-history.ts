import type { Catalogue, OriginalVariant } from "./catalogue.ts";
import { countryOf } from "./customers.ts";
import { notes, orderTags } from "./data/people.ts";
import type { ShopProfile } from "./data/profiles.ts";
import type { IdSpace } from "./ids.ts";
import { isKnownCurrency, plus, share, zero } from "./money.ts";
import type { Money } from "./money.ts";
import type {
  CancelReason,
  Customer,
  Discount,
  FulfillmentOrder,
  LineItem,
  Order,
  Tracking,
} from "./model.ts";
import {
  addEvent,
  addFulfillment,
  addFulfillmentOrder,
  addHold,
  addRefund,
  addTransaction,
  composeOrder,
  markCancelled,
  removeFromFulfillmentOrders,
  splitOverPayments,
} from "./order-acts.ts";
import type { PlannedLine } from "./order-acts.ts";
import {
  isActive,
  linePart,
  lineTaxPart,
  netPayment,
  shippingTotal,
  totalPrice,
} from "./order-state.ts";
import { SeededRandom, chance, integer, mixSeed, pick, pickWeighted } from "./random.ts";
import type { Random } from "./random.ts";
import { day, hour, minute } from "./time.ts";
import type { Seconds } from "./time.ts";

/** How an order's life went, and how likely that is while it is fresh (< 30 h), young (< 4 days) or old. */
const scenarios = [
  { name: "paid", weights: [88, 9, 0.5] },
  { name: "paid, fulfilled", weights: [0, 62, 82] },
  { name: "paid, partially fulfilled", weights: [1.5, 4, 0.5] },
  { name: "paid, split over two locations", weights: [2, 3, 0.4] },
  { name: "authorized", weights: [5, 1.5, 0] },
  { name: "pending", weights: [4, 4, 0.3] },
  { name: "pending, fulfilled", weights: [0, 0.6, 1] },
  { name: "partially paid", weights: [0.5, 0.6, 0.1] },
  { name: "expired", weights: [0, 0, 0.2] },
  { name: "on hold", weights: [2.5, 2, 0.25] },
  { name: "scheduled", weights: [2, 2, 0.3] },
  { name: "in progress", weights: [2, 1, 0.05] },
  { name: "voided", weights: [0.4, 0.8, 0.7] },
  { name: "cancelled, pending", weights: [0.3, 0.6, 0.5] },
  { name: "cancelled, refunded", weights: [0.3, 1.2, 1.3] },
  { name: "partially refunded, fulfilled", weights: [0, 0.8, 3.2] },
  { name: "refunded, fulfilled", weights: [0, 0.4, 1.8] },
  { name: "partially refunded, open", weights: [0.4, 0.7, 0.1] },
  { name: "sold in the shop", weights: [4, 5, 5] },
] as const;

export type Scenario = (typeof scenarios)[number]["name"];

export const scenarioNames: readonly Scenario[] = scenarios.map((scenario) => scenario.name);

/** Every so many orders one is made to be of each kind, so that no kind is ever missing. */
const guaranteeEvery = 97;

const needsAge: ReadonlySet<Scenario> = new Set([
  "paid, fulfilled",
  "pending, fulfilled",
  "partially refunded, fulfilled",
  "refunded, fulfilled",
  "expired",
]);

const needsTwoLines: ReadonlySet<Scenario> = new Set([
  "paid, partially fulfilled",
  "paid, split over two locations",
]);

const discountCodes: readonly Discount[] = [
  { code: "WELCOME10", title: "WELCOME10", target: "LINE_ITEM", kind: "PERCENTAGE", value: 10 },
  { code: "HERBST15", title: "HERBST15", target: "LINE_ITEM", kind: "PERCENTAGE", value: 15 },
  { code: "FIVEOFF", title: "FIVEOFF", target: "LINE_ITEM", kind: "FIXED_AMOUNT", value: 500 },
  { code: "FREESHIP", title: "FREESHIP", target: "SHIPPING_LINE", kind: "PERCENTAGE", value: 100 },
];

const holdReasons: readonly (readonly [string, string | null])[] = [
  ["INCORRECT_ADDRESS", "House number is missing"],
  ["HIGH_RISK_OF_FRAUD", null],
  ["INVENTORY_OUT_OF_STOCK", "Waiting for Thursday's delivery"],
  ["AWAITING_PAYMENT", null],
  ["OTHER", "Customer wants to add something"],
];

const letters = [..."ABCDEFGHJKLMNPQRSTUVWXYZ23456789"];

/** The scenarios' weights by era. */
const eraWeights = [0, 1, 2].map((era) => scenarios.map((scenario) => scenario.weights[era] ?? 0));

export interface HistorySource {
  profile: ShopProfile;
  ids: IdSpace;
  seed: number;
  /** The moment the story ends. */
  now: Seconds;
  catalogue: Catalogue;
  customerCount: number;
  customer(ordinal: number): Customer;
}

export function makeTracking(random: Random, profile: ShopProfile): Tracking {
  const [company, url] = pick(random, profile.carriers);
  const number = Array.from({ length: 14 }, () => integer(random, 0, 9)).join("");
  return { company, numbers: [number], urls: [url + number] };
}

/** A basket with its customer, discount and shipping, as somebody might have filled it. */
export function drawBasket(
  random: Random,
  source: Pick<HistorySource, "profile" | "ids" | "customerCount" | "customer"> & {
    /** What there is to buy, best sellers first. */
    originals: readonly OriginalVariant[];
  },
  ordinal: number,
  createdAt: Seconds,
  options: { inShop?: boolean; leastLines?: number } = {},
): Order {
  const { inShop = false, leastLines = 1 } = options;
  const { profile, ids, originals } = source;
  // Some customers come back: bending the draw favours the first ones.
  const customer =
    source.customerCount > 0 && !(inShop && chance(random, 0.7))
      ? source.customer(Math.floor(random.next() ** 1.3 * source.customerCount))
      : null;
  const count = Math.max(leastLines, 1 + pickWeighted(random, [50, 25, 13, 7, 3, 2]));
  const wholesale = chance(random, 0.007);
  const chosen = new Map<OriginalVariant, number>();
  for (let tries = 0; chosen.size < count && tries < 50; tries++) {
    // Best sellers sell best.
    const original = originals[
      Math.floor(random.next() ** 1.6 * originals.length)
    ] as OriginalVariant;
    const wanted = wholesale ? integer(random, 8, 24) : 1 + pickWeighted(random, [79, 15, 4, 2]);
    chosen.set(original, Math.min(wanted, original.most ?? wanted));
  }
  const lines: PlannedLine[] = [...chosen].map(([original, quantity]) => ({
    ...original,
    sku: original.sku || null,
    unitPrice: original.price,
    quantity,
    requiresShipping: true,
    attributes: chance(random, 0.02)
      ? [{ key: "Engraving", value: pick(random, ["Für Opa", "M. + L.", "山"]) }]
      : [],
  }));
  const subtotal = lines.reduce((sum, line) => sum + line.unitPrice * line.quantity, 0);
  const country = countryOf(customer?.address.countryCode ?? profile.countryCode);
  const presentmentCurrency =
    !inShop && isKnownCurrency(country.currency) ? country.currency : profile.currency;
  const rate = profile.shippingRates[chance(random, 0.14) ? 1 : 0];
  const shipping =
    inShop || !rate
      ? null
      : {
          title: rate[0],
          code: rate[1],
          price: subtotal >= profile.freeShippingFrom ? 0 : rate[2],
        };
  const taxable = profile.taxesIncluded || country.code === profile.countryCode;
  const number = 1_001 + ordinal;
  return composeOrder(ids, {
    ordinal,
    name: `${profile.orderPrefix}${number}${profile.orderSuffix}`,
    number,
    createdAt,
    currency: profile.currency,
    presentmentCurrency,
    taxesIncluded: profile.taxesIncluded,
    taxTitle: country.taxTitle,
    taxRate: taxable ? country.taxRate : 0,
    customerId: customer?.id ?? null,
    email: customer?.email ?? null,
    phone: customer?.phone ?? null,
    locale: customer?.locale ?? profile.locale,
    note: chance(random, 0.09) ? pick(random, notes) : null,
    tags: chance(random, 0.13) ? [pick(random, orderTags)] : [],
    sourceName: inShop ? "pos" : chance(random, 0.04) ? "shopify_draft_order" : "web",
    confirmationNumber: Array.from({ length: 9 }, () => pick(random, letters)).join(""),
    shippingAddress: inShop ? null : (customer?.address ?? null),
    billingAddress: customer?.address ?? null,
    discount: chance(random, 0.18) ? pick(random, discountCodes) : null,
    lines,
    shipping,
    risk: inShop
      ? "NONE"
      : ((["LOW", "MEDIUM", "HIGH"] as const)[pickWeighted(random, [93, 5, 2])] ?? "LOW"),
  });
}

/** Which location a line is to leave from: mostly the first that stocks it. */
function locationFor(
  random: Random,
  catalogue: Catalogue,
  line: LineItem,
  favourite: number,
): number {
  const places = catalogue.originalById.get(line.variantId ?? 0)?.locations ?? [0];
  const index = places.includes(favourite) ? favourite : (places[0] ?? 0);
  return catalogue.locations[chance(random, 0.98) ? index : (places[0] ?? 0)]?.id ?? 0;
}

function chooseScenario(random: Random, ordinal: number, age: Seconds): Scenario {
  const guaranteed = scenarios[ordinal % guaranteeEvery]?.name;
  const era = age < 30 * hour ? 0 : age < 4 * day ? 1 : 2;
  if (guaranteed && !(needsAge.has(guaranteed) && age < 9 * day)) return guaranteed;
  return scenarios[pickWeighted(random, eraWeights[era] ?? [])]?.name ?? "paid";
}

/** Tells one order of the past; the same number always gives the same story. */
export function tellOrder(source: HistorySource, ordinal: number, createdAt: Seconds): Order {
  const { profile, ids, catalogue, now } = source;
  const random = new SeededRandom(mixSeed(source.seed, Number(profile.id), 3, ordinal));
  const scenario = chooseScenario(random, ordinal, now - createdAt);
  const order = drawBasket(
    random,
    { ...source, originals: catalogue.originals },
    ordinal,
    createdAt,
    { inShop: scenario === "sold in the shop", leastLines: needsTwoLines.has(scenario) ? 2 : 1 },
  );
  // Nothing of the past may happen in the future.
  const latest = now - minute;
  const later = (from: Seconds, min: number, max: number) =>
    Math.min(Math.max(from, latest), from + integer(random, min, max));
  const total = totalPrice(order);
  const gateway = chance(random, 0.3) ? "paypal" : "shopify_payments";
  const customer =
    order.customerId === null ? "Somebody" : (order.billingAddress?.lastName ?? "A customer");
  addEvent(
    order,
    ids,
    createdAt,
    "placed",
    `${customer} placed this order on ${order.sourceName === "pos" ? "Point of Sale" : "Online Store"}.`,
  );

  const favourite =
    order.sourceName === "pos"
      ? Math.min(1, catalogue.locations.length - 1)
      : pickWeighted(random, [78, 14, 8].slice(0, catalogue.locations.length));
  const openAt = (fulfillAt: Seconds = createdAt): FulfillmentOrder[] => {
    const groups = new Map<number, { line: LineItem; quantity: number }[]>();
    for (const [index, line] of order.lines.entries()) {
      const split = scenario === "paid, split over two locations" && index % 2 === 1;
      const place = locationFor(
        random,
        catalogue,
        line,
        split ? (favourite + 1) % catalogue.locations.length : favourite,
      );
      const group = groups.get(place);
      if (group) group.push({ line, quantity: line.quantity });
      else groups.set(place, [{ line, quantity: line.quantity }]);
    }
    return [...groups].map(([place, parts]) =>
      addFulfillmentOrder(order, ids, place, parts, createdAt, fulfillAt),
    );
  };
  const pay = (amount: Money = total) => {
    if (amount.shop === 0) return;
    addTransaction(order, ids, "SALE", amount, gateway, createdAt);
    addEvent(order, ids, createdAt, "sale_success", "A payment was processed.");
  };
  const ship = (fulfillmentOrders: readonly FulfillmentOrder[], from: Seconds) => {
    for (const fulfillmentOrder of fulfillmentOrders) {
      const at = later(from, 2 * hour, 40 * hour);
      const parts = fulfillmentOrder.lines
        .filter((part) => part.remaining > 0)
        .map((part) => ({ part, quantity: part.remaining }));
      if (!parts.length) continue;
      const fulfillment = addFulfillment(
        order,
        ids,
        fulfillmentOrder.locationId,
        parts,
        makeTracking(random, profile),
        at,
      );
      fulfillment.estimatedDeliveryAt = at + 3 * day;
      if (at + 8 * hour < latest) fulfillment.inTransitAt = at + 8 * hour;
      const arrival = at + integer(random, 22, 90) * hour;
      if (arrival < latest) fulfillment.deliveredAt = arrival;
      fulfillment.updatedAt = fulfillment.deliveredAt ?? fulfillment.inTransitAt ?? at;
      addEvent(order, ids, at, "fulfillment_success", `${parts.length} items were fulfilled.`);
    }
  };
  const archive = () => {
    if (chance(random, 0.85))
      order.closedAt = Math.max(
        ...order.fulfillments.map((f) => f.createdAt),
        ...order.refunds.map((r) => r.createdAt),
        createdAt,
      );
  };

  switch (scenario) {
    case "paid":
      openAt();
      pay();
      break;
    case "paid, fulfilled":
    case "sold in the shop": {
      const fulfillmentOrders = openAt();
      pay();
      if (scenario === "sold in the shop") {
        for (const fulfillmentOrder of fulfillmentOrders) {
          addFulfillment(
            order,
            ids,
            fulfillmentOrder.locationId,
            fulfillmentOrder.lines.map((part) => ({ part, quantity: part.remaining })),
            { company: null, numbers: [], urls: [] },
            createdAt,
          );
        }
        order.closedAt = createdAt;
      } else {
        ship(fulfillmentOrders, createdAt);
        archive();
      }
      break;
    }
    case "paid, partially fulfilled": {
      const fulfillmentOrders = openAt();
      pay();
      const [first] = fulfillmentOrders;
      if (first) {
        const parts = first.lines
          .slice(0, Math.max(1, first.lines.length - 1))
          .map((part) => ({ part, quantity: Math.max(1, Math.floor(part.remaining / 2)) }));
        addFulfillment(
          order,
          ids,
          first.locationId,
          parts,
          makeTracking(random, profile),
          later(createdAt, hour, 30 * hour),
        );
        addEvent(
          order,
          ids,
          later(createdAt, hour, 30 * hour),
          "fulfillment_success",
          "Some items were fulfilled.",
        );
      }
      break;
    }
    case "paid, split over two locations": {
      const fulfillmentOrders = openAt();
      pay();
      ship(fulfillmentOrders.slice(0, -1), createdAt);
      break;
    }
    case "authorized":
      openAt();
      addTransaction(order, ids, "AUTHORIZATION", total, gateway, createdAt, {
        expiresAt: Math.max(createdAt + 7 * day, now + 2 * day),
      });
      break;
    case "expired":
      openAt();
      addTransaction(order, ids, "AUTHORIZATION", total, gateway, createdAt);
      break;
    case "pending":
    case "pending, fulfilled": {
      const fulfillmentOrders = openAt();
      addTransaction(order, ids, "SALE", total, "Bank Deposit", createdAt, { status: "PENDING" });
      if (scenario === "pending, fulfilled") ship(fulfillmentOrders, createdAt);
      break;
    }
    case "partially paid":
      openAt();
      pay(share(total, 1, 3));
      break;
    case "on hold": {
      const [reason, reasonNotes] = pick(random, holdReasons);
      for (const fulfillmentOrder of openAt()) {
        addHold(fulfillmentOrder, ids, later(createdAt, 5 * minute, 5 * hour), {
          reason,
          reasonNotes,
        });
      }
      pay();
      break;
    }
    case "scheduled":
      openAt(Math.max(createdAt, now) + integer(random, 3, 30) * day);
      order.tags = [...order.tags, "pre-order"];
      pay();
      break;
    case "in progress":
      for (const fulfillmentOrder of openAt()) {
        fulfillmentOrder.status = "IN_PROGRESS";
        fulfillmentOrder.updatedAt = later(createdAt, hour, 20 * hour);
      }
      pay();
      break;
    case "voided": {
      openAt();
      const at = later(createdAt, 10 * minute, 20 * hour);
      const parent = addTransaction(order, ids, "AUTHORIZATION", total, gateway, createdAt);
      addTransaction(order, ids, "VOID", zero, gateway, at, { parentId: parent.id });
      cancel(order, pick(random, ["FRAUD", "DECLINED", "CUSTOMER"]), at);
      break;
    }
    case "cancelled, pending":
      openAt();
      addTransaction(order, ids, "SALE", total, "Bank Deposit", createdAt, { status: "PENDING" });
      cancel(order, pick(random, ["CUSTOMER", "INVENTORY"]), later(createdAt, hour, 3 * day));
      break;
    case "cancelled, refunded": {
      openAt();
      pay();
      const at = later(createdAt, hour, 2 * day);
      addRefund(
        order,
        ids,
        {
          note: null,
          lines: order.lines.map((line) => ({
            line,
            quantity: line.quantity,
            restockType: "CANCEL",
            locationId: order.fulfillmentOrders[0]?.locationId ?? null,
          })),
          shipping: shippingTotal(order),
          transactions: splitOverPayments(order, netPayment(order)),
        },
        at,
      );
      cancel(order, pick(random, ["CUSTOMER", "INVENTORY", "FRAUD", "OTHER"]), at);
      break;
    }
    case "partially refunded, fulfilled":
    case "refunded, fulfilled": {
      const fulfillmentOrders = openAt();
      pay();
      ship(fulfillmentOrders, createdAt);
      const from = Math.max(
        ...order.fulfillments.map((fulfillment) => fulfillment.createdAt),
        createdAt,
      );
      const at = later(from, 2 * day, 12 * day);
      const all = scenario === "refunded, fulfilled";
      const lines = (all ? order.lines : order.lines.slice(0, 1)).map((line) => ({
        line,
        quantity:
          all || order.lines.length > 1
            ? line.quantity
            : Math.max(1, Math.floor(line.quantity / 2)),
        restockType: chance(random, 0.8) ? ("RETURN" as const) : ("NO_RESTOCK" as const),
        locationId: order.fulfillments[0]?.locationId ?? null,
      }));
      const whole =
        lines.length === order.lines.length &&
        lines.every(({ line, quantity }) => quantity === line.quantity);
      const amount =
        whole && all
          ? netPayment(order)
          : share(
              plus(
                ...lines.map(({ line, quantity }) =>
                  order.taxesIncluded
                    ? linePart(line, quantity)
                    : plus(linePart(line, quantity), lineTaxPart(line, quantity)),
                ),
              ),
              whole ? 1 : 2,
              whole ? 2 : 2,
            );
      addRefund(
        order,
        ids,
        {
          note: pick(random, [null, "Too small", "Arrived broken", "Hat nicht gefallen"]),
          lines,
          shipping: all ? shippingTotal(order) : zero,
          transactions: splitOverPayments(order, amount),
        },
        at,
      );
      addEvent(order, ids, at, "refund_success", "A refund was made.");
      archive();
      break;
    }
    case "partially refunded, open": {
      openAt();
      pay();
      const at = later(createdAt, hour, 20 * hour);
      const line = order.lines.at(-1);
      const quantity = line
        ? order.lines.length > 1
          ? line.quantity
          : Math.floor(line.quantity / 2)
        : 0;
      if (line && quantity > 0) {
        const amount = order.taxesIncluded
          ? linePart(line, quantity)
          : plus(linePart(line, quantity), lineTaxPart(line, quantity));
        const [taken] = removeFromFulfillmentOrders(line, quantity, at);
        addRefund(
          order,
          ids,
          {
            note: "Out of stock",
            lines: [
              { line, quantity, restockType: "CANCEL", locationId: taken?.locationId ?? null },
            ],
            shipping: zero,
            transactions: splitOverPayments(order, amount),
          },
          at,
        );
        addEvent(order, ids, at, "refund_success", "An item was removed and refunded.");
      } else {
        addRefund(
          order,
          ids,
          {
            note: "Goodwill",
            lines: [],
            shipping: zero,
            transactions: splitOverPayments(order, share(total, 1, 10)),
          },
          at,
        );
      }
      break;
    }
  }
  order.updatedAt = lastMoment(order);
  return order;

  function cancel(cancelled: Order, reason: CancelReason, at: Seconds) {
    const lines = cancelled.lines.filter((line) => line.currentQuantity > 0);
    if (lines.length) {
      addRefund(
        cancelled,
        ids,
        {
          note: null,
          lines: lines.map((line) => ({
            line,
            quantity: line.currentQuantity,
            restockType: "CANCEL",
            locationId: cancelled.fulfillmentOrders[0]?.locationId ?? null,
          })),
          shipping: shippingTotal(cancelled),
          transactions: [],
        },
        at,
      );
    }
    markCancelled(cancelled, reason, null, at);
    addEvent(cancelled, ids, at, "cancelled", "This order was cancelled.");
  }
}

/** The newest moment in an order's parts. */
function lastMoment(order: Order): Seconds {
  return Math.max(
    order.createdAt,
    order.closedAt ?? 0,
    order.cancelledAt ?? 0,
    ...order.fulfillmentOrders.map((fulfillmentOrder) => fulfillmentOrder.updatedAt),
    ...order.fulfillments.map((fulfillment) => fulfillment.updatedAt),
    ...order.transactions.map((transaction) => transaction.processedAt),
    ...order.refunds.map((refund) => refund.createdAt),
    ...order.events.map((event) => event.createdAt),
  );
}

/** Units that an order still claims, by variant and location. */
export function claims(
  order: Order,
): { variantId: number; locationId: number; quantity: number }[] {
  const found: { variantId: number; locationId: number; quantity: number }[] = [];
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (!isActive(fulfillmentOrder)) continue;
    for (const part of fulfillmentOrder.lines) {
      if (part.remaining === 0 || part.line.variantId === null) continue;
      found.push({
        variantId: part.line.variantId,
        locationId: fulfillmentOrder.locationId,
        quantity: part.remaining,
      });
    }
  }
  return found;
}
