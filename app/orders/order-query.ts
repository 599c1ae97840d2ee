import {
  defaultPageSize,
  readChoice,
  readChoices,
  readId,
  readInstant,
  readOptionalText,
  readPage,
  readText,
  writePage,
  writeText,
} from "../list-query.ts";
import {
  fulfillmentStatuses,
  orderSorts,
  orderTabs,
  paymentStatuses,
  type OrderQuery,
  type OrderSort,
} from "./types.ts";

export const defaultOrderQuery: OrderQuery = {
  tab: "all",
  search: "",
  paymentStatuses: [],
  fulfillmentStatuses: [],
  locationId: null,
  tag: null,
  placedAfter: null,
  placedBefore: null,
  sort: "placed",
  descending: true,
  after: null,
  before: null,
  pageSize: defaultPageSize,
};

/** The direction in which a list is first sorted: newest and largest first, names from A. */
function naturallyDescending(sort: OrderSort): boolean {
  return sort !== "customer";
}

/** Reads what an address asks for. Unknown and malformed values are left out, never an error. */
export function parseOrderQuery(params: URLSearchParams): OrderQuery {
  const sort = readChoice(params, "sort", orderSorts, defaultOrderQuery.sort);
  const direction = readChoice(
    params,
    "dir",
    ["asc", "desc"],
    naturallyDescending(sort) ? "desc" : "asc",
  );
  return {
    tab: readChoice(params, "tab", orderTabs, defaultOrderQuery.tab),
    search: readText(params, "q"),
    paymentStatuses: readChoices(params, "payment", paymentStatuses),
    fulfillmentStatuses: readChoices(params, "fulfillment", fulfillmentStatuses),
    locationId: readId(params, "location"),
    tag: readOptionalText(params, "tag"),
    placedAfter: readInstant(params, "from"),
    placedBefore: readInstant(params, "until"),
    sort,
    descending: direction === "desc",
    ...readPage(params),
  };
}

/** The address of a query: what {@link parseOrderQuery} reads back, without what is the default anyway. */
export function orderSearchParams(query: OrderQuery): URLSearchParams {
  const params = new URLSearchParams();
  if (query.tab !== defaultOrderQuery.tab) params.set("tab", query.tab);
  writeText(params, "q", query.search);
  for (const status of query.paymentStatuses) params.append("payment", status);
  for (const status of query.fulfillmentStatuses) params.append("fulfillment", status);
  if (query.locationId !== null) params.set("location", String(query.locationId));
  writeText(params, "tag", query.tag);
  if (query.placedAfter) params.set("from", query.placedAfter.toISOString());
  if (query.placedBefore) params.set("until", query.placedBefore.toISOString());
  if (query.sort !== defaultOrderQuery.sort) params.set("sort", query.sort);
  if (query.descending !== naturallyDescending(query.sort)) {
    params.set("dir", query.descending ? "desc" : "asc");
  }
  writePage(params, query);
  return params;
}

/** The same list from its first page. */
export function firstOrderPage(query: OrderQuery): OrderQuery {
  return { ...query, after: null, before: null };
}

/** Whether anything but the tab narrows the list. */
export function isFiltered(query: OrderQuery): boolean {
  return (
    query.search !== "" ||
    query.paymentStatuses.length > 0 ||
    query.fulfillmentStatuses.length > 0 ||
    query.locationId !== null ||
    query.tag !== null ||
    query.placedAfter !== null ||
    query.placedBefore !== null
  );
}
