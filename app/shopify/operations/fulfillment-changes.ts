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
