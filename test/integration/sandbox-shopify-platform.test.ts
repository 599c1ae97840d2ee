import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { httpsThrough, tunnelStatus } from "./shopify-platform/client.ts";
import { PlatformSession } from "./shopify-platform/session.ts";

let session: PlatformSession;
let clock: Date | undefined;
const log: string[] = [];

beforeAll(async () => {
  session = await PlatformSession.start({
    clock: () => clock ?? new Date(),
    log: (line) => log.push(line),
  });
});

afterEach(async () => {
  clock = undefined;
  session.shopify.faults.clear();
  session.shopify.install(session.shop.domain);
  await session.authenticate();
});

afterAll(() => session.close());

describe("the way in", () => {
  it("carries Node's own fetch through the proxy with nothing but environment variables", async () => {
    const source = `
      const answer = await fetch("https://${session.shop.domain}/admin/api/2026-10/graphql.json", {
        method: "POST",
        headers: { "content-type": "application/json", "x-shopify-access-token": "${session.token}" },
        body: JSON.stringify({ query: "{ shop { name } }" }),
      });
      console.log(answer.status, await answer.text());`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", source],
      { env: { ...process.env, ...session.shopify.environment() } },
    );
    expect(stdout).toContain('200 {"data":{"shop":{"name":"Mini shop"}}');
  });

  it("refuses hosts that it does not play, and says so", async () => {
    expect(await tunnelStatus(session.shopify.proxyUrl, "example.com")).toBe(403);
    expect(await tunnelStatus(session.shopify.proxyUrl, "unknown.mysession.shopify.com")).toBe(403);
    expect(log.join("\n")).toContain("Refused a connection to example.com:443");
  });

  it("answers the same without TLS at its origin, for tools in this process", async () => {
    const answer = await fetch(
      `${session.shopify.origin()}/${session.shop.domain}/admin/api/2026-10/graphql.json`,
      {
        method: "POST",
        headers: { "x-shopify-access-token": session.token },
        body: JSON.stringify({ query: "{ shop { name } }" }),
      },
    );
    expect(await answer.json()).toMatchObject({ data: { shop: { name: "Mini shop" } } });
  });
});

describe("token exchange", () => {
  it("gives an expiring offline token with its refresh token", async () => {
    const answer = await session.exchange();
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({
      access_token: expect.stringMatching(/^shpat_/) as string,
      refresh_token: expect.stringMatching(/^shprt_/) as string,
      expires_in: 3_600,
      refresh_token_expires_in: 7_776_000,
      scope: "read_products,write_inventory,write_orders",
    });
  });

  it("gives an online token with its user", async () => {
    const answer = await session.exchange({
      requested_token_type: "urn:shopify:params:oauth:token-type:online-access-token",
      subject_token: session.shopify.sessionToken(session.shop.domain, { id: "77" }),
    });
    expect(answer.json()).toMatchObject({ associated_user: { id: 77 }, expires_in: 86_399 });
    const { body } = await session.graphql("{ shop { name } }", {
      token: answer.json().access_token as string,
    });
    expect(body.errors).toBeUndefined();
  });

  it.each([
    [
      "a forged signature",
      () => `${session.shopify.sessionToken(session.shop.domain)}x`,
      "invalid_subject_token",
    ],
    ["no token at all", () => "", "invalid_subject_token"],
    [
      "an old token",
      () => {
        clock = new Date(Date.now() - 120_000);
        const old = session.shopify.sessionToken(session.shop.domain);
        clock = undefined;
        return old;
      },
      "invalid_subject_token",
    ],
  ])("refuses %s", async (_what, subject, error) => {
    const answer = await session.exchange({ subject_token: subject() });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ error });
  });

  it("refuses a wrong secret, an unknown app and an unknown grant", async () => {
    expect((await session.exchange({ client_secret: "wrong" })).json().error).toBe(
      "invalid_client",
    );
    expect((await session.exchange({ client_id: "x" })).json().error).toBe(
      "application_cannot_be_found",
    );
    expect((await session.exchange({ grant_type: "password" })).json().error).toBe(
      "unsupported_grant_type",
    );
  });

  it("ends the former offline token when a new one is exchanged", async () => {
    const first = session.token;
    await session.authenticate();
    const second = session.token;
    expect((await session.graphql("{ shop { name } }", { token: first })).status).toBe(401);
    expect((await session.graphql("{ shop { name } }", { token: second })).status).toBe(200);
  });

  it("does not serve non-expiring tokens", async () => {
    const answer = await session.exchange({ expiring: "0" });
    const { status, body } = await session.graphql("{ shop { name } }", {
      token: answer.json().access_token as string,
    });
    expect(status).toBe(403);
    expect(body.errors).toContain("Non-expiring access tokens are no longer accepted");
  });

  it("lets an access token die after an hour and a refresh token after 90 days", async () => {
    const pair = (await session.exchange()).json();
    clock = new Date(Date.now() + 3_601_000);
    expect(
      (await session.graphql("{ shop { name } }", { token: pair.access_token as string })).status,
    ).toBe(401);
    expect((await session.refresh(pair.refresh_token)).status).toBe(200);
    clock = new Date(Date.now() + 91 * 24 * 3_600_000);
    expect((await session.refresh(pair.refresh_token)).json().error).toBe("invalid_grant");
  });

  it("keeps a refresh recoverable until its replacement is used", async () => {
    const pair = (await session.exchange()).json();
    const lost = (await session.refresh(pair.refresh_token)).json();
    const again = (await session.refresh(pair.refresh_token)).json();
    expect(again.access_token).toBe(lost.access_token);
    expect(
      (await session.graphql("{ shop { name } }", { token: again.access_token as string })).status,
    ).toBe(200);
    const answer = await session.refresh(pair.refresh_token);
    expect(answer.status).toBe(400);
    expect(answer.json().error).toBe("invalid_grant");
  });

  it("ends every token at uninstall and gives none until the app is installed again", async () => {
    const pair = (await session.exchange()).json();
    const subject = session.shopify.sessionToken(session.shop.domain);
    session.shopify.uninstall(session.shop.domain);
    expect(
      (await session.graphql("{ shop { name } }", { token: pair.access_token as string })).status,
    ).toBe(401);
    expect((await session.refresh(pair.refresh_token)).json().error).toBe("app_not_installed");
    expect((await session.exchange({ subject_token: subject })).json().error).toBe(
      "app_not_installed",
    );
    expect(() => session.shopify.sessionToken(session.shop.domain)).toThrow("not installed");
    session.shopify.install(session.shop.domain);
    await session.authenticate();
    expect((await session.graphql("{ shop { name } }")).status).toBe(200);
  });
});

describe("the Admin API", () => {
  it("answers with the data and what it cost", async () => {
    const { status, body } = await session.graphql("{ products(first: 3) { nodes { id title } } }");
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ products: { nodes: [{}, {}, {}] } });
    expect(body.extensions?.cost).toMatchObject({
      requestedQueryCost: 5,
      actualQueryCost: 5,
      throttleStatus: { maximumAvailable: 2_000, restoreRate: 100 },
    });
  });

  it("refuses an unknown token, another version, another path and another method", async () => {
    expect((await session.graphql("{ shop { name } }", { token: "shpat_wrong" })).status).toBe(401);
    expect((await session.graphql("{ shop { name } }", { version: "2024-01" })).status).toBe(404);
    expect((await session.post("/admin/api/2026-10/orders.json", {})).status).toBe(404);
    expect((await session.post("/", {})).status).toBe(404);
  });

  it("refuses what is not a GraphQL request", async () => {
    const headers = { "x-shopify-access-token": session.token };
    for (const body of ["", "{", "[]", '{"query":1}']) {
      expect((await session.post("/admin/api/2026-10/graphql.json", body, headers)).status).toBe(
        400,
      );
    }
  });

  it("validates against the real schema", async () => {
    const { status, body } = await session.graphql("{ products(first: 1) { nodes { colour } } }");
    expect(status).toBe(200);
    expect(body.data).toBeUndefined();
    expect(body.errors?.[0]?.message).toContain('"colour"');
    expect((await session.graphql("{ products(first: 1) {")).body.errors?.[0]?.message).toContain(
      "Syntax",
    );
  });

  it("refuses variables that do not fit", async () => {
    const query = "query ($first: Int!) { products(first: $first) { nodes { id } } }";
    const { body } = await session.graphql(query, { variables: { first: "many" } });
    expect(body.errors?.[0]?.extensions?.code).toBe("INVALID_VARIABLE");
  });

  it("wants a page size of at most 250", async () => {
    for (const query of [
      "{ products { nodes { id } } }",
      "{ products(first: 251) { nodes { id } } }",
      "{ products(first: 1, last: 1) { nodes { id } } }",
    ]) {
      expect((await session.graphql(query)).body.errors?.[0]?.extensions?.code).toBe("BAD_REQUEST");
    }
  });

  it("refuses ids that are not global ids", async () => {
    const literal = await session.graphql('{ node(id: "12") { id } }');
    expect(literal.body.errors?.[0]).toMatchObject({
      message: "Invalid global id '12'",
      extensions: { code: "argumentLiteralsIncompatible" },
    });
    const variable = await session.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {
      variables: { ids: ["gid://shopify/Order/1", "order-2"] },
    });
    expect(variable.body.errors?.[0]).toMatchObject({
      extensions: {
        code: "INVALID_VARIABLE",
        problems: [{ explanation: "Invalid global id 'order-2'" }],
      },
    });
  });

  it("refuses an input list of more than 250", async () => {
    const tags = Array.from({ length: 251 }, (_, index) => `tag-${index}`);
    const { body } = await session.graphql(
      'mutation ($tags: [String!]!) { tagsAdd(id: "gid://shopify/Order/1", tags: $tags) { userErrors { message } } }',
      { variables: { tags } },
    );
    expect(body.errors?.[0]?.extensions?.code).toBe("MAX_INPUT_SIZE_EXCEEDED");
  });

  it("names a root field that the sandbox does not play instead of answering null", async () => {
    const { body } = await session.graphql("{ collections(first: 1) { nodes { id } } }");
    expect(body.errors?.[0]).toMatchObject({
      message: expect.stringContaining("QueryRoot.collections") as string,
    });
  });

  it("names a field that a resolver left out instead of answering null", async () => {
    const { body } = await session.graphql("{ shop { name currencyCode } }");
    expect(body.errors?.[0]).toMatchObject({ extensions: { code: "SANDBOX_NOT_PLAYED" } });
  });

  it("says of its own mistakes only INTERNAL_SERVER_ERROR and a request id, and logs them", async () => {
    const { body } = await session.graphql('{ location(id: "gid://shopify/Location/1") { id } }');
    expect(body.errors?.[0]).toMatchObject({
      message: expect.not.stringContaining("mistake") as string,
      extensions: { code: "INTERNAL_SERVER_ERROR", requestId: expect.any(String) as string },
    });
    expect(log.join("\n")).toContain("a mistake in a resolver");
    expect(session.shopify.stats.internalErrors).toBe(1);
  });

  it("offers files of bulk operations for download under a host of their own", async () => {
    const { body } = await session.graphql(
      'mutation { bulkOperationRunQuery(query: "{ products(first: 2) { nodes { id } } }") { bulkOperation { id url } userErrors { message } } }',
    );
    const { bulkOperationRunQuery } = body.data as {
      bulkOperationRunQuery: { bulkOperation: { url: string } };
    };
    const { url } = bulkOperationRunQuery.bulkOperation;
    const file = await httpsThrough(session.shopify.proxyUrl, session.shopify.caFile, url);
    expect(file.status).toBe(200);
    expect(JSON.parse(file.text)).toMatchObject({ products: { nodes: [{}, {}] } });
    const missing = await httpsThrough(
      session.shopify.proxyUrl,
      session.shopify.caFile,
      `${url}.gone`,
    );
    expect(missing.status).toBe(404);
  });
});
