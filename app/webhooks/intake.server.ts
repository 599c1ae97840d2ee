import { isUtf8 } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Logger } from "../observability/logger.server.ts";
import type { DeliveryKeeper } from "./keeping.server.ts";

/** What the sender is told. */
export interface Receipt {
  readonly status: 200 | 400 | 401 | 503;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

export interface IntakeOptions {
  readonly keeper: Pick<DeliveryKeeper, "keep">;
  /** The app's client secrets that are accepted, the current one first. */
  readonly secrets: readonly string[];
  readonly logger: Logger;
}

/** Takes webhooks in: nothing is acknowledged before it is on stable storage, and nothing unsigned is looked at. */
export interface Intake {
  /** @param body - The request's raw bytes, which the signature covers. */
  receive(headers: IncomingHttpHeaders, body: Buffer): Promise<Receipt>;
}

const SHOP_DOMAIN = /^[a-z0-9][a-z0-9-]*\.myshopify\.com$/;
const TOPIC = /^[a-z_]+(\/[a-z_]+)+$/;
/** Every payload is an object, but for lists. */
const JSON_BODY = /^\s*[{[]/;
const RETRY_AFTER_SECONDS = 5;

export function createIntake({ keeper, secrets, logger }: IntakeOptions): Intake {
  return {
    async receive(headers, body) {
      if (!isSigned(body, header(headers, "x-shopify-hmac-sha256"), secrets)) {
        return { status: 401, message: "The signature does not match the body." };
      }
      const shop = header(headers, "x-shopify-shop-domain").toLowerCase();
      const topic = header(headers, "x-shopify-topic").toLowerCase();
      const id = header(headers, "x-shopify-webhook-id");
      const apiVersion = header(headers, "x-shopify-api-version");
      if (!SHOP_DOMAIN.test(shop)) return malformed("X-Shopify-Shop-Domain names no shop.");
      if (!TOPIC.test(topic)) return malformed("X-Shopify-Topic names no topic.");
      if (!id || id.length > 200) return malformed("X-Shopify-Webhook-Id is missing or too long.");
      if (!apiVersion) return malformed("X-Shopify-API-Version is missing.");
      const text = jsonText(body);
      if (text === null) return malformed("The body is not JSON in UTF-8.");

      const triggeredAt = new Date(header(headers, "x-shopify-triggered-at"));
      try {
        const kept = await keeper.keep({
          shop,
          id,
          topic,
          apiVersion,
          eventId: header(headers, "x-shopify-event-id") || null,
          triggeredAt: Number.isNaN(triggeredAt.getTime()) ? null : triggeredAt,
          body: text,
        });
        return { status: 200, message: kept === "known" ? "Kept before." : "Kept." };
      } catch (error) {
        const { kind, code } = error as { kind?: string; code?: string };
        logger.warn({ shop, topic, delivery: id, kind, code }, "a webhook could not be kept");
        return {
          status: 503,
          message: "The webhook could not be kept. Send it again.",
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        };
      }
    },
  };
}

function malformed(message: string): Receipt {
  return { status: 400, message };
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

/** Base64 HMAC-SHA256 of the raw body with the client secret, compared in constant time. */
function isSigned(body: Buffer, signature: string, secrets: readonly string[]): boolean {
  const given = Buffer.from(signature, "base64");
  return secrets.some((secret) => {
    const expected = createHmac("sha256", secret).update(body).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/**
 * The body as text; null where it cannot be JSON, or Postgres cannot keep it (broken UTF-8, a NUL). Whether a signed
 * body is JSON to its end is found out when it is applied, where one that is not is set aside for a person: to read
 * it here as well would cost every webhook more than all else that is done with it before its insert.
 */
function jsonText(body: Buffer): string | null {
  if (!isUtf8(body) || body.includes(0)) return null;
  const text = body.toString("utf8");
  return JSON_BODY.test(text) ? text : null;
}
