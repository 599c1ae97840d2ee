import { z } from "zod";
import { largestQuantity } from "../inventory/adjustment-form.ts";
import { holdReasons } from "../orders/types.ts";
import { LONGEST_NOTE, LONGEST_TAG, MOST_TAGS, sameTag } from "../orders/note-and-tags.ts";
import { changeWords } from "../words/changes.ts";
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

const LONGEST_HOLD_NOTES = 255;

const orderId = id("Choose an order.");

const tag = z
  .string()
  .trim()
  .min(1, { error: changeWords.tags.empty })
  .max(LONGEST_TAG, { error: changeWords.tags.tooLong(LONGEST_TAG) })
  .refine((text) => !text.includes(","), { error: changeWords.tags.comma });
const tagList = z.array(tag).max(MOST_TAGS, { error: changeWords.tags.tooMany(MOST_TAGS) });

/** Changes an order's note, its tags, or both. */
export const editInput = z
  .object({
    orderId,
    /** Null: the note stays as it is. */
    note: z
      .object({
        /** Empty: the note goes. */
        value: z.string().max(LONGEST_NOTE, { error: changeWords.note.tooLong(LONGEST_NOTE) }),
        /** What the note was when it was edited: where it is something else by now, a person decides. */
        basedOn: z.string().nullable(),
      })
      .nullable(),
    addTags: tagList,
    removeTags: tagList,
  })
  .refine(({ note, addTags, removeTags }) => note || addTags.length + removeTags.length > 0, {
    error: changeWords.nothingChanged,
  })
  .refine(
    ({ addTags, removeTags }) =>
      !addTags.some((one) => removeTags.some((other) => sameTag(one, other))),
    { error: changeWords.tags.both, path: ["addTags"] },
  );
export type EditInput = z.infer<typeof editInput>;

const parts = <Part extends z.ZodType>(part: Part) =>
  z
    .array(part)
    .min(1, { error: changeWords.parts.none })
    .max(50, { error: changeWords.parts.tooMany });
const partId = id("Choose a part of the order.");

/** Holds what is left of some of an order's fulfillment orders back. */
export const holdInput = z.object({
  orderId,
  fulfillmentOrderIds: parts(partId),
  reason: z.enum(holdReasons, { error: changeWords.hold.reason }),
  notes: z
    .string()
    .trim()
    .max(LONGEST_HOLD_NOTES, { error: changeWords.hold.notesTooLong(LONGEST_HOLD_NOTES) })
    .nullable(),
});
export type HoldInput = z.infer<typeof holdInput>;

/** Releases holds of some of an order's fulfillment orders. */
export const releaseInput = z.object({
  orderId,
  fulfillmentOrders: parts(
    z.object({
      id: partId,
      /** Those that were seen; others stay. Null where their ids were not known: all that there are. */
      holdIds: z.array(id(changeWords.parts.none)).min(1).nullable(),
    }),
  ),
});
export type ReleaseInput = z.infer<typeof releaseInput>;

/** Takes a fulfillment back: what it has sent is to be sent again. */
export const cancelFulfilmentInput = z.object({
  orderId,
  fulfillmentId: id("Choose a fulfillment."),
});
export type CancelFulfilmentInput = z.infer<typeof cancelFulfilmentInput>;
