import { ConfigError, parseConfig } from "./config.server.ts";

/** `npm start`: one process of the built app, configured by the environment, ended by SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const release = "../build/server/index.js";
  const { start } = (await import(release)) as typeof import("./server.ts");
  const app = await start(config, { appFolder: new URL("./", import.meta.url) });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void app.stop().then(() => process.exit(0)));
  }
}

main().catch((error: unknown) => {
  const isPlain = error instanceof ConfigError || (error as Error).name === "JournalError";
  console.error(isPlain ? (error as Error).message : error);
  process.exit(1);
});
