import type { OrderBook } from "./order-book.ts";
import type {
  Customer,
  DraftOrder,
  InventoryItem,
  InventoryLevel,
  Location,
  Order,
  Product,
  Variant,
} from "./model.ts";
import type { SearchSchema } from "./search-language.ts";
import { decimalAmount } from "./money.ts";
import { currentQuantity, shippingOriginal } from "./order-state.ts";
import type { Seconds } from "./time.ts";

/** What searches know of each kind of thing, and the filters that the 2026-10 schema documents for it. */

export interface OrderDetails {
  email: string | null;
  tags: readonly string[];
  skus: readonly (string | null)[];
  discountCode: string | null;
  gateways: readonly string[];
  locationIds: readonly number[];
  sourceName: string;
  sourceIdentifier: string | null;
  confirmationNumber: string;
  poNumber: string | null;
  risk: string;
  test: boolean;
  returned: boolean;
  itemCount: number;
  grams: number;
  customerName: string;
  destination: string;
  deliveryMethod: string;
  text: readonly (string | null)[];
}

export interface OrderDocument {
  id: number;
  ordinal: number;
  name: string;
  createdAt: Seconds;
  processedAt: Seconds;
  updatedAt: Seconds;
  financial: string;
  fulfillment: string;
  closed: boolean;
  cancelled: boolean;
  total: number;
  currentTotal: number;
  customerId: number | null;
  /** Told only when a query asks for more than the columns hold. */
  details(): OrderDetails;
}

export function orderDetails(order: Order): OrderDetails {
  const address = order.shippingAddress ?? order.billingAddress;
  const name = [address?.firstName, address?.lastName].filter(Boolean).join(" ");
  return {
    email: order.email,
    tags: [...order.tags],
    skus: order.lines.map((line) => line.sku),
    discountCode: order.discount?.code ?? null,
    gateways: [...new Set(order.transactions.map((transaction) => transaction.gateway))],
    locationIds: [
      ...new Set(order.fulfillmentOrders.map((fulfillmentOrder) => fulfillmentOrder.locationId)),
    ],
    sourceName: order.sourceName,
    sourceIdentifier: order.sourceIdentifier,
    confirmationNumber: order.confirmationNumber,
    poNumber: order.poNumber,
    risk: order.risk,
    test: order.test,
    returned: order.refunds.some((refund) =>
      refund.lines.some((line) => line.restockType === "RETURN"),
    ),
    itemCount: currentQuantity(order),
    grams: order.lines.reduce((sum, line) => sum + line.grams * line.quantity, 0),
    customerName: name,
    destination: [address?.countryCode, address?.city].filter(Boolean).join(" "),
    deliveryMethod:
      order.sourceName === "pos"
        ? "retail"
        : shippingOriginal(order).shop >= 0
          ? "shipping"
          : "none",
    text: [
      order.name,
      String(order.number),
      order.email,
      order.phone,
      name,
      address?.company ?? null,
      address?.city ?? null,
      address?.zip ?? null,
      ...order.tags,
      ...order.lines.flatMap((line) => [line.title, line.variantTitle, line.sku]),
      ...order.fulfillments.flatMap((fulfillment) => fulfillment.tracking.numbers),
    ],
  };
}

/** A document that reads its columns now and its details when asked. */
export function orderDocument(
  book: OrderBook,
  ordinal: number,
  id: number,
  name: string,
  customerId: number | null,
): OrderDocument {
  const row = book.row(ordinal);
  return {
    id,
    ordinal,
    name,
    ...row,
    customerId,
    details() {
      const order = book.get(ordinal);
      if (!order) throw new Error(`order ${ordinal} is gone`);
      return orderDetails(order);
    },
  };
}

/** A document that stays as it is, whatever happens to the order. */
export function frozenOrderDocument(document: OrderDocument): OrderDocument {
  const details = document.details();
  return { ...document, details: () => details };
}

const fulfillmentWords: Readonly<Record<string, readonly string[]>> = {
  UNFULFILLED: ["unfulfilled", "unshipped"],
  IN_PROGRESS: ["in_progress", "unfulfilled", "unshipped"],
  ON_HOLD: ["on_hold", "unfulfilled", "unshipped"],
  SCHEDULED: ["scheduled", "unfulfilled", "unshipped"],
  PARTIALLY_FULFILLED: ["partial"],
  FULFILLED: ["fulfilled", "shipped"],
};

export function orderSearch(currency: string): SearchSchema<OrderDocument> {
  const amount = (minor: number) => Number(decimalAmount(minor, currency));
  return {
    fields: {
      id: { type: "id", get: (document) => document.id },
      name: {
        type: "keyword",
        get: (document) => [document.name, document.name.replace(/^#/, "")],
      },
      created_at: { type: "time", get: (document) => document.createdAt },
      processed_at: { type: "time", get: (document) => document.processedAt },
      updated_at: { type: "time", get: (document) => document.updatedAt },
      financial_status: { type: "keyword", get: (document) => [document.financial] },
      fulfillment_status: {
        type: "keyword",
        get: (document) => fulfillmentWords[document.fulfillment] ?? [],
      },
      status: {
        type: "keyword",
        get: ({ closed, cancelled }) => [
          cancelled ? "cancelled" : closed ? "closed" : "open",
          closed ? null : "not_closed",
          "any",
        ],
      },
      current_total_price: { type: "number", get: (document) => amount(document.currentTotal) },
      total_price: { type: "number", get: (document) => amount(document.total) },
      customer_id: { type: "id", get: (document) => document.customerId },
      email: { type: "text", get: (document) => [document.details().email] },
      tag: { type: "keyword", get: (document) => document.details().tags },
      tag_not: { type: "not-keyword", get: (document) => document.details().tags },
      sku: { type: "keyword", get: (document) => document.details().skus },
      discount_code: { type: "keyword", get: (document) => [document.details().discountCode] },
      gateway: { type: "keyword", get: (document) => document.details().gateways },
      location_id: {
        type: "keyword",
        get: (document) => document.details().locationIds.map(String),
      },
      fulfillment_location_id: {
        type: "keyword",
        get: (document) => document.details().locationIds.map(String),
      },
      reference_location_id: {
        type: "keyword",
        get: (document) => document.details().locationIds.map(String),
      },
      source_name: { type: "keyword", get: (document) => [document.details().sourceName] },
      source_identifier: {
        type: "keyword",
        get: (document) => [document.details().sourceIdentifier],
      },
      confirmation_number: {
        type: "keyword",
        get: (document) => [document.details().confirmationNumber],
      },
      po_number: { type: "keyword", get: (document) => [document.details().poNumber] },
      risk_level: { type: "keyword", get: (document) => [document.details().risk] },
      return_status: {
        type: "keyword",
        get: (document) => [document.details().returned ? "returned" : "no_return"],
      },
      delivery_method: { type: "keyword", get: (document) => [document.details().deliveryMethod] },
      test: { type: "boolean", get: (document) => document.details().test },
      subtotal_line_items_quantity: {
        type: "number",
        get: (document) => document.details().itemCount,
      },
      total_weight: { type: "number", get: (document) => document.details().grams },
    },
    text: (document) => document.details().text,
  };
}

export interface VariantDocument {
  id: number;
  productId: number;
  title: string;
  fullTitle: string;
  sku: string;
  barcode: string | null;
  options: readonly string[];
  vendor: string;
  productType: string;
  productStatus: string;
  tags: readonly string[];
  taxable: boolean;
  price: number;
  inventory: number;
  locationIds: readonly number[];
  position: number;
  updatedAt: Seconds;
}

export function inventoryOf(item: InventoryItem): number {
  let quantity = 0;
  for (const level of item.levels) if (level.isActive) quantity += level.quantities.available;
  return quantity;
}

export function variantDocument(variant: Variant): VariantDocument {
  const { product } = variant;
  return {
    id: variant.id,
    productId: product.id,
    title: variant.title,
    fullTitle: `${product.title} - ${variant.title}`,
    sku: variant.sku,
    barcode: variant.barcode,
    options: variant.optionValues,
    vendor: product.vendor,
    productType: product.productType,
    productStatus: product.status,
    tags: [...product.tags],
    taxable: variant.taxable,
    price: variant.price,
    inventory: inventoryOf(variant.item),
    locationIds: variant.item.levels
      .filter((level) => level.isActive)
      .map((level) => level.location.id),
    position: variant.position,
    updatedAt: variant.updatedAt,
  };
}

export const variantSearch: SearchSchema<VariantDocument> = {
  fields: {
    id: { type: "id", get: (document) => document.id },
    product_id: { type: "id", get: (document) => document.productId },
    product_ids: { type: "id", get: (document) => document.productId },
    sku: { type: "keyword", get: (document) => [document.sku] },
    barcode: { type: "keyword", get: (document) => [document.barcode] },
    title: { type: "text", get: (document) => [document.title] },
    option1: { type: "keyword", get: (document) => [document.options[0] ?? null] },
    option2: { type: "keyword", get: (document) => [document.options[1] ?? null] },
    option3: { type: "keyword", get: (document) => [document.options[2] ?? null] },
    vendor: { type: "keyword", get: (document) => [document.vendor] },
    product_type: { type: "keyword", get: (document) => [document.productType] },
    product_status: { type: "keyword", get: (document) => [document.productStatus] },
    tag: { type: "keyword", get: (document) => document.tags },
    tag_not: { type: "not-keyword", get: (document) => document.tags },
    taxable: { type: "boolean", get: (document) => document.taxable },
    inventory_quantity: { type: "number", get: (document) => document.inventory },
    location_id: { type: "keyword", get: (document) => document.locationIds.map(String) },
    updated_at: { type: "time", get: (document) => document.updatedAt },
  },
  text: (document) => [
    document.fullTitle,
    document.sku,
    document.barcode,
    document.vendor,
    document.productType,
  ],
};

export interface ProductDocument {
  id: number;
  title: string;
  handle: string;
  vendor: string;
  productType: string;
  status: string;
  tags: readonly string[];
  createdAt: Seconds;
  updatedAt: Seconds;
  publishedAt: Seconds | null;
  variants: readonly VariantDocument[];
  inventory: number;
  soldOutSomewhere: boolean;
  reduced: boolean;
}

export function productDocument(product: Product): ProductDocument {
  const variants = product.variants.map(variantDocument);
  return {
    id: product.id,
    title: product.title,
    handle: product.handle,
    vendor: product.vendor,
    productType: product.productType,
    status: product.status,
    tags: [...product.tags],
    createdAt: product.createdAt,
    updatedAt: product.updatedAt,
    publishedAt: product.publishedAt,
    variants,
    inventory: variants.reduce((sum, variant) => sum + variant.inventory, 0),
    soldOutSomewhere: product.variants.some((variant) =>
      variant.item.levels.some((level) => level.isActive && level.quantities.available <= 0),
    ),
    reduced: product.variants.some((variant) => variant.compareAtPrice !== null),
  };
}

export function productSearch(currency: string): SearchSchema<ProductDocument> {
  return {
    fields: {
      id: { type: "id", get: (document) => document.id },
      title: { type: "text", get: (document) => [document.title] },
      handle: { type: "keyword", get: (document) => [document.handle] },
      vendor: { type: "keyword", get: (document) => [document.vendor] },
      product_type: { type: "keyword", get: (document) => [document.productType] },
      status: { type: "keyword", get: (document) => [document.status] },
      tag: { type: "keyword", get: (document) => document.tags },
      tag_not: { type: "not-keyword", get: (document) => document.tags },
      created_at: { type: "time", get: (document) => document.createdAt },
      updated_at: { type: "time", get: (document) => document.updatedAt },
      published_at: { type: "time", get: (document) => document.publishedAt },
      published_status: {
        type: "keyword",
        get: (document) =>
          document.publishedAt === null
            ? ["unpublished", "unavailable", "online_store_channel"]
            : ["published", "visible", "online_store_channel"],
      },
      inventory_total: { type: "number", get: (document) => document.inventory },
      out_of_stock_somewhere: { type: "boolean", get: (document) => document.soldOutSomewhere },
      is_price_reduced: { type: "boolean", get: (document) => document.reduced },
      tracks_inventory: { type: "boolean", get: () => true },
      gift_card: { type: "boolean", get: () => false },
      has_only_default_variant: {
        type: "boolean",
        get: (document) =>
          document.variants.length === 1 && document.variants[0]?.title === "Default Title",
      },
      price: {
        type: "number",
        get: (document) => Number(decimalAmount(document.variants[0]?.price ?? 0, currency)),
      },
      sku: { type: "keyword", get: (document) => document.variants.map((variant) => variant.sku) },
      barcode: {
        type: "keyword",
        get: (document) => document.variants.map((variant) => variant.barcode),
      },
      variant_id: {
        type: "keyword",
        get: (document) => document.variants.map((variant) => String(variant.id)),
      },
      variant_title: {
        type: "text",
        get: (document) => document.variants.map((variant) => variant.title),
      },
    },
    text: (document) => [
      document.title,
      document.vendor,
      document.productType,
      ...document.tags,
      ...document.variants.flatMap((variant) => [variant.title, variant.sku, variant.barcode]),
    ],
  };
}

export interface ItemDocument {
  id: number;
  sku: string;
  createdAt: Seconds;
  updatedAt: Seconds;
}

export function itemDocument(item: InventoryItem): ItemDocument {
  return {
    id: item.id,
    sku: item.variant.sku,
    createdAt: item.createdAt,
    updatedAt: item.updatedAt,
  };
}

export const itemSearch: SearchSchema<ItemDocument> = {
  fields: {
    id: { type: "id", get: (document) => document.id },
    sku: { type: "keyword", get: (document) => [document.sku] },
    created_at: { type: "time", get: (document) => document.createdAt },
    updated_at: { type: "time", get: (document) => document.updatedAt },
  },
  text: (document) => [document.sku],
};

export interface CustomerDocument {
  customer: Customer;
  orderCount: number;
  spent: number;
}

export const customerSearch: SearchSchema<CustomerDocument> = {
  fields: {
    id: { type: "id", get: ({ customer }) => customer.id },
    first_name: { type: "text", get: ({ customer }) => [customer.firstName] },
    last_name: { type: "text", get: ({ customer }) => [customer.lastName] },
    email: { type: "text", get: ({ customer }) => [customer.email] },
    phone: { type: "text", get: ({ customer }) => [customer.phone] },
    tag: { type: "keyword", get: ({ customer }) => customer.tags },
    tag_not: { type: "not-keyword", get: ({ customer }) => customer.tags },
    country: {
      type: "keyword",
      get: ({ customer }) => [customer.address.country, customer.address.countryCode],
    },
    accepts_marketing: { type: "boolean", get: ({ customer }) => customer.acceptsMarketing },
    orders_count: { type: "number", get: ({ orderCount }) => orderCount },
    total_spent: { type: "number", get: ({ spent }) => spent },
    state: { type: "keyword", get: () => ["DISABLED"] },
    created_at: { type: "time", get: ({ customer }) => customer.createdAt },
    customer_date: { type: "time", get: ({ customer }) => customer.createdAt },
    updated_at: { type: "time", get: ({ customer }) => customer.updatedAt },
  },
  text: ({ customer }) => [
    customer.firstName,
    customer.lastName,
    customer.email,
    customer.phone,
    customer.address.company,
    customer.address.city,
  ],
};

export interface DraftDocument {
  id: number;
  name: string;
  status: string;
  tags: readonly string[];
  customerId: number | null;
  source: string | null;
  createdAt: Seconds;
  updatedAt: Seconds;
  text: readonly (string | null)[];
}

export function draftDocument(draft: DraftOrder): DraftDocument {
  return {
    id: draft.id,
    name: draft.name,
    status: draft.status,
    tags: [...draft.tags],
    customerId: draft.customerId,
    source: draft.sourceName,
    createdAt: draft.createdAt,
    updatedAt: draft.updatedAt,
    text: [
      draft.name,
      draft.email,
      draft.note,
      ...draft.tags,
      ...draft.lines.map((line) => line.title),
    ],
  };
}

export const draftSearch: SearchSchema<DraftDocument> = {
  fields: {
    id: { type: "id", get: (document) => document.id },
    status: { type: "keyword", get: (document) => [document.status] },
    tag: { type: "keyword", get: (document) => document.tags },
    customer_id: { type: "id", get: (document) => document.customerId },
    source: { type: "keyword", get: (document) => [document.source] },
    created_at: { type: "time", get: (document) => document.createdAt },
    updated_at: { type: "time", get: (document) => document.updatedAt },
  },
  text: (document) => document.text,
};

export const locationSearch: SearchSchema<Location> = {
  fields: {
    id: { type: "id", get: (location) => location.id },
    location_id: { type: "id", get: (location) => location.id },
    name: { type: "text", get: (location) => [location.name] },
    active: { type: "keyword", get: (location) => [String(location.isActive)] },
    city: { type: "keyword", get: (location) => [location.address.city] },
    country: {
      type: "keyword",
      get: (location) => [location.address.country, location.address.countryCode],
    },
    province: { type: "keyword", get: (location) => [location.address.province] },
    zip: { type: "keyword", get: (location) => [location.address.zip] },
    created_at: { type: "time", get: (location) => location.createdAt },
  },
  text: (location) => [
    location.name,
    location.address.address1,
    location.address.city,
    location.address.zip,
  ],
};

export interface LevelDocument {
  itemId: number;
  createdAt: Seconds;
  updatedAt: Seconds;
}

export function levelDocument(level: InventoryLevel): LevelDocument {
  return { itemId: level.item.id, createdAt: level.createdAt, updatedAt: level.updatedAt };
}

export const levelSearch: SearchSchema<LevelDocument> = {
  fields: {
    id: { type: "id", get: (document) => document.itemId },
    inventory_item_id: { type: "id", get: (document) => document.itemId },
    created_at: { type: "time", get: (document) => document.createdAt },
    updated_at: { type: "time", get: (document) => document.updatedAt },
  },
  text: () => [],
};
