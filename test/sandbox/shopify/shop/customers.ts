import { companies, nameStyles } from "./data/people.ts";
import type { NameStyle } from "./data/people.ts";
import { countries } from "./data/places.ts";
import type { Country } from "./data/places.ts";
import type { ShopProfile } from "./data/profiles.ts";
import type { IdSpace } from "./ids.ts";
import type { Address, Customer } from "./model.ts";
import { SeededRandom, chance, integer, mixSeed, pick, pickWeighted } from "./random.ts";
import type { Random } from "./random.ts";
import { day } from "./time.ts";
import type { Seconds } from "./time.ts";

function latin(text: string): string {
  if (/^[A-Za-z]+$/.test(text)) return text.toLowerCase();
  return text
    .replace(/ß/g, "ss")
    .replace(/[øØ]/g, "o")
    .replace(/[łŁ]/g, "l")
    .replace(/ı/g, "i")
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");
}

function fillDigits(pattern: string, random: Random): string {
  return pattern.replace(/#/g, () => String(integer(random, 0, 9)));
}

const stylesByCountry: ReadonlyMap<string, readonly NameStyle[]> = new Map(
  Object.keys(countries).map((code) => [
    code,
    nameStyles.filter((style) => style.countries.includes(code)),
  ]),
);

/** A made-up postal address: real towns, streets that could be anywhere, telephone ranges that ring nowhere. */
export function makeAddress(
  random: Random,
  country: Country,
  firstName: string | null,
  lastName: string | null,
): Address {
  const [city, zip, province, provinceCode] = pick(random, country.cities);
  const street = pick(random, country.streets);
  const number = integer(random, 1, 189);
  return {
    firstName,
    lastName,
    company: chance(random, 0.07) ? pick(random, companies) : null,
    address1: country.numberFirst ? `${number} ${street}` : `${street} ${number}`,
    address2: chance(random, 0.16)
      ? pick(random, ["Apt 4B", "2. OG links", "c/o Nyström", "Hinterhaus", "Unit 12"])
      : null,
    city,
    province,
    provinceCode,
    zip,
    country: country.name,
    countryCode: country.code,
    phone: chance(random, 0.55) ? fillDigits(country.phone, random) : null,
  };
}

export function countryOf(code: string): Country {
  return countries[code] ?? (countries.DE as Country);
}

/** Derives a shop's customers by number: the same number is always the same person, and none of them is stored. */
export class CustomerRegister {
  readonly #profile: ShopProfile;
  readonly #ids: IdSpace;
  readonly #seed: number;
  readonly #now: Seconds;
  readonly count: number;
  readonly #marketWeights: readonly number[];

  constructor(profile: ShopProfile, ids: IdSpace, seed: number, now: Seconds, count: number) {
    this.#profile = profile;
    this.#ids = ids;
    this.#seed = seed;
    this.#now = now;
    this.count = count;
    this.#marketWeights = profile.markets.map(([, weight]) => weight);
  }

  derive(ordinal: number): Customer {
    const random = new SeededRandom(mixSeed(this.#seed, Number(this.#profile.id), 2, ordinal));
    const { markets } = this.#profile;
    const market = markets[pickWeighted(random, this.#marketWeights)];
    const country = countryOf(market?.[0] ?? this.#profile.countryCode);
    const native = stylesByCountry.get(country.code) ?? [];
    const style =
      native.length && chance(random, 0.93) ? pick(random, native) : pick(random, nameStyles);
    const given = Math.floor(random.next() * style.given.length);
    const family = Math.floor(random.next() * style.family.length);
    const firstName = style.given[given] || null;
    const lastName = style.family[family] ?? null;
    const spelled = [
      latin(style.givenLatin?.[given] ?? firstName ?? ""),
      latin(style.familyLatin?.[family] ?? lastName ?? ""),
    ]
      .filter(Boolean)
      .join(".");
    const host = pick(random, ["example.com", "example.org", "example.net", "mail.example"]);
    const address = makeAddress(random, country, firstName, lastName);
    const createdAt = this.#now - integer(random, 61, 860) * day - integer(random, 0, day);
    return {
      __typename: "Customer",
      id: this.#ids.row("Customer", ordinal),
      ordinal,
      firstName,
      lastName,
      email: chance(random, 0.985) ? `${spelled}${ordinal + 1}@${host}` : null,
      phone: chance(random, 0.3) ? address.phone : null,
      locale: style.locale,
      note: null,
      tags: chance(random, 0.06) ? ["VIP"] : [],
      address,
      acceptsMarketing: chance(random, 0.35),
      createdAt,
      updatedAt: createdAt + integer(random, 0, 60) * day,
    };
  }
}
