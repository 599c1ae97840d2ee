import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../app/database/cluster.ts";
import { walkInOrder } from "../../app/database/list-reads.ts";
import { defaultOrderQuery } from "../../app/orders/order-query.ts";
import { listOrders, orderStatements } from "../../app/orders/queries.server.ts";
import type { OrderQuery } from "../../app/orders/types.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";
import { insertManyOrders } from "./support/many-orders.ts";

const SHOP = "large.myshopify.com";
const COUNT = 100_000;

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;

/** As the app's role, under row-level security, beside a second shop of the same size. */
beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  cluster = openCluster(database);
  const owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
  await insertManyOrders(owner, { shop: SHOP, count: COUNT });
  await insertManyOrders(owner, {
    shop: "other.myshopify.com",
    count: COUNT,
    firstId: 10 * COUNT,
  });
  await owner.end();
});
afterAll(async () => {
  await cluster?.close();
  await database?.drop();
  await server?.[Symbol.asyncDispose]();
});

interface PlanNode {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

function nodes(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodes)];
}

async function explain(
  query: Partial<OrderQuery>,
  what: "matching" | "page",
  { broad = false }: { broad?: boolean } = {},
) {
  const statements = orderStatements(SHOP, { ...defaultOrderQuery, ...query });
  const statement =
    what === "page"
      ? statements.page
      : sql`select count(*) from (select 1 ${statements.matching} limit 10001) counted`;
  const { value } = await cluster.read(SHOP, async (db) => {
    if (broad) await walkInOrder(db);
    return db.execute<{ "QUERY PLAN": { Plan: PlanNode }[] | string }>(
      sql`explain (analyze, format json) ${statement}`,
    );
  });
  const text = value[0]?.["QUERY PLAN"] ?? "[]";
  const [{ Plan: plan } = { Plan: undefined }] = (
    typeof text === "string" ? JSON.parse(text) : text
  ) as { Plan: PlanNode }[];
  if (!plan) throw new Error("There is no plan.");
  const all = nodes(plan);
  return {
    indexes: all.flatMap((node) => node["Index Name"] ?? []),
    types: all.map((node) => node["Node Type"]),
    discarded: all.reduce((sum, node) => sum + (node["Rows Removed by Filter"] ?? 0), 0),
  };
}

describe("with 100,000 orders", () => {
  test.for([
    ["a tracking number", "TRK0123"],
    ["a name", "anna muller"],
    ["an e-mail address", "customer1234@"],
    ["an order's name", "#51234"],
  ])("a search for %s goes through the trigram index", async ([, search]) => {
    for (const what of ["matching", "page"] as const) {
      const { indexes, types } = await explain({ search: search ?? "" }, what);
      expect(indexes).toContain("orders_search");
      expect(types.filter((type) => type.includes("Seq Scan"))).toEqual([]);
    }
  });

  test("a search that nearly everything matches finds its page without collecting all of it", async () => {
    const { indexes, types, discarded } = await explain({ search: "example.com" }, "page", {
      broad: true,
    });
    expect(indexes).toEqual(["orders_by_placed_at"]);
    expect(types).not.toContain("Sort");
    expect(discarded).toBeLessThan(1_000);
  });

  test.for([
    [{ sort: "placed" }, "orders_by_placed_at"],
    [{ sort: "updated" }, "orders_by_updated_at"],
    [{ sort: "total" }, "orders_by_total"],
    [{ sort: "customer" }, "orders_by_customer"],
    [{ tab: "to-fulfil" }, "orders_to_fulfil"],
    [{ tab: "taken-here" }, "orders_taken_here"],
    [{ paymentStatuses: ["voided"] }, "orders_by_payment_status"],
  ] as const)("%o is read in the order of %s", async ([query, index]) => {
    for (const descending of [true, false]) {
      const { indexes, types, discarded } = await explain({ ...query, descending }, "page");
      expect(indexes).toEqual([index]);
      expect(types).not.toContain("Sort");
      expect(discarded).toBeLessThan(1_000);
    }
  });

  test("a page deep in the list costs as little as the first", async () => {
    const middle = await listOrders(cluster, SHOP, {
      ...defaultOrderQuery,
      placedBefore: new Date("2026-06-01"),
    });
    const { indexes, discarded } = await explain({ after: middle.value.nextCursor }, "page");
    expect(indexes).toEqual(["orders_by_placed_at"]);
    expect(discarded).toBe(0);
  });

  test("counting looks at the index alone", async () => {
    for (const query of [{}, { tab: "to-fulfil" }] as const) {
      const { types } = await explain(query, "matching");
      expect(types).toContain("Index Only Scan");
    }
  });

  test("what is counted stops at 10,000", async () => {
    const { value } = await listOrders(cluster, SHOP, defaultOrderQuery);
    expect(value.total).toBeNull();
    const anna = await listOrders(cluster, SHOP, { ...defaultOrderQuery, search: "anna" });
    expect(anna.value.total).toBe(10_000);
  });
});
