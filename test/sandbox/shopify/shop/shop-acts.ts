import type { Change } from "./change.ts";
import { gid } from "./ids.ts";
import { minus, zero } from "./money.ts";
import type { Money } from "./money.ts";
import type {
  CancelReason,
  Fulfillment,
  FulfillmentOrder,
  FulfillmentOrderLine,
  LineItem,
  Order,
  Product,
  Refund,
  RestockType,
  Tracking,
  Transaction,
} from "./model.ts";
import {
  addEvent,
  addFulfillment,
  addFulfillmentOrder,
  addRefund,
  addTransaction,
  markCancelled,
  removeFromFulfillmentOrders,
  splitOverPayments,
} from "./order-acts.ts";
import type { Author } from "./order-acts.ts";
import {
  fulfillmentStatus,
  isActive,
  netPayment,
  outstanding,
  refundedShipping,
  remainingOfLine,
  shippingTotal,
} from "./order-state.ts";
import { fulfillmentOrderPayload } from "./payloads/fulfillment.ts";
import { refundPayload } from "./payloads/order.ts";
import type { ShopStore } from "./store.ts";

/** What happens to orders and the stock behind them, whoever does it: an app, the shop's staff, a customer. */

function moveStock(
  change: Change,
  line: LineItem,
  locationId: number,
  committed: number,
  available: number,
): void {
  if (!line.order.claimsStock) return;
  change.lineStock(line.variantId, locationId, "committed", committed);
  change.lineStock(line.variantId, locationId, "available", available);
}

export function tellFulfillmentOrder(
  change: Change,
  topic: string,
  fulfillmentOrder: FulfillmentOrder,
  payload: () => object = () => ({ fulfillment_order: fulfillmentOrderPayload(fulfillmentOrder) }),
): void {
  change.tell(topic, gid("FulfillmentOrder", fulfillmentOrder.id), payload);
}

/** Decides where an order is to leave from: one place that has it all if there is one, else line by line. */
export function route(
  store: ShopStore,
  order: Order,
): Map<number, { line: LineItem; quantity: number }[]> {
  const places = [...store.locations.values()]
    .filter((location) => location.isActive)
    .sort((a, b) => Number(b.isPrimary) - Number(a.isPrimary) || a.id - b.id);
  const available = (line: LineItem, locationId: number): number | undefined => {
    const variant = line.variantId === null ? undefined : store.variants.get(line.variantId);
    if (!variant) return 0;
    const level = store.level(variant.item, locationId);
    if (!level?.isActive) return undefined;
    return variant.item.tracked ? level.quantities.available : Number.POSITIVE_INFINITY;
  };
  const complete = places.find((place) =>
    order.lines.every((line) => (available(line, place.id) ?? -1) >= line.quantity),
  );
  const groups = new Map<number, { line: LineItem; quantity: number }[]>();
  for (const line of order.lines) {
    const place =
      complete ??
      places.find((candidate) => (available(line, candidate.id) ?? -1) >= line.quantity) ??
      places.find((candidate) => available(line, candidate.id) !== undefined) ??
      places[0];
    if (!place) continue;
    const group = groups.get(place.id);
    const part = { line, quantity: line.quantity };
    if (group) group.push(part);
    else groups.set(place.id, [part]);
  }
  return groups;
}

/** Takes a composed order in: it gets its fulfillment orders, claims its stock and is told about. */
export function placeOrder(change: Change, order: Order, by: Author = {}): void {
  const { store, at } = change;
  addEvent(order, store.ids, order.createdAt, "placed", "This order was placed.", by);
  change.newOrder(order);
  for (const [locationId, parts] of route(store, order)) {
    const fulfillmentOrder = addFulfillmentOrder(order, store.ids, locationId, parts, at);
    for (const { line, quantity } of parts)
      moveStock(change, line, locationId, quantity, -quantity);
    tellFulfillmentOrder(change, "fulfillment_orders/order_routing_complete", fulfillmentOrder);
  }
  if (outstanding(order).shop === 0) change.tellOrder("orders/paid", order);
}

/** Ships units of fulfillment order lines. */
export function fulfil(
  change: Change,
  order: Order,
  locationId: number,
  parts: readonly { part: FulfillmentOrderLine; quantity: number }[],
  tracking: Tracking,
  by: Author = {},
): Fulfillment {
  const { store, at } = change;
  change.order(order);
  const fulfillment = addFulfillment(order, store.ids, locationId, parts, tracking, at);
  for (const { part, quantity } of parts) moveStock(change, part.line, locationId, -quantity, 0);
  const units = parts.reduce((sum, { quantity }) => sum + quantity, 0);
  addEvent(
    order,
    store.ids,
    at,
    "fulfillment_success",
    `${units} ${units === 1 ? "item was" : "items were"} fulfilled.`,
    by,
  );
  change.tellFulfillment("fulfillments/create", fulfillment);
  change.tellOrder(
    fulfillmentStatus(order) === "FULFILLED" ? "orders/fulfilled" : "orders/partially_fulfilled",
    order,
  );
  return fulfillment;
}

/** Takes a fulfillment back: its units wait again, in a new fulfillment order where the old one is closed. */
export function cancelFulfillment(change: Change, fulfillment: Fulfillment, by: Author = {}): void {
  const { store, at } = change;
  const { order } = fulfillment;
  change.order(order);
  fulfillment.status = "CANCELLED";
  fulfillment.updatedAt = at;
  const again = new Map<number, { line: LineItem; quantity: number }[]>();
  for (const { fulfillmentOrderLine: part, line, quantity: sent } of fulfillment.lines) {
    // What has been refunded since is not to be sent again.
    const quantity = Math.max(0, Math.min(sent, line.currentQuantity - remainingOfLine(line)));
    if (quantity === 0) continue;
    moveStock(change, line, fulfillment.locationId, quantity, 0);
    if (isActive(part.fulfillmentOrder)) {
      part.remaining += quantity;
      part.fulfillmentOrder.updatedAt = at;
      const untouched = part.fulfillmentOrder.lines.every(
        (other) => other.remaining === other.total,
      );
      if (untouched && part.fulfillmentOrder.status === "IN_PROGRESS")
        part.fulfillmentOrder.status = "OPEN";
    } else {
      const { locationId } = part.fulfillmentOrder;
      const parts = again.get(locationId);
      if (parts) parts.push({ line, quantity });
      else again.set(locationId, [{ line, quantity }]);
    }
  }
  for (const [locationId, parts] of again) {
    const fulfillmentOrder = addFulfillmentOrder(order, store.ids, locationId, parts, at);
    tellFulfillmentOrder(change, "fulfillment_orders/order_routing_complete", fulfillmentOrder);
  }
  addEvent(
    order,
    store.ids,
    at,
    "fulfillment_cancelled",
    `Fulfillment ${fulfillment.name} was cancelled.`,
    by,
  );
  change.tellFulfillment("fulfillments/update", fulfillment);
}

/** Moves what a line of a fulfillment order claims from one location to another. */
export function moveClaim(
  change: Change,
  line: LineItem,
  quantity: number,
  fromLocationId: number,
  toLocationId: number,
): void {
  moveStock(change, line, fromLocationId, -quantity, quantity);
  moveStock(change, line, toLocationId, quantity, -quantity);
}

export interface RefundRequest {
  note: string | null;
  lines: readonly {
    line: LineItem;
    quantity: number;
    restockType: RestockType;
    locationId: number | null;
  }[];
  shipping: Money;
  transactions: readonly { parent: Transaction; amount: Money }[];
}

/** Gives money and goods back. Units that were never sent leave their fulfillment orders. */
export function refund(
  change: Change,
  order: Order,
  request: RefundRequest,
  by: Author = {},
): Refund {
  const { store, at } = change;
  change.order(order);
  for (const { line, quantity, restockType, locationId } of request.lines) {
    let sent = quantity;
    if (restockType !== "RETURN") {
      for (const taken of removeFromFulfillmentOrders(line, quantity, at)) {
        sent -= taken.quantity;
        moveStock(
          change,
          line,
          taken.locationId,
          -taken.quantity,
          restockType === "CANCEL" ? taken.quantity : 0,
        );
      }
    }
    if (restockType === "RETURN" && locationId !== null && line.order.claimsStock) {
      change.lineStock(line.variantId, locationId, "available", sent);
    }
  }
  const made = addRefund(order, store.ids, request, at);
  addEvent(order, store.ids, at, "refund_success", "A refund was made.", by);
  change.tell("refunds/create", gid("Refund", made.id), () => refundPayload(store, made));
  return made;
}

/** Cancels an order that has nothing sent; what it claimed is let go, and put back for sale if asked for. */
export function cancelOrder(
  change: Change,
  order: Order,
  request: { reason: CancelReason; restock: boolean; refund: boolean; staffNote: string | null },
  by: Author = {},
): void {
  const { store, at } = change;
  change.order(order);
  const locationOf = (line: LineItem) =>
    order.fulfillmentOrders.find((fulfillmentOrder) =>
      fulfillmentOrder.lines.some((part) => part.line === line),
    )?.locationId ?? null;
  const lines = order.lines
    .filter((line) => line.currentQuantity > 0)
    .map((line) => ({
      line,
      quantity: line.currentQuantity,
      restockType: request.restock ? ("CANCEL" as const) : ("NO_RESTOCK" as const),
      locationId: locationOf(line),
    }));
  const open = order.transactions.find((transaction) => transaction.kind === "AUTHORIZATION");
  if (open) addTransaction(order, store.ids, "VOID", zero, open.gateway, at, { parentId: open.id });
  const owed = netPayment(order);
  refund(
    change,
    order,
    {
      note: null,
      lines,
      shipping: request.refund ? minus(shippingTotal(order), refundedShipping(order)) : zero,
      transactions: request.refund ? splitOverPayments(order, owed) : [],
    },
    by,
  );
  for (const fulfillmentOrder of order.fulfillmentOrders) {
    if (
      fulfillmentOrder.lines.every((part) => part.remaining === 0) &&
      fulfillmentOrder.status === "CLOSED"
    ) {
      const wasSent = order.fulfillments.some((fulfillment) =>
        fulfillment.lines.some(
          (part) => part.fulfillmentOrderLine.fulfillmentOrder === fulfillmentOrder,
        ),
      );
      if (!wasSent) fulfillmentOrder.status = "CANCELLED";
    }
    tellFulfillmentOrder(change, "fulfillment_orders/cancelled", fulfillmentOrder, () => ({
      fulfillment_order: fulfillmentOrderPayload(fulfillmentOrder),
      replacement_fulfillment_order: null,
    }));
  }
  markCancelled(order, request.reason, request.staffNote, at);
  addEvent(order, store.ids, at, "cancelled", "This order was cancelled.", by);
  change.tellOrder("orders/cancelled", order);
}

/** Records that what was outstanding has been paid outside. */
export function markPaid(change: Change, order: Order, by: Author = {}): void {
  const { store, at } = change;
  change.order(order);
  addTransaction(order, store.ids, "SALE", outstanding(order), "manual", at);
  addEvent(order, store.ids, at, "marked_as_paid", "This order was marked as paid.", by);
  change.tellOrder("orders/paid", order);
}

/** Takes a product out of the shop, with its variants and their stock. Orders keep what they quoted. */
export function deleteProduct(change: Change, product: Product): void {
  const { store } = change;
  change.product(product);
  store.products.delete(product.id);
  for (const variant of product.variants) {
    store.variants.delete(variant.id);
    store.items.delete(variant.item.id);
    change.tell("inventory_items/delete", gid("InventoryItem", variant.item.id), () => ({
      id: variant.item.id,
      admin_graphql_api_id: gid("InventoryItem", variant.item.id),
    }));
  }
  change.tell("products/delete", gid("Product", product.id), () => ({ id: product.id }));
}
