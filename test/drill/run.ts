import { parseArgs } from "node:util";
import { formatTable, printReport } from "../bench/report.ts";
import type { Replication } from "../sandbox/postgres/index.ts";
import { runUntilSignal } from "../sandbox/lifecycle.ts";
import { barsOf, lineOf, processesOf, readsOf, unratedOf, writesOf } from "./bars.ts";
import type { Finding } from "./checker.ts";
import { drill, type DrillResult } from "./drill.ts";
import { createEnvironment, type Environment } from "./environment.ts";
import { faultNames, faults, type FaultName } from "./faults.ts";
import type { DrillRow } from "./measure.ts";
import { withoutNames, type Without } from "./messages.ts";
import type { Topology } from "./network.ts";
import { isShopifyFault } from "./shopify/faults.ts";
import { runShopifyDrill } from "./shopify/run.ts";

/*
 * `npm run drill -- --fault NAME`: plays faults on real processes under load and says what was lost.
 */

const USAGE = `npm run drill -- --fault NAME [options]

  --fault NAME            ${faultNames.join(", ")},
                          several with commas, or all; or shopify-NAME, for faults of Shopify's
  --runs N                times that each is played (1)
  --topology WHICH        nodes or endpoint: how clients know the database (both, where the fault has both)
  --replication WHICH     sync or async (what the fault is meant for)
  --promote-delay MS      how long after the fault the standby is promoted (800)
  --no-journal            instances have no disk that outlives them
  --slow-fsync MS         what each fsync of an instance's journal takes longer than it does (0)
  --without PART          ${withoutNames.join(", ")}: leaves it out, to see the drill fail
  --no-app                leaves the app, webhooks and pages out; what is said of them is then not met
  --keep                  keeps histories and logs also of runs in which nothing was found
  --json                  progress and tables on standard error; standard output has the bars and the JSON line

Faults:
${faultNames.map((name) => `  ${name.padEnd(14)}${faults[name].what}`).join("\n")}`;

interface Plan {
  readonly fault: FaultName;
  readonly topology: Topology;
  readonly replication: Replication;
}

interface Arguments {
  readonly plans: readonly Plan[];
  readonly runs: number;
  readonly promoteDelayMs: number;
  readonly journal: boolean;
  readonly slowFsyncMs: number;
  readonly without: readonly Without[];
  readonly app: boolean;
  readonly keep: boolean;
  readonly json: boolean;
}

/** How many findings of a kind are told of one run; all of them are counted. */
const TOLD = 3;

async function main(args: Arguments, signal: AbortSignal): Promise<void> {
  const say = (line: string) => {
    if (args.json) console.error(line);
    else console.log(line);
  };
  const rows: DrillRow[] = [];
  const started = performance.now();
  const environments = Map.groupBy(args.plans, ({ topology, replication }) =>
    [topology, replication].join(" "),
  );
  let count = 0;
  for (const plans of environments.values()) {
    let environment: Environment | undefined;
    try {
      for (const { fault, topology, replication } of plans) {
        for (let run = 1; run <= args.runs; run++) {
          signal.throwIfAborted();
          const seconds = () =>
            `${((performance.now() - started) / 1_000).toFixed(1).padStart(7)} s`;
          const what = `${fault} ${topology} ${replication} ${run}/${args.runs}`;
          const progress = (step: string) => say(`${seconds()}  ${what}: ${step}`);
          environment ??= await createEnvironment({
            topology,
            replication,
            app: args.app,
            journal: args.journal,
            without: args.without,
            progress,
          });
          const result = await drill(environment, {
            fault,
            run: `r${++count}`,
            promoteDelayMs: args.promoteDelayMs,
            journal: args.journal,
            slowFsyncMs: args.slowFsyncMs,
            without: args.without,
            progress,
          });
          rows.push(result.row);
          progress(lineOf(result.row));
          tell(result, say);
          if (args.keep) environment.keepDir();
          if (result.row.verdict === "ok" && result.notes.length === 0) continue;
          // What a fault left behind must not be blamed on the next: it gets an environment of its own.
          environment.keepDir();
          say(`          what happened is in ${environment.dir}`);
          await environment[Symbol.asyncDispose]();
          environment = undefined;
        }
      }
    } finally {
      await environment?.[Symbol.asyncDispose]();
    }
  }
  for (const table of [writesOf, readsOf, processesOf]) say(`\n${formatTable(rows.map(table))}`);
  const unrated = unratedOf(rows);
  say(["", ...unrated].join("\n"));
  printReport({
    name: "drill",
    runs: args.runs,
    rows: rows as never,
    table: [],
    bars: barsOf(rows),
    extra: { unrated },
  });
}

function tell({ verdict, errors, uncaught, notes }: DrillResult, say: (line: string) => void) {
  for (const note of notes) say(`          ${note}`);
  for (const error of uncaught) say(`          uncaught: ${error}`);
  for (const [kind, findings] of Object.entries(verdict)) {
    if (!Array.isArray(findings)) continue;
    for (const finding of (findings as Finding[]).slice(0, TOLD)) {
      say(`          ${kind}: ${finding.key} ${finding.operationId ?? ""}: ${finding.evidence}`);
    }
    if (findings.length > TOLD) say(`          ${kind}: and ${findings.length - TOLD} more`);
  }
  for (const [error, times] of Object.entries(errors))
    say(`          told ${times} times: ${error}`);
}

function parse(): Arguments | null {
  const { values } = parseArgs({
    options: {
      fault: { type: "string" },
      runs: { type: "string", default: "1" },
      topology: { type: "string" },
      replication: { type: "string" },
      "promote-delay": { type: "string", default: "800" },
      journal: { type: "boolean", default: true },
      "slow-fsync": { type: "string", default: "0" },
      without: { type: "string" },
      app: { type: "boolean", default: true },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
    allowNegative: true,
  });
  if (values.help || values.fault === undefined) return null;
  const chosen = values.fault === "all" ? [...faultNames] : values.fault.split(",");
  const oneOf = <T extends string>(value: string, of: readonly T[], what: string): T => {
    const found = of.find((one) => one === value);
    if (found === undefined) throw new TypeError(`${what} is ${of.join(", ")}; not ${value}.`);
    return found;
  };
  const wholeNumber = (value: string, what: string): number => {
    if (!/^\d+$/.test(value)) throw new TypeError(`${what} is a whole number, not ${value}.`);
    return Number(value);
  };
  const replication =
    values.replication === undefined
      ? undefined
      : oneOf(values.replication, ["sync", "async"] as const, "--replication");
  const topology =
    values.topology === undefined
      ? undefined
      : oneOf(values.topology, ["nodes", "endpoint"] as const, "--topology");
  const plans = chosen.flatMap((name) => {
    const fault = oneOf(name, faultNames, "--fault");
    const { topologies, replication: own, replicationIsFixed } = faults[fault];
    return topologies
      .filter((one) => topology === undefined || one === topology)
      .map((one) => ({
        fault,
        topology: one,
        replication: replicationIsFixed ? own : (replication ?? own),
      }));
  });
  if (plans.length === 0) throw new TypeError("That fault cannot happen in that topology.");
  return {
    plans,
    runs: Math.max(1, wholeNumber(values.runs, "--runs")),
    promoteDelayMs: wholeNumber(values["promote-delay"], "--promote-delay"),
    journal: values.journal,
    slowFsyncMs: wholeNumber(values["slow-fsync"], "--slow-fsync"),
    without: (values.without?.split(",") ?? []).map((name) =>
      oneOf(name, withoutNames, "--without"),
    ),
    app: values.app,
    keep: values.keep,
    json: values.json,
  };
}

/** Shopify's faults are played on other processes, and have options of their own. */
const chosen = process.argv[process.argv.indexOf("--fault") + 1] ?? "";
if (process.argv.includes("--fault") && isShopifyFault(chosen)) {
  await runUntilSignal(runShopifyDrill);
} else await drillDatabase();

async function drillDatabase() {
  let args: Arguments | null = null;
  try {
    args = parse();
  } catch (error) {
    console.error(`${(error as Error).message}\n`);
  }
  if (args === null) {
    console.error(USAGE);
    process.exitCode = 2;
  } else {
    const given = args;
    await runUntilSignal((signal) => main(given, signal));
  }
}
