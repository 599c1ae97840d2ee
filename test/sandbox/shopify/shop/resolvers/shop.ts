import type { GraphQLSchema } from "graphql";
import { given } from "../given.ts";
import { emptyConnection } from "../connection.ts";
import { exchangeRate, isKnownCurrency } from "../money.ts";
import { gid } from "../ids.ts";
import type { ShopStore } from "../store.ts";
import { count, dateTime, define, defineData, nowOf } from "./define.ts";

const plans = { basic: "Basic", advanced: "Advanced", plus: "Shopify Plus" } as const;

const symbols: Readonly<Record<string, string>> = {
  EUR: "€{{amount_with_comma_separator}}",
  USD: "${{amount}}",
};

/** The shop itself, and the app as this shop knows it. */
export function installShop(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    shop: (_, __, { store }) => store,
    currentAppInstallation: (_, __, context) => ({
      id: gid("AppInstallation", Number(context.store.id) + 700_000_000_000),
      accessScopes: [...context.scopes]
        .sort()
        .map((handle) => ({ handle, description: handle.replace(/_/g, " ") })),
      activeSubscriptions: [],
      subscriptions: [],
      app: { id: context.appId },
      launchUrl: `https://${context.store.domain}/admin/apps/evenkeel`,
      uninstallUrl: null,
    }),
    app: (_, { id }: { id?: string | null }, { appId }) =>
      !given(id) || id === appId ? { id: appId } : null,
    // Subscriptions of shopify.app.toml are the app's, not the shop's, and are not listed here (documented).
    webhookSubscriptions: () => emptyConnection(),
    webhookSubscriptionsCount: () => count(0, null),
    publicApiVersions: () => [
      { handle: "2026-07", displayName: "2026-07", supported: true },
      { handle: "2026-10", displayName: "2026-10 (Latest)", supported: true },
    ],
  });
  defineData(schema, "ApiVersion", ["handle", "displayName", "supported"]);
  define<Record<string, unknown>>(schema, "AppInstallation", {
    id: (installation) => installation.id,
    accessScopes: (installation) => installation.accessScopes,
    activeSubscriptions: () => [],
    subscriptions: () => [],
    app: (installation) => installation.app,
    launchUrl: (installation) => installation.launchUrl,
    uninstallUrl: () => null,
    metafield: () => null,
    metafields: () => emptyConnection(),
  });
  defineData(schema, "AccessScope", ["handle", "description"]);
  define<{ id: string }>(schema, "App", {
    id: (app) => app.id,
    title: () => "Evenkeel",
    handle: () => "evenkeel",
    embedded: () => true,
    developerType: () => "PARTNER",
    developerName: () => "Evenkeel",
  });

  define<ShopStore>(schema, "Shop", {
    id: (shop) => gid("Shop", shop.id),
    name: (shop) => shop.name,
    email: (shop) => shop.profile.email,
    contactEmail: (shop) => shop.profile.email,
    description: () => null,
    shopOwnerName: (shop) => shop.profile.owner,
    myshopifyDomain: (shop) => shop.domain,
    url: (shop) => `https://${shop.domain}`,
    primaryDomain: (shop) => ({
      id: gid("Domain", shop.id),
      host: shop.domain,
      url: `https://${shop.domain}`,
      sslEnabled: true,
    }),
    currencyCode: (shop) => shop.currency,
    currencyFormats: (shop) => {
      const format = symbols[shop.currency] ?? "{{amount}}";
      return {
        moneyFormat: format,
        moneyInEmailsFormat: format,
        moneyWithCurrencyFormat: `${format} ${shop.currency}`,
        moneyWithCurrencyInEmailsFormat: `${format} ${shop.currency}`,
      };
    },
    enabledPresentmentCurrencies: () =>
      ["EUR", "USD", "GBP", "CHF", "SEK", "DKK", "JPY", "CAD"].filter(
        (code) => isKnownCurrency(code) && exchangeRate("EUR", code),
      ),
    ianaTimezone: (shop) => shop.zone.name,
    timezoneOffset: (shop, _, context) => shop.zone.offsetText(nowOf(context)).replace(":", ""),
    timezoneOffsetMinutes: (shop, _, context) => shop.zone.offsetMinutes(nowOf(context)),
    timezoneAbbreviation: (shop, _, context) =>
      new Intl.DateTimeFormat("en-US", { timeZone: shop.zone.name, timeZoneName: "short" })
        .formatToParts(context.now())
        .find((part) => part.type === "timeZoneName")?.value ?? "UTC",
    unitSystem: (shop) => (shop.profile.countryCode === "US" ? "IMPERIAL_SYSTEM" : "METRIC_SYSTEM"),
    weightUnit: (shop) => (shop.profile.countryCode === "US" ? "POUNDS" : "KILOGRAMS"),
    taxesIncluded: (shop) => shop.profile.taxesIncluded,
    taxShipping: (shop) => shop.profile.taxesIncluded,
    plan: (shop) => ({
      displayName: plans[shop.plan],
      publicDisplayName: plans[shop.plan],
      partnerDevelopment: false,
      shopifyPlus: shop.plan === "plus",
    }),
    setupRequired: () => false,
    checkoutApiSupported: () => true,
    orderNumberFormatPrefix: (shop) => shop.profile.orderPrefix,
    orderNumberFormatSuffix: (shop) => shop.profile.orderSuffix,
    shopAddress: (shop) => shop,
    billingAddress: (shop) => shop,
    shipsToCountries: (shop) => shop.profile.markets.map(([code]) => code),
    fulfillmentServices: () => [],
    alerts: () => [],
    transactionalSmsDisabled: () => true,
    marketingSmsConsentEnabledAtCheckout: () => false,
    createdAt: (shop) => dateTime(shop.createdAt),
    updatedAt: (shop) => dateTime(shop.createdAt),
    metafield: () => null,
    metafields: () => emptyConnection(),
  });
  defineData(schema, "Domain", ["id", "host", "url", "sslEnabled"]);
  defineData(schema, "CurrencyFormats", [
    "moneyFormat",
    "moneyInEmailsFormat",
    "moneyWithCurrencyFormat",
    "moneyWithCurrencyInEmailsFormat",
  ]);
  defineData(schema, "ShopPlan", [
    "displayName",
    "publicDisplayName",
    "partnerDevelopment",
    "shopifyPlus",
  ]);
  define<ShopStore>(schema, "ShopAddress", {
    id: (shop) => gid("ShopAddress", shop.id),
    address1: ({ profile }) => profile.address.address1,
    address2: ({ profile }) => profile.address.address2,
    city: ({ profile }) => profile.address.city,
    company: ({ profile }) => profile.name,
    country: ({ profile }) => profile.address.country,
    countryCode: ({ profile }) => profile.address.countryCode,
    countryCodeV2: ({ profile }) => profile.address.countryCode,
    province: ({ profile }) => profile.address.province,
    provinceCode: ({ profile }) => profile.address.provinceCode,
    zip: ({ profile }) => profile.address.zip,
    phone: ({ profile }) => profile.address.phone,
    coordinatesValidated: () => false,
    latitude: () => null,
    longitude: () => null,
    formatted: ({ profile: { name, address } }, { withCompany }: { withCompany?: boolean }) =>
      [
        withCompany ? name : null,
        address.address1,
        `${address.zip} ${address.city}`,
        address.country,
      ].filter(Boolean),
    formattedArea: ({ profile }) =>
      [profile.address.city, profile.address.country].filter(Boolean).join(", "),
  });
}
