import { getOperationAST, parse, validate } from "graphql";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CostRules } from "../../sandbox/shopify/cost.ts";
import { loadAdminSchema } from "../../sandbox/shopify/schema.ts";

const { schema } = loadAdminSchema();
const rules = new CostRules(schema);

function read(text: string) {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  return { document, operation: getOperationAST(document)! };
}

function requested(text: string, variables: Record<string, unknown> = {}): number {
  const { document, operation } = read(text);
  return rules.requested(document, operation, variables);
}

function actual(text: string, data: Record<string, unknown>): number {
  const { document, operation } = read(text);
  return rules.actual(document, operation, {}, data);
}

describe("the requested cost of a query", () => {
  it("counts nothing for scalars and one for an object", () => {
    expect(requested("{ shop { name myshopifyDomain currencyCode } }")).toBe(1);
    expect(requested("{ shop { name plan { publicDisplayName } } }")).toBe(2);
  });

  it("is what was recorded for a connection of ten", () => {
    expect(requested("{ customers(first: 10) { nodes { phone } } }")).toBe(12);
    expect(requested("{ customers(first: 10) { edges { cursor node { phone } } } }")).toBe(12);
    expect(
      requested("{ customers(first: 10) { nodes { phone } pageInfo { hasNextPage endCursor } } }"),
    ).toBe(12);
  });

  it("multiplies connections inside connections", () => {
    expect(
      requested("{ products(first: 10) { nodes { id variants(first: 5) { nodes { id } } } } }"),
    ).toBe(2 + 10 * (1 + 2 + 5));
  });

  it("takes the page size from variables and their defaults, and from last", () => {
    const text = "query ($first: Int = 7) { products(first: $first) { nodes { id } } }";
    expect(requested(text, { first: 20 })).toBe(22);
    expect(requested("{ products(last: 3) { nodes { id } } }")).toBe(5);
  });

  it("counts an aliased field as often as it is asked for", () => {
    expect(requested("{ a: shop { name } b: shop { name } }")).toBe(2);
  });

  it("counts a list by its ids", () => {
    expect(
      requested('{ nodes(ids: ["gid://shopify/Product/1", "gid://shopify/Product/2"]) { id } }'),
    ).toBe(2);
  });

  it("takes the dearest of the types that an interface could be", () => {
    expect(
      requested(`{
        node(id: "gid://shopify/Product/1") {
          id
          ... on Product { variants(first: 10) { nodes { id } } }
          ... on Order { customer { id } }
        }
      }`),
    ).toBe(1 + 12);
  });

  it("sees through fragments", () => {
    expect(
      requested(`
        { products(first: 2) { ...Page } }
        fragment Page on ProductConnection { nodes { ...Item } }
        fragment Item on Product { id featuredMedia { id } }
      `),
    ).toBe(2 + 2 * 2);
  });

  it("is ten for a mutation with its object and its user errors", () => {
    expect(
      requested(
        'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["a"]) { node { id } userErrors { message } } }',
      ),
    ).toBe(10);
    expect(
      requested(
        'mutation { bulkOperationRunQuery(query: "{ shop { id } }") { bulkOperation { id status } userErrors { field message } } }',
      ),
    ).toBe(10);
  });

  it("costs nothing to look at the schema", () => {
    expect(requested("{ __schema { types { name } } }")).toBe(0);
    expect(requested("{ __typename }")).toBe(0);
  });
});

describe("the actual cost of a query", () => {
  const text = "{ products(first: 50) { nodes { id variants(first: 10) { nodes { id } } } } }";

  it("counts what came back", () => {
    const nodes = [{ id: "1", variants: { nodes: [{ id: "2" }, { id: "3" }] } }];
    expect(actual(text, { products: { nodes } })).toBe(2 + (1 + 2 + 2));
    expect(actual(text, { products: { nodes: [] } })).toBe(2);
  });

  it("is one for an object that was not there, as recorded", () => {
    expect(
      actual(
        '{ product(id: "gid://shopify/Product/1") { variants(first: 250) { nodes { id } } } }',
        { product: null },
      ),
    ).toBe(1);
  });

  it("counts the type that was there, not the dearest", () => {
    expect(
      actual(
        `{ node(id: "gid://shopify/Order/1") { id ... on Product { variants(first: 10) { nodes { id } } } ... on Order { customer { id } } } }`,
        { node: { id: "gid://shopify/Order/1", customer: { id: "x" } } },
      ),
    ).toBe(2);
  });

  it("never exceeds what was requested, whatever the sizes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 250 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 250 }),
        (first, sizes) => {
          const query = `{ products(first: ${first}) { nodes { id variants(first: 20) { nodes { id } } } } }`;
          const nodes = sizes.slice(0, first).map((size) => ({
            id: "p",
            variants: { nodes: Array.from({ length: size }, () => ({ id: "v" })) },
          }));
          expect(actual(query, { products: { nodes } })).toBeLessThanOrEqual(requested(query));
        },
      ),
      { numRuns: 50 },
    );
  });
});
