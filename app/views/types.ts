export const viewPages = ["orders", "inventory", "products"] as const;
export type ViewPage = (typeof viewPages)[number];

/** A list's filters and order, kept under a name. */
export interface SavedView {
  readonly id: string;
  readonly page: ViewPage;
  readonly name: string;
  /** The address's query, without the cursor. */
  readonly query: string;
}
