const WINDOW_MS = 1_000;
/**
 * How far apart connects are beside bursts. Never several at a time: on their way they are held up, each for another
 * while, and what was sent just before and just after a second would arrive within one.
 */
const STEADY_APART_MS = 400;
/** What a burst has at once; the rest comes evenly over its second, for those that are lost again meanwhile. */
const AT_ONCE = 0.6;
/** After so long without a connect, one that breaks is the first sign of something new. */
const CALM_MS = 5_000;

/**
 * What may be spent on connects to one node: a burst in the first second after something has happened to it, so that
 * all connections can be had again soon, then one after the other, at most three per second, so that a node that
 * refuses them, or drops them again and again, is not stampeded.
 */
export class ConnectBudget {
  readonly #burst: number;
  readonly #now: () => number;
  /** When those of the last second were made, oldest first. */
  #recent: number[] = [];
  #lastAt = -Infinity;
  #burstFrom = -Infinity;
  #isNews = true;

  /**
   * @param burst - The most connects in one second.
   * @param now - Milliseconds of a clock that never goes back.
   */
  constructor(burst: number, now: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#now = now;
  }

  /** Something has happened to the node: the next connect may be the first of a burst, unless one is under way. */
  renew(): void {
    this.#isNews ||= !this.#isBursting(this.#now());
  }

  /** @returns Whether there may be a connect now; it counts as made. */
  take(): boolean {
    const now = this.#now();
    const spent = this.#spent(now);
    if (this.#isBursting(now) || this.#startsBurst(now)) {
      if (spent >= this.#allowed(now - this.#burstFrom)) return false;
    } else if (spent >= this.#burst || now - this.#lastAt < STEADY_APART_MS) {
      return false;
    }
    this.#recent.push(now);
    this.#lastAt = now;
    return true;
  }

  /** How long until it is worth asking again. */
  waitMs(): number {
    const now = this.#now();
    const overAt = this.#burstFrom + WINDOW_MS;
    const next = this.#nextOfBurst(now);
    const steadyAt = Math.max(overAt, this.#lastAt + STEADY_APART_MS);
    const at = this.#isBursting(now) && next < overAt ? next : steadyAt;
    return Math.max(1, Math.ceil(at - now));
  }

  #isBursting(now: number): boolean {
    return now - this.#burstFrom < WINDOW_MS;
  }

  #startsBurst(now: number): boolean {
    if (!this.#isNews && now - this.#lastAt < CALM_MS) return false;
    this.#isNews = false;
    this.#burstFrom = now;
    return true;
  }

  /** How many connects the last second may have seen when a burst is so old. */
  #allowed(ageMs: number): number {
    return Math.ceil(this.#burst * (AT_ONCE + ((1 - AT_ONCE) * ageMs) / WINDOW_MS));
  }

  /** When the burst under way allows one more than it has seen. */
  #nextOfBurst(now: number): number {
    const part = this.#spent(now) / this.#burst;
    // What is allowed grows right after this moment, not at it.
    return this.#burstFrom + Math.max(0, ((part - AT_ONCE) / (1 - AT_ONCE)) * WINDOW_MS) + 1;
  }

  #spent(now: number): number {
    this.#recent = this.#recent.filter((at) => now - at < WINDOW_MS);
    return this.#recent.length;
  }
}
