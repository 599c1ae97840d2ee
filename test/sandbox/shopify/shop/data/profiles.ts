import type { Address } from "../model.ts";
import { homeFamilies, homeSeries, homeVendors } from "./home.ts";
import { outdoorFamilies, outdoorSeries, outdoorVendors } from "./outdoor.ts";
import type { Family } from "../catalogue.ts";

export type Plan = "basic" | "advanced" | "plus";

/** What makes one shop another than the next. */
export interface ShopProfile {
  domain: string;
  id: string;
  name: string;
  owner: string;
  email: string;
  currency: string;
  zone: string;
  countryCode: string;
  address: Address;
  plan: Plan;
  locale: string;
  taxesIncluded: boolean;
  /** How order names begin. */
  orderPrefix: string;
  orderSuffix: string;
  /** Where its customers live, and how many of them. */
  markets: readonly (readonly [countryCode: string, weight: number])[];
  carriers: readonly (readonly [company: string, url: string])[];
  shippingRates: readonly (readonly [title: string, code: string, price: number])[];
  freeShippingFrom: number;
  locations: readonly { name: string; address: Address }[];
  families: readonly Family[];
  series: readonly string[];
  vendors: readonly string[];
  products: number;
  variants: number;
}

function address(
  address1: string,
  zip: string,
  city: string,
  countryCode: string,
  country: string,
  province: string | null = null,
  provinceCode: string | null = null,
  phone: string | null = null,
): Address {
  return {
    firstName: null,
    lastName: null,
    company: null,
    address1,
    address2: null,
    city,
    zip,
    province,
    provinceCode,
    country,
    countryCode,
    phone,
  };
}

export const outdoorShop: ShopProfile = {
  domain: "nordlicht-outdoor.myshopify.com",
  id: "61234500001",
  name: "Nordlicht Outdoor",
  owner: "Annegret Behrens",
  email: "hallo@nordlicht-outdoor.example",
  currency: "EUR",
  zone: "Europe/Berlin",
  countryCode: "DE",
  address: address(
    "Kastanienallee 82",
    "10435",
    "Berlin",
    "DE",
    "Germany",
    null,
    null,
    "+49 30 23125 100",
  ),
  plan: "advanced",
  locale: "de",
  taxesIncluded: true,
  orderPrefix: "#",
  orderSuffix: "",
  markets: [
    ["DE", 54],
    ["AT", 8],
    ["CH", 8],
    ["FR", 6],
    ["NL", 5],
    ["GB", 5],
    ["SE", 3],
    ["DK", 3],
    ["US", 3],
    ["BE", 2],
    ["PL", 1],
    ["JP", 1],
    ["NO", 0.5],
    ["IE", 0.5],
    ["IL", 0.3],
  ],
  carriers: [
    ["DHL Express", "https://www.dhl.com/de-en/home/tracking.html?tracking-id="],
    [
      "Deutsche Post (EN)",
      "https://www.deutschepost.de/sendung/simpleQueryResult.html?form.sendungsnummer=",
    ],
    ["DPD", "https://tracking.dpd.de/status/en_US/parcel/"],
  ],
  shippingRates: [
    ["Standard", "STANDARD", 490],
    ["Express", "EXPRESS", 1_290],
    ["Click & Collect", "PICKUP", 0],
  ],
  freeShippingFrom: 10_000,
  locations: [
    {
      name: "Lager Berlin",
      address: address(
        "Storkower Straße 115",
        "10407",
        "Berlin",
        "DE",
        "Germany",
        null,
        null,
        "+49 30 23125 101",
      ),
    },
    {
      name: "Laden Hamburg",
      address: address(
        "Große Bergstraße 160",
        "22767",
        "Hamburg",
        "DE",
        "Germany",
        null,
        null,
        "+49 30 23125 102",
      ),
    },
    {
      name: "Rückläuferlager Süd",
      address: address(
        "Am Alten Güterbahnhof 3",
        "80339",
        "München",
        "DE",
        "Germany",
        null,
        null,
        "+49 30 23125 103",
      ),
    },
  ],
  families: outdoorFamilies,
  series: outdoorSeries,
  vendors: outdoorVendors,
  products: 250,
  variants: 800,
};

export const homeShop: ShopProfile = {
  domain: "juniper-and-slate.myshopify.com",
  id: "61234500002",
  name: "Juniper & Slate",
  owner: "Grace Okafor",
  email: "hello@juniper-and-slate.example",
  currency: "USD",
  zone: "America/New_York",
  countryCode: "US",
  address: address(
    "41 Warren Street",
    "12534",
    "Hudson",
    "US",
    "United States",
    "New York",
    "NY",
    "+1 212-555-0140",
  ),
  plan: "basic",
  locale: "en",
  taxesIncluded: false,
  orderPrefix: "JS-",
  orderSuffix: "",
  markets: [
    ["US", 78],
    ["CA", 14],
    ["GB", 4],
    ["DE", 1.5],
    ["FR", 1],
    ["JP", 0.7],
    ["IL", 0.4],
  ],
  carriers: [
    ["USPS", "https://tools.usps.com/go/TrackConfirmAction?tLabels="],
    ["UPS", "https://www.ups.com/track?tracknum="],
  ],
  shippingRates: [
    ["Standard", "STANDARD", 695],
    ["Priority", "PRIORITY", 1_495],
  ],
  freeShippingFrom: 12_000,
  locations: [
    {
      name: "Hudson Workshop",
      address: address(
        "41 Warren Street",
        "12534",
        "Hudson",
        "US",
        "United States",
        "New York",
        "NY",
        "+1 212-555-0141",
      ),
    },
    {
      name: "Brooklyn Store",
      address: address(
        "233 Smith Street",
        "11231",
        "Brooklyn",
        "US",
        "United States",
        "New York",
        "NY",
        "+1 212-555-0142",
      ),
    },
  ],
  families: homeFamilies,
  series: homeSeries,
  vendors: homeVendors,
  products: 60,
  variants: 150,
};
