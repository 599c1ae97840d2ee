import { setTimeout as wait } from "node:timers/promises";
import { Session } from "../sandbox/postgres/session.ts";
import { createClock } from "./clock.ts";
import type { ObserverConfig, ObserverEnd } from "./messages.ts";
import { serveParent } from "./process.ts";

/*
 * Tries to commit a row straight on one node, past every proxy, every 2 ms until it succeeds: when it does, the
 * node accepts writes. In a process of its own, so that nothing delays it which delays the clients.
 */

const INTERVAL_MS = 2;
/** A node that is frozen, or that waits for a standby, is asked again on another connection. */
const TIMEOUT_MS = 250;

serveParent<ObserverConfig, ObserverEnd>(async (config, { send, stopped }) => {
  const clock = createClock(config.originMs);
  let session: Session | undefined;
  while (!stopped()) {
    session ??= new Session({ ...config, timeoutMs: TIMEOUT_MS });
    const sentAt = clock.now();
    try {
      await session.query("insert into drill_observer default values");
      session.close();
      send({ type: "end", acceptsWritesAt: sentAt });
      return;
    } catch {
      if (session.closed) session = undefined;
    }
    await wait(INTERVAL_MS);
  }
  session?.close();
});
