import type { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";

/** A webhook as its handler gets it. */
export interface Told {
  readonly shop: string;
  /** X-Shopify-Webhook-Id. */
  readonly deliveryId: string;
  readonly topic: string;
  /** When Shopify says that it happened; where it does not say, when it came. */
  readonly at: Date;
}

/** What came of a webhook: its facts are in the tables, or there was a reason to leave it. */
export type Outcome =
  { readonly state: "applied" } | { readonly state: "ignored"; readonly reason: string };

export const applied: Outcome = { state: "applied" };
export const ignored = (reason: string): Outcome => ({ state: "ignored", reason });

/** What is done with the webhooks of a topic. */
export interface Handler {
  /** The parts of the payload that are used, and nothing else: Shopify adds fields at any time. */
  readonly schema: z.ZodType;
  /** Runs in the transaction that also notes the delivery as done. */
  readonly apply: (tx: ShopDatabase, payload: unknown, told: Told) => Promise<Outcome>;
  /** Also for a shop that has uninstalled the app. */
  readonly whenUninstalled: boolean;
}

/** Makes a handler whose payload has the type of its schema. */
export function handler<Payload>(
  schema: z.ZodType<Payload>,
  apply: (tx: ShopDatabase, payload: Payload, told: Told) => Promise<Outcome>,
  { whenUninstalled = false }: { readonly whenUninstalled?: boolean } = {},
): Handler {
  return {
    schema,
    apply: (tx, payload, told) => apply(tx, payload as Payload, told),
    whenUninstalled,
  };
}

/** Whether something happened before a moment, as far as Shopify's whole seconds tell. */
export function isBefore(at: Date, moment: Date): boolean {
  return Math.floor(at.getTime() / 1_000) < Math.floor(moment.getTime() / 1_000);
}
