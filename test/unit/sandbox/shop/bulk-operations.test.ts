import { describe, expect, it } from "vitest";
import { levelsBulk } from "../../../../app/shopify/operations/inventory.ts";
import { ordersBulk } from "../../../../app/shopify/operations/orders.ts";
import { productsBulk } from "../../../../app/shopify/operations/products.ts";
import { planBulkQuery } from "../../../sandbox/shopify/shop/bulk-operations.ts";
import { bench, schema } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface Operation {
  id: string;
  status: string;
  errorCode: string | null;
  objectCount: string;
  rootObjectCount: string;
  fileSize: string | null;
  url: string | null;
}

type Line = Record<string, unknown> & { id: string; __parentId?: string };

const ended = (shop: Bench) =>
  new Promise<void>((resolve) => {
    const listen = (event: { topic: string }) => {
      if (event.topic !== "bulk_operations/finish") return;
      shop.shop.events.off("event", listen);
      resolve();
    };
    shop.shop.events.on("event", listen);
  });

const start = async (shop: Bench, query: string, groupObjects = false) =>
  (
    await shop.run<{
      bulkOperationRunQuery: {
        bulkOperation: { id: string; status: string } | null;
        userErrors: { code: string; message: string }[];
      };
    }>(
      "mutation($query: String!, $groupObjects: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $groupObjects) { bulkOperation { id status } userErrors { code message field } } }",
      { query, groupObjects },
    )
  ).bulkOperationRunQuery;

const read = async (shop: Bench, id: string) =>
  (
    await shop.run<{ bulkOperation: Operation }>(
      "query($id: ID!) { bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount fileSize url } }",
      { id },
    )
  ).bulkOperation;

async function download(shop: Bench, url: string | null): Promise<string> {
  const file = shop.shop.files.get((url ?? "").replace("https://files.example/", ""));
  if (typeof file !== "function") throw new Error("no such file");
  let text = "";
  for await (const part of file()) text += part;
  return text;
}

async function runBulk(shop: Bench, query: string, grouped = false) {
  const end = ended(shop);
  const { bulkOperation, userErrors } = await start(shop, query, grouped);
  expect(userErrors).toEqual([]);
  expect(bulkOperation?.status).toBe("CREATED");
  await end;
  const operation = await read(shop, bulkOperation?.id ?? "");
  const text = operation.url ? await download(shop, operation.url) : "";
  return {
    operation,
    text,
    lines: text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line),
  };
}

const nested = `{ orders(sortKey: CREATED_AT) { edges { node { id name lineItems { edges { node { id quantity } } }
  fulfillmentOrders { edges { node { id lineItems { edges { node { id remainingQuantity } } } } } } } } } }`;

describe("a bulk query", () => {
  it("writes one line per object, children pointing to their parents", async () => {
    const shop = bench({ orders: 120 });
    const { operation, text, lines } = await runBulk(shop, nested);
    expect(operation).toMatchObject({
      status: "COMPLETED",
      errorCode: null,
      objectCount: String(lines.length),
      rootObjectCount: "120",
      fileSize: String(Buffer.byteLength(text)),
    });
    const ids = new Set(lines.map((line) => line.id));
    expect(ids.size).toBe(lines.length);
    expect(lines.filter((line) => line.__parentId === undefined)).toHaveLength(120);
    for (const line of lines) if (line.__parentId) expect(ids).toContain(line.__parentId);
  });

  it("says the same as pages do", async () => {
    const shop = bench({ orders: 40 });
    const { lines } = await runBulk(
      shop,
      "{ orders(sortKey: CREATED_AT) { edges { node { id name totalPriceSet { shopMoney { amount } } tags } } } }",
    );
    const { orders } = await shop.run<{ orders: { nodes: object[] } }>(
      "{ orders(first: 250, sortKey: CREATED_AT) { nodes { id name totalPriceSet { shopMoney { amount } } tags } } }",
    );
    expect(lines).toEqual(orders.nodes);
  });

  it("puts children right behind their parent only when they are grouped", async () => {
    const shop = bench({ orders: 30 });
    const parentsInOrder = (lines: Line[]) => {
      let parent: string | undefined;
      return lines.every((line) => {
        if (line.id.includes("/Order/")) parent = line.id;
        return !line.id.includes("/LineItem/") || line.__parentId === parent;
      });
    };
    const grouped = await runBulk(shop, nested, true);
    const ungrouped = await runBulk(shop, nested, false);
    expect(parentsInOrder(grouped.lines)).toBe(true);
    expect(parentsInOrder(ungrouped.lines)).toBe(false);
    const sorted = (lines: Line[]) => lines.map((line) => JSON.stringify(line)).sort();
    expect(sorted(ungrouped.lines)).toEqual(sorted(grouped.lines));
  });

  it("keeps what the shop was while it ran", async () => {
    const shop = bench({ orders: 30 });
    const { operation, text } = await runBulk(shop, "{ orders { edges { node { id note } } } }");
    shop.shop.placeOrders(3);
    expect(await download(shop, operation.url)).toBe(text);
  });

  it("sees no more than the app may see", async () => {
    const shop = bench({ orders: 200 });
    expect((await runBulk(shop, "{ orders { edges { node { id } } } }")).lines).toHaveLength(200);
  });

  it("has no file when it found nothing", async () => {
    const shop = bench({ orders: 30 });
    const { operation } = await runBulk(
      shop,
      '{ orders(query: "name:nothing") { edges { node { id } } } }',
    );
    expect(operation).toMatchObject({
      status: "COMPLETED",
      objectCount: "0",
      url: null,
      fileSize: null,
    });
  });

  it("fails, with what it has so far, when something cannot be read", async () => {
    const shop = bench({ orders: 30 });
    const end = ended(shop);
    const { bulkOperation } = await start(
      shop,
      "{ orders { edges { node { id staffMember { id } disputes { id } channelInformation { id } publication { id } shopifyProtect { status } suggestedRefund { amount } } } } }",
    );
    await end;
    expect(await read(shop, bulkOperation?.id ?? "")).toMatchObject({
      status: "FAILED",
      errorCode: "INTERNAL_SERVER_ERROR",
      url: null,
    });
  });

  it("runs five at a time and refuses the sixth", async () => {
    const shop = bench({ orders: 30 });
    const query = "{ orders { edges { node { id } } } }";
    const ends = Promise.all([1, 2, 3, 4, 5].map(async () => ended(shop)));
    for (let n = 0; n < 5; n++) expect((await start(shop, query)).userErrors).toEqual([]);
    expect((await start(shop, query)).userErrors[0]?.code).toBe("OPERATION_IN_PROGRESS");
    await ends;
  });

  it("can be cancelled while it runs, and only then", async () => {
    const shop = bench({ orders: 60 });
    const end = ended(shop);
    const { bulkOperation } = await start(shop, nested);
    const cancel = (id: string) =>
      shop.run<{
        bulkOperationCancel: { bulkOperation: { status: string } | null; userErrors: unknown[] };
      }>(
        "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { field message } } }",
        { id },
      );
    expect((await cancel(bulkOperation?.id ?? "")).bulkOperationCancel.bulkOperation?.status).toBe(
      "CANCELING",
    );
    await end;
    expect(await read(shop, bulkOperation?.id ?? "")).toMatchObject({
      status: "CANCELED",
      url: null,
    });
    expect((await cancel(bulkOperation?.id ?? "")).bulkOperationCancel.userErrors).toHaveLength(1);
  });

  it.each([
    ["no connection", "{ shop { name } }", "Bulk queries must contain at least one connection."],
    ["what is no query", "{ orders {", "Invalid bulk query"],
    [
      "a field that does not exist",
      "{ orders { edges { node { colour } } } }",
      "Invalid bulk query",
    ],
    [
      "a node at the top",
      '{ node(id: "gid://shopify/Order/1") { id } }',
      "Bulk queries cannot contain node or nodes at the top level.",
    ],
    [
      "more than five connections",
      "{ orders { edges { node { id lineItems { edges { node { id } } } fulfillmentOrders { edges { node { id } } } events { edges { node { id } } } metafields { edges { node { id } } } returns { edges { node { id } } } } } } }",
      "Bulk queries cannot contain more than 5 connections.",
    ],
    [
      "a nested connection without its parent's id",
      "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
      "must select the 'id' field",
    ],
    [
      "a connection inside a list",
      "{ orders { edges { node { id fulfillments { id fulfillmentLineItems { edges { node { id } } } } } } } }",
      "within a list field",
    ],
    [
      "connections three levels deep",
      "{ products { edges { node { id variants { edges { node { id inventoryItem { id variants { edges { node { id metafields { edges { node { id } } } } } } } } } } } } } }",
      "nesting depth",
    ],
    [
      "variables",
      "query($first: Int) { orders(first: $first) { edges { node { id } } } }",
      "cannot contain variables",
    ],
    ["a mutation", 'mutation { tagsAdd(id: "x", tags: []) { node { id } } }', "exactly one query"],
  ])("refuses %s", async (_what, query, message) => {
    const shop = bench({ orders: 10 });
    const { bulkOperation, userErrors } = await start(shop, query);
    expect(bulkOperation).toBeNull();
    expect(userErrors[0]).toMatchObject({ code: "INVALID" });
    expect(userErrors[0]?.message).toContain(message);
  });

  it("takes the app's own bulk queries", async () => {
    const shop = bench({ orders: 60 });
    for (const operation of [ordersBulk, productsBulk, levelsBulk]) {
      expect(planBulkQuery(schema, operation.text)).not.toBeTypeOf("string");
      const { operation: result } = await runBulk(shop, operation.text, true);
      expect(result.status).toBe("COMPLETED");
      expect(Number(result.rootObjectCount)).toBeGreaterThan(50);
    }
  });

  it("shows its operations to the app that started them alone", async () => {
    const shop = bench({ orders: 10 });
    await runBulk(shop, "{ orders { edges { node { id } } } }");
    const mine = await shop.run<{ bulkOperations: { nodes: { status: string }[] } }>(
      '{ bulkOperations(first: 5, query: "status:completed") { nodes { status } } }',
    );
    expect(mine.bulkOperations.nodes).toEqual([{ status: "COMPLETED" }]);
    Object.assign(shop.context, { appId: "gid://shopify/App/1" });
    expect(await shop.run("{ bulkOperations(first: 5) { nodes { status } } }")).toEqual({
      bulkOperations: { nodes: [] },
    });
  });
});
