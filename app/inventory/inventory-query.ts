import {
  defaultPageSize,
  readChoice,
  readId,
  readOptionalText,
  readPage,
  readText,
  writePage,
  writeText,
} from "../list-query.ts";
import { inventorySorts, stockFilters, type InventoryQuery } from "./types.ts";

export const defaultInventoryQuery: InventoryQuery = {
  search: "",
  locationId: null,
  stock: "all",
  productType: null,
  vendor: null,
  sort: "title",
  descending: false,
  after: null,
  before: null,
  pageSize: defaultPageSize,
};

/** Reads what an address asks for. Unknown and malformed values are left out, never an error. */
export function parseInventoryQuery(params: URLSearchParams): InventoryQuery {
  return {
    search: readText(params, "q"),
    locationId: readId(params, "location"),
    stock: readChoice(params, "stock", stockFilters, defaultInventoryQuery.stock),
    productType: readOptionalText(params, "type"),
    vendor: readOptionalText(params, "vendor"),
    sort: readChoice(params, "sort", inventorySorts, defaultInventoryQuery.sort),
    descending: readChoice(params, "dir", ["asc", "desc"], "asc") === "desc",
    ...readPage(params),
  };
}

/** The address of a query: what {@link parseInventoryQuery} reads back, without what is the default anyway. */
export function inventorySearchParams(query: InventoryQuery): URLSearchParams {
  const params = new URLSearchParams();
  if (query.stock !== defaultInventoryQuery.stock) params.set("stock", query.stock);
  writeText(params, "q", query.search);
  if (query.locationId !== null) params.set("location", String(query.locationId));
  writeText(params, "type", query.productType);
  writeText(params, "vendor", query.vendor);
  if (query.sort !== defaultInventoryQuery.sort) params.set("sort", query.sort);
  if (query.descending) params.set("dir", "desc");
  writePage(params, query);
  return params;
}

/** The same list from its first page. */
export function firstInventoryPage(query: InventoryQuery): InventoryQuery {
  return { ...query, after: null, before: null };
}

/** Whether anything but the tab and the location narrows the list. */
export function isFiltered(query: InventoryQuery): boolean {
  return query.search !== "" || query.productType !== null || query.vendor !== null;
}
