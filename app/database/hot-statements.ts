import { LRUCache } from "lru-cache";

/** A statement that comes again and again. */
export interface HotStatement {
  /** Its text with its parameters' kinds: what a server keeps apart. */
  readonly key: string;
  readonly text: string;
  /** One parameter of each kind, none of them anybody's. */
  readonly samples: readonly unknown[];
}

/** What is rare is not worth a place in every server process. */
const HOT_AFTER = 3;
const MAX_HOT = 100;
/** Statements that are counted: those of changing length (lists of rows) are many, and seldom come again. */
const MAX_COUNTED = 1_000;
const MAX_TEXT_LENGTH = 8_000;

/** The driver takes a parameter's type from its value: what differs here is another statement to a server. */
const KINDS: readonly (readonly [string, (value: unknown) => boolean, sample: unknown])[] = [
  ["-", (value) => value === null || typeof value === "string" || typeof value === "number", ""],
  ["t", (value) => typeof value === "boolean", true],
  ["d", (value) => value instanceof Date, new Date(0)],
  ["b", (value) => value instanceof Uint8Array, Buffer.alloc(0)],
  ["i", (value) => typeof value === "bigint", 0n],
];

/**
 * Which statements are worth preparing: those that have come a few times. One for all connections under one role, so
 * that a connection that has done nothing yet can be taught what it will be asked for.
 */
export class HotStatements {
  readonly #uses = new LRUCache<string, number>({ max: MAX_COUNTED });
  readonly #hot = new LRUCache<string, HotStatement>({ max: MAX_HOT });
  /** What did not fit any more when it came again: its tables have been changed since this process began. */
  readonly #retired = new Set<string>();
  #version = 0;

  /**
   * Counts a use.
   *
   * @returns The statement if it is worth preparing, null while it is not.
   */
  use(text: string, parameters: readonly unknown[]): HotStatement | null {
    if (parameters.length === 0 || text.length > MAX_TEXT_LENGTH) return null;
    const key = keyOf(text, parameters);
    if (key === null) return null;
    const known = this.#hot.get(key);
    if (known) return known;
    if (this.#retired.has(key)) return null;
    const uses = (this.#uses.get(key) ?? 0) + 1;
    if (uses < HOT_AFTER) {
      this.#uses.set(key, uses);
      return null;
    }
    this.#uses.delete(key);
    const hot = { key, text, samples: samplesOf(key, parameters.length) };
    this.#hot.set(key, hot);
    this.#version++;
    return hot;
  }

  /** Never to be prepared again by this process: its old form is on other connections too. */
  retire({ key }: HotStatement): void {
    this.#hot.delete(key);
    this.#retired.add(key);
  }

  /** Changes when there is one more. */
  get version(): number {
    return this.#version;
  }

  /** Those that came last first. */
  get all(): HotStatement[] {
    return [...this.#hot.values()];
  }
}

/** Null where a parameter is of a kind whose type the driver does not tell by its value alone. */
function keyOf(text: string, parameters: readonly unknown[]): string | null {
  let kinds = "";
  for (const parameter of parameters) {
    const kind = KINDS.find(([, is]) => is(parameter));
    if (!kind) return null;
    kinds += kind[0];
  }
  return kinds + text;
}

function samplesOf(key: string, count: number): unknown[] {
  return [...key.slice(0, count)].map((letter) => KINDS.find(([kind]) => kind === letter)?.[2]);
}
