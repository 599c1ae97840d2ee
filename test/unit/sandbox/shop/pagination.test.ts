import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listConnection, paginate } from "../../../sandbox/shopify/shop/connection.ts";
import type { Connection } from "../../../sandbox/shopify/shop/connection.ts";
import { bench } from "./harness.ts";
import type { Page } from "./harness.ts";

interface Named {
  id: string;
}

describe("walking through a connection", () => {
  const shop = bench({ orders: 230 });

  const walk = async (field: string, size: number, forwards: boolean, more = "") => {
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 500; pages++) {
      const side = forwards ? "first" : "last";
      const edge = forwards ? "after" : "before";
      const data: Record<string, Page<Named>> = await shop.run(
        `query($cursor: String) { ${field}(${side}: ${size}, ${edge}: $cursor ${more}) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
        { cursor },
      );
      const page = data[field] as Page<Named>;
      const ids = page.nodes.map((node) => node.id);
      if (forwards) seen.push(...ids);
      else seen.unshift(...ids);
      expect(forwards ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage).toBe(pages > 0);
      if (!(forwards ? page.pageInfo.hasNextPage : page.pageInfo.hasPreviousPage)) return seen;
      cursor = forwards ? page.pageInfo.endCursor : page.pageInfo.startCursor;
    }
    throw new Error("the walk never ended");
  };

  const fields = [
    ["orders", ", sortKey: UPDATED_AT"],
    ["orders", ", sortKey: TOTAL_PRICE, reverse: true"],
    ["orders", ', sortKey: CUSTOMER_NAME, query: "financial_status:paid"'],
    ["orders", ", reverse: true"],
    ["products", ", sortKey: TITLE"],
    ["products", ", sortKey: INVENTORY_TOTAL, reverse: true"],
    ["productVariants", ", sortKey: SKU"],
    ["customers", ", sortKey: NAME"],
    ["inventoryItems", ""],
    ["locations", ""],
    ["fulfillmentOrders", ", sortKey: UPDATED_AT"],
  ] as const;

  it.each(fields)(
    "covers each node of %s(%s) once, forwards and backwards alike",
    async (field, more) => {
      const forwards = await walk(field, 23, true, more);
      const backwards = await walk(field, 17, false, more);
      expect(new Set(forwards).size).toBe(forwards.length);
      expect(forwards.length).toBeGreaterThan(2);
      expect(backwards).toEqual(forwards);
    },
  );

  it("turns the whole list round with reverse", async () => {
    const there = await walk("orders", 50, true, ", sortKey: UPDATED_AT");
    const back = await walk("orders", 50, true, ", sortKey: UPDATED_AT, reverse: true");
    expect(back).toEqual([...there].reverse());
  });

  it("keeps its place while others write", async () => {
    const busy = bench({ orders: 60 });
    const first = await busy.run<{ orders: Page<Named> }>(
      "{ orders(first: 20, sortKey: CREATED_AT, reverse: true) { nodes { id } pageInfo { endCursor } } }",
    );
    busy.advance(60_000);
    busy.shop.placeOrders(5);
    const second = await busy.run<{ orders: Page<Named> }>(
      "query($after: String) { orders(first: 20, sortKey: CREATED_AT, reverse: true, after: $after) { nodes { id } } }",
      { after: first.orders.pageInfo.endCursor },
    );
    const ids = [...first.orders.nodes, ...second.orders.nodes].map((node) => node.id);
    expect(new Set(ids).size).toBe(40);
  });

  it("refuses a cursor that was made for another order of things", async () => {
    const page = await shop.run<{ products: Page<Named> }>(
      "{ products(first: 1, sortKey: TITLE) { pageInfo { endCursor } } }",
    );
    const result = await shop.try(
      "query($after: String) { products(first: 1, sortKey: ID, after: $after) { nodes { id } } }",
      {
        after: page.products.pageInfo.endCursor,
      },
    );
    expect(result.errors?.[0]?.message).toBe("Invalid cursor for current pagination sort.");
  });

  it("refuses what is no cursor at all", async () => {
    const result = await shop.try('{ orders(first: 1, after: "next") { nodes { id } } }');
    expect(result.errors?.[0]?.message).toBe("Invalid cursor for current pagination sort.");
  });

  it("gives edges and nodes the same elements", async () => {
    const { orders } = await shop.run<{
      orders: {
        nodes: Named[];
        edges: { cursor: string; node: Named }[];
        pageInfo: { endCursor: string };
      };
    }>("{ orders(first: 5) { nodes { id } edges { cursor node { id } } pageInfo { endCursor } } }");
    expect(orders.edges.map((edge) => edge.node)).toEqual(orders.nodes);
    expect(orders.edges.at(-1)?.cursor).toBe(orders.pageInfo.endCursor);
  });

  it("finds every element once, whatever the values, sizes and directions", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        fc.boolean(),
        (values, size, reverse, forwards) => {
          const entries = values
            .map((value, id) => ({ value, id }))
            .sort((a, b) => a.value - b.value || a.id - b.id);
          const listing = {
            entries,
            idOf: (entry: { id: number }) => entry.id,
            valueOf: (entry: { id: number; value: number }) => entry.value,
            load: (entry: { id: number }) => entry.id,
          };
          const seen: number[] = [];
          let cursor: string | null = null;
          for (;;) {
            const page: Connection<number> = paginate(listing, {
              reverse,
              ...(forwards ? { first: size, after: cursor } : { last: size, before: cursor }),
            });
            if (forwards) seen.push(...page.nodes);
            else seen.unshift(...page.nodes);
            const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
            if (!(forwards ? hasNextPage : hasPreviousPage)) break;
            cursor = forwards ? endCursor : startCursor;
          }
          const wanted = entries.map((entry) => entry.id);
          expect(seen).toEqual(reverse ? wanted.reverse() : wanted);
        },
      ),
    );
  });

  it("gives everything when no size is asked for, as inside a bulk operation", () => {
    expect(listConnection([3, 1, 2], {}, (value) => value).nodes).toEqual([1, 2, 3]);
  });
});
