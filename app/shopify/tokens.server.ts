import type { Shopify } from "@shopify/shopify-api";
import { TaskCancelledError, TimeoutStrategy, timeout } from "cockatiel";
import { DatabaseError } from "../database/errors.ts";
import type { Logger } from "../observability/logger.server.ts";
import { ShopifyError } from "./errors.ts";
import type { PostgresSessionStorage } from "./session-storage.server.ts";

/** A token that ends sooner than this is renewed before it is used. */
const RENEW_BEFORE_END_MS = 10 * 60_000;
/** How long a renewal may take. Until its pair is used a lost one can be asked for again, by the same refresh token. */
const RENEWAL_MS = 5_000;

/** Access tokens for work without a merchant at the screen: jobs, commands, webhooks. */
export class AccessTokens {
  readonly #sessions: PostgresSessionStorage;
  readonly #api: Shopify;
  readonly #logger: Logger;
  /** Renewals under way: a refresh token must not be spent twice at the same time. */
  readonly #renewals = new Map<string, Promise<string>>();

  constructor(sessions: PostgresSessionStorage, api: Shopify, logger: Logger) {
    this.#sessions = sessions;
    this.#api = api;
    this.#logger = logger;
  }

  /**
   * The shop's access token, good for ten minutes at least.
   *
   * @throws ShopifyError `unauthorized` when the shop has no session, or Shopify no longer takes its refresh
   *   token: a merchant has to open the app again; `unavailable` when Shopify did not renew it.
   * @throws DatabaseError when the session table cannot be read.
   */
  async get(shop: string): Promise<string> {
    const session = await this.#sessions.loadSession(this.#api.session.getOfflineId(shop));
    if (!session?.accessToken) {
      throw new ShopifyError(
        "unauthorized",
        "The shop has not opened the app since it was installed.",
      );
    }
    const { expires, refreshToken, accessToken } = session;
    if (!expires || expires.getTime() - Date.now() > RENEW_BEFORE_END_MS) return accessToken;
    if (!refreshToken) {
      throw new ShopifyError("unauthorized", "The shop's access has ended and cannot be renewed.");
    }
    let renewal = this.#renewals.get(shop);
    if (!renewal) {
      renewal = this.#inTime(shop, refreshToken).finally(() => this.#renewals.delete(shop));
      this.#renewals.set(shop, renewal);
    }
    return renewal;
  }

  async #inTime(shop: string, refreshToken: string): Promise<string> {
    try {
      return await timeout(RENEWAL_MS, TimeoutStrategy.Aggressive).execute(() =>
        this.#renew(shop, refreshToken),
      );
    } catch (cause) {
      if (!(cause instanceof TaskCancelledError)) throw cause;
      throw new ShopifyError("unavailable", "Shopify did not renew the shop's access in time.", {
        cause,
      });
    }
  }

  async #renew(shop: string, refreshToken: string): Promise<string> {
    const { session } = await this.#api.auth
      .refreshToken({ shop, refreshToken })
      .catch((cause: unknown) => {
        const code = (cause as { response?: { code?: number } }).response?.code;
        throw code === 400 || code === 401
          ? new ShopifyError("unauthorized", "Shopify no longer accepts the shop's access.", {
              cause,
            })
          : new ShopifyError("unavailable", "Shopify did not renew the shop's access.", { cause });
      });
    if (!session.accessToken) {
      throw new ShopifyError("unavailable", "Shopify renewed the shop's access without a token.");
    }
    // The refresh token is spent. Where its successor cannot be kept, this process alone has it until it can.
    await this.#sessions.storeSession(session).catch((error: unknown) => {
      if (!(error instanceof DatabaseError)) throw error;
      this.#logger.error({ shop, kind: error.kind }, "a renewed access is in memory alone");
    });
    return session.accessToken;
  }
}
