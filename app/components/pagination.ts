import type { IndexTableProps } from "@shopify/polaris";
import type { Words } from "../words/words.ts";

export interface Pages {
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
}

/** Pages as links, so that they can be opened elsewhere, kept and gone back to. */
export function pagination(
  words: Words,
  { nextCursor, previousCursor }: Pages,
  addressOf: (where: { readonly after: string | null; readonly before: string | null }) => string,
  label: string,
): NonNullable<IndexTableProps["pagination"]> {
  return {
    label,
    hasNext: nextCursor !== null,
    hasPrevious: previousCursor !== null,
    accessibilityLabels: { previous: words.common.previous, next: words.common.next },
    ...(nextCursor === null ? {} : { nextURL: addressOf({ after: nextCursor, before: null }) }),
    ...(previousCursor === null
      ? {}
      : { previousURL: addressOf({ after: null, before: previousCursor }) }),
  };
}
