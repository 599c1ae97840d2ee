import { deserialize, serialize } from "node:v8";
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
  readonly readable: () => boolean | Promise<boolean>;
  /** Whether an error means that the answer could not be had, as opposed to that there is none. */
  readonly isOutage: (error: unknown) => boolean;
  /**
   * What tells those apart who ask, and must not be given each other's answers: where the last change of one of them
   * is to be found. Default nobody.
   */
  readonly reader?: () => string;
  /** How long an answer stands in for one that cannot be had. Default 24 hours. */
  readonly staleIfErrorMs?: number;
  /** How many bytes are kept for one shop. Default 2 MiB. */
  readonly maxBytesPerShop?: number;
  /** How many shops are kept, those used last. Default 50. */
  readonly maxShops?: number;
}

/** An answer in bytes: outside of the heap, where it burdens no garbage collection, and safe from changes. */
interface Kept {
  readonly bytes: Buffer;
  readonly asOf: Date;
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
      reader: () => "",
      staleIfErrorMs: DAY_MS,
      maxBytesPerShop: 2 * 1024 * 1024,
      maxShops: 50,
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
    const readable = this.#options.readable();
    if (readable !== true && !(await readable)) {
      const kept = this.#kept<T>(question.shop, key);
      if (kept) return kept;
    }
    // One that was asked before a change does not have it.
    const id = `${question.shop}\0${key}\0${this.#options.reader()}`;
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
        maxSize: this.#options.maxBytesPerShop,
        sizeCalculation: ({ bytes }, key) => bytes.length + key.length,
      });
      this.#shops.set(shop, answers);
    }
    const before = answers.peek(key);
    // Of two that were under way at the same time the later one may be the older.
    if (before && before.asOf > asOf) return;
    answers.set(key, { bytes: serialize(value), asOf });
  }

  #kept<T>(shop: string, key: string): Sourced<T> | null {
    const kept = this.#shops.get(shop)?.get(key);
    if (!kept || Date.now() - kept.asOf.getTime() > this.#options.staleIfErrorMs) return null;
    return { value: deserialize(kept.bytes) as T, source: "memory", asOf: kept.asOf };
  }
}
