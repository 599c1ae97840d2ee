/** A seeded source of randomness: the same seed tells the same story on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number;
}

/** mulberry32: 32 bits of state, which is plenty for made-up data and cheap enough to make one per order. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}

/** Mixes numbers into one 32-bit seed (murmur3's finaliser), so that neighbours do not resemble each other. */
export function mixSeed(...parts: readonly number[]): number {
  let h = 0x9747b28c;
  for (const part of parts) {
    h ^= part >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** A whole number in [min, max], both included. */
export function integer(random: Random, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1));
}

/** True with the given probability. */
export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** One item of a list that is not empty. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

/** The index of one weight, each as likely as it is heavy. */
export function pickWeighted(random: Random, weights: readonly number[]): number {
  let total = 0;
  for (const weight of weights) total += weight;
  let at = random.next() * total;
  for (let index = 0; index < weights.length; index++) {
    at -= weights[index] as number;
    if (at < 0) return index;
  }
  return weights.length - 1;
}
