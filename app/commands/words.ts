import type { ShopifyError } from "../shopify/errors.ts";
import { changeWords } from "../words/changes.ts";
import type { UserError } from "../shopify/operations/user-error.ts";

/** What stands in the way of a change, for the merchant, and the class of it. */
export interface Obstacle {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

const byCode: Readonly<Record<string, string>> = {
  CHANGE_FROM_QUANTITY_STALE:
    "The stock changed in Shopify while your change was waiting. Look at it again, then keep Shopify's or send yours again.",
  COMPARE_QUANTITY_STALE:
    "The stock changed in Shopify while your change was waiting. Look at it again, then keep Shopify's or send yours again.",
  INVALID_INVENTORY_ITEM: "Shopify no longer has this variant.",
  INVALID_LOCATION: "Shopify no longer has this location, or this variant is not stocked there.",
  ITEM_NOT_STOCKED_AT_LOCATION: "This variant is not stocked at this location.",
  NON_MUTABLE_INVENTORY_ITEM:
    "The stock of this variant is managed elsewhere and cannot be changed here.",
  INVALID_QUANTITY_NEGATIVE: "Stock cannot be set below zero.",
  INVALID_QUANTITY_TOO_HIGH: "That is more than Shopify can keep.",
  INVALID_QUANTITY_TOO_LOW: "That is less than Shopify can keep.",
  INVALID_REASON: "Shopify does not know this reason.",
  FULFILLMENT_ORDER_HOLD_LIMIT_REACHED: changeWords.hold.tooMany,
  FULFILLMENT_ORDER_NOT_FOUND: changeWords.parts.gone,
  INVALID_ACCESS: changeWords.release.ofAnother,
};

/** Why Shopify refused a change, in words for the merchant. */
export function refusal(error: UserError): Obstacle {
  const code = error.code ?? "REFUSED";
  const field = error.field?.at(-1);
  return {
    code: `refused:${code}`,
    message: byCode[code] ?? `Shopify refused this change: ${error.message}`,
    ...(field ? { field } : {}),
  };
}

/**
 * Why a change has not reached Shopify yet, in words for the merchant.
 *
 * @param uncertain - Whether it may have reached Shopify all the same.
 */
export function hindrance(error: ShopifyError, uncertain: boolean): Obstacle {
  const code = uncertain ? "unknown" : error.kind;
  if (uncertain) {
    return {
      code,
      message: changeWords.checking,
    };
  }
  switch (error.kind) {
    case "unavailable":
      return {
        code,
        message: "Shopify is not answering right now. Your change is sent as soon as it does.",
      };
    case "throttled":
      return { code, message: "Waiting for Shopify's limit." };
    case "unauthorized":
      return {
        code,
        message:
          "Shopify wants you to sign in again. Your change is sent once you have opened Evenkeel in Shopify.",
      };
    case "frozen":
      return {
        code,
        message:
          "Shopify has frozen this shop until its bill is settled. Your change is sent afterwards.",
      };
    case "locked":
      return {
        code,
        message: "Shopify has locked this shop. Your change is sent once it is open again.",
      };
    case "rejected":
      return {
        code,
        message: "Shopify's security check turned your change away. It is sent again later.",
      };
    case "blocked":
      return {
        code,
        message:
          "Shopify does not accept requests from Evenkeel's server just now. Its operators have to allow its address; your change is sent afterwards.",
      };
    case "forbidden":
      return { code, message: "Shopify does not allow Evenkeel to make this change." };
    case "invalid":
      return { code, message: "Shopify did not understand this change. Please tell us about it." };
  }
}

/** Sent and never answered; it is looked for before it is sent again. */
export const stillChecking: Obstacle = { code: "unknown", message: changeWords.checking };

/** What a change waits for whose note would replace another one than it was based on. */
export const NOTE_CHANGED = "note-changed";

/** A refusal of our own, before or instead of Shopify's. */
export function obstacle(code: string, message: string, field?: string): Obstacle {
  return { code: `refused:${code}`, message, ...(field ? { field } : {}) };
}

export const unanswered: Obstacle = {
  code: "unanswered",
  message: "Shopify did not take this change for days. Send it again, or discard it.",
};

/** Sent, never answered, and too long ago for Shopify to tell us whether it happened. */
export const unknowable: Obstacle = {
  code: "unknowable",
  message:
    "Evenkeel cannot find out whether Shopify has this change. Look at the stock in Shopify, then send the change again or discard it.",
};

export const internal: Obstacle = {
  code: "internal",
  message: "Evenkeel could not work on this change. Please tell us about it.",
};
