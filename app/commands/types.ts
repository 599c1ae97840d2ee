import type { CommandState } from "../database/schema.ts";
import type { AdjustmentReason } from "../inventory/types.ts";
import type { StoryAction } from "./overrides.ts";

export type { CommandState };

/**
 * Where a change is on its way inward: kept on this device, kept on the server, waiting for Shopify, done,
 * or waiting for a person.
 */
export type Ring = "device" | "server" | "shopify" | "done" | "needs-you";

export const commandKinds = [
  "inventory.adjust",
  "inventory.set",
  "order.fulfil",
  "order.edit",
  "order.hold",
  "order.release",
  "order.cancel-fulfilment",
  "order.take",
] as const;
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
  /** The class of what stands in its way; see `Obstacle`. */
  readonly problemCode: string | null;
  /** Whether Shopify may have it already, without our knowing. */
  readonly uncertain: boolean;
  /** A count that Shopify's stock has overtaken; null where that is not its problem. */
  readonly conflict: StockConflict | null;
  readonly attempts: number;
  /** The resource, for links: `order/123`, `inventory_item/456`, `taken_order/…`. */
  readonly resource: string;
}

/** What a count would set, and what Shopify has by now, as far as is known here. */
export interface StockConflict {
  readonly inventoryItemId: number;
  readonly locationId: number;
  readonly quantity: number;
  readonly reason: AdjustmentReason;
  readonly available: number | null;
}

export const changeFilters = ["all", "pending", "needs-you", "unsettled", "settled"] as const;
/** `unsettled`: on its way or waiting for a person. */
export type ChangeFilter = (typeof changeFilters)[number];

/** One step in the story of a change. */
export interface ChangeEvent {
  readonly at: Date;
  readonly state: CommandState;
  /** A person's id, or the part of Evenkeel that did it. */
  readonly actor: string;
  readonly detail: string | null;
  /** What a person did; null where it was Evenkeel's own step. */
  readonly action: StoryAction | null;
}

/** A change with what was asked for and all that became of it, newest first. */
export interface ChangeDetail extends PendingChange {
  readonly input: unknown;
  /** What people call the things that the input names by their ids: `location/1`, `line/2`. */
  readonly names: Readonly<Record<string, string>>;
  readonly requestedBy: string | null;
  readonly events: readonly ChangeEvent[];
}

/** What is wrong with a change that somebody asks for, in words for them. */
export interface Problem {
  /** The entry that it is about; null where it is about the whole. */
  readonly field: string | null;
  readonly message: string;
}

export interface SubmitRequest {
  /** Made at the click, and the same at every repetition. */
  readonly operationId: string;
  readonly kind: string;
  readonly input: unknown;
  /** The person who asks, for the record. */
  readonly requestedBy: string | null;
  /** The change that this one takes the place of: the same one with other entries. */
  readonly replaces?: string | null;
  /** The changes that this one is asked for together with. */
  readonly bulkId?: string | null;
  /** What the page called the thing that is changed: names it while the database cannot. */
  readonly subject?: string | null;
}

export type SubmitResult =
  | { readonly kind: "accepted"; readonly change: PendingChange }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };
