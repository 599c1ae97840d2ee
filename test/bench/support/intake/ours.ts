import express from "express";
import { Cluster } from "../../../../app/database/cluster.ts";
import { requestLog } from "../../../../app/http/request-log.server.ts";
import { webhooksHandler } from "../../../../app/http/webhooks.server.ts";
import { createLogger } from "../../../../app/observability/logger.server.ts";
import { createIntake } from "../../../../app/webhooks/intake.server.ts";
import { DeliveryKeeper } from "../../../../app/webhooks/keeping.server.ts";
import { serveSide, sideConfig } from "./side.ts";

/*
 * The app's whole way of a webhook, from the socket to the answer, put together as the app does it. What comes after
 * the answer (applying, the queue) is left out: the others have none.
 */
const { secret, urls, poolSize } = sideConfig();
const logger = createLogger("info");
const cluster = new Cluster({ url: urls.app, systemUrl: urls.system, poolSize, logger });
const keeper = new DeliveryKeeper({
  cluster,
  // One server, and nobody to fail over to: what is acknowledged is on its disk, as it is for the others.
  journal: null,
  durability: "replicated",
  onDelivery: () => undefined,
  logger,
});
const intake = createIntake({ keeper, secrets: [secret, "the secret before it"], logger });
cluster.start();
const app = express();
app.disable("x-powered-by");
app.set("trust proxy", true);
app.use(requestLog(logger));
app.all("/webhooks", webhooksHandler(intake));
serveSide(app);
