import { setTimeout as wait } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { fullJitter } from "../database/backoff.ts";
import { RetryBudget } from "../database/retry-budget.ts";
import type { Logger } from "../observability/logger.server.ts";
import { Availability } from "./availability.ts";
import { ShopifyError } from "./errors.ts";
import { callAdmin, type CallResult } from "./graphql-call.ts";
import { operation, type Operation } from "./operation.ts";
import { ShopThrottle, type Priority } from "./shop-throttle.ts";

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

/** One shop's Admin API. */
export interface AdminClient {
  readonly shop: string;
  /**
   * Runs an operation, within a minute. It waits for its share of the shop's limit before it goes out. Queries,
   * and mutations under an idempotency key, are tried again when Shopify does not answer; another mutation is only
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

/** The Admin APIs of all shops: what one request learns of limits and outages, the next one knows. */
export interface AdminClients {
  /** @param priority - Changes of merchants go before imports and other work that nobody waits for. */
  of(shop: string, priority: Priority): AdminClient;
  readonly availability: Availability;
  close(): void;
}

export interface AdminClientsOptions {
  /** A shop's access token, fetched at each try, since tokens live an hour. */
  readonly accessToken: (shop: string) => Promise<string>;
  readonly logger: Logger;
}

const DEADLINE_MS = 60_000;
const TRY_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 8_000;
/** What an operation is taken to cost until Shopify has said it. */
const MUTATION_COST = 10;
const QUERY_COST = 50;
/** What is known of shops beyond these is learned anew. */
const MAX_SHOPS = 1_000;
const MAX_KNOWN_COSTS = 1_000;

const areYouThere = operation<{ shop: { id: string } }>("query AreYouThere { shop { id } }");

/** Makes the clients of all shops. */
export function createAdminClients({ accessToken, logger }: AdminClientsOptions): AdminClients {
  const throttles = new LRUCache<string, ShopThrottle>({ max: MAX_SHOPS });
  const costs = new LRUCache<string, number>({ max: MAX_KNOWN_COSTS });
  const retries = new RetryBudget();
  const availability = new Availability({
    logger,
    async probe(shop, signal) {
      const token = await unless(signal, accessToken(shop)).catch((cause: unknown) => {
        if (cause instanceof ShopifyError) throw cause;
        // Without a token nothing was found out.
        throw new ShopifyError("unavailable", "The shop's access cannot be read.", { cause });
      });
      const result = await callAdmin({
        shop,
        token,
        operation: areYouThere,
        variables: {},
        signal,
      });
      if ("error" in result) throw result.error;
    },
  });

  function throttleOf(shop: string): ShopThrottle {
    const throttle = throttles.get(shop) ?? new ShopThrottle();
    throttles.set(shop, throttle);
    return throttle;
  }

  /** One try, in its turn. */
  async function attempt<D, V extends Record<string, unknown>>(
    shop: string,
    priority: Priority,
    operation: Operation<D, V>,
    variables: V,
    signal: AbortSignal,
  ): Promise<D> {
    const throttle = throttleOf(shop);
    const costKey = costKeyOf(operation, variables);
    const guess = operation.kind === "mutation" ? MUTATION_COST : QUERY_COST;
    let turn;
    try {
      turn = await throttle.reserve(costs.get(costKey) ?? guess, priority, signal);
    } catch (cause) {
      throw new ShopifyError("throttled", "The shop's limit at Shopify is used up.", { cause });
    }
    let result: CallResult<D> | undefined;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TRY_TIMEOUT_MS)]);
      const token = await unless(limit, accessToken(shop)).catch((cause: unknown) => {
        if (!limit.aborted) throw cause;
        throw new ShopifyError("unavailable", "The shop's access was not to be had.", { cause });
      });
      result = await callAdmin({ shop, token, operation, variables, signal: limit });
    } finally {
      const cost = result?.cost ?? null;
      if (cost) costs.set(costKey, cost.requestedQueryCost);
      turn.settle(cost?.throttleStatus ?? null, cost?.actualQueryCost ?? 0);
    }
    if ("data" in result) return result.data;
    const { error } = result;
    // The bucket's own state says when to go on; where only the status says so, it is believed.
    if (error.kind === "throttled" && !result.cost) {
      throttle.close(error.retryAfterMs ?? FIRST_BACKOFF_MS);
    }
    throw error;
  }

  return {
    availability,
    close: () => availability.close(),
    of: (shop, priority) => ({
      shop,
      async request(operation, variables, { signal: given } = {}) {
        retries.earn();
        const deadline = AbortSignal.timeout(DEADLINE_MS);
        const signal = given ? AbortSignal.any([given, deadline]) : deadline;
        let maybeApplied = false;
        for (let tries = 0; ; tries++) {
          try {
            return await availability.run(shop, () =>
              attempt(shop, priority, operation, variables, signal).catch(abandoned(given)),
            );
          } catch (thrown) {
            const error = thrown instanceof Abandoned ? thrown.cause : thrown;
            if (!(error instanceof ShopifyError)) throw error;
            maybeApplied ||= error.maybeApplied && operation.kind === "mutation";
            const final = () => (maybeApplied ? uncertain(error) : error);
            if (signal.aborted || !mayRepeat(operation, error)) throw final();
            if (error.kind === "throttled") {
              logger.debug({ shop, operation: operation.name, tries }, "throttled by Shopify");
              continue;
            }
            if (!retries.spend()) throw final();
            const away = availability.awaySince(shop) !== null;
            // Whoever waits for a change is told at once; an import has the time.
            if (away && priority === "interactive") throw final();
            try {
              if (away) await availability.until(shop, signal);
              else
                await wait(
                  error.retryAfterMs ?? fullJitter(tries, FIRST_BACKOFF_MS, MAX_BACKOFF_MS),
                  undefined,
                  { signal },
                );
            } catch {
              throw final();
            }
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
    }),
  };
}

/** Gives up waiting for a promise, and throws the signal's reason, when the signal is aborted. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const give = () => reject(signal.reason as Error);
  if (signal.aborted) give();
  else signal.addEventListener("abort", give, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", give));
}

/** A try that its own caller gave up: it says nothing about Shopify. */
class Abandoned extends Error {
  override readonly name = "Abandoned";
}

function abandoned(signal: AbortSignal | undefined) {
  return (error: unknown): never => {
    throw signal?.aborted ? new Abandoned("given up", { cause: error }) : error;
  };
}

function mayRepeat(
  { kind, idempotent }: Pick<Operation<unknown, never>, "kind" | "idempotent">,
  error: ShopifyError,
): boolean {
  if (error.kind === "throttled") return true;
  return error.kind === "unavailable" && (kind === "query" || idempotent);
}

/** An earlier try of the same mutation may have taken effect, whatever the last one says. */
function uncertain(error: ShopifyError): ShopifyError {
  if (error.maybeApplied) return error;
  const { kind, message, retryAfterMs } = error;
  return new ShopifyError(kind, message, { retryAfterMs, maybeApplied: true, cause: error });
}

/** An operation costs by the sizes that it asks for, which are numbers among its variables. */
function costKeyOf(
  { name }: { readonly name: string },
  variables: Record<string, unknown>,
): string {
  const sizes = Object.entries(variables).filter(([, value]) => typeof value === "number");
  return [name, ...sizes.flat()].join(" ");
}
