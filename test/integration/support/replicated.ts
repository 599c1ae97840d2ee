import { setTimeout as wait } from "node:timers/promises";
import type { PostgresPair } from "../../sandbox/postgres/index.ts";

const INTERVAL_MS = 20;

/** Resolves when the standby has, and shows, all that was committed so far: without waiting for it nobody knows. */
export async function replicated(pair: PostgresPair): Promise<void> {
  const lags = async () => (await pair.status()).nodes.map(({ lagBytes }) => lagBytes);
  while ((await lags()).some((lagBytes) => lagBytes !== 0)) await wait(INTERVAL_MS);
}
