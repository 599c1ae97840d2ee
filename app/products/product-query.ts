import {
  defaultPageSize,
  readChoice,
  readOptionalChoice,
  readOptionalText,
  readPage,
  readText,
  writePage,
  writeText,
} from "../list-query.ts";
import { productSorts, productStatuses, type ProductQuery, type ProductSort } from "./types.ts";

export const defaultProductQuery: ProductQuery = {
  search: "",
  status: null,
  productType: null,
  vendor: null,
  sort: "title",
  descending: false,
  after: null,
  before: null,
  pageSize: defaultPageSize,
};

/** The direction in which a list is first sorted: the last changed first, names and stock from below. */
function naturallyDescending(sort: ProductSort): boolean {
  return sort === "updated";
}

/** Reads what an address asks for. Unknown and malformed values are left out, never an error. */
export function parseProductQuery(params: URLSearchParams): ProductQuery {
  const sort = readChoice(params, "sort", productSorts, defaultProductQuery.sort);
  const direction = readChoice(
    params,
    "dir",
    ["asc", "desc"],
    naturallyDescending(sort) ? "desc" : "asc",
  );
  return {
    search: readText(params, "q"),
    status: readOptionalChoice(params, "status", productStatuses),
    productType: readOptionalText(params, "type"),
    vendor: readOptionalText(params, "vendor"),
    sort,
    descending: direction === "desc",
    ...readPage(params),
  };
}

/** The address of a query: what {@link parseProductQuery} reads back, without what is the default anyway. */
export function productSearchParams(query: ProductQuery): URLSearchParams {
  const params = new URLSearchParams();
  if (query.status !== null) params.set("status", query.status);
  writeText(params, "q", query.search);
  writeText(params, "type", query.productType);
  writeText(params, "vendor", query.vendor);
  if (query.sort !== defaultProductQuery.sort) params.set("sort", query.sort);
  if (query.descending !== naturallyDescending(query.sort)) {
    params.set("dir", query.descending ? "desc" : "asc");
  }
  writePage(params, query);
  return params;
}

/** The same list from its first page. */
export function firstProductPage(query: ProductQuery): ProductQuery {
  return { ...query, after: null, before: null };
}

/** Whether anything but the status narrows the list. */
export function isFiltered(query: ProductQuery): boolean {
  return query.search !== "" || query.productType !== null || query.vendor !== null;
}
