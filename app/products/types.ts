export const productStatuses = ["active", "draft", "archived", "unlisted"] as const;
export type ProductStatus = (typeof productStatuses)[number];

export const productSorts = ["title", "updated", "available"] as const;
export type ProductSort = (typeof productSorts)[number];

export interface ProductQuery {
  readonly search: string;
  readonly status: ProductStatus | null;
  readonly productType: string | null;
  readonly vendor: string | null;
  readonly sort: ProductSort;
  readonly descending: boolean;
  readonly after: string | null;
  readonly before: string | null;
  readonly pageSize: number;
}

export interface ProductSummary {
  readonly id: number;
  readonly title: string;
  readonly status: ProductStatus;
  readonly vendor: string;
  readonly productType: string;
  readonly imageUrl: string | null;
  readonly variantCount: number;
  /** Over all variants and locations; null where stock is not tracked. */
  readonly available: number | null;
  /** Lowest and highest price of its variants, in the shop's currency. */
  readonly priceFrom: string;
  readonly priceTo: string;
  readonly currency: string;
}

export interface ProductPage {
  readonly products: readonly ProductSummary[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  readonly total: number;
  readonly productTypes: readonly string[];
  readonly vendors: readonly string[];
}

export interface ProductVariant {
  readonly id: number;
  readonly inventoryItemId: number;
  readonly title: string | null;
  readonly sku: string;
  readonly barcode: string | null;
  readonly price: string;
  readonly compareAtPrice: string | null;
  readonly imageUrl: string | null;
  readonly tracked: boolean;
  readonly levels: readonly {
    readonly locationId: number;
    readonly location: string;
    readonly available: number;
    readonly committed: number;
    readonly incoming: number;
  }[];
}

export interface ProductDetail extends ProductSummary {
  readonly handle: string;
  readonly tags: readonly string[];
  readonly updatedAt: Date;
  readonly variants: readonly ProductVariant[];
}
