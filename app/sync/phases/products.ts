import { productFromNode, productNode } from "../../products/mapping.server.ts";
import { packProducts } from "../../products/store.server.ts";
import {
  PRODUCTS_PER_PAGE,
  productsBulk,
  productsCount,
  productsPage,
} from "../../shopify/operations/products.ts";
import { completeProducts } from "../product-reader.server.ts";
import { readNode } from "../unreadable.ts";
import { phaseOf } from "./listing.ts";
import { mapped } from "./mapped.ts";

export const products = phaseOf({
  async count(context) {
    const { productsCount: answer } = await context.admin.request(productsCount, {}, context);
    return { count: answer?.count ?? 0, exact: answer?.precision === "EXACT" };
  },
  bulk: {
    query: () => productsBulk,
    personal: false,
    shape: { Product: { ProductVariant: "variants" }, ProductVariant: { "*": "media" } },
    perStep: 100,
    async toBatch({ unreadable }, nodes) {
      const found = await mapped(nodes, (node) => readNode(productNode, node, unreadable));
      return { kind: "products", batch: packProducts(await mapped(found, productFromNode)) };
    },
  },
  async *pages(context, cursor) {
    let at = cursor;
    const query = at.since ? `updated_at:>='${at.since}'` : null;
    for (;;) {
      const { products: page } = await context.admin.request(
        productsPage,
        { first: PRODUCTS_PER_PAGE, after: at.after, query },
        context,
      );
      const nodes = await completeProducts(context.admin, page.nodes, context);
      const more = page.pageInfo.hasNextPage;
      at = { ...at, after: page.pageInfo.endCursor };
      yield {
        kind: "step",
        batch: { kind: "products", batch: packProducts(nodes.map(productFromNode)) },
        next: more ? at : null,
        add: page.nodes.length,
      };
      if (!more) return;
    }
  },
});
