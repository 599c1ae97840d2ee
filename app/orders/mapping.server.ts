import { z } from "zod";
import type { RowOf } from "../database/rows.ts";
import { searchText } from "../database/search-text.ts";
import type {
  Address,
  fulfillmentOrders,
  fulfillments,
  orderLines,
  orders,
} from "../database/schema.ts";
import {
  amount,
  enumName,
  id,
  idOf,
  moment,
  optionalText,
  pageOf,
  shopAmount,
  shopAmountInPayload,
  sumOf,
  tagList,
} from "../shopify/fields.ts";
import { fulfillmentStatuses, paymentStatuses, type FulfillmentStatus } from "./types.ts";

export type OrderRow = Omit<RowOf<typeof orders>, "deletedAt" | "redactedAt">;
export type OrderLineRow = RowOf<typeof orderLines>;
export type FulfillmentOrderRow = RowOf<typeof fulfillmentOrders>;
export type FulfillmentRow = RowOf<typeof fulfillments>;

/** An order and its parts, as they are stored together. */
export interface OrderRows {
  readonly order: OrderRow;
  readonly lines: readonly OrderLineRow[];
  readonly fulfillments: readonly FulfillmentRow[];
  /** Null where they were not said: webhooks of orders leave them out. */
  readonly fulfillmentOrders: readonly FulfillmentOrderRow[] | null;
}

/** Fulfillment orders in these states still have something to send. */
const openStates = new Set(["open", "in_progress", "on_hold", "scheduled", "incomplete"]);

const paymentStatus = enumName.pipe(z.enum(paymentStatuses));

/** Orders without anything to ship have been seen to in full as far as sending goes. */
const fulfillmentStatus = enumName
  .transform((value) => (value === "fulfillment_not_required" ? "fulfilled" : value))
  .pipe(z.enum(fulfillmentStatuses));

const riskRank = { NONE: 0, PENDING: 0, LOW: 1, MEDIUM: 2, HIGH: 3 } as const;
const riskByRank = ["none", "low", "medium", "high"] as const;

const addressNode = z.object({
  name: optionalText,
  company: optionalText,
  address1: optionalText,
  address2: optionalText,
  zip: optionalText,
  city: optionalText,
  province: optionalText,
  country: optionalText,
  countryCodeV2: optionalText,
  phone: optionalText,
});

export const orderLineNode = z.object({
  id: idOf("LineItem"),
  title: z.string(),
  variantTitle: optionalText,
  sku: optionalText,
  quantity: z.number().int(),
  currentQuantity: z.number().int(),
  unfulfilledQuantity: z.number().int(),
  requiresShipping: z.boolean(),
  image: z.object({ url: z.string() }).nullable(),
  product: z.object({ id: idOf("Product") }).nullable(),
  variant: z.object({ id: idOf("ProductVariant") }).nullable(),
  originalUnitPriceSet: shopAmount,
  discountAllocations: z.array(z.object({ allocatedAmountSet: shopAmount })),
});
export type OrderLineNode = z.infer<typeof orderLineNode>;

export const fulfillmentOrderLineNode = z.object({
  id: idOf("FulfillmentOrderLineItem"),
  totalQuantity: z.number().int(),
  remainingQuantity: z.number().int(),
  lineItem: z.object({ id: idOf("LineItem") }),
});
export type FulfillmentOrderLineNode = z.infer<typeof fulfillmentOrderLineNode>;

export const fulfillmentOrderNode = z.object({
  id: idOf("FulfillmentOrder"),
  status: enumName,
  fulfillAt: moment.nullable(),
  updatedAt: moment,
  assignedLocation: z.object({
    name: optionalText,
    location: z.object({ id: idOf("Location") }).nullable(),
  }),
  fulfillmentHolds: z.array(
    z.object({ id: idOf("FulfillmentHold"), reason: enumName, reasonNotes: optionalText }),
  ),
  lineItems: pageOf(fulfillmentOrderLineNode),
  /** Only in a bulk operation's result. */
  fulfillments: z.object({ nodes: z.array(z.object({ id: idOf("Fulfillment") })) }).optional(),
});
export type FulfillmentOrderNode = z.infer<typeof fulfillmentOrderNode>;

export const fulfillmentLineNode = z.object({
  quantity: z.number().int().nullable(),
  lineItem: z.object({ id: idOf("LineItem") }),
});
export type FulfillmentLineNode = z.infer<typeof fulfillmentLineNode>;

export const fulfillmentNode = z.object({
  id: idOf("Fulfillment"),
  name: optionalText,
  status: enumName,
  createdAt: moment,
  updatedAt: moment,
  location: z.object({ id: idOf("Location") }).nullable(),
  trackingInfo: z.array(
    z.object({ company: optionalText, number: optionalText, url: optionalText }),
  ),
  /** Missing in a bulk operation's result. */
  fulfillmentLineItems: pageOf(fulfillmentLineNode).optional(),
});
export type FulfillmentNode = z.infer<typeof fulfillmentNode>;

export const orderNode = z.object({
  id: idOf("Order"),
  name: z.string(),
  createdAt: moment,
  processedAt: moment,
  updatedAt: moment,
  cancelledAt: moment.nullable(),
  cancelReason: enumName.nullable(),
  closedAt: moment.nullable(),
  displayFinancialStatus: paymentStatus.nullable(),
  displayFulfillmentStatus: fulfillmentStatus,
  currencyCode: z.string(),
  totalPriceSet: shopAmount,
  subtotalPriceSet: shopAmount.nullable(),
  totalTaxSet: shopAmount.nullable(),
  totalShippingPriceSet: shopAmount,
  totalDiscountsSet: shopAmount.nullable(),
  totalRefundedSet: shopAmount,
  shippingLine: z.object({ title: z.string() }).nullable(),
  note: optionalText,
  tags: tagList,
  sourceName: optionalText,
  test: z.boolean(),
  risk: z.object({
    assessments: z.array(
      z.object({ riskLevel: z.enum(["NONE", "PENDING", "LOW", "MEDIUM", "HIGH"]) }),
    ),
  }),
  email: optionalText,
  phone: optionalText,
  customer: z
    .object({ id: idOf("Customer"), firstName: optionalText, lastName: optionalText })
    .nullish(),
  shippingAddress: addressNode.nullish(),
  billingAddress: addressNode.nullish(),
  lineItems: pageOf(orderLineNode),
  fulfillmentOrders: pageOf(fulfillmentOrderNode),
  fulfillments: z.array(fulfillmentNode),
});
export type OrderNode = z.infer<typeof orderNode>;

/** From the Admin API's answer, all parts in place. */
export function orderFromNode(node: OrderNode): OrderRows {
  const shippingAddress = addressFromNode(node.shippingAddress);
  const billingAddress = addressFromNode(node.billingAddress);
  const orders = node.fulfillmentOrders.nodes.map((one) => fulfillmentOrderRow(node.id, one));
  const assessed = node.risk.assessments.map(({ riskLevel }) => riskRank[riskLevel]);
  return rows(
    {
      id: node.id,
      name: node.name,
      placedAt: node.processedAt,
      updatedAt: node.updatedAt,
      cancelledAt: node.cancelledAt,
      cancelReason: node.cancelReason,
      closedAt: node.closedAt,
      paymentStatus: node.displayFinancialStatus ?? "pending",
      fulfillmentStatus: node.displayFulfillmentStatus,
      currency: node.currencyCode,
      total: node.totalPriceSet,
      subtotal: node.subtotalPriceSet ?? "0",
      totalTax: node.totalTaxSet ?? "0",
      totalShipping: node.totalShippingPriceSet,
      totalDiscounts: node.totalDiscountsSet ?? "0",
      totalRefunded: node.totalRefundedSet,
      customerId: node.customer?.id ?? null,
      customerName: personName(node.customer, shippingAddress ?? billingAddress),
      email: node.email,
      phone: node.phone,
      shippingAddress,
      billingAddress,
      shippingMethod: node.shippingLine?.title ?? null,
      note: node.note,
      tags: node.tags,
      risk: riskByRank[Math.max(0, ...assessed)] ?? "none",
      sourceName: node.sourceName,
      test: node.test,
    },
    node.lineItems.nodes.map((line, index) => ({
      orderId: node.id,
      id: line.id,
      position: index + 1,
      productId: line.product?.id ?? null,
      variantId: line.variant?.id ?? null,
      title: line.title,
      variantTitle: line.variantTitle,
      sku: line.sku ?? "",
      imageUrl: line.image?.url ?? null,
      quantity: line.quantity,
      currentQuantity: line.currentQuantity,
      unfulfilledQuantity: line.unfulfilledQuantity,
      unitPrice: line.originalUnitPriceSet,
      discount: sumOf(line.discountAllocations.map(({ allocatedAmountSet }) => allocatedAmountSet)),
      requiresShipping: line.requiresShipping,
    })),
    node.fulfillments.map((one) => fulfillmentRow(node.id, one)),
    orders,
  );
}

function fulfillmentOrderRow(orderId: number, node: FulfillmentOrderNode): FulfillmentOrderRow {
  return {
    orderId,
    id: node.id,
    status: node.status,
    locationId: node.assignedLocation.location?.id ?? null,
    locationName: node.assignedLocation.name,
    holds: node.fulfillmentHolds.map(({ id: holdId, reason, reasonNotes }) => ({
      id: holdId,
      reason,
      notes: reasonNotes,
    })),
    fulfillAt: node.fulfillAt,
    lines: node.lineItems.nodes.map((line) => ({
      id: line.id,
      lineId: line.lineItem.id,
      total: line.totalQuantity,
      remaining: line.remainingQuantity,
    })),
    updatedAt: node.updatedAt,
  };
}

function fulfillmentRow(orderId: number, node: FulfillmentNode): FulfillmentRow {
  return {
    orderId,
    id: node.id,
    name: node.name,
    status: node.status,
    createdAt: node.createdAt,
    updatedAt: node.updatedAt,
    locationId: node.location?.id ?? null,
    tracking: node.trackingInfo.map(({ company, number, url }) => ({ company, number, url })),
    lines: byLine(
      (node.fulfillmentLineItems?.nodes ?? []).map(({ lineItem, quantity }) => ({
        lineId: lineItem.id,
        quantity: quantity ?? 0,
      })),
    ),
  };
}

const addressPayload = z.object({
  name: optionalText,
  company: optionalText,
  address1: optionalText,
  address2: optionalText,
  zip: optionalText,
  city: optionalText,
  province: optionalText,
  country: optionalText,
  country_code: optionalText,
  phone: optionalText,
});

const amountOrNothing = amount.nullish().transform((value) => value ?? "0");

const fulfillmentPayload = z.object({
  id,
  name: optionalText,
  status: z.string(),
  created_at: moment,
  updated_at: moment,
  location_id: id.nullish(),
  tracking_company: optionalText,
  tracking_numbers: z.array(z.string()).default([]),
  tracking_urls: z.array(z.string()).default([]),
  line_items: z.array(z.object({ id, quantity: z.number().int() })).default([]),
});

/** `orders/create` and `orders/updated`. Fulfillment orders, holds and risk are not part of it. */
export const orderPayload = z.object({
  id,
  name: z.string(),
  processed_at: moment.nullish(),
  created_at: moment,
  updated_at: moment,
  cancelled_at: moment.nullish(),
  cancel_reason: z.string().nullish(),
  closed_at: moment.nullish(),
  financial_status: paymentStatus.nullish(),
  fulfillment_status: z.enum(["fulfilled", "partial", "restocked", "unfulfilled"]).nullish(),
  currency: z.string(),
  total_price: amount,
  total_price_set: z
    .object({ shop_money: z.object({ amount }), presentment_money: z.object({ amount }) })
    .nullish(),
  subtotal_price: amountOrNothing,
  total_tax: amountOrNothing,
  total_discounts: amountOrNothing,
  total_shipping_price_set: shopAmountInPayload.nullish(),
  shipping_lines: z.array(z.object({ title: z.string().nullable() })).default([]),
  email: optionalText,
  phone: optionalText,
  customer: z.object({ id, first_name: optionalText, last_name: optionalText }).nullish(),
  shipping_address: addressPayload.nullish(),
  billing_address: addressPayload.nullish(),
  note: optionalText,
  tags: tagList,
  source_name: optionalText,
  test: z.boolean().default(false),
  line_items: z.array(
    z.object({
      id,
      product_id: id.nullish(),
      variant_id: id.nullish(),
      title: z.string(),
      variant_title: optionalText,
      sku: optionalText,
      quantity: z.number().int(),
      current_quantity: z.number().int().optional(),
      fulfillable_quantity: z.number().int(),
      requires_shipping: z.boolean().default(true),
      price: amount,
      price_set: shopAmountInPayload.optional(),
      discount_allocations: z
        .array(z.object({ amount, amount_set: shopAmountInPayload.optional() }))
        .default([]),
    }),
  ),
  fulfillments: z.array(fulfillmentPayload).default([]),
  refunds: z
    .array(
      z.object({
        transactions: z
          .array(
            z.object({
              kind: z.string(),
              status: z.string(),
              amount,
              currency: z.string().nullish(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});
export type OrderPayload = z.infer<typeof orderPayload>;

const fulfillmentStatusInPayload: Readonly<Record<string, FulfillmentStatus>> = {
  fulfilled: "fulfilled",
  partial: "partially_fulfilled",
  restocked: "restocked",
  unfulfilled: "unfulfilled",
};

/** From a webhook. */
export function orderFromPayload(payload: OrderPayload): OrderRows {
  const shippingAddress = addressFromPayload(payload.shipping_address);
  const billingAddress = addressFromPayload(payload.billing_address);
  return rows(
    {
      id: payload.id,
      name: payload.name,
      placedAt: payload.processed_at ?? payload.created_at,
      updatedAt: payload.updated_at,
      cancelledAt: payload.cancelled_at ?? null,
      cancelReason: payload.cancel_reason ?? null,
      closedAt: payload.closed_at ?? null,
      paymentStatus: payload.financial_status ?? "pending",
      fulfillmentStatus:
        fulfillmentStatusInPayload[payload.fulfillment_status ?? ""] ?? "unfulfilled",
      currency: payload.currency,
      total: payload.total_price,
      subtotal: payload.subtotal_price,
      totalTax: payload.total_tax,
      totalShipping: payload.total_shipping_price_set ?? "0",
      totalDiscounts: payload.total_discounts,
      totalRefunded: refunded(payload),
      customerId: payload.customer?.id ?? null,
      customerName: personName(
        payload.customer && {
          firstName: payload.customer.first_name,
          lastName: payload.customer.last_name,
        },
        shippingAddress ?? billingAddress,
      ),
      email: payload.email,
      phone: payload.phone,
      shippingAddress,
      billingAddress,
      shippingMethod: payload.shipping_lines[0]?.title ?? null,
      note: payload.note,
      tags: payload.tags,
      risk: null,
      sourceName: payload.source_name,
      test: payload.test,
    },
    payload.line_items.map((line, index) => ({
      orderId: payload.id,
      id: line.id,
      position: index + 1,
      productId: line.product_id ?? null,
      variantId: line.variant_id ?? null,
      title: line.title,
      variantTitle: line.variant_title,
      sku: line.sku ?? "",
      imageUrl: null,
      quantity: line.quantity,
      currentQuantity: line.current_quantity ?? line.quantity,
      unfulfilledQuantity: line.fulfillable_quantity,
      unitPrice: line.price_set ?? line.price,
      discount: sumOf(line.discount_allocations.map((one) => one.amount_set ?? one.amount)),
      requiresShipping: line.requires_shipping,
    })),
    payload.fulfillments.map((one) => ({
      orderId: payload.id,
      id: one.id,
      name: one.name,
      status: one.status,
      createdAt: one.created_at,
      updatedAt: one.updated_at,
      locationId: one.location_id ?? null,
      tracking: trackings(one),
      lines: byLine(one.line_items.map((line) => ({ lineId: line.id, quantity: line.quantity }))),
    })),
    null,
  );
}

/**
 * What was paid back, in the shop's currency. Payloads give it in the currency that the customer paid in; where
 * that is another one, the order's own rate gives an amount that is good until the order is read by id.
 */
function refunded(payload: OrderPayload): string {
  const amounts = payload.refunds
    .flatMap(({ transactions }) => transactions)
    .filter(({ kind, status }) => kind === "refund" && status === "success");
  const { shop_money: shop, presentment_money: paid } = payload.total_price_set ?? {};
  return sumOf(
    amounts.map(({ amount: given, currency }) =>
      !currency || currency === payload.currency || !shop || !paid || Number(paid.amount) === 0
        ? given
        : ((Number(given) * Number(shop.amount)) / Number(paid.amount)).toFixed(2),
    ),
  );
}

/** One entry per number, with the address that goes with it. */
function trackings(one: z.infer<typeof fulfillmentPayload>): FulfillmentRow["tracking"] {
  const count = Math.max(one.tracking_numbers.length, one.tracking_urls.length);
  if (count === 0 && one.tracking_company === null) return [];
  return Array.from({ length: Math.max(1, count) }, (_, index) => ({
    company: one.tracking_company,
    number: one.tracking_numbers[index] ?? null,
    url: one.tracking_urls[index] ?? null,
  }));
}

/** One entry per line of the order, in an order that does not depend on who said it. */
function byLine(lines: FulfillmentRow["lines"]): FulfillmentRow["lines"] {
  const sums = new Map<number, number>();
  for (const { lineId, quantity } of lines) sums.set(lineId, (sums.get(lineId) ?? 0) + quantity);
  return [...sums]
    .map(([lineId, quantity]) => ({ lineId, quantity }))
    .sort((a, b) => a.lineId - b.lineId);
}

/** `orders/delete`. */
export const deletedPayload = z.object({ id });

function addressFromNode(node: z.infer<typeof addressNode> | null | undefined): Address | null {
  if (!node) return null;
  const { countryCodeV2: countryCode, ...rest } = node;
  return { ...rest, countryCode };
}

function addressFromPayload(
  payload: z.infer<typeof addressPayload> | null | undefined,
): Address | null {
  if (!payload) return null;
  const { country_code: countryCode, ...rest } = payload;
  return { ...rest, countryCode };
}

function personName(
  customer: { firstName: string | null; lastName: string | null } | null | undefined,
  address: Address | null,
): string | null {
  const name = [customer?.firstName, customer?.lastName].filter(Boolean).join(" ");
  return name || address?.name || address?.company || null;
}

type Computed = "units" | "unitsToFulfil" | "locationIds" | "searchText";

/** Adds what follows from the parts together. */
function rows(
  order: Omit<OrderRow, Computed>,
  lines: readonly OrderLineRow[],
  fulfillmentRows: readonly FulfillmentRow[],
  fulfillmentOrderRows: readonly FulfillmentOrderRow[] | null,
): OrderRows {
  const open = (fulfillmentOrderRows ?? []).filter(({ status }) => openStates.has(status));
  const locationIds = open.map(({ locationId }) => locationId).filter((one) => one !== null);
  const trackingNumbers = fulfillmentRows.flatMap(({ tracking }) => tracking.map((t) => t.number));
  return {
    order: {
      ...order,
      units: total(lines.map((line) => line.currentQuantity)),
      unitsToFulfil: total(lines.map((line) => line.unfulfilledQuantity)),
      locationIds: [...new Set(locationIds)].sort((a, b) => a - b),
      searchText: searchText([
        order.name,
        order.customerName,
        order.email,
        ...lines.map(({ sku }) => sku),
        ...trackingNumbers,
      ]),
    },
    lines,
    fulfillments: fulfillmentRows,
    fulfillmentOrders: fulfillmentOrderRows,
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
