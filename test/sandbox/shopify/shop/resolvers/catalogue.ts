import type { GraphQLSchema } from "graphql";
import { given } from "../given.ts";
import { onHand } from "../catalogue.ts";
import { emptyConnection, listConnection } from "../connection.ts";
import type { ConnectionArgs } from "../connection.ts";
import {
  inventoryOf,
  itemDocument,
  itemSearch,
  levelDocument,
  levelSearch,
  locationSearch,
  productDocument,
  productSearch,
  variantDocument,
  variantSearch,
} from "../documents.ts";
import type { ItemDocument, ProductDocument, VariantDocument } from "../documents.ts";
import { gid, numberOf, parseGid } from "../ids.ts";
import type {
  InventoryItem,
  InventoryLevel,
  Location,
  Product,
  StockState,
  Variant,
} from "../model.ts";
import { levelGid } from "../payloads/inventory.ts";
import { fixedAmount } from "../money.ts";
import type { ShopStore } from "../store.ts";
import { count, dateTime, define, defineData, moneyV2 } from "./define.ts";
import type { Context } from "./define.ts";
import { compileIn, listing, select } from "./listing.ts";
import type { Collection, SearchArgs } from "./listing.ts";

/** Products, variants, inventory and locations. */

export function productCollection(store: ShopStore): Collection<Product, ProductDocument> {
  return {
    all: () => store.products.values(),
    idOf: (product) => product.id,
    document: productDocument,
    index: store.index.products,
    search: productSearch(store.currency),
    sort: {
      TITLE: (document) => document.title.toLowerCase(),
      VENDOR: (document) => document.vendor.toLowerCase(),
      PRODUCT_TYPE: (document) => document.productType.toLowerCase(),
      CREATED_AT: (document) => document.createdAt,
      UPDATED_AT: (document) => document.updatedAt,
      PUBLISHED_AT: (document) => document.publishedAt ?? 0,
      INVENTORY_TOTAL: (document) => document.inventory,
    },
  };
}

export function variantCollection(store: ShopStore): Collection<Variant, VariantDocument> {
  return {
    all: () => store.variants.values(),
    idOf: (variant) => variant.id,
    document: variantDocument,
    index: store.index.variants,
    search: variantSearch,
    sort: {
      TITLE: (document) => document.title.toLowerCase(),
      NAME: (document) => document.fullTitle.toLowerCase(),
      FULL_TITLE: (document) => document.fullTitle.toLowerCase(),
      SKU: (document) => document.sku.toLowerCase(),
      POSITION: (document) => document.position,
      INVENTORY_QUANTITY: (document) => document.inventory,
      INVENTORY_LEVELS_AVAILABLE: (document) => document.inventory,
    },
  };
}

export function itemCollection(store: ShopStore): Collection<InventoryItem, ItemDocument> {
  return {
    all: () => store.items.values(),
    idOf: (item) => item.id,
    document: itemDocument,
    index: store.index.items,
    search: itemSearch,
    sort: {},
  };
}

export function locationCollection(
  store: ShopStore,
  includeInactive: boolean,
): Collection<Location, Location> {
  return {
    all: () =>
      [...store.locations.values()].filter((location) => includeInactive || location.isActive),
    idOf: (location) => location.id,
    document: (location) => location,
    search: locationSearch,
    sort: { NAME: (location) => location.name.toLowerCase() },
  };
}

/** A picture, with what it costs nobody to know. */
function picture(store: ShopStore, product: Product) {
  return {
    __typename: "Image",
    id: gid("ProductImage", store.ids.row("ProductImage", product.ordinal)),
    altText: product.title,
    width: 800,
    height: 800,
    address: store.pictureUrl(product),
  };
}

interface ImageSource {
  id: string;
  altText: string;
  width: number;
  height: number;
  address: string;
}

interface TransformArgs {
  transform?: { maxWidth?: number | null; maxHeight?: number | null } | null;
}

function imageUrl(image: ImageSource, transform: TransformArgs["transform"]): string {
  const query = new URLSearchParams();
  if (transform?.maxWidth) query.set("width", String(transform.maxWidth));
  if (transform?.maxHeight) query.set("height", String(transform.maxHeight));
  return query.size ? `${image.address}?${query}` : image.address;
}

export function weightOf(grams: number) {
  return { unit: "GRAMS", value: grams };
}

/** The states that `quantities(names:)` answers; `on_hand` is their sum without what is on its way. */
export const quantityNames = [
  "available",
  "on_hand",
  "committed",
  "incoming",
  "reserved",
  "damaged",
  "safety_stock",
  "quality_control",
] as const;

export function quantityOf(level: InventoryLevel, name: string): number {
  return name === "on_hand"
    ? onHand(level.quantities)
    : (level.quantities[name as StockState] ?? 0);
}

export function findLevel(store: ShopStore, id: string): InventoryLevel | undefined {
  const parsed = parseGid(id);
  if (parsed?.kind !== "InventoryLevel") return undefined;
  const item = store.items.get(Number(parsed.query.get("inventory_item_id") ?? Number.NaN));
  return item && store.level(item, parsed.id);
}

interface LevelArgs extends SearchArgs {
  includeInactive?: boolean | null;
}

/** Levels of one item or of one location; both are listed by the number of the other side. */
function levelListing(
  context: Context,
  levels: Iterable<InventoryLevel>,
  idOf: (level: InventoryLevel) => number,
  args: LevelArgs,
) {
  const matches = args.query?.trim() ? compileIn(context, args.query, levelSearch) : undefined;
  const listed = [...levels].filter((level) => {
    if (!level.isActive && !args.includeInactive) return false;
    if (!matches) return true;
    const seen = context.store.index.levels.seen(levelGid(level));
    return seen !== null && matches(seen ?? levelDocument(level));
  });
  return listConnection(listed, args, idOf);
}

function* levelsAt(store: ShopStore, location: Location): Iterable<InventoryLevel> {
  for (const item of store.items.values()) {
    const level = store.level(item, location.id);
    if (level) yield level;
  }
}

export function installCatalogue(schema: GraphQLSchema): void {
  const query = schema.getQueryType()?.name ?? "QueryRoot";
  define<unknown>(schema, query, {
    product: (_, { id }: { id: string }, { store }) =>
      store.products.get(numberOf("Product", id) ?? -1) ?? null,
    productByIdentifier: (
      _,
      { identifier }: { identifier: { id?: string; handle?: string } },
      { store },
    ) =>
      (identifier.id
        ? store.products.get(numberOf("Product", identifier.id) ?? -1)
        : [...store.products.values()].find((product) => product.handle === identifier.handle)) ??
      null,
    products: (_, args: SearchArgs, context) =>
      listing(context, productCollection(context.store), args),
    productsCount: (_, args: { query?: string; limit?: number }, context) =>
      count(select(context, productCollection(context.store), args).length, args.limit),
    productVariant: (_, { id }: { id: string }, { store }) =>
      store.variants.get(numberOf("ProductVariant", id) ?? -1) ?? null,
    productVariants: (_, args: SearchArgs, context) =>
      listing(context, variantCollection(context.store), args),
    productVariantsCount: (_, args: { query?: string; limit?: number }, context) =>
      count(select(context, variantCollection(context.store), args).length, args.limit),
    productTags: (_, args: ConnectionArgs, { store }) =>
      strings(store, args, (product) => product.tags),
    productTypes: (_, args: ConnectionArgs, { store }) =>
      strings(store, args, (product) => [product.productType]),
    productVendors: (_, args: ConnectionArgs, { store }) =>
      strings(store, args, (product) => [product.vendor]),
    inventoryItem: (_, { id }: { id: string }, { store }) =>
      store.items.get(numberOf("InventoryItem", id) ?? -1) ?? null,
    inventoryItems: (_, args: SearchArgs, context) =>
      listing(context, itemCollection(context.store), args),
    inventoryLevel: (_, { id }: { id: string }, { store }) => findLevel(store, id) ?? null,
    inventoryProperties: () => ({
      quantityNames: quantityNames.map((name) => ({
        name,
        displayName: name.replace(/_/g, " ").replace(/^./, (letter) => letter.toUpperCase()),
        isInUse: true,
        belongsTo: name === "on_hand" || name === "incoming" ? [] : ["on_hand"],
        comprises:
          name === "on_hand"
            ? quantityNames.filter((other) => other !== "on_hand" && other !== "incoming")
            : [],
      })),
    }),
    location: (_, { id }: { id?: string | null }, { store }) =>
      (id
        ? store.locations.get(numberOf("Location", id) ?? -1)
        : [...store.locations.values()].find((location) => location.isPrimary)) ?? null,
    locations: (_, args: SearchArgs & { includeInactive?: boolean }, context) =>
      listing(context, locationCollection(context.store, args.includeInactive ?? false), args),
    locationsCount: (_, args: { query?: string; limit?: number }, context) =>
      count(select(context, locationCollection(context.store, true), args).length, args.limit),
  });

  define<Product>(schema, "Product", {
    id: (product) => gid("Product", product.id),
    legacyResourceId: (product) => String(product.id),
    title: (product) => product.title,
    handle: (product) => product.handle,
    description: (product, { truncateAt }: { truncateAt?: number }) => {
      const text = product.descriptionHtml.replace(/<[^>]+>/g, "");
      return given(truncateAt) && text.length > truncateAt
        ? `${text.slice(0, truncateAt - 3)}...`
        : text;
    },
    descriptionHtml: (product) => product.descriptionHtml,
    vendor: (product) => product.vendor,
    productType: (product) => product.productType,
    status: (product) => product.status,
    tags: (product) => product.tags,
    isGiftCard: () => false,
    requiresSellingPlan: () => false,
    createdAt: (product) => dateTime(product.createdAt),
    updatedAt: (product) => dateTime(product.updatedAt),
    publishedAt: (product) => dateTime(product.publishedAt),
    options: (product, { first }: { first?: number }) =>
      product.options
        .slice(0, first ?? undefined)
        .map((option, index) => ({ option, product, position: index + 1 })),
    variants: (product, args: SearchArgs) =>
      listConnection(product.variants, args, (variant) =>
        args.sortKey === "ID" ? variant.id : variant.position,
      ),
    variantsCount: (product) => count(product.variants.length, null),
    totalVariants: (product) => product.variants.length,
    totalInventory: (product) =>
      product.variants.reduce((sum, variant) => sum + inventoryOf(variant.item), 0),
    tracksInventory: (product) => product.variants.some((variant) => variant.item.tracked),
    hasOnlyDefaultVariant: (product) =>
      product.variants.length === 1 && product.variants[0]?.title === "Default Title",
    hasOutOfStockVariants: (product) =>
      product.variants.some((variant) => inventoryOf(variant.item) <= 0),
    hasVariantsThatRequiresComponents: () => false,
    featuredImage: (product, _, { store }) => picture(store, product),
    featuredMedia: (product) => ({ __typename: "MediaImage", product }),
    media: (product, args: ConnectionArgs) =>
      listConnection([{ __typename: "MediaImage", product }], args, () => product.id),
    mediaCount: () => count(1, null),
    images: (product, args: ConnectionArgs, { store }) =>
      listConnection([picture(store, product)], args, () => product.id),
    onlineStoreUrl: (product, _, { store }) =>
      product.publishedAt === null ? null : `https://${store.domain}/products/${product.handle}`,
    onlineStorePreviewUrl: (product, _, { store }) =>
      `https://${store.domain}/products/${product.handle}`,
    priceRangeV2: (product, _, { store }) => priceRange(store, product),
    priceRange: (product, _, { store }) => priceRange(store, product),
    compareAtPriceRange: (product, _, { store }) => {
      const prices = product.variants
        .map((variant) => variant.compareAtPrice)
        .filter((price) => price !== null);
      return prices.length === 0
        ? null
        : {
            minVariantCompareAtPrice: moneyV2(Math.min(...prices), store.currency),
            maxVariantCompareAtPrice: moneyV2(Math.max(...prices), store.currency),
          };
    },
    category: () => null,
    templateSuffix: () => null,
    seo: () => ({ title: null, description: null }),
    metafield: () => null,
    metafields: () => emptyConnection(),
    collections: () => emptyConnection(),
    events: () => emptyConnection(),
    defaultCursor: (product) => Buffer.from(String(product.id)).toString("base64"),
  });
  defineData(schema, "SEO", ["title", "description"]);
  defineData(schema, "ProductPriceRangeV2", ["minVariantPrice", "maxVariantPrice"]);
  defineData(schema, "ProductPriceRange", ["minVariantPrice", "maxVariantPrice"]);
  defineData(schema, "ProductCompareAtPriceRange", [
    "minVariantCompareAtPrice",
    "maxVariantCompareAtPrice",
  ]);

  interface OptionSource {
    option: Product["options"][number];
    product: Product;
    position: number;
  }
  const optionValue = (store: ShopStore, product: Product, position: number, name: string) => ({
    id: gid(
      "ProductOptionValue",
      store.ids.row(
        "ProductOptionValue",
        product.ordinal * 100 +
          position * 20 +
          (product.options[position - 1]?.values.indexOf(name) ?? 0),
      ),
    ),
    name,
    hasVariants: true,
  });
  define<OptionSource>(schema, "ProductOption", {
    id: ({ option }) => gid("ProductOption", option.id),
    name: ({ option }) => option.name,
    position: ({ position }) => position,
    values: ({ option }) => option.values,
    optionValues: ({ option, product, position }, _, { store }) =>
      option.values.map((name) => optionValue(store, product, position, name)),
    linkedMetafield: () => null,
  });
  defineData(schema, "ProductOptionValue", [
    "id",
    "name",
    "hasVariants",
    "linkedMetafieldValue",
    "swatch",
  ]);
  define<{ name: string; value: string; product: Product; position: number }>(
    schema,
    "SelectedOption",
    {
      name: ({ name }) => name,
      value: ({ value }) => value,
      optionValue: ({ product, position, value }, _, { store }) =>
        optionValue(store, product, position, value),
    },
  );

  define<ImageSource>(schema, "Image", {
    id: (image) => image.id,
    altText: (image) => image.altText,
    width: (image) => image.width,
    height: (image) => image.height,
    url: (image, { transform }: TransformArgs) => imageUrl(image, transform),
    src: (image) => image.address,
    originalSrc: (image) => image.address,
    transformedSrc: (image, transform: NonNullable<TransformArgs["transform"]>) =>
      imageUrl(image, transform),
    thumbhash: () => null,
    metafield: () => null,
    metafields: () => emptyConnection(),
  });
  define<{ product: Product }>(schema, "MediaImage", {
    id: ({ product }, _, { store }) =>
      gid("MediaImage", store.ids.row("MediaImage", product.ordinal)),
    alt: ({ product }) => product.title,
    createdAt: ({ product }) => dateTime(product.createdAt),
    updatedAt: ({ product }) => dateTime(product.createdAt),
    fileErrors: () => [],
    fileStatus: () => "READY",
    image: ({ product }, _, { store }) => picture(store, product),
    mediaContentType: () => "IMAGE",
    mediaErrors: () => [],
    mediaWarnings: () => [],
    mimeType: () => "image/svg+xml",
    preview: ({ product }, _, { store }) => ({ image: picture(store, product), status: "READY" }),
    status: () => "READY",
  });
  defineData(schema, "MediaPreviewImage", ["image", "status"]);

  define<Variant>(schema, "ProductVariant", {
    id: (variant) => gid("ProductVariant", variant.id),
    legacyResourceId: (variant) => String(variant.id),
    title: (variant) => variant.title,
    displayName: (variant) => `${variant.product.title} - ${variant.title}`,
    sku: (variant) => variant.sku || null,
    barcode: (variant) => variant.barcode,
    position: (variant) => variant.position,
    price: (variant, _, { store }) => fixedAmount(variant.price, store.currency),
    compareAtPrice: (variant, _, { store }) =>
      variant.compareAtPrice === null ? null : fixedAmount(variant.compareAtPrice, store.currency),
    taxable: (variant) => variant.taxable,
    inventoryPolicy: (variant) => variant.inventoryPolicy,
    inventoryQuantity: (variant) => inventoryOf(variant.item),
    sellableOnlineQuantity: (variant) => inventoryOf(variant.item),
    availableForSale: (variant) =>
      variant.inventoryPolicy === "CONTINUE" || inventoryOf(variant.item) > 0,
    inventoryItem: (variant) => variant.item,
    product: (variant) => variant.product,
    selectedOptions: (variant) =>
      variant.product.options.map((option, index) => ({
        name: option.name,
        value: variant.optionValues[index] ?? "",
        product: variant.product,
        position: index + 1,
      })),
    image: () => null,
    media: () => emptyConnection(),
    requiresComponents: () => false,
    showUnitPrice: () => false,
    createdAt: (variant) => dateTime(variant.createdAt),
    updatedAt: (variant) => dateTime(variant.updatedAt),
    metafield: () => null,
    metafields: () => emptyConnection(),
    events: () => emptyConnection(),
    defaultCursor: (variant) => Buffer.from(String(variant.id)).toString("base64"),
  });

  define<InventoryItem>(schema, "InventoryItem", {
    id: (item) => gid("InventoryItem", item.id),
    legacyResourceId: (item) => String(item.id),
    sku: (item) => item.variant.sku || null,
    tracked: (item) => item.tracked,
    trackedEditable: () => ({ locked: false, reason: null }),
    requiresShipping: (item) => item.requiresShipping,
    unitCost: (item, _, { store }) =>
      item.cost === null ? null : moneyV2(item.cost, store.currency),
    countryCodeOfOrigin: (item) => item.originCountry,
    provinceCodeOfOrigin: () => null,
    harmonizedSystemCode: (item) => item.harmonizedCode,
    countryHarmonizedSystemCodes: () => emptyConnection(),
    duplicateSkuCount: (item, _, { store }) =>
      [...store.items.values()].filter(
        (other) =>
          other !== item && item.variant.sku !== "" && other.variant.sku === item.variant.sku,
      ).length,
    measurement: (item) => ({
      id: gid("InventoryItemMeasurement", item.id),
      weight: weightOf(item.grams),
    }),
    variant: (item) => item.variant,
    variants: (item, args: ConnectionArgs) =>
      listConnection([item.variant], args, (variant) => variant.id),
    inventoryLevel: (
      item,
      { locationId, includeInactive }: { locationId: string; includeInactive?: boolean },
      { store },
    ) => {
      const level = store.level(item, numberOf("Location", locationId) ?? -1);
      return level && (level.isActive || includeInactive) ? level : null;
    },
    inventoryLevels: (item, args: LevelArgs, context) =>
      levelListing(context, item.levels, (level) => level.location.id, args),
    locationsCount: (item) => count(item.levels.filter((level) => level.isActive).length, null),
    inventoryHistoryUrl: (item, _, { store }) =>
      `https://${store.domain}/admin/products/${item.variant.product.id}/variants/${item.variant.id}/inventory_history`,
    createdAt: (item) => dateTime(item.createdAt),
    updatedAt: (item) => dateTime(item.updatedAt),
  });
  defineData(schema, "EditableProperty", ["locked", "reason"]);
  defineData(schema, "InventoryItemMeasurement", ["id", "weight"]);
  defineData(schema, "Weight", ["unit", "value"]);

  define<InventoryLevel>(schema, "InventoryLevel", {
    id: levelGid,
    isActive: (level) => level.isActive,
    item: (level) => level.item,
    location: (level) => level.location,
    quantities: (level, { names }: { names: string[] }) =>
      names
        .filter((name) => (quantityNames as readonly string[]).includes(name))
        .map((name) => ({
          __typename: "InventoryQuantity",
          id: `${gid("InventoryQuantity", level.location.id)}?inventory_item_id=${level.item.id}&name=${name}`,
          name,
          quantity: quantityOf(level, name),
          updatedAt: dateTime(level.updatedAt),
        })),
    canDeactivate: (level) => level.quantities.committed === 0 && level.quantities.incoming === 0,
    deactivationAlert: () => null,
    createdAt: (level) => dateTime(level.createdAt),
    updatedAt: (level) => dateTime(level.updatedAt),
  });
  defineData(schema, "InventoryQuantity", ["id", "name", "quantity", "updatedAt"]);
  defineData(schema, "InventoryProperties", ["quantityNames"]);
  defineData(schema, "InventoryQuantityName", [
    "name",
    "displayName",
    "isInUse",
    "belongsTo",
    "comprises",
  ]);

  define<Location>(schema, "Location", {
    id: (location) => gid("Location", location.id),
    legacyResourceId: (location) => String(location.id),
    name: (location) => location.name,
    address: (location) => location.address,
    addressVerified: () => true,
    isActive: (location) => location.isActive,
    isPrimary: (location) => location.isPrimary,
    isFulfillmentService: () => false,
    fulfillmentService: () => null,
    fulfillsOnlineOrders: () => true,
    shipsInventory: () => true,
    activatable: (location) => !location.isActive,
    deactivatable: (location) => !location.isPrimary,
    deletable: () => false,
    deactivatedAt: () => null,
    hasActiveInventory: () => true,
    hasUnfulfilledOrders: () => true,
    suggestedAddresses: () => [],
    localPickupSettingsV2: () => null,
    inventoryLevel: (
      location,
      { inventoryItemId, includeInactive }: { inventoryItemId: string; includeInactive?: boolean },
      { store },
    ) => {
      const item = store.items.get(numberOf("InventoryItem", inventoryItemId) ?? -1);
      const level = item && store.level(item, location.id);
      return level && (level.isActive || includeInactive) ? level : null;
    },
    inventoryLevels: (location, args: LevelArgs, context) =>
      levelListing(context, levelsAt(context.store, location), (level) => level.item.id, args),
    createdAt: (location) => dateTime(location.createdAt),
    updatedAt: (location) => dateTime(location.updatedAt),
    metafield: () => null,
    metafields: () => emptyConnection(),
  });
  define<Location["address"]>(schema, "LocationAddress", {
    address1: (address) => address.address1,
    address2: (address) => address.address2,
    city: (address) => address.city,
    country: (address) => address.country,
    countryCode: (address) => address.countryCode,
    province: (address) => address.province,
    provinceCode: (address) => address.provinceCode,
    zip: (address) => address.zip,
    phone: (address) => address.phone,
    latitude: () => null,
    longitude: () => null,
    formatted: (address) =>
      [
        address.address1,
        address.address2,
        [address.zip, address.city].filter(Boolean).join(" "),
        address.country,
      ].filter(Boolean),
  });
}

function priceRange(store: Context["store"], product: Product) {
  const prices = product.variants.map((variant) => variant.price);
  return {
    minVariantPrice: moneyV2(Math.min(...prices), store.currency),
    maxVariantPrice: moneyV2(Math.max(...prices), store.currency),
  };
}

function strings(
  store: ShopStore,
  args: ConnectionArgs,
  of: (product: Product) => readonly string[],
) {
  const values = [...new Set([...store.products.values()].flatMap(of))].sort();
  return listConnection(values, args, (_, index) => index);
}
