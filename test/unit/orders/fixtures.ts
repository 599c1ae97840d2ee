import { nothingExpected } from "../../../app/commands/expected-order.ts";
import type { PendingChange } from "../../../app/commands/types.ts";
import type {
  Fulfillment,
  FulfillmentOrder,
  OrderDetail,
  OrderLine,
} from "../../../app/orders/types.ts";

const money = (amount: string) => ({ amount, currency: "EUR" });

export function anOrderLine(some: Partial<OrderLine> = {}): OrderLine {
  const quantity = some.quantity ?? 2;
  return {
    id: 1,
    productId: 10,
    title: "Mug",
    variantTitle: null,
    sku: "MUG-1",
    imageUrl: null,
    quantity,
    currentQuantity: quantity,
    unfulfilledQuantity: quantity,
    unitPrice: money("5.00"),
    total: money("10.00"),
    ...some,
  };
}

export function aFulfillmentOrder(some: Partial<FulfillmentOrder> = {}): FulfillmentOrder {
  return {
    id: 100,
    status: "open",
    locationId: 7,
    location: "Berlin",
    holds: [],
    fulfillAt: null,
    lines: [{ id: 1000, lineId: 1, total: 2, remaining: 2 }],
    ...some,
  };
}

export function aFulfillment(some: Partial<Fulfillment> = {}): Fulfillment {
  return {
    id: 200,
    name: "#1001-F1",
    status: "success",
    createdAt: new Date("2026-11-21T09:00:00Z"),
    location: "Berlin",
    tracking: [],
    lines: [{ lineId: 1, quantity: 2 }],
    ...some,
  };
}

export function aChange(some: Partial<PendingChange> = {}): PendingChange {
  return {
    operationId: "0b0c5f0e-0000-4000-8000-000000000001",
    kind: "order.fulfil",
    state: "accepted",
    ring: "shopify",
    subject: "#1001",
    acceptedAt: new Date("2026-11-21T09:00:00Z"),
    settledAt: null,
    problem: null,
    problemCode: null,
    uncertain: false,
    conflict: null,
    attempts: 0,
    resource: "order/1",
    ...some,
  };
}

export function anOrder(some: Partial<OrderDetail> = {}): OrderDetail {
  return {
    id: 1,
    name: "#1001",
    placedAt: new Date("2026-11-20T09:00:00Z"),
    customer: "Anna Petersen",
    total: money("10.00"),
    paymentStatus: "paid",
    fulfillmentStatus: "unfulfilled",
    cancelledAt: null,
    units: 2,
    unitsToFulfil: 2,
    locations: ["Berlin"],
    tags: [],
    pending: null,
    updatedAt: new Date("2026-11-20T09:00:00Z"),
    cancelReason: null,
    closedAt: null,
    subtotal: money("10.00"),
    totalTax: money("0.00"),
    totalShipping: money("0.00"),
    totalDiscounts: money("0.00"),
    totalRefunded: money("0.00"),
    email: "anna@example.com",
    phone: null,
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: null,
    note: null,
    risk: null,
    sourceName: "web",
    lines: [anOrderLine()],
    fulfillmentOrders: [aFulfillmentOrder()],
    fulfillments: [],
    timeline: [],
    expected: nothingExpected,
    noteConflict: null,
    previousId: null,
    nextId: null,
    ...some,
  };
}
