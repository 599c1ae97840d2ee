import { z } from "zod";
import { largestQuantity } from "../inventory/adjustment-form.ts";
import { adjustmentReasons } from "../inventory/types.ts";

/** One of Shopify's ids, whose numbers fit in 53 bits. */
const id = (message: string) =>
  z
    .number({ error: message })
    .int({ error: message })
    .positive({ error: message })
    .max(Number.MAX_SAFE_INTEGER, { error: message });

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

const trackingText = z.string().trim().max(255, { error: "Keep this under 256 characters." });

/** Sends some or all of what is left of an order's fulfillment orders. */
export const fulfilInput = z.object({
  orderId: id("Choose an order."),
  fulfillmentOrders: z
    .array(
      z.object({
        id: id("Choose what to send."),
        lines: z
          .array(
            z.object({
              id: id("Choose what to send."),
              quantity: z
                .number({ error: "Enter a number." })
                .int({ error: "Enter a whole number." })
                .min(1, { error: "Send at least one." })
                .max(largestQuantity, { error: "That is more than there is." }),
            }),
          )
          .min(1, { error: "Choose what to send." }),
      }),
    )
    .min(1, { error: "Choose what to send." })
    .max(50, { error: "Send fewer parts at a time." }),
  tracking: z
    .object({
      company: trackingText.nullable(),
      number: trackingText.min(1, { error: "Enter the tracking number." }),
      url: z
        .string()
        .trim()
        .max(2000, { error: "Keep this under 2,001 characters." })
        .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), {
          error: "Enter a web address that begins with https://.",
        })
        .nullable(),
    })
    .nullable(),
  notifyCustomer: z.boolean(),
});
export type FulfilInput = z.infer<typeof fulfilInput>;
