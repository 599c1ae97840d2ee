import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import postgres from "postgres";
import { DurableWrites } from "../../../app/continuity/durable-writes.ts";
import type { Journal } from "../../../app/continuity/journal/journal.ts";
import { Cluster } from "../../../app/database/cluster.ts";
import { webhooksHandler } from "../../../app/http/webhooks.server.ts";
import { createJobs, type Jobs } from "../../../app/jobs/jobs.server.ts";
import { createLogger, type Logger } from "../../../app/observability/logger.server.ts";
import { createAdminClients, type AdminClient } from "../../../app/shopify/admin.server.ts";
import { createSync, type Sync, type SyncOptions } from "../../../app/sync/sync.server.ts";
import { createInbox, type Inbox } from "../../../app/webhooks/inbox.server.ts";
import { createIntake } from "../../../app/webhooks/intake.server.ts";
import { DeliveryKeeper } from "../../../app/webhooks/keeping.server.ts";
import type { TestDatabase } from "../../sandbox/postgres/index.ts";
import { readAppToml, startShopify, type SandboxShopify } from "../../sandbox/shopify/index.ts";
import { createShops, type ShopStore } from "../../sandbox/shopify/shop/index.ts";

const API_KEY = "sandbox-key";
const SECRET = "sandbox-secret";

export interface ShopifyAppOptions {
  readonly database: Pick<TestDatabase, "url">;
  /** Every server of the database, where it has several. */
  readonly nodes?: readonly string[];
  /** Keeps writes while the database is away; closed by its owner. Default none. */
  readonly journal?: Journal;
  readonly orders?: number;
  readonly shops?: ShopStore[];
  readonly sync?: Partial<Pick<SyncOptions, "bulkFrom" | "sliceMs">>;
  readonly shopify?: Partial<Parameters<typeof startShopify<ShopStore>>[0]>;
  readonly logger?: Logger;
  /** What the shops' limit of calls follows from. Default the largest. */
  readonly plan?: ShopStore["plan"];
  /** False where another process does the jobs. */
  readonly work?: boolean;
}

/** The app's parts between Shopify and the tables, in this process, with a sandbox Shopify to speak with. */
export interface ShopifyApp extends AsyncDisposable {
  readonly shopify: SandboxShopify<ShopStore>;
  readonly shops: readonly ShopStore[];
  readonly cluster: Cluster;
  readonly writes: DurableWrites;
  readonly jobs: Jobs;
  readonly sync: Sync;
  readonly inbox: Inbox;
  readonly admin: (shop: string) => AdminClient;
  /** An access token of the shop, for another process. */
  readonly token: (shop: string) => Promise<string>;
  /** The shop's token has died. */
  readonly forgetToken: (shop: string) => void;
  /** Sees every row, past row-level security. */
  readonly owner: postgres.Sql;
  /** Resolves as soon as `holds`, looking again after each committed change of the tables that the parts write. */
  until(holds: () => Promise<boolean>): Promise<void>;
  /** Starts the import of a shop and resolves when it has ended. */
  importShop(shop: string): Promise<void>;
  /** Resolves when no webhook waits, neither at Shopify nor in the inbox, and nothing has to be read again. */
  settled(): Promise<void>;
}

const watched = ["sync_runs", "webhook_deliveries", "rereads", "compliance_requests"];

export async function startShopifyApp(options: ShopifyAppOptions): Promise<ShopifyApp> {
  const { database, logger = createLogger("silent") } = options;
  const cluster = new Cluster({
    url: database.url("app"),
    systemUrl: database.url("system"),
    poolSize: 10,
    ...(options.nodes ? { nodes: options.nodes } : {}),
  });
  const journal = options.journal ?? null;
  const writes = new DurableWrites({ cluster, journal, durability: "primary", logger });
  const shops = options.shops ?? createShops({ orders: options.orders ?? 60, searchLagMs: 0 });
  // Most tests are not about the limit of calls, and reading page by page would wait for it.
  for (const shop of shops) Object.assign(shop, { plan: options.plan ?? "plus" });
  const toml = readAppToml("shopify.app.toml");
  const http = createServer();
  const shopify = await startShopify<ShopStore>({
    app: {
      apiKey: API_KEY,
      secret: SECRET,
      url: () => `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
      scopes: toml.scopes,
      webhooks: toml.webhooks,
      webhookApiVersion: toml.webhookApiVersion,
    },
    shops,
    timeScale: 100,
    ...options.shopify,
  });
  const restoreFetch = sendShopifysTrafficTo(shopify);
  const tokens = new Map<string, Promise<string>>();
  const token = (shop: string) => {
    const known = tokens.get(shop) ?? exchangeToken(shopify, shop);
    tokens.set(shop, known);
    return known;
  };
  const clients = createAdminClients({ logger, accessToken: token });
  const admin = (shop: string) => clients.of(shop, "interactive");

  const jobs = createJobs({ cluster, logger, pollSeconds: 0.5 });
  const sync = createSync({ cluster, jobs, admin, logger, ...options.sync });
  const inbox = createInbox({ cluster, sync, logger });
  const keeper = new DeliveryKeeper({
    cluster,
    journal: null,
    durability: "replicated",
    onDelivery: () => inbox.wake(),
    logger,
  });
  const intake = createIntake({ keeper, secrets: [SECRET], logger });
  http.on("request", express().all("/webhooks", webhooksHandler(intake)));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  const owner = postgres(database.url("owner"), { max: 3, onnotice: () => {} });
  const changes = await watchChanges(owner);
  if (options.work !== false) {
    await jobs.start();
    await inbox.start();
  }

  const until = async (holds: () => Promise<boolean>) => {
    for (;;) {
      const next = changes.next();
      if (await holds()) return;
      await next;
    }
  };
  return {
    shopify,
    shops,
    cluster,
    writes,
    jobs,
    sync,
    inbox,
    admin,
    token,
    forgetToken: (shop) => tokens.delete(shop),
    owner,
    until,
    async importShop(shop) {
      await sync.start(shop);
      await until(async () => (await sync.progress(shop)).value?.state !== "running");
    },
    async settled() {
      await shopify.webhooks.settled();
      await until(async () => {
        const [row] = await owner<{ waiting: boolean }[]>`
          select exists (select 1 from webhook_deliveries where state = 'received')
            or exists (select 1 from rereads) as waiting`;
        return row?.waiting === false;
      });
    },
    async [Symbol.asyncDispose]() {
      await inbox.stop();
      await sync.stop();
      await jobs.stop({ timeoutMs: 2_000 });
      await writes.stop();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
      restoreFetch();
      await shopify.close();
      await changes.close();
      await owner.end({ timeout: 1 });
      clients.close();
      await cluster.close();
    },
  };
}

/** What the proxy does for the app's own process: hosts that the sandbox plays lead to it. */
function sendShopifysTrafficTo(shopify: SandboxShopify<ShopStore>): () => void {
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    return url.protocol === "https:"
      ? real(`${shopify.origin()}/${url.host}${url.pathname}${url.search}`, init)
      : real(input, init);
  };
  return () => {
    globalThis.fetch = real;
  };
}

async function exchangeToken(shopify: SandboxShopify<ShopStore>, shop: string): Promise<string> {
  const answer = await fetch(`https://${shop}/admin/oauth/access_token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_id: API_KEY,
      client_secret: SECRET,
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: shopify.sessionToken(shop),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      requested_token_type: "urn:shopify:params:oauth:token-type:offline-access-token",
      expiring: "1",
    }),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (!body.access_token) throw new Error(`The sandbox gave no token: ${JSON.stringify(body)}`);
  return body.access_token;
}

/** Makes the database say when something has changed, so that tests wait for that and not for time. */
async function watchChanges(owner: postgres.Sql) {
  await owner.unsafe(`
    create or replace function tell_tests() returns trigger language plpgsql as
      $$ begin perform pg_notify('tests', tg_table_name); return null; end $$;
    ${watched
      .map(
        (
          table,
        ) => `create or replace trigger tell_tests after insert or update or delete on ${table}
          for each statement execute function tell_tests();`,
      )
      .join("\n")}`);
  let changed = Promise.withResolvers<void>();
  const listening = await owner.listen("tests", () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  });
  return {
    next: () => changed.promise,
    close: () => listening.unlisten(),
  };
}
