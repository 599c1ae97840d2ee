import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "../observability/logger.server.ts";
import { API_VERSION } from "./api-version.ts";
import { ShopifyError, type ShopifyErrorKind } from "./errors.ts";
import type { Operation } from "./operation.ts";

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

/** One shop's Admin API. */
export interface AdminClient {
  readonly shop: string;
  /**
   * Runs an operation. Queries are tried again when Shopify does not answer or throttles; a mutation is only
   * tried again when Shopify said that it was not run (throttled), since a blind repetition doubles it.
   *
   * @throws ShopifyError with what the caller can do about it.
   */
  request<Data, Variables extends Record<string, unknown>>(
    operation: Operation<Data, Variables>,
    variables: Variables,
    options?: RequestOptions,
  ): Promise<Data>;
  /** The result file of a bulk operation, as it arrives. */
  download(url: string): Promise<ReadableStream<Uint8Array>>;
}

export interface AdminClientOptions {
  readonly shop: string;
  /** The access token, fetched at each request, since tokens live an hour. */
  readonly accessToken: () => Promise<string>;
  readonly logger: Logger;
}

const TRY_TIMEOUT_MS = 15_000;
const DEADLINE_MS = 60_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 8_000;

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly requestId?: string };
  }[];
  readonly extensions?: {
    readonly cost?: {
      readonly requestedQueryCost: number;
      readonly throttleStatus: {
        readonly currentlyAvailable: number;
        readonly restoreRate: number;
      };
    };
  };
}

const byStatus: Readonly<Record<number, [ShopifyErrorKind, string]>> = {
  401: ["unauthorized", "Shopify no longer accepts the app's access to this shop."],
  402: ["frozen", "The shop is frozen until its owner has settled with Shopify."],
  403: ["forbidden", "Shopify does not allow the app to do this."],
  423: ["locked", "Shopify has locked the shop."],
  429: ["throttled", "Shopify asked us to slow down."],
  430: ["rejected", "Shopify refused the request for security reasons."],
};

export function createAdminClient({ shop, accessToken, logger }: AdminClientOptions): AdminClient {
  const endpoint = `https://${shop}/admin/api/${API_VERSION}/graphql.json`;

  async function once<D, V extends Record<string, unknown>>(
    { name, text, kind }: Operation<D, V>,
    variables: V,
    signal: AbortSignal,
  ): Promise<D> {
    const token = await accessToken();
    let response: Response;
    try {
      response = await fetch(endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "x-shopify-access-token": token,
        },
        body: JSON.stringify({ query: text, variables, operationName: name }),
        signal,
      });
    } catch (cause) {
      throw new ShopifyError("unavailable", "Shopify did not answer.", {
        cause,
        maybeApplied: true,
      });
    }
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), new Date());
    const known = byStatus[response.status];
    if (known) throw new ShopifyError(known[0], known[1], { retryAfterMs });
    if (!response.ok) {
      throw response.status >= 500
        ? new ShopifyError("unavailable", `Shopify answered ${response.status}.`, {
            retryAfterMs,
            maybeApplied: true,
          })
        : new ShopifyError("invalid", `Shopify answered ${response.status}.`);
    }
    let answer: Answer<D>;
    try {
      answer = (await response.json()) as Answer<D>;
    } catch (cause) {
      throw new ShopifyError("unavailable", "Shopify's answer was cut off.", {
        cause,
        maybeApplied: true,
      });
    }
    const error = answer.errors?.[0];
    if (!error) {
      if (!answer.data) throw new ShopifyError("unavailable", "Shopify's answer was empty.");
      return answer.data;
    }
    switch (error.extensions?.code) {
      case "THROTTLED":
        throw new ShopifyError("throttled", "The shop's limit at Shopify is used up for now.", {
          retryAfterMs: throttleWait(answer),
        });
      case "INTERNAL_SERVER_ERROR":
        throw new ShopifyError("unavailable", "Shopify had an internal error.", {
          maybeApplied: kind === "mutation",
        });
      case "ACCESS_DENIED":
        throw new ShopifyError("forbidden", error.message);
      default:
        throw new ShopifyError("invalid", error.message);
    }
  }

  return {
    shop,
    async request(operation, variables, { signal } = {}) {
      const startedAt = performance.now();
      for (let attempt = 0; ; attempt++) {
        const remainingMs = DEADLINE_MS - (performance.now() - startedAt);
        const limits = [AbortSignal.timeout(Math.min(TRY_TIMEOUT_MS, remainingMs))];
        if (signal) limits.push(signal);
        try {
          return await once(operation, variables, AbortSignal.any(limits));
        } catch (error) {
          if (!(error instanceof ShopifyError) || !error.passing || signal?.aborted) throw error;
          if (operation.kind === "mutation" && error.kind !== "throttled") throw error;
          const waitMs = error.retryAfterMs ?? fullJitter(attempt);
          if (performance.now() - startedAt + waitMs >= DEADLINE_MS) throw error;
          logger.debug({ shop, operation: operation.name, attempt, kind: error.kind, waitMs });
          await wait(waitMs, undefined, signal ? { signal } : {});
        }
      }
    },
    async download(url) {
      const response = await fetch(url);
      if (!response.ok || !response.body) {
        throw new ShopifyError(
          "unavailable",
          `Shopify's file could not be read (${response.status}).`,
        );
      }
      return response.body;
    },
  };
}

/** Exponential backoff with full jitter: a random time between nothing and the doubled bound (AWS, 2015). */
function fullJitter(attempt: number): number {
  return Math.random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt);
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

/** How long the shop's bucket needs until it holds what the operation asks for. */
function throttleWait(answer: Answer<unknown>): number | null {
  const cost = answer.extensions?.cost;
  if (!cost) return null;
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  const missing = cost.requestedQueryCost - currentlyAvailable;
  return Math.max(0, (missing / restoreRate) * 1000) + Math.random() * 250;
}
