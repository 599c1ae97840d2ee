import type { RequestListener } from "node:http";
import { createServer } from "node:http";

/** What a side is told when it is started. */
export interface SideConfig {
  readonly secret: string;
  readonly shop: string;
  /** Addresses of the database: as who owns its tables, and as the app's two roles. */
  readonly urls: { readonly owner: string; readonly app: string; readonly system: string };
  readonly poolSize: number;
  /** The table that a side of a few lines inserts into. */
  readonly table: string;
}

/** In the process of a side: what it was told. */
export function sideConfig(): SideConfig {
  return JSON.parse(process.argv[2] ?? "") as SideConfig;
}

/** Serves webhooks, and tells the parent where; ends with the parent. */
export function serveSide(listener: RequestListener): void {
  const server = createServer(listener);
  server.keepAliveTimeout = 65_000;
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    process.send?.({ port });
  });
  process.on("disconnect", () => process.exit(0));
}
