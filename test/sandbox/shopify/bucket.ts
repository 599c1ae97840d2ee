/** A shop's plan decides how fast its bucket refills. */
export type Plan = "basic" | "advanced" | "plus" | "enterprise";

export interface BucketSize {
  /** Points the bucket holds when full. Not published; 20 s of refill was recorded on every plan. */
  readonly maximumAvailable: number;
  /** Points that come back each second (docs: GraphQL Admin API rate limits). */
  readonly restoreRate: number;
}

export const BUCKETS: Readonly<Record<Plan, BucketSize>> = {
  basic: { maximumAvailable: 2_000, restoreRate: 100 },
  advanced: { maximumAvailable: 4_000, restoreRate: 200 },
  plus: { maximumAvailable: 20_000, restoreRate: 1_000 },
  enterprise: { maximumAvailable: 40_000, restoreRate: 2_000 },
};

/** The state that Shopify reports with every answer. */
export interface ThrottleStatus {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

/**
 * The leaky bucket of one app in one shop: what a query may cost at most is taken before it runs, and
 * what it did not use is given back afterwards.
 */
export class LeakyBucket {
  readonly #size: BucketSize;
  readonly #nowMs: () => number;
  #available: number;
  #asOfMs: number;

  constructor(size: BucketSize, nowMs: () => number = () => performance.now()) {
    this.#size = size;
    this.#nowMs = nowMs;
    this.#available = size.maximumAvailable;
    this.#asOfMs = nowMs();
  }

  /** Takes `points` if they are there; otherwise takes nothing. */
  reserve(points: number): boolean {
    this.#restore();
    if (points > this.#available) return false;
    this.#available -= points;
    return true;
  }

  /** Gives back what was reserved and not used. */
  refund(points: number): void {
    this.#restore();
    this.#available = Math.min(this.#size.maximumAvailable, this.#available + points);
  }

  /** Leaves exactly `points` in the bucket, as other traffic of the same app would. */
  leave(points: number): void {
    this.#restore();
    this.#available = Math.min(this.#size.maximumAvailable, Math.max(0, points));
  }

  status(): ThrottleStatus {
    this.#restore();
    return {
      maximumAvailable: this.#size.maximumAvailable,
      currentlyAvailable: Math.floor(this.#available),
      restoreRate: this.#size.restoreRate,
    };
  }

  #restore(): void {
    const nowMs = this.#nowMs();
    const restored = ((nowMs - this.#asOfMs) / 1_000) * this.#size.restoreRate;
    this.#available = Math.min(this.#size.maximumAvailable, this.#available + restored);
    this.#asOfMs = nowMs;
  }
}
