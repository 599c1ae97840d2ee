/** One event at Shopify makes several webhooks; what they ask to be read again is read once they are all in. */
export const REREAD_DELAY_MS = 2_000;
