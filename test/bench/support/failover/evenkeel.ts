import { Cluster } from "../../../../app/database/cluster.ts";
import type { Instance } from "../../../drill/instance.ts";
import type { WorkerConfig } from "../../../drill/messages.ts";
import { enter, look } from "../../../drill/workload.ts";

/*
 * The app's database layer by itself: its two doors, without the journal and the kept copies of answers that the app
 * has around them, so that what is compared is what a driver's pool does too.
 */

export async function openInstance(config: WorkerConfig): Promise<Instance> {
  const { deadlineMs, nameServers, poolSize, targets } = config;
  const cluster = new Cluster({
    ...targets,
    ...(nameServers.length > 0 ? { nameServers } : {}),
    poolSize,
  });
  cluster.start();
  return {
    async write({ shop, key }, operationId) {
      await cluster.write(shop, operationId, enter, { key }, { deadlineMs });
      return "done";
    },
    read: ({ shop, key }) => cluster.read(shop, (db) => look(db, shop, key), { deadlineMs }),
    settle: (shop, operationId) => cluster.settle(shop, operationId, { deadlineMs }),
    drained: async () => [],
    close: () => cluster.close(),
  };
}
