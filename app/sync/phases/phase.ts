import type { AdminClient } from "../../shopify/admin.server.ts";
import type { PhaseCursor } from "../cursor.ts";
import type { Batch } from "../runs.server.ts";
import type { Unreadable } from "../unreadable.ts";

/** What a phase has to work with. */
export interface PhaseContext {
  readonly admin: AdminClient;
  readonly kind: "import" | "reconciliation";
  /** Orders that were made before this moment are left alone. */
  readonly ordersSince: Date;
  readonly signal: AbortSignal;
  /** From how many resources on a bulk operation is worth its wait. */
  readonly bulkFrom: number;
  /** Whether protected customer data is worth asking for. */
  readonly mayAskForPeople: () => boolean;
  /** Shopify has refused protected customer data. */
  readonly peopleRefused: (reason: string) => void;
  /** The shop's locations, as the first phase has stored them. */
  readonly locationIds: () => Promise<number[]>;
  /** Takes away what an earlier installation left behind. */
  readonly clear: () => Promise<void>;
  /** Told of what cannot be read, and is left out. */
  readonly unreadable: Unreadable;
  /** A bulk operation could not be had or used; the phase goes on page by page. */
  readonly bulkRefused: (reason: string) => void;
}

/** One thing done: what to store, and where the phase stands afterwards. */
export interface PhaseStep {
  readonly kind: "step";
  readonly batch: Batch;
  /** Null when the phase is done. */
  readonly next: PhaseCursor | null;
  /** How many resources were dealt with. */
  readonly add: number;
  /** How many there are altogether, where that became known. */
  readonly total?: number;
  /** The phase begins again: what was counted so far does not count. */
  readonly again?: boolean;
}

/** Nothing to do before this has passed: Shopify is working on it. */
export interface PhaseWait {
  readonly kind: "wait";
  readonly waitMs: number;
}

/**
 * A phase yields its steps from a cursor on. Whoever drives it stores each step, may already ask for the next
 * meanwhile, and may stop after any of them.
 */
export type Phase = (
  context: PhaseContext,
  cursor: PhaseCursor | null,
) => AsyncGenerator<PhaseStep | PhaseWait, void>;

export const nothing: Batch = { kind: "nothing" };
