import { parseArgs } from "node:util";
import { drill } from "../drill/drill.ts";
import { createEnvironment, type Environment } from "../drill/environment.ts";
import type { Topology } from "../drill/network.ts";
import { runUntilSignal } from "../sandbox/lifecycle.ts";
import { printReport, type Row } from "./report.ts";
import { figuresOf } from "./support/failover/figures.ts";
import {
  barsOf,
  FAULTS,
  inMs,
  LIMIT_MS,
  lineOf,
  ratiosOf,
  reference,
  rowOf,
  type Series,
  type Side,
} from "./support/failover/series.ts";

/*
 * `npm run bench:failover`: drivers as people use them and Evenkeel's database layer through the same failovers, in
 * one run and by turns. The load, the faults, the observer and the checker are the drill's.
 */

const USAGE = `npm run bench:failover -- [options]

  --runs N   times that each client goes through each fault (10)
  --json     only the report on standard output`;

const side = (name: string, file: string, topology: Topology, ours = false): Side => ({
  name,
  module: new URL(`./support/failover/${file}`, import.meta.url).href,
  topology,
  ours,
});

const SIDES: readonly Side[] = [
  side("postgres.js, both nodes listed", "postgres-js.ts", "nodes"),
  side("pg's Pool, endpoint", "pg-pool.ts", "endpoint"),
  side("Evenkeel, both nodes listed", "evenkeel.ts", "nodes", true),
  side("Evenkeel, endpoint", "evenkeel.ts", "endpoint", true),
];

/** Of the drill's load. */
const WRITERS = 20;
/** What detecting the fault takes those who promote: with the promotion itself, about a second. */
const PROMOTE_DELAY_MS = 800;

async function main(runs: number, json: boolean, signal: AbortSignal): Promise<void> {
  const say = (line: string) => (json ? console.error(line) : console.log(line));
  const series: Series[] = FAULTS.flatMap((fault) =>
    SIDES.map((one) => ({ side: one, fault, runs: [] })),
  );
  await using environment = await createEnvironment({
    topology: "nodes",
    replication: "sync",
    app: false,
    journal: false,
    without: [],
    progress: say,
  });
  const durability = await durabilityOf(environment);
  say(`For all of them: ${JSON.stringify(durability)}`);
  let count = 0;
  for (let round = 1; round <= runs; round++) {
    // By turns, and every other time the other way round: what else the machine does meets all of them, and so does
    // each node as the one that fails.
    for (const one of round % 2 === 0 ? series.toReversed() : series) {
      signal.throwIfAborted();
      const result = await drill(
        {
          ...environment,
          options: { ...environment.options, topology: one.side.topology },
        },
        {
          fault: one.fault,
          run: `r${++count}`,
          promoteDelayMs: PROMOTE_DELAY_MS,
          journal: false,
          slowFsyncMs: 0,
          without: [],
          clients: {
            module: one.side.module,
            keepOperationIds: one.side.ours,
            returnLimitMs: LIMIT_MS,
          },
          progress: () => undefined,
        },
      );
      const figures = figuresOf(result, WRITERS);
      one.runs.push(figures);
      const { firstMs, allMs } = reference(one, figures);
      say(
        `${round}/${runs} ${one.fault}, ${one.side.name}: back (ms) ${inMs(firstMs)}, all ${inMs(allMs)}; ` +
          `${figures.readsFailed} reads and ${figures.writesFailed} writes failed, ${figures.lost} lost, ` +
          `${figures.duplicated} twice, ${figures.torn} torn, ${figures.uncaught} uncaught`,
      );
      for (const note of result.notes) say(`    ${note}`);
      for (const error of result.uncaught) say(`    uncaught: ${error}`);
      for (const [error, times] of Object.entries(result.errors)) say(`    ${times} × ${error}`);
    }
  }
  printReport({
    name: "bench:failover",
    runs,
    rows: [...series.map(rowOf), ...ratiosOf(series)],
    table: series.map(lineOf),
    markdown: true,
    bars: barsOf(series),
    extra: { durability, writers: WRITERS, promoteDelayMs: PROMOTE_DELAY_MS, limitMs: LIMIT_MS },
  });
}

async function durabilityOf({ pair }: Environment): Promise<Row> {
  const [row] = await pair.primary.query<Record<string, string>>(
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
       current_setting('synchronous_standby_names') as synchronous_standby_names`,
  );
  return row ?? {};
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help || !/^[1-9]\d*$/.test(values.runs)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await runUntilSignal((signal) => main(Number(values.runs), values.json, signal));
}
