import { expect, test } from "vitest";
import {
  isCutShort,
  productFromPayload,
  productPayload,
} from "../../../app/products/mapping.server.ts";

const variant = {
  id: 2,
  title: "Default Title",
  sku: null,
  price: "5.00",
  position: 1,
  updated_at: "2026-11-20T10:00:00Z",
  inventory_item_id: 3,
};
const bare = {
  id: 1,
  title: "Blue mug",
  handle: "blue-mug",
  status: "active",
  vendor: null,
  product_type: null,
  tags: "",
  created_at: "2026-11-20T10:00:00Z",
  updated_at: "2026-11-20T10:00:00Z",
  variants: [variant],
};

const rowsOf = (payload: object) =>
  productFromPayload(productPayload.parse({ ...bare, ...payload }));

test("a product's only variant has no title of its own", () => {
  expect(rowsOf({}).variants.map(({ title }) => title)).toEqual([null]);
  const named = [{ ...variant, title: "Large" }];
  expect(rowsOf({ variants: named }).variants.map(({ title }) => title)).toEqual(["Large"]);
});

test("whether stock is tracked is known only where it is said", () => {
  const tracked = (inventory_management: unknown) =>
    rowsOf({ variants: [{ ...variant, inventory_management }] }).variants[0]?.tracked;
  expect(tracked("shopify")).toBe(true);
  expect(tracked(null)).toBe(false);
  expect(rowsOf({}).variants[0]?.tracked).toBeNull();
});

test("a payload that stops at a hundred variants is known to be cut short", () => {
  const variants = Array.from({ length: 100 }, (_, n) => ({ ...variant, id: n + 1 }));
  const named = Array.from({ length: 101 }, (_, n) => ({ admin_graphql_api_id: n }));
  expect(isCutShort(productPayload.parse({ ...bare, variants, variant_gids: named }))).toBe(true);
  expect(isCutShort(productPayload.parse({ ...bare, variants }))).toBe(true);
  const all = named.slice(0, 100);
  expect(isCutShort(productPayload.parse({ ...bare, variants, variant_gids: all }))).toBe(false);
  expect(isCutShort(productPayload.parse(bare))).toBe(false);
});

test("a variant's picture is the one that it names among the product's", () => {
  const images = [
    { id: 7, src: "https://pictures/7" },
    { id: 8, src: "https://pictures/8" },
  ];
  const { product, variants } = rowsOf({ images, variants: [{ ...variant, image_id: 8 }] });
  expect([product.imageUrl, variants[0]?.imageUrl]).toEqual([
    "https://pictures/7",
    "https://pictures/8",
  ]);
});
