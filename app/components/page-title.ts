import type { MetaDescriptor } from "@remix-run/react";
import { knownLocale } from "../words/format.ts";
import type { Presentation } from "../words/presentation.ts";
import { wordsFor, writtenLocale, type Words } from "../words/words.ts";

interface Match {
  readonly id: string;
  readonly data: unknown;
}

/**
 * The document's title in the merchant's language, for a route's `meta`: what tabs and screen readers tell.
 *
 * @param name - The page's name from the words and from what its loader answered; undefined where the loader
 *   had no answer.
 */
export function pageTitle<Data>(name: (words: Words, data: Data | undefined) => string) {
  return ({
    data,
    matches,
  }: {
    readonly data: unknown;
    readonly matches: readonly Match[];
  }): MetaDescriptor[] => {
    const layout = matches.find(({ id }) => id === "routes/app")?.data as
      { readonly presentation?: Presentation } | undefined;
    const words = wordsFor(writtenLocale(knownLocale(layout?.presentation?.locale)));
    return [{ title: `${name(words, data as Data | undefined)} · Evenkeel` }];
  };
}
