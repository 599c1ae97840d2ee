import { foldText } from "./search.ts";

/** Beyond this nobody searches, and an index entry per three letters has its price. */
const MAX_LENGTH = 8_000;

/** What the search columns hold: each part once, folded, in the order given. */
export function searchText(parts: readonly (string | null)[]): string {
  const distinct = new Set(parts.filter((part) => part !== null && part !== ""));
  return foldText([...distinct].join(" ")).slice(0, MAX_LENGTH);
}
