import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { DATABASE, ROLE_NAMES } from "../sandbox/postgres/roles.ts";
import type { PostgresNode } from "../sandbox/postgres/index.ts";
import { check, type Verdict } from "./checker.ts";
import { clockOrigin, createClock } from "./clock.ts";
import { connectionsPerNode, type Environment } from "./environment.ts";
import { faults, type FaultName, type Marks, type Stage } from "./faults.ts";
import { readFinalState } from "./final-state.ts";
import { collectGarbage } from "./garbage.ts";
import { readHistory, type OperationRecord } from "./history.ts";
import { cacheEntriesPerShop } from "./instance.ts";
import { measure, type Connects, type DrillRow } from "./measure.ts";
import type {
  ObserverConfig,
  ObserverEnd,
  TrafficConfig,
  TrafficEnd,
  Without,
  WorkerConfig,
  WorkerEnd,
  WorkerTick,
} from "./messages.ts";
import type { ClientNetwork } from "./network.ts";
import { DrillProcess } from "./process.ts";
import type { KeySpace } from "./workload.ts";

/** Clients that are drilled in place of the app's own. */
export interface OtherClients {
  /** Address of the module whose `openInstance` opens them. */
  readonly module: string;
  /** Whether they store the id of each change with it, as the app does. */
  readonly keepOperationIds: boolean;
  /** How long after the fault, and again after its end, they are waited for. */
  readonly returnLimitMs: number;
}

export interface DrillOptions {
  readonly fault: FaultName;
  /** Differs between any two runs on the same environment. */
  readonly run: string;
  readonly promoteDelayMs: number;
  readonly journal: boolean;
  readonly slowFsyncMs: number;
  readonly without: readonly Without[];
  readonly clients?: OtherClients;
  readonly progress: (step: string) => void;
}

export interface DrillResult {
  readonly row: DrillRow;
  readonly verdict: Verdict;
  readonly marks: Marks;
  readonly history: readonly OperationRecord[];
  readonly uncaught: readonly string[];
  /** Errors that clients were told, with how often. */
  readonly errors: Readonly<Record<string, number>>;
  /** What did not come back, in words. */
  readonly notes: readonly string[];
}

type Worker = DrillProcess<WorkerConfig, WorkerTick | WorkerEnd>;

const WRITERS = 20;
const READERS = 20;
const DEADLINE_MS = 2_000;
const POOL_SIZE = 10;
const KEYS_PER_WRITER = 3_000;
const PAUSE_MS = [20, 80] as const;
const WEBHOOKS_PER_SECOND = 50;
const PAGES_PER_SECOND = 4;

const OWN_CLIENTS = new URL("./instance.ts", import.meta.url).href;
const WARM_UP_MS = 6_000;
const WARM_UP_LIMIT_MS = 120_000;
/** How long the fault may keep writers away beyond the moment at which they could be back: their disks come first. */
const RETURN_LIMIT_MS = 60_000;
const ACCEPT_LIMIT_MS = 30_000;
const AFTER_HEAL_MS = 1_000;
const HARNESS_RESOLUTION_MS = 5;

/** Plays one fault under load, and judges what everybody was told by what the database then holds. */
export async function drill(environment: Environment, options: DrillOptions): Promise<DrillResult> {
  const { pair, networks, app } = environment;
  const { run, progress } = options;
  const fault = faults[options.fault];
  const { topology } = environment.options;
  const returnLimitMs = options.clients?.returnLimitMs ?? RETURN_LIMIT_MS;
  const originMs = clockOrigin();
  const clock = createClock(originMs);
  const dir = join(environment.dir, run);
  await mkdir(dir, { recursive: true });
  const instances = fault.instances === 2 ? (["a", "b"] as const) : (["a"] as const);
  const keys: KeySpace = {
    run,
    processes: instances,
    writers: WRITERS,
    keysPerWriter: KEYS_PER_WRITER,
  };
  const file = (name: string) => join(dir, name);
  await using processes = new AsyncDisposableStack();
  const harness = monitorEventLoopDelay({ resolution: HARNESS_RESOLUTION_MS });
  harness.enable();

  const workers = new Map<string, Worker>();
  const ticks = new Map<string, WorkerTick>();
  for (const name of instances) {
    const worker: Worker = processes.use(
      new DrillProcess(
        "./worker.ts",
        {
          name,
          originMs,
          historyFile: file(`${name}.jsonl`),
          instanceModule: options.clients?.module ?? OWN_CLIENTS,
          keys,
          ...networks[name].reach(topology),
          poolSize: POOL_SIZE,
          readers: READERS,
          deadlineMs: DEADLINE_MS,
          journalDir: options.journal ? file(`${name}-journal`) : null,
          slowFsyncMs: options.slowFsyncMs,
          without: options.without,
          pauseMs: PAUSE_MS,
        },
        file(`${name}.log`),
      ),
    );
    worker.events.on("message", (message) => {
      if (message.type === "tick") ticks.set(name, message);
    });
    workers.set(name, worker);
  }
  const traffic = app
    ? processes.use(
        new DrillProcess<TrafficConfig, TrafficEnd>(
          "./traffic.ts",
          {
            name: "traffic",
            originMs,
            historyFile: file("traffic.jsonl"),
            appUrl: app.process.url,
            apiKey: app.apiKey,
            secret: app.secret,
            shop: app.shop,
            run,
            webhooksPerSecond: WEBHOOKS_PER_SECOND,
            pagesPerSecond: PAGES_PER_SECOND,
          },
          file("traffic.log"),
        ),
      )
    : null;

  const notes: string[] = [];
  const bite: Record<string, number> = {};
  const marks: Marks = {
    faultAt: NaN,
    promotedFrom: null,
    acceptsWritesAt: null,
    movedAt: null,
    healAt: null,
    reachable: [],
  };
  // Started before it is needed: that takes a processor for a while, which clients need then.
  const observer = processes.use(
    new DrillProcess<ObserverConfig, ObserverEnd>("./observer.ts", null, file("observer.log")),
  );
  const drilled: readonly ClientNetwork[] = [
    ...instances.map((name) => networks[name]),
    ...(app ? [app.network] : []),
  ];
  const stage: Stage = {
    pair,
    topology,
    networks: drilled,
    second: networks.b,
    app: app?.network ?? null,
    marks,
    promoteDelayMs: options.promoteDelayMs,
    now: () => clock.now(),
    acked: () => [...ticks.values()].reduce((sum, { acked }) => sum + acked, 0),
    observe: (node) => observer.begin({ originMs, ...observerLogin(node) }),
    async accepted() {
      const end = await Promise.race([observer.ended, wait(ACCEPT_LIMIT_MS, undefined)]);
      if (end) marks.acceptsWritesAt = end.acceptsWritesAt;
      else notes.push(`the node took no writes within ${ACCEPT_LIMIT_MS / 1_000} s`);
    },
    note: (line) => notes.push(line),
    bite: (what, count) => (bite[what] = count),
  };

  /** Comes back when every writer of the instance has written since; false when that takes too long. */
  const allWrite = async (name: string, since: number, limitMs: number): Promise<boolean> => {
    const giveUpAt = clock.now() + limitMs;
    for (;;) {
      const tick = ticks.get(name);
      if (tick?.lastAckAt.every((at) => at > since)) return true;
      if (clock.now() > giveUpAt) return false;
      await wait(20);
    }
  };

  progress("warming up");
  const warmAt = clock.now() + WARM_UP_MS;
  for (const name of instances) {
    if (!(await allWrite(name, 0, WARM_UP_LIMIT_MS))) {
      throw new Error(`The load did not get going: see ${file(`${name}.log`)}`);
    }
  }
  collectGarbage();
  await wait(Math.max(0, warmAt - clock.now()));
  harness.reset();

  progress(fault.what);
  await fault.inject(stage);
  const backSince = Math.max(marks.acceptsWritesAt ?? clock.now(), marks.movedAt ?? 0);
  if (!(await allWrite("a", backSince, returnLimitMs))) {
    notes.push(`not every writer was back within ${returnLimitMs / 1_000} s`);
  }
  marks.healAt = clock.now();
  progress("healing");
  await fault.heal(stage);
  const healedAt = clock.now();
  for (const name of instances) {
    if (!(await allWrite(name, healedAt, returnLimitMs))) {
      notes.push(`not every writer of ${name} wrote within ${returnLimitMs / 1_000} s of the end`);
    }
  }
  await wait(AFTER_HEAL_MS);
  const machine = {
    load1: Math.round((loadavg()[0] ?? NaN) * 10) / 10,
    harnessEventLoopP99Ms:
      Math.round((harness.percentile(99) / 1e6 - HARNESS_RESOLUTION_MS) * 10) / 10,
  };
  harness.disable();

  progress("settling");
  const [trafficEnd, ...ends] = await Promise.all([
    traffic?.stop() ?? null,
    ...[...workers.values()].map((worker) => worker.stop()),
  ]);
  const journaled = ends.flatMap((end) => end.journaled);
  const stored = await readFinalState(pair, run, journaled);
  const final =
    options.clients?.keepOperationIds === false || options.without.includes("operation-id")
      ? { ...stored, operations: null }
      : stored;

  progress("checking");
  const history = readHistory([
    ...instances.map((name) => file(`${name}.jsonl`)),
    ...(traffic ? [file("traffic.jsonl")] : []),
  ]);
  const verdict = check(history, final, marks.split ?? null);
  const uncaught = [
    ...ends.flatMap((end) => end.uncaught),
    ...(app && app.process.state === "down" ? ["the app's process ended"] : []),
  ];
  const connects = connectsOf(environment, drilled, clock.now());
  const row = measure({
    fault: options.fault,
    topology,
    replication: environment.options.replication,
    history,
    verdict,
    marks,
    instance: "a",
    writers: WRITERS,
    connects,
    webhooksSent: trafficEnd?.sent ?? null,
    uncaught,
    eventLoopP99Ms: Math.max(...ends.map((end) => end.eventLoopP99Ms)),
    bite: { ...bite, keysPerCached: KEYS_PER_WRITER / cacheEntriesPerShop.most },
    machine,
  });
  const errors: Record<string, number> = {};
  for (const { kind, error } of history) {
    if (error !== null) errors[`${kind}: ${error}`] = (errors[`${kind}: ${error}`] ?? 0) + 1;
  }
  const result = { row, verdict, marks, uncaught, errors, notes };
  await writeFile(file("result.json"), JSON.stringify({ ...result, connects }, null, 1));
  return { ...result, history };
}

function connectsOf(
  { pair, app }: Environment,
  networks: readonly ClientNetwork[],
  now: number,
): Connects[] {
  const offset = now - performance.now();
  return networks.flatMap((network) =>
    pair.nodes.map((node) => ({
      from: network.name,
      node: node.name,
      poolSize: network === app?.network ? app.poolSize : connectionsPerNode(POOL_SIZE),
      at: network.to(node).connectTimesMs.map((ms) => ms + offset),
    })),
  );
}

function observerLogin(node: PostgresNode): Omit<ObserverConfig, "originMs"> {
  const password = decodeURIComponent(new URL(node.url("superuser")).password);
  return { port: node.port, user: ROLE_NAMES.superuser, password, database: DATABASE };
}
