import { z } from "zod";
import { parseGlobalId, type GlobalIdKind } from "./ids.ts";

/*
 * The small shapes that Shopify's answers and webhook payloads are made of, each turned into the one form in
 * which we keep it, whichever of the two it came from.
 */

/** A global id of one kind, as its number. */
export function idOf(kind: GlobalIdKind) {
  return z.string().transform((value, context) => {
    const parsed = parseGlobalId(value);
    if (parsed?.kind === kind) return parsed.id;
    context.addIssue({ code: "custom", message: `is no id of a ${kind}` });
    return z.NEVER;
  });
}

/** A number that is an id, as webhook payloads have it. */
export const id = z.number().int().positive();

/** A moment in any offset, as UTC. Shopify's have whole seconds. */
export const moment = z.iso
  .datetime({ offset: true })
  .transform((value) => new Date(value).toISOString());

/** A decimal amount, without the trailing zeros in which answers and payloads differ (`10.0`, `10.00`). */
export const amount = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform((value) => (value.includes(".") ? value.replace(/\.?0+$/, "") : value));

/** An amount as the API gives it: in the shop's currency and in the customer's; we keep the shop's. */
export const shopAmount = z
  .object({ shopMoney: z.object({ amount }) })
  .transform(({ shopMoney }) => shopMoney.amount);

/** The same in a webhook payload. */
export const shopAmountInPayload = z
  .object({ shop_money: z.object({ amount }) })
  .transform(({ shop_money }) => shop_money.amount);

/** A name of an enum (`PARTIALLY_PAID`) as payloads and our tables write it (`partially_paid`). */
export const enumName = z.string().transform((value) => value.toLowerCase());

/** Text that may be missing, and that means nothing when it is empty. */
export const optionalText = z
  .string()
  .nullish()
  .transform((value) => (value ? value : null));

/** Tags, in an order that does not depend on who sent them. */
export const tagList = z
  .union([z.array(z.string()), z.string().transform((value) => value.split(","))])
  .transform((tags) => [...new Set(tags.map((tag) => tag.trim()).filter(Boolean))].sort());

/** One page of a nested connection, and whether there is more of it. */
export function pageOf<Node extends z.ZodType>(node: Node) {
  return z.object({
    nodes: z.array(node),
    pageInfo: z
      .object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() })
      // A bulk operation's result is assembled whole.
      .default({ hasNextPage: false, endCursor: null }),
  });
}

/** Adds decimal amounts exactly, in units of a ten-thousandth, as fine as the tables keep them. */
export function sumOf(amounts: readonly string[]): string {
  const total = amounts.reduce((sum, value) => sum + units(value), 0n);
  const sign = total < 0n ? "-" : "";
  const digits = (total < 0n ? -total : total).toString().padStart(5, "0");
  return `${sign}${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, "");
}

function units(value: string): bigint {
  const [whole = "0", fraction = ""] = value.replace("-", "").split(".");
  const size = BigInt(whole) * 10_000n + BigInt(fraction.slice(0, 4).padEnd(4, "0"));
  return value.startsWith("-") ? -size : size;
}
