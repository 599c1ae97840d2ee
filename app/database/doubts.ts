/**
 * Shops of which acknowledged changes may be missing in the database for a while: a failover has left them on the
 * old primary, and they are being made again. Until they are, what is read of the shop is as old as the first of
 * them, however fresh the node is that answers.
 */
export class Doubts {
  readonly #byShop = new Map<string, Set<{ readonly since: Date }>>();

  /**
   * @param since - When the first of the changes was acknowledged, or earlier.
   * @returns what is to be called when they have been made again.
   */
  add(shop: string, since: Date): () => void {
    const doubts = this.#byShop.get(shop) ?? new Set();
    this.#byShop.set(shop, doubts);
    const doubt = { since };
    doubts.add(doubt);
    return () => {
      doubts.delete(doubt);
      if (doubts.size === 0 && this.#byShop.get(shop) === doubts) this.#byShop.delete(shop);
    };
  }

  /** Up to when the database has all that was acknowledged of the shop; null where it has everything. */
  since(shop: string): Date | null {
    const doubts = this.#byShop.get(shop);
    if (!doubts) return null;
    return new Date(Math.min(...[...doubts].map(({ since }) => since.getTime())));
  }
}
