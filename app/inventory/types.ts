import type { PendingChange } from "../commands/types.ts";

export interface Location {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
}

export const stockFilters = ["all", "low", "out"] as const;
export type StockFilter = (typeof stockFilters)[number];

export const inventorySorts = ["title", "sku", "available"] as const;
export type InventorySort = (typeof inventorySorts)[number];

export interface InventoryQuery {
  readonly search: string;
  /** Null: over all locations together. */
  readonly locationId: number | null;
  readonly stock: StockFilter;
  readonly productType: string | null;
  readonly vendor: string | null;
  readonly sort: InventorySort;
  readonly descending: boolean;
  readonly after: string | null;
  readonly before: string | null;
  readonly pageSize: number;
}

export interface InventoryLevel {
  readonly locationId: number;
  readonly location: string;
  readonly available: number;
  readonly onHand: number;
  readonly committed: number;
  readonly incoming: number;
  /** What `available` will be once the changes that are on their way have arrived; null without any. */
  readonly expected: number | null;
}

export interface InventoryRow {
  readonly variantId: number;
  readonly productId: number;
  readonly inventoryItemId: number;
  readonly title: string;
  readonly variantTitle: string | null;
  readonly sku: string;
  readonly barcode: string | null;
  readonly imageUrl: string | null;
  readonly tracked: boolean;
  /** Over the locations that the query asked for. */
  readonly available: number;
  readonly levels: readonly InventoryLevel[];
  readonly pending: PendingChange | null;
}

export interface InventoryPage {
  readonly rows: readonly InventoryRow[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  readonly total: number;
  readonly locations: readonly Location[];
  readonly productTypes: readonly string[];
  readonly vendors: readonly string[];
}

/** The reasons that Shopify accepts for an adjustment and that make sense to pick by hand. */
export const adjustmentReasons = [
  "correction",
  "cycle_count_available",
  "damaged",
  "received",
  "restock",
  "shrinkage",
  "promotion",
  "quality_control",
  "other",
] as const;
export type AdjustmentReason = (typeof adjustmentReasons)[number];
