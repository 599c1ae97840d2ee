import { operation } from "../operation.ts";
import type { NodesData, NodesVariables, Page, PageVariables } from "./page.ts";

/**
 * The cost of a page, by Shopify's rules (object 1, connection 2 and its nodes, list its `first` or 1):
 *
 * - an order itself: 19 (six amounts of 2 objects each, customer, two addresses, shipping, risk);
 * - a line: 9; so 5 of them 47;
 * - a fulfillment order: 6 and 2 per line; so 2 of them with 5 lines each 34;
 * - a fulfillment: 5 and 2 per line; so 2 of them with 5 lines each 30.
 *
 * So 2 + 7 × 130 = 912. What does not fit beside its order is read by the operations further down.
 */
export const ORDERS_PER_PAGE = 7;

/** How much of an order comes with it; more means another read. */
interface OrderShape {
  readonly lines: number;
  readonly fulfillmentOrders: number;
  readonly fulfillmentOrderLines: number;
  readonly fulfillments: number;
  readonly fulfillmentLines: number;
}

const inPages: OrderShape = {
  lines: 5,
  fulfillmentOrders: 2,
  fulfillmentOrderLines: 5,
  fulfillments: 2,
  fulfillmentLines: 5,
};

/** 19 + 2 + 25 × 9 + 2 + 6 × 46 + 6 × 45 = 794 points, for the few orders that are larger. */
const alone: OrderShape = {
  lines: 25,
  fulfillmentOrders: 6,
  fulfillmentOrderLines: 20,
  fulfillments: 6,
  fulfillmentLines: 20,
};

/** Fulfillments are a plain list without pages: whether there are more shows only when as many came as were asked for. */
export const FULFILLMENTS_IN_PAGES = inPages.fulfillments;
export const FULFILLMENTS_ALONE = alone.fulfillments;

const amount = `{ shopMoney { amount } }`;

const address = `{ name company address1 address2 zip city province country countryCodeV2 phone }`;

/** Protected customer data: an app that is not approved for it asks without. */
const personal = `
  email
  phone
  customer { id firstName lastName }
  shippingAddress ${address}
  billingAddress ${address}`;

const order = `
  id
  name
  createdAt
  processedAt
  updatedAt
  cancelledAt
  cancelReason
  closedAt
  displayFinancialStatus
  displayFulfillmentStatus
  currencyCode
  totalPriceSet ${amount}
  subtotalPriceSet ${amount}
  totalTaxSet ${amount}
  totalShippingPriceSet ${amount}
  totalDiscountsSet ${amount}
  totalRefundedSet ${amount}
  shippingLine { title }
  note
  tags
  sourceName
  test
  risk { assessments { riskLevel } }`;

const line = `
  id
  title
  variantTitle
  sku
  quantity
  currentQuantity
  unfulfilledQuantity
  requiresShipping
  image { url }
  product { id }
  variant { id }
  originalUnitPriceSet ${amount}
  discountAllocations { allocatedAmountSet ${amount} }`;

const fulfillmentOrder = `
  id
  status
  fulfillAt
  updatedAt
  assignedLocation { name location { id } }
  fulfillmentHolds { id reason reasonNotes }`;

const fulfillmentOrderLine = `
  id
  totalQuantity
  remainingQuantity
  lineItem { id }`;

const fulfillment = `
  id
  name
  status
  createdAt
  updatedAt
  location { id }
  trackingInfo { company number url }`;

const fulfillmentLine = `
  quantity
  lineItem { id }`;

const pageInfo = `pageInfo { hasNextPage endCursor }`;

const orderWith = (shape: OrderShape) => `${order}
  ... @include(if: $personal) {${personal}
  }
  lineItems(first: ${shape.lines}) {
    nodes {${line}
    }
    ${pageInfo}
  }
  fulfillmentOrders(first: ${shape.fulfillmentOrders}) {
    nodes {${fulfillmentOrder}
      lineItems(first: ${shape.fulfillmentOrderLines}) {
        nodes {${fulfillmentOrderLine}
        }
        ${pageInfo}
      }
    }
    ${pageInfo}
  }
  fulfillments(first: ${shape.fulfillments}) {${fulfillment}
    fulfillmentLineItems(first: ${shape.fulfillmentLines}) {
      nodes {${fulfillmentLine}
      }
      ${pageInfo}
    }
  }`;

export interface OrdersPageVariables extends PageVariables {
  /** Shopify's search language: `updated_at:>='…'`; null for all, which does not lag behind as searches do. */
  readonly query: string | null;
  readonly sortKey: "CREATED_AT" | "UPDATED_AT";
  readonly reverse: boolean;
  readonly personal: boolean;
}

export const ordersPage = operation<{ orders: Page }, OrdersPageVariables>(`#graphql
  query OrdersPage($first: Int!, $after: String, $query: String, $sortKey: OrderSortKeys!, $reverse: Boolean!, $personal: Boolean!) {
    orders(first: $first, after: $after, query: $query, sortKey: $sortKey, reverse: $reverse) {
      nodes {${orderWith(inPages)}
      }
      ${pageInfo}
    }
  }`);

/** Up to {@link ORDERS_PER_PAGE} orders, of the same size as in a page. */
export const ordersById = operation<
  NodesData,
  NodesVariables & { readonly personal: boolean }
>(`#graphql
  query OrdersById($ids: [ID!]!, $personal: Boolean!) {
    nodes(ids: $ids) {
      ... on Order {${orderWith(inPages)}
      }
    }
  }`);

export const orderById = operation<
  { order: unknown },
  { readonly id: string; readonly personal: boolean }
>(`#graphql
  query OrderById($id: ID!, $personal: Boolean!) {
    order(id: $id) {${orderWith(alone)}
    }
  }`);

/** 1 + 2 + 100 × 9 points. */
export const LINES_PER_PAGE = 100;

export const orderLinesPage = operation<
  { order: { lineItems: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query OrderLinesPage($id: ID!, $first: Int!, $after: String) {
    order(id: $id) {
      lineItems(first: $first, after: $after) {
        nodes {${line}
        }
        ${pageInfo}
      }
    }
  }`);

/** 1 + 2 + 20 × 46 points. */
export const FULFILLMENT_ORDERS_PER_PAGE = 20;

export const orderFulfillmentOrdersPage = operation<
  { order: { fulfillmentOrders: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query OrderFulfillmentOrdersPage($id: ID!, $first: Int!, $after: String) {
    order(id: $id) {
      fulfillmentOrders(first: $first, after: $after) {
        nodes {${fulfillmentOrder}
          lineItems(first: 20) {
            nodes {${fulfillmentOrderLine}
            }
            ${pageInfo}
          }
        }
        ${pageInfo}
      }
    }
  }`);

/** Which orders some fulfillment orders belong to. */
export const ordersOfFulfillmentOrders = operation<NodesData, NodesVariables>(`#graphql
  query OrdersOfFulfillmentOrders($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on FulfillmentOrder { id orderId }
    }
  }`);

/** 3 + 250 × 2 points. */
export const PARTS_PER_PAGE = 250;

export const fulfillmentOrderLinesPage = operation<
  { fulfillmentOrder: { lineItems: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query FulfillmentOrderLinesPage($id: ID!, $first: Int!, $after: String) {
    fulfillmentOrder(id: $id) {
      lineItems(first: $first, after: $after) {
        nodes {${fulfillmentOrderLine}
        }
        ${pageInfo}
      }
    }
  }`);

/** All fulfillments of an order, without their lines. An order has no more than a few hundred lines' worth. */
export const orderFulfillments = operation<
  { order: { fulfillments: readonly unknown[] } | null },
  { readonly id: string }
>(`#graphql
  query OrderFulfillments($id: ID!) {
    order(id: $id) {
      fulfillments(first: 250) {${fulfillment}
      }
    }
  }`);

/** 20 × (1 + 2 + 20 × 2) = 860 points. */
export const FULFILLMENTS_PER_READ = 20;

export const fulfillmentLinesById = operation<NodesData, NodesVariables>(`#graphql
  query FulfillmentLinesById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on Fulfillment {
        id
        fulfillmentLineItems(first: 20) {
          nodes {${fulfillmentLine}
          }
          ${pageInfo}
        }
      }
    }
  }`);

export const fulfillmentLinesPage = operation<
  { fulfillment: { fulfillmentLineItems: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query FulfillmentLinesPage($id: ID!, $first: Int!, $after: String) {
    fulfillment(id: $id) {
      fulfillmentLineItems(first: $first, after: $after) {
        nodes {${fulfillmentLine}
        }
        ${pageInfo}
      }
    }
  }`);

/** How many orders the app can read; counted without the default bound of 10,000. */
export const ordersCount = operation<{
  ordersCount: { count: number; precision: string } | null;
}>(`#graphql
  query OrdersCount {
    ordersCount(limit: null) { count precision }
  }`);

const bulk = (name: string, ofPeople: string) => `#graphql
  query ${name} {
    orders(sortKey: CREATED_AT, reverse: true) {
      edges {
        node {${order}${ofPeople}
          fulfillments(first: 250) {${fulfillment}
          }
          lineItems { edges { node {${line}
          } } }
          fulfillmentOrders {
            edges {
              node {${fulfillmentOrder}
                lineItems { edges { node {${fulfillmentOrderLine}
                } } }
                fulfillments { edges { node { id } } }
              }
            }
          }
        }
      }
    }
  }`;

/**
 * Orders as a bulk operation, newest first: five connections, nested twice at most. There is no filter: searches
 * lag behind, and how far back orders can be read is Shopify's own limit. The lines of fulfillments cannot be
 * had this way (a connection within a list), so what each fulfillment order names as its fulfillments lets
 * them be worked out.
 */
export const ordersBulk = operation(bulk("OrdersBulk", personal));

/** The same for an app that is not approved for protected customer data. */
export const ordersWithoutPeopleBulk = operation(bulk("OrdersWithoutPeopleBulk", ""));
