import type { Random } from "./random.ts";

/**
 * What searches see. A write reaches the search index only some time later, between at once and a minute, so
 * until then a search goes by what the thing looked like before. Reads by id never come here.
 */
export interface SearchLag {
  /** The longest time, in ms, that a write may stay out of searches. Shopify promises none; 60 s is assumed. */
  maxMs: number;
  random: Random;
  nowMs(): number;
}

interface Version<D> {
  /** What searches saw until `visibleAtMs`; `null` when there was nothing yet. */
  before: D | null;
  visibleAtMs: number;
}

export class SearchIndex<D> {
  readonly #lag: SearchLag;
  readonly #pending = new Map<number | string, Version<D>[]>();
  /** When the last write so far comes to light. */
  #settledAtMs = 0;

  constructor(lag: SearchLag) {
    this.#lag = lag;
  }

  /**
   * Call before every write.
   * @param before - a document that will not change with the write; `null` when the thing is new
   */
  willWrite(id: number | string, before: () => D | null): void {
    if (this.#lag.maxMs <= 0) return;
    const now = this.#lag.nowMs();
    const versions = this.#pending.get(id) ?? [];
    const visibleAtMs = now + this.#lag.random.next() * this.#lag.maxMs;
    versions.push({ before: before(), visibleAtMs });
    this.#settledAtMs = Math.max(this.#settledAtMs, visibleAtMs);
    this.#pending.set(id, versions);
  }

  /** Whether searches see everything as it is now. */
  get isSettled(): boolean {
    if (
      this.#pending.size > 0 &&
      (this.#lag.maxMs <= 0 || this.#settledAtMs <= this.#lag.nowMs())
    ) {
      this.#pending.clear();
    }
    return this.#pending.size === 0;
  }

  /** Whether a search sees this thing as it is now. */
  isCurrent(id: number | string): boolean {
    return this.#versions(id) === undefined;
  }

  /** What a search sees instead of the present; `undefined` when it sees the present, `null` when nothing. */
  seen(id: number | string): D | null | undefined {
    return this.#versions(id)?.[0]?.before;
  }

  /** Makes every write visible, as after a long rest. */
  settle(): void {
    this.#pending.clear();
  }

  /** The versions that are still ahead of searches, oldest first; `undefined` when there are none. */
  #versions(id: number | string): Version<D>[] | undefined {
    const versions = this.#pending.get(id);
    if (!versions) return undefined;
    if (this.#lag.maxMs <= 0) {
      this.#pending.delete(id);
      return undefined;
    }
    const now = this.#lag.nowMs();
    // A later write that has become visible carries the earlier ones with it.
    const visible = versions.findLastIndex((version) => version.visibleAtMs <= now);
    if (visible >= 0) versions.splice(0, visible + 1);
    if (versions.length === 0) {
      this.#pending.delete(id);
      return undefined;
    }
    return versions;
  }
}
