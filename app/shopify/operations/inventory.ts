import { operation } from "../operation.ts";
import type { NodesData, NodesVariables, Page, PageVariables } from "./page.ts";

/** 3 + 2 + 200 × 3 points; the four quantities are scalars of one list. */
export const LEVELS_PER_PAGE = 200;

/** 2 + 15 × (1 + 2 + 15 × 4) = 947 points. */
export const ITEMS_PER_READ = 15;
const LEVELS_WITH_ITEM = 15;

const level = `
  id
  updatedAt
  isActive
  item { id }
  quantities(names: ["available", "on_hand", "committed", "incoming"]) { name quantity }`;

export interface LevelsPageVariables extends PageVariables {
  readonly locationId: string;
  /** Shopify's search language: `updated_at:>='…'`; null for all. */
  readonly query: string | null;
}

export const levelsPage = operation<
  { location: { inventoryLevels: Page } | null },
  LevelsPageVariables
>(`#graphql
  query InventoryLevelsPage($locationId: ID!, $first: Int!, $after: String, $query: String) {
    location(id: $locationId) {
      inventoryLevels(first: $first, after: $after, query: $query) {
        nodes {${level}
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`);

/** The levels of some inventory items at every location that stocks them. */
export const levelsByItem = operation<NodesData, NodesVariables>(`#graphql
  query InventoryLevelsByItem($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on InventoryItem {
        id
        tracked
        inventoryLevels(first: ${LEVELS_WITH_ITEM}) {
          nodes {${level}
            location { id }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }`);

/** The levels that did not fit beside their item. */
export const itemLevelsPage = operation<
  { inventoryItem: { inventoryLevels: Page } | null },
  PageVariables & { readonly id: string }
>(`#graphql
  query InventoryItemLevelsPage($id: ID!, $first: Int!, $after: String) {
    inventoryItem(id: $id) {
      inventoryLevels(first: $first, after: $after) {
        nodes {${level}
          location { id }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`);

/** As a bulk operation: two connections. By item, since a location can hold every level of the shop. */
export const levelsBulk = operation(`#graphql
  query InventoryLevelsBulk {
    inventoryItems {
      edges {
        node {
          id
          tracked
          inventoryLevels {
            edges {
              node {${level}
                location { id }
              }
            }
          }
        }
      }
    }
  }`);
