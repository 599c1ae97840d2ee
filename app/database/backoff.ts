/**
 * Exponential backoff with full jitter: a random time between nothing and a bound that doubles with each try
 * (Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
 *
 * @param tries - How many have failed before, without the one that is to be waited after: 0 at first.
 * @returns milliseconds, below `firstMs` at first and never above `maxMs`.
 */
export function fullJitter(tries: number, firstMs: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** tries);
}
