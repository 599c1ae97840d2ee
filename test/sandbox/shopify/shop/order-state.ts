import { atLeastZero, minus, plus, share, times, zero } from "./money.ts";
import type { Money } from "./money.ts";
import type {
  FulfillmentOrder,
  LineItem,
  Order,
  Refund,
  Transaction,
  TransactionKind,
} from "./model.ts";
import type { Seconds } from "./time.ts";

/** What an order amounts to and where it stands, worked out from its parts and never stored beside them. */

export type FinancialStatus =
  | "AUTHORIZED"
  | "EXPIRED"
  | "PAID"
  | "PARTIALLY_PAID"
  | "PARTIALLY_REFUNDED"
  | "PENDING"
  | "REFUNDED"
  | "VOIDED";

export type FulfillmentStatus =
  "FULFILLED" | "IN_PROGRESS" | "ON_HOLD" | "PARTIALLY_FULFILLED" | "SCHEDULED" | "UNFULFILLED";

export function lineOriginalTotal(line: LineItem): Money {
  return times(line.unitPrice, line.quantity);
}

export function lineTotal(line: LineItem): Money {
  return minus(lineOriginalTotal(line), line.discount);
}

/** The share of a line's discounted total that some of its units stand for. */
export function linePart(line: LineItem, quantity: number): Money {
  return share(lineTotal(line), quantity, line.quantity);
}

export function lineTaxPart(line: LineItem, quantity: number): Money {
  return share(line.tax, quantity, line.quantity);
}

export function subtotal(order: Order): Money {
  return plus(...order.lines.map(lineTotal));
}

export function linesOriginalTotal(order: Order): Money {
  return plus(...order.lines.map(lineOriginalTotal));
}

export function shippingOriginal(order: Order): Money {
  return plus(...order.shippingLines.map((line) => line.price));
}

export function shippingTotal(order: Order): Money {
  return plus(...order.shippingLines.map((line) => minus(line.price, line.discount)));
}

export function totalTax(order: Order): Money {
  return plus(
    ...order.lines.map((line) => line.tax),
    ...order.shippingLines.map((line) => line.tax),
  );
}

export function totalDiscounts(order: Order): Money {
  return plus(
    ...order.lines.map((line) => line.discount),
    ...order.shippingLines.map((line) => line.discount),
  );
}

export function totalPrice(order: Order): Money {
  const net = plus(subtotal(order), shippingTotal(order));
  return order.taxesIncluded ? net : plus(net, totalTax(order));
}

export function currentSubtotal(order: Order): Money {
  return plus(...order.lines.map((line) => linePart(line, line.currentQuantity)));
}

export function refundedShipping(order: Order): Money {
  return plus(...order.refunds.map((refund) => refund.shipping));
}

export function currentTax(order: Order): Money {
  const shipping = plus(...order.shippingLines.map((line) => line.tax));
  const before = shippingTotal(order);
  const left = atLeastZero(minus(before, refundedShipping(order)));
  return plus(
    ...order.lines.map((line) => lineTaxPart(line, line.currentQuantity)),
    before.shop === 0 ? shipping : share(shipping, left.shop, before.shop),
  );
}

export function currentTotal(order: Order): Money {
  const net = plus(
    currentSubtotal(order),
    atLeastZero(minus(shippingTotal(order), refundedShipping(order))),
  );
  return order.taxesIncluded ? net : plus(net, currentTax(order));
}

function sumOf(order: Order, ...kinds: readonly TransactionKind[]): Money {
  return plus(
    ...order.transactions
      .filter((transaction) => transaction.status === "SUCCESS" && kinds.includes(transaction.kind))
      .map((transaction) => transaction.amount),
  );
}

export function received(order: Order): Money {
  return sumOf(order, "SALE", "CAPTURE");
}

export function refunded(order: Order): Money {
  return sumOf(order, "REFUND");
}

export function authorized(order: Order): Money {
  return sumOf(order, "AUTHORIZATION");
}

export function voided(order: Order): boolean {
  return order.transactions.some((transaction) => transaction.kind === "VOID");
}

/** What may still be taken from an authorization. */
export function capturable(order: Order, now: Seconds): Money {
  if (voided(order)) return zero;
  const open = order.transactions.filter(
    (transaction) =>
      transaction.kind === "AUTHORIZATION" &&
      transaction.status === "SUCCESS" &&
      (transaction.expiresAt === null || transaction.expiresAt > now),
  );
  return atLeastZero(
    minus(plus(...open.map((transaction) => transaction.amount)), sumOf(order, "CAPTURE")),
  );
}

export function netPayment(order: Order): Money {
  return minus(received(order), refunded(order));
}

export function outstanding(order: Order): Money {
  if (order.cancelledAt !== null) return zero;
  return atLeastZero(minus(currentTotal(order), netPayment(order)));
}

export function financialStatus(order: Order, now: Seconds): FinancialStatus {
  const paid = received(order).shop;
  const returned = refunded(order).shop;
  if (paid > 0) {
    if (returned >= paid) return "REFUNDED";
    if (returned > 0) return "PARTIALLY_REFUNDED";
    return paid >= currentTotal(order).shop ? "PAID" : "PARTIALLY_PAID";
  }
  if (voided(order) || order.cancelledAt !== null) return "VOIDED";
  if (totalPrice(order).shop === 0) return "PAID";
  if (authorized(order).shop > 0) return capturable(order, now).shop > 0 ? "AUTHORIZED" : "EXPIRED";
  return "PENDING";
}

export const activeStatuses: readonly string[] = ["OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD"];

/** Whether a fulfillment order still claims stock. */
export function isActive(fulfillmentOrder: FulfillmentOrder): boolean {
  return activeStatuses.includes(fulfillmentOrder.status);
}

export function fulfilledQuantity(order: Order): number {
  let quantity = 0;
  for (const fulfillment of order.fulfillments) {
    if (fulfillment.status !== "SUCCESS") continue;
    for (const line of fulfillment.lines) quantity += line.quantity;
  }
  return quantity;
}

export function fulfilledOfLine(line: LineItem): number {
  let quantity = 0;
  for (const fulfillment of line.order.fulfillments) {
    if (fulfillment.status !== "SUCCESS") continue;
    for (const part of fulfillment.lines) if (part.line === line) quantity += part.quantity;
  }
  return quantity;
}

export function remainingQuantity(order: Order): number {
  let quantity = 0;
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (!isActive(fulfillmentOrder)) continue;
    for (const line of fulfillmentOrder.lines) quantity += line.remaining;
  }
  return quantity;
}

/** Units of one line that still wait in an active fulfillment order. */
export function remainingOfLine(line: LineItem): number {
  let quantity = 0;
  for (const fulfillmentOrder of line.order.fulfillmentOrders) {
    if (!isActive(fulfillmentOrder)) continue;
    for (const part of fulfillmentOrder.lines) if (part.line === line) quantity += part.remaining;
  }
  return quantity;
}

export function fulfillmentStatus(order: Order): FulfillmentStatus {
  const remaining = remainingQuantity(order);
  const fulfilled = fulfilledQuantity(order);
  if (fulfilled > 0) return remaining > 0 ? "PARTIALLY_FULFILLED" : "FULFILLED";
  const open = order.fulfillmentOrders.filter(isActive);
  if (open.length === 0) return "UNFULFILLED";
  if (open.every((fulfillmentOrder) => fulfillmentOrder.status === "ON_HOLD")) return "ON_HOLD";
  if (open.every((fulfillmentOrder) => fulfillmentOrder.status === "SCHEDULED")) return "SCHEDULED";
  if (open.some((fulfillmentOrder) => fulfillmentOrder.status === "IN_PROGRESS"))
    return "IN_PROGRESS";
  return "UNFULFILLED";
}

export function refundTotal(refund: Refund): Money {
  return plus(
    ...refund.order.transactions
      .filter(
        (transaction) =>
          refund.transactionIds.includes(transaction.id) && transaction.status === "SUCCESS",
      )
      .map((transaction) => transaction.amount),
  );
}

/** What may still be given back of a payment. */
export function refundable(transaction: Transaction): Money {
  const given = transaction.order.transactions.filter(
    (other) =>
      other.kind === "REFUND" && other.status === "SUCCESS" && other.parentId === transaction.id,
  );
  return atLeastZero(minus(transaction.amount, plus(...given.map((other) => other.amount))));
}

/** Units of a line that have not been refunded or removed. */
export function refundableQuantity(line: LineItem): number {
  return line.currentQuantity;
}

export function weight(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.grams * line.quantity, 0);
}

export function currentWeight(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.grams * line.currentQuantity, 0);
}

export function quantity(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.quantity, 0);
}

export function currentQuantity(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.currentQuantity, 0);
}
