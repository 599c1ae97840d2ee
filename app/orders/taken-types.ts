import type { TakeInput } from "../commands/take-order/input.ts";
import type { PendingChange } from "../commands/types.ts";
import type { TakenTotals } from "./taken-totals.ts";

/** An order that was taken here, as it was taken. */
export interface TakenOrder {
  readonly id: string;
  /** By which it goes here, and which Shopify has as a tag. */
  readonly number: string;
  readonly takenAt: Date;
  readonly currency: string;
  /** Before Shopify has added tax. */
  readonly totals: TakenTotals;
  readonly lines: TakeInput["lines"];
  readonly customer: TakeInput["customer"];
  readonly shippingAddress: TakeInput["shippingAddress"];
  readonly discount: TakeInput["discount"];
  readonly shipping: TakeInput["shipping"];
  readonly note: string | null;
  readonly payment: TakeInput["payment"];
  /** The change that brings it to Shopify. */
  readonly change: PendingChange;
  /** Its draft at Shopify, once there is one. */
  readonly draftId: number | null;
  /** Shopify's order, once it is here. */
  readonly orderId: number | null;
}
