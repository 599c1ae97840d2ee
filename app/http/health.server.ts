import { Router } from "express";
import type { Journal } from "../continuity/journal/journal.ts";
import type { Cluster } from "../database/cluster.ts";
import type { Diagnosis } from "../database/diagnosis.ts";

/** Where the process is in its life. */
export type Phase = "starting" | "serving" | "draining";

export interface HealthOptions {
  readonly cluster: Cluster;
  readonly diagnosis: Pick<Diagnosis, "problems">;
  readonly journal: Pick<Journal, "waiting"> | null;
  readonly phase: () => Phase;
}

/**
 * - `/livez`: this process runs; nothing else is asked.
 * - `/readyz`: it can serve something useful. A degraded app that still serves stays in rotation; one that is
 *   starting or draining does not.
 * - `/health`: every dependency with its state, for people and monitors, and what is wrong in plain words. Always
 *   200: whoever asks wants to read it. `degraded` is what does not work as it should, not what is merely odd.
 */
export function healthRoutes({ cluster, diagnosis, journal, phase }: HealthOptions): Router {
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
    .get("/health", (_request, response) => {
      // The monitor watches by itself: a flood of checks costs the database nothing.
      const { state, cluster: detail, since, latencyMs, lastError, nodes } = cluster.state;
      const { problems } = diagnosis;
      const well = state === "up" && problems.every(({ level }) => level !== "error");
      response.json({
        phase: phase(),
        state: well ? "ok" : "degraded",
        uptimeSeconds: Math.round(process.uptime()),
        // What was acknowledged and the database does not have yet; null without a disk of its own.
        kept: journal ? { waiting: journal.waiting } : null,
        dependencies: {
          database: {
            state: detail,
            since: since.toISOString(),
            latencyMs: latencyMs === null ? null : Math.round(latencyMs * 10) / 10,
            lastError,
            problems,
            nodes: nodes.map((node) => ({
              id: node.id,
              state: node.state,
              since: node.since.toISOString(),
              timeline: node.report?.timeline ?? null,
              lastError: node.lastError,
            })),
          },
        },
      });
    });
}
