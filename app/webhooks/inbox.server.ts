import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { fullJitter } from "../database/backoff.ts";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import type { Logger } from "../observability/logger.server.ts";
import type { Sync } from "../sync/sync.server.ts";
import { applyOnce, UnknownDeliveryError, type Delivery } from "./apply.server.ts";

/** Applies the webhooks that were taken in. */
export interface Inbox {
  /** Begins to look for deliveries. */
  start(): Promise<void>;
  /** Takes no more deliveries, and waits for those at hand. */
  stop(): Promise<void>;
  /** A delivery has come in: looks at once. */
  wake(): void;
}

export interface InboxOptions {
  readonly cluster: Cluster;
  readonly sync: Pick<Sync, "wake">;
  readonly logger: Logger;
  /** How many deliveries are claimed at a time. Default 50. */
  readonly batchSize?: number;
  /** How many are applied side by side; those of one resource one after the other. Default 4. */
  readonly concurrency?: number;
  /** How often the inbox looks although nobody woke it: for what other instances left behind. Default 5 s. */
  readonly pollMs?: number;
  /** How long a claim holds. Default 60 s. */
  readonly leaseMs?: number;
}

/** A delivery that failed so often although its shape is right is set aside for a person. */
const MAX_ATTEMPTS = 12;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
/** While the database is away, every claim fails. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

const FIRST_ID =
  /"(?:id|inventory_item_id|admin_graphql_api_id)"\s*:\s*"?(?:gid:\/\/shopify\/\w+\/)?(\d+)/;

/** Makes the inbox; nothing talks to the database before it is started. */
export function createInbox(options: InboxOptions): Inbox {
  return new DeliveryInbox(options);
}

class DeliveryInbox implements Inbox {
  readonly #cluster: Cluster;
  readonly #sync: Pick<Sync, "wake">;
  readonly #logger: Logger;
  readonly #batchSize: number;
  readonly #concurrency: number;
  readonly #pollMs: number;
  readonly #leaseMs: number;
  readonly #id = randomUUID();
  #stopping = false;
  #running: Promise<void> | undefined;
  /** Ends the pause between two looks. */
  #endPause: () => void = () => {};
  /** Somebody woke the inbox while it was at work. */
  #woken = false;
  /** Why the last look failed, as an error's code; null where it did not. */
  #failing: string | null = null;

  constructor(options: InboxOptions) {
    this.#cluster = options.cluster;
    this.#sync = options.sync;
    this.#logger = options.logger;
    this.#batchSize = options.batchSize ?? 50;
    this.#concurrency = options.concurrency ?? 4;
    this.#pollMs = options.pollMs ?? 5_000;
    this.#leaseMs = options.leaseMs ?? 60_000;
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endPause();
    await this.#running;
  }

  wake(): void {
    this.#woken = true;
    this.#endPause();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#woken = false;
      let pauseMs = this.#pollMs;
      try {
        const batch = await this.#claim();
        this.#failing = null;
        if (batch.length > 0) await this.#applyAll(batch);
        if (batch.length === this.#batchSize) continue;
      } catch (error) {
        this.#noteFailure(error);
        pauseMs = PAUSE_AFTER_FAILURE_MS;
      }
      if (!this.#woken && !this.#stopping) await this.#pause(pauseMs);
    }
  }

  /** Once for each outage: what is wrong with the database is said elsewhere. */
  #noteFailure(error: unknown): void {
    const { code = null } = error as { code?: string };
    if (code !== null && code === this.#failing) return;
    this.#failing = code;
    this.#logger.warn({ err: error }, "the inbox could not be worked on, and is tried again");
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /**
   * Claims the oldest deliveries that nobody holds; several instances never claim the same. Nothing is at hand here
   * when it is called: what this inbox holds by the table is what a claim took whose answer was lost, or what could
   * not be put back while the database was away.
   */
  async #claim(): Promise<Delivery[]> {
    const rows = await this.#cluster.system((db) =>
      db.execute<{
        shop: string;
        id: string;
        topic: string;
        triggered_at: string | null;
        received_at: string;
        body: string;
        attempts: number;
      }>(sql`
        update webhook_deliveries d
        set leased_until = clock_timestamp() + ${this.#leaseMs} * interval '1 millisecond',
            leased_by = ${this.#id}, attempts = d.attempts + 1
        from (
          select shop, id from webhook_deliveries
          where state = 'received'
            and (leased_until is null or leased_until < clock_timestamp() or leased_by = ${this.#id})
          order by sequence limit ${this.#batchSize} for update skip locked
        ) waiting
        where d.shop = waiting.shop and d.id = waiting.id
        returning d.shop, d.id, d.topic, d.triggered_at, d.received_at, d.body, d.attempts, d.sequence`),
    );
    return rows
      .map((row) => ({ ...row, sequence: Number((row as { sequence?: unknown }).sequence) }))
      .sort((a, b) => a.sequence - b.sequence)
      .map((row) => ({
        shop: row.shop,
        id: row.id,
        topic: row.topic,
        triggeredAt: row.triggered_at === null ? null : new Date(row.triggered_at),
        receivedAt: new Date(row.received_at),
        body: row.body,
        attempts: row.attempts,
      }));
  }

  /** Deliveries of one resource in the order in which they came, different ones side by side. */
  async #applyAll(batch: readonly Delivery[]): Promise<void> {
    const byResource = Map.groupBy(batch, resourceOf);
    const waiting = [...byResource.values()];
    const told = new Set<string>();
    const worker = async () => {
      for (let some = waiting.shift(); some; some = waiting.shift()) {
        for (const delivery of some) {
          if (await this.#apply(delivery)) told.add(delivery.shop);
        }
      }
    };
    await Promise.all(Array.from({ length: this.#concurrency }, worker));
    for (const shop of told) {
      // Where this fails, the schedule finds what waits.
      await this.#sync.wake(shop).catch((error: unknown) => {
        this.#logger.warn({ shop, err: error }, "rereads were not announced");
      });
    }
  }

  /** @returns Whether it changed anything. */
  async #apply(delivery: Delivery): Promise<boolean> {
    const { shop, id, topic, attempts } = delivery;
    try {
      const outcome = await applyOnce(this.#cluster, delivery);
      this.#logger.debug({ shop, delivery: id, topic, outcome: outcome.state }, "webhook done");
      return outcome.state === "applied";
    } catch (error) {
      const ofDatabase = error instanceof DatabaseError;
      const hopeless =
        error instanceof UnknownDeliveryError || (ofDatabase && error.kind === "permanent");
      // A database that is away says nothing about the delivery, however often.
      await (hopeless || (!ofDatabase && attempts >= MAX_ATTEMPTS)
        ? this.#setAside(delivery, error)
        : this.#putBack(delivery, error));
      return false;
    }
  }

  async #setAside(delivery: Delivery, error: unknown): Promise<void> {
    const { shop, id, topic, attempts } = delivery;
    const reason =
      error instanceof UnknownDeliveryError
        ? error.message
        : error instanceof DatabaseError
          ? `The database does not take what it says (${error.code}).`
          : "It could not be applied, again and again.";
    this.#logger.error({ shop, delivery: id, topic, err: error }, "webhook set aside");
    await this.#cluster.system(
      (db) =>
        db.execute(sql`
          update webhook_deliveries set state = 'dead', error = ${reason}, leased_until = null,
            leased_by = null
          where shop = ${shop} and id = ${id} and state = 'received' and attempts = ${attempts}`),
      { repeatable: true },
    );
  }

  async #putBack(delivery: Delivery, error: unknown): Promise<void> {
    const { shop, id, topic, attempts } = delivery;
    const waitMs = fullJitter(attempts - 1, FIRST_RETRY_MS, MAX_RETRY_MS);
    this.#logger.warn({ shop, delivery: id, topic, attempts, err: error }, "webhook put back");
    await this.#cluster
      .system(
        (db) =>
          db.execute(sql`
            update webhook_deliveries
            set leased_until = clock_timestamp() + ${waitMs} * interval '1 millisecond',
                leased_by = null
            where shop = ${shop} and id = ${id} and state = 'received' and attempts = ${attempts}`),
        { repeatable: true },
      )
      // The lease ends by itself.
      .catch(() => undefined);
  }
}

/**
 * What a delivery is about: its shop, the kind of its topic, and the first id in its body. Payloads begin with one;
 * where they do not, those of a kind go one after the other, which is safe too.
 */
function resourceOf({ shop, topic, body }: Delivery): string {
  const [kind] = topic.split("/");
  return `${shop} ${kind} ${FIRST_ID.exec(body.slice(0, 200))?.[1] ?? ""}`;
}
