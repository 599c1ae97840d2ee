import { operation } from "../operation.ts";
import type { NodesData, NodesVariables } from "./page.ts";
import type { UserError } from "./user-error.ts";

/** Takes no key: whoever repeats it must first look whether it has happened. */
export const createFulfillment = operation<
  {
    fulfillmentCreate: {
      readonly fulfillment: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  {
    readonly fulfillment: {
      readonly lineItemsByFulfillmentOrder: readonly {
        readonly fulfillmentOrderId: string;
        readonly fulfillmentOrderLineItems: readonly {
          readonly id: string;
          readonly quantity: number;
        }[];
      }[];
      readonly trackingInfo: {
        readonly company: string | null;
        readonly number: string;
        readonly url: string | null;
      } | null;
      readonly notifyCustomer: boolean;
    };
  }
>(`#graphql
  mutation CreateFulfillment($fulfillment: FulfillmentInput!) {
    fulfillmentCreate(fulfillment: $fulfillment) {
      fulfillment { id }
      userErrors { field message }
    }
  }`);

/** 4 × (1 + 2 + 100 × 2) = 812 points. */
export const FULFILLMENT_ORDERS_PER_READ = 4;

/** What is left to send of some fulfillment orders. */
export const fulfillmentOrdersById = operation<NodesData, NodesVariables>(`#graphql
  query FulfillmentOrdersById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on FulfillmentOrder {
        id
        status
        lineItems(first: 100) {
          nodes { id remainingQuantity totalQuantity lineItem { id } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }`);

/** Takes no key: a fulfillment that is cancelled stays so, which can be read. */
export const cancelFulfillment = operation<
  { fulfillmentCancel: { readonly userErrors: readonly UserError[] } | null },
  { readonly id: string }
>(`#graphql
  mutation CancelFulfillment($id: ID!) {
    fulfillmentCancel(id: $id) {
      fulfillment { id status }
      userErrors { field message }
    }
  }`);

/** Whether a fulfillment stands, and how far its parcel is. */
export const fulfillmentStatus = operation<
  { fulfillment: unknown },
  { readonly id: string }
>(`#graphql
  query FulfillmentStatus($id: ID!) {
    fulfillment(id: $id) { id status displayStatus }
  }`);

/**
 * Takes no key, but Shopify refuses a second hold under the same handle of an app, as long as the first one is
 * there.
 */
export const holdFulfillmentOrder = operation<
  {
    fulfillmentOrderHold: {
      readonly fulfillmentHold: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  {
    readonly id: string;
    readonly hold: {
      readonly reason: string;
      readonly reasonNotes: string | null;
      /** At most 64 characters. */
      readonly handle: string;
    };
  }
>(`#graphql
  mutation HoldFulfillmentOrder($id: ID!, $hold: FulfillmentOrderHoldInput!) {
    fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
      fulfillmentHold { id }
      userErrors { code field message }
    }
  }`);

/** Releases the holds that are named and no others: no hold's id comes twice. */
export const releaseHolds = operation<
  { fulfillmentOrderReleaseHold: { readonly userErrors: readonly UserError[] } | null },
  { readonly id: string; readonly holdIds: readonly string[] }
>(`#graphql
  mutation ReleaseHolds($id: ID!, $holdIds: [ID!]!) {
    fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) {
      fulfillmentOrder { id status }
      userErrors { code field message }
    }
  }`);

/** The holds of some fulfillment orders: at most 50 of them, each with a handful of holds. */
export const holdsById = operation<NodesData, NodesVariables>(`#graphql
  query HoldsById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on FulfillmentOrder {
        id
        status
        updatedAt
        fulfillmentHolds { id handle }
      }
    }
  }`);
