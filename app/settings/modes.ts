/**
 * What can be forced upon the app in a shop: `readOnly`, it accepts no change; `shopifyAway`, it behaves as while
 * Shopify does not answer.
 */
export const modes = ["readOnly", "shopifyAway"] as const;
export type Mode = (typeof modes)[number];

/** How somebody has switched a mode: when (ISO 8601), and who it was. */
export interface ModeSwitch {
  readonly on: boolean;
  readonly at: string;
  readonly by: string | null;
}

/** Null: never switched. */
export type Modes = Readonly<Record<Mode, ModeSwitch | null>>;
