import { operation } from "../operation.ts";
import type { NodesData, NodesVariables, Page, PageVariables } from "./page.ts";

/**
 * The cost of a page, by Shopify's rules (object 1, connection 2 and its nodes): a product is 3 objects and its
 * connection of variants 2; a variant is 2 objects, and its first picture 2 + 3. So 2 + 6 × (5 + 20 × 7) = 872.
 */
export const PRODUCTS_PER_PAGE = 6;
const VARIANTS_WITH_PRODUCT = 20;

/** 3 + 100 × 7 points. */
export const VARIANTS_PER_PAGE = 100;

const variant = `
  id
  title
  sku
  barcode
  price
  compareAtPrice
  position
  updatedAt
  inventoryItem { id tracked }`;

const variantPicture = (first: string) => `
  media${first} { nodes { preview { image { url } } } }`;

const product = `
  id
  title
  handle
  status
  vendor
  productType
  tags
  createdAt
  updatedAt
  hasOnlyDefaultVariant
  featuredMedia { preview { image { url } } }`;

const productWithVariants = `${product}
  variants(first: ${VARIANTS_WITH_PRODUCT}) {
    nodes {${variant}${variantPicture("(first: 1)")}
    }
    pageInfo { hasNextPage endCursor }
  }`;

export interface ProductsPageVariables extends PageVariables {
  /** Shopify's search language: `updated_at:>='…'`; null for all. */
  readonly query: string | null;
}

export const productsPage = operation<{ products: Page }, ProductsPageVariables>(`#graphql
  query ProductsPage($first: Int!, $after: String, $query: String) {
    products(first: $first, after: $after, query: $query, sortKey: ID) {
      nodes {${productWithVariants}
      }
      pageInfo { hasNextPage endCursor }
    }
  }`);

export const productsById = operation<NodesData, NodesVariables>(`#graphql
  query ProductsById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on Product {${productWithVariants}
      }
    }
  }`);

/** The variants that did not fit beside their product. */
export const productVariantsPage = operation<
  { product: { variants: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query ProductVariantsPage($id: ID!, $first: Int!, $after: String) {
    product(id: $id) {
      variants(first: $first, after: $after) {
        nodes {${variant}${variantPicture("(first: 1)")}
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`);

/** Counted up to 10,000, Shopify's default bound. */
export const productsCount = operation<{
  productsCount: { count: number; precision: string } | null;
}>(`#graphql
  query ProductsCount {
    productsCount { count precision }
  }`);

/** As a bulk operation: three connections, two of them nested. */
export const productsBulk = operation(`#graphql
  query ProductsBulk {
    products {
      edges {
        node {${product}
          variants {
            edges {
              node {${variant}
                media { edges { node { id preview { image { url } } } } }
              }
            }
          }
        }
      }
    }
  }`);
