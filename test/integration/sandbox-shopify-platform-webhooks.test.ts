import { createHmac } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PlatformSession, SECRET } from "./shopify-platform/session.ts";

const WEBHOOKS = [
  { topic: "orders/updated", uri: "/webhooks" },
  { topic: "orders/updated", uri: "/audit", includeFields: ["id", "line_items.id"], name: "audit" },
  { topic: "products/update", uri: "/webhooks" },
  { topic: "app/uninstalled", uri: "/webhooks" },
  { topic: "customers/data_request", uri: "/webhooks" },
  { topic: "customers/redact", uri: "/webhooks" },
  { topic: "shop/redact", uri: "/webhooks" },
];

/** All eight retries within a fraction of a second. */
const HURRY = 50_000;

let session: PlatformSession;

beforeEach(async () => {
  session = await PlatformSession.start({ app: { webhooks: WEBHOOKS }, timeScale: HURRY });
});
afterEach(() => session.close());

const order = (id: number) => ({ id, note: "x", line_items: [{ id: id * 10, title: "Mug" }] });

describe("a webhook", () => {
  it("is signed over its raw body and carries every header", async () => {
    session.shop.emit("products/update", { id: 7, title: "Krug für Kaffee ☕" });
    await session.app.has(1);
    const [received] = session.app.received;
    expect(received?.path).toBe("/webhooks");
    expect(JSON.parse(received!.body.toString())).toEqual({ id: 7, title: "Krug für Kaffee ☕" });
    expect(received?.headers).toMatchObject({
      "content-type": "application/json",
      "x-shopify-topic": "products/update",
      "x-shopify-shop-domain": session.shop.domain,
      "x-shopify-api-version": "2026-10",
      "x-shopify-webhook-id": expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      "x-shopify-event-id": expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      "x-shopify-triggered-at": expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      "x-shopify-hmac-sha256": createHmac("sha256", SECRET).update(received!.body).digest("base64"),
    });
  });

  it("goes to every subscription of its topic, as one event with an id for each delivery", async () => {
    session.shop.emit("orders/updated", order(1));
    await session.shopify.webhooks.settled();
    const [plain, audit] = session.app.received.sort((a, b) => b.path.localeCompare(a.path));
    expect(JSON.parse(audit!.body.toString())).toEqual({ id: 1, line_items: [{ id: 10 }] });
    expect(audit?.headers["x-shopify-name"]).toBe("audit");
    expect(plain?.headers["x-shopify-event-id"]).toBe(audit?.headers["x-shopify-event-id"]);
    expect(plain?.headers["x-shopify-webhook-id"]).not.toBe(audit?.headers["x-shopify-webhook-id"]);
  });

  it("is not sent for topics without a subscription, nor where the app is not installed", async () => {
    session.shop.emit("carts/update", { id: 1 });
    session.shopify.uninstall(session.shop.domain);
    session.shop.emit("products/update", { id: 1 });
    await session.shopify.webhooks.settled();
    expect(session.app.received.map(({ headers }) => headers["x-shopify-topic"])).toEqual([
      "app/uninstalled",
    ]);
  });

  it("says nothing of persons, or nothing at all, to an app that is not approved for them", async () => {
    session.shopify.protectedData = { level1: true, level2: false };
    session.shop.emit("orders/updated", { id: 1, email: "ada@example.com" });
    session.shopify.protectedData = { level1: false, level2: false };
    session.shop.emit("orders/updated", { id: 2 });
    session.shop.emit("products/update", { id: 3 });
    await session.shopify.webhooks.settled();
    const bodies = session.app.received
      .filter(({ path }) => path === "/webhooks")
      .map(({ body }) => JSON.parse(body.toString()) as unknown);
    expect(bodies).toEqual([{ id: 1, email: null }, { id: 3 }]);
  });

  it.each([302, 400, 404, 500, 503])(
    "that is answered %i comes again with the same id and the same body",
    async (status) => {
      session.app.answer = () => (session.app.received.length <= 2 ? status : 200);
      session.shop.emit("products/update", { id: 3 });
      await session.shopify.webhooks.settled();
      const { received } = session.app;
      expect(received).toHaveLength(3);
      expect(new Set(received.map(({ headers }) => headers["x-shopify-webhook-id"])).size).toBe(1);
      expect(new Set(received.map(({ body }) => body.toString())).size).toBe(1);
    },
  );

  it("is given up after eight retries", async () => {
    session.app.answer = () => 503;
    session.shop.emit("products/update", { id: 3 });
    await session.shopify.webhooks.settled();
    expect(session.app.received).toHaveLength(9);
    const [delivery] = session.shopify.webhooks.deliveries();
    expect(delivery).toMatchObject({ state: "given up", topic: "products/update" });
    expect(delivery?.attempts).toHaveLength(9);
    expect(session.shopify.webhooks.counts).toMatchObject({ givenUp: 1, pending: 0 });
  });

  it("that finds nobody listening is retried", async () => {
    await session.app.close();
    session.shop.emit("products/update", { id: 3 });
    await new Promise<void>((resolve) =>
      session.shopify.webhooks.on("delivery", ({ state }: { state: string }) => {
        if (state === "retrying") resolve();
      }),
    );
    const [delivery] = session.shopify.webhooks.deliveries();
    expect(delivery?.attempts[0]?.error).toContain("ECONNREFUSED");
  });

  it("that is not answered within five seconds has failed", async () => {
    session.app.answer = () => (session.app.received.length === 1 ? "hang" : 200);
    session.shop.emit("products/update", { id: 3 });
    await session.shopify.webhooks.settled();
    const [delivery] = session.shopify.webhooks.deliveries();
    expect(delivery?.attempts[0]?.error).toBe("no answer in 5 s");
    expect(delivery?.attempts[0]?.durationMs).toBeGreaterThan(4_900);
    expect(delivery?.state).toBe("delivered");
  });
});

describe("delivery", () => {
  it("comes twice, under the same id, at the rate that was asked for", async () => {
    session.shopify.webhooks.behave({ duplicateRate: 1 });
    for (let id = 1; id <= 5; id++) session.shop.emit("products/update", { id });
    await session.shopify.webhooks.settled();
    const ids = session.app.received.map(({ headers }) => headers["x-shopify-webhook-id"]);
    expect(ids).toHaveLength(10);
    expect(new Set(ids).size).toBe(5);
    expect(session.shopify.webhooks.counts.duplicates).toBe(5);
  });

  it("is out of order when that was asked for, and nothing is missing", async () => {
    session.shopify.webhooks.behave({ disorderRate: 0.5, disorderMs: 100 * HURRY });
    for (let id = 1; id <= 40; id++) session.shop.emit("products/update", { id });
    await session.shopify.webhooks.settled();
    const ids = session.app.received.map(
      ({ body }) => (JSON.parse(body.toString()) as { id: number }).id,
    );
    const ordered = [...ids].sort((a, b) => a - b);
    expect(ids).not.toEqual(ordered);
    expect(ordered).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  it("loses events when that was asked for, and says which", async () => {
    session.shopify.webhooks.behave({ lossRate: 1 });
    session.shop.emit("products/update", { id: 1 });
    await session.shopify.webhooks.settled();
    expect(session.app.received).toEqual([]);
    expect(session.shopify.webhooks.deliveries()[0]?.state).toBe("lost");
  });

  it("waits while it is paused and goes on where it was", async () => {
    session.shopify.webhooks.pause();
    session.shop.emit("products/update", { id: 1 });
    expect(session.shopify.webhooks.counts.pending).toBe(1);
    expect(session.app.received).toEqual([]);
    session.shopify.webhooks.resume();
    await session.shopify.webhooks.settled();
    expect(session.app.received).toHaveLength(1);
  });
});

describe("compliance topics", () => {
  it("have the published payloads, and come after uninstalling too", async () => {
    session.shopify.uninstall(session.shop.domain);
    const customer = { id: 5, email: "kim@example.com", phone: null };
    session.shopify.webhooks.requestCustomerData(session.shop, customer, [1]);
    session.shopify.webhooks.redactCustomer(session.shop, customer, [1, 2]);
    session.shopify.webhooks.redactShop(session.shop);
    await session.shopify.webhooks.settled();
    const payloads: Record<string, unknown> = Object.fromEntries(
      session.app.received.map(({ headers, body }) => [
        String(headers["x-shopify-topic"]),
        JSON.parse(body.toString()) as unknown,
      ]),
    );
    const shop = { shop_id: 7001, shop_domain: session.shop.domain };
    expect(payloads["customers/data_request"]).toMatchObject({
      ...shop,
      orders_requested: [1],
      customer,
      data_request: { id: expect.any(Number) as number },
    });
    expect(payloads["customers/redact"]).toEqual({ ...shop, customer, orders_to_redact: [1, 2] });
    expect(payloads["shop/redact"]).toEqual(shop);
  });
});

describe("a webhook sent by hand", () => {
  it("is right unless it was told to be wrong", async () => {
    const { webhooks } = session.shopify;
    session.app.answer = ({ headers, body }) =>
      headers["x-shopify-hmac-sha256"] ===
      createHmac("sha256", SECRET).update(body).digest("base64")
        ? 200
        : 401;
    const send = (overrides = {}) =>
      webhooks.send("products/update", session.shop.domain, { id: 1 }, overrides);
    expect((await send()).status).toBe(200);
    expect((await send({ secret: "another" })).status).toBe(401);
    expect((await send({ headers: { "X-Shopify-Hmac-Sha256": undefined } })).status).toBe(401);
    expect((await send({ rawBody: "not json" })).status).toBe(200);
    await send({ headers: { "X-Shopify-Topic": "no/such" }, uri: "/elsewhere" });
    expect(session.app.received.at(-1)).toMatchObject({
      path: "/elsewhere",
      headers: { "x-shopify-topic": "no/such" },
    });
  });
});

it("a connection may take a second and no longer", async () => {
  // A frozen listener whose queue is full answers no SYN, as an overloaded host does.
  const program = `require("node:net").createServer().listen({port: 0, host: "127.0.0.1", backlog: 1}, function () {
    console.log(this.address().port);
  })`;
  const listener = spawn(process.execPath, ["--eval", program]);
  const fillers: Socket[] = [];
  try {
    const port = Number(String((await once(listener.stdout, "data"))[0]));
    listener.kill("SIGSTOP");
    for (let count = 0; count < 4; count++) {
      fillers.push(connect(port, "127.0.0.1").on("error", () => undefined));
    }
    await once(fillers[0]!, "connect");
    const started = performance.now();
    await expect(
      session.shopify.webhooks.send(
        "products/update",
        session.shop.domain,
        {},
        {
          uri: `http://127.0.0.1:${port}/webhooks`,
        },
      ),
    ).rejects.toThrow("no connection in 1 s");
    expect(performance.now() - started).toBeLessThan(2_000);
  } finally {
    for (const filler of fillers) filler.destroy();
    listener.kill("SIGKILL");
  }
});
