import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { DatabaseError } from "../../app/database/errors.ts";
import { createClock } from "./clock.ts";
import { HistoryWriter, type Completion } from "./history.ts";
import type { Instance, InstanceModule } from "./instance.ts";
import type { WorkerConfig, WorkerEnd, WorkerTick } from "./messages.ts";
import { serveParent } from "./process.ts";
import { anyAddress, anyKey, below, nameOf, shopOf, type Address } from "./workload.ts";

/*
 * An instance of the app as far as its database is concerned: readers and writers on its two doors, in a process of
 * its own, with everything that they are told written down.
 */

const TICK_MS = 50;
const EVENT_LOOP_RESOLUTION_MS = 5;
/** Readers mostly look at what was written lately: it is where a stale answer shows. */
const RECENT_KEYS = 200;
const RECENT_SHARE = 0.7;
/** A write whose answer was lost is asked after until somebody knows, for so long. */
const SETTLE_MS = 30_000;
const SETTLE_PAUSE_MS = 200;
/** Of what is still on the instance's disk when the load has ended, some gets into the database in that time. */
const DRAIN_MS = 30_000;

type Ask = NonNullable<Instance["settle"]>;

const uncaught: string[] = [];
process.on("uncaughtException", (error) => uncaught.push(describe(error)));
process.on("unhandledRejection", (error) => uncaught.push(describe(error)));

serveParent<WorkerConfig, WorkerTick | WorkerEnd>(async (config, { send, stopped }) => {
  const { name, keys } = config;
  const clock = createClock(config.originMs);
  const history = new HistoryWriter(config.historyFile, clock);
  const { openInstance } = (await import(config.instanceModule)) as InstanceModule;
  const instance = await openInstance(config);
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();

  const lastAckAt = Array.from({ length: keys.writers }, () => 0);
  const recent: Address[] = [];
  const settling = new Set<Promise<void>>();
  let acked = 0;
  let reads = 0;

  const pause = () => {
    const [least, most] = config.pauseMs;
    return wait(least + Math.random() * (most - least));
  };

  async function writer(n: number): Promise<void> {
    const shop = shopOf(keys.run, name, n);
    for (let count = 0; !stopped(); count++) {
      const address = { shop, key: anyKey(keys.keysPerWriter) };
      const operationId = `${keys.run}-${name}-${n}-${count}`;
      recent[recent.length < RECENT_KEYS ? recent.length : below(RECENT_KEYS)] = address;
      const key = nameOf(address);
      const end = history.begin({
        kind: "write",
        process: `${name}/writer-${n}`,
        key,
        operationId,
      });
      try {
        const state = await instance.write(address, operationId);
        const at = end({ outcome: "ok", journaled: state === "journaled" });
        // Back is who has written to the database, not to the disk.
        if (state === "done") lastAckAt[n] = at;
        acked++;
      } catch (error) {
        const failure = failed(error);
        end(failure);
        if (failure.outcome === "unknown" && instance.settle) {
          keepSettling(instance.settle, shop, key, operationId);
        }
      }
      await pause();
    }
  }

  async function reader(n: number): Promise<void> {
    while (!stopped()) {
      const known = Math.random() < RECENT_SHARE ? recent[below(recent.length)] : undefined;
      const { shop, key } = known ?? anyAddress(keys);
      const end = history.begin({
        kind: "read",
        process: `${name}/reader-${n}`,
        key: nameOf({ shop, key }),
      });
      try {
        const { value, source, asOf } = await instance.read({ shop, key });
        end({ outcome: "ok", value, source, asOf: clock.at(asOf) });
        reads++;
      } catch (error) {
        end(failed(error));
      }
      await pause();
    }
  }

  function keepSettling(ask: Ask, shop: string, key: string, operationId: string): void {
    const task = settle(ask, shop, key, operationId);
    settling.add(task);
    void task.finally(() => settling.delete(task));
  }

  async function settle(ask: Ask, shop: string, key: string, operationId: string): Promise<void> {
    const giveUpAt = clock.now() + SETTLE_MS;
    while (clock.now() < giveUpAt) {
      const end = history.begin({ kind: "settle", process: name, key, operationId });
      try {
        end({ outcome: "ok", value: await ask(shop, operationId) });
        return;
      } catch (error) {
        end(failed(error));
        await wait(SETTLE_PAUSE_MS);
      }
    }
  }

  const ticking = setInterval(() => {
    send({ type: "tick", acked, reads, lastAckAt });
  }, TICK_MS);
  await Promise.all([
    ...Array.from({ length: keys.writers }, (_, n) => writer(n)),
    ...Array.from({ length: config.readers }, (_, n) => reader(n)),
  ]);
  delay.disable();
  await Promise.all(settling);
  const journaled = await instance.drained(DRAIN_MS);
  clearInterval(ticking);
  await instance.close();
  history.close();
  send({
    type: "end",
    eventLoopP99Ms: Math.max(0, delay.percentile(99) / 1e6 - EVENT_LOOP_RESOLUTION_MS),
    eventLoopMaxMs: Math.max(0, delay.max / 1e6 - EVENT_LOOP_RESOLUTION_MS),
    uncaught,
    journaled,
  });
});

/** What a caller was told. Whatever is no {@link DatabaseError} promises nothing. */
function failed(error: unknown): Completion {
  if (!(error instanceof DatabaseError)) {
    return { outcome: "unknown", error: `unclassified ${describe(error)}` };
  }
  const outcome = error.kind === "unknown" ? "unknown" : "failed";
  return { outcome, error: `${error.kind} ${error.code}` };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
