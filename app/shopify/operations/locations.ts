import { operation } from "../operation.ts";
import type { NodesData, NodesVariables, Page, PageVariables } from "./page.ts";

/** Two objects per location and the page's own two points: far below the limit of 1,000. */
export const LOCATIONS_PER_PAGE = 50;

const location = `
  id
  name
  isActive
  fulfillsOnlineOrders
  updatedAt
  address { address1 address2 zip city province country }`;

/** Every place that holds stock, those of fulfillment services and those closed included. */
export const locationsPage = operation<{ locations: Page }, PageVariables>(`#graphql
  query LocationsPage($first: Int!, $after: String) {
    locations(first: $first, after: $after, includeInactive: true, includeLegacy: true) {
      nodes {${location}
      }
      pageInfo { hasNextPage endCursor }
    }
  }`);

export const locationsById = operation<NodesData, NodesVariables>(`#graphql
  query LocationsById($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on Location {${location}
      }
    }
  }`);
