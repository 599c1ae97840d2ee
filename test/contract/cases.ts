import assert from "node:assert/strict";
import type { Answer, AnswerError, ContractTarget } from "./target.ts";

/** Ids of things that the shop has; null where it has none. */
export interface Samples {
  readonly product: string | null;
  readonly variant: string | null;
  readonly inventoryItem: string | null;
  readonly location: string | null;
  readonly order: string | null;
}

/** One thing that the app relies on. */
export interface ContractCase {
  readonly name: string;
  /** Whether it changes anything in the shop; it puts back what it changed. */
  readonly mutates: boolean;
  /** Samples without which it cannot be tried. */
  readonly needs: readonly (keyof Samples)[];
  /** Throws when the platform does otherwise. May give back a remark for the table. */
  readonly run: (target: ContractTarget, samples: Samples) => Promise<string | void>;
}

const MISSING = "999999999999999";

/** Looks for something of each kind in the shop. */
export async function findSamples(target: ContractTarget): Promise<Samples> {
  const { data } = await target.ask(`{
    products(first: 1, query: "status:active") {
      nodes { id variants(first: 1) { nodes { id inventoryItem { id inventoryLevels(first: 1) { nodes { location { id } } } } } } }
    }
    orders(first: 1, reverse: true) { nodes { id } }
  }`);
  const found = data as {
    products: {
      nodes: {
        id: string;
        variants: {
          nodes: {
            id: string;
            inventoryItem: {
              id: string;
              inventoryLevels: { nodes: { location: { id: string } }[] };
            };
          }[];
        };
      }[];
    };
    orders: { nodes: { id: string }[] };
  } | null;
  const product = found?.products.nodes[0];
  const variant = product?.variants.nodes[0];
  return {
    product: product?.id ?? null,
    variant: variant?.id ?? null,
    inventoryItem: variant?.inventoryItem.id ?? null,
    location: variant?.inventoryItem.inventoryLevels.nodes[0]?.location.id ?? null,
    order: found?.orders.nodes[0]?.id ?? null,
  };
}

export const cases: readonly ContractCase[] = [
  reads("answers with the version that it was asked for", [], async (target) => {
    const answer = fine(await target.ask("{ shop { name } }"));
    assert.equal(answer.headers.get("x-shopify-api-version"), "2026-10");
  }),

  reads("refuses an unknown token with 401", [], async (target) => {
    assert.equal((await target.ask("{ shop { name } }", { token: "shpat_unknown" })).status, 401);
  }),

  reads("has no version that never was", [], async (target) => {
    assert.equal((await target.ask("{ shop { name } }", { version: "2026-13" })).status, 404);
  }),

  reads("refuses a body that is not a GraphQL request with 400", [], async (target) => {
    assert.equal((await target.post("{")).status, 400);
  }),

  reads("answers invalid queries with HTTP 200, errors and no data", [], async (target) => {
    const answer = await target.ask("{ shop { noSuchField } }");
    assert.equal(answer.status, 200);
    assert.ok(answer.errors.length > 0);
    assert.equal(answer.data, undefined);
  }),

  reads("tells what a query cost and how full the bucket is", [], async (target) => {
    const { cost } = fine(await target.ask("{ products(first: 10) { nodes { id } } }"));
    assert.ok(cost?.actualQueryCost);
    assert.ok(cost.requestedQueryCost >= cost.actualQueryCost);
    const { maximumAvailable, currentlyAvailable, restoreRate } = cost.throttleStatus;
    assert.ok(currentlyAvailable <= maximumAvailable);
    assert.ok([100, 200, 1_000, 2_000].includes(restoreRate));
    return `requested ${cost.requestedQueryCost}, actual ${cost.actualQueryCost}, bucket ${maximumAvailable} at ${restoreRate}/s`;
  }),

  reads("charges a large page no more than 2 points and 1 for each object", [], async (target) => {
    const { cost } = fine(await target.ask("{ products(first: 250) { nodes { id } } }"));
    assert.ok(cost && cost.requestedQueryCost <= 252);
    return `requested ${cost.requestedQueryCost}`;
  }),

  reads("never runs a query that is too expensive", [], async (target) => {
    const answer = await target.ask(
      "{ products(first: 250) { nodes { variants(first: 250) { nodes { media(first: 250) { nodes { id } } } } } } }",
    );
    assert.equal(answer.status, 200);
    assert.equal(code(answer), "MAX_COST_EXCEEDED");
    assert.equal(answer.data, undefined);
  }),

  reads("wants a page size, and at most 250", [], async (target) => {
    for (const query of [
      "{ products { nodes { id } } }",
      "{ products(first: 251) { nodes { id } } }",
    ]) {
      assert.ok((await target.ask(query)).errors.length > 0, query);
    }
  }),

  reads("denies a field whose scope the app lacks, and answers the rest", [], async (target) => {
    if (target.scopes.has("read_gift_cards")) return "not tried: the token may read gift cards";
    const answer = await target.ask("{ shop { name } giftCards(first: 1) { nodes { id } } }");
    assert.equal(answer.status, 200);
    assert.equal(code(answer), "ACCESS_DENIED");
    assert.match(answer.errors[0]?.message ?? "", /^Access denied for giftCards field\./);
    assert.deepEqual(answer.errors[0]?.path, ["giftCards"]);
  }),

  reads("pages by cursors without gaps or repeats", [], async (target) => {
    const ids: string[] = [];
    let after: string | null = null;
    for (let page = 0; page < 3; page++) {
      const { data } = fine(
        await target.ask(
          "query ($after: String) { products(first: 5, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }",
          { variables: { after } },
        ),
      );
      const { products } = data as {
        products: {
          nodes: { id: string }[];
          pageInfo: { hasNextPage: boolean; endCursor: string | null };
        };
      };
      ids.push(...products.nodes.map(({ id }) => id));
      after = products.pageInfo.endCursor;
      if (!products.pageInfo.hasNextPage) break;
    }
    assert.equal(new Set(ids).size, ids.length);
    return `${ids.length} products`;
  }),

  reads(
    "lists orders by updated_at from a moment on, in whole seconds",
    ["order"],
    async (target) => {
      const since = new Date(Date.now() - 50 * 24 * 3_600_000).toISOString();
      const { data } = fine(
        await target.ask(
          "query ($query: String) { orders(first: 50, sortKey: UPDATED_AT, query: $query) { nodes { id updatedAt } } }",
          { variables: { query: `updated_at:>='${since}'` } },
        ),
      );
      const times = (data as { orders: { nodes: { updatedAt: string }[] } }).orders.nodes.map(
        ({ updatedAt }) => updatedAt,
      );
      assert.deepEqual(times, [...times].sort());
      assert.ok(times.every((time) => time >= since.slice(0, 19)));
      assert.ok(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)));
      return `${times.length} orders`;
    },
  ),

  reads(
    "answers null for an id that there is not, and keeps places in lists",
    ["product"],
    async (target, samples) => {
      const { data } = fine(
        await target.ask(
          "query ($ids: [ID!]!, $order: ID!) { nodes(ids: $ids) { id } order(id: $order) { id } }",
          {
            variables: {
              ids: [`gid://shopify/Product/${MISSING}`, samples.product],
              order: `gid://shopify/Order/${MISSING}`,
            },
          },
        ),
      );
      assert.deepEqual(data, { nodes: [null, { id: samples.product }], order: null });
    },
  ),

  reads("refuses an id that is not a global id", [], async (target) => {
    assert.ok((await target.ask('{ order(id: "12") { id } }')).errors.length > 0);
  }),

  reads(
    "gives quantities by name at each location",
    ["inventoryItem", "location"],
    async (target, samples) => {
      const { data } = fine(
        await target.ask(
          `query ($id: ID!, $location: ID!) {
          inventoryItem(id: $id) { tracked inventoryLevel(locationId: $location) {
            updatedAt quantities(names: ["available", "on_hand", "committed"]) { name quantity }
          } }
        }`,
          { variables: { id: samples.inventoryItem, location: samples.location } },
        ),
      );
      const { inventoryItem } = data as {
        inventoryItem: { inventoryLevel: { quantities: { name: string; quantity: number }[] } };
      };
      const quantities = inventoryItem.inventoryLevel.quantities;
      assert.deepEqual(quantities.map(({ name }) => name).sort(), [
        "available",
        "committed",
        "on_hand",
      ]);
      assert.ok(quantities.every(({ quantity }) => Number.isInteger(quantity)));
    },
  ),

  reads(
    "tells what of an order remains to be fulfilled, by location",
    ["order"],
    async (target, samples) => {
      const { data } = fine(
        await target.ask(
          `query ($id: ID!) { order(id: $id) { displayFulfillmentStatus fulfillmentOrders(first: 5) { nodes {
          id status assignedLocation { location { id } } lineItems(first: 5) { nodes { id totalQuantity remainingQuantity lineItem { id } } }
        } } } }`,
          { variables: { id: samples.order } },
        ),
      );
      const { order } = data as {
        order: {
          fulfillmentOrders: {
            nodes: {
              lineItems: { nodes: { totalQuantity: number; remainingQuantity: number }[] };
            }[];
          };
        };
      };
      for (const { lineItems } of order.fulfillmentOrders.nodes) {
        for (const line of lineItems.nodes) assert.ok(line.remainingQuantity <= line.totalQuantity);
      }
    },
  ),

  mutates(
    "wants an idempotency key for stock, in these words",
    ["inventoryItem", "location"],
    async (target, samples) => {
      const before = await available(target, samples);
      const answer = await adjust(target, samples, { delta: 1 });
      assert.equal(answer.status, 200);
      assert.equal(code(answer), "BAD_REQUEST");
      assert.equal(
        answer.errors[0]?.message,
        "The @idempotent directive is required for this mutation but was not provided.",
      );
      assert.equal(await available(target, samples), before);
    },
  ),

  mutates(
    "adjusts stock once for one key, however often it is asked",
    ["inventoryItem", "location"],
    async (target, samples) => {
      const before = await available(target, samples);
      const key = crypto.randomUUID();
      const first = await adjust(target, samples, { delta: 3, key });
      const second = await adjust(target, samples, { delta: 3, key });
      try {
        assert.deepEqual(userErrors(first), []);
        assert.deepEqual(second.data, first.data);
        assert.equal(await available(target, samples), before + 3);
        const mismatch = await adjust(target, samples, { delta: 4, key });
        assert.equal(userErrors(mismatch)[0]?.code, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
      } finally {
        await adjust(target, samples, { delta: -3, key: crypto.randomUUID() });
      }
      assert.equal(await available(target, samples), before);
    },
  ),

  mutates(
    "refuses stock that has moved meanwhile, and then that key",
    ["inventoryItem", "location"],
    async (target, samples) => {
      const before = await available(target, samples);
      const key = crypto.randomUUID();
      const from = before + 1_000;
      const stale = await adjust(target, samples, { delta: 1, key, from });
      assert.equal(userErrors(stale)[0]?.code, "CHANGE_FROM_QUANTITY_STALE");
      assert.equal(await available(target, samples), before);
      // What a repeat under the same key answers is not published; the sandbox takes the sterner reading.
      const again = await adjust(target, samples, { delta: 1, key, from });
      return `the same key again: ${userErrors(again)[0]?.code ?? "no error"}`;
    },
  ),

  mutates(
    "keeps a note and tags on an order, and its time moves on",
    ["order"],
    async (target, samples) => {
      const read = async () => {
        const { data } = fine(
          await target.ask("query ($id: ID!) { order(id: $id) { note tags updatedAt } }", {
            variables: { id: samples.order },
          }),
        );
        return (data as { order: { note: string | null; tags: string[]; updatedAt: string } })
          .order;
      };
      const before = await read();
      const write = (input: Record<string, unknown>) =>
        target.ask(
          "mutation ($input: OrderInput!) { orderUpdate(input: $input) { order { note tags } userErrors { field message } } }",
          { variables: { input: { id: samples.order, ...input } } },
        );
      const note = `contract ${crypto.randomUUID()}`;
      fine(await write({ note, tags: [...before.tags, "contract-test"] }));
      const after = await read();
      fine(await write({ note: before.note, tags: before.tags }));
      assert.equal(after.note, note);
      assert.ok(after.tags.includes("contract-test"));
      assert.ok(after.updatedAt >= before.updatedAt);
    },
  ),

  mutates("answers an unknown order with a user error, not an error", [], async (target) => {
    const answer = await target.ask(
      "mutation ($input: OrderInput!) { orderUpdate(input: $input) { order { id } userErrors { field message } } }",
      { variables: { input: { id: `gid://shopify/Order/${MISSING}`, note: "x" } } },
    );
    const { orderUpdate } = fine(answer).data as {
      orderUpdate: { order: null; userErrors: { message: string }[] };
    };
    assert.equal(orderUpdate.order, null);
    assert.equal(orderUpdate.userErrors.length, 1);
    return orderUpdate.userErrors[0]?.message;
  }),

  mutates("runs a bulk query and leaves its result as JSON lines", [], async (target) => {
    const { data } = fine(
      await target.ask(
        `mutation { bulkOperationRunQuery(query: "{ products { edges { node { id variants { edges { node { id } } } } } } }", groupObjects: false) {
          bulkOperation { id status } userErrors { code message }
        } }`,
      ),
    );
    const { bulkOperation, userErrors: refused } = (
      data as {
        bulkOperationRunQuery: {
          bulkOperation: { id: string } | null;
          userErrors: { message: string }[];
        };
      }
    ).bulkOperationRunQuery;
    assert.ok(bulkOperation, refused[0]?.message);
    const done = await finished(target, bulkOperation.id);
    assert.equal(done.status, "COMPLETED");
    const lines = (await target.download(done.url ?? ""))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; __parentId?: string });
    assert.equal(lines.length, Number(done.objectCount));
    const products = new Set(lines.filter((line) => !line.__parentId).map(({ id }) => id));
    assert.ok(lines.every(({ __parentId: parent }) => !parent || products.has(parent)));
    return `${lines.length} lines`;
  }),
];

function reads(
  name: string,
  needs: readonly (keyof Samples)[],
  run: ContractCase["run"],
): ContractCase {
  return { name, mutates: false, needs, run };
}

function mutates(
  name: string,
  needs: readonly (keyof Samples)[],
  run: ContractCase["run"],
): ContractCase {
  return { name, mutates: true, needs, run };
}

function fine(answer: Answer): Answer {
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.errors, []);
  return answer;
}

function code(answer: Answer): string | undefined {
  return answer.errors[0]?.extensions?.code;
}

async function available(target: ContractTarget, samples: Samples): Promise<number> {
  const { data } = fine(
    await target.ask(
      `query ($id: ID!, $location: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } } }`,
      { variables: { id: samples.inventoryItem, location: samples.location } },
    ),
  );
  const { inventoryItem } = data as {
    inventoryItem: { inventoryLevel: { quantities: { quantity: number }[] } };
  };
  return inventoryItem.inventoryLevel.quantities[0]?.quantity ?? 0;
}

function adjust(
  target: ContractTarget,
  samples: Samples,
  change: { delta: number; key?: string; from?: number },
): Promise<Answer> {
  const keyed = change.key !== undefined;
  return target.ask(
    `mutation ($input: InventoryAdjustQuantitiesInput!${keyed ? ", $key: String!" : ""}) {
      inventoryAdjustQuantities(input: $input) ${keyed ? "@idempotent(key: $key)" : ""} {
        inventoryAdjustmentGroup { id }
        userErrors { code message }
      }
    }`,
    {
      variables: {
        ...(keyed ? { key: change.key } : {}),
        input: {
          name: "available",
          reason: "correction",
          changes: [
            {
              delta: change.delta,
              changeFromQuantity: change.from ?? null,
              inventoryItemId: samples.inventoryItem,
              locationId: samples.location,
            },
          ],
        },
      },
    },
  );
}

function userErrors(answer: Answer): readonly (AnswerError & { code?: string })[] {
  const { data } = fine(answer);
  return (
    data as { inventoryAdjustQuantities: { userErrors: (AnswerError & { code?: string })[] } }
  ).inventoryAdjustQuantities.userErrors;
}

async function finished(
  target: ContractTarget,
  id: string,
): Promise<{ status: string; url: string | null; objectCount: string }> {
  for (let waitMs = 250; ; waitMs = Math.min(5_000, waitMs * 2)) {
    const { data } = fine(
      await target.ask("query ($id: ID!) { bulkOperation(id: $id) { status url objectCount } }", {
        variables: { id },
      }),
    );
    const { bulkOperation } = data as {
      bulkOperation: { status: string; url: string | null; objectCount: string };
    };
    if (!["CREATED", "RUNNING"].includes(bulkOperation.status)) return bulkOperation;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
