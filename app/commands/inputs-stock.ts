import { z } from "zod";
import { largestQuantity } from "../inventory/adjustment-form.ts";
import { adjustmentReasons } from "../inventory/types.ts";
import { id } from "./inputs-parts.ts";

const quantity = z
  .number({ error: "Enter a number." })
  .int({ error: "Enter a whole number." })
  .min(-largestQuantity, { error: "That is more than Shopify can keep." })
  .max(largestQuantity, { error: "That is more than Shopify can keep." });

const stockOf = {
  inventoryItemId: id("Choose a variant."),
  locationId: id("Choose a location."),
  reason: z.enum(adjustmentReasons, { error: "Choose a reason." }),
};

/** Changes stock by a difference, whatever is there. */
export const adjustInput = z.object({
  ...stockOf,
  delta: quantity.refine((delta) => delta !== 0, { error: "Enter a difference other than zero." }),
});
export type AdjustInput = z.infer<typeof adjustInput>;

/** Sets stock to what was counted. */
export const setInput = z.object({
  ...stockOf,
  quantity: quantity.min(0, { error: "Stock cannot be set below zero." }),
  /** What was there when it was counted: Shopify refuses if it is something else by now. Null: set it anyway. */
  changeFromQuantity: quantity.nullable(),
});
export type SetInput = z.infer<typeof setInput>;
