/** Shopify's limits. */
export const LONGEST_NOTE = 5_000;
export const LONGEST_TAG = 40;
export const MOST_TAGS = 250;

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

/** The tags in a text that somebody has typed: commas part them. */
export function tagsIn(text: string): string[] {
  const entered = text.split(",").map((tag) => tag.trim());
  return entered.filter(
    (tag, at) => tag !== "" && entered.findIndex((other) => sameTag(tag, other)) === at,
  );
}
