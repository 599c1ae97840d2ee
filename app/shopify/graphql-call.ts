import { API_VERSION } from "./api-version.ts";
import { ShopifyError, type ShopifyErrorKind } from "./errors.ts";
import type { Operation } from "./operation.ts";
import type { ThrottleStatus } from "./shop-throttle.ts";

/** What Shopify says an operation costs, in points, and what is left. */
export interface Cost {
  readonly requestedQueryCost: number;
  /** Null where the operation was not run. */
  readonly actualQueryCost: number | null;
  readonly throttleStatus: ThrottleStatus;
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string };
  }[];
  readonly extensions?: { readonly cost?: Cost };
}

/** One try: either its data or what went wrong, and what it cost where Shopify said so. */
export type CallResult<Data> =
  | { readonly data: Data; readonly cost: Cost | null }
  | { readonly error: ShopifyError; readonly cost: Cost | null };

export interface Call<Data, Variables extends Record<string, unknown>> {
  readonly shop: string;
  readonly token: string;
  readonly operation: Operation<Data, Variables>;
  readonly variables: Variables;
  readonly signal: AbortSignal;
}

const byStatus: Readonly<Record<number, [ShopifyErrorKind, string]>> = {
  401: ["unauthorized", "Shopify no longer accepts the app's access to this shop."],
  402: ["frozen", "The shop is frozen until its owner has settled with Shopify."],
  403: ["forbidden", "Shopify does not allow the app to do this."],
  423: ["locked", "Shopify has locked the shop."],
  429: ["throttled", "Shopify asked us to slow down."],
  430: ["rejected", "Shopify refused the request for security reasons."],
};

/** Asks a shop's Admin API once. Never throws for anything that Shopify or the network does. */
export async function callAdmin<D, V extends Record<string, unknown>>(
  call: Call<D, V>,
): Promise<CallResult<D>> {
  const { shop, token, operation, variables, signal } = call;
  const failed = (
    kind: ShopifyErrorKind,
    message: string,
    options: ConstructorParameters<typeof ShopifyError>[2] = {},
    cost: Cost | null = null,
  ) => ({ error: new ShopifyError(kind, message, options), cost });

  let response: Response;
  try {
    response = await fetch(`https://${shop}/admin/api/${API_VERSION}/graphql.json`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "x-shopify-access-token": token,
      },
      body: JSON.stringify({ query: operation.text, variables, operationName: operation.name }),
      signal,
    });
  } catch (cause) {
    return failed("unavailable", "Shopify did not answer.", { cause, maybeApplied: true });
  }
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), new Date());
  if (!response.ok) {
    // Unread bodies keep their connections.
    const body = await response.text().catch(() => "");
    const known = byStatus[response.status];
    if (response.status === 403 && /allow-?list|IP address/i.test(body)) {
      return failed("blocked", "Shopify does not accept requests from this server's address.");
    }
    if (known) return failed(known[0], known[1], { retryAfterMs });
    return response.status >= 500
      ? failed("unavailable", `Shopify answered ${response.status}.`, {
          retryAfterMs,
          maybeApplied: true,
        })
      : failed("invalid", `Shopify answered ${response.status}.`);
  }
  let answer: Answer<D>;
  try {
    answer = (await response.json()) as Answer<D>;
  } catch (cause) {
    return failed("unavailable", "Shopify's answer was cut off.", { cause, maybeApplied: true });
  }
  const cost = answer.extensions?.cost ?? null;
  const error = answer.errors?.[0];
  if (!error) {
    if (answer.data) return { data: answer.data, cost };
    return failed("unavailable", "Shopify's answer was empty.", { maybeApplied: true }, cost);
  }
  switch (error.extensions?.code) {
    case "THROTTLED":
      return failed("throttled", "The shop's limit at Shopify is used up for now.", {}, cost);
    case "INTERNAL_SERVER_ERROR":
      return failed("unavailable", "Shopify had an internal error.", { maybeApplied: true }, cost);
    case "ACCESS_DENIED":
      return failed("forbidden", error.message, {}, cost);
    default:
      return failed("invalid", error.message, {}, cost);
  }
}

/**
 * `Retry-After` in its two forms, seconds and HTTP date (RFC 9110, 10.2.3).
 *
 * @returns milliseconds from `now`, null where the header is missing or makes no sense.
 */
export function parseRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null;
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime());
}
