import { homeShop, outdoorShop } from "./data/profiles.ts";
import type { Random } from "./random.ts";
import { ShopStore } from "./store.ts";

export { installResolvers } from "./resolvers/install.ts";
export { productImage } from "./product-image.ts";
export { ShopStore } from "./store.ts";
export type { LedgerEntry, ShopStoreOptions } from "./store.ts";
export type { AdminContext, ShopEvent } from "../platform-shop.ts";
export { SeededRandom } from "./random.ts";
export type { Random } from "./random.ts";

export interface CreateShopsOptions {
  /** The same seed and moment give the same shops. */
  seed?: number;
  /** Where the past ends; the shops' clock goes on from there at the speed of real time. */
  now?: Date;
  /** Orders of the first shop in the last 60 days, up to 100,000; the second has about a seventh, at most 300. */
  orders?: number;
  /** For what is decided while the shops run, such as how long a write stays out of searches. */
  random?: Random;
  /** The shops' clock, instead of the above. */
  clock?: () => Date;
  /** The longest time, in ms, that a write stays out of searches; 0 switches the lag off. */
  searchLagMs?: number;
}

/** The two shops of the sandbox: one in Berlin selling in euros, one in New York State selling in dollars. */
export function createShops(options: CreateShopsOptions = {}): ShopStore[] {
  const { seed = 20_261_121, orders = 2_000 } = options;
  const startedAtMs = Date.now();
  const now = options.now ?? new Date(startedAtMs);
  const aheadMs = now.getTime() - startedAtMs;
  const clock = options.clock ?? (() => new Date(Date.now() + aheadMs));
  const second = Math.min(300, Math.round(orders / 7));
  return [
    { profile: outdoorShop, orders },
    { profile: homeShop, orders: second },
  ].map(
    (shop) =>
      new ShopStore({
        ...shop,
        seed,
        now,
        clock,
        ...(options.random ? { random: options.random } : {}),
        ...(options.searchLagMs === undefined ? {} : { searchLagMs: options.searchLagMs }),
      }),
  );
}
