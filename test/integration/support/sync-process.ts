import { Cluster } from "../../../app/database/cluster.ts";
import { createJobs } from "../../../app/jobs/jobs.server.ts";
import { createLogger } from "../../../app/observability/logger.server.ts";
import { createAdminClients } from "../../../app/shopify/admin.server.ts";
import { createSync } from "../../../app/sync/sync.server.ts";

/*
 * A process that imports one shop and nothing else, to be killed. Its environment says which, where the database
 * is, and with which token Shopify is to be asked.
 */

const {
  DATABASE_URL: url = "",
  DATABASE_SYSTEM_URL: systemUrl = "",
  SHOP: shop = "",
  SHOPIFY_ACCESS_TOKEN: token = "",
  LOG_LEVEL: level = "silent",
} = process.env;

const logger = createLogger(level);
const cluster = new Cluster({ url, systemUrl, poolSize: 4 });
const clients = createAdminClients({ logger, accessToken: () => Promise.resolve(token) });
const jobs = createJobs({ cluster, logger, pollSeconds: 0.5 });
const sync = createSync({
  cluster,
  jobs,
  logger,
  admin: (shop) => clients.of(shop, "background"),
});
await jobs.start();
await sync.start(shop);
process.on("SIGTERM", () => {
  void sync
    .stop()
    .then(() => jobs.stop())
    .then(() => cluster.close());
});
