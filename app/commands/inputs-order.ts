import { z } from "zod";
import { largestQuantity } from "../inventory/adjustment-form.ts";
import { id } from "./inputs-parts.ts";

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
