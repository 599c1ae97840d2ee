import type { ClusterTargets } from "../../../app/database/targets.ts";
import type { Asked } from "./kinds.ts";

/** Parts that can be left out, to show that the drill sees what they are there for. */
export const shopifyWithout = ["read-back"] as const;
export type ShopifyWithout = (typeof shopifyWithout)[number];

export interface ShopifyWorkerConfig {
  readonly targets: ClusterTargets;
  readonly journalDir: string;
  readonly shop: string;
  readonly accessToken: string;
  /** What merchants ask for, in this order; nothing where another process has been told. */
  readonly commands: readonly Asked[];
  /** See `CommandsOptions.settleMs`. */
  readonly settleMs: number;
  readonly without: readonly ShopifyWithout[];
}

export type ShopifyWorkerMessage =
  /** The shop is known here: the import is through. */
  | { readonly type: "imported" }
  | { readonly type: "acknowledged"; readonly id: string }
  | { readonly type: "refused"; readonly id: string; readonly problems: string }
  | ShopifyWorkerEnd;

export interface ShopifyWorkerEnd {
  readonly type: "end";
  readonly uncaught: readonly string[];
}
