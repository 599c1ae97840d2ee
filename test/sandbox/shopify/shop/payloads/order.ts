import { createHash } from "node:crypto";
import { gid } from "../ids.ts";
import { fixedAmount, minus, zero } from "../money.ts";
import type { Money } from "../money.ts";
import type { Order, Refund, ShippingLine, Transaction } from "../model.ts";
import {
  currentSubtotal,
  currentTax,
  currentTotal,
  financialStatus,
  fulfillmentStatus,
  linesOriginalTotal,
  outstanding,
  refundedShipping,
  shippingOriginal,
  shippingTotal,
  subtotal,
  totalDiscounts,
  totalPrice,
  totalTax,
  weight,
} from "../order-state.ts";
import type { ShopStore } from "../store.ts";
import { addressPayload, moment, moneySet } from "./common.ts";
import { customerPayload } from "./customer.ts";
import { fulfillmentPayload, lineItemPayload } from "./fulfillment.ts";

/** The name of an order in links that a customer may open. */
export function orderToken(order: Order): string {
  return createHash("md5").update(`order ${order.id}`).digest("hex");
}

const restFulfillmentStatus: Readonly<Record<string, string | null>> = {
  FULFILLED: "fulfilled",
  PARTIALLY_FULFILLED: "partial",
};

function transactionPayload(store: ShopStore, transaction: Transaction) {
  const { order } = transaction;
  return {
    id: transaction.id,
    admin_graphql_api_id: gid("OrderTransaction", transaction.id),
    amount: fixedAmount(transaction.amount.presentment, order.presentmentCurrency),
    authorization: null,
    created_at: moment(store, transaction.processedAt),
    currency: order.presentmentCurrency,
    device_id: null,
    error_code: null,
    gateway: transaction.gateway,
    kind: transaction.kind.toLowerCase(),
    location_id: null,
    message: null,
    order_id: order.id,
    parent_id: transaction.parentId,
    payment_id: `${order.name}.${transaction.id % 100}`,
    processed_at: moment(store, transaction.processedAt),
    receipt: {},
    source_name: order.sourceName,
    status: transaction.status.toLowerCase(),
    test: order.test,
    user_id: null,
  };
}

/** `refunds/create`, and as orders carry it. */
export function refundPayload(store: ShopStore, refund: Refund) {
  const { order } = refund;
  const set = (money: Money) => moneySet(store, money, order.presentmentCurrency);
  return {
    id: refund.id,
    admin_graphql_api_id: gid("Refund", refund.id),
    created_at: moment(store, refund.createdAt),
    note: refund.note,
    order_id: order.id,
    processed_at: moment(store, refund.createdAt),
    restock: refund.lines.some((line) => line.restockType !== "NO_RESTOCK"),
    total_duties_set: set(zero),
    user_id: null,
    order_adjustments: [],
    transactions: order.transactions
      .filter((transaction) => refund.transactionIds.includes(transaction.id))
      .map((transaction) => transactionPayload(store, transaction)),
    refund_line_items: refund.lines.map((line) => ({
      id: line.id,
      line_item_id: line.line.id,
      location_id: line.locationId,
      quantity: line.quantity,
      restock_type: line.restockType.toLowerCase(),
      subtotal: Number(fixedAmount(line.subtotal.shop, store.currency)),
      subtotal_set: set(line.subtotal),
      total_tax: Number(fixedAmount(line.tax.shop, store.currency)),
      total_tax_set: set(line.tax),
      line_item: lineItemPayload(store, line.line),
    })),
    duties: [],
    additional_fees: [],
  };
}

function shippingLinePayload(store: ShopStore, order: Order, line: ShippingLine) {
  const set = (money: Money) => moneySet(store, money, order.presentmentCurrency);
  const discounted = minus(line.price, line.discount);
  return {
    id: line.id,
    carrier_identifier: null,
    code: line.code,
    current_discounted_price_set: set(discounted),
    discounted_price: fixedAmount(discounted.shop, store.currency),
    discounted_price_set: set(discounted),
    is_removed: false,
    phone: null,
    price: fixedAmount(line.price.shop, store.currency),
    price_set: set(line.price),
    requested_fulfillment_service_id: null,
    source: "shopify",
    title: line.title,
    tax_lines:
      line.tax.shop === 0
        ? []
        : [
            {
              channel_liable: false,
              price: fixedAmount(line.tax.shop, store.currency),
              price_set: set(line.tax),
              rate: order.taxRate,
              title: order.taxTitle,
            },
          ],
    discount_allocations:
      line.discount.shop === 0
        ? []
        : [
            {
              amount: fixedAmount(line.discount.shop, store.currency),
              amount_set: set(line.discount),
              discount_application_index: 0,
            },
          ],
  };
}

/** `orders/*`: the whole order, in the REST shape of Shopify's published sample. */
export function orderPayload(store: ShopStore, order: Order) {
  const now = store.now();
  const set = (money: Money) => moneySet(store, money, order.presentmentCurrency);
  const amount = (money: Money) => fixedAmount(money.shop, store.currency);
  const token = orderToken(order);
  const customer = order.customerId === null ? undefined : store.customer(order.customerId);
  const shipping = shippingTotal(order);
  const currentShipping = minus(shipping, refundedShipping(order));
  const { discount } = order;
  const discountAmount = totalDiscounts(order);
  return {
    id: order.id,
    admin_graphql_api_id: gid("Order", order.id),
    app_id:
      order.sourceName === "pos"
        ? 129_785
        : order.sourceName === "shopify_draft_order"
          ? 1_354_745
          : 580_111,
    browser_ip: null,
    buyer_accepts_marketing: customer?.acceptsMarketing ?? false,
    cancel_reason: order.cancelReason?.toLowerCase() ?? null,
    cancelled_at: moment(store, order.cancelledAt),
    cart_token: null,
    checkout_id: null,
    checkout_token: null,
    client_details: null,
    closed_at: moment(store, order.closedAt),
    company: null,
    confirmation_number: order.confirmationNumber,
    confirmed: true,
    contact_email: order.email,
    created_at: moment(store, order.createdAt),
    currency: store.currency,
    current_shipping_price_set: set(currentShipping),
    current_subtotal_price: amount(currentSubtotal(order)),
    current_subtotal_price_set: set(currentSubtotal(order)),
    current_total_additional_fees_set: null,
    current_total_discounts: amount(discountAmount),
    current_total_discounts_set: set(discountAmount),
    current_total_duties_set: null,
    current_total_price: amount(currentTotal(order)),
    current_total_price_set: set(currentTotal(order)),
    current_total_tax: amount(currentTax(order)),
    current_total_tax_set: set(currentTax(order)),
    customer_locale: order.locale,
    device_id: null,
    discount_codes: discount?.code
      ? [
          {
            code: discount.code,
            amount: amount(discountAmount),
            type:
              discount.target === "SHIPPING_LINE"
                ? "shipping"
                : discount.kind === "PERCENTAGE"
                  ? "percentage"
                  : "fixed_amount",
          },
        ]
      : [],
    duties_included: false,
    email: order.email ?? "",
    estimated_taxes: false,
    financial_status: financialStatus(order, now).toLowerCase(),
    fulfillment_status: restFulfillmentStatus[fulfillmentStatus(order)] ?? null,
    landing_site: null,
    landing_site_ref: null,
    location_id: null,
    merchant_business_entity_id: `MTU0ODM4${store.id}`,
    merchant_of_record_app_id: null,
    name: order.name,
    note: order.note,
    note_attributes: order.attributes.map(({ key, value }) => ({ name: key, value })),
    number: order.number - 1_000,
    order_number: order.number,
    order_status_url: `https://${store.domain}/${store.id}/orders/${token}/authenticate?key=${token.slice(0, 16)}`,
    original_total_additional_fees_set: null,
    original_total_duties_set: null,
    payment_gateway_names: [
      ...new Set(order.transactions.map((transaction) => transaction.gateway)),
    ],
    phone: order.phone,
    po_number: order.poNumber,
    presentment_currency: order.presentmentCurrency,
    processed_at: moment(store, order.processedAt),
    reference: null,
    referring_site: null,
    source_identifier: order.sourceIdentifier,
    source_name: order.sourceName,
    source_url: null,
    subtotal_price: amount(subtotal(order)),
    subtotal_price_set: set(subtotal(order)),
    tags: order.tags.join(", "),
    tax_exempt: false,
    tax_lines:
      totalTax(order).shop === 0
        ? []
        : [
            {
              price: amount(totalTax(order)),
              rate: order.taxRate,
              title: order.taxTitle,
              price_set: set(totalTax(order)),
              channel_liable: false,
            },
          ],
    taxes_included: order.taxesIncluded,
    test: order.test,
    token,
    total_cash_rounding_payment_adjustment_set: set(zero),
    total_cash_rounding_refund_adjustment_set: set(zero),
    total_discounts: amount(discountAmount),
    total_discounts_set: set(discountAmount),
    total_line_items_price: amount(linesOriginalTotal(order)),
    total_line_items_price_set: set(linesOriginalTotal(order)),
    total_outstanding: amount(outstanding(order)),
    total_price: amount(totalPrice(order)),
    total_price_set: set(totalPrice(order)),
    total_shipping_price_set: set(shippingOriginal(order)),
    total_tax: amount(totalTax(order)),
    total_tax_set: set(totalTax(order)),
    total_tip_received: "0.00",
    total_weight: weight(order),
    updated_at: moment(store, order.updatedAt),
    user_id: null,
    billing_address: addressPayload(order.billingAddress),
    customer: customer ? customerPayload(store, customer) : null,
    discount_applications: discount
      ? [
          {
            target_type: discount.target.toLowerCase(),
            type: discount.code ? "discount_code" : "manual",
            value:
              discount.kind === "PERCENTAGE"
                ? discount.value.toFixed(1)
                : fixedAmount(discount.value, store.currency),
            value_type: discount.kind.toLowerCase(),
            allocation_method: discount.target === "SHIPPING_LINE" ? "each" : "across",
            target_selection: "all",
            ...(discount.code
              ? { code: discount.code }
              : { title: discount.title, description: discount.title }),
          },
        ]
      : [],
    fulfillments: order.fulfillments.map((fulfillment) => fulfillmentPayload(store, fulfillment)),
    line_items: order.lines.map((line) => lineItemPayload(store, line)),
    payment_terms: null,
    refunds: order.refunds.map((refund) => refundPayload(store, refund)),
    shipping_address: addressPayload(order.shippingAddress),
    shipping_lines: order.shippingLines.map((line) => shippingLinePayload(store, order, line)),
    returns: [],
  };
}
