import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseId } from "../../../app/list-query.ts";
import {
  inventorySearchParams,
  parseInventoryQuery,
} from "../../../app/inventory/inventory-query.ts";
import { inventorySorts, stockFilters, type InventoryQuery } from "../../../app/inventory/types.ts";
import { orderSearchParams, parseOrderQuery } from "../../../app/orders/order-query.ts";
import {
  fulfillmentStatuses,
  orderSorts,
  orderTabs,
  paymentStatuses,
  type OrderQuery,
} from "../../../app/orders/types.ts";
import { parseProductQuery, productSearchParams } from "../../../app/products/product-query.ts";
import { productSorts, productStatuses, type ProductQuery } from "../../../app/products/types.ts";

const text = fc
  .string({ unit: "grapheme", maxLength: 120 })
  .map((value) => value.trim())
  .filter((value) => value.length <= 200 && !value.includes("\0"));
const optionalText = fc.option(text.filter((value) => value !== ""));
const cursor = fc.base64String({ minLength: 1, maxLength: 80 });
const page = fc.oneof(
  fc.record({ after: fc.constant(null), before: fc.option(cursor) }),
  fc.record({ after: cursor, before: fc.constant(null) }),
);
const pageSize = fc.integer({ min: 10, max: 100 });
const id = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const instant = fc.option(
  fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
);

const orderQuery: fc.Arbitrary<OrderQuery> = fc
  .record({
    tab: fc.constantFrom(...orderTabs),
    search: text,
    paymentStatuses: fc.subarray([...paymentStatuses]),
    fulfillmentStatuses: fc.subarray([...fulfillmentStatuses]),
    locationId: id,
    tag: optionalText,
    placedAfter: instant,
    placedBefore: instant,
    sort: fc.constantFrom(...orderSorts),
    descending: fc.boolean(),
    pageSize,
  })
  .chain((query) => page.map((where) => ({ ...query, ...where })));

const inventoryQuery: fc.Arbitrary<InventoryQuery> = fc
  .record({
    search: text,
    locationId: id,
    stock: fc.constantFrom(...stockFilters),
    productType: optionalText,
    vendor: optionalText,
    sort: fc.constantFrom(...inventorySorts),
    descending: fc.boolean(),
    pageSize,
  })
  .chain((query) => page.map((where) => ({ ...query, ...where })));

const productQuery: fc.Arbitrary<ProductQuery> = fc
  .record({
    search: text,
    status: fc.option(fc.constantFrom(...productStatuses)),
    productType: optionalText,
    vendor: optionalText,
    sort: fc.constantFrom(...productSorts),
    descending: fc.boolean(),
    pageSize,
  })
  .chain((query) => page.map((where) => ({ ...query, ...where })));

/** An address as somebody may have typed or garbled it: known names, any values. */
const names = [
  ...["tab", "q", "payment", "fulfillment", "location", "tag", "from", "until", "sort", "dir"],
  ...["after", "before", "size", "stock", "type", "vendor", "status"],
];
const anyAddress = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.string({ unit: "binary", maxLength: 400 })))
  .map((pairs) => new URLSearchParams(pairs));

const lists = [
  { list: "orders", query: orderQuery, parse: parseOrderQuery, write: orderSearchParams },
  {
    list: "inventory",
    query: inventoryQuery,
    parse: parseInventoryQuery,
    write: inventorySearchParams,
  },
  { list: "products", query: productQuery, parse: parseProductQuery, write: productSearchParams },
] as {
  list: string;
  query: fc.Arbitrary<OrderQuery>;
  parse: typeof parseOrderQuery;
  write: typeof orderSearchParams;
}[];

describe.each(lists)("the address of the list of $list", ({ query, parse, write }) => {
  it("gives back every query that was written into it", () => {
    fc.assert(
      fc.property(query, (asked) => {
        expect(parse(new URLSearchParams(write(asked).toString()))).toEqual(asked);
      }),
    );
  });

  it("is read without an error whatever stands in it, and stays the same from then on", () => {
    fc.assert(
      fc.property(anyAddress, (params) => {
        const read = parse(params);
        expect(read.pageSize).toBeGreaterThanOrEqual(10);
        expect(read.pageSize).toBeLessThanOrEqual(100);
        expect(JSON.stringify(read)).not.toContain("\\u0000");
        expect(parse(write(read))).toEqual(read);
      }),
    );
  });

  it("is empty for what is shown without any choice", () => {
    expect(write(parse(new URLSearchParams())).toString()).toBe("");
  });
});

describe("an id in an address", () => {
  it.each(["", "0", "-1", "1.5", "1e3", "abc", " 1", "9007199254740993", "99999999999999999999"])(
    "is refused when it is %j",
    (given) => {
      expect(parseId(given)).toBeNull();
    },
  );

  it("is read when it is one of Shopify's", () => {
    expect(parseId("5846123456789")).toBe(5846123456789);
  });
});
