import type { Shopify } from "@shopify/shopify-api";
import type { AppLoadContext } from "@remix-run/node";
import { TaskCancelledError, TimeoutStrategy, timeout } from "cockatiel";
import { DatabaseError } from "../database/errors.ts";
import type { Logger } from "../observability/logger.server.ts";
import type { ShopifyApp } from "./app.server.ts";
import type { Availability } from "./availability.ts";
import { ShopifyError } from "./errors.ts";
import type { PostgresSessionStorage } from "./session-storage.server.ts";

/** Who is at the screen, and whether Shopify's side of the sign-in could be completed. */
export interface Merchant {
  readonly shop: string;
  /** Shopify's id of the person, from the session token. */
  readonly user: string;
  /** `away`: the session token proves who it is, but no access token could be had just now. */
  readonly admin: "ready" | "away";
}

export interface SignInOptions {
  readonly app: ShopifyApp;
  readonly api: Shopify;
  readonly sessions: PostgresSessionStorage;
  readonly availability: Availability;
  readonly logger: Logger;
}

/** How long a page waits for Shopify's side of the sign-in. The page itself needs nothing of it. */
const PATIENCE_MS = 3_000;

/** The library's own default, where `app/routes/auth.login.tsx` lies. */
const LOGIN_PATH = "/auth/login";

/** The one door for people. Nothing else calls `authenticate.admin`. */
export class SignIn {
  readonly #options: SignInOptions;
  /** First sign-ins under way, by shop. */
  readonly #underWay = new Map<string, Promise<Merchant>>();

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /**
   * Signs a request in. Shopify is asked only where the shop has no session that lasts, and not while it is away.
   *
   * @throws Response whatever the library wants the browser to get: redirects, the page that fetches a fresh
   *   session token, 401 with the retry header, 410 for bots.
   */
  async merchant(request: Request): Promise<Merchant> {
    const shop = claimedShop(request);
    if (!shop || this.#hasSession(shop)) return this.#authenticate(request);
    const merchant = await this.#byTokenAlone(request);
    // The library knows what to answer to a token that is not good.
    if (!merchant) return this.#authenticate(request);
    // A layout and its page load in parallel. Until the shop's session is known, one of them goes first, so
    // that the first open makes one token exchange and not two.
    const before = this.#underWay.get(shop);
    const turn = this.#firstSignIn(request, merchant, before);
    this.#underWay.set(shop, turn);
    try {
      return await turn;
    } finally {
      if (this.#underWay.get(shop) === turn) this.#underWay.delete(shop);
    }
  }

  /** @param merchant - Who the session token says it is. */
  async #firstSignIn(
    request: Request,
    merchant: Merchant,
    before: Promise<Merchant> | undefined,
  ): Promise<Merchant> {
    const { api, sessions, availability, logger } = this.#options;
    const { shop } = merchant;
    const earlier = await before?.catch(() => undefined);
    // What the one before has just found out is not found out again.
    if (earlier?.admin === "away") return merchant;
    try {
      await sessions.loadSession(api.session.getOfflineId(shop));
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      logger.warn({ shop, reason: error.name }, "signed in by session token alone");
      return merchant;
    }
    if (this.#hasSession(shop)) return this.#authenticate(request);
    // Only what did not come to an end says that Shopify is away: a refusal is an answer.
    return this.#orByToken(request, () => availability.run(shop, () => this.#inTime(request)));
  }

  /** @throws ShopifyError when the exchange has not come to an end in time; it goes on, for those who come later. */
  async #inTime(request: Request): Promise<Merchant> {
    try {
      return await timeout(PATIENCE_MS, TimeoutStrategy.Aggressive).execute(() =>
        this.#byLibrary(request),
      );
    } catch (cause) {
      if (!(cause instanceof TaskCancelledError)) throw cause;
      throw new ShopifyError("unavailable", "Shopify did not sign the merchant in.", { cause });
    }
  }

  #hasSession(shop: string): boolean {
    const { api, sessions } = this.#options;
    return sessions.knowsGood(api.session.getOfflineId(shop));
  }

  #authenticate(request: Request): Promise<Merchant> {
    return this.#orByToken(request, () => this.#byLibrary(request));
  }

  async #byLibrary(request: Request): Promise<Merchant> {
    const { session, sessionToken } = await this.#options.app.authenticate.admin(request);
    return { shop: session.shop, user: sessionToken.sub, admin: "ready" };
  }

  /** Where Shopify or the database is in the way, a session token that is good is enough. */
  async #orByToken(request: Request, signIn: () => Promise<Merchant>): Promise<Merchant> {
    try {
      return await signIn();
    } catch (error) {
      const answeredForUs = error instanceof Response && error.status !== 500;
      if (answeredForUs) throw withWish(error, request);
      const merchant = await this.#byTokenAlone(request);
      if (!merchant) throw error;
      this.#options.logger.warn(
        { shop: merchant.shop, reason: error instanceof Error ? error.name : "http 500" },
        "signed in by session token alone",
      );
      return merchant;
    }
  }

  /** Who the session token says it is; its signature and time are checked, nothing is looked up. */
  async #byTokenAlone(request: Request): Promise<Merchant | undefined> {
    const token = sessionToken(request);
    if (!token) return undefined;
    try {
      const payload = await this.#options.api.session.decodeSessionToken(token);
      return { shop: new URL(payload.dest).hostname, user: payload.sub, admin: "away" };
    } catch {
      return undefined;
    }
  }
}

/** For loaders and actions of the app's pages. */
export function merchant(request: Request, context: AppLoadContext): Promise<Merchant> {
  return context.services.signIn.merchant(request);
}

/** What the admin adds to an address, and the next one has to bring anew. */
const ADMIN_PARAMETERS = [
  "embedded",
  "hmac",
  "host",
  "id_token",
  "link_source",
  "locale",
  "session",
  "shop",
  "timestamp",
];

/** The way to the page for those who name no shop forgets which page they wanted; this one tells. */
function withWish(answer: Response, request: Request): Response {
  if (answer.headers.get("location") !== LOGIN_PATH) return answer;
  const wanted = new URL(request.url);
  for (const name of ADMIN_PARAMETERS) wanted.searchParams.delete(name);
  const to = wanted.pathname + wanted.search;
  const headers = new Headers(answer.headers);
  headers.set("location", `${LOGIN_PATH}?${new URLSearchParams({ to }).toString()}`);
  return new Response(null, { status: answer.status, headers });
}

function sessionToken(request: Request): string | null {
  const bearer = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  return bearer ?? new URL(request.url).searchParams.get("id_token");
}

/** The shop that an unverified session token names: good enough to take turns by, and for nothing else. */
function claimedShop(request: Request): string | null {
  const payload = sessionToken(request)?.split(".")[1];
  if (!payload) return null;
  try {
    const { dest } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { dest?: unknown };
    return typeof dest === "string" ? new URL(dest).hostname : null;
  } catch {
    return null;
  }
}
