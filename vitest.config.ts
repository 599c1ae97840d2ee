import { defineConfig } from "vitest/config";

/** A busy machine may take long over what a calm one does at once: what is waited for is waited for. */
const expect = { poll: { timeout: 40_000 } };

/** One project by what its tests need: nothing, a real Postgres and Shopify sandbox, or a browser too. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.{ts,tsx}"],
          environment: "node",
          // Nothing here takes long; a busy machine does.
          testTimeout: 120_000,
          expect,
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect,
          fileParallelism: false,
        },
      },
    ],
    maxWorkers: 2,
  },
});
