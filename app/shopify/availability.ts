import {
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from "cockatiel";
import type { Logger } from "../observability/logger.server.ts";
import { ShopifyError } from "./errors.ts";

/** As many requests in a row that got no answer, and a shop counts as away. */
const FAILURES_TO_OPEN = 5;
/** How often a shop that is away is asked whether it is back. */
const PROBE_EVERY_MS = 1_000;
/** How long such a question waits for its answer: a probe that hangs must not hide that Shopify is back. */
const PROBE_TIMEOUT_MS = 1_000;

export interface AvailabilityOptions {
  /** Asks a shop for next to nothing. Any answer will do, also one that refuses. */
  readonly probe: (shop: string, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
}

/** Without an answer from any shop in between, as many that fail mean that Shopify as a whole is away. */
const SHOPS_FOR_ALL = 3;

interface Watch {
  readonly breaker: CircuitBreakerPolicy;
  /** Who waits for the shop to be back. */
  readonly waiting: Set<() => void>;
  awaySince: Date | null;
  timer: NodeJS.Timeout | undefined;
}

const isOutage = (error: unknown) => error instanceof ShopifyError && error.kind === "unavailable";

/**
 * Knows which shops' Admin APIs do not answer, so that nobody waits for timeouts: a circuit breaker per shop
 * (Nygard, Release It!) and one for all of them. While one is open, requests fail at once, and a probe of its own
 * asks about every second whether the shop is back: merchants' changes are never the guinea pigs.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #watches = new Map<string, Watch>();
  /** The shops that have failed since any shop answered. */
  readonly #failing = new Set<string>();
  readonly #listeners = new Set<(shop: string) => void>();
  readonly #closing = new AbortController();
  #allAwaySince: Date | null = null;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Since when the shop's Admin API has not answered; null while it does. */
  awaySince(shop: string): Date | null {
    return this.#watches.get(shop)?.awaySince ?? this.#allAwaySince;
  }

  /**
   * Makes one try at a request, and learns from it.
   *
   * @throws ShopifyError `unavailable`, at once and with nothing sent, while the shop is away.
   */
  async run<T>(shop: string, attempt: () => Promise<T>): Promise<T> {
    const watch = this.#watch(shop);
    if (this.awaySince(shop)) {
      throw new ShopifyError("unavailable", "Shopify has not been answering.");
    }
    return this.#try(shop, watch, attempt);
  }

  /** Resolves when the shop answers again, at once if it does; rejects with the signal's reason. */
  async until(shop: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { waiting } = this.#watch(shop);
    if (!this.awaySince(shop)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const give = () => reject(signal.reason as Error);
    signal.addEventListener("abort", give, { once: true });
    waiting.add(resolve);
    try {
      await promise;
    } finally {
      waiting.delete(resolve);
      signal.removeEventListener("abort", give);
    }
  }

  /** Tells when a shop that was away answers again. */
  onBack(listener: (shop: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the probing. */
  close(): void {
    this.#closing.abort(new Error("The app is shutting down."));
    for (const { timer } of this.#watches.values()) clearTimeout(timer);
  }

  async #try<T>(shop: string, watch: Watch, attempt: () => Promise<T>): Promise<T> {
    try {
      const answer = await watch.breaker.execute(attempt);
      this.#answered();
      return answer;
    } catch (error) {
      if (isOutage(error)) this.#failed(shop);
      else if (error instanceof ShopifyError) this.#answered();
      throw error;
    }
  }

  #failed(shop: string): void {
    this.#failing.add(shop);
    // Somebody has to be probing, or nobody would ever find out that it is over.
    const probing = [...this.#watches.values()].some(({ awaySince }) => awaySince);
    if (this.#allAwaySince || !probing || this.#failing.size < SHOPS_FOR_ALL) return;
    this.#allAwaySince = new Date();
    this.#options.logger.warn("Shopify does not answer for any shop");
  }

  #answered(): void {
    this.#failing.clear();
    if (!this.#allAwaySince) return;
    this.#allAwaySince = null;
    for (const [shop, watch] of this.#watches) if (!watch.awaySince) this.#tell(shop, watch);
  }

  #watch(shop: string): Watch {
    const known = this.#watches.get(shop);
    if (known) return known;
    const breaker = circuitBreaker(
      handleWhen((error) => isOutage(error)),
      // The probe decides when to ask: the breaker itself never stands in its way.
      { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
    );
    const watch: Watch = { breaker, waiting: new Set(), awaySince: null, timer: undefined };
    breaker.onBreak(() => this.#away(shop, watch));
    breaker.onReset(() => this.#back(shop, watch));
    this.#watches.set(shop, watch);
    return watch;
  }

  #away(shop: string, watch: Watch): void {
    if (!watch.awaySince) {
      watch.awaySince = new Date();
      this.#options.logger.warn({ shop }, "Shopify does not answer; requests wait until it does");
    }
    if (!this.#closing.signal.aborted) this.#probeSoon(shop, watch);
  }

  #back(shop: string, watch: Watch): void {
    if (!watch.awaySince) return;
    const seconds = Math.round((Date.now() - watch.awaySince.getTime()) / 1000);
    watch.awaySince = null;
    this.#options.logger.info({ shop, seconds }, "Shopify answers again");
    // The probe's answer ends what is said of all shops only after this: it must not keep this one waiting.
    this.#answered();
    this.#tell(shop, watch);
  }

  #tell(shop: string, { waiting }: Watch): void {
    for (const resolve of waiting) resolve();
    for (const listener of this.#listeners) listener(shop);
  }

  #probeSoon(shop: string, watch: Watch): void {
    clearTimeout(watch.timer);
    // Jitter keeps the shops' probes apart when all of Shopify is away.
    const delayMs = PROBE_EVERY_MS * (0.5 + Math.random() / 2);
    watch.timer = setTimeout(() => {
      const late = new AbortController();
      watch.timer = setTimeout(() => late.abort(), PROBE_TIMEOUT_MS).unref();
      const signal = AbortSignal.any([late.signal, this.#closing.signal]);
      // A failure opens the breaker again, and that asks for the next probe.
      this.#try(shop, watch, () => this.#options.probe(shop, signal)).catch(() => {});
    }, delayMs).unref();
  }
}
