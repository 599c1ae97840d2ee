import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PlatformSession } from "./shopify-platform/session.ts";

let session: PlatformSession;

beforeAll(async () => {
  session = await PlatformSession.start();
});
afterEach(() => {
  session.shopify.protectedData = { level1: true, level2: true };
});
afterAll(() => session.close());

const ORDERS = "{ orders(first: 5) { nodes { id name email customer { id email } } } }";

describe("access", () => {
  it("is denied at the field whose scope is missing, and the rest is answered", async () => {
    const { status, body } = await session.graphql(
      "{ orders(first: 5) { nodes { id customer { id } } } }",
    );
    expect(status).toBe(200);
    expect(body.data).toEqual({
      orders: { nodes: [{ id: "gid://shopify/Order/1", customer: null }] },
    });
    expect(body.errors?.[0]).toMatchObject({
      message: "Access denied for customer field. Required access: `read_customers` access scope.",
      path: ["orders", "nodes", 0, "customer"],
      extensions: {
        code: "ACCESS_DENIED",
        documentation: "https://shopify.dev/api/usage/access-scopes",
        requiredAccess: "`read_customers` access scope.",
      },
    });
  });

  it("is denied to a mutation without its scope, before anything happens", async () => {
    const { body } = await session.graphql(
      'mutation { orderEditBegin(id: "gid://shopify/Order/1") { userErrors { message } } }',
    );
    expect(body.data).toEqual({ orderEditBegin: null });
    expect(body.errors?.[0]?.extensions?.code).toBe("ACCESS_DENIED");
  });

  it("is denied inside a bulk operation's query just the same", async () => {
    const { body } = await session.graphql(
      'mutation { bulkOperationRunQuery(query: "{ customers { edges { node { id } } } }") { userErrors { message } } }',
    );
    expect(body.errors?.[0]?.message).toContain("Access denied for customers field");
  });

  it("to bulk operations lapses, and then they are denied", async () => {
    session.shopify.bulkAccess = false;
    const { body } = await session.graphql(
      'mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") { userErrors { message } } }',
    );
    session.shopify.bulkAccess = true;
    expect(body.data).toEqual({ bulkOperationRunQuery: null });
    expect(body.errors?.[0]?.extensions?.code).toBe("ACCESS_DENIED");
  });

  it("to orders needs approval for protected data, whatever the scopes", async () => {
    session.shopify.protectedData = { level1: false, level2: false };
    const { body } = await session.graphql(ORDERS);
    expect(body.data).toBeNull();
    expect(body.errors?.[0]).toMatchObject({
      message: expect.stringContaining(
        "This app is not approved to access the Order object.",
      ) as string,
      path: ["orders"],
      extensions: { code: "ACCESS_DENIED" },
    });
  });

  it("to names and addresses needs the second approval; without it they are null", async () => {
    session.shopify.protectedData = { level1: true, level2: false };
    const { body } = await session.graphql("{ orders(first: 5) { nodes { name email } } }");
    expect(body.data).toEqual({ orders: { nodes: [{ name: "#1001", email: null }] } });
    expect(body.errors?.[0]).toMatchObject({
      message: expect.stringContaining("not approved to use the email field") as string,
      path: ["orders", "nodes", 0, "email"],
    });
  });
});

describe("throttling", () => {
  it("refuses what the bucket cannot cover, with HTTP 200, and says how full it is", async () => {
    const query = "{ products(first: 200) { nodes { id } } }";
    session.shopify.leaveInBucket(session.shop.domain, 100);
    const { status, body } = await session.graphql(query);
    expect(status).toBe(200);
    expect(body.data).toBeUndefined();
    expect(body.errors?.[0]).toMatchObject({
      message: "Throttled",
      extensions: { code: "THROTTLED" },
    });
    expect(body.extensions?.cost).toMatchObject({
      requestedQueryCost: 202,
      actualQueryCost: null,
      throttleStatus: { maximumAvailable: 2_000, restoreRate: 100 },
    });
    expect(body.extensions?.cost.throttleStatus.currentlyAvailable).toBeLessThan(202);
  });

  it("charges what a query did cost, not what it might have", async () => {
    session.shopify.leaveInBucket(session.shop.domain, 500);
    const { body } = await session.graphql("{ products(first: 200) { nodes { id } } }");
    expect(body.extensions?.cost).toMatchObject({ requestedQueryCost: 202, actualQueryCost: 6 });
    expect(body.extensions?.cost.throttleStatus.currentlyAvailable).toBeGreaterThanOrEqual(494);
  });

  it("never runs a query of more than 1,000 points, however full the bucket", async () => {
    const { body } = await session.graphql(
      "{ products(first: 100) { nodes { id variants(first: 100) { nodes { id } } } } }",
    );
    expect(body.errors?.[0]).toMatchObject({
      message: expect.stringContaining(
        "Query cost is 10302, which exceeds the single query max cost limit (1000).",
      ) as string,
      extensions: { code: "MAX_COST_EXCEEDED", cost: 10_302, maxCost: 1_000 },
    });
  });
});

describe("@idempotent", () => {
  const adjust = (
    key: string | undefined,
    delta: number,
    selection = "inventoryAdjustmentGroup { id }",
  ) =>
    session.graphql(
      `mutation ($input: InventoryAdjustQuantitiesInput!${key === undefined ? "" : ", $key: String!"}) {
        inventoryAdjustQuantities(input: $input) ${key === undefined ? "" : "@idempotent(key: $key)"} {
          ${selection}
          userErrors { field message code }
        }
      }`,
      {
        variables: {
          ...(key === undefined ? {} : { key }),
          input: {
            name: "available",
            reason: "correction",
            changes: [
              {
                delta,
                changeFromQuantity: null,
                inventoryItemId: "gid://shopify/InventoryItem/1",
                locationId: "gid://shopify/Location/1",
              },
            ],
          },
        },
      },
    );
  const codeOf = (body: { data?: unknown }) =>
    (
      body.data as {
        inventoryAdjustQuantities: { userErrors: { code: string }[] };
      }
    ).inventoryAdjustQuantities.userErrors[0]?.code;

  it("is required, in Shopify's own words", async () => {
    const before = session.shop.ledger.length;
    const { status, body } = await adjust(undefined, 1);
    expect(status).toBe(200);
    expect(body.errors?.[0]).toMatchObject({
      message: "The @idempotent directive is required for this mutation but was not provided.",
      path: ["inventoryAdjustQuantities"],
      extensions: { code: "BAD_REQUEST" },
    });
    expect((await adjust(" ", 1)).body.errors?.[0]?.extensions?.code).toBe("BAD_REQUEST");
    expect(session.shop.ledger).toHaveLength(before);
  });

  it("makes a repeated request give the first one's result and change nothing", async () => {
    const before = session.shop.ledger.length;
    const first = await adjust("key-replay", 2);
    const second = await adjust("key-replay", 2);
    expect(second.body.data).toEqual(first.body.data);
    // Another selection is still the same request: only the parameters count.
    const third = await adjust("key-replay", 2, "inventoryAdjustmentGroup { __typename }");
    expect(third.body.errors).toBeUndefined();
    expect(session.shop.ledger).toHaveLength(before + 1);
  });

  it("refuses the same key for other parameters", async () => {
    await adjust("key-mismatch", 1);
    const { body } = await adjust("key-mismatch", 3);
    expect(codeOf(body)).toBe("IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
  });

  it("refuses a second request while the first is under way", async () => {
    const before = session.shop.ledger.length;
    session.shopify.faults.set({ kind: "latency", ms: 300, inside: true, times: 1 });
    const struck = new Promise<void>((resolve) => session.shopify.faults.once("change", resolve));
    const first = adjust("key-concurrent", 1);
    await struck;
    const second = await adjust("key-concurrent", 1);
    expect(codeOf(second.body)).toBe("IDEMPOTENCY_CONCURRENT_REQUEST");
    expect(codeOf((await first).body)).toBeUndefined();
    expect(session.shop.ledger).toHaveLength(before + 1);
  });

  it("wants a new key after an attempt that failed", async () => {
    const failed = await adjust("key-failed", -1_000);
    expect(codeOf(failed.body)).toBe("INVALID_QUANTITY_TOO_LOW");
    const again = await adjust("key-failed", -1_000);
    expect(codeOf(again.body)).toBe("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED");
  });

  it("forgets a key after a day", async () => {
    let now = new Date();
    const own = await PlatformSession.start({ clock: () => now });
    const run = () =>
      own.graphql(
        `mutation {
          inventoryAdjustQuantities(input: {name: "available", reason: "correction", changes: [{delta: 1, changeFromQuantity: null, inventoryItemId: "gid://shopify/InventoryItem/1", locationId: "gid://shopify/Location/1"}]}) @idempotent(key: "daily") { userErrors { code } }
        }`,
      );
    await run();
    now = new Date(now.getTime() + 23 * 3_600_000);
    await own.authenticate();
    await run();
    expect(own.shop.ledger).toHaveLength(1);
    now = new Date(now.getTime() + 2 * 3_600_000);
    await own.authenticate();
    await run();
    expect(own.shop.ledger).toHaveLength(2);
    await own.close();
  });
});
