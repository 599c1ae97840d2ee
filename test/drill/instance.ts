import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { ReadThrough } from "../../app/continuity/read-through.ts";
import type { Sourced } from "../../app/continuity/sourced.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { DatabaseError } from "../../app/database/errors.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import type { Seen } from "./history.ts";
import type { WorkerConfig } from "./messages.ts";
import { enter, look, type Address } from "./workload.ts";

/** The database as a process has it. */
export interface Instance {
  /** @returns whether it is in the database, or on this instance's disk for now. */
  write(address: Address, operationId: string): Promise<"done" | "journaled">;
  read(address: Address): Promise<Sourced<Seen>>;
  /** Finds out whether a write has happened whose answer was lost; missing where nothing can say. */
  readonly settle?: (shop: string, operationId: string) => Promise<"done" | "notDone">;
  /**
   * Waits until none is in line on the disk any more, or none of them was done for `limitMs`.
   *
   * @returns the operations that still are.
   */
  drained(limitMs: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What a worker imports: what it drills is decided by who starts it. */
export interface InstanceModule {
  readonly openInstance: (config: WorkerConfig) => Promise<Instance>;
}

/** So much may be kept of a shop's answers; an answer, with its question, takes between these. */
const CACHE_CHARS_PER_SHOP = 20_000;
const LEAST_CHARS = 70;
const MOST_CHARS = 400;

/** The most answers that the cache may hold of one shop, and the fewest that it always holds. */
export const cacheEntriesPerShop = {
  most: Math.floor(CACHE_CHARS_PER_SHOP / LEAST_CHARS),
  least: Math.floor(CACHE_CHARS_PER_SHOP / MOST_CHARS),
} as const;

/** Puts an instance together from the app's own parts, as the app does it, with all that stands around it there. */
export async function openInstance(config: WorkerConfig): Promise<Instance> {
  const { deadlineMs } = config;
  const logger = createLogger("info");
  const cluster = new Cluster({
    ...config.targets,
    ...(config.nameServers.length > 0 ? { nameServers: config.nameServers } : {}),
    poolSize: config.poolSize,
    logger,
  });
  const journal =
    config.journalDir === null
      ? null
      : await Journal.open({
          directory: config.journalDir,
          secrets: ["a secret of the drill's own, known to all"],
          slowFsyncMs: config.slowFsyncMs,
          anyFileSystem: true,
        });
  const writes = new DurableWrites({
    cluster,
    journal,
    definitions: [enter as never],
    durability: config.without.includes("retention") ? "replicated" : "primary",
    logger,
  });
  const reads = new ReadThrough({
    readable: () => cluster.readableSoon(),
    isOutage: (error) => error instanceof DatabaseError && error.kind !== "permanent",
    maxBytesPerShop: CACHE_CHARS_PER_SHOP,
  });
  cluster.start();
  return {
    async write({ shop, key }, operationId) {
      const options = { patienceMs: deadlineMs };
      return (await writes.write(shop, operationId, enter, { key }, options)).state;
    },
    read: ({ shop, key }) =>
      reads.read({ shop, name: "drill.look", input: key }, () =>
        cluster.read(shop, (db) => look(db, shop, key), { deadlineMs }),
      ),
    settle: (shop, operationId) => cluster.settle(shop, operationId, { deadlineMs }),
    async drained(limitMs) {
      const inLine = async () =>
        (await journal?.read(["write"], 0, Number.MAX_SAFE_INTEGER))?.map(({ id }) => id) ?? [];
      for (let before = Infinity; ;) {
        writes.drain();
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
        await Promise.race([writes.drained(), late]);
        clearTimeout(timer);
        const waiting = await inLine();
        if (waiting.length === 0 || waiting.length >= before) return waiting;
        before = waiting.length;
      }
    },
    async close() {
      await writes.stop();
      await cluster.close();
      await journal?.close();
    },
  };
}
