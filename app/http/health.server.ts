import { Router } from "express";
import type { Cluster } from "../database/cluster.ts";

/** Where the process is in its life. */
export type Phase = "starting" | "serving" | "draining";

export interface HealthOptions {
  readonly cluster: Cluster;
  readonly phase: () => Phase;
}

/** Probing more often than this tells nobody anything new, and a flood of checks must cost the database nothing. */
const PROBE_EVERY_MS = 1000;

/**
 * - `/livez`: this process runs; nothing else is asked.
 * - `/readyz`: it can serve something useful. A degraded app that still serves stays in rotation; one that is
 *   starting or draining does not.
 * - `/health`: every dependency with its state, for people and monitors.
 */
export function healthRoutes({ cluster, phase }: HealthOptions): Router {
  let probe: Promise<unknown> | undefined;
  let probedAt = -Infinity;
  const fresh = async () => {
    if (performance.now() - probedAt > PROBE_EVERY_MS) {
      probedAt = performance.now();
      probe = cluster.probe();
    }
    await probe;
  };

  return Router()
    .use((_request, response, next) => {
      response.set("cache-control", "no-store");
      next();
    })
    .get("/livez", (_request, response) => {
      response.type("text/plain").send("ok\n");
    })
    .get("/readyz", (_request, response) => {
      const now = phase();
      response
        .status(now === "serving" ? 200 : 503)
        .type("text/plain")
        .send(`${now}\n`);
    })
    .get("/health", (_request, response, next) => {
      fresh()
        .then(() => {
          const database = cluster.state;
          response.json({
            phase: phase(),
            state: database.state === "up" ? "ok" : "degraded",
            uptimeSeconds: Math.round(process.uptime()),
            dependencies: {
              database: {
                state: database.state,
                since: database.since.toISOString(),
                latencyMs:
                  database.latencyMs === null ? null : Math.round(database.latencyMs * 10) / 10,
                lastError: database.lastError,
              },
            },
          });
        })
        .catch(next);
    });
}
