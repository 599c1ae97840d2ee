import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** What App Bridge's `idToken()` holds (docs: About session tokens). Times in seconds. */
export interface SessionTokenClaims {
  iss: string;
  dest: string;
  aud: string;
  sub: string;
  exp: number;
  nbf: number;
  iat: number;
  jti: string;
  sid: string;
}

/** A session token lives for one minute (docs: About session tokens). */
export const SESSION_TOKEN_SECONDS = 60;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const sign = (text: string, secret: string) =>
  createHmac("sha256", secret).update(text).digest("base64url");

/** Signs a session token as the Shopify admin does for an embedded app. */
export function signSessionToken(options: {
  shop: string;
  apiKey: string;
  secret: string;
  userId: string;
  now: Date;
  lifetimeSeconds?: number;
}): string {
  const iat = Math.floor(options.now.getTime() / 1_000);
  const claims: SessionTokenClaims = {
    iss: `https://${options.shop}/admin`,
    dest: `https://${options.shop}`,
    aud: options.apiKey,
    sub: options.userId,
    exp: iat + (options.lifetimeSeconds ?? SESSION_TOKEN_SECONDS),
    nbf: iat,
    iat,
    jti: randomUUID(),
    sid: randomUUID(),
  };
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${sign(text, options.secret)}`;
}

/** Verifies signature, audience, shop and times; undefined when anything is not right. */
export function verifySessionToken(
  token: string,
  expected: { shop: string; apiKey: string; secret: string; now: Date },
): SessionTokenClaims | undefined {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  if (rest.length > 0) return undefined;
  const wanted = Buffer.from(sign(`${head}.${body}`, expected.secret));
  const given = Buffer.from(signature);
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return undefined;
  let claims: Partial<SessionTokenClaims>;
  let algorithm: unknown;
  try {
    algorithm = (JSON.parse(Buffer.from(head, "base64url").toString()) as { alg?: unknown }).alg;
    claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Partial<SessionTokenClaims>;
  } catch {
    return undefined;
  }
  const seconds = expected.now.getTime() / 1_000;
  const right =
    algorithm === "HS256" &&
    claims.aud === expected.apiKey &&
    claims.dest === `https://${expected.shop}` &&
    typeof claims.sub === "string" &&
    typeof claims.exp === "number" &&
    claims.exp > seconds &&
    (claims.nbf ?? 0) <= seconds + 5;
  return right ? (claims as SessionTokenClaims) : undefined;
}
