import { PgBoss, type Db } from "pg-boss";
import type postgres from "postgres";
import { toDatabaseError } from "../database/errors.ts";
import { GuardedClient } from "../database/guarded-client.ts";
import { Pool } from "../database/pool.ts";
import { createResolver } from "../database/resolver.ts";
import { targetOf } from "../database/targets.ts";
import { execute } from "./executor.ts";

/** Where the queue's tables are, apart from the domain's. */
export const QUEUE_SCHEMA = "pgboss";

const MIGRATION_TIMEOUT_MS = 300_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** One for the upgrade, one for the index builds beside it. */
const CONNECTIONS = 2;

/**
 * The queue's part of the release step: creates or upgrades its tables and says who may do what. The system
 * role runs the queue; the app's role may only add jobs that name the shop it is working for, and let them go earlier,
 * so that a change and its job commit together. Repeatable; whoever calls it holds the release step's lock.
 *
 * @param ownerUrl - Where the role `evenkeel_owner` logs in, straight to the primary.
 */
export async function installQueue(ownerUrl: string, options: { ca?: string } = {}): Promise<void> {
  const target = targetOf(ownerUrl, options.ca);
  const resolver = createResolver();
  const pool = new Pool({
    size: CONNECTIONS,
    connect: () =>
      GuardedClient.connect({
        target,
        resolver,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        preparedStatements: true,
        applicationName: "evenkeel-migrate",
      }),
  });
  const errors: Error[] = [];
  const boss = new PgBoss({
    db: ownerDatabase(pool),
    schema: QUEUE_SCHEMA,
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => errors.push(error));
  try {
    await boss.start();
    await indexBuilds(boss, errors);
    await onConnection(pool, ({ sql }) => grant(sql));
  } finally {
    await boss.stop({ graceful: false });
    pool.close();
  }
}

/** Statement by statement, as pg-boss wants it: indexes are not built in a transaction, and scripts bring their own. */
function ownerDatabase(pool: Pool): Db {
  return {
    executeSql: (text, values) =>
      onConnection(pool, ({ database }) => execute(database, text, values)),
  };
}

/** A connection on which something failed is not used again: a script may have left its transaction open there. */
async function onConnection<T>(
  pool: Pool,
  work: (client: GuardedClient) => Promise<T>,
): Promise<T> {
  const lease = await pool.acquire(AbortSignal.timeout(MIGRATION_TIMEOUT_MS));
  let discard = true;
  try {
    const result = await work(lease.client);
    discard = false;
    return result;
  } catch (error) {
    throw lease.client.broken ?? toDatabaseError(error);
  } finally {
    lease.release({ discard });
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

async function grant(client: postgres.Sql): Promise<void> {
  const ownShop = `data->>'shop' = nullif(current_setting('app.shop', true), '')`;
  await client.begin(async (tx) => {
    await tx.unsafe(`
      grant usage on schema ${QUEUE_SCHEMA} to evenkeel_system, evenkeel_app;
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to evenkeel_system;
      grant select on ${QUEUE_SCHEMA}.queue to evenkeel_app;
      grant select, insert, update (start_after, keep_until) on ${QUEUE_SCHEMA}.job_common to evenkeel_app;
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
