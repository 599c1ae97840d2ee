import { createCommands } from "../../../app/commands/commands.server.ts";
import { DurableWrites } from "../../../app/continuity/durable-writes.ts";
import { Cluster } from "../../../app/database/cluster.ts";
import { createJobs } from "../../../app/jobs/jobs.server.ts";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { createAdminClients } from "../../../app/shopify/admin.server.ts";

/*
 * A process that sends commands and does nothing else, to be killed. Its environment says where the database is,
 * and with which token Shopify is to be asked.
 */

const {
  DATABASE_URL: url = "",
  DATABASE_SYSTEM_URL: systemUrl = "",
  SHOPIFY_ACCESS_TOKEN: token = "",
  LOG_LEVEL: level = "silent",
} = process.env;

const logger = createLogger(level);
const cluster = new Cluster({ url, systemUrl, poolSize: 4 });
const clients = createAdminClients({ logger, accessToken: () => Promise.resolve(token) });
const jobs = createJobs({ cluster, logger, pollSeconds: 0.5 });
createCommands({
  cluster,
  writes: new DurableWrites({ cluster, journal: null, durability: "primary", logger }),
  durability: "primary",
  jobs,
  logger,
  admin: (shop) => clients.of(shop, "interactive"),
});
await jobs.start();
console.log("started");
