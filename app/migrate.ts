import { readFileSync } from "node:fs";
import { migrate } from "./database/migrate.ts";
import { installQueue } from "./jobs/install.ts";

/** `npm run migrate`: the release step, run once before the new release's instances start. */
async function main(): Promise<void> {
  const { DATABASE_OWNER_URL: url, DATABASE_CA_FILE: caFile } = process.env;
  if (!url) {
    throw new Error(
      "DATABASE_OWNER_URL is not set. It is the address at which the role evenkeel_owner reaches the database.",
    );
  }
  const tls = caFile ? { ca: readFileSync(caFile, "utf8") } : {};
  await migrate({ url, ...tls, steps: [(ownerUrl) => installQueue(ownerUrl, tls)] });
  console.log("The database has this release's schema.");
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
