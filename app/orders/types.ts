import type { ExpectedOrder } from "../commands/expected-order.ts";
import type { PendingChange } from "../commands/types.ts";
import type { Address } from "../database/schema.ts";

/** An amount as Shopify writes it: a decimal number in a string, and an ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

export const paymentStatuses = [
  "pending",
  "authorized",
  "partially_paid",
  "paid",
  "partially_refunded",
  "refunded",
  "voided",
  "expired",
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const fulfillmentStatuses = [
  "unfulfilled",
  "partially_fulfilled",
  "fulfilled",
  "in_progress",
  "on_hold",
  "scheduled",
  "open",
  "pending_fulfillment",
  "request_declined",
  "restocked",
] as const;
export type FulfillmentStatus = (typeof fulfillmentStatuses)[number];

/** Why a person holds items back; lower-case FulfillmentHoldReason, less the one that is Shopify's own. */
export const holdReasons = [
  "inventory_out_of_stock",
  "incorrect_address",
  "high_risk_of_fraud",
  "awaiting_payment",
  "awaiting_return_items",
  "unknown_delivery_date",
  "other",
] as const;
export type HoldReason = (typeof holdReasons)[number];

export const orderTabs = ["all", "to-fulfil", "on-hold", "waiting", "taken-here"] as const;
/** `waiting`: a change of it is on its way to Shopify. `taken-here`: begun in Evenkeel. */
export type OrderTab = (typeof orderTabs)[number];

export const orderSorts = ["placed", "updated", "total", "customer"] as const;
export type OrderSort = (typeof orderSorts)[number];

export interface OrderQuery {
  readonly tab: OrderTab;
  readonly search: string;
  readonly paymentStatuses: readonly PaymentStatus[];
  readonly fulfillmentStatuses: readonly FulfillmentStatus[];
  readonly locationId: number | null;
  readonly tag: string | null;
  readonly placedAfter: Date | null;
  readonly placedBefore: Date | null;
  readonly sort: OrderSort;
  readonly descending: boolean;
  /** An opaque cursor from a page's `nextCursor` or `previousCursor`. */
  readonly after: string | null;
  readonly before: string | null;
  readonly pageSize: number;
}

export interface OrderSummary {
  readonly id: number;
  readonly name: string;
  readonly placedAt: Date;
  readonly customer: string | null;
  readonly total: Money;
  readonly paymentStatus: PaymentStatus;
  readonly fulfillmentStatus: FulfillmentStatus;
  readonly cancelledAt: Date | null;
  /** Units over all lines, and how many of them are still to be sent. */
  readonly units: number;
  readonly unitsToFulfil: number;
  readonly locations: readonly string[];
  readonly tags: readonly string[];
  /** The gravest change of this order that is not settled. */
  readonly pending: PendingChange | null;
}

export interface OrderPage {
  readonly orders: readonly OrderSummary[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  /** How many match, counted up to 10,000; `null` beyond it. */
  readonly total: number | null;
}

export interface OrderLine {
  readonly id: number;
  readonly productId: number | null;
  readonly title: string;
  readonly variantTitle: string | null;
  readonly sku: string;
  readonly imageUrl: string | null;
  readonly quantity: number;
  readonly currentQuantity: number;
  readonly unfulfilledQuantity: number;
  readonly unitPrice: Money;
  readonly total: Money;
}

/** What one location has to send of an order. */
export interface FulfillmentOrder {
  readonly id: number;
  readonly status: string;
  readonly locationId: number | null;
  readonly location: string | null;
  readonly holds: readonly {
    /** Missing where it was read before ids were kept. */
    readonly id?: number;
    readonly reason: string;
    readonly notes: string | null;
  }[];
  readonly fulfillAt: Date | null;
  readonly lines: readonly {
    readonly id: number;
    readonly lineId: number;
    readonly total: number;
    readonly remaining: number;
  }[];
}

export interface Fulfillment {
  readonly id: number;
  readonly name: string | null;
  readonly status: string;
  readonly createdAt: Date;
  readonly location: string | null;
  readonly tracking: readonly {
    readonly company: string | null;
    readonly number: string | null;
    readonly url: string | null;
  }[];
  readonly lines: readonly { readonly lineId: number; readonly quantity: number }[];
}

/** One line of the order's story: Shopify's events and our own changes together, newest first. */
export interface TimelineEntry {
  readonly id: string;
  readonly at: Date;
  readonly kind:
    | "placed"
    | "cancelled"
    | "closed"
    | "fulfilled"
    | "fulfillment_cancelled"
    | "refunded"
    | "change";
  /** The change's state and words, where `kind` is `change`. */
  readonly change: PendingChange | null;
  /** What there is to say beyond the kind: units, a tracking number, a reason. */
  readonly detail: string | null;
}

export interface OrderDetail extends OrderSummary {
  readonly updatedAt: Date;
  readonly cancelReason: string | null;
  readonly closedAt: Date | null;
  readonly subtotal: Money;
  readonly totalTax: Money;
  readonly totalShipping: Money;
  readonly totalDiscounts: Money;
  readonly totalRefunded: Money;
  readonly email: string | null;
  readonly phone: string | null;
  readonly shippingAddress: Address | null;
  readonly billingAddress: Address | null;
  readonly shippingMethod: string | null;
  readonly note: string | null;
  readonly risk: "low" | "medium" | "high" | "none" | null;
  readonly sourceName: string | null;
  readonly lines: readonly OrderLine[];
  readonly fulfillmentOrders: readonly FulfillmentOrder[];
  readonly fulfillments: readonly Fulfillment[];
  readonly timeline: readonly TimelineEntry[];
  /** What changes on their way will make of it. */
  readonly expected: ExpectedOrder;
  /** A note that waits for a person, since the one in Shopify has changed; null where there is none. */
  readonly noteConflict: { readonly operationId: string; readonly note: string | null } | null;
  /** Neighbours in the order of placing. */
  readonly previousId: number | null;
  readonly nextId: number | null;
}
