import { fixedAmount } from "../money.ts";
import type { Money } from "../money.ts";
import type { Address } from "../model.ts";
import type { ShopStore } from "../store.ts";
import type { Seconds } from "../time.ts";

/** The small change of every payload: amounts, moments and addresses as Shopify's published samples write them. */

export function moneySet(store: ShopStore, money: Money, presentmentCurrency: string) {
  return {
    shop_money: { amount: fixedAmount(money.shop, store.currency), currency_code: store.currency },
    presentment_money: {
      amount: fixedAmount(money.presentment, presentmentCurrency),
      currency_code: presentmentCurrency,
    },
  };
}

export function moment(store: ShopStore, at: Seconds): string;
export function moment(store: ShopStore, at: Seconds | null): string | null;
export function moment(store: ShopStore, at: Seconds | null): string | null {
  return at === null ? null : store.zone.isoTime(at);
}

export function addressPayload(address: Address | null) {
  if (!address) return null;
  return {
    first_name: address.firstName,
    address1: address.address1,
    phone: address.phone,
    city: address.city,
    zip: address.zip,
    province: address.province,
    country: address.country,
    last_name: address.lastName,
    address2: address.address2,
    company: address.company,
    latitude: null,
    longitude: null,
    name: [address.firstName, address.lastName].filter(Boolean).join(" "),
    country_code: address.countryCode,
    province_code: address.provinceCode,
  };
}
