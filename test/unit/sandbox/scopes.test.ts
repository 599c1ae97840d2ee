import { parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { loadAdminSchema } from "../../sandbox/shopify/schema.ts";
import { compressScopes, expandScopes, missingScopes } from "../../sandbox/shopify/scopes.ts";

const admin = loadAdminSchema();

function missing(text: string, granted: string[]): string[] {
  const document = parse(text);
  expect(validate(admin.schema, document)).toEqual([]);
  return [...new Set(missingScopes(admin, document, granted).map(({ coordinate }) => coordinate))];
}

describe("the scopes that a document needs", () => {
  it("are those of the objects that it reads, at the field that gives them", () => {
    const text = "{ orders(first: 1) { nodes { id customer { id } } } }";
    expect(missing(text, ["read_orders", "read_customers"])).toEqual([]);
    expect(missing(text, ["read_orders"])).toEqual(["Order.customer: Customer"]);
    expect(missing(text, ["read_customers"])).toEqual([
      "QueryRoot.orders: Order",
      "OrderConnection.nodes: Order",
    ]);
  });

  it("are those of a mutation and of what it gives back", () => {
    const text =
      'mutation { orderUpdate(input: { id: "gid://shopify/Order/1" }) { order { id } userErrors { message } } }';
    expect(missing(text, ["write_orders"])).toEqual([]);
    expect(missing(text, ["read_orders"])).toEqual(["Mutation.orderUpdate"]);
    // A published entry that mixes in a scope for points of sale does not let that scope pass.
    expect(
      missing(text, ["read_orders", "write_pos_staff_member_event_attribution_overrides"]),
    ).toEqual(["Mutation.orderUpdate"]);
  });

  it("are asked for by the mutations that have no published entry", () => {
    const cancel =
      'mutation { fulfillmentCancel(id: "gid://shopify/Fulfillment/1") { userErrors { message } } }';
    expect(missing(cancel, ["read_orders"])).toEqual(["Mutation.fulfillmentCancel"]);
    expect(missing(cancel, ["write_merchant_managed_fulfillment_orders"])).toEqual([]);
    const tags =
      'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: []) { userErrors { message } } }';
    expect(missing(tags, ["read_orders"])).toEqual(["Mutation.tagsAdd"]);
  });

  it("count inside fragments and behind interfaces", () => {
    const text = `
      { node(id: "gid://shopify/Order/1") { id ...Known ... on Product { id } } }
      fragment Known on Order { name }
    `;
    expect(missing(text, ["read_products"])).toEqual(["node: Order"]);
  });

  it("are none for what every app may read", () => {
    expect(missing("{ shop { name } }", [])).toEqual([]);
  });
});

describe("scopes", () => {
  it("of writing include those of reading", () => {
    expect([...expandScopes(["write_orders"])]).toEqual(["write_orders", "read_orders"]);
  });

  it("are listed by Shopify without what writing includes", () => {
    expect(compressScopes(["read_orders", "write_orders", "read_products"])).toEqual([
      "write_orders",
      "read_products",
    ]);
  });
});
