import { productNode, variantNode, type ProductNode } from "../products/mapping.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { pageOf } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import {
  PRODUCTS_PER_PAGE,
  productsById,
  productVariantsPage,
  VARIANTS_PER_PAGE,
} from "../shopify/operations/products.ts";
import { allNodes, chunks, whole } from "./pages.ts";
import { readNode, type Unreadable } from "./unreadable.ts";

const variantPage = pageOf(variantNode);

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Told of products whose shape is not known, which are then left out; without it, they are an error. */
  readonly unreadable?: Unreadable;
}

/** Products by id with all of their variants; null for each that is gone. */
export async function readProducts(
  admin: AdminClient,
  ids: readonly number[],
  options: ReadOptions = {},
): Promise<Map<number, ProductNode | null>> {
  const found = new Map<number, ProductNode | null>(ids.map((id) => [id, null]));
  for (const some of chunks(ids, PRODUCTS_PER_PAGE)) {
    const { nodes } = await admin.request(
      productsById,
      { ids: some.map((id) => globalId("Product", id)) },
      options,
    );
    const present = nodes.filter((node) => node !== null);
    for (const product of await completeProducts(admin, present, options)) {
      found.set(product.id, product);
    }
  }
  return found;
}

/** Products as a page has them, with the variants that did not fit into the page read as well. */
export async function completeProducts(
  admin: AdminClient,
  nodes: readonly unknown[],
  options: ReadOptions = {},
): Promise<ProductNode[]> {
  const complete: ProductNode[] = [];
  for (const node of nodes) {
    const product = readNode(productNode, node, options.unreadable);
    if (!product) continue;
    const id = globalId("Product", product.id);
    const variants = await allNodes(
      product.variants,
      async (after) =>
        (await admin.request(productVariantsPage, { id, first: VARIANTS_PER_PAGE, after }, options))
          .product?.variants,
      (page) => variantPage.parse(page),
    );
    complete.push({ ...product, variants: whole(variants) });
  }
  return complete;
}
