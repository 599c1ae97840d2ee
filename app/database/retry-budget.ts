/**
 * Bounds how much of the work may be repetitions: each request earns a tenth of a retry. When everything
 * fails at once, retries without a budget multiply the load on whatever is still standing.
 */
export class RetryBudget {
  readonly #capacity: number;
  readonly #perRequest: number;
  #tokens: number;

  constructor({
    capacity = 200,
    perRequest = 0.1,
  }: { capacity?: number; perRequest?: number } = {}) {
    this.#capacity = capacity;
    this.#perRequest = perRequest;
    this.#tokens = capacity;
  }

  earn(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + this.#perRequest);
  }

  /** Whether one more retry may be made. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
