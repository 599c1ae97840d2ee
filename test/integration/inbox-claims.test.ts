import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster } from "../../app/database/cluster.ts";
import { webhookDeliveries } from "../../app/database/schema.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { applyOnce } from "../../app/webhooks/apply.server.ts";
import { createInbox } from "../../app/webhooks/inbox.server.ts";
import { Endpoint, type TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

let server: TestServer;
let database: TestDatabase;
let way: Endpoint;
/** Past the faults. */
let aside: Cluster;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  const { port } = new URL(database.url("app"));
  way = await Endpoint.open({ name: "way", target: { port: Number(port) } });
  aside = openCluster(database);
  aside.start();
});
afterAll(async () => {
  await aside?.close();
  await way?.close();
  await server?.[Symbol.asyncDispose]();
});

function through(url: string): string {
  const address = new URL(url);
  address.port = String(way.port);
  return address.href;
}

test("what a claim took whose answer was lost does not wait until the claim ends", async () => {
  const cluster = new Cluster({
    url: through(database.url("app")),
    systemUrl: through(database.url("system")),
    poolSize: 4,
  });
  cluster.start();
  const inbox = createInbox({
    cluster,
    sync: { wake: async () => {} },
    logger: createLogger("silent"),
    leaseMs: 24 * 3_600_000,
  });
  const ids = Array.from({ length: 20 }, () => randomUUID());
  await aside.system((db) =>
    db.insert(webhookDeliveries).values(
      ids.map((id) => ({
        shop: "claims.myshopify.com",
        id,
        topic: "app_subscriptions/update",
        apiVersion: "2026-10",
        body: "{}",
      })),
    ),
  );
  const states = () =>
    aside.system((db) =>
      db
        .select({ state: webhookDeliveries.state, attempts: webhookDeliveries.attempts })
        .from(webhookDeliveries),
    );

  way.addToxic("lost", { type: "lost_answer", match: /COMMIT\0/ });
  await inbox.start();
  // The claim is committed, and the inbox never hears of it.
  await expect.poll(async () => (await states()).some(({ attempts }) => attempts > 0)).toBe(true);
  way.removeToxic("lost");
  await expect
    .poll(async () => (await states()).every(({ state }) => state !== "received"), {
      timeout: 30_000,
    })
    .toBe(true);

  await inbox.stop();
  await cluster.close();
});

test("a delivery that is lost while it is applied is applied when it is back", async () => {
  const delivery = {
    shop: "lost.myshopify.com",
    id: randomUUID(),
    topic: "products/delete",
    body: '{"id":1}',
    triggeredAt: new Date(),
  };
  const claimed = { ...delivery, receivedAt: new Date(), attempts: 1 };
  // It was claimed on the primary before, and the one that is asked now never heard of it.
  await expect(applyOnce(aside, claimed)).rejects.toThrow("not there");

  await aside.system((db) =>
    db.insert(webhookDeliveries).values({ ...delivery, apiVersion: "2026-10" }),
  );
  const inbox = createInbox({
    cluster: aside,
    sync: { wake: async () => {} },
    logger: createLogger("silent"),
  });
  await inbox.start();
  await expect
    .poll(
      async () =>
        (
          await aside.system((db) =>
            db
              .select({ state: webhookDeliveries.state })
              .from(webhookDeliveries)
              .where(eq(webhookDeliveries.id, delivery.id)),
          )
        )[0]?.state,
    )
    .toBe("ignored");
  await inbox.stop();
});
