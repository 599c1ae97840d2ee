import { and, desc, eq, lt } from "drizzle-orm";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { webhookDeliveries, type DeliveryState } from "../database/schema.ts";

/** A webhook as it is shown: without its body, which may hold personal data. */
export interface Delivery {
  readonly id: string;
  readonly topic: string;
  readonly state: DeliveryState;
  readonly triggeredAt: Date | null;
  readonly receivedAt: Date;
  readonly appliedAt: Date | null;
  readonly attempts: number;
  readonly error: string | null;
}

export interface DeliveryPage {
  readonly deliveries: readonly Delivery[];
  readonly nextCursor: string | null;
}

const PAGE_SIZE = 50;

/** Webhooks that were received, newest first. */
export async function listDeliveries(
  cluster: Cluster,
  shop: string,
  { state = null, after = null }: { state?: DeliveryState | null; after?: string | null } = {},
): Promise<Sourced<DeliveryPage>> {
  const from = after && /^\d{1,15}$/.test(after) ? Number(after) : null;
  const { sequence, id, topic, triggeredAt, receivedAt, appliedAt, attempts, error } =
    webhookDeliveries;
  return cluster.read(shop, async (db) => {
    const rows = await db
      .select({
        sequence,
        id,
        topic,
        state: webhookDeliveries.state,
        triggeredAt,
        receivedAt,
        appliedAt,
        attempts,
        error,
      })
      .from(webhookDeliveries)
      .where(
        and(
          eq(webhookDeliveries.shop, shop),
          ...(state ? [eq(webhookDeliveries.state, state)] : []),
          ...(from === null ? [] : [lt(sequence, from)]),
        ),
      )
      .orderBy(desc(sequence))
      .limit(PAGE_SIZE + 1);
    const shown = rows.slice(0, PAGE_SIZE);
    return {
      deliveries: shown.map(({ sequence: _, ...delivery }) => delivery),
      nextCursor: rows.length > PAGE_SIZE ? String(shown.at(-1)?.sequence) : null,
    };
  });
}
