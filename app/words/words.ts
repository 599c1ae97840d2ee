import { english } from "./english.ts";

export type Words = ReturnType<typeof english>;

/** The languages that the app is written in. A new one is a file beside english.ts and a line here. */
export const languages = { en: english } as const satisfies Record<
  string,
  (locale: string) => Words
>;
export type Language = keyof typeof languages;

/** The language of a locale such as `en-GB`, or English. */
export function languageOf(locale: string): Language {
  const [language = ""] = locale.toLowerCase().split("-");
  return Object.hasOwn(languages, language) ? (language as Language) : "en";
}

/**
 * How a page in that locale writes numbers and dates: as the merchant's region does, in the language of the
 * words, so that no page mixes two languages. `de` is `en-DE` as long as there are no German words.
 */
export function writtenLocale(locale: string): string {
  const asked = new Intl.Locale(locale);
  const language = languageOf(locale);
  if (asked.language === language) return locale;
  const { region } = asked.maximize();
  return region ? `${language}-${region}` : language;
}

/** The words of a locale's language, with its way of writing numbers. */
export function wordsFor(locale: string): Words {
  return languages[languageOf(locale)](locale);
}
