import { parseArgs } from "node:util";
import { runUntilSignal, untilAborted } from "./lifecycle.ts";
import { DEFAULT_PORT, demoPorts, expectFree } from "./ports.ts";
import { createProgress } from "./progress.ts";

const usage = `Shows Evenkeel at work on a whole Shopify of its own, on this machine.

  npm run demo                        start, and print the address to open
  npm run demo -- --orders 100000     with that many orders in the larger shop (default 2000)
  npm run demo -- --port 5040         admin there, app and storefronts on the next three (default ${DEFAULT_PORT})
  npm run demo -- --names             the app finds its database by names, and the panel can spoil them
  npm run demo -- --check             no window: walk through the app in a headless browser and report`;

/** `npm run demo`. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      orders: { type: "string", default: "2000" },
      port: { type: "string", default: String(DEFAULT_PORT) },
      names: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const orders = wholeNumber("orders", values.orders, 1, 1_000_000);
  if (values.check) {
    await runUntilSignal(async (signal) => {
      const { check } = await import("./check.ts");
      await check({ orders, signal });
    });
    return;
  }
  const ports = demoPorts(wholeNumber("port", values.port, 1024, 65_000));
  await expectFree(ports, "demo");
  console.log("\nEvenkeel demo\n");
  const progress = createProgress();
  await runUntilSignal(async (signal) => {
    // Loaded late: whoever mistyped an option or has a demo running already learns it at once.
    const { startSandbox } = await import("./sandbox.ts");
    await using sandbox = await startSandbox({
      orders,
      ports,
      databaseByName: values.names,
      signal,
      progress: (step) => progress.step(step),
    });
    progress.done();
    console.log(`\n  Open ${sandbox.admin.url}\n\n  Ctrl-C ends everything.\n`);
    await untilAborted(signal);
    console.log("\n  Ending …");
  });
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(
    `--${name} must be a whole number from ${least} to ${most.toLocaleString("en")}, not "${text}".`,
  );
}

main().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
