import { sql } from "drizzle-orm";
import { z } from "zod";
import { textArray } from "../database/arrays.ts";
import { DatabaseError } from "../database/errors.ts";
import type { ShopDatabase } from "../database/cluster.ts";
import { GroupCommit, type Committed, type GroupCommitOptions } from "./group-commit.ts";

export const delivery = z.object({
  shop: z.string(),
  id: z.string(),
  topic: z.string(),
  apiVersion: z.string(),
  eventId: z.string().nullable(),
  triggeredAt: z.coerce.date().nullable(),
  body: z.string(),
});

/** A webhook whose signature is right, as it is kept. */
export type NewDelivery = z.infer<typeof delivery>;

/** A delivery on its way to Postgres. */
export interface DueDelivery {
  readonly delivery: NewDelivery;
  /** Where the journal keeps it until a standby has it; null where it does not yet. */
  readonly sequence: number | null;
}

/** `live`: its sender waits for the answer. `later`: it was acknowledged before. */
export type Lane = "live" | "later";

/** Stores a batch, all of it or nothing. @returns for each whether it was new. */
export type CommitBatch = (
  batch: readonly DueDelivery[],
  lane: Lane,
) => Promise<readonly boolean[]>;

const MIB = 1024 * 1024;
/** While one batch is flushed to the disk, the next one is on its way. */
const LIVE_IN_FLIGHT = 2;
/** Live batches after which it is the other lane's turn although the live one is never idle. */
const LIVE_PER_LATER = 8;

const common = {
  isAboutOne: isAboutOneDelivery,
  keyOf: ({ delivery: { shop, id } }: DueDelivery) => keyOf(shop, id),
  bytesOf: ({ delivery: { body } }: DueDelivery) => body.length,
} satisfies Partial<GroupCommitOptions<DueDelivery, boolean>>;

/**
 * Deliveries on their way into Postgres, in batches. Those that somebody waits for go first; what was acknowledged
 * before, and is stored now or again, goes when nothing else does, and one batch in a while when that never happens.
 */
export class DeliveryBatches {
  readonly #live: GroupCommit<DueDelivery, boolean>;
  readonly #later: GroupCommit<DueDelivery, boolean>;
  #liveBatches = 0;

  constructor(commit: CommitBatch) {
    this.#live = new GroupCommit({
      ...common,
      commit: (batch) => commit(batch, "live"),
      maxInFlight: LIVE_IN_FLIGHT,
      maxItems: 200,
      maxBytes: 4 * MIB,
      maxWaitingBytes: 32 * MIB,
      onChange: (what) => {
        if (what === "begun") this.#liveBatches++;
        else this.#later.pump();
      },
    });
    this.#later = new GroupCommit({
      ...common,
      commit: (batch) => commit(batch, "later"),
      maxInFlight: 1,
      maxItems: 100,
      maxBytes: MIB,
      maxWaitingBytes: Infinity,
      mayBegin: () => this.#live.isIdle || this.#liveBatches >= LIVE_PER_LATER,
      onChange: (what) => {
        if (what === "begun") this.#liveBatches = 0;
      },
    });
  }

  /**
   * @param patienceMs - How long the sender is kept waiting, from now on.
   * @throws DatabaseError as {@link GroupCommit.add} does.
   */
  keep(one: NewDelivery, patienceMs: number): Promise<Committed<boolean>> {
    return this.#live.add({ delivery: one, sequence: null }, patienceMs);
  }

  /** @returns what became of each: an error where it is not stored. */
  keepLater(some: readonly DueDelivery[]): Promise<PromiseSettledResult<Committed<boolean>>[]> {
    return Promise.allSettled(some.map((one) => this.#later.add(one)));
  }
}

/**
 * Whether a delivery itself may be what the database does not take. What tables there are, and who may write to them,
 * is the same for all.
 */
export function isAboutOneDelivery(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    error.kind === "permanent" &&
    !/^(0A|28|3D|3F|42)/.test(error.code)
  );
}

/**
 * Stores deliveries that are not stored yet.
 *
 * @returns for each whether it was new; when this transaction is committed, all of them are stored.
 */
export async function insertDeliveries(
  db: ShopDatabase,
  deliveries: readonly NewDelivery[],
): Promise<boolean[]> {
  // In the order of their keys: two batches that overlap then wait for each other and never lock each other out.
  const rows = deliveries.toSorted((a, b) => (keyOf(a.shop, a.id) < keyOf(b.shop, b.id) ? -1 : 1));
  const array = (of: (one: NewDelivery) => string | null) => textArray(rows.map(of));
  const stored = await db.execute<{ shop: string; id: string }>(sql`
    insert into webhook_deliveries (shop, id, topic, api_version, event_id, triggered_at, body)
    select shop, id, topic, api_version, event_id, triggered_at::timestamptz, body
    from unnest(
      ${array(({ shop }) => shop)}, ${array(({ id }) => id)}, ${array(({ topic }) => topic)},
      ${array(({ apiVersion }) => apiVersion)}, ${array(({ eventId }) => eventId)},
      ${array(({ triggeredAt }) => triggeredAt?.toISOString() ?? null)}, ${array(({ body }) => body)}
    ) as d(shop, id, topic, api_version, event_id, triggered_at, body)
    on conflict do nothing
    returning shop, id`);
  // A commit that was cut off while it waited for the synchronous standby is visible, and on one node alone. This
  // one has to wait behind it, which a commit of nothing does not.
  if (stored.length === 0) {
    await db.execute(sql`
      select pg_logical_emit_message(true, 'evenkeel', '')
      where current_setting('synchronous_standby_names') <> ''`);
  }
  const isNew = new Set(stored.map(({ shop, id }) => keyOf(shop, id)));
  return deliveries.map(({ shop, id }) => isNew.has(keyOf(shop, id)));
}

function keyOf(shop: string, id: string): string {
  return `${shop} ${id}`;
}
