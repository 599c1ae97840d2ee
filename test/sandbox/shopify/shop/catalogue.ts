import type { ShopProfile } from "./data/profiles.ts";
import type { IdSpace } from "./ids.ts";
import type {
  InventoryItem,
  InventoryLevel,
  Location,
  Product,
  StockState,
  Variant,
} from "./model.ts";
import { SeededRandom, chance, integer, mixSeed, pick, pickWeighted } from "./random.ts";
import type { Random } from "./random.ts";
import { day } from "./time.ts";
import type { Seconds } from "./time.ts";

/** A kind of thing that a shop sells, in several series. */
export interface Family {
  noun: string;
  type: string;
  shape: string;
  /** Minor units of the shop's currency. */
  price: readonly [min: number, max: number];
  grams: readonly [min: number, max: number];
  /** Begins its SKUs. */
  code: string;
  tags: readonly string[];
  options: readonly { name: string; values: readonly string[] }[];
  blurb: string;
}

/** What a line item quotes: as things were when the shop began, whatever was edited since. */
export interface OriginalVariant {
  variantId: number;
  productId: number;
  title: string;
  variantTitle: string | null;
  sku: string;
  vendor: string;
  price: number;
  grams: number;
  taxable: boolean;
  /** Indexes of the locations that stock it, nearest first. */
  locations: readonly number[];
  /** The most that one order can have of it. */
  most?: number;
}

export interface Catalogue {
  locations: Location[];
  products: Product[];
  variants: Variant[];
  originals: readonly OriginalVariant[];
  originalById: ReadonlyMap<number, OriginalVariant>;
  levels: InventoryLevel[];
}

const palette: readonly (readonly [colour: string, background: string])[] = [
  ["#3f6b52", "#e4ede6"],
  ["#52616e", "#e8ebee"],
  ["#a4502f", "#f6e9e2"],
  ["#c2a36b", "#f7f1e3"],
  ["#27375c", "#e2e6f0"],
  ["#7c2f55", "#f3e4ec"],
  ["#1f6f78", "#dff0f1"],
  ["#8a7f3a", "#f1efdd"],
];

export const emptyStock: Readonly<Record<StockState, number>> = {
  available: 0,
  committed: 0,
  incoming: 0,
  reserved: 0,
  damaged: 0,
  safety_stock: 0,
  quality_control: 0,
};

/** Everything that is in stock physically: all states but what is still on its way. */
export function onHand(quantities: Readonly<Record<StockState, number>>): number {
  const { available, committed, reserved, damaged, safety_stock, quality_control } = quantities;
  return available + committed + reserved + damaged + safety_stock + quality_control;
}

function slug(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function combinations(options: readonly { values: readonly string[] }[]): string[][] {
  return options.reduce<string[][]>(
    (lists, option) => lists.flatMap((list) => option.values.map((value) => [...list, value])),
    [[]],
  );
}

/** How many variants each product gets, so that they add up to exactly the number that is asked for. */
function variantCounts(possible: readonly number[], wanted: number, random: Random): number[] {
  const counts = possible.map((most) => (most === 1 ? 1 : integer(random, 2, Math.min(most, 8))));
  let total = counts.reduce((sum, count) => sum + count, 0);
  for (let turn = 0; total !== wanted; turn = (turn + 1) % counts.length) {
    const count = counts[turn] as number;
    if (total < wanted && count < (possible[turn] as number)) {
      counts[turn] = count + 1;
      total++;
    } else if (total > wanted && count > (possible[turn] === 1 ? 1 : 2)) {
      counts[turn] = count - 1;
      total--;
    }
  }
  return counts;
}

/** Shops are not tidy: a few variants have no SKU, and a few share one with their neighbour. */
function skuFor(
  random: Random,
  previous: string | undefined,
  family: Family,
  series: string,
  ordinal: number,
): string {
  const own = `${family.code}-${slug(series).slice(0, 3).toUpperCase()}-${String(ordinal + 1).padStart(4, "0")}`;
  const draw = random.next();
  if (ordinal === 0) return own;
  return draw < 0.02 ? "" : draw < 0.03 && previous ? previous : own;
}

/** An EAN-13 with a right check digit, in the range that shops may use internally (20–29). */
function barcode(ordinal: number): string {
  const digits = `29${String(ordinal + 1_000_000).padStart(10, "0")}`;
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += Number(digits[i]) * (i % 2 ? 3 : 1);
  return digits + String((10 - (sum % 10)) % 10);
}

function stockFor(random: Random, policy: Variant["inventoryPolicy"]): Record<StockState, number> {
  const quantities = { ...emptyStock };
  switch (pickWeighted(random, [9, 13, 60, 18])) {
    case 0:
      quantities.available =
        policy === "CONTINUE" && chance(random, 0.4) ? -integer(random, 1, 4) : 0;
      break;
    case 1:
      quantities.available = integer(random, 1, 5);
      break;
    case 2:
      quantities.available = integer(random, 6, 60);
      break;
    default:
      quantities.available = integer(random, 61, 240);
  }
  if (quantities.available < 6 && chance(random, 0.4))
    quantities.incoming = 12 * integer(random, 1, 6);
  if (chance(random, 0.05)) quantities.damaged = integer(random, 1, 3);
  if (chance(random, 0.03)) quantities.safety_stock = 5;
  if (chance(random, 0.02)) quantities.quality_control = integer(random, 1, 4);
  return quantities;
}

/** Builds a shop's locations, products, variants and stock as they were when the sandbox started. */
export function buildCatalogue(
  profile: ShopProfile,
  ids: IdSpace,
  seed: number,
  now: Seconds,
): Catalogue {
  const random = new SeededRandom(mixSeed(seed, Number(profile.id), 1));
  const opened = now - 900 * day;
  const locations: Location[] = profile.locations.map((place, ordinal) => ({
    __typename: "Location",
    id: ids.row("Location", ordinal),
    name: place.name,
    address: place.address,
    isActive: true,
    isPrimary: ordinal === 0,
    createdAt: opened + ordinal * 90 * day,
    updatedAt: opened + ordinal * 90 * day,
  }));
  const pairs = profile.series.flatMap((series) =>
    profile.families.map((family) => ({ series, family })),
  );
  const chosen = pairs.slice(0, profile.products);
  const counts = variantCounts(
    chosen.map(({ family }) => combinations(family.options).length),
    profile.variants,
    random,
  );
  const products: Product[] = [];
  const variants: Variant[] = [];
  const originals: OriginalVariant[] = [];
  const levels: InventoryLevel[] = [];

  for (const [ordinal, { series, family }] of chosen.entries()) {
    const createdAt = opened + integer(random, 0, 800) * day + integer(random, 8, 18) * 3_600;
    const updatedAt = Math.min(now - 3_600, createdAt + integer(random, 1, 95) * day);
    const [colour, background] = pick(random, palette);
    const status =
      (["ACTIVE", "DRAFT", "ARCHIVED"] as const)[pickWeighted(random, [93, 4, 3])] ?? "ACTIVE";
    const title = `${series} ${family.noun}`;
    const vendor = pick(random, profile.vendors);
    const product: Product = {
      __typename: "Product",
      id: ids.row("Product", ordinal),
      ordinal,
      title,
      handle: slug(title),
      descriptionHtml: `<p>${family.blurb}</p>`,
      vendor,
      productType: family.type,
      status,
      tags: [
        ...family.tags,
        ...(chance(random, 0.2) ? ["new"] : []),
        ...(chance(random, 0.12) ? ["sale"] : []),
      ].sort(),
      options: (family.options.length
        ? family.options
        : [{ name: "Title", values: ["Default Title"] }]
      ).map((option, index) => ({
        __typename: "ProductOption",
        id: ids.row("ProductOption", ordinal * 3 + index),
        name: option.name,
        values: [...option.values],
      })),
      variants: [],
      createdAt,
      updatedAt,
      publishedAt: status === "ACTIVE" ? createdAt : null,
      picture: { shape: family.shape, colour, background },
    };
    products.push(product);
    const basePrice = integer(random, family.price[0] / 100, family.price[1] / 100) * 100 - 5;
    const grams = integer(random, family.grams[0] / 10, family.grams[1] / 10) * 10;
    const stockedAt = locations
      .map((_, index) => index)
      .filter((index) => index === 0 || chance(random, 0.72));
    const rows = family.options.length ? combinations(family.options) : [["Default Title"]];
    for (const [index, optionValues] of rows.slice(0, counts[ordinal]).entries()) {
      const variantOrdinal = variants.length;
      const onSale = product.tags.includes("sale");
      const price = Math.max(500, basePrice + (family.shape === "tent" ? index * 9_000 : 0));
      const tracked = !chance(random, 0.01);
      const inventoryPolicy = !tracked || chance(random, 0.12) ? "CONTINUE" : "DENY";
      const variantTitle = optionValues.join(" / ");
      const item: InventoryItem = {
        __typename: "InventoryItem",
        id: ids.row("InventoryItem", variantOrdinal),
        variant: undefined as unknown as Variant,
        // What is made to order is not counted.
        tracked,
        requiresShipping: true,
        grams: grams + index * 10,
        cost: chance(random, 0.85) ? Math.round(price * 0.46) : null,
        originCountry: chance(random, 0.7) ? pick(random, ["DE", "PT", "VN", "US", "LT"]) : null,
        harmonizedCode: chance(random, 0.5) ? String(integer(random, 420_000, 640_999)) : null,
        levels: [],
        createdAt,
        updatedAt,
      };
      const variant: Variant = {
        __typename: "ProductVariant",
        id: ids.row("ProductVariant", variantOrdinal),
        ordinal: variantOrdinal,
        product,
        title: variantTitle,
        optionValues,
        sku: skuFor(random, variants.at(-1)?.sku, family, series, variantOrdinal),
        barcode: chance(random, 0.94) ? barcode(variantOrdinal) : null,
        position: index + 1,
        price,
        compareAtPrice: onSale ? Math.round(price * 1.25) : null,
        taxable: true,
        inventoryPolicy,
        createdAt,
        updatedAt,
        item,
      };
      item.variant = variant;
      for (const location of stockedAt) {
        const level: InventoryLevel = {
          __typename: "InventoryLevel",
          item,
          location: locations[location] as Location,
          isActive: true,
          quantities: item.tracked ? stockFor(random, inventoryPolicy) : { ...emptyStock },
          createdAt,
          updatedAt,
        };
        item.levels.push(level);
        levels.push(level);
      }
      product.variants.push(variant);
      variants.push(variant);
      originals.push({
        variantId: variant.id,
        productId: product.id,
        title,
        variantTitle: variantTitle === "Default Title" ? null : variantTitle,
        sku: variant.sku,
        vendor,
        price,
        grams: item.grams,
        taxable: true,
        locations: stockedAt,
      });
    }
    // Options list only the values that a variant has, as Shopify does.
    for (const [index, option] of product.options.entries()) {
      option.values = [
        ...new Set(product.variants.map((variant) => variant.optionValues[index] as string)),
      ];
    }
  }
  const originalById = new Map(originals.map((original) => [original.variantId, original]));
  return { locations, products, variants, originals, originalById, levels };
}
