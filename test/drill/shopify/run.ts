import { parseArgs } from "node:util";
import { bar, formatTable, printReport, type Bar } from "../../bench/report.ts";
import type { Finding } from "../checker.ts";
import { companions, shopifyDrill, type Companion, type ShopifyDrillRow } from "./drill.ts";
import { shopifyFaults } from "./faults.ts";
import { shopifyWithout, type ShopifyWithout } from "./messages.ts";

const USAGE = `npm run drill -- --fault shopify-NAME [options]

  --fault NAME            several with commas, or shopify-all
  --with WHAT             ${companions.join(" or ")}: the database's primary, or the app's process, is killed meanwhile;
                          or each: one after the other, and without
  --commands N            how many changes are asked for (500)
  --faster N              how much shorter the time is in which Shopify applies a change late, and so the time for
                          which the app waits (10)
  --without PART          ${shopifyWithout.join(", ")}: leaves it out, to see the drill fail
  --json                  progress and tables on standard error; standard output has the bars and the JSON line

Faults:
${[...shopifyFaults].map(([name, { title }]) => `  ${name.padEnd(30)}${title}`).join("\n")}`;

const ALL = "shopify-all";
/** How many findings of a kind are told of one run; all of them are counted. */
const TOLD = 3;

interface Arguments {
  readonly faults: readonly string[];
  readonly companions: readonly (Companion | null)[];
  readonly commands: number;
  readonly faster: number;
  readonly without: readonly ShopifyWithout[];
  readonly json: boolean;
}

/** The drill's part for Shopify, with arguments of its own. */
export async function runShopifyDrill(signal: AbortSignal): Promise<void> {
  let args: Arguments;
  try {
    args = parse();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const say = (line: string) => (args.json ? console.error(line) : console.log(line));
  const started = performance.now();
  const rows: ShopifyDrillRow[] = [];
  for (const fault of args.faults) {
    for (const companion of args.companions) {
      signal.throwIfAborted();
      const what = companion ? `${fault} with ${companion}` : fault;
      const progress = (step: string) => {
        const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(7);
        say(`${seconds} s  ${what}: ${step}`);
      };
      const { commands, faster, without } = args;
      const options = { fault, companion, commands, faster, without, progress, signal };
      const { row, verdict, refused, uncaught, dir } = await shopifyDrill(options);
      rows.push(row);
      progress(
        `${row.verdict}; ${row.struck} requests struck, ${row.struckChanges} of them changes; ` +
          `${row.lost} lost, ${row.appliedTwice} twice, ${row.stateless} without a state`,
      );
      for (const [kind, findings] of Object.entries<readonly Finding[]>({ ...verdict })) {
        for (const { key, operationId, evidence } of findings.slice(0, TOLD)) {
          say(`          ${kind}: ${key} ${operationId ?? ""}: ${evidence}`);
        }
      }
      for (const one of refused.slice(0, TOLD)) say(`          refused: ${one}`);
      for (const one of uncaught) say(`          uncaught: ${one}`);
      if (row.verdict !== "ok") say(`          what happened is in ${dir}`);
    }
  }
  say(`\n${formatTable(rows.map(tableRow))}\n`);
  printReport({
    name: "drill",
    runs: 1,
    rows: rows as never,
    table: [],
    bars: rows.flatMap(barsOf),
  });
}

function tableRow(row: ShopifyDrillRow): Record<string, string | number> {
  return {
    fault: row.with ? `${row.fault} with ${row.with}` : row.fault,
    asked: row.commands,
    struck: row.struck,
    changes: row.struckChanges,
    waiting: row.waiting,
    "first call ms": row.firstCallMs ?? "none",
    "first change ms": row.firstChangeMs ?? "none",
    "all done ms": row.settledMs ?? "never",
    lost: row.lost,
    twice: row.appliedTwice,
    stateless: row.stateless,
    denied: row.denied,
    "waits for s": row.settleMs / 1_000,
    "late by s": row.appliedLateMs / 1_000,
    load: row.load1,
    verdict: row.verdict,
  };
}

/** How soon an outage that is over is noticed. */
const FIRST_CALL_MS = 2_000;

function barsOf(row: ShopifyDrillRow): Bar[] {
  const named = (name: string) => `${row.fault}${row.with ? ` with ${row.with}` : ""}: ${name}`;
  const none = (name: string, count: number) => bar(named(name), count, "count", { exactly: 0 });
  const play = shopifyFaults.get(row.fault);
  return [
    none("changes lost", row.lost),
    none("changes applied twice", row.appliedTwice),
    none("changes without a visible state", row.stateless),
    none("changes said to be not done, but done", row.denied),
    none("changes that nobody asked for", row.unasked),
    none("changes that were not accepted", row.refused),
    none("uncaught errors", row.uncaught),
    bar(named("all done in the end"), row.settledMs === null ? 0 : 1, "runs", { exactly: 1 }),
    // A drill that does not bite shows nothing.
    play === undefined || play.strikes === null
      ? bar(named("changes that waited"), row.waiting, "changes", { atLeast: 20 })
      : bar(named("changes struck"), row.struckChanges, "changes", { atLeast: play.strikes }),
    ...(row.firstCallMs === null
      ? []
      : [bar(named("first call after the end"), row.firstCallMs, "ms", { atMost: FIRST_CALL_MS })]),
  ];
}

function parse(): Arguments {
  const { values } = parseArgs({
    options: {
      fault: { type: "string", default: "" },
      with: { type: "string" },
      commands: { type: "string", default: "500" },
      faster: { type: "string", default: "10" },
      without: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const oneOf = <T extends string>(value: string, of: readonly T[], what: string): T => {
    const found = of.find((one) => one === value);
    if (found === undefined) throw new TypeError(`${what} is ${of.join(", ")}; not ${value}.`);
    return found;
  };
  const positive = (value: string, what: string): number => {
    if (!/^[1-9]\d*$/.test(value)) throw new TypeError(`${what} is a whole number, not ${value}.`);
    return Number(value);
  };
  const names = [...shopifyFaults.keys()];
  return {
    faults:
      values.fault === ALL
        ? names
        : values.fault.split(",").map((name) => oneOf(name, names, "--fault")),
    companions:
      values.with === undefined
        ? [null]
        : values.with === "each"
          ? [null, ...companions]
          : [oneOf(values.with, companions, "--with")],
    commands: positive(values.commands, "--commands"),
    faster: positive(values.faster, "--faster"),
    without: (values.without?.split(",") ?? []).map((name) =>
      oneOf(name, shopifyWithout, "--without"),
    ),
    json: values.json,
  };
}
