import type { IdSpace, OrderPartKind } from "./ids.ts";
import { convert, minus, moneyOf, share, zero } from "./money.ts";
import type { Money } from "./money.ts";
import type {
  Address,
  Attribute,
  CancelReason,
  Discount,
  Fulfillment,
  FulfillmentHold,
  FulfillmentOrder,
  FulfillmentOrderLine,
  LineItem,
  Order,
  Refund,
  RestockType,
  RiskLevel,
  TimelineEvent,
  Tracking,
  Transaction,
  TransactionKind,
} from "./model.ts";
import { isActive, linePart, lineTaxPart, refundable } from "./order-state.ts";
import { day } from "./time.ts";
import type { Seconds } from "./time.ts";

/**
 * The steps that an order's life is made of. They change the order alone: what they do to stock is the
 * caller's part, so that a past can be told without moving stock that has long been counted.
 */

export function nextPartId(order: Order, ids: IdSpace, kind: OrderPartKind): number {
  return ids.part(kind, order.ordinal, order.nextPart++);
}

export interface PlannedLine {
  variantId: number | null;
  productId: number | null;
  title: string;
  variantTitle: string | null;
  sku: string | null;
  vendor: string | null;
  /** Minor units of the shop's currency. */
  unitPrice: number;
  /** For the whole line, minor units of the shop's currency; on top of the order's own discount. */
  discount?: number;
  quantity: number;
  grams: number;
  requiresShipping: boolean;
  taxable: boolean;
  attributes?: Attribute[];
}

export interface OrderPlan {
  ordinal: number;
  name: string;
  number: number;
  createdAt: Seconds;
  processedAt?: Seconds;
  currency: string;
  presentmentCurrency: string;
  taxesIncluded: boolean;
  taxTitle: string;
  taxRate: number;
  customerId: number | null;
  email: string | null;
  phone: string | null;
  locale: string;
  note?: string | null;
  tags?: string[];
  attributes?: Attribute[];
  poNumber?: string | null;
  sourceName: string;
  sourceIdentifier?: string | null;
  confirmationNumber: string;
  test?: boolean;
  shippingAddress: Address | null;
  billingAddress: Address | null;
  discount: Discount | null;
  lines: readonly PlannedLine[];
  shipping: { title: string; code: string; price: number } | null;
  risk: RiskLevel;
}

/** Splits an amount over lines in proportion to their totals; the last takes what rounding left over. */
export function allocate(amount: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let left = amount;
  return weights.map((weight, index) => {
    const part =
      index === weights.length - 1 ? left : whole ? Math.round((amount * weight) / whole) : 0;
    left -= part;
    return part;
  });
}

function taxOf(net: Money, rate: number, included: boolean): Money {
  const factor = included ? rate / (1 + rate) : rate;
  return { shop: Math.round(net.shop * factor), presentment: Math.round(net.presentment * factor) };
}

/** Builds an order with its lines, discounts, shipping and taxes; nothing paid, nothing to fulfil yet. */
export function composeOrder(ids: IdSpace, plan: OrderPlan): Order {
  const money = (minor: number): Money => moneyOf(minor, plan.currency, plan.presentmentCurrency);
  const order: Order = {
    __typename: "Order",
    id: ids.row("Order", plan.ordinal),
    ordinal: plan.ordinal,
    name: plan.name,
    number: plan.number,
    createdAt: plan.createdAt,
    processedAt: plan.processedAt ?? plan.createdAt,
    updatedAt: plan.createdAt,
    closedAt: null,
    cancelledAt: null,
    cancelReason: null,
    staffNote: null,
    presentmentCurrency: plan.presentmentCurrency,
    customerId: plan.customerId,
    email: plan.email,
    phone: plan.phone,
    note: plan.note ?? null,
    tags: plan.tags ?? [],
    attributes: plan.attributes ?? [],
    poNumber: plan.poNumber ?? null,
    sourceName: plan.sourceName,
    sourceIdentifier: plan.sourceIdentifier ?? null,
    confirmationNumber: plan.confirmationNumber,
    test: plan.test ?? false,
    locale: plan.locale,
    shippingAddress: plan.shippingAddress,
    billingAddress: plan.billingAddress,
    taxesIncluded: plan.taxesIncluded,
    taxTitle: plan.taxTitle,
    taxRate: plan.taxRate,
    discount: plan.discount,
    lines: [],
    shippingLines: [],
    fulfillmentOrders: [],
    fulfillments: [],
    transactions: [],
    refunds: [],
    events: [],
    risk: plan.risk,
    claimsStock: true,
    nextPart: 1,
  };
  const totals = plan.lines.map((line) => line.unitPrice * line.quantity - (line.discount ?? 0));
  const whole = totals.reduce((sum, total) => sum + total, 0);
  const { discount } = plan;
  const off =
    discount?.target === "LINE_ITEM"
      ? Math.min(
          whole,
          discount.kind === "PERCENTAGE"
            ? Math.round((whole * discount.value) / 100)
            : discount.value,
        )
      : 0;
  const shares = allocate(off, totals);
  for (const [index, planned] of plan.lines.entries()) {
    const unitPrice = money(planned.unitPrice);
    const line: LineItem = {
      __typename: "LineItem",
      id: nextPartId(order, ids, "LineItem"),
      order,
      variantId: planned.variantId,
      productId: planned.productId,
      title: planned.title,
      variantTitle: planned.variantTitle,
      sku: planned.sku,
      vendor: planned.vendor,
      requiresShipping: planned.requiresShipping,
      taxable: planned.taxable,
      grams: planned.grams,
      quantity: planned.quantity,
      currentQuantity: planned.quantity,
      unitPrice,
      discount: money((shares[index] ?? 0) + (planned.discount ?? 0)),
      tax: zero,
      attributes: planned.attributes ?? [],
    };
    // Rounding between currencies must never make a line cost less than nothing.
    line.discount.presentment = Math.min(
      line.discount.presentment,
      unitPrice.presentment * line.quantity,
    );
    const net = minus(
      { shop: unitPrice.shop * line.quantity, presentment: unitPrice.presentment * line.quantity },
      line.discount,
    );
    line.tax = line.taxable ? taxOf(net, plan.taxRate, plan.taxesIncluded) : zero;
    order.lines.push(line);
  }
  if (plan.shipping) {
    const price = money(plan.shipping.price);
    const free = discount?.target === "SHIPPING_LINE";
    const discountOff = free ? share(price, Math.min(100, discount.value), 100) : zero;
    order.shippingLines.push({
      __typename: "ShippingLine",
      id: nextPartId(order, ids, "ShippingLine"),
      title: plan.shipping.title,
      code: plan.shipping.code,
      price,
      discount: discountOff,
      tax: taxOf(minus(price, discountOff), plan.taxRate, plan.taxesIncluded),
    });
  }
  return order;
}

export interface Author {
  appId?: string | null;
  name?: string | null;
}

export function addEvent(
  order: Order,
  ids: IdSpace,
  at: Seconds,
  action: string,
  message: string,
  by: Author = {},
): TimelineEvent {
  const event: TimelineEvent = {
    __typename: "BasicEvent",
    id: nextPartId(order, ids, "BasicEvent"),
    order,
    createdAt: at,
    action,
    message,
    appId: by.appId ?? null,
    author: by.name ?? null,
  };
  order.events.push(event);
  return event;
}

/** A fulfillment order for some units of some lines, at one location. */
export function addFulfillmentOrder(
  order: Order,
  ids: IdSpace,
  locationId: number,
  parts: readonly { line: LineItem; quantity: number }[],
  at: Seconds,
  fulfillAt: Seconds | null = at,
): FulfillmentOrder {
  const fulfillmentOrder: FulfillmentOrder = {
    __typename: "FulfillmentOrder",
    id: nextPartId(order, ids, "FulfillmentOrder"),
    order,
    locationId,
    status: fulfillAt !== null && fulfillAt > at ? "SCHEDULED" : "OPEN",
    createdAt: at,
    updatedAt: at,
    fulfillAt,
    holds: [],
    lines: [],
  };
  for (const { line, quantity } of parts) {
    fulfillmentOrder.lines.push({
      __typename: "FulfillmentOrderLineItem",
      id: nextPartId(order, ids, "FulfillmentOrderLineItem"),
      fulfillmentOrder,
      line,
      total: quantity,
      remaining: quantity,
    });
  }
  order.fulfillmentOrders.push(fulfillmentOrder);
  return fulfillmentOrder;
}

export function addTransaction(
  order: Order,
  ids: IdSpace,
  kind: TransactionKind,
  amount: Money,
  gateway: string,
  at: Seconds,
  options: {
    status?: Transaction["status"];
    parentId?: number | null;
    expiresAt?: Seconds | null;
  } = {},
): Transaction {
  const transaction: Transaction = {
    __typename: "OrderTransaction",
    id: nextPartId(order, ids, "OrderTransaction"),
    order,
    kind,
    status: options.status ?? "SUCCESS",
    gateway,
    amount,
    processedAt: at,
    parentId: options.parentId ?? null,
    // Card networks let go of an authorization after seven days.
    expiresAt: options.expiresAt ?? (kind === "AUTHORIZATION" ? at + 7 * day : null),
  };
  order.transactions.push(transaction);
  return transaction;
}

/** Ships units of fulfillment order lines in one parcel and closes the fulfillment orders that are done. */
export function addFulfillment(
  order: Order,
  ids: IdSpace,
  locationId: number,
  parts: readonly { part: FulfillmentOrderLine; quantity: number }[],
  tracking: Tracking,
  at: Seconds,
): Fulfillment {
  const fulfillment: Fulfillment = {
    __typename: "Fulfillment",
    id: nextPartId(order, ids, "Fulfillment"),
    order,
    name: `${order.name}-F${order.fulfillments.length + 1}`,
    status: "SUCCESS",
    locationId,
    tracking,
    lines: [],
    createdAt: at,
    updatedAt: at,
    inTransitAt: null,
    deliveredAt: null,
    estimatedDeliveryAt: null,
  };
  for (const { part, quantity } of parts) {
    fulfillment.lines.push({
      __typename: "FulfillmentLineItem",
      id: nextPartId(order, ids, "FulfillmentLineItem"),
      fulfillment,
      line: part.line,
      fulfillmentOrderLine: part,
      quantity,
    });
    part.remaining -= quantity;
  }
  order.fulfillments.push(fulfillment);
  for (const fulfillmentOrder of new Set(parts.map(({ part }) => part.fulfillmentOrder))) {
    fulfillmentOrder.updatedAt = at;
    if (fulfillmentOrder.lines.every((line) => line.remaining === 0))
      fulfillmentOrder.status = "CLOSED";
    else if (fulfillmentOrder.status === "OPEN") fulfillmentOrder.status = "IN_PROGRESS";
  }
  return fulfillment;
}

export function addHold(
  fulfillmentOrder: FulfillmentOrder,
  ids: IdSpace,
  at: Seconds,
  hold: { reason: string; reasonNotes?: string | null; handle?: string; appId?: string | null },
): FulfillmentHold {
  const added: FulfillmentHold = {
    __typename: "FulfillmentHold",
    id: nextPartId(fulfillmentOrder.order, ids, "FulfillmentHold"),
    fulfillmentOrder,
    reason: hold.reason,
    reasonNotes: hold.reasonNotes ?? null,
    handle: hold.handle ?? "",
    appId: hold.appId ?? null,
  };
  fulfillmentOrder.holds.push(added);
  fulfillmentOrder.status = "ON_HOLD";
  fulfillmentOrder.updatedAt = at;
  return added;
}

/** What a fulfillment order is again once nothing holds it any longer. */
export function statusWithoutHold(
  fulfillmentOrder: FulfillmentOrder,
  at: Seconds,
): FulfillmentOrder["status"] {
  if (fulfillmentOrder.fulfillAt !== null && fulfillmentOrder.fulfillAt > at) return "SCHEDULED";
  return fulfillmentOrder.lines.some((line) => line.remaining < line.total)
    ? "IN_PROGRESS"
    : "OPEN";
}

/** Takes units of a line out of what is still to be fulfilled; answers from where they were taken. */
export function removeFromFulfillmentOrders(
  line: LineItem,
  quantity: number,
  at: Seconds,
): { locationId: number; quantity: number }[] {
  const taken: { locationId: number; quantity: number }[] = [];
  let left = quantity;
  for (const fulfillmentOrder of line.order.fulfillmentOrders) {
    if (!isActive(fulfillmentOrder)) continue;
    for (const part of fulfillmentOrder.lines) {
      if (part.line !== line || left === 0) continue;
      const removed = Math.min(left, part.remaining);
      if (removed === 0) continue;
      part.remaining -= removed;
      part.total -= removed;
      left -= removed;
      fulfillmentOrder.updatedAt = at;
      taken.push({ locationId: fulfillmentOrder.locationId, quantity: removed });
    }
    if (fulfillmentOrder.lines.every((part) => part.remaining === 0)) {
      fulfillmentOrder.status = "CLOSED";
      fulfillmentOrder.holds = [];
    }
  }
  return taken;
}

export interface RefundPlan {
  note: string | null;
  lines: readonly {
    line: LineItem;
    quantity: number;
    restockType: RestockType;
    locationId: number | null;
  }[];
  shipping: Money;
  /** What goes back, and to which payment. */
  transactions: readonly { parent: Transaction; amount: Money }[];
}

/** Records a refund; the lines' current quantities go down with it. */
export function addRefund(order: Order, ids: IdSpace, plan: RefundPlan, at: Seconds): Refund {
  const refund: Refund = {
    __typename: "Refund",
    id: nextPartId(order, ids, "Refund"),
    order,
    note: plan.note,
    createdAt: at,
    lines: [],
    shipping: plan.shipping,
    transactionIds: [],
  };
  for (const { line, quantity, restockType, locationId } of plan.lines) {
    refund.lines.push({
      __typename: "RefundLineItem",
      id: nextPartId(order, ids, "RefundLineItem"),
      line,
      quantity,
      restockType,
      locationId,
      subtotal: linePart(line, quantity),
      tax: lineTaxPart(line, quantity),
    });
    line.currentQuantity -= quantity;
  }
  for (const { parent, amount } of plan.transactions) {
    const transaction = addTransaction(order, ids, "REFUND", amount, parent.gateway, at, {
      parentId: parent.id,
    });
    refund.transactionIds.push(transaction.id);
  }
  order.refunds.push(refund);
  return refund;
}

/** Spreads an amount that is to be given back over the payments that it came from. */
export function splitOverPayments(
  order: Order,
  amount: Money,
): { parent: Transaction; amount: Money }[] {
  const parts: { parent: Transaction; amount: Money }[] = [];
  let left = amount;
  for (const parent of order.transactions) {
    if (parent.status !== "SUCCESS" || (parent.kind !== "SALE" && parent.kind !== "CAPTURE"))
      continue;
    if (left.shop <= 0) break;
    const most = refundable(parent);
    const part = most.shop <= left.shop ? most : left;
    if (part.shop <= 0) continue;
    parts.push({ parent, amount: part });
    left = minus(left, part);
  }
  return parts;
}

/** Closes what is still open and marks the order cancelled. */
export function markCancelled(
  order: Order,
  reason: CancelReason,
  staffNote: string | null,
  at: Seconds,
): void {
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (!isActive(fulfillmentOrder)) continue;
    fulfillmentOrder.status = "CANCELLED";
    fulfillmentOrder.holds = [];
    fulfillmentOrder.updatedAt = at;
    for (const part of fulfillmentOrder.lines) part.remaining = 0;
  }
  order.cancelledAt = at;
  order.cancelReason = reason;
  order.staffNote = staffNote;
  order.closedAt = at;
}

/** An amount of the presentment currency for one of the shop's, at this order's rate. */
export function orderMoney(order: Order, minor: number, currency: string): Money {
  return { shop: minor, presentment: convert(minor, currency, order.presentmentCurrency) };
}
