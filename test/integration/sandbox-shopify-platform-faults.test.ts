import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../sandbox/shopify/faults.ts";
import { FILES_HOST, type RequestRecord } from "../sandbox/shopify/shopify.ts";
import { httpsThrough, tunnelStatus } from "./shopify-platform/client.ts";
import { PlatformSession } from "./shopify-platform/session.ts";

let session: PlatformSession;

beforeAll(async () => {
  session = await PlatformSession.start();
});
afterEach(() => {
  session.shopify.faults.clear();
});
afterAll(() => session.close());

const SHOP = "{ shop { name } }";
const TAG =
  'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["a"]) { userErrors { message } } }';

function strike(fault: Fault) {
  session.shopify.faults.set({ times: 1, ...fault });
}

describe("faults of the answer", () => {
  it.each([
    [{ kind: "http-401" }, 401, "Invalid API key or access token"],
    [{ kind: "http-402" }, 402, "Unavailable Shop"],
    [{ kind: "http-403" }, 403, "Forbidden"],
    [{ kind: "ip-not-allowed" }, 403, "IP allowlist"],
    [{ kind: "http-423" }, 423, "Locked"],
    [{ kind: "http-430" }, 430, "Security Rejection"],
    [{ kind: "http-500" }, 500, "Something went wrong"],
    [{ kind: "http-502" }, 502, "Bad Gateway"],
    [{ kind: "http-503" }, 503, "Service Unavailable"],
    [{ kind: "http-504" }, 504, "Gateway Time-out"],
  ] satisfies [Fault, number, string][])("$0.kind answers $1", async (fault, status, text) => {
    strike(fault);
    const answer = await session.ask(SHOP);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
    expect((await session.ask(SHOP)).status).toBe(200);
  });

  it("429 carries Retry-After in seconds, or as a date", async () => {
    strike({ kind: "http-429", retryAfterSeconds: 3 });
    expect((await session.ask(SHOP)).headers["retry-after"]).toBe("3.0");
    strike({ kind: "http-429", retryAfterSeconds: 60, retryAfterDate: true });
    const after = (await session.ask(SHOP)).headers["retry-after"] as string;
    expect(Date.parse(after) - Date.now()).toBeGreaterThan(50_000);
  });

  it("throttled looks like a bucket that is empty", async () => {
    strike({ kind: "throttled" });
    const { status, body } = await session.graphql(SHOP);
    expect(status).toBe(200);
    expect(body.errors?.[0]?.extensions?.code).toBe("THROTTLED");
    expect(body.extensions?.cost.throttleStatus.currentlyAvailable).toBe(0);
  });

  it("an internal error names a request and nothing else", async () => {
    strike({ kind: "internal-server-error" });
    const { status, body } = await session.graphql(SHOP);
    expect(status).toBe(200);
    expect(body.errors?.[0]?.extensions).toMatchObject({
      code: "INTERNAL_SERVER_ERROR",
      requestId: expect.any(String) as string,
    });
  });

  it("a malformed body is not JSON, and what was asked for has happened", async () => {
    const before = session.shop.ledger.length;
    strike({ kind: "malformed-body" });
    const answer = await session.ask(TAG);
    expect(answer.status).toBe(200);
    expect(() => answer.json()).toThrow(SyntaxError);
    expect(session.shop.ledger).toHaveLength(before + 1);
  });

  it("a 502 may come although the request took effect", async () => {
    const before = session.shop.ledger.length;
    strike({ kind: "http-502", applied: true });
    expect((await session.ask(TAG)).status).toBe(502);
    expect(session.shop.ledger).toHaveLength(before + 1);
  });
});

describe("faults of the wire", () => {
  it("latency delays the answer", async () => {
    strike({ kind: "latency", ms: 120 });
    const startedMs = performance.now();
    expect((await session.ask(SHOP)).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(115);
  });

  it("timeout never answers and does nothing", async () => {
    const before = session.shop.ledger.length;
    strike({ kind: "timeout" });
    await expect(
      session.post(
        "/admin/api/2026-10/graphql.json",
        { query: TAG },
        { "x-shopify-access-token": session.token },
        150,
      ),
    ).rejects.toThrow("client timeout");
    expect(session.shop.ledger).toHaveLength(before);
  });

  it("reset_peer is a reset for the client, not an HTTP status", async () => {
    strike({ kind: "reset_peer" });
    await expect(session.ask(SHOP)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("limit_data breaks the answer off after it took effect", async () => {
    const before = session.shop.ledger.length;
    strike({ kind: "limit_data", bytes: 10 });
    await expect(session.ask(TAG)).rejects.toThrow();
    expect(session.shop.ledger).toHaveLength(before + 1);
  });

  it("down refuses every connection, to the token endpoint too, and comes back when cleared", async () => {
    session.shopify.faults.set({ kind: "down" });
    await expect(session.ask(SHOP)).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(session.exchange()).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(tunnelStatus(session.shopify.proxyUrl, session.shop.domain)).rejects.toThrow();
    session.shopify.faults.clear("down");
    expect((await session.ask(SHOP)).status).toBe(200);
  });

  it("down can also be 503 for everything", async () => {
    session.shopify.faults.set({ kind: "down", how: "http-503" });
    expect((await session.ask(SHOP)).status).toBe(503);
    expect((await session.exchange()).status).toBe(503);
  });
});

describe("what took effect although nobody was told", () => {
  it.each(["reset_peer", "http-502", "http-504"] as const)(
    "answer-lost (%s) applies a mutation once",
    async (how) => {
      const before = session.shop.ledger.length;
      strike({ kind: "answer-lost", how });
      if (how === "reset_peer") await expect(session.ask(TAG)).rejects.toThrow();
      else expect((await session.ask(TAG)).status).toBe(how === "http-502" ? 502 : 504);
      expect(session.shop.ledger).toHaveLength(before + 1);
    },
  );

  it("applied-late loses the answer at once and takes effect afterwards", async () => {
    const before = session.shop.ledger.length;
    strike({ kind: "applied-late", ms: 100 });
    await expect(session.ask(TAG)).rejects.toThrow();
    expect(session.shop.ledger).toHaveLength(before);
    await session.shopify.effectsSettled();
    expect(session.shop.ledger).toHaveLength(before + 1);
  });

  it("a late effect and a retry under the same key change things once", async () => {
    const before = session.shop.ledger.length;
    const adjust = `mutation {
      inventoryAdjustQuantities(input: {name: "available", reason: "correction", changes: [{delta: 1, changeFromQuantity: null, inventoryItemId: "gid://shopify/InventoryItem/1", locationId: "gid://shopify/Location/1"}]}) @idempotent(key: "late") { userErrors { code } }
    }`;
    strike({ kind: "applied-late", ms: 100, operation: "inventoryAdjustQuantities" });
    await expect(session.ask(adjust)).rejects.toThrow();
    expect((await session.graphql(adjust)).body.data).toMatchObject({
      inventoryAdjustQuantities: { userErrors: [] },
    });
    await session.shopify.effectsSettled();
    expect(session.shop.ledger).toHaveLength(before + 1);
  });
});

describe("faults of the token endpoint", () => {
  it("strike it when they are aimed at it", async () => {
    strike({ kind: "http-503", surface: "oauth" });
    expect((await session.ask(SHOP)).status).toBe(200);
    expect((await session.exchange()).status).toBe(503);
  });

  it("lose the answer to a refresh, which can be asked for again", async () => {
    const pair = (await session.exchange()).json();
    strike({ kind: "answer-lost", surface: "oauth" });
    await expect(session.refresh(pair.refresh_token)).rejects.toThrow();
    const again = (await session.refresh(pair.refresh_token)).json();
    expect((await session.graphql(SHOP, { token: again.access_token as string })).status).toBe(200);
    await session.authenticate();
  });
});

describe("faults of files", () => {
  const lines = Array.from({ length: 20_000 }, (_, id) => `${JSON.stringify({ id })}\n`);
  const fetchFile = () =>
    httpsThrough(
      session.shopify.proxyUrl,
      session.shopify.caFile,
      `https://${FILES_HOST}/${session.shop.domain}/bulk/large.jsonl`,
    );
  beforeAll(() => {
    session.shop.files.set("bulk/large.jsonl", async function* () {
      await Promise.resolve();
      yield* lines;
    });
  });

  it("leave alone what they are not aimed at", async () => {
    session.shopify.faults.set({ kind: "http-500" });
    const answer = await fetchFile();
    expect(answer.headers["content-type"]).toBe("application/jsonl");
    expect(answer.text).toBe(lines.join(""));
  });

  it("break a download off in the middle", async () => {
    strike({ kind: "limit_data", bytes: 50_000, surface: "files" });
    await expect(fetchFile()).rejects.toThrow();
  });

  it("put what is not JSON into it, or refuse it", async () => {
    strike({ kind: "malformed-body", surface: "files" });
    expect((await fetchFile()).text).toContain("upstream error");
    strike({ kind: "http-503", surface: "files" });
    expect((await fetchFile()).status).toBe(503);
  });
});

it("a body beyond all measure is refused", async () => {
  const query = `{ shop { name } } # ${"x".repeat(21 * 1024 * 1024)}`;
  expect((await session.ask(query)).status).toBe(413);
});

it("every request is told of: what it was, what it cost, what struck it", async () => {
  const records: RequestRecord[] = [];
  const note = (record: RequestRecord) => records.push(record);
  session.shopify.traffic.on("request", note);
  await session.ask("query Names { shop { name } }");
  strike({ kind: "http-500", operation: /tags/ });
  await session.ask(TAG);
  session.shopify.traffic.off("request", note);
  expect(records).toMatchObject([
    {
      surface: "admin",
      names: ["Names", "shop"],
      operationType: "query",
      status: 200,
      actualCost: 1,
    },
    { names: ["tagsAdd"], operationType: "mutation", status: 500, fault: "http-500" },
  ]);
});
