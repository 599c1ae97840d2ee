import { setTimeout as wait } from "node:timers/promises";
import { COMMANDS_QUEUE, createCommands } from "../../../app/commands/commands.server.ts";
import { listChanges } from "../../../app/commands/queries.server.ts";
import { DurableWrites } from "../../../app/continuity/durable-writes.ts";
import { Journal } from "../../../app/continuity/journal/journal.ts";
import { Cluster } from "../../../app/database/cluster.ts";
import { DatabaseError } from "../../../app/database/errors.ts";
import { HurryWhenBack } from "../../../app/jobs/hurry-when-back.ts";
import { createJobs } from "../../../app/jobs/jobs.server.ts";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { createAdminClients, type AdminClient } from "../../../app/shopify/admin.server.ts";
import { createSync } from "../../../app/sync/sync.server.ts";
import { serveParent } from "../process.ts";
import type { Asked } from "./kinds.ts";
import type { ShopifyWorkerConfig, ShopifyWorkerMessage } from "./messages.ts";

/*
 * An instance of the app as far as Shopify is concerned: import, commands, queue and disk, put together from the app's own
 * parts as the app does it; and the merchants, who give their commands here, and do not give up on those that Shopify
 * has refused.
 */

const POOL_SIZE = 10;
/** So many merchants click at the same time, each after a pause. */
const MERCHANTS = 8;
const PAUSE_MS = 40;
const AGAIN_MS = 250;
/** How often somebody looks at what needs a person, and sends it again. */
const SEND_AGAIN_MS = 2_000;
const PERSON = "gid://shopify/StaffMember/1";

const uncaught: string[] = [];
process.on("uncaughtException", (error) => uncaught.push(String(error)));
process.on("unhandledRejection", (error) => uncaught.push(String(error)));

serveParent<ShopifyWorkerConfig, ShopifyWorkerMessage>(async (config, { send, stopped }) => {
  const { shop } = config;
  const logger = createLogger("info");
  const cluster = new Cluster({ ...config.targets, poolSize: POOL_SIZE, logger });
  const journal = await Journal.open({
    directory: config.journalDir,
    secrets: ["a secret of the drill's own, known to all"],
    anyFileSystem: true,
  });
  const durability = "primary";
  const writes = new DurableWrites({ cluster, journal, durability, logger });
  const clients = createAdminClients({
    logger,
    accessToken: () => Promise.resolve(config.accessToken),
  });
  const jobs = createJobs({ cluster, logger });
  const sync = createSync({
    cluster,
    jobs,
    admin: (of) => clients.of(of, "background"),
    logger,
  });
  const { availability } = clients;
  const first = config.without.includes("read-back")
    ? firstAnswers()
    : (client: AdminClient) => client;
  const commands = createCommands({
    cluster,
    writes,
    durability,
    jobs,
    admin: (of) => first(clients.of(of, "interactive")),
    logger,
    settleMs: config.settleMs,
  });
  const hurry = new HurryWhenBack({ availability, jobs, queue: COMMANDS_QUEUE, logger });
  cluster.start();
  await jobs.start();
  hurry.start();
  writes.drain();

  await patiently(() => sync.start(shop));
  while ((await patiently(() => sync.progress(shop))).value?.state === "running") {
    await wait(AGAIN_MS);
  }
  send({ type: "imported" });

  const waiting = config.commands.values();
  await Promise.all(
    Array.from({ length: MERCHANTS }, async () => {
      for (const asked of waiting) {
        await ask(asked);
        await wait(Math.random() * 2 * PAUSE_MS);
      }
    }),
  );
  while (!stopped()) {
    await wait(SEND_AGAIN_MS);
    const needing = await patiently(() => listChanges(cluster, shop, { state: "needs-you" }));
    for (const { operationId } of needing.value) {
      await patiently(() =>
        commands.decide(shop, { commandId: operationId, action: "sendAgain", by: PERSON }),
      );
    }
  }
  hurry.stop();
  await Promise.allSettled([sync.stop(), jobs.stop(), writes.stop()]);
  clients.close();
  await Promise.allSettled([cluster.close(), journal.close()]);
  send({ type: "end", uncaught });

  async function ask({ id, kind, input }: Asked): Promise<void> {
    const result = await patiently(() =>
      commands.submit(shop, { operationId: id, kind, input, requestedBy: PERSON }),
    );
    if (result.kind === "accepted") send({ type: "acknowledged", id });
    else send({ type: "refused", id, problems: JSON.stringify(result.problems) });
  }
});

/** Goes on until the database has answered: asking again is harmless. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind === "permanent") throw error;
      await wait(AGAIN_MS);
    }
  }
}

/** Whoever asks the same again is told the same: what Shopify has by now is not looked at. */
function firstAnswers() {
  const answers = new Map<string, unknown>();
  return (client: AdminClient): AdminClient => ({
    shop: client.shop,
    download: (url) => client.download(url),
    async request(operation, variables, options) {
      if (operation.kind === "mutation") return client.request(operation, variables, options);
      const question = JSON.stringify([operation.name, variables]);
      if (!answers.has(question)) {
        answers.set(question, await client.request(operation, variables, options));
      }
      return answers.get(question) as never;
    },
  });
}
