import { COMMANDS_QUEUE, createCommands, type Commands } from "./commands/commands.server.ts";
import type { Config } from "./config.server.ts";
import { Cluster } from "./database/cluster.ts";
import { Diagnosis } from "./database/diagnosis.ts";
import { HurryWhenBack } from "./jobs/hurry-when-back.ts";
import { createJobs, type Jobs } from "./jobs/jobs.server.ts";
import { DurableWrites } from "./continuity/durable-writes.ts";
import { Journal } from "./continuity/journal/journal.ts";
import { ReadThrough } from "./continuity/read-through.ts";
import { DatabaseError } from "./database/errors.ts";
import { formatMark } from "./database/own-writes.ts";
import { releaseMigrations } from "./database/migration-head.ts";
import { TopologyMemory } from "./database/topology/memory.ts";
import { createPageReads, type PageReads } from "./http/page-reads.server.ts";
import { createLogger, type Logger } from "./observability/logger.server.ts";
import { createAdminClients, type AdminClients } from "./shopify/admin.server.ts";
import { createShopifyApp, type ShopifyApp } from "./shopify/app.server.ts";
import { PostgresSessionStorage } from "./shopify/session-storage.server.ts";
import { SignIn } from "./shopify/sign-in.server.ts";
import { AccessTokens } from "./shopify/tokens.server.ts";
import type { Mode } from "./settings/modes.ts";
import { createShopifyGate } from "./settings/shopify-away.server.ts";
import { changeSettings } from "./settings/settings.server.ts";
import { createSync, type Sync } from "./sync/sync.server.ts";
import { dropView, keepView } from "./views/saved-views.server.ts";
import { createInbox, type Inbox } from "./webhooks/inbox.server.ts";
import { createIntake, type Intake } from "./webhooks/intake.server.ts";
import { DeliveryKeeper } from "./webhooks/keeping.server.ts";

/** Everything stateful of one app, made from its configuration. Two of them can live in one process. */
export interface Services {
  readonly config: Config;
  readonly logger: Logger;
  readonly cluster: Cluster;
  readonly writes: DurableWrites;
  readonly diagnosis: Diagnosis;
  readonly shopify: ShopifyApp;
  readonly pages: PageReads;
  readonly journal: Journal | null;
  readonly signIn: SignIn;
  readonly admin: AdminClients;
  readonly jobs: Jobs;
  readonly commands: Commands;
  readonly sync: Sync;
  readonly inbox: Inbox;
  readonly intake: Intake;
  /** Starts the work in the background. */
  start(): Promise<void>;
  /** Ends the work in the background, then closes every connection. What was begun is finished first. */
  stop(): Promise<void>;
}

/**
 * Builds every part once. Nothing here talks to the network before `start`; the journal's disk is looked at,
 * since an app that cannot keep what it promises to keep must not begin.
 *
 * @param appFolder - Where the app's sources lie: worker threads are started from there, also by a bundle.
 * @throws JournalError when the journal's directory cannot be used.
 */
export async function createServices(config: Config, appFolder: URL): Promise<Services> {
  const logger = createLogger(config.logLevel);
  const journal = config.journal
    ? await Journal.open({
        ...config.journal,
        worker: new URL("continuity/journal/worker.ts", appFolder),
      })
    : null;
  const { database, shopify: credentials } = config;
  const targets = {
    url: database.url,
    systemUrl: database.systemUrl,
    nodes: database.nodes,
    topology: database.topology,
    ...(database.instanceHost ? { instanceHost: database.instanceHost } : {}),
    ...(database.password ? { password: database.password } : {}),
    ...(database.systemPassword ? { systemPassword: database.systemPassword } : {}),
    ...(database.readerUrl ? { readerUrl: database.readerUrl } : {}),
    ...(database.nameServers.length > 0 ? { nameServers: database.nameServers } : {}),
    ...(database.ca ? { ca: database.ca } : {}),
  };
  const memory = config.journal
    ? await TopologyMemory.open({ directory: config.journal.directory, logger })
    : null;
  const cluster = new Cluster({
    ...targets,
    ...(memory?.recalled ? { remembered: memory.recalled } : {}),
    poolSize: database.poolSize,
    preparedStatements: database.preparedStatements,
    directUrls: database.directUrls,
    release: releaseMigrations,
    logger,
  });
  memory?.follow(cluster.monitor);
  const diagnosis = new Diagnosis({ cluster, targets, logger });
  const reads = new ReadThrough({
    readable: () => cluster.readableSoon(),
    reader: () => {
      const mark = cluster.ownWrites?.mark;
      return mark ? formatMark(mark) : "";
    },
    isOutage: (error) => error instanceof DatabaseError && error.kind !== "permanent",
  });
  const { durability } = database;
  const writes = new DurableWrites({ cluster, journal, durability, logger });
  writes.register(changeSettings);
  writes.register(keepView);
  writes.register(dropView);
  const sessions = new PostgresSessionStorage({ cluster, writes, logger });
  const { app: shopify, api } = createShopifyApp({
    apiKey: credentials.apiKey,
    apiSecret: credentials.apiSecret,
    appUrl: credentials.appUrl,
    sessionStorage: sessions,
    // A shop is signed in even when its import cannot be queued just now; the next exchange tries again.
    afterAuth: async ({ shop }) =>
      sync
        .start(shop)
        .catch((error: unknown) =>
          logger.error({ shop, err: error }, "the import was not started"),
        ),
    logger,
  });
  const tokens = new AccessTokens(sessions, api, logger);
  const admin = createAdminClients({ accessToken: (shop) => tokens.get(shop), logger });
  const { availability } = admin;
  const signIn = new SignIn({ app: shopify, api, sessions, availability, logger });
  const jobs = createJobs({
    cluster,
    logger,
    // Behind a pooler in transaction mode a session is nobody's own, unless there is a way past it.
    listen: database.preparedStatements || database.directUrls.length > 0,
  });
  const modeOf = async (shop: string, mode: Mode) =>
    pages.getSettings(shop).then(
      ({ value }) => value[mode]?.on === true,
      // Nothing is known of the shop just now: nothing is forced upon it.
      () => false,
    );
  const unlessAway = createShopifyGate((shop) => modeOf(shop, "shopifyAway"));
  const sync = createSync({
    cluster,
    jobs,
    admin: (shop) => unlessAway(admin.of(shop, "background")),
    logger,
  });
  const commands = createCommands({
    cluster,
    writes,
    durability,
    jobs,
    admin: (shop) => unlessAway(admin.of(shop, "interactive")),
    readOnly: (shop) => modeOf(shop, "readOnly"),
    logger,
  });
  const pages = createPageReads({ cluster, sync, reads, commands, writes });
  const hurry = new HurryWhenBack({
    availability,
    jobs,
    queue: COMMANDS_QUEUE,
    logger,
  });
  const inbox = createInbox({ cluster, sync, logger });
  const keeper = new DeliveryKeeper({
    cluster,
    journal,
    durability,
    onDelivery: () => inbox.wake(),
    logger,
  });
  const intake = createIntake({
    keeper,
    secrets: [credentials.apiSecret, credentials.previousApiSecret].filter((s) => s !== null),
    logger,
  });

  return {
    config,
    logger,
    cluster,
    writes,
    diagnosis,
    shopify,
    pages,
    journal,
    signIn,
    admin,
    jobs,
    commands,
    sync,
    inbox,
    intake,
    async start() {
      cluster.start();
      diagnosis.start();
      await jobs.start();
      hurry.start();
      await inbox.start();
      // What an earlier process kept is taken up.
      keeper.drain();
      writes.drain();
    },
    async stop() {
      diagnosis.stop();
      hurry.stop();
      await Promise.allSettled([
        inbox.stop(),
        sync.stop(),
        jobs.stop(),
        keeper.stop(),
        writes.stop(),
      ]);
      admin.close();
      await Promise.allSettled([cluster.close(), memory?.close(), journal?.close()]);
    },
  };
}

declare module "@remix-run/node" {
  interface AppLoadContext {
    services: Services;
  }
}
