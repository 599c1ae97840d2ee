import { setTimeout as wait } from "node:timers/promises";

/** `live`: somebody waits for it. `later`: it goes when nobody does. */
export type Urgency = "live" | "later";

/** How many go at once on a server that has just taken over. */
const FIRST = 2;
/** For so long a server that has just taken over is left to what somebody waits for. */
const RUSH_MS = 250;

/**
 * Lets writes onto a new primary a few at first, and one more for each that is through: everybody at once on a
 * server with cold caches share its processors so finely that nobody is through for long (slow start, as TCP's;
 * RFC 5681). Those that somebody waits for go first: the others not at all for a quarter of a second, and then behind
 * them. Afterwards it costs nothing.
 */
export class SlowStart {
  readonly #full: number;
  #limit: number;
  /** Those who were let in, and have not left. */
  #inside = 0;
  readonly #waiting: Record<Urgency, (() => void)[]> = { live: [], later: [] };
  #rushEndsAt = -Infinity;

  /** @param full - How many go at once on a server that is warm; there is no limit any more when it is reached. */
  constructor(full: number) {
    this.#full = full;
    this.#limit = full;
  }

  /** The server has just taken over. */
  begin(): void {
    this.#limit = Math.min(FIRST, this.#full);
    this.#rushEndsAt = performance.now() + RUSH_MS;
  }

  /**
   * Waits until a server that has just taken over is not left to what somebody waits for any more, or `signal` ends the
   * wait: for work that can wait, before it costs even the time to prepare it.
   */
  async whenCalm(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#rushEndsAt - performance.now();
      if (leftMs <= 0 || signal?.aborted) return;
      await wait(leftMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }

  /** Waits for one's turn, or until `signal` ends the wait; {@link leave} is to be called after either. */
  async enter(signal: AbortSignal, urgency: Urgency = "live"): Promise<void> {
    if (urgency === "later") await this.whenCalm(signal);
    if (this.#hasRoom && !signal.aborted && this.#waiting.live.length === 0) {
      this.#inside++;
      return;
    }
    const waiting = this.#waiting[urgency];
    await new Promise<void>((resolve) => {
      const go = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        const index = waiting.indexOf(go);
        if (index >= 0) waiting.splice(index, 1);
        this.#inside++;
        resolve();
      };
      signal.addEventListener("abort", giveUp, { once: true });
      waiting.push(go);
      if (signal.aborted) giveUp();
    });
  }

  /** Somebody is through, or has given up. */
  leave(): void {
    this.#inside--;
    if (this.#limit < this.#full) this.#limit++;
    while (this.#hasRoom) {
      const next = this.#waiting.live.shift() ?? this.#waiting.later.shift();
      if (!next) return;
      this.#inside++;
      next();
    }
  }

  get #hasRoom(): boolean {
    return this.#limit >= this.#full || this.#inside < this.#limit;
  }
}
