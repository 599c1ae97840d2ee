import "@shopify/shopify-app-remix/adapters/node";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiVersion, Session } from "@shopify/shopify-api";
import { AppDistribution, shopifyApp } from "@shopify/shopify-app-remix/server";
import { DrizzleSessionStoragePostgres } from "@shopify/shopify-app-session-storage-drizzle";
import { drizzle } from "drizzle-orm/postgres-js";
import { bigint, boolean, jsonb, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";
import postgres from "postgres";
import { serveSide, sideConfig } from "./side.ts";

/*
 * A webhook as Shopify's library and its session storage take it in. A route of Remix, which stands around it in an app,
 * is left out: it would only cost more.
 */
const { secret, shop, urls, poolSize, table } = sideConfig();

/** As the storage's own documentation has it. */
const sessions = pgTable("session", {
  id: text("id").primaryKey(),
  shop: text("shop").notNull(),
  state: text("state").notNull(),
  isOnline: boolean("isOnline").default(false).notNull(),
  scope: text("scope"),
  expires: timestamp("expires", { mode: "date" }),
  accessToken: text("accessToken").notNull(),
  userId: bigint("userId", { mode: "number" }),
  firstName: text("firstName"),
  lastName: text("lastName"),
  email: text("email"),
  accountOwner: boolean("accountOwner"),
  locale: text("locale"),
  collaborator: boolean("collaborator"),
  emailVerified: boolean("emailVerified"),
  refreshToken: text("refreshToken"),
  refreshTokenExpires: timestamp("refreshTokenExpires", { mode: "date" }),
});
const deliveries = pgTable(
  table,
  {
    shop: text("shop").notNull(),
    id: text("id").notNull(),
    topic: text("topic").notNull(),
    apiVersion: text("api_version").notNull(),
    body: jsonb("body").notNull(),
  },
  (t) => [primaryKey({ columns: [t.shop, t.id] })],
);

const sql = postgres(urls.owner, { max: poolSize, onnotice: () => {} });
const db = drizzle(sql);
await sql`
  create table if not exists session (
    "id" text primary key, "shop" text not null, "state" text not null,
    "isOnline" boolean default false not null, "scope" text, "expires" timestamp, "accessToken" text not null,
    "userId" bigint, "firstName" text, "lastName" text, "email" text, "accountOwner" boolean,
    "locale" text, "collaborator" boolean, "emailVerified" boolean, "refreshToken" text,
    "refreshTokenExpires" timestamp)`;
const sessionStorage = new DrizzleSessionStoragePostgres(db, sessions);
const { authenticate } = shopifyApp({
  apiKey: "bench",
  apiSecretKey: secret,
  apiVersion: ApiVersion.October26,
  appUrl: "https://bench.example.com",
  distribution: AppDistribution.AppStore,
  sessionStorage,
  logger: { log: () => undefined },
});
await sessionStorage.storeSession(
  new Session({
    id: `offline_${shop}`,
    shop,
    state: "",
    isOnline: false,
    scope: "read_orders",
    accessToken: "bench",
  }),
);

async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const request = new Request("https://bench.example.com/webhooks", {
    method: "POST",
    headers: incoming.headers as Record<string, string>,
    body: Buffer.concat(chunks),
  });
  const webhook = await authenticate.webhook(request);
  await db
    .insert(deliveries)
    .values({
      shop: webhook.shop,
      id: webhook.webhookId,
      topic: webhook.topic,
      apiVersion: webhook.apiVersion,
      body: webhook.payload,
    })
    .onConflictDoNothing();
  response.writeHead(200, { "content-length": 0 }).end();
}

serveSide(
  (request, response) =>
    void receive(request, response).catch((error: unknown) => {
      console.error(error instanceof Response ? error.status : error);
      response.writeHead(503, { "content-length": 0 }).end();
    }),
);
