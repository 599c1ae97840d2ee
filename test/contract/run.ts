import { arch, cpus, platform } from "node:os";
import { parseArgs } from "node:util";
import { cases, findSamples, type ContractCase, type Samples } from "./cases.ts";
import { contractTarget, type ContractTarget } from "./target.ts";

/**
 * Holds the platform to what the app relies on: `npm run contract [-- --mutate] [--only text]`.
 * Against the sandbox, or against the development store that SHOPIFY_CONTRACT_SHOP and
 * SHOPIFY_CONTRACT_TOKEN name. Exits 0 only when everything that was tried holds.
 */
interface Row {
  readonly name: string;
  readonly outcome: "holds" | "broken" | "not tried";
  readonly ms: number;
  readonly remark: string;
}

async function tryCase(
  one: ContractCase,
  target: ContractTarget,
  samples: Samples,
  mutate: boolean,
): Promise<Row> {
  const { name } = one;
  if (one.mutates && !mutate) {
    return { name, outcome: "not tried", ms: 0, remark: "changes the shop: needs --mutate" };
  }
  const lacking = one.needs.filter((need) => samples[need] === null);
  if (lacking.length > 0) {
    return { name, outcome: "not tried", ms: 0, remark: `the shop has no ${lacking.join(", ")}` };
  }
  const startedMs = performance.now();
  const took = () => Math.round(performance.now() - startedMs);
  try {
    const remark = (await one.run(target, samples)) ?? "";
    return { name, outcome: "holds", ms: took(), remark };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { name, outcome: "broken", ms: took(), remark: line };
  }
}

const { values } = parseArgs({
  options: { mutate: { type: "boolean", default: false }, only: { type: "string" } },
});
const target = await contractTarget(process.env).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
});
try {
  console.log(`The contract with ${target.name}\n`);
  const samples = await findSamples(target);
  const rows: Row[] = [];
  for (const one of cases) {
    if (values.only !== undefined && !one.name.includes(values.only)) continue;
    const row = await tryCase(one, target, samples, values.mutate);
    rows.push(row);
    const mark = { holds: "✓", broken: "✗", "not tried": "·" }[row.outcome];
    console.log(
      `${mark} ${row.name.padEnd(76)} ${row.outcome === "not tried" ? "" : `${row.ms} ms`.padStart(8)}  ${row.remark}`,
    );
  }
  const broken = rows.filter(({ outcome }) => outcome === "broken").length;
  const held = rows.filter(({ outcome }) => outcome === "holds").length;
  const ok = broken === 0 && held > 0;
  console.log(`\n${held} hold, ${broken} broken, ${rows.length - held - broken} not tried\n`);
  const machine = `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  const bars = [{ name: "broken cases", value: broken, unit: "cases", limit: 0, ok: broken === 0 }];
  console.log(
    JSON.stringify({ name: "contract", target: target.name, machine, runs: 1, rows, bars, ok }),
  );
  process.exitCode = ok ? 0 : 1;
} finally {
  await target.close();
}
