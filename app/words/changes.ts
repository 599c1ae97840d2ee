const plural = (n: number, one: string) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

/**
 * What merchants read of a change that cannot be made as it was asked for. These stand beside a field at once, or
 * are kept with the change, whose story is the same for everybody: so they are in the one language that there is.
 */
export const changeWords = {
  nothingChanged: "Nothing was changed.",
  gone: "This order no longer exists.",
  goneFromShopify: "Shopify no longer has this order.",
  note: {
    tooLong: (most: number) => `A note can have at most ${plural(most, "character")}.`,
    stale: "The note has changed meanwhile. Look at it below, then save again to replace it.",
    changed:
      "The note changed in Shopify while yours was waiting. Keep the one in Shopify, or use yours instead.",
  },
  tags: {
    empty: "Enter a tag.",
    tooLong: (most: number) => `A tag can have at most ${plural(most, "character")}.`,
    comma: "A tag cannot have a comma in it.",
    tooMany: (most: number) => `An order can have at most ${plural(most, "tag")}.`,
    both: "A tag cannot be added and removed at once.",
  },
  parts: {
    none: "Choose a part of the order.",
    tooMany: "Choose fewer parts at a time.",
    gone: "This part is not in the order any more.",
  },
  hold: {
    reason: "Choose a reason.",
    notesTooLong: (most: number) => `Keep this to ${plural(most, "character")}.`,
    ofCancelled: (order: string) => `${order} was cancelled: there is nothing to hold.`,
    already: "This part is on hold already.",
    nothing: "There is nothing to hold: this part was sent, cancelled or closed.",
    tooMany: "Shopify allows no more holds of this part. Release one first.",
    unknowable:
      "Evenkeel cannot find out whether this hold was set and released again in Shopify. Look at the order, then send the change again or discard it.",
  },
  release: {
    notHeld: "This part is not on hold.",
    ofAnother:
      "Shopify does not let Evenkeel release this hold. Release it in Shopify, or in the app that set it.",
  },
  cancelFulfilment: {
    gone: "This fulfillment is not in the order any more.",
    already: "This fulfillment was cancelled already.",
    ofCancelled: (order: string) =>
      `${order} was cancelled: its fulfillments can no longer be cancelled.`,
    delivered: "This parcel was delivered: its fulfillment can no longer be cancelled.",
  },
  underWay: "The same change is on its way to Shopify already.",
  checking:
    "Shopify's answer was lost. Evenkeel looks whether it has your change before it sends it again.",
};
