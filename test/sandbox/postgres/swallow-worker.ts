import { once } from "node:events";
import net from "node:net";
import { parentPort, workerData } from "node:worker_threads";

import type { Address } from "./endpoint.ts";

/**
 * Listens and then never comes back to its event loop, so that nobody accepts: once the backlog is full, the kernel
 * drops further SYNs. Nothing but a thread that stands still can do this, since Node accepts whenever it can.
 */
for (const address of workerData as readonly Address[]) {
  const server = net.createServer();
  server.listen({ ...address, backlog: 1, exclusive: true });
  await once(server, "listening");
}
parentPort?.postMessage("listening");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
