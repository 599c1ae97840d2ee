/** How many go at once on a server that has just taken over. */
const FIRST = 4;

/**
 * Lets writes onto a new primary a few at first, and one more for each that is through: everybody at once on a
 * server with cold caches share its processors so finely that nobody is through for long (slow start, as TCP's;
 * RFC 5681). Afterwards it costs nothing.
 */
export class SlowStart {
  readonly #full: number;
  #limit: number;
  /** Those who were let in, and have not left. */
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

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
  async enter(signal: AbortSignal): Promise<void> {
    if (!this.#hasRoom) {
      await new Promise<void>((resolve) => {
        const go = () => {
          signal.removeEventListener("abort", giveUp);
          resolve();
        };
        const giveUp = () => {
          this.#waiting.splice(this.#waiting.indexOf(go), 1);
          this.#inside++;
          resolve();
        };
        signal.addEventListener("abort", giveUp, { once: true });
        this.#waiting.push(go);
      });
      return;
    }
    this.#inside++;
  }

  /** Somebody is through, or has given up. */
  leave(): void {
    this.#inside--;
    if (this.#limit < this.#full) this.#limit++;
    while (this.#waiting.length > 0 && this.#hasRoom) {
      this.#inside++;
      this.#waiting.shift()?.();
    }
  }

  get #hasRoom(): boolean {
    return this.#limit >= this.#full || this.#inside < this.#limit;
  }
}
