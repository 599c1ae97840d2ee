const WINDOW_MS = 1_000;
/**
 * How far apart connects are beside bursts. Never several at a time: on their way they are held up, each for another
 * while, and what was sent just before and just after a second would arrive within one.
 */
const STEADY_APART_MS = 400;
/** What a burst has at once; the rest comes evenly over its second, for those that are lost again meanwhile. */
const AT_ONCE = 0.6;
/** Of a burst, so much is left to those who wait for a connection; what is kept warm may take the rest. */
const RESERVED = 0.15;
/** After so long without a connect, one that breaks is the first sign of something new. */
const CALM_MS = 5_000;

/** What a connect is for: somebody waits for it, or it is to be there when somebody does. */
export type Purpose = "use" | "warmth";

/**
 * What may be spent on connects to one node: a burst in the first second after something has happened to it, so that
 * all connections can be had again soon, then one after the other, at most three per second, so that a node that
 * refuses them, or drops them again and again, is not stampeded. Where it does not go round, those come first that
 * somebody waits for, in the order in which they were asked for.
 */
export class ConnectBudget {
  readonly #burst: number;
  readonly #now: () => number;
  /** When those of the last second were made, oldest first. */
  #recent: number[] = [];
  #lastAt = -Infinity;
  #burstFrom = -Infinity;
  #isNews = true;
  readonly #line: Record<Purpose, Set<() => void>> = { use: new Set(), warmth: new Set() };
  #timer: NodeJS.Timeout | undefined;

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
    this.#arm();
  }

  /** @returns Whether there may be a connect now; it counts as made. */
  take(purpose: Purpose = "use"): boolean {
    const now = this.#now();
    if (this.#mayBurst(now)) {
      this.#isNews = false;
      this.#burstFrom = now;
    }
    if (this.#dueInMs(now, purpose) > 0) return false;
    this.#recent.push(now);
    this.#lastAt = now;
    return true;
  }

  /** How long until it is worth asking again. */
  waitMs(purpose: Purpose = "use"): number {
    return Math.max(1, Math.ceil(this.#dueInMs(this.#now(), purpose)));
  }

  /**
   * Calls back once when there may be a connect, for it to be taken. Whoever wants another one gets in line again; the
   * same callback stands in line for a purpose once.
   */
  whenDue(purpose: Purpose, callBack: () => void): void {
    this.#line[purpose].add(callBack);
    this.#arm();
  }

  /** Whoever stands in line wants nothing any more. */
  leave(callBack: () => void): void {
    for (const line of Object.values(this.#line)) line.delete(callBack);
    this.#arm();
  }

  get #next(): Purpose | null {
    if (this.#line.use.size > 0) return "use";
    return this.#line.warmth.size > 0 ? "warmth" : null;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const purpose = this.#next;
    if (purpose === null) return;
    this.#timer = setTimeout(() => this.#call(), this.waitMs(purpose)).unref();
  }

  #call(): void {
    const purpose = this.#next;
    if (purpose === null) return;
    const [first] = this.#line[purpose];
    if (first && this.#dueInMs(this.#now(), purpose) <= 0) {
      this.#line[purpose].delete(first);
      first();
    }
    this.#arm();
  }

  #isBursting(now: number): boolean {
    return now - this.#burstFrom < WINDOW_MS;
  }

  /** Whether the next connect is the first of a burst. */
  #mayBurst(now: number): boolean {
    return !this.#isBursting(now) && (this.#isNews || now - this.#lastAt >= CALM_MS);
  }

  /** How long until there may be a connect, as far as can be known; nothing or less where there may be one now. */
  #dueInMs(now: number, purpose: Purpose): number {
    const isUse = purpose === "use";
    const spent = this.#spent(now);
    const steadyAt = this.#lastAt + STEADY_APART_MS * (isUse ? 1 : 2);
    if (!this.#isBursting(now)) {
      if (this.#mayBurst(now)) return 0;
      const freeAt = spent < this.#burst ? now : (this.#recent[0] ?? now) + WINDOW_MS;
      return Math.max(steadyAt, freeAt) - now;
    }
    const taken = spent + (isUse ? 0 : Math.floor(this.#burst * RESERVED));
    if (taken < this.#allowed(now - this.#burstFrom)) return 0;
    const overAt = this.#burstFrom + WINDOW_MS;
    const next = this.#nextOfBurst(taken);
    return (next < overAt ? next : Math.max(overAt, steadyAt)) - now;
  }

  /** How many connects the last second may have seen when a burst is so old. */
  #allowed(ageMs: number): number {
    return Math.ceil(this.#burst * (AT_ONCE + ((1 - AT_ONCE) * ageMs) / WINDOW_MS));
  }

  /** When the burst under way allows more than `taken`. */
  #nextOfBurst(taken: number): number {
    const part = taken / this.#burst;
    // What is allowed grows right after this moment, not at it.
    return this.#burstFrom + Math.max(0, ((part - AT_ONCE) / (1 - AT_ONCE)) * WINDOW_MS) + 1;
  }

  #spent(now: number): number {
    this.#recent = this.#recent.filter((at) => now - at < WINDOW_MS);
    return this.#recent.length;
  }
}
