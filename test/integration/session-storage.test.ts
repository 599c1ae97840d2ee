import { Session } from "@shopify/shopify-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import {
  PostgresSessionStorage,
  shopOfSessionId,
} from "../../app/shopify/session-storage.server.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const SHOP = "one.myshopify.com";

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let storage: PostgresSessionStorage;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  cluster = openCluster(database);
  storage = storageOf(cluster);
});
afterAll(async () => {
  await cluster?.close();
  await server?.[Symbol.asyncDispose]();
});

const storageOf = (on: Cluster) => {
  const logger = createLogger("silent");
  const writes = new DurableWrites({ cluster: on, journal: null, durability: "primary", logger });
  return new PostgresSessionStorage({ cluster: on, writes, logger });
};

const offline = (shop = SHOP, token = "shpat_1") =>
  new Session({
    id: `offline_${shop}`,
    shop,
    state: "",
    isOnline: false,
    scope: "read_orders",
    accessToken: token,
    expires: new Date(Date.now() + 3_600_000),
    refreshToken: `shprt_${token}`,
    refreshTokenExpires: new Date(Date.now() + 90 * 86_400_000),
  });

const online = (shop = SHOP) =>
  new Session({
    id: `${shop}_42`,
    shop,
    state: "s",
    isOnline: true,
    scope: "read_orders",
    accessToken: "shpua_1",
    expires: new Date(Date.now() + 3_600_000),
    onlineAccessInfo: {
      expires_in: 3600,
      associated_user_scope: "read_orders",
      associated_user: {
        id: 42,
        first_name: "Zoë",
        last_name: "Ångström",
        email: "zoe@example.com",
        locale: "de",
        email_verified: true,
        account_owner: true,
        collaborator: false,
      },
    },
  });

test.each([
  ["an offline session with its refresh token", offline()],
  ["an online session with its user", online()],
  [
    "a session without a token",
    new Session({
      id: "offline_bare.myshopify.com",
      shop: "bare.myshopify.com",
      state: "x",
      isOnline: false,
    }),
  ],
])("%s comes back as it was stored", async (_what, session) => {
  expect(await storage.storeSession(session)).toBe(true);
  const loaded = await storage.loadSession(session.id);
  expect(loaded).toBeInstanceOf(Session);
  expect(loaded?.toObject()).toEqual(session.toObject());
});

test("a rotated pair replaces the one before, whole", async () => {
  await storage.storeSession(offline(SHOP, "shpat_old"));
  await storage.storeSession(offline(SHOP, "shpat_new"));
  const loaded = await storage.loadSession(`offline_${SHOP}`);
  expect(loaded).toMatchObject({ accessToken: "shpat_new", refreshToken: "shprt_shpat_new" });
});

test("a session that was never stored is undefined, not an error", async () => {
  expect(await storage.loadSession("offline_nobody.myshopify.com")).toBeUndefined();
  expect(await storage.findSessionsByShop("nobody.myshopify.com")).toEqual([]);
  expect(await storage.deleteSession("offline_nobody.myshopify.com")).toBe(true);
});

test("sessions of several shops are found and deleted by shop", async () => {
  const [one, two] = ["a.myshopify.com", "b.myshopify.com"] as const;
  for (const session of [offline(one), online(one), offline(two)])
    await storage.storeSession(session);
  expect((await storage.findSessionsByShop(one)).map((s) => s.id).sort()).toEqual(
    [`${one}_42`, `offline_${one}`].sort(),
  );
  await storage.deleteSessions([`offline_${one}`, `${one}_42`, `offline_${two}`]);
  expect(await storage.findSessionsByShop(one)).toEqual([]);
  expect(await storage.findSessionsByShop(two)).toEqual([]);
});

test("a database that is away is an error, never 'not installed'", async () => {
  const nowhere = new Cluster({
    url: "postgres://x@127.0.0.1:1/x",
    systemUrl: "postgres://x@127.0.0.1:1/x",
  });
  await expect(storageOf(nowhere).loadSession(`offline_${SHOP}`)).rejects.toMatchObject({
    name: "DatabaseError",
    kind: "notExecuted",
  });
  await nowhere.close();
});

test("the shop is read from either kind of id", () => {
  expect(shopOfSessionId("offline_a-b.myshopify.com")).toBe("a-b.myshopify.com");
  expect(shopOfSessionId("a-b.myshopify.com_1234")).toBe("a-b.myshopify.com");
});
