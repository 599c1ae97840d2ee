import { operation } from "../operation.ts";

/** Name, currency and time zone: what every page needs before anything else. */
export const shopDetails = operation<{ shop: unknown }>(`#graphql
  query ShopDetails {
    shop {
      id
      name
      email
      currencyCode
      ianaTimezone
      plan { publicDisplayName }
      updatedAt
    }
  }`);
