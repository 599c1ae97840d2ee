/** What the journal and its worker thread say to each other. */

/** One record as it is on disk; `body` is encrypted. */
export interface StoredRecord {
  readonly sequence: number;
  readonly kind: string;
  readonly shop: string;
  readonly id: string;
  readonly body: Uint8Array;
  readonly at: number;
}

export type NewRecord = Omit<StoredRecord, "sequence">;

export type Request =
  | { readonly type: "append"; readonly ticket: number; readonly records: readonly NewRecord[] }
  | {
      readonly type: "read";
      readonly ticket: number;
      readonly kinds: readonly string[];
      /** Null: of every shop. */
      readonly shop: string | null;
      readonly after: number;
      readonly limit: number;
    }
  | { readonly type: "remove"; readonly ticket: number; readonly sequences: readonly number[] }
  | { readonly type: "setAside"; readonly ticket: number; readonly sequence: number }
  | { readonly type: "removeShop"; readonly ticket: number; readonly shop: string }
  | { readonly type: "close"; readonly ticket: number };

/** How much is kept of one kind for one shop. */
export interface ShopFill {
  readonly kind: string;
  readonly shop: string;
  readonly records: number;
  readonly bytes: number;
  /** How many of the records are not set aside. */
  readonly waiting: number;
  readonly last: number;
}

export interface KeptRecord {
  readonly sequence: number;
  /** Not, where the same record was kept before. */
  readonly isNew: boolean;
}

export interface Removed {
  readonly kind: string;
  readonly shop: string;
  readonly bytes: number;
  readonly aside: number;
}

export type Reply =
  | { readonly type: "ready"; readonly fill: readonly ShopFill[] }
  | {
      readonly type: "appended";
      readonly tickets: readonly number[];
      /** For each ticket its records, in their order. */
      readonly kept: readonly (readonly KeptRecord[])[];
    }
  | { readonly type: "records"; readonly ticket: number; readonly records: readonly StoredRecord[] }
  | { readonly type: "done"; readonly ticket: number; readonly removed: readonly Removed[] }
  | {
      readonly type: "failed";
      readonly tickets: readonly number[];
      readonly code: string;
      readonly message: string;
    };

export interface WorkerOptions {
  readonly file: string;
  /** For drills: what each fsync takes longer than it does. */
  readonly slowFsyncMs?: number;
}
