import { createServer as createViteServer } from "vite";
import type { ServerBuild } from "@remix-run/node";
import { ConfigError, parseConfig } from "./config.server.ts";

/**
 * `npm run dev:app`: the app with live reload. Pages and their modules are reloaded on the fly; what is built
 * once (services, server) needs a restart.
 */
async function main(): Promise<void> {
  const config = parseConfig({ ...process.env, NODE_ENV: "development" });
  const vite = await createViteServer({ server: { middlewareMode: true } });
  const { start } = (await vite.ssrLoadModule("/app/server.ts")) as typeof import("./server.ts");
  const app = await start(config, {
    appFolder: new URL("./", import.meta.url),
    assets: vite.middlewares,
    build: () => vite.ssrLoadModule("virtual:remix/server-build") as Promise<ServerBuild>,
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void Promise.allSettled([app.stop(), vite.close()]).then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
