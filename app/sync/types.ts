import type { SyncPhase } from "../database/schema.ts";

export type { SyncPhase };

/** How far the newest import or reconciliation of a shop has come. */
export interface SyncProgress {
  readonly id: string;
  readonly kind: "import" | "reconciliation";
  readonly state: "running" | "done" | "failed";
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** Why it failed, in the merchant's words. */
  readonly error: string | null;
  /** In the order in which they are gone through. */
  readonly phases: readonly SyncPhase[];
}

export const phaseNames = ["locations", "products", "inventory", "orders"] as const;
export type PhaseName = (typeof phaseNames)[number];
