import { operation } from "../operation.ts";
import type { NodesData, NodesVariables } from "./page.ts";

/** What Shopify has against a change. Older mutations give no code. */
export interface UserError {
  readonly code?: string | null;
  readonly field: readonly string[] | null;
  readonly message: string;
}

/*
 * Mutations that change stock carry a key: whatever is asked for twice with the same key happens once, for 24
 * hours. `changeFromQuantity` must be said; null waives the comparison.
 */

export const adjustQuantities = operation<
  {
    inventoryAdjustQuantities: {
      readonly inventoryAdjustmentGroup: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  {
    readonly input: {
      readonly name: "available";
      readonly reason: string;
      readonly referenceDocumentUri: string;
      readonly changes: readonly {
        readonly inventoryItemId: string;
        readonly locationId: string;
        readonly delta: number;
        readonly changeFromQuantity: number | null;
      }[];
    };
    readonly idempotencyKey: string;
  }
>(`#graphql
  mutation AdjustQuantities($input: InventoryAdjustQuantitiesInput!, $idempotencyKey: String!) {
    inventoryAdjustQuantities(input: $input) @idempotent(key: $idempotencyKey) {
      inventoryAdjustmentGroup { id }
      userErrors { code field message }
    }
  }`);

export const setQuantities = operation<
  {
    inventorySetQuantities: {
      readonly inventoryAdjustmentGroup: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  {
    readonly input: {
      readonly name: "available";
      readonly reason: string;
      readonly referenceDocumentUri: string;
      readonly quantities: readonly {
        readonly inventoryItemId: string;
        readonly locationId: string;
        readonly quantity: number;
        readonly changeFromQuantity: number | null;
      }[];
    };
    readonly idempotencyKey: string;
  }
>(`#graphql
  mutation SetQuantities($input: InventorySetQuantitiesInput!, $idempotencyKey: String!) {
    inventorySetQuantities(input: $input) @idempotent(key: $idempotencyKey) {
      inventoryAdjustmentGroup { id }
      userErrors { code field message }
    }
  }`);

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
