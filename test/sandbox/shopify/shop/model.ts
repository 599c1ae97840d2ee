import type { Money } from "./money.ts";
import type { Seconds } from "./time.ts";

/**
 * What a shop holds. Ids are the numbers inside global ids. `__typename` is what GraphQL's interfaces are
 * resolved by.
 */

export interface Address {
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  address1: string | null;
  address2: string | null;
  city: string | null;
  province: string | null;
  provinceCode: string | null;
  zip: string | null;
  country: string | null;
  countryCode: string | null;
  phone: string | null;
}

export interface Location {
  __typename: "Location";
  id: number;
  name: string;
  address: Address;
  isActive: boolean;
  isPrimary: boolean;
  createdAt: Seconds;
  updatedAt: Seconds;
}

export type ProductStatus = "ACTIVE" | "ARCHIVED" | "DRAFT" | "UNLISTED";

export interface ProductOption {
  __typename: "ProductOption";
  id: number;
  name: string;
  values: string[];
}

export interface Product {
  __typename: "Product";
  id: number;
  ordinal: number;
  title: string;
  handle: string;
  descriptionHtml: string;
  vendor: string;
  productType: string;
  status: ProductStatus;
  tags: string[];
  options: ProductOption[];
  variants: Variant[];
  createdAt: Seconds;
  updatedAt: Seconds;
  publishedAt: Seconds | null;
  picture: Picture;
}

/** What a product's picture shows; drawn when it is asked for. */
export interface Picture {
  shape: string;
  colour: string;
  background: string;
}

export interface Variant {
  __typename: "ProductVariant";
  id: number;
  ordinal: number;
  product: Product;
  title: string;
  optionValues: string[];
  /** Empty when it has none. */
  sku: string;
  barcode: string | null;
  position: number;
  /** Minor units of the shop's currency. */
  price: number;
  compareAtPrice: number | null;
  taxable: boolean;
  inventoryPolicy: "DENY" | "CONTINUE";
  createdAt: Seconds;
  updatedAt: Seconds;
  item: InventoryItem;
}

export interface InventoryItem {
  __typename: "InventoryItem";
  id: number;
  variant: Variant;
  tracked: boolean;
  requiresShipping: boolean;
  grams: number;
  /** Minor units of the shop's currency. */
  cost: number | null;
  originCountry: string | null;
  harmonizedCode: string | null;
  levels: InventoryLevel[];
  createdAt: Seconds;
  updatedAt: Seconds;
}

/** The states that a unit of stock can be in; `on_hand` is their sum without `incoming`. */
export type StockState =
  | "available"
  | "committed"
  | "incoming"
  | "reserved"
  | "damaged"
  | "safety_stock"
  | "quality_control";

export interface InventoryLevel {
  __typename: "InventoryLevel";
  item: InventoryItem;
  location: Location;
  isActive: boolean;
  quantities: Record<StockState, number>;
  createdAt: Seconds;
  updatedAt: Seconds;
}

export interface Customer {
  __typename: "Customer";
  id: number;
  ordinal: number;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  locale: string;
  note: string | null;
  tags: string[];
  address: Address;
  acceptsMarketing: boolean;
  createdAt: Seconds;
  updatedAt: Seconds;
}

export interface LineItem {
  __typename: "LineItem";
  id: number;
  order: Order;
  variantId: number | null;
  productId: number | null;
  title: string;
  variantTitle: string | null;
  sku: string | null;
  vendor: string | null;
  requiresShipping: boolean;
  taxable: boolean;
  grams: number;
  quantity: number;
  /** What is left after refunds and removals. */
  currentQuantity: number;
  unitPrice: Money;
  /** All discounts on this line, for the whole quantity. */
  discount: Money;
  /** For the whole quantity. */
  tax: Money;
  attributes: Attribute[];
}

export interface Attribute {
  key: string;
  value: string;
}

export interface ShippingLine {
  __typename: "ShippingLine";
  id: number;
  title: string;
  code: string;
  price: Money;
  discount: Money;
  tax: Money;
}

/** One code or one manual discount per order, spread over its lines or taken off its shipping. */
export interface Discount {
  code: string | null;
  title: string;
  target: "LINE_ITEM" | "SHIPPING_LINE";
  kind: "PERCENTAGE" | "FIXED_AMOUNT";
  /** Percent, or minor units of the shop's currency. */
  value: number;
}

export type FulfillmentOrderStatus =
  "OPEN" | "IN_PROGRESS" | "SCHEDULED" | "ON_HOLD" | "CLOSED" | "CANCELLED" | "INCOMPLETE";

export interface FulfillmentHold {
  __typename: "FulfillmentHold";
  id: number;
  fulfillmentOrder: FulfillmentOrder;
  reason: string;
  reasonNotes: string | null;
  handle: string;
  /** The app that placed it; `null` when the shop's own staff did. */
  appId: string | null;
}

export interface FulfillmentOrderLine {
  __typename: "FulfillmentOrderLineItem";
  id: number;
  fulfillmentOrder: FulfillmentOrder;
  line: LineItem;
  total: number;
  remaining: number;
}

export interface FulfillmentOrder {
  __typename: "FulfillmentOrder";
  id: number;
  order: Order;
  locationId: number;
  status: FulfillmentOrderStatus;
  createdAt: Seconds;
  updatedAt: Seconds;
  fulfillAt: Seconds | null;
  holds: FulfillmentHold[];
  lines: FulfillmentOrderLine[];
}

export interface Tracking {
  company: string | null;
  numbers: string[];
  urls: string[];
}

export interface FulfillmentLine {
  __typename: "FulfillmentLineItem";
  id: number;
  fulfillment: Fulfillment;
  line: LineItem;
  fulfillmentOrderLine: FulfillmentOrderLine;
  quantity: number;
}

export interface Fulfillment {
  __typename: "Fulfillment";
  id: number;
  order: Order;
  name: string;
  status: "SUCCESS" | "CANCELLED";
  locationId: number;
  tracking: Tracking;
  lines: FulfillmentLine[];
  createdAt: Seconds;
  updatedAt: Seconds;
  inTransitAt: Seconds | null;
  deliveredAt: Seconds | null;
  estimatedDeliveryAt: Seconds | null;
}

export type TransactionKind = "AUTHORIZATION" | "CAPTURE" | "SALE" | "REFUND" | "VOID";

export interface Transaction {
  __typename: "OrderTransaction";
  id: number;
  order: Order;
  kind: TransactionKind;
  status: "SUCCESS" | "PENDING" | "FAILURE";
  gateway: string;
  amount: Money;
  processedAt: Seconds;
  parentId: number | null;
  /** Of an authorization. */
  expiresAt: Seconds | null;
}

export type RestockType = "CANCEL" | "NO_RESTOCK" | "RETURN";

export interface RefundLine {
  __typename: "RefundLineItem";
  id: number;
  line: LineItem;
  quantity: number;
  restockType: RestockType;
  locationId: number | null;
  subtotal: Money;
  tax: Money;
}

export interface Refund {
  __typename: "Refund";
  id: number;
  order: Order;
  note: string | null;
  createdAt: Seconds;
  lines: RefundLine[];
  shipping: Money;
  transactionIds: number[];
}

export interface TimelineEvent {
  __typename: "BasicEvent";
  id: number;
  order: Order;
  createdAt: Seconds;
  action: string;
  message: string;
  appId: string | null;
  author: string | null;
}

export type RiskLevel = "LOW" | "MEDIUM" | "HIGH" | "NONE" | "PENDING";
export type CancelReason = "CUSTOMER" | "DECLINED" | "FRAUD" | "INVENTORY" | "OTHER" | "STAFF";

export interface Order {
  __typename: "Order";
  id: number;
  ordinal: number;
  name: string;
  number: number;
  createdAt: Seconds;
  processedAt: Seconds;
  updatedAt: Seconds;
  closedAt: Seconds | null;
  cancelledAt: Seconds | null;
  cancelReason: CancelReason | null;
  staffNote: string | null;
  presentmentCurrency: string;
  customerId: number | null;
  email: string | null;
  phone: string | null;
  note: string | null;
  tags: string[];
  attributes: Attribute[];
  poNumber: string | null;
  sourceName: string;
  sourceIdentifier: string | null;
  confirmationNumber: string;
  test: boolean;
  locale: string;
  shippingAddress: Address | null;
  billingAddress: Address | null;
  taxesIncluded: boolean;
  taxTitle: string;
  /** 0.19 is 19%. */
  taxRate: number;
  discount: Discount | null;
  lines: LineItem[];
  shippingLines: ShippingLine[];
  fulfillmentOrders: FulfillmentOrder[];
  fulfillments: Fulfillment[];
  transactions: Transaction[];
  refunds: Refund[];
  events: TimelineEvent[];
  risk: RiskLevel;
  /** False for orders that were entered past the stock, as `orderCreate` does unless told otherwise. */
  claimsStock: boolean;
  /** The next free number in this order's block of ids. */
  nextPart: number;
}

export interface DraftLine {
  __typename: "DraftOrderLineItem";
  uuid: string;
  draft: DraftOrder;
  variant: Variant | null;
  title: string;
  quantity: number;
  /** Minor units of the shop's currency. */
  unitPrice: number;
  requiresShipping: boolean;
  taxable: boolean;
  grams: number;
  sku: string | null;
  discount: DraftDiscount | null;
  attributes: Attribute[];
}

export interface DraftDiscount {
  title: string | null;
  description: string;
  kind: "PERCENTAGE" | "FIXED_AMOUNT";
  value: number;
}

export interface DraftOrder {
  __typename: "DraftOrder";
  id: number;
  ordinal: number;
  name: string;
  status: "OPEN" | "INVOICE_SENT" | "COMPLETED";
  customerId: number | null;
  email: string | null;
  phone: string | null;
  note: string | null;
  tags: string[];
  attributes: Attribute[];
  poNumber: string | null;
  taxExempt: boolean;
  presentmentCurrency: string;
  shippingAddress: Address | null;
  billingAddress: Address | null;
  shipping: { title: string; price: number } | null;
  discount: DraftDiscount | null;
  lines: DraftLine[];
  createdAt: Seconds;
  updatedAt: Seconds;
  completedAt: Seconds | null;
  invoiceSentAt: Seconds | null;
  reserveUntil: Seconds | null;
  orderId: number | null;
  sourceName: string | null;
}
