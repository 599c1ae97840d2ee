import type { Fulfillment, FulfillmentOrder, OrderDetail, OrderLine } from "./types.ts";

/** Some units of a line: all of it, or what is left, sent or taken off. */
export interface LineUnits {
  readonly line: OrderLine;
  readonly units: number;
}

/** Fulfillment orders that can be worked on now; held, scheduled and incomplete ones cannot. */
const workable = new Set(["open", "in_progress"]);
const over = new Set(["closed", "cancelled"]);

/** What is still to be sent, place by place; what can be sent now first. */
export function openFulfillmentOrders(order: OrderDetail): FulfillmentOrder[] {
  return order.fulfillmentOrders
    .filter(
      ({ status, lines }) => !over.has(status) && lines.some(({ remaining }) => remaining > 0),
    )
    .toSorted((a, b) => Number(workable.has(b.status)) - Number(workable.has(a.status)));
}

/** Whether a fulfillment can be asked for: of the whole order, or of one of its parts. */
export function canFulfil(order: OrderDetail, part?: FulfillmentOrder): boolean {
  if (order.cancelledAt) return false;
  // Which units an earlier fulfillment takes is known once Shopify has it.
  if (order.pending?.kind === "order.fulfil" && order.pending.ring !== "needs-you") return false;
  return workableFulfillmentOrders(order).some((open) => part === undefined || open.id === part.id);
}

const isHeldSoon = ({ expected }: OrderDetail, { id }: FulfillmentOrder) =>
  expected.held.some(({ fulfillmentOrderId }) => fulfillmentOrderId === id);

/** Whether a part can be put on hold: once, and only what could be sent otherwise, now or later. */
export function canHold(order: OrderDetail, part: FulfillmentOrder): boolean {
  if (order.cancelledAt || isHeldSoon(order, part)) return false;
  return workable.has(part.status) || part.status === "scheduled";
}

/** Whether a part's holds can be released. */
export function canRelease(order: OrderDetail, part: FulfillmentOrder): boolean {
  return part.status === "on_hold" && !order.expected.released.includes(part.id);
}

/** Whether a fulfillment can be taken back, as far as is known here. */
export function canCancel(order: OrderDetail, { id, status }: Fulfillment): boolean {
  return !order.cancelledAt && status === "success" && !order.expected.cancelled.includes(id);
}

/** The parts of an order that can be fulfilled now. */
export function workableFulfillmentOrders(order: OrderDetail): FulfillmentOrder[] {
  return openFulfillmentOrders(order).filter(
    (part) => workable.has(part.status) && !isHeldSoon(order, part),
  );
}

/** Units that are neither sent, nor in a location's hands, nor taken off: shown so that none disappears. */
export function unassignedUnits(order: OrderDetail): LineUnits[] {
  const known = new Map<number, number>();
  const add = (lineId: number, units: number) =>
    known.set(lineId, (known.get(lineId) ?? 0) + units);
  for (const part of openFulfillmentOrders(order)) {
    for (const { lineId, remaining } of part.lines) add(lineId, remaining);
  }
  for (const { status, lines } of order.fulfillments) {
    if (status === "cancelled") continue;
    for (const { lineId, quantity } of lines) add(lineId, quantity);
  }
  return order.lines
    .map((line) => ({ line, units: line.currentQuantity - (known.get(line.id) ?? 0) }))
    .filter(({ units }) => units > 0);
}

/** Units that were ordered and then removed or refunded. */
export function removedUnits(order: OrderDetail): LineUnits[] {
  return order.lines
    .map((line) => ({ line, units: line.quantity - line.currentQuantity }))
    .filter(({ units }) => units > 0);
}

/** What goes into the parcel: what is still to be sent, or, once everything was sent, all of it. */
export function unitsToPack(order: Pick<OrderDetail, "lines">): LineUnits[] {
  const open = order.lines
    .map((line) => ({ line, units: Math.min(line.unfulfilledQuantity, line.currentQuantity) }))
    .filter(({ units }) => units > 0);
  if (open.length > 0) return open;
  return order.lines
    .map((line) => ({ line, units: line.currentQuantity }))
    .filter(({ units }) => units > 0);
}
