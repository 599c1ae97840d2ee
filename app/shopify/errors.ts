/**
 * What stands between us and Shopify:
 *
 * - `unavailable`: no answer, or a server error; may pass by itself;
 * - `throttled`: the shop's cost limit is used up; passes by itself;
 * - `unauthorized`: the token is dead (401); a merchant has to open the app;
 * - `forbidden`: a scope or an approval is missing (403);
 * - `blocked`: this server's address is not on the app's allowlist (403 as well); its operator has to add it;
 * - `frozen`: the shop has not paid Shopify (402); `locked`: Shopify has locked it (423);
 * - `rejected`: refused for security (430);
 * - `invalid`: the operation itself is wrong: a bug.
 */
export type ShopifyErrorKind =
  | "unavailable"
  | "throttled"
  | "unauthorized"
  | "forbidden"
  | "blocked"
  | "frozen"
  | "locked"
  | "rejected"
  | "invalid";

export interface ShopifyErrorOptions extends ErrorOptions {
  /** How long Shopify asked us to wait. */
  readonly retryAfterMs?: number | null;
  /** Whether a mutation may have taken effect although its answer is missing. */
  readonly maybeApplied?: boolean;
}

/** The only error that leaves the Admin client. */
export class ShopifyError extends Error {
  override readonly name = "ShopifyError";
  readonly kind: ShopifyErrorKind;
  readonly retryAfterMs: number | null;
  readonly maybeApplied: boolean;

  constructor(kind: ShopifyErrorKind, message: string, options: ShopifyErrorOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.maybeApplied = options.maybeApplied ?? false;
  }

  /** Whether the same request can succeed later without anybody doing anything. */
  get passing(): boolean {
    return this.kind === "unavailable" || this.kind === "throttled";
  }
}
