import { percentile } from "../report.ts";

/** What one side of a comparison did in one round. */
export interface Round {
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Runs `work` in `concurrency` loops for a while.
 *
 * @param work - One operation; gets a number that no other operation of this round gets.
 */
export async function round(
  concurrency: number,
  durationMs: number,
  work: (n: number) => Promise<unknown>,
): Promise<Round> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  let next = 0;
  const loop = async () => {
    while (performance.now() < endsAt) {
      const at = performance.now();
      await work(next++);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    operationsPerSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: Math.max(...latencies),
  };
}
