import type { HoldReason } from "../orders/types.ts";
import type { CommandKind } from "./types.ts";

/** What can be done with many orders at once. */
export const bulkActions = ["fulfil", "tag", "hold", "release"] as const;
export type BulkAction = (typeof bulkActions)[number];

/** As many orders as a page of the list shows at most. */
export const MOST_ORDERS = 100;

export interface BulkRequest {
  /** Made at the click: what it asks for of each order follows from it, so that a repetition asks for nothing new. */
  readonly bulkId: string;
  readonly action: BulkAction;
  readonly orderIds: readonly number[];
  readonly notifyCustomer?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly reason?: HoldReason | undefined;
}

export interface BulkAnswer {
  readonly action: BulkAction;
  /** How many changes were accepted. */
  readonly accepted: number;
  /** Orders that were left out, and why. */
  readonly leftOut: readonly { readonly order: string; readonly message: string }[];
}

/** How far changes are that were asked for together. */
export interface BulkProgress {
  readonly bulkId: string;
  readonly kind: CommandKind;
  readonly startedAt: Date;
  readonly total: number;
  /** At Shopify, or given up. */
  readonly settled: number;
  readonly needYou: number;
}
