import { parseArgs } from "node:util";
import { runUntilSignal, untilAborted } from "./lifecycle.ts";
import { DEFAULT_PORT, demoPorts, expectFree } from "./ports.ts";
import { createProgress } from "./progress.ts";

/** `npm run dev`: the sandbox, with the app's pages reloaded as their files change. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      orders: { type: "string", default: "2000" },
      port: { type: "string", default: String(DEFAULT_PORT) },
    },
  });
  const ports = demoPorts(Number(values.port));
  await expectFree(ports, "dev");
  console.log("\nEvenkeel, with live reload\n");
  const progress = createProgress();
  await runUntilSignal(async (signal) => {
    const { startSandbox } = await import("./sandbox.ts");
    await using sandbox = await startSandbox({
      orders: Number(values.orders),
      ports,
      program: "app/dev.ts",
      signal,
      progress: (step) => progress.step(step),
    });
    progress.done();
    console.log(
      [
        "",
        `  Open ${sandbox.admin.url}`,
        "",
        "  Pages follow their files. What is made once at boot (services, server) follows after Restart in",
        "  the sandbox's panel. Ctrl-C ends everything.",
        "",
      ].join("\n"),
    );
    sandbox.app.events.on("line", (line) => console.log(line));
    await untilAborted(signal);
    console.log("\n  Ending …");
  });
}

main().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
