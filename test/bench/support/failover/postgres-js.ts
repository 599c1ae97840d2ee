import postgres from "postgres";
import type { Instance } from "../../../drill/instance.ts";
import type { WorkerConfig } from "../../../drill/messages.ts";
import { connectionsOf, CONNECT_TIMEOUT_MS, instanceOf, type DriverPool } from "./peer.ts";

/*
 * postgres.js with both nodes in its address, as its README shows it under "Multi-host connections".
 */

const IDLE_TIMEOUT_S = 20;

export async function openInstance(config: WorkerConfig): Promise<Instance> {
  const { username, password, pathname } = new URL(config.targets.url);
  const hosts = config.targets.nodes?.join(",") ?? "";
  // Of its two options for a writer, the README promises "zero downtime failovers" of `primary`. `read-write` takes a
  // standby for a writer, whose default_transaction_read_only is off, and whatever is written there fails.
  const url = `postgres://${username}:${password}@${hosts}${pathname}?target_session_attrs=primary`;
  const sql = postgres(url, {
    max: connectionsOf(config),
    connect_timeout: CONNECT_TIMEOUT_MS / 1_000,
    // The README's example. Keep-alive is on by default; a deadline for statements is not to be had.
    idle_timeout: IDLE_TIMEOUT_S,
    onnotice: () => undefined,
  });
  const pool: DriverPool = {
    transaction: (readOnly, work) =>
      // The type is that of an array of promises' results, which this is not.
      sql.begin(readOnly ? "read only" : "read write", (tx) =>
        work((text, parameters) => tx.unsafe(text, parameters as never[], { prepare: true })),
      ) as ReturnType<typeof work>,
    end: () => sql.end({ timeout: 0 }),
  };
  return instanceOf(pool, config);
}
