import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../app/config.server.ts";

const valid = {
  SHOPIFY_API_KEY: "key",
  SHOPIFY_API_SECRET: "a-secret-value",
  SHOPIFY_APP_URL: "https://evenkeel.example.com",
  DATABASE_URL: "postgres://evenkeel_app:pw@db.example.com:5432/evenkeel",
  DATABASE_SYSTEM_URL: "postgres://evenkeel_system:pw@db.example.com:5432/evenkeel",
};

function problems(env: Record<string, string | undefined>): readonly string[] {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test("a complete environment is taken, with defaults for the rest", () => {
  expect(parseConfig(valid)).toMatchObject({
    port: 3000,
    logLevel: "info",
    nodeEnv: "production",
    database: { poolSize: 10, ca: null },
    shopify: { previousApiSecret: null, appBridgeUrl: null },
    sandboxAdminOrigin: null,
  });
});

test.each(Object.keys(valid))(
  "without %s the app says which variable is missing, and what it is",
  (name) => {
    const [problem, ...others] = problems({ ...valid, [name]: undefined });
    expect(others).toEqual([]);
    expect(problem).toMatch(new RegExp(`^${name} is not set\\. It is .+\\.$`));
  },
);

test("every missing variable is named at once", () => {
  expect(problems({})).toHaveLength(Object.keys(valid).length);
});

test.each([
  ["PORT", "eighty", /^PORT is not a number/],
  ["PORT", "70000", /^PORT is not a port/],
  ["SHOPIFY_APP_URL", "evenkeel.example.com", /^SHOPIFY_APP_URL is not the address/],
  ["SHOPIFY_API_SECRET", "", /^SHOPIFY_API_SECRET is empty/],
  ["DATABASE_URL", "mysql://db/evenkeel", /^DATABASE_URL is not the address/],
  ["DATABASE_CA_FILE", "/nowhere/ca.pem", /^DATABASE_CA_FILE names a file that cannot be read/],
  ["DATABASE_CA_FILE", "package.json", /^DATABASE_CA_FILE names a file that holds no certificate/],
  ["DATABASE_URL", "postgres://app:100%@db/evenkeel", /^DATABASE_URL holds a % that begins no/],
  ["DATABASE_URL", "postgres://app:pw@db.example.com", /^DATABASE_URL names no database/],
  ["DATABASE_PASSWORD_FILE", "/nowhere/password", /^DATABASE_PASSWORD_FILE names a file/],
  ["DATABASE_SYSTEM_PASSWORD_FILE", "/nowhere/pw", /^DATABASE_SYSTEM_PASSWORD_FILE names a file/],
  ["DATABASE_TOPOLOGY", "cloud", /^DATABASE_TOPOLOGY is not a way to find servers/],
  ["DATABASE_TOPOLOGY", "nodes", /^DATABASE_NODES is not set/],
  ["DATABASE_INSTANCE_HOST", "db.example.com", /^DATABASE_INSTANCE_HOST is not the host/],
  ["DATABASE_NODES", "db-1 db-2", /^DATABASE_NODES is not a list of servers/],
  ["DATABASE_NAME_SERVERS", "ns.example.com", /^DATABASE_NAME_SERVERS is not a list/],
  ["DATABASE_DIRECT_URLS", "postgres://a/b", /^DATABASE_PREPARED_STATEMENTS is on/],
  ["DATABASE_PREPARED_STATEMENTS", "maybe", /^DATABASE_PREPARED_STATEMENTS is neither/],
  ["DATABASE_DURABILITY", "yes", /^DATABASE_DURABILITY is not a value/],
  ["JOURNAL_DIR", "/var/lib/evenkeel", /^ENCRYPTION_KEY is not set\. The journal holds/],
  ["JOURNAL_MAX_MEGABYTES", "lots", /^JOURNAL_MAX_MEGABYTES is not a number/],
  ["ENCRYPTION_KEY", "short", /^ENCRYPTION_KEY is too short/],
  ["DATABASE_POOL_SIZE", "1", /^DATABASE_POOL_SIZE is too small/],
  ["LOG_LEVEL", "loud", /^LOG_LEVEL is not a level/],
  [
    "SANDBOX_ADMIN_ORIGIN",
    "http://evil.example.com",
    /^SANDBOX_ADMIN_ORIGIN points to another machine/,
  ],
  ["APP_BRIDGE_URL", "https://evil.example.com/x.js", /^APP_BRIDGE_URL points to another machine/],
])("%s=%s is refused in plain words", (name, value, words) => {
  expect(problems({ ...valid, [name]: value })).toEqual([expect.stringMatching(words)]);
});

test.each([
  ["db-1.example.com:5432", /^DATABASE_DIRECT_URLS is not a list/],
  ["postgres://a/b,postgres://c/d", /^DATABASE_DIRECT_URLS does not fit/],
])("behind a pooler, DATABASE_DIRECT_URLS=%s is refused in plain words", (value, words) => {
  const pooled = { ...valid, DATABASE_PREPARED_STATEMENTS: "off", DATABASE_DIRECT_URLS: value };
  expect(problems(pooled)).toEqual([expect.stringMatching(words)]);
  const fits = { ...pooled, DATABASE_DIRECT_URLS: "postgres://a/b" };
  expect(parseConfig(fits).database.directUrls).toEqual(["postgres://a/b"]);
});

test("an empty line of an .env file means that the variable is not set", () => {
  const config = parseConfig({
    ...valid,
    SHOPIFY_API_SECRET_PREVIOUS: "",
    PORT: "",
    APP_BRIDGE_URL: "",
  });
  expect(config).toMatchObject({
    port: 3000,
    shopify: { previousApiSecret: null, appBridgeUrl: null },
  });
});

test("no message ever quotes a value, since values are secrets", () => {
  const secret = "hunter2-and-more";
  const names = readFileSync(".env.example", "utf8").matchAll(/^([A-Z_]+)=/gm);
  const wrong = Object.fromEntries([...names].map(([, name]) => [name ?? "", secret]));
  try {
    parseConfig(wrong);
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain(secret);
  }
});

test(".env.example names every variable that the app reads, and no other", () => {
  const documented = [...readFileSync(".env.example", "utf8").matchAll(/^([A-Z_]+)=/gm)].map(
    (m) => m[1],
  );
  const source = readFileSync("app/config.server.ts", "utf8");
  const read = [...source.matchAll(/^ {4}([A-Z_]+):/gm)].map((m) => m[1]);
  // NODE_ENV is the platform's; the owner's address is the release step's alone.
  expect(new Set(documented)).toEqual(
    new Set([...read.filter((n) => n !== "NODE_ENV"), "DATABASE_OWNER_URL"]),
  );
});
