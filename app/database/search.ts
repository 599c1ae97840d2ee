import { sql, type SQL } from "drizzle-orm";

/** Longer texts are not searches; an index lookup per three letters has its price. */
const MAX_LENGTH = 200;
const MAX_WORDS = 8;
/** Below three letters a word has no trigram of its own. */
const TRIGRAM = 3;

/**
 * Text as the search columns hold it and as searches are put to them: lower case, and without the marks of
 * Latin, Greek and Cyrillic letters, so that "Muller" finds "Müller".
 */
export function foldText(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .toLowerCase();
}

/**
 * The words of a search, folded. Never more than make sense, whatever was pasted: NUL (which Postgres
 * refuses) and halves of characters are gone.
 */
export function searchWords(text: string): string[] {
  const cut = text.slice(0, MAX_LENGTH).replaceAll("\0", " ").toWellFormed();
  const words = foldText(cut).split(/\s+/u);
  return [...new Set(words.filter((word) => word !== ""))].slice(0, MAX_WORDS);
}

/**
 * The patterns of which one has to match for a word to be found. A longer word is found anywhere, so that part
 * of a SKU or of a tracking number is enough; one or two letters only where a word begins, since they are
 * almost everywhere else.
 */
export function wordPatterns(word: string): string[] {
  const literal = word.replace(/[\\%_]/g, "\\$&");
  return [...word].length >= TRIGRAM
    ? [`%${literal}%`]
    : [`${literal}%`, `% ${literal}%`, `%#${literal}%`];
}

/** The condition that all words of `text` are found in `column`; undefined where there is nothing to look for. */
export function matches(column: SQL, text: string): SQL | undefined {
  const words = searchWords(text).map((word) => {
    const found = wordPatterns(word).map((pattern) => sql`${column} like ${pattern}`);
    return sql`(${sql.join(found, sql` or `)})`;
  });
  return words.length > 0 ? sql.join(words, sql` and `) : undefined;
}
