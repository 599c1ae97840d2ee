import { randomInt } from "node:crypto";
import net from "node:net";

/**
 * Linux hands out 32768 and above to outgoing connections, so a port that is kept through a crash and a restart
 * must come from below: otherwise some client's own socket may sit on it when the node comes back.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/**
 * A server that is down, or has yet to start, leaves its port free for a while. So the processes of a test run, which
 * have numbers, take theirs from ranges of their own, and each goes on from the one that it took last.
 */
const RANGES = 4;
const RANGE = (HIGHEST - LOWEST) / RANGES;
const range = Number(process.env["VITEST_POOL_ID"] ?? 0) % RANGES;
let taken = randomInt(RANGE);

/**
 * A port below the ephemeral range that nobody listens on, on any of `hosts`; the same one is not given twice.
 * Somebody else may still take it before the caller does: a caller tries again with another.
 */
export async function freePort(hosts: readonly string[] = ["127.0.0.1"]): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    taken = (taken + 1) % RANGE;
    const port = LOWEST + range * RANGE + taken;
    const free = await Promise.all(hosts.map((host) => canListen(host, port)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`No free port between ${LOWEST} and ${HIGHEST}.`);
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
