/** The kinds of things that Evenkeel names by id to Shopify. */
export type GlobalIdKind =
  | "Shop"
  | "Location"
  | "Product"
  | "ProductVariant"
  | "InventoryItem"
  | "Customer"
  | "Order"
  | "DraftOrder"
  | "LineItem"
  | "FulfillmentOrder"
  | "FulfillmentOrderLineItem"
  | "FulfillmentHold"
  | "Fulfillment"
  | "BulkOperation";

/** The global id of a thing whose number is known: `gid://shopify/Order/1`. */
export function globalId(kind: GlobalIdKind, id: number): string {
  return `gid://shopify/${kind}/${id}`;
}

/** What a global id names. */
export interface ParsedGlobalId {
  readonly kind: string;
  readonly id: number;
}

/** Takes a global id apart; null where it is none, or where its number does not fit in 53 bits. */
export function parseGlobalId(value: string): ParsedGlobalId | null {
  const match = /^gid:\/\/shopify\/(\w+)\/(\d+)(?:\?.*)?$/.exec(value);
  const id = Number(match?.[2]);
  return match?.[1] && Number.isSafeInteger(id) ? { kind: match[1], id } : null;
}
