import { gid } from "../ids.ts";
import { fixedAmount } from "../money.ts";
import type { Product, Variant } from "../model.ts";
import { inventoryOf } from "../documents.ts";
import type { ShopStore } from "../store.ts";
import { moment } from "./common.ts";

function variantPayload(store: ShopStore, variant: Variant) {
  const inventory = inventoryOf(variant.item);
  return {
    admin_graphql_api_id: gid("ProductVariant", variant.id),
    barcode: variant.barcode,
    compare_at_price:
      variant.compareAtPrice === null ? null : fixedAmount(variant.compareAtPrice, store.currency),
    created_at: moment(store, variant.createdAt),
    id: variant.id,
    inventory_policy: variant.inventoryPolicy.toLowerCase(),
    position: variant.position,
    price: fixedAmount(variant.price, store.currency),
    product_id: variant.product.id,
    sku: variant.sku,
    taxable: variant.taxable,
    title: variant.title,
    updated_at: moment(store, variant.updatedAt),
    option1: variant.optionValues[0] ?? null,
    option2: variant.optionValues[1] ?? null,
    option3: variant.optionValues[2] ?? null,
    image_id: null,
    inventory_item_id: variant.item.id,
    inventory_quantity: inventory,
    old_inventory_quantity: inventory,
  };
}

/** `products/create` and `products/update`. */
export function productPayload(store: ShopStore, product: Product) {
  const imageId = store.ids.row("ProductImage", product.ordinal);
  const image = {
    id: imageId,
    product_id: product.id,
    position: 1,
    alt: product.title,
    width: 800,
    height: 800,
    created_at: moment(store, product.createdAt),
    updated_at: moment(store, product.createdAt),
    src: store.pictureUrl(product),
    variant_ids: [],
    admin_graphql_api_id: gid("ProductImage", imageId),
  };
  return {
    admin_graphql_api_id: gid("Product", product.id),
    body_html: product.descriptionHtml,
    created_at: moment(store, product.createdAt),
    handle: product.handle,
    id: product.id,
    product_type: product.productType,
    published_at: moment(store, product.publishedAt),
    template_suffix: null,
    title: product.title,
    updated_at: moment(store, product.updatedAt),
    vendor: product.vendor,
    status: product.status.toLowerCase(),
    published_scope: "global",
    tags: product.tags.join(", "),
    variants: product.variants.map((variant) => variantPayload(store, variant)),
    options: product.options.map((option, index) => ({
      name: option.name,
      id: option.id,
      product_id: product.id,
      position: index + 1,
      values: option.values,
    })),
    images: [image],
    image,
    media: [
      {
        id: store.ids.row("MediaImage", product.ordinal),
        product_id: product.id,
        position: 1,
        created_at: moment(store, product.createdAt),
        updated_at: moment(store, product.createdAt),
        alt: product.title,
        status: "READY",
        media_content_type: "IMAGE",
        preview_image: { width: 800, height: 800, src: store.pictureUrl(product), status: "READY" },
        variant_ids: [],
        admin_graphql_api_id: gid("MediaImage", store.ids.row("MediaImage", product.ordinal)),
      },
    ],
    variant_gids: product.variants.map((variant) => ({
      admin_graphql_api_id: gid("ProductVariant", variant.id),
      updated_at: new Date(variant.updatedAt * 1_000).toISOString(),
    })),
    has_variants_that_requires_components: false,
    category: null,
  };
}
