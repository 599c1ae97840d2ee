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
}

/** A change with what was asked for and all that became of it, newest first. */
export interface ChangeDetail extends PendingChange {
  readonly input: unknown;
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
  /** What the page called the thing that is changed: names it while the database cannot. */
  readonly subject?: string | null;
}

export type SubmitResult =
  | { readonly kind: "accepted"; readonly change: PendingChange }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };
