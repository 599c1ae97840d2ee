import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRequestHandler } from "@remix-run/express";
import type { ServerBuild } from "@remix-run/node";
import compression from "compression";
import express, { type RequestHandler } from "express";
import type { Config } from "./config.server.ts";
import { healthRoutes, type Phase } from "./http/health.server.ts";
import { readOwnWrites } from "./http/own-writes.server.ts";
import { requestLog } from "./http/request-log.server.ts";
import { sandboxHeaders } from "./http/sandbox-headers.server.ts";
import { webhooksHandler } from "./http/webhooks.server.ts";
import { createServices, type Services } from "./services.server.ts";

export interface StartOptions {
  /** Where the app's sources lie (`app/`), with the programs of worker threads. */
  readonly appFolder: URL;
  /** Where the pages come from; the release's own build unless told otherwise. */
  readonly build?: ServerBuild | (() => Promise<ServerBuild>);
  /** Serves the browser's files; the release's own folder unless told otherwise. */
  readonly assets?: RequestHandler;
}

export interface RunningApp {
  readonly services: Services;
  readonly port: number;
  /**
   * Drains: leaves rotation, answers what has come in, finishes the work in the background, closes every
   * connection. Ends after `config.shutdownGraceMs` at the latest; safe to call twice.
   */
  stop(): Promise<void>;
}

/** How long a load balancer may take to see that `/readyz` has changed, before connections are refused. */
const LEAVE_ROTATION_MS = { production: 1000, development: 0, test: 0 } as const;

/** How long the work in the background may take to start before requests are served without it. */
const START_PATIENCE_MS = 5_000;

/** Starts one app on `config.port` (0 picks a free one). Importing this module has no effect. */
export async function start(config: Config, options: StartOptions): Promise<RunningApp> {
  const services = await createServices(config, options.appFolder);
  const { logger } = services;
  let phase: Phase = "starting";

  const build = options.build ?? (await import("virtual:remix/server-build"));
  const app = express();
  app.disable("x-powered-by");
  app.set("trust proxy", true);
  app.use(healthRoutes({ ...services, phase: () => phase }));
  app.use(requestLog(logger));
  app.all("/webhooks", webhooksHandler(services.intake));
  if (config.sandboxAdminOrigin) {
    app.use(sandboxHeaders(config.sandboxAdminOrigin, config.shopify.appBridgeUrl));
  }
  app.use(compression());
  app.use(options.assets ?? releaseAssets());
  const pages = createRequestHandler({
    build,
    mode: config.nodeEnv,
    getLoadContext: () => ({ services }),
  });
  app.use(readOwnWrites(services.cluster));
  app.all("*", (request, response, next) => void pages(request, response, next));

  const server = createServer(app);
  // Longer than the idle timeout of the load balancers in front (60 s on an ALB), so that they close first.
  server.keepAliveTimeout = 65_000;
  server.listen(config.port);
  await once(server, "listening");
  const started = services.start().catch((error: unknown) => {
    // Serving goes on without the background work; whoever waits for it sees it in /health.
    logger.error({ err: error }, "the work in the background did not start");
  });
  // A database that answers is there for the first requests; one that does not keeps nobody out of rotation.
  await Promise.race([started, wait(START_PATIENCE_MS, undefined, { ref: false })]);
  phase = "serving";
  const { port } = server.address() as { port: number };
  logger.info({ port }, "serving");

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    phase = "draining";
    logger.info("draining");
    const deadline = AbortSignal.timeout(config.shutdownGraceMs);
    const outOfTime = once(deadline, "abort").then(() => {
      logger.warn("stopped before everything was finished");
      server.closeAllConnections();
    });
    await wait(LEAVE_ROTATION_MS[config.nodeEnv]);
    await Promise.race([outOfTime, closeServer(server).then(() => services.stop())]);
    logger.info("stopped");
  };
  return { services, port, stop: () => (stopping ??= stop()) };
}

/** Refuses new connections, lets running requests finish and closes those that wait for nothing. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  await closed;
}

function releaseAssets(): RequestHandler {
  const folder = fileURLToPath(new URL("../client", import.meta.url));
  return (
    express
      .Router()
      // Their names hold a hash of what is in them.
      .use("/assets", express.static(`${folder}/assets`, { immutable: true, maxAge: "1y" }))
      .use(express.static(folder, { maxAge: "1h" }))
  );
}
