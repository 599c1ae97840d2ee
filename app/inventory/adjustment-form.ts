import { signedWholeNumber } from "../whole-number.ts";

/** The largest quantity that Shopify keeps (Admin API, InventoryQuantityInput: within ±1,000,000,000). */
export const largestQuantity = 1_000_000_000;

/**
 * What a person entered: a difference or a new quantity, whichever was typed last. They are two different
 * wishes: a difference can be added to whatever is there, a count replaces what was seen.
 */
export interface AdjustmentEntry {
  readonly field: "delta" | "quantity";
  readonly text: string;
}

export type AdjustmentProblem = "number" | "zero" | "same" | "large" | "negative";

/**
 * What the entry means for a stock of `current`.
 *
 * @param current - What is there once the changes that are on their way have arrived.
 */
export function readAdjustment(
  { field, text }: AdjustmentEntry,
  current: number,
):
  | { readonly delta: number; readonly quantity: number; readonly problem: null }
  | { readonly problem: AdjustmentProblem } {
  const value = signedWholeNumber(text);
  if (value === null) return { problem: "number" };
  const delta = field === "delta" ? value : value - current;
  const quantity = field === "delta" ? current + value : value;
  if (Math.abs(value) > largestQuantity || Math.abs(quantity) > largestQuantity) {
    return { problem: "large" };
  }
  // Selling may take stock below zero, counting cannot.
  if (field === "quantity" && value < 0) return { problem: "negative" };
  if (delta === 0) return { problem: field === "delta" ? "zero" : "same" };
  return { delta, quantity, problem: null };
}
