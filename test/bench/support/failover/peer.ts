import { setTimeout as wait } from "node:timers/promises";
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { ShopDatabase } from "../../../../app/database/cluster.ts";
import type { Instance } from "../../../drill/instance.ts";
import type { WorkerConfig } from "../../../drill/messages.ts";
import { enter, look } from "../../../drill/workload.ts";

/** Does one statement in the transaction that is open. */
export type Run = (text: string, parameters: unknown[]) => Promise<readonly object[]>;

/** A driver's own pool, used as its documentation shows it. */
export interface DriverPool {
  transaction<T>(readOnly: boolean, work: (run: Run) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

/**
 * Connections that a peer may have: as many as Evenkeel may have to one node for the same work, which are its pool's
 * and two more for reads.
 */
export const connectionsOf = ({ poolSize }: WorkerConfig): number => poolSize + 2;

/** How long a connect may take: Evenkeel's own limit. The drivers' defaults are 30 s (postgres.js) and none (pg). */
export const CONNECT_TIMEOUT_MS = 1_000;

/**
 * Full jitter between these: Evenkeel's own pauses, so that it is not the caller's patience that is compared. What
 * people use waits longer (p-retry begins with a second).
 */
const FIRST_BACKOFF_MS = 10;
const MAX_BACKOFF_MS = 200;
/** A pool that cannot be ended is left to the end of its process. */
const END_LIMIT_MS = 1_000;

/**
 * A pool with what a careful application puts around it: a deadline for each operation, and another attempt after
 * each error while there is time. One pool for reads and writes, as most applications have it: a second one for
 * standbys would keep reads going as well, with no word on how old they are.
 *
 * Since an attempt whose answer was lost may have happened, another one may do it twice; since nothing is stored that
 * would tell, nobody can find out afterwards.
 *
 * An exception that nobody catches would end such an application; here its process goes on, and it is counted.
 */
export function instanceOf(pool: DriverPool, { deadlineMs }: WorkerConfig): Instance {
  const inShop = <T>(readOnly: boolean, shop: string, work: (db: ShopDatabase) => Promise<T>) =>
    retried(deadlineMs, () =>
      pool.transaction(readOnly, async (run) => {
        await run("select set_config('app.shop', $1, true)", [shop]);
        return work(databaseOn(run));
      }),
    );
  return {
    async write({ shop, key }, operationId) {
      await inShop(false, shop, (db) => enter.work(db, { key }, { shop, operationId }));
      return "done";
    },
    async read({ shop, key }) {
      // There is no label on what a pool answers, so it is taken to be true now.
      const asOf = new Date();
      const value = await inShop(true, shop, (db) => look(db, shop, key));
      return { value, source: "primary", asOf };
    },
    drained: async () => [],
    close: async () => {
      await Promise.race([pool.end().catch(() => undefined), wait(END_LIMIT_MS)]);
    },
  };
}

/**
 * Tries again until the deadline, whatever the error. Neither driver can take back what was begun: whoever asked is told
 * that there is no answer, and the attempt goes on by itself.
 */
async function retried<T>(deadlineMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = new AbortController();
  let lastError: Error | undefined;
  const untilDone = async () => {
    for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS)) {
      try {
        return await attempt();
      } catch (error) {
        lastError = error as Error;
        await wait(Math.random() * backoffMs, undefined, { signal: deadline.signal });
      }
    }
  };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    deadline.abort();
    reject(new Error(lastError ? `DEADLINE, after ${lastError.message}` : "DEADLINE"));
  }, deadlineMs);
  try {
    return await Promise.race([untilDone(), late]);
  } finally {
    clearTimeout(timer);
  }
}

const dialect = new PgDialect();

/** Lets the drill's work run on any driver, so that all of them are sent the same statements. */
function databaseOn(run: Run): ShopDatabase {
  const execute = (query: SQL) => {
    const { sql, params } = dialect.sqlToQuery(query);
    return run(sql, params);
  };
  return { execute } as unknown as ShopDatabase;
}
