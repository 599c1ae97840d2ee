import { ConfigError, parseConfig } from "./config.server.ts";

/** `npm start`: one process of the built app, configured by the environment, ended by SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const release = "../build/server/index.js";
  const { start } = (await import(release)) as typeof import("./server.ts");
  const app = await start(config);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void app.stop().then(() => process.exit(0)));
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
