/** Who waits: a merchant for their change, or nobody in particular. */
export type Priority = "interactive" | "background";

/** What Shopify says of a shop's bucket with every answer (docs: GraphQL Admin API rate limits). */
export interface ThrottleStatus {
  readonly maximumAvailable: number;
  readonly currentlyAvailable: number;
  readonly restoreRate: number;
}

/** Points that are set aside for one request, until its answer says what the bucket holds. */
export interface Reservation {
  /**
   * Ends the reservation.
   *
   * @param status - What the answer said of the bucket; null where there was no answer that said so.
   * @param actualCost - What the request came to, in points; 0 where it was refused.
   */
  settle(status: ThrottleStatus | null, actualCost: number): void;
}

/** Of the full bucket, what background work leaves for the changes of merchants. */
const INTERACTIVE_SHARE = 0.2;
/** Background work that has waited this long no longer stands back. */
const PATIENCE_MS = 10_000;
/** How fast the estimate of what others take follows what is seen. */
const OTHERS_TIME_CONSTANT_MS = 5_000;
/** For how long ahead a request leaves room for what others take of the same bucket. */
const OTHERS_AHEAD_MS = 500;

interface Waiter {
  readonly cost: number;
  readonly since: number;
  readonly grant: (reservation: Reservation) => void;
}

/**
 * Keeps one shop's requests within what Shopify allows, by waiting before a request is refused.
 *
 * The bucket is Shopify's; here is an estimate of it, set right by every answer. What is under way is counted as
 * taken even where the answer may have counted it already, so the estimate errs to the low side; that costs no
 * throughput, since the points come back at the same rate whatever the level. Other instances of the app draw from
 * the same bucket: what went missing between two answers beyond our own doing is taken as their rate.
 */
export class ShopThrottle {
  readonly #queues: Readonly<Record<Priority, Waiter[]>> = { interactive: [], background: [] };
  #size: { readonly maximum: number; readonly perMs: number } | null = null;
  /** Points that may be spent, as of `#levelAt`; below zero where more is under way than was thought. */
  #level = 0;
  #levelAt = 0;
  /** What the last answer said, as it said it. */
  #told: { readonly level: number; readonly at: number } | null = null;
  #underWay = 0;
  #underWayCount = 0;
  /** Points per ms that others take from the bucket. */
  #othersPerMs = 0;
  #closedUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Waits until the bucket holds what a request is expected to cost.
   *
   * @param cost - In points, as Shopify requests it.
   * @throws the signal's reason when it is aborted before.
   */
  reserve(cost: number, priority: Priority, signal: AbortSignal): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const queue = this.#queues[priority];
      const leave = () => {
        queue.splice(queue.indexOf(waiter), 1);
        reject(signal.reason as Error);
        this.#pump();
      };
      const waiter: Waiter = {
        cost,
        since: performance.now(),
        grant(reservation) {
          signal.removeEventListener("abort", leave);
          resolve(reservation);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      queue.push(waiter);
      this.#pump();
    });
  }

  /** Lets nothing go out for a while, as a `Retry-After` asks. */
  close(forMs: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, performance.now() + forMs);
    this.#pump();
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#queues.interactive.length + this.#queues.background.length;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const now = performance.now();
      const next = this.#next(now);
      if (!next) return;
      const waitMs = this.#waitMs(next.waiter.cost, next.standsBack, now);
      if (waitMs > 0) {
        // Whoever settles pumps again; without a size only an answer can tell more.
        if (waitMs < Infinity) {
          this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs)).unref();
        }
        return;
      }
      next.queue.shift();
      next.waiter.grant(this.#take(next.waiter.cost, now));
    }
  }

  /** Merchants first, but for background work that has stood back long enough. */
  #next(now: number) {
    const { interactive, background } = this.#queues;
    const patient = background[0];
    const lostPatience = patient !== undefined && now - patient.since > PATIENCE_MS;
    if (interactive[0] && !(lostPatience && patient.since < interactive[0].since)) {
      return { queue: interactive, waiter: interactive[0], standsBack: false };
    }
    return patient && { queue: background, waiter: patient, standsBack: !lostPatience };
  }

  #waitMs(cost: number, standsBack: boolean, now: number): number {
    if (now < this.#closedUntil) return this.#closedUntil - now;
    // The first answer tells how large the bucket is: nothing else goes out before.
    if (!this.#size) return this.#underWayCount === 0 ? 0 : Infinity;
    const { maximum } = this.#size;
    this.#flow(now);
    const aside = standsBack ? maximum * INTERACTIVE_SHARE : 0;
    const ahead = this.#othersPerMs * OTHERS_AHEAD_MS;
    const needed = Math.min(cost + aside + ahead, maximum);
    return Math.max(0, (needed - this.#level) / this.#flowPerMs());
  }

  #take(cost: number, now: number): Reservation {
    this.#flow(now);
    this.#level -= cost;
    this.#underWay += cost;
    this.#underWayCount++;
    let open = true;
    return {
      settle: (status, actualCost) => {
        if (!open) return;
        open = false;
        this.#underWay -= cost;
        this.#underWayCount--;
        if (status) this.#hear(status, actualCost);
        this.#pump();
      },
    };
  }

  #hear(status: ThrottleStatus, actualCost: number): void {
    const now = performance.now();
    const { maximumAvailable: maximum, currentlyAvailable: level, restoreRate } = status;
    this.#size = { maximum, perMs: restoreRate / 1000 };
    if (this.#told && now > this.#told.at) {
      const elapsed = now - this.#told.at;
      const ours = actualCost + this.#underWay;
      const unshared = Math.min(maximum, this.#told.level + elapsed * this.#size.perMs) - ours;
      const seen = Math.max(0, unshared - level) / elapsed;
      const weight = 1 - Math.exp(-elapsed / OTHERS_TIME_CONSTANT_MS);
      this.#othersPerMs += (seen - this.#othersPerMs) * weight;
    }
    this.#told = { level, at: now };
    this.#level = level - this.#underWay;
    this.#levelAt = now;
  }

  #flow(now: number): void {
    if (!this.#size) return;
    const restored = (now - this.#levelAt) * this.#flowPerMs();
    this.#level = Math.min(this.#size.maximum, this.#level + restored);
    this.#levelAt = now;
  }

  /** What comes back for us; a tenth at least, lest a wrong estimate of the others stops everything. */
  #flowPerMs(): number {
    const { perMs } = this.#size as { perMs: number };
    return Math.max(perMs - this.#othersPerMs, perMs / 10);
  }
}
