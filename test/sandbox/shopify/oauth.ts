import { randomBytes } from "node:crypto";
import type { Reply } from "./reply.ts";
import { jsonReply } from "./reply.ts";
import { compressScopes } from "./scopes.ts";
import { verifySessionToken } from "./session-token.ts";

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";
const OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token";
const ONLINE = "urn:shopify:params:oauth:token-type:online-access-token";

/** Lifetimes in seconds (docs: About offline access tokens; About online access tokens). */
const OFFLINE_ACCESS_SECONDS = 3_600;
const REFRESH_SECONDS = 90 * 24 * 3_600;
const ONLINE_ACCESS_SECONDS = 24 * 3_600 - 1;

/** What an access token stands for. */
export interface AccessGrant {
  readonly shop: string;
  readonly kind: "offline" | "offline-non-expiring" | "online";
  readonly userId?: string;
}

interface Token extends AccessGrant {
  readonly value: string;
  readonly expiresAtMs: number;
  readonly family?: Family;
}

/** One offline access token and the refresh token that came with it. */
interface Family {
  readonly shop: string;
  readonly access: string;
  readonly refresh: string;
  readonly accessExpiresAtMs: number;
  readonly refreshExpiresAtMs: number;
  /** The pair that this one was refreshed into; both stay acceptable until it is used. */
  replacement?: Family;
  replaced?: Family;
}

export interface OAuthOptions {
  apiKey: string;
  secret: string;
  /** Scopes that the merchant has granted. */
  scopes: readonly string[];
  now: () => Date;
  isInstalled: (shop: string) => boolean;
}

/**
 * Shopify's token endpoint for embedded apps: token exchange and refresh. Only one expiring offline
 * token is alive per shop: a new one ends the others (docs: About offline access tokens).
 */
export class OAuth {
  readonly #options: OAuthOptions;
  readonly #access = new Map<string, Token>();
  readonly #refresh = new Map<string, Family>();

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  /** Answers `POST /admin/oauth/access_token`. */
  answer(shop: string, contentType: string, body: string): Reply {
    const parameters = parseParameters(contentType, body);
    const { apiKey, secret } = this.#options;
    if (parameters.client_id !== apiKey) {
      return failure(
        "application_cannot_be_found",
        "The application cannot be found. The client_id is not known.",
      );
    }
    if (parameters.client_secret !== secret) {
      return failure("invalid_client", "The client_secret does not belong to the client_id.");
    }
    if (!this.#options.isInstalled(shop)) {
      return failure("app_not_installed", "The application is not installed on this shop.");
    }
    switch (parameters.grant_type) {
      case TOKEN_EXCHANGE:
        return this.#exchange(shop, parameters);
      case "refresh_token":
        return this.#refreshGrant(shop, parameters);
      default:
        return failure("unsupported_grant_type", "The grant_type is not supported.");
    }
  }

  /** What an access token grants in this shop, or undefined when it is unknown, expired or revoked. */
  verify(shop: string, accessToken: string | undefined): AccessGrant | undefined {
    const token = accessToken === undefined ? undefined : this.#access.get(accessToken);
    if (!token || token.shop !== shop || token.expiresAtMs <= this.#nowMs()) return undefined;
    if (token.family) this.#settle(token.family);
    return token;
  }

  /** Ends every token of a shop, as uninstalling does at once. */
  revoke(shop: string): void {
    for (const token of this.#access.values()) {
      if (token.shop === shop) this.#access.delete(token.value);
    }
    this.#revokeRefreshing(shop);
  }

  /** Ends every access token of a shop and keeps the refresh tokens, as if an hour had passed. */
  expireAccess(shop: string): void {
    for (const token of this.#access.values()) {
      if (token.shop === shop && token.kind === "offline") this.#access.delete(token.value);
    }
  }

  #exchange(shop: string, parameters: Parameters): Reply {
    const { apiKey, secret, now, scopes } = this.#options;
    if (parameters.subject_token_type !== ID_TOKEN) {
      return failure("invalid_request", "The subject_token_type must be an id_token.");
    }
    const claims = verifySessionToken(parameters.subject_token ?? "", {
      shop,
      apiKey,
      secret,
      now: now(),
    });
    if (!claims) {
      return failure(
        "invalid_subject_token",
        "Token exchange cannot be performed due to an invalid subject token.",
      );
    }
    const scope = compressScopes(scopes).join(",");
    switch (parameters.requested_token_type) {
      case OFFLINE: {
        if (parameters.expiring !== "1") {
          const value = randomToken("shpat_");
          this.#access.set(value, {
            value,
            shop,
            kind: "offline-non-expiring",
            expiresAtMs: Infinity,
          });
          return jsonReply(200, { access_token: value, scope });
        }
        this.#revokeRefreshing(shop);
        return this.#pairReply(this.#issue(shop), scope);
      }
      case ONLINE: {
        const value = randomToken("shpua_");
        const expiresAtMs = this.#nowMs() + ONLINE_ACCESS_SECONDS * 1_000;
        this.#access.set(value, { value, shop, kind: "online", userId: claims.sub, expiresAtMs });
        return jsonReply(200, {
          access_token: value,
          scope,
          expires_in: ONLINE_ACCESS_SECONDS,
          associated_user_scope: scope,
          session: claims.sid,
          associated_user: {
            id: Number(claims.sub),
            first_name: "Sandbox",
            last_name: "Merchant",
            email: `merchant-${claims.sub}@${shop}`,
            account_owner: true,
            locale: "en",
            collaborator: false,
            email_verified: true,
          },
        });
      }
      default:
        return failure("invalid_request", "The requested_token_type is not supported.");
    }
  }

  #refreshGrant(shop: string, parameters: Parameters): Reply {
    const family = this.#refresh.get(parameters.refresh_token ?? "");
    if (!family || family.shop !== shop || family.refreshExpiresAtMs <= this.#nowMs()) {
      return failure(
        "invalid_grant",
        "The refresh token is unknown, expired, revoked or has been replaced.",
      );
    }
    // Using a refresh token shows that its pair has arrived.
    this.#settle(family);
    const scope = compressScopes(this.#options.scopes).join(",");
    if (family.replacement) return this.#pairReply(family.replacement, scope);
    const next = this.#issue(family.shop);
    family.replacement = next;
    next.replaced = family;
    this.#access.delete(family.access);
    return this.#pairReply(next, scope);
  }

  /** The first use of a pair ends the one that it replaced: until then a lost answer can be asked for again. */
  #settle(family: Family): void {
    if (!family.replaced) return;
    this.#refresh.delete(family.replaced.refresh);
    this.#access.delete(family.replaced.access);
    delete family.replaced;
  }

  #issue(shop: string): Family {
    const nowMs = this.#nowMs();
    const family: Family = {
      shop,
      access: randomToken("shpat_"),
      refresh: randomToken("shprt_"),
      accessExpiresAtMs: nowMs + OFFLINE_ACCESS_SECONDS * 1_000,
      refreshExpiresAtMs: nowMs + REFRESH_SECONDS * 1_000,
    };
    this.#access.set(family.access, {
      value: family.access,
      shop,
      kind: "offline",
      expiresAtMs: family.accessExpiresAtMs,
      family,
    });
    this.#refresh.set(family.refresh, family);
    return family;
  }

  #pairReply(family: Family, scope: string): Reply {
    const nowMs = this.#nowMs();
    return jsonReply(200, {
      access_token: family.access,
      scope,
      expires_in: Math.max(0, Math.round((family.accessExpiresAtMs - nowMs) / 1_000)),
      refresh_token: family.refresh,
      refresh_token_expires_in: Math.max(
        0,
        Math.round((family.refreshExpiresAtMs - nowMs) / 1_000),
      ),
    });
  }

  #revokeRefreshing(shop: string): void {
    for (const family of this.#refresh.values()) {
      if (family.shop !== shop) continue;
      this.#refresh.delete(family.refresh);
      this.#access.delete(family.access);
    }
  }

  #nowMs(): number {
    return this.#options.now().getTime();
  }
}

type Parameters = Readonly<Record<string, string | undefined>>;

function parseParameters(contentType: string, body: string): Parameters {
  if (contentType.includes("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(body));
  }
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? (parsed as Parameters) : {};
  } catch {
    return {};
  }
}

function randomToken(prefix: string): string {
  return prefix + randomBytes(16).toString("hex");
}

function failure(error: string, description: string): Reply {
  return jsonReply(400, { error, error_description: description });
}
