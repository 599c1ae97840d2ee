/** What the frame's document brings with it, as JSON in `#boot`. */
export interface FrameBoot {
  app: { name: string; handle: string; origin: string };
  /** Name of the shop that is open, as in its address. */
  shop: string;
  shops: { name: string; domain: string; displayName: string; storefrontUrl: string | null }[];
  staff: readonly [StaffMember, ...StaffMember[]];
  /** A page of the admin other than the app's, as `/orders/1001`; null when the app is shown. */
  adminPath: string | null;
  /** Whether the fault panel is beside the frame. */
  panel: boolean;
  /** Shopify's faults that the panel can set. */
  shopifyFaults: readonly {
    kind: string;
    title: string;
    group: "wire" | "answer" | "refusal" | "effect";
  }[];
}

/** Somebody who works in the shop's admin. */
export interface StaffMember {
  /** Numeric id, as text; the `sub` of the session token. */
  id: string;
  name: string;
}
