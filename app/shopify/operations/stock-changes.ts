import { operation } from "../operation.ts";
import type { UserError } from "./user-error.ts";

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
