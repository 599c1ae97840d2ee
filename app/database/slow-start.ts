import { setImmediate as nextTurn } from "node:timers/promises";

/** `live`: somebody waits for it. `later`: it goes when nobody does. */
export type Urgency = "live" | "later";

/** How many go at once on a server that has just taken over. */
const FIRST = 4;

/**
 * Lets writes onto a new primary a few at first, and one more for each that is through: everybody at once on a
 * server with cold caches share its processors so finely that nobody is through for long (slow start, as TCP's;
 * RFC 5681). Those that somebody waits for go first. Afterwards it costs nothing.
 */
export class SlowStart {
  readonly #full: number;
  #limit: number;
  /** Those who were let in, and have not left. */
  #inside = 0;
  readonly #waiting: Record<Urgency, (() => void)[]> = { live: [], later: [] };

  /** @param full - How many go at once on a server that is warm; there is no limit any more when it is reached. */
  constructor(full: number) {
    this.#full = full;
    this.#limit = full;
  }

  /** The server has just taken over. */
  begin(): void {
    this.#limit = Math.min(FIRST, this.#full);
  }

  /** Waits for one's turn, or until `signal` ends the wait; {@link leave} is to be called after either. */
  async enter(signal: AbortSignal, urgency: Urgency = "live"): Promise<void> {
    // Those who waited for a writer get in line in the turn in which they hear of it.
    if (urgency === "later" && this.#limit < this.#full) await nextTurn();
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
