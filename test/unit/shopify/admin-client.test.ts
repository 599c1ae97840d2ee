import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { createAdminClients } from "../../../app/shopify/admin.server.ts";
import { operation } from "../../../app/shopify/operation.ts";

const SHOP = "one.myshopify.com";
const ENDPOINT = `https://${SHOP}/admin/api/2026-10/graphql.json`;
const shopName = operation<{ shop: { name: string } }>("query ShopName { shop { name } }");
const adjust = operation<{ inventoryAdjustQuantities: null }>(
  'mutation Adjust { inventoryAdjustQuantities(input: {}) @idempotent(key: "k") { changes { delta } } }',
);
const tag = operation<{ tagsAdd: null }>(
  'mutation Tag { tagsAdd(id: "x", tags: []) { node { id } } }',
);

/** Answers in turn; what is asked beyond them, or of anybody else, fails the test. */
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

function answers(...responses: (() => Response)[]) {
  const asked: { token: string | null; body: unknown }[] = [];
  server.use(
    http.post(ENDPOINT, async ({ request }) => {
      asked.push({
        token: request.headers.get("x-shopify-access-token"),
        body: await request.json(),
      });
      const respond = responses[asked.length - 1];
      if (!respond) throw new Error("Asked more often than the test expects.");
      return respond();
    }),
  );
  return asked;
}

const client = () =>
  createAdminClients({
    accessToken: async () => "token",
    logger: createLogger("silent"),
  }).of(SHOP, "interactive");

const named = () => HttpResponse.json({ data: { shop: { name: "One" } } });
const throttled = () =>
  HttpResponse.json({
    errors: [{ message: "Throttled", extensions: { code: "THROTTLED" } }],
    extensions: {
      cost: {
        requestedQueryCost: 10,
        throttleStatus: { currentlyAvailable: 10, restoreRate: 1_000 },
      },
    },
  });
const internal = () =>
  HttpResponse.json({
    errors: [{ message: "Internal error", extensions: { code: "INTERNAL_SERVER_ERROR" } }],
  });
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new HttpResponse(null, { status: code, headers });

test("an operation goes out with its name, its variables and the shop's token", async () => {
  const asked = answers(named);
  expect(await client().request(shopName, {})).toEqual({ shop: { name: "One" } });
  expect(asked).toEqual([
    { token: "token", body: { query: shopName.text, variables: {}, operationName: "ShopName" } },
  ]);
});

test("a token that is never had holds nobody up", async () => {
  const shop = createAdminClients({
    accessToken: () => new Promise(() => {}),
    logger: createLogger("silent"),
  }).of(SHOP, "interactive");
  const request = shop.request(shopName, {}, { signal: AbortSignal.timeout(1) });
  await expect(request).rejects.toMatchObject({ kind: "unavailable", maybeApplied: false });
});

test.each([
  ["throttled", throttled],
  ["429 with Retry-After", status(429, { "retry-after": "0" })],
  ["502", status(502)],
  ["INTERNAL_SERVER_ERROR", internal],
  ["an answer that is cut off", () => new HttpResponse('{"data":', { status: 200 })],
  ["a connection that breaks", () => HttpResponse.error()],
])("a query is asked again after %s", async (_what, failure) => {
  const asked = answers(failure, named);
  expect(await client().request(shopName, {})).toEqual({ shop: { name: "One" } });
  expect(asked).toHaveLength(2);
});

test("a mutation is sent again when Shopify said that it was not run", async () => {
  const asked = answers(throttled, () => HttpResponse.json({ data: { tagsAdd: null } }));
  await client().request(tag, {});
  expect(asked).toHaveLength(2);
});

test.each([
  ["502", status(502)],
  ["INTERNAL_SERVER_ERROR", internal],
  ["a connection that breaks", () => HttpResponse.error()],
])(
  "a mutation is never sent blindly a second time after %s: it may have been applied",
  async (_what, failure) => {
    const asked = answers(failure);
    await expect(client().request(tag, {})).rejects.toMatchObject({
      name: "ShopifyError",
      kind: "unavailable",
      maybeApplied: true,
    });
    expect(asked).toHaveLength(1);
  },
);

test("a mutation under an idempotency key is sent again, as it was", async () => {
  const asked = answers(status(502), () =>
    HttpResponse.json({ data: { inventoryAdjustQuantities: null } }),
  );
  await client().request(adjust, {});
  expect(asked).toHaveLength(2);
  expect(asked[1]).toEqual(asked[0]);
});

test("what may have been applied by the first try is not forgotten over the second's refusal", async () => {
  answers(() => HttpResponse.error(), status(401));
  await expect(client().request(adjust, {})).rejects.toMatchObject({
    kind: "unauthorized",
    maybeApplied: true,
  });
});

test("an address that is not on the allowlist is told from a missing scope", async () => {
  answers(() =>
    HttpResponse.json({ errors: "The IP address is not on the app's allowlist." }, { status: 403 }),
  );
  await expect(client().request(shopName, {})).rejects.toMatchObject({ kind: "blocked" });
});

test("while a shop is away, a merchant's request fails at once and an import's waits", async () => {
  const clients = createAdminClients({
    accessToken: async () => "token",
    logger: createLogger("silent"),
  });
  let away = true;
  let asked = 0;
  server.use(
    http.post(ENDPOINT, () => {
      asked++;
      return away ? HttpResponse.error() : named();
    }),
  );
  const merchant = clients.of(SHOP, "interactive");
  while (!clients.availability.awaySince(SHOP)) {
    await merchant.request(tag, {}).catch(() => {});
  }
  const before = asked;
  await expect(merchant.request(tag, {})).rejects.toMatchObject({ kind: "unavailable" });
  expect(asked).toBe(before);

  const importing = clients.of(SHOP, "background").request(shopName, {});
  away = false;
  expect(await importing).toEqual({ shop: { name: "One" } });
  clients.close();
});

test.each([
  [401, "unauthorized"],
  [402, "frozen"],
  [403, "forbidden"],
  [423, "locked"],
  [430, "rejected"],
])("%d is not asked again: it is %s until somebody does something", async (code, kind) => {
  const asked = answers(status(code));
  await expect(client().request(shopName, {})).rejects.toMatchObject({ kind });
  expect(asked).toHaveLength(1);
});

test("a caller that gives up is not kept waiting by retries", async () => {
  const abort = new AbortController();
  const asked = answers(() => {
    abort.abort();
    return new HttpResponse(null, { status: 429, headers: { "retry-after": "3600" } });
  });
  const request = client().request(shopName, {}, { signal: abort.signal });
  await expect(request).rejects.toMatchObject({ name: "ShopifyError" });
  expect(asked).toHaveLength(1);
});
