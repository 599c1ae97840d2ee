import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import "@shopify/shopify-api/adapters/node";
import { shopifyApi, type ApiVersion, type Session } from "@shopify/shopify-api";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { createAdminClients } from "../../../app/shopify/admin.server.ts";
import { API_VERSION } from "../../../app/shopify/api-version.ts";
import { globalId } from "../../../app/shopify/ids.ts";
import { operation, type Operation } from "../../../app/shopify/operation.ts";
import { adjustQuantities } from "../../../app/shopify/operations/stock-changes.ts";
import type { Priority } from "../../../app/shopify/shop-throttle.ts";
import type { LoadConfig, LoadEnd } from "./throttle.ts";

/* The load of the throttle's bench, with one of the two clients, in a process of its own. */

type Ask = <D, V extends Record<string, unknown>>(
  operation: Operation<D, V>,
  variables: V,
  priority: Priority,
) => Promise<D>;

interface Page {
  readonly orders: {
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const importPage = operation<Page, { first: number; after: string | null }>(`#graphql
  query BenchImport($first: Int!, $after: String) {
    orders(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id name updatedAt lineItems(first: 10) { nodes { id sku quantity } } }
    }
  }`);

const changedOrders = operation<Page, { first: number; after: string | null; query: string }>(
  `#graphql
  query BenchReconciliation($first: Int!, $after: String, $query: String) {
    orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
      pageInfo { hasNextPage endCursor }
      nodes { id updatedAt }
    }
  }`,
);

const READERS = 3;
const ORDERS_PER_PAGE = 12;
const CHANGED_PER_PAGE = 25;
/** A merchant who is quick. */
const EDIT_EVERY_MS = 700;
const IDLE_EDITS = 5;
/** What the stock client waits by itself between two tries. */
const AGAIN_MS = 1_000;
const TRIES = 3;
const NOBODY_WAITS = "background";

const [config] = (await once(process, "message")) as unknown as [LoadConfig];
const ask = config.client === "own" ? ownClient() : stockClient();
let over = false;
let givenUp = 0;

const idleEditMs: number[] = [];
for (let n = 0; n < IDLE_EDITS; n++) idleEditMs.push(await edit(`idle-${n}`));

const edits: { readonly at: number; readonly ms: number }[] = [];
const load = [
  ...Array.from({ length: READERS }, () =>
    reading((after) => served(importPage, { first: ORDERS_PER_PAGE, after }, NOBODY_WAITS)),
  ),
  reading((after) =>
    served(
      changedOrders,
      { first: CHANGED_PER_PAGE, after, query: `updated_at:>='${config.since}'` },
      NOBODY_WAITS,
    ),
  ),
  editing(),
];
await wait(config.warmUpMs);
const from = Date.now();
await wait(config.measuredMs);
const to = Date.now();
// One that is still waiting has waited at least so long.
over = true;
await Promise.race([Promise.all(load), wait(60_000)]);
const end: LoadEnd = {
  from,
  to,
  idleEditMs,
  editMs: edits.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms),
  givenUp,
};
process.send?.(end);

async function reading(page: (after: string | null) => Promise<Page>): Promise<void> {
  for (let after: string | null = null; !over;) {
    const { orders }: Page = await page(after);
    const { pageInfo } = orders;
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  }
}

async function editing(): Promise<void> {
  for (let n = 0; !over; n++) {
    const at = Date.now();
    edits.push({ at, ms: await edit(String(n)) });
    await wait(EDIT_EVERY_MS);
  }
}

/** @returns how long it took, in ms. */
async function edit(name: string): Promise<number> {
  const { inventoryItemId, locationId, run } = config;
  const startedAt = performance.now();
  await served(
    adjustQuantities,
    {
      idempotencyKey: `${run}-${name}`,
      input: {
        name: "available",
        reason: "correction",
        referenceDocumentUri: `gid://evenkeel/Command/${run}-${name}`,
        changes: [
          {
            inventoryItemId: globalId("InventoryItem", inventoryItemId),
            locationId: globalId("Location", locationId),
            delta: 1,
            changeFromQuantity: null,
          },
        ],
      },
    },
    "interactive",
  );
  return performance.now() - startedAt;
}

/** Asks until it is served. */
async function served<D, V extends Record<string, unknown>>(
  what: Operation<D, V>,
  variables: V,
  priority: Priority,
): Promise<D> {
  for (;;) {
    try {
      return await ask(what, variables, priority);
    } catch (error) {
      if (!/throttled|limit/i.test(String(error))) throw error;
      givenUp++;
      await wait(AGAIN_MS);
    }
  }
}

function ownClient(): Ask {
  const token = exchange().then(({ accessToken }) => accessToken ?? "");
  const clients = createAdminClients({
    logger: createLogger("silent"),
    accessToken: () => token,
  });
  return (what, variables, priority) => clients.of(config.shop, priority).request(what, variables);
}

function stockClient(): Ask {
  const api = stockApi();
  const session = exchange();
  return async (what, variables) => {
    const client = new api.clients.Graphql({ session: await session });
    const options = { variables, retries: TRIES - 1 };
    const { data } = (await client.request(what.text, options)) as { data?: unknown };
    return data as never;
  };
}

function stockApi() {
  return shopifyApi({
    apiKey: config.apiKey,
    apiSecretKey: config.secret,
    apiVersion: API_VERSION as ApiVersion,
    hostName: "localhost",
    isEmbeddedApp: true,
    logger: { log: () => undefined },
  });
}

async function exchange(): Promise<Session> {
  const { session } = await stockApi().auth.tokenExchange({
    shop: config.shop,
    sessionToken: config.subjectToken,
    requestedTokenType: "urn:shopify:params:oauth:token-type:offline-access-token" as never,
    expiring: true,
  });
  return session;
}
