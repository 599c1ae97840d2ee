import { z } from "zod";
import type { products, variants } from "../database/schema.ts";
import type { RowOf } from "../database/rows.ts";
import { searchText } from "../database/search-text.ts";
import {
  amount,
  enumName,
  id,
  idOf,
  moment,
  optionalText,
  pageOf,
  tagList,
} from "../shopify/fields.ts";
import { productStatuses } from "./types.ts";

export type ProductRow = Omit<RowOf<typeof products>, "deletedAt">;
export type VariantRow = Omit<RowOf<typeof variants>, "deletedAt" | "tracked"> & {
  /** Null where it was not said. */
  readonly tracked: boolean | null;
};

/** A product and all of its variants, as they are stored together. */
export interface ProductRows {
  readonly product: ProductRow;
  readonly variants: readonly VariantRow[];
}

/** What Shopify calls the only variant of a product without options. */
const DEFAULT_VARIANT = "Default Title";

const status = enumName.pipe(z.enum(productStatuses));

const picture = z
  .object({ preview: z.object({ image: z.object({ url: z.string() }).nullable() }).nullable() })
  .nullish()
  .transform((media) => media?.preview?.image?.url ?? null);

export const variantNode = z.object({
  id: idOf("ProductVariant"),
  title: z.string(),
  sku: optionalText,
  barcode: optionalText,
  price: amount,
  compareAtPrice: amount.nullable(),
  position: z.number().int(),
  updatedAt: moment,
  inventoryItem: z.object({ id: idOf("InventoryItem"), tracked: z.boolean() }),
  media: z.object({ nodes: z.array(picture) }).default({ nodes: [] }),
});
export type VariantNode = z.infer<typeof variantNode>;

export const productNode = z.object({
  id: idOf("Product"),
  title: z.string(),
  handle: z.string(),
  status,
  vendor: z.string(),
  productType: z.string(),
  tags: tagList,
  createdAt: moment,
  updatedAt: moment,
  hasOnlyDefaultVariant: z.boolean(),
  featuredMedia: picture,
  variants: pageOf(variantNode),
});
export type ProductNode = z.infer<typeof productNode>;

/** From the Admin API's answer, all variants in place. */
export function productFromNode(node: ProductNode): ProductRows {
  return rows(
    {
      id: node.id,
      title: node.title,
      handle: node.handle,
      status: node.status,
      vendor: node.vendor,
      productType: node.productType,
      tags: node.tags,
      imageUrl: node.featuredMedia,
      createdAt: node.createdAt,
      updatedAt: node.updatedAt,
    },
    node.variants.nodes.map((variant) => ({
      id: variant.id,
      productId: node.id,
      inventoryItemId: variant.inventoryItem.id,
      title: node.hasOnlyDefaultVariant ? null : variant.title,
      sku: variant.sku ?? "",
      barcode: variant.barcode,
      price: variant.price,
      compareAtPrice: variant.compareAtPrice,
      position: variant.position,
      imageUrl: variant.media.nodes[0] ?? null,
      tracked: variant.inventoryItem.tracked,
      updatedAt: variant.updatedAt,
    })),
  );
}

const variantPayload = z.object({
  id,
  title: z.string(),
  sku: optionalText,
  barcode: optionalText,
  price: amount,
  compare_at_price: amount.nullish().transform((value) => value ?? null),
  position: z.number().int(),
  updated_at: moment,
  inventory_item_id: id,
  image_id: id.nullish(),
  /** `shopify` where stock is tracked; newer payloads leave it to the inventory item. */
  inventory_management: z.string().nullable().optional(),
});

/** `products/create` and `products/update`. */
export const productPayload = z.object({
  id,
  title: z.string(),
  handle: z.string(),
  status,
  vendor: z.string().nullable(),
  product_type: z.string().nullable(),
  tags: tagList,
  created_at: moment,
  updated_at: moment,
  image: z.object({ src: z.string() }).nullish(),
  images: z.array(z.object({ id, src: z.string() })).default([]),
  variants: z.array(variantPayload),
  /** Names every variant, where `variants` itself stops at a hundred. */
  variant_gids: z.array(z.unknown()).optional(),
});
export type ProductPayload = z.infer<typeof productPayload>;

/** How many variants a payload has room for. */
const VARIANTS_IN_PAYLOAD = 100;

/** Whether the payload leaves some of the product's variants out, or may do so. */
export function isCutShort({ variants, variant_gids }: ProductPayload): boolean {
  return (
    variants.length < (variant_gids?.length ?? 0) ||
    (variant_gids === undefined && variants.length >= VARIANTS_IN_PAYLOAD)
  );
}

/** From a webhook. */
export function productFromPayload(payload: ProductPayload): ProductRows {
  const [only] = payload.variants;
  const hasOnlyDefaultVariant = payload.variants.length === 1 && only?.title === DEFAULT_VARIANT;
  const pictures = new Map(payload.images.map((image) => [image.id, image.src]));
  return rows(
    {
      id: payload.id,
      title: payload.title,
      handle: payload.handle,
      status: payload.status,
      vendor: payload.vendor ?? "",
      productType: payload.product_type ?? "",
      tags: payload.tags,
      imageUrl: payload.image?.src ?? payload.images[0]?.src ?? null,
      createdAt: payload.created_at,
      updatedAt: payload.updated_at,
    },
    payload.variants.map((variant) => ({
      id: variant.id,
      productId: payload.id,
      inventoryItemId: variant.inventory_item_id,
      title: hasOnlyDefaultVariant ? null : variant.title,
      sku: variant.sku ?? "",
      barcode: variant.barcode,
      price: variant.price,
      compareAtPrice: variant.compare_at_price,
      position: variant.position,
      imageUrl: variant.image_id ? (pictures.get(variant.image_id) ?? null) : null,
      tracked:
        variant.inventory_management === undefined ? null : variant.inventory_management !== null,
      updatedAt: variant.updated_at,
    })),
  );
}

/** `products/delete`. */
export const deletedPayload = z.object({ id });

function rows(
  product: Omit<ProductRow, "variantCount" | "searchText">,
  variantRows: readonly Omit<VariantRow, "searchText">[],
): ProductRows {
  const codes = variantRows.flatMap(({ sku, barcode }) => [sku, barcode]);
  return {
    product: {
      ...product,
      variantCount: variantRows.length,
      searchText: searchText([product.title, product.vendor, product.productType, ...codes]),
    },
    variants: variantRows.map((variant) => ({
      ...variant,
      searchText: searchText([product.title, variant.title, variant.sku, variant.barcode]),
    })),
  };
}
