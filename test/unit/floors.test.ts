import { ESLint } from "eslint";
import { expect, test } from "vitest";

const eslint = new ESLint();

async function complaints(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId === "no-restricted-imports")
    .map(({ message }) => message);
}

// Files that exist, since the linter's type information covers only those.
const database = "app/database/cluster.ts";
const shopify = "app/shopify/admin.server.ts";

test.each([
  [database, 'import "../shopify/errors.ts";'],
  [database, 'import type { Sourced } from "../continuity/sourced.ts";'],
  [database, 'import "../services.server.ts";'],
  [database, 'import "../../test/sandbox/browser.ts";'],
  [shopify, 'import "../jobs/jobs.server.ts";'],
  [shopify, 'import "../routes/app.tsx";'],
  ["app/webhooks/intake.server.ts", 'import "../http/webhooks.server.ts";'],
  ["app/http/health.server.ts", 'import "../../test/sandbox/browser.ts";'],
])("in %s the linter refuses %s", async (file, code) => {
  expect(await complaints(file, code)).toHaveLength(1);
});

test.each([
  [database, 'import "../observability/logger.server.ts";'],
  [shopify, 'import "../database/cluster.ts";'],
  ["app/webhooks/intake.server.ts", 'import "../orders/types.ts";'],
  ["app/http/health.server.ts", 'import "../database/cluster.ts";'],
])("in %s the linter allows %s", async (file, code) => {
  expect(await complaints(file, code)).toEqual([]);
});
