import { LRUCache } from "lru-cache";
import type { Sourced } from "./sourced.ts";

/** What is read, said so that the same question has the same words. */
export interface Question {
  readonly shop: string;
  /** The query's name, which says what the answer looks like: change it when that changes. */
  readonly name: string;
  /** What the query depends on beside the shop; must survive JSON. */
  readonly input?: unknown;
}

export interface ReadThroughOptions {
  /** Whether any database node answers reads just now: while none does, nobody waits to be told so. */
  readonly readable: () => boolean;
  /** Whether an error means that the answer could not be had, as opposed to that there is none. */
  readonly isOutage: (error: unknown) => boolean;
  /** How long an answer stands in for one that cannot be had. Default 24 hours. */
  readonly staleIfErrorMs?: number;
  /** How many characters of JSON are kept for one shop. Default 8 million. */
  readonly maxCharsPerShop?: number;
  /** How many shops are kept, those used last. Default 200. */
  readonly maxShops?: number;
}

interface Kept {
  readonly value: unknown;
  readonly asOf: Date;
  readonly chars: number;
}

const DAY_MS = 86_400_000;

/**
 * Stands in front of the reads of the domain. In fair weather every read goes through to the database, so
 * that what a merchant sees is live, and the answer is kept; when none can be had, the one that was kept is
 * given with its age.
 */
export class ReadThrough {
  readonly #options: Required<ReadThroughOptions>;
  readonly #shops: LRUCache<string, LRUCache<string, Kept>>;
  /** Reads under way: whoever asks the same at the same time gets the same answer. */
  readonly #underWay = new Map<string, Promise<Sourced<unknown>>>();

  constructor(options: ReadThroughOptions) {
    this.#options = {
      staleIfErrorMs: DAY_MS,
      maxCharsPerShop: 8_000_000,
      maxShops: 200,
      ...options,
    };
    this.#shops = new LRUCache({ max: this.#options.maxShops });
  }

  /**
   * Asks, or gives what was answered before.
   *
   * @param load - The read itself, of the database.
   * @throws whatever `load` throws, when there is nothing to stand in for it.
   */
  async read<T>(question: Question, load: () => Promise<Sourced<T>>): Promise<Sourced<T>> {
    const key = JSON.stringify([question.name, question.input ?? null]);
    if (!this.#options.readable()) {
      const kept = this.#kept<T>(question.shop, key);
      if (kept) return kept;
    }
    const id = `${question.shop}\0${key}`;
    let answer = this.#underWay.get(id) as Promise<Sourced<T>> | undefined;
    if (!answer) {
      answer = load()
        .then((sourced) => {
          this.#keep(question.shop, key, sourced);
          return sourced;
        })
        .finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, answer);
    }
    try {
      return await answer;
    } catch (error) {
      const kept = this.#options.isOutage(error) ? this.#kept<T>(question.shop, key) : null;
      if (kept) return kept;
      throw error;
    }
  }

  /** Forgets all that is kept of a shop: it was uninstalled, or somebody in it has a right to be forgotten. */
  forget(shop: string): void {
    this.#shops.delete(shop);
  }

  #keep(shop: string, key: string, { value, asOf }: Sourced<unknown>): void {
    let answers = this.#shops.get(shop);
    if (!answers) {
      answers = new LRUCache<string, Kept>({
        maxSize: this.#options.maxCharsPerShop,
        sizeCalculation: ({ chars }) => chars,
      });
      this.#shops.set(shop, answers);
    }
    const chars = Math.max(1, JSON.stringify(value)?.length ?? 1) + key.length;
    answers.set(key, { value, asOf, chars });
  }

  #kept<T>(shop: string, key: string): Sourced<T> | null {
    const kept = this.#shops.get(shop)?.get(key);
    if (!kept || Date.now() - kept.asOf.getTime() > this.#options.staleIfErrorMs) return null;
    return { value: kept.value as T, source: "memory", asOf: kept.asOf };
  }
}
