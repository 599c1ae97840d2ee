import type { PendingChange } from "../commands/types.ts";
import type { InventoryRow } from "../inventory/types.ts";
import type { Money } from "../orders/types.ts";
import type { SyncProgress } from "../sync/types.ts";

/** What the first page shows. */
export interface Overview {
  readonly toFulfil: {
    readonly count: number;
    readonly oldestPlacedAt: Date | null;
    /** Most first. An order whose parts lie at two locations counts at both. */
    readonly byLocation: readonly {
      readonly locationId: number;
      readonly location: string;
      readonly count: number;
    }[];
  };
  readonly onHold: number;
  readonly lowStock: { readonly count: number; readonly worst: readonly InventoryRow[] };
  readonly changes: {
    /** On their way or waiting for a person. */
    readonly count: number;
    readonly needYou: number;
    /** Those that need a person first, then the newest. */
    readonly list: readonly PendingChange[];
  };
  /** The last 14 days in the shop's time zone, today last; days without an order too. */
  readonly ordersByDay: readonly OrdersOfDay[];
  /** The newest import or reconciliation, ended or not; null before the first, which begins by itself. */
  readonly sync: SyncProgress | null;
}

export interface OrdersOfDay {
  /** `2026-11-21`, in the shop's time zone. */
  readonly day: string;
  readonly orders: number;
  readonly total: Money;
}

export interface ShopDetails {
  readonly shop: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly currency: string | null;
  readonly timeZone: string | null;
  readonly plan: string | null;
  readonly primaryLocationId: number | null;
  readonly installedAt: Date;
  readonly uninstalledAt: Date | null;
}

/** Whether anything has changed, for pages that are open. */
export interface ChangeMark {
  /** Differs whenever orders, stock, products, changes or the import have moved on; means nothing else. */
  readonly mark: string;
  /** Changes on their way. */
  readonly pending: number;
  /** Changes that wait for a person. */
  readonly needYou: number;
  /** An import or reconciliation runs, or the first import is about to. */
  readonly syncing: boolean;
}
