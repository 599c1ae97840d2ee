import { and, eq } from "drizzle-orm";
import { z } from "zod";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { shops, webhookDeliveries } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { ignored, isBefore, type Outcome } from "./handler.ts";
import { topics } from "./topics.ts";

/** A delivery that was claimed from the inbox. */
export interface Delivery {
  readonly shop: string;
  readonly id: string;
  readonly topic: string;
  readonly triggeredAt: Date | null;
  readonly receivedAt: Date;
  readonly body: string;
  /** How often it was claimed; also the fence: whoever has a lower number no longer holds it. */
  readonly attempts: number;
}

/** The delivery can never be applied: its topic or its shape is not known. Its message says why, in plain words. */
export class UnknownDeliveryError extends Error {
  override readonly name = "UnknownDeliveryError";
}

/**
 * The delivery is in no table: the failover that came between its claim and its effect has lost it. Whoever had
 * acknowledged it puts it back, to be claimed anew; what nobody acknowledged is sent again.
 */
export class LostDeliveryError extends Error {
  override readonly name = "LostDeliveryError";

  constructor() {
    super("The delivery is not there any more.");
  }
}

const MAX_ISSUES = 3;
/** Well within the lease; orders of thousands of lines, and the erasure of a shop, take their time. */
const DEADLINE_MS = 30_000;

/** The write carries everything that it needs, so that it can be done later and elsewhere. */
const applyDelivery = defineWrite(
  "webhook.apply",
  z.object({
    topic: z.string(),
    body: z.string(),
    at: z.iso.datetime(),
  }),
  async (tx, { topic, body, at }, { shop, operationId: deliveryId }): Promise<Outcome> => {
    const outcome = await handle(tx, { shop, deliveryId, topic, at: new Date(at) }, body);
    const noted = await tx
      .update(webhookDeliveries)
      .set({
        state: outcome.state,
        appliedAt: new Date(),
        leasedUntil: null,
        error: outcome.state === "ignored" ? outcome.reason : null,
      })
      .where(and(eq(webhookDeliveries.shop, shop), eq(webhookDeliveries.id, deliveryId)))
      .returning({ id: webhookDeliveries.id });
    // Were its operation kept without it, it could never be noted as done once it is back.
    if (noted.length === 0) throw new LostDeliveryError();
    return outcome;
  },
);

async function handle(
  tx: ShopDatabase,
  told: { shop: string; deliveryId: string; topic: string; at: Date },
  body: string,
): Promise<Outcome> {
  const handler = topics[told.topic];
  if (!handler) throw new UnknownDeliveryError(`Evenkeel does not know the topic ${told.topic}.`);
  const payload = checked(handler.schema, told.topic, body);
  const [shop] = await tx
    .select({ installedAt: shops.installedAt, uninstalledAt: shops.uninstalledAt })
    .from(shops)
    .where(eq(shops.shop, told.shop));
  if (!handler.whenUninstalled) {
    if (!shop || shop.uninstalledAt !== null) return ignored("The shop does not have the app.");
    if (isBefore(told.at, shop.installedAt))
      return ignored("It is from before the app was installed.");
  }
  return handler.apply(tx, payload, told);
}

function checked(schema: z.ZodType, topic: string, body: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new UnknownDeliveryError("The body is not JSON.");
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  // Paths and messages name fields, never what is in them.
  const issues = result.error.issues.slice(0, MAX_ISSUES).map(({ path, code, message }) => {
    const what = code === "custom" || code === "invalid_type" ? message : code.replace(/_/g, " ");
    return `${path.join(".") || "the body"}: ${what}`;
  });
  throw new UnknownDeliveryError(`The body is no ${topic} as we know it (${issues.join("; ")}).`);
}

/**
 * Applies a delivery once, however often it is asked to.
 *
 * @throws UnknownDeliveryError when it never can be.
 * @throws LostDeliveryError when it is not in the database, for now.
 * @throws DatabaseError when it could not be for now, or when the database refuses its values.
 */
export function applyOnce(cluster: Cluster, delivery: Delivery): Promise<Outcome> {
  return cluster.write(
    delivery.shop,
    delivery.id,
    applyDelivery,
    {
      topic: delivery.topic,
      body: delivery.body,
      at: (delivery.triggeredAt ?? delivery.receivedAt).toISOString(),
    },
    { deadlineMs: DEADLINE_MS },
  );
}
