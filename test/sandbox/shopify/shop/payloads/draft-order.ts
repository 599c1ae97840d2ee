import { createHash } from "node:crypto";
import { draftTotals } from "../draft-state.ts";
import { gid } from "../ids.ts";
import { fixedAmount } from "../money.ts";
import type { DraftOrder } from "../model.ts";
import type { ShopStore } from "../store.ts";
import { addressPayload, moment } from "./common.ts";
import { customerPayload } from "./customer.ts";

/** Where a customer opens a draft order's invoice. */
export function invoiceUrl(store: ShopStore, draft: DraftOrder): string {
  const token = createHash("md5").update(`invoice ${draft.id}`).digest("hex");
  return `https://${store.domain}/${store.id}/invoices/${token}`;
}

/** `draft_orders/create` and `draft_orders/update`. */
export function draftOrderPayload(store: ShopStore, draft: DraftOrder) {
  const totals = draftTotals(store, draft);
  const customer = draft.customerId === null ? undefined : store.customer(draft.customerId);
  const amount = (minor: number) => fixedAmount(minor, store.currency);
  return {
    note: draft.note,
    email: draft.email,
    taxes_included: store.profile.taxesIncluded,
    currency: store.currency,
    invoice_sent_at: moment(store, draft.invoiceSentAt),
    created_at: moment(store, draft.createdAt),
    updated_at: moment(store, draft.updatedAt),
    tax_exempt: draft.taxExempt,
    completed_at: moment(store, draft.completedAt),
    name: draft.name,
    "allow_discount_codes_in_checkout?": false,
    "b2b?": false,
    id: draft.id,
    status: draft.status.toLowerCase(),
    line_items: draft.lines.map((line, index) => ({
      id: draft.id + index + 1,
      variant_id: line.variant?.id ?? null,
      product_id: line.variant?.product.id ?? null,
      title: line.title,
      variant_title:
        line.variant && line.variant.title !== "Default Title" ? line.variant.title : "",
      sku: line.sku ?? "",
      vendor: line.variant?.product.vendor ?? null,
      quantity: line.quantity,
      requires_shipping: line.requiresShipping,
      taxable: line.taxable,
      gift_card: false,
      fulfillment_service: "manual",
      grams: line.grams,
      tax_lines: [],
      applied_discount: null,
      name: line.title,
      properties: line.attributes.map(({ key, value }) => ({ name: key, value })),
      custom: line.variant === null,
      price: amount(line.unitPrice),
      admin_graphql_api_id: gid("DraftOrderLineItem", line.uuid),
    })),
    shipping_address: addressPayload(draft.shippingAddress),
    billing_address: addressPayload(draft.billingAddress),
    invoice_url: invoiceUrl(store, draft),
    created_on_api_version_handle: null,
    applied_discount: null,
    order_id: draft.orderId,
    shipping_line: draft.shipping
      ? {
          title: draft.shipping.title,
          custom: true,
          handle: null,
          price: amount(draft.shipping.price),
        }
      : null,
    tax_lines:
      totals.tax.shop === 0
        ? []
        : [{ rate: totals.taxRate, title: totals.taxTitle, price: amount(totals.tax.shop) }],
    tags: draft.tags.join(", "),
    note_attributes: draft.attributes.map(({ key, value }) => ({ name: key, value })),
    total_price: amount(totals.total.shop),
    subtotal_price: amount(totals.subtotal.shop),
    total_tax: amount(totals.tax.shop),
    payment_terms: null,
    admin_graphql_api_id: gid("DraftOrder", draft.id),
    customer: customer ? customerPayload(store, customer) : null,
  };
}
