const WINDOW_MS = 1_000;
/** Beside bursts; what the monitor's own connects, two per second while it looks for a name's server, leave of five. */
const STEADY_PER_WINDOW = 3;
/** After so long without a connect, one that breaks is the first sign of something new. */
const CALM_MS = 5_000;

/**
 * What may be spent on connects to one node: a burst in the first second after something has happened to it, so that
 * all connections can be had again at once, then a few per second, so that a node that refuses them, or drops them
 * again and again, is not stampeded.
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
    if (this.#isBursting(now) || this.#startsBurst(now)) {
      if (this.#spent(now) >= this.#burst) return false;
    } else if (this.#spent(now) >= STEADY_PER_WINDOW) {
      return false;
    }
    this.#recent.push(now);
    this.#lastAt = now;
    return true;
  }

  /** How long until it is worth asking again. */
  waitMs(): number {
    const now = this.#now();
    const limit = this.#isBursting(now) ? this.#burst : STEADY_PER_WINDOW;
    const spent = this.#spent(now);
    const next = this.#recent[spent - limit];
    return next === undefined ? 1 : Math.max(1, Math.ceil(next + WINDOW_MS - now));
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

  #spent(now: number): number {
    this.#recent = this.#recent.filter((at) => now - at < WINDOW_MS);
    return this.#recent.length;
  }
}
