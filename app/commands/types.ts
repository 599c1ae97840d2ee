import type { CommandState } from "../database/schema.ts";

export type { CommandState };

/**
 * Where a change is on its way inward: kept on this device, kept on the server, waiting for Shopify, done,
 * or waiting for a person.
 */
export type Ring = "device" | "server" | "shopify" | "done" | "needs-you";

export const commandKinds = ["inventory.adjust", "inventory.set", "order.fulfil"] as const;
export type CommandKind = (typeof commandKinds)[number];

/** A change as the interface shows it. */
export interface PendingChange {
  /** The operation id that was made at the click. */
  readonly operationId: string;
  readonly kind: CommandKind;
  readonly state: CommandState;
  readonly ring: Ring;
  /** What it changes, for people: an order's name, or a variant's title. */
  readonly subject: string;
  readonly acceptedAt: Date;
  readonly settledAt: Date | null;
  /** What stands in its way, in the merchant's words; null while nothing does. */
  readonly problem: string | null;
  readonly attempts: number;
  /** The resource, for links: `order/123`, `inventory_item/456`. */
  readonly resource: string;
}
