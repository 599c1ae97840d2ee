import { tagsWithout, tidyNote } from "../orders/note-and-tags.ts";
import { cancelFulfilmentInput, editInput, holdInput, releaseInput } from "./inputs-order.ts";

/** What changes on their way will make of an order. */
export interface ExpectedOrder {
  /** Null where no change touches the note. */
  readonly note: { readonly value: string | null } | null;
  /** Null where no change touches the tags. */
  readonly tags: readonly string[] | null;
  readonly held: readonly {
    readonly fulfillmentOrderId: number;
    readonly reason: string;
    readonly notes: string | null;
  }[];
  /** Fulfillment orders whose holds will be gone. */
  readonly released: readonly number[];
  /** Fulfillments that will be cancelled. */
  readonly cancelled: readonly number[];
}

export const nothingExpected: ExpectedOrder = {
  note: null,
  tags: null,
  held: [],
  released: [],
  cancelled: [],
};

/**
 * Adds some changes, in the order in which they go to Shopify, to what is expected of an order already. Those of
 * which it knows nothing change nothing.
 */
export function expectOrder(
  order: { readonly tags: readonly string[]; readonly expected: ExpectedOrder },
  steps: readonly { readonly kind: string; readonly input: unknown }[],
): ExpectedOrder {
  return steps.reduce<ExpectedOrder>((expected, { kind, input }) => {
    switch (kind) {
      case "order.edit": {
        const { note, addTags, removeTags } = editInput.parse(input);
        const tags = expected.tags ?? order.tags;
        return {
          ...expected,
          ...(note ? { note: { value: tidyNote(note.value) } } : {}),
          ...(addTags.length + removeTags.length > 0
            ? { tags: [...tagsWithout(tags, removeTags), ...tagsWithout(addTags, tags)].sort() }
            : {}),
        };
      }
      case "order.hold": {
        const { fulfillmentOrderIds, reason, notes } = holdInput.parse(input);
        const held = fulfillmentOrderIds.map((fulfillmentOrderId) => ({
          fulfillmentOrderId,
          reason,
          notes,
        }));
        return { ...expected, held: [...expected.held, ...held] };
      }
      case "order.release": {
        const released = releaseInput.parse(input).fulfillmentOrders.map(({ id }) => id);
        return { ...expected, released: [...expected.released, ...released] };
      }
      case "order.cancel-fulfilment": {
        const { fulfillmentId } = cancelFulfilmentInput.parse(input);
        return { ...expected, cancelled: [...expected.cancelled, fulfillmentId] };
      }
      default:
        return expected;
    }
  }, order.expected);
}
