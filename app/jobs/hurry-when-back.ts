import type { Logger } from "../observability/logger.server.ts";
import type { Availability } from "../shopify/availability.ts";
import type { Jobs } from "./jobs.server.ts";

export interface HurryWhenBackOptions {
  readonly availability: Pick<Availability, "onBack">;
  readonly jobs: Pick<Jobs, "hurry">;
  /** A queue whose jobs wait for Shopify, their keys beginning with the shop and a slash. */
  readonly queue: string;
  readonly logger: Logger;
}

/** Spreads what several instances do when all of Shopify is back, and gathers what one of them hears of many shops. */
const GATHER_MS = 100;
/** When it is looked again: a job that was running when its shop came back may have failed after the first look. */
const LATER_LOOKS_MS = [2_000, 15_000];
/** A look that failed, the database being away, is repeated. */
const REPEAT_MS = 2_000;
/** How many shops one statement is about. */
const SHOPS_AT_ONCE = 100;

/**
 * Lets jobs that wait for Shopify go as soon as it is back. The queue itself knows only that they failed, and lets them
 * wait for up to five minutes. How fast they then go is bounded by the queue's workers and by the shops' throttles.
 */
export class HurryWhenBack {
  readonly #options: HurryWhenBackOptions;
  /** The beginnings of the keys that the next first look is about. */
  readonly #gathered = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(options: HurryWhenBackOptions) {
    this.#options = options;
    options.availability.onBack((shop) => this.#gather(`${shop}/`));
  }

  /**
   * Hurries all jobs once: nobody asks whether a shop is back whose jobs failed while an earlier process ran. Where it is
   * not, they find out.
   */
  start(): void {
    this.#gather("");
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #gather(beginning: string): void {
    this.#gathered.add(beginning);
    if (this.#gathered.size > 1) return;
    this.#after(GATHER_MS, async () => {
      const beginnings = [...this.#gathered];
      this.#gathered.clear();
      for (let from = 0; from < beginnings.length; from += SHOPS_AT_ONCE) {
        await this.#look(beginnings.slice(from, from + SHOPS_AT_ONCE), LATER_LOOKS_MS);
      }
    });
  }

  async #look(beginnings: readonly string[], later: readonly number[]): Promise<void> {
    const { jobs, queue, logger } = this.#options;
    try {
      const hurried = await jobs.hurry(queue, { keysStartingWith: beginnings });
      if (hurried > 0) logger.info({ queue, jobs: hurried }, "jobs that waited for Shopify go on");
    } catch (error) {
      logger.warn({ queue, err: error }, "jobs that wait for Shopify were not hurried");
      this.#after(REPEAT_MS, () => this.#look(beginnings, later));
      return;
    }
    const [next, ...others] = later;
    if (next !== undefined) this.#after(next, () => this.#look(beginnings, others));
  }

  #after(ms: number, act: () => Promise<void>): void {
    if (this.#stopped) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void act();
      },
      ms * (0.5 + Math.random() / 2),
    ).unref();
    this.#timers.add(timer);
  }
}
