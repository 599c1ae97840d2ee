/** A note as it is compared and kept: Shopify keeps an empty one as none, and line ends differ by system. */
export function tidyNote(note: string | null): string | null {
  return note?.replaceAll(/\r\n?/g, "\n").trim() || null;
}

/** Shopify takes tags that differ in nothing but case for one. */
export function sameTag(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

/** The tags of some that are not among others. */
export function tagsWithout(tags: readonly string[], others: readonly string[]): string[] {
  return tags.filter((tag) => !others.some((other) => sameTag(tag, other)));
}
