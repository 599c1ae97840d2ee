import type { Db } from "pg-boss";
import postgres from "postgres";

/** What the queue stores as JSON arrives here as text already; a second JSON.stringify would quote it again. */
const json = {
  to: 3802,
  from: [114, 3802],
  serialize: (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: (text: string) => JSON.parse(text) as unknown,
};

export interface QueueClientOptions {
  readonly url: string;
  /** PEM of the authority that signed the server's certificate; TLS is then required. */
  readonly ca?: string;
  readonly connections: number;
}

/**
 * A postgres.js client whose types are those that pg-boss expects. Unlike the cluster's clients it fetches
 * the array types at connect, since pg-boss passes job ids and queue names as arrays.
 */
export function createQueueClient(options: QueueClientOptions) {
  return postgres(options.url, {
    max: options.connections,
    connect_timeout: 2,
    types: { json },
    onnotice: () => {},
    connection: { application_name: "evenkeel-jobs" },
    ...(options.ca ? { ssl: { ca: options.ca, rejectUnauthorized: true } } : {}),
  });
}

export type QueueClient = ReturnType<typeof createQueueClient>;

type Rows = Record<string, unknown>[];

/** A script of several statements comes back as one result per statement; pg-boss wants the rows of all. */
function flatten(result: unknown): { rows: Rows } {
  const results = result as Rows | Rows[];
  return { rows: Array.isArray(results[0]) ? (results as Rows[]).flat() : [...(results as Rows)] };
}

/** Lets pg-boss run on postgres.js instead of on a pool of its own. */
export function queueDatabase(client: QueueClient): Db {
  const run = async (
    on: { unsafe: QueueClient["unsafe"] },
    text: string,
    values: readonly unknown[] = [],
  ) => flatten(await on.unsafe(text, values as never[]));

  return {
    async executeSql(text, values) {
      // Maintenance comes as one script from BEGIN to COMMIT, which needs a connection of its own: on a
      // shared one postgres.js refuses it (UNSAFE_TRANSACTION).
      if (!/^\s*BEGIN\b/i.test(text)) return run(client, text, values);
      const reserved = await client.reserve();
      try {
        return await run(reserved, text);
      } catch (error) {
        await reserved.unsafe("rollback").catch(() => {});
        throw error;
      } finally {
        reserved.release();
      }
    },

    async listen(channel, onNotification, onReconnect) {
      // postgres.js keeps one connection for listening and subscribes again by itself after a loss;
      // `onReconnect` then makes the workers look for what they were not told of.
      const subscription = await client.listen(channel, onNotification, onReconnect);
      return { close: () => subscription.unlisten() };
    },
  };
}
