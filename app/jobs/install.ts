import { PgBoss } from "pg-boss";
import { createQueueClient, queueDatabase, type QueueClient } from "./executor.ts";

/** Where the queue's tables are, apart from the domain's. */
export const QUEUE_SCHEMA = "pgboss";

const MIGRATION_TIMEOUT_MS = 300_000;

/**
 * The queue's part of the release step: creates or upgrades its tables and says who may do what. The system
 * role runs the queue; the app's role may only add jobs that name the shop it is working for, so that a
 * change and its job commit together. Repeatable; whoever calls it holds the release step's lock.
 *
 * @param ownerUrl - Where the role `evenkeel_owner` logs in, straight to the primary.
 */
export async function installQueue(ownerUrl: string, options: { ca?: string } = {}): Promise<void> {
  const client = createQueueClient({ ...options, url: ownerUrl, connections: 2 });
  const errors: Error[] = [];
  const boss = new PgBoss({
    db: queueDatabase(client),
    schema: QUEUE_SCHEMA,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => errors.push(error));
  try {
    await boss.start();
    await indexBuilds(boss, errors);
    await grant(client);
  } finally {
    await boss.stop({ graceful: false });
    await client.end({ timeout: 5 });
  }
}

/** An upgrade may leave index builds to a background worker; the release step waits until they are done. */
async function indexBuilds(boss: PgBoss, errors: readonly Error[]): Promise<void> {
  const deadline = AbortSignal.timeout(MIGRATION_TIMEOUT_MS);
  for (;;) {
    const left = (await boss.getBamStatus()).filter(({ status }) => status !== "completed");
    if (left.every(({ count }) => Number(count) === 0)) return;
    if (deadline.aborted || left.some(({ status }) => status === "failed")) {
      throw new Error("The queue's indexes could not be built.", { cause: errors.at(-1) });
    }
    await new Promise<void>((resolve) => {
      boss.once("bam", () => resolve());
      setTimeout(resolve, 1000);
    });
  }
}

async function grant(client: QueueClient): Promise<void> {
  const ownShop = `data->>'shop' = nullif(current_setting('app.shop', true), '')`;
  await client.begin(async (tx) => {
    await tx.unsafe(`
      grant usage on schema ${QUEUE_SCHEMA} to evenkeel_system, evenkeel_app;
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to evenkeel_system;
      grant select on ${QUEUE_SCHEMA}.queue to evenkeel_app;
      grant select, insert on ${QUEUE_SCHEMA}.job_common to evenkeel_app;
    `);
    for (const table of ["job", "job_common"]) {
      await tx.unsafe(`
        alter table ${QUEUE_SCHEMA}.${table} enable row level security;
        drop policy if exists every_shop on ${QUEUE_SCHEMA}.${table};
        create policy every_shop on ${QUEUE_SCHEMA}.${table} to evenkeel_system
          using (true) with check (true);
        drop policy if exists one_shop on ${QUEUE_SCHEMA}.${table};
        create policy one_shop on ${QUEUE_SCHEMA}.${table} to evenkeel_app
          using (${ownShop}) with check (${ownShop});
      `);
    }
  });
}
