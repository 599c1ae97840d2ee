/**
 * Global ids. Everything that belongs to an order (lines, fulfillment orders, transactions, …) takes its number
 * from that order's block, so that a global id leads back to its order without an index over 100,000 of them.
 */

const firstRow = {
  Location: 74_000_000_000,
  Product: 8_100_000_000_000,
  ProductVariant: 44_100_000_000_000,
  InventoryItem: 46_200_000_000_000,
  ProductOption: 10_300_000_000_000,
  ProductOptionValue: 3_200_000_000_000,
  MediaImage: 33_400_000_000_000,
  ProductImage: 41_500_000_000_000,
  Customer: 7_300_000_000_000,
  DraftOrder: 1_140_000_000_000,
  BulkOperation: 3_900_000_000_000,
  InventoryAdjustmentGroup: 88_000_000_000,
  WebhookSubscription: 1_500_000_000_000,
  Order: 5_900_000_000_000,
} as const;

const firstBlock = {
  LineItem: 14_000_000_000_000,
  FulfillmentOrder: 6_900_000_000_000,
  FulfillmentOrderLineItem: 15_100_000_000_000,
  FulfillmentHold: 880_000_000_000,
  Fulfillment: 5_300_000_000_000,
  FulfillmentLineItem: 12_600_000_000_000,
  OrderTransaction: 7_200_000_000_000,
  Refund: 940_000_000_000,
  RefundLineItem: 690_000_000_000,
  ShippingLine: 4_700_000_000_000,
  MailingAddress: 28_800_000_000_000,
  BasicEvent: 130_000_000_000_000,
} as const;

export type RowKind = keyof typeof firstRow;
export type OrderPartKind = keyof typeof firstBlock;

/** Shopify's ids look like steps of 32,768 in the wild; the step is of no meaning and may not be relied on. */
const step = 32_768;

/** Room for parts per order: as many as an order can ever collect in a demo, drill or test. */
const blockSize = 4_096;

/** Room for 48 million orders per shop. */
const shopSpan = 200_000_000_000;

export function isOrderPart(kind: string): kind is OrderPartKind {
  return kind in firstBlock;
}

/** The numbers of one shop, which never meet those of another. */
export class IdSpace {
  readonly #shop: number;

  constructor(shopId: string) {
    this.#shop = Number(shopId) % 10;
  }

  row(kind: RowKind, ordinal: number): number {
    return firstRow[kind] + ordinal * step + this.#shop;
  }

  /** The ordinal behind a row's number; `undefined` when it is not of this shop. */
  rowOrdinal(kind: RowKind, id: number): number | undefined {
    const ordinal = (id - firstRow[kind] - this.#shop) / step;
    return Number.isInteger(ordinal) && ordinal >= 0 ? ordinal : undefined;
  }

  part(kind: OrderPartKind, orderOrdinal: number, part: number): number {
    return firstBlock[kind] + this.#shop * shopSpan + orderOrdinal * blockSize + part;
  }

  /** The ordinal of the order that owns a part's number; `undefined` when it is not of this shop. */
  orderOfPart(kind: OrderPartKind, id: number): number | undefined {
    const offset = id - firstBlock[kind] - this.#shop * shopSpan;
    return offset >= 0 && offset < shopSpan ? Math.floor(offset / blockSize) : undefined;
  }
}

export function gid(kind: string, id: number | string): string {
  return `gid://shopify/${kind}/${id}`;
}

export interface ParsedGid {
  kind: string;
  id: number;
  /** What follows the number, as in `gid://shopify/InventoryLevel/1?inventory_item_id=2`. */
  query: URLSearchParams;
}

/** Takes a global id apart; `undefined` when it is not one. */
export function parseGid(value: string): ParsedGid | undefined {
  const match = /^gid:\/\/shopify\/([A-Za-z]+)\/(\d{1,16})(?:\?(.*))?$/.exec(value);
  if (!match) return undefined;
  return {
    kind: match[1] as string,
    id: Number(match[2]),
    query: new URLSearchParams(match[3] ?? ""),
  };
}

/** The number in a global id of that kind; `undefined` when it is of another kind or no id at all. */
export function numberOf(kind: string, value: string): number | undefined {
  const parsed = parseGid(value);
  return parsed?.kind === kind ? parsed.id : undefined;
}
