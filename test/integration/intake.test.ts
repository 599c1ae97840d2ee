import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { asc } from "drizzle-orm";
import express from "express";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { webhookDeliveries } from "../../app/database/schema.ts";
import { webhooksHandler } from "../../app/http/webhooks.server.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { createIntake } from "../../app/webhooks/intake.server.ts";
import { DeliveryKeeper } from "../../app/webhooks/keeping.server.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const SECRET = "current-secret";
const PREVIOUS = "previous-secret";
const logger = createLogger("silent");

let testServer: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let server: Server;
let port: number;
let deliveries = 0;

async function listen(target: Cluster): Promise<[Server, number]> {
  const keeper = new DeliveryKeeper({
    cluster: target,
    journal: null,
    durability: "replicated",
    onDelivery: () => deliveries++,
    logger,
  });
  const intake = createIntake({ keeper, secrets: [SECRET, PREVIOUS], logger });
  const http = createServer(express().all("/webhooks", webhooksHandler(intake)));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return [http, (http.address() as { port: number }).port];
}

beforeAll(async () => {
  testServer = await startTestServer();
  database = await testServer.createDatabase();
  cluster = openCluster(database);
  [server, port] = await listen(cluster);
});
afterAll(async () => {
  server?.close();
  await cluster?.close();
  await testServer?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  deliveries = 0;
  await cluster.system((db) => db.delete(webhookDeliveries));
});

interface Sent {
  readonly body?: string | Buffer;
  readonly secret?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly to?: number;
}

function send({
  body = '{"id":1}',
  secret = SECRET,
  headers,
  method = "POST",
  to = port,
}: Sent = {}) {
  return fetch(`http://127.0.0.1:${to}/webhooks`, {
    method,
    body: method === "POST" ? new Uint8Array(Buffer.from(body)) : null,
    headers: {
      "content-type": "application/json",
      "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
      "x-shopify-topic": "orders/create",
      "x-shopify-shop-domain": "one.myshopify.com",
      "x-shopify-api-version": "2026-10",
      "x-shopify-webhook-id": "delivery-1",
      "x-shopify-event-id": "event-1",
      "x-shopify-triggered-at": "2026-11-21T10:00:00.123456789Z",
      ...headers,
    },
  });
}

const kept = () =>
  cluster.system((db) =>
    db.select().from(webhookDeliveries).orderBy(asc(webhookDeliveries.sequence)),
  );

test("a signed webhook is acknowledged after it is stored, byte for byte", async () => {
  const body = '{ "id": 1,  "note": "Grüße \\u0041 漢字 🙂" }';
  const response = await send({ body });
  expect(response.status).toBe(200);
  expect(await kept()).toMatchObject([
    {
      shop: "one.myshopify.com",
      id: "delivery-1",
      topic: "orders/create",
      apiVersion: "2026-10",
      eventId: "event-1",
      triggeredAt: new Date("2026-11-21T10:00:00.123Z"),
      body,
      state: "received",
    },
  ]);
});

test("the same delivery again is acknowledged and kept once", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => send()));
  expect(answers.map((a) => a.status)).toEqual(Array(10).fill(200));
  expect(await kept()).toHaveLength(1);
  expect(deliveries).toBe(1);
});

test("what Shopify signed is kept although it is no whole JSON: a person sees it", async () => {
  const body = ' {"id":1,';
  expect((await send({ body })).status).toBe(200);
  expect(await kept()).toMatchObject([{ body, state: "received" }]);
});

test("a body signed with the secret before the rotation is taken", async () => {
  expect((await send({ secret: PREVIOUS })).status).toBe(200);
});

test.each([
  ["a forged signature", { secret: "guess" }, 401],
  ["no signature", { headers: { "x-shopify-hmac-sha256": "" } }, 401],
  ["a signature that is not base64", { headers: { "x-shopify-hmac-sha256": "%%%" } }, 401],
  ["a shop that is not one", { headers: { "x-shopify-shop-domain": "evil.example.com" } }, 400],
  ["no topic", { headers: { "x-shopify-topic": "" } }, 400],
  ["no delivery id", { headers: { "x-shopify-webhook-id": "" } }, 400],
  ["no version", { headers: { "x-shopify-api-version": "" } }, 400],
  ["a body that is not JSON", { body: "id=1&name=x" }, 400],
  ["an empty body", { body: "" }, 400],
  ["a body with a NUL", { body: '{"note":"\0"}' }, 400],
  ["a body that is not UTF-8", { body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }, 400],
  ["another method", { method: "GET" }, 405],
] satisfies [string, Sent, number][])(
  "%s is refused with words, and nothing is stored",
  async (_what, sent, status) => {
    const response = await send(sent);
    expect(response.status).toBe(status);
    expect((await response.text()).length).toBeGreaterThan(10);
    expect(await kept()).toEqual([]);
  },
);

test("an oversized body is refused as soon as its length is known", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.write("POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("an oversized body without a length is cut off and not stored", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("POST /webhooks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunk = Buffer.alloc(1 << 20, 0x20);
  const frame = Buffer.concat([
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  const answered = once(socket, "data") as Promise<[Buffer]>;
  for (let i = 0; i < 20 && !socket.destroyed; i++) socket.write(frame);
  expect((await answered)[0].toString()).toMatch(/^HTTP\/1\.1 413 /);
  expect(await kept()).toEqual([]);
  socket.destroy();
});

test("when nothing can be stored the answer is an honest 503 that asks for another try", async () => {
  const nowhere = new Cluster({
    url: "postgres://x@127.0.0.1:1/x",
    systemUrl: "postgres://x@127.0.0.1:1/x",
  });
  const [http, to] = await listen(nowhere);
  const response = await send({ to });
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  http.close();
  await nowhere.close();
});
