import type { ProtectedData } from "./platform-shop.ts";

/** Topics that are about a single customer: protected customer data, level 1. */
const aboutCustomers = /^(orders|draft_orders|fulfillments|fulfillment_orders|refunds|customers)\//;

/** Names, addresses, e-mail addresses and phone numbers: level 2. What they hold becomes null. */
const personal: ReadonlySet<string> = new Set([
  "billing_address",
  "browser_ip",
  "contact_email",
  "default_address",
  "destination",
  "email",
  "first_name",
  "last_name",
  "phone",
  "shipping_address",
]);

/**
 * What an app gets of a payload by what it has been approved for: `undefined` when it is not told at all.
 * Source: https://shopify.dev/docs/apps/launch/protected-customer-data
 */
export function redactPayload(
  topic: string,
  payload: object,
  approved: ProtectedData,
): object | undefined {
  if (!aboutCustomers.test(topic)) return payload;
  if (!approved.level1) return undefined;
  return approved.level2 ? payload : (withoutPersons(payload) as object);
}

function withoutPersons(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPersons);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      personal.has(key) ? null : withoutPersons(inner),
    ]),
  );
}
