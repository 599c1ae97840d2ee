import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { passwordFile, type Password } from "./database/password.ts";
import type { TopologyChoice } from "./database/targets.ts";

const url = (protocols: string[], what: string, example: string) =>
  z
    .string({ error: `is not set. It is ${what}, for example ${example}` })
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      error: `is not ${what}. It looks like ${example}`,
    });

const isUrl = ({ value }: { value: unknown }) => typeof value === "string" && URL.canParse(value);

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const isPostgresUrl = (value: string) =>
  URL.canParse(value) && ["postgres:", "postgresql:"].includes(new URL(value).protocol);

const databaseUrl = (role: string) =>
  url(
    ["postgres:", "postgresql:"],
    `the address at which the role ${role} reaches the database`,
    `postgres://${role}:password@db.example.com:5432/evenkeel`,
  )
    .refine(isDecodable, {
      error: "holds a % that begins no escape. In a password, write it as %25",
      when: isUrl,
    })
    .refine((value) => new URL(value).pathname.length > 1, {
      error: "names no database. It ends in one, for example /evenkeel",
      when: isUrl,
    });

const optional = <T extends z.ZodType>(schema: T) =>
  // An empty line in a .env file means "not set".
  z.preprocess((value) => (value === "" ? undefined : value), schema.optional());

const port = (fallback: number) =>
  z.preprocess(
    (value) => (value === undefined || value === "" ? fallback : value),
    z.coerce
      .number({ error: "is not a number. It is a port, from 1 to 65535" })
      .int()
      .min(1, { error: "is not a port. Ports go from 1 to 65535" })
      .max(65_535, { error: "is not a port. Ports go from 1 to 65535" }),
  );

const isLoopback = (origin: string) =>
  ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);

const FILES = [
  ["DATABASE_CA_FILE", "the database authority's certificate (PEM)"],
  ["DATABASE_PASSWORD_FILE", "the password of the role evenkeel_app"],
  ["DATABASE_SYSTEM_PASSWORD_FILE", "the password of the role evenkeel_system"],
] as const;

function isReadable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

function isCertificate(file: string): boolean {
  try {
    new X509Certificate(readFileSync(file));
    return true;
  } catch {
    return false;
  }
}

/** The environment, variable by variable. `.env.example` explains each to the person who sets it. */
const environment = z
  .object({
    NODE_ENV: z.enum(["production", "development", "test"]).default("production"),
    PORT: port(3000),
    LOG_LEVEL: z
      .enum(["trace", "debug", "info", "warn", "error", "fatal"], {
        error: "is not a level. It is one of trace, debug, info, warn, error, fatal",
      })
      .default("info"),
    SHOPIFY_API_KEY: z.string({ error: "is not set. It is the app's client ID" }).min(1, {
      error: "is empty. It is the app's client ID",
    }),
    SHOPIFY_API_SECRET: z.string({ error: "is not set. It is the app's client secret" }).min(1, {
      error: "is empty. It is the app's client secret",
    }),
    SHOPIFY_API_SECRET_PREVIOUS: optional(z.string().min(1)),
    SHOPIFY_APP_URL: url(
      ["http:", "https:"],
      "the address at which browsers reach the app",
      "https://evenkeel.example.com",
    ),
    DATABASE_URL: databaseUrl("evenkeel_app"),
    DATABASE_SYSTEM_URL: databaseUrl("evenkeel_system"),
    DATABASE_READER_URL: optional(databaseUrl("evenkeel_app")),
    DATABASE_NODES: optional(
      z.string().regex(/^[^\s,:/]+(:\d+)?(,[^\s,:/]+(:\d+)?)*$/, {
        error:
          "is not a list of servers. It looks like db-1.example.com:5432,db-2.example.com:5432",
      }),
    ),
    DATABASE_DIRECT_URLS: optional(
      z.string().refine((list) => list.split(",").every(isPostgresUrl), {
        error:
          "is not a list of addresses. It looks like postgres://evenkeel_app:password@db-1.example.com:5432/evenkeel",
      }),
    ),
    DATABASE_TOPOLOGY: z.preprocess(
      (value) => (value === undefined || value === "" ? "auto" : value),
      z.enum(["auto", "endpoint", "nodes", "aurora", "rds-cluster"], {
        error: "is not a way to find servers. It is auto, endpoint, nodes, aurora or rds-cluster",
      }),
    ),
    DATABASE_INSTANCE_HOST: optional(
      z.string().regex(/^[^\s?/:]*\?[^\s?/:]*$/, {
        error:
          "is not the host of an instance with ? for its name. It looks like ?.xyz.eu-west-1.rds.amazonaws.com",
      }),
    ),
    DATABASE_NAME_SERVERS: optional(
      z.string().regex(/^[\d.]+(:\d+)?(,[\d.]+(:\d+)?)*$/, {
        error: "is not a list of name servers. It looks like 10.0.0.2,10.0.0.3:53",
      }),
    ),
    DATABASE_PREPARED_STATEMENTS: z.preprocess(
      (value) => (value === undefined || value === "" ? "on" : value),
      z.enum(["on", "off"], {
        error: "is neither on nor off. It is off behind PgBouncer in transaction mode",
      }),
    ),
    DATABASE_PASSWORD_FILE: optional(z.string()),
    DATABASE_SYSTEM_PASSWORD_FILE: optional(z.string()),
    DATABASE_CA_FILE: optional(z.string()),
    DATABASE_POOL_SIZE: z.preprocess(
      (value) => (value === undefined || value === "" ? 10 : value),
      z.coerce
        .number({ error: "is not a number. It is how many connections one instance may hold" })
        .int()
        .min(2, { error: "is too small. An instance needs at least 2 connections" })
        .max(200, { error: "is too large. More than 200 connections overwhelm a database" }),
    ),
    DATABASE_DURABILITY: optional(
      z.enum(["storage"], {
        error:
          "is not a value that it can have. It is storage where the provider replicates the disk (Aurora, RDS Multi-AZ instance), and unset everywhere else",
      }),
    ),
    JOURNAL_DIR: optional(z.string()),
    JOURNAL_MAX_MEGABYTES: z.preprocess(
      (value) => (value === undefined || value === "" ? 256 : value),
      z.coerce
        .number({ error: "is not a number. It is how many megabytes the journal may hold" })
        .min(1, { error: "is too small. The journal needs at least 1 megabyte" }),
    ),
    ENCRYPTION_KEY: optional(
      z.string().min(32, { error: "is too short. It is a secret of at least 32 characters" }),
    ),
    ENCRYPTION_KEY_PREVIOUS: optional(z.string().min(1)),
    APP_BRIDGE_URL: optional(
      url(["http:", "https:"], "the address of App Bridge", "http://localhost:4040/app-bridge.js"),
    ),
    SANDBOX_ADMIN_ORIGIN: optional(
      url(["http:"], "the origin of the sandbox's admin", "http://localhost:4040"),
    ),
    SHUTDOWN_GRACE_SECONDS: z.preprocess(
      (value) => (value === undefined || value === "" ? 25 : value),
      z.coerce
        .number({ error: "is not a number. It is how many seconds a stopping instance may take" })
        .min(1)
        .max(600),
    ),
  })
  .superRefine((env, context) => {
    for (const name of ["SANDBOX_ADMIN_ORIGIN", "APP_BRIDGE_URL"] as const) {
      const value = env[name];
      // Anything but the real admin may frame the app only on the developer's own machine.
      if (value && !isLoopback(value)) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: "points to another machine. It is for the sandbox on this machine only",
        });
      }
    }
    if (env.JOURNAL_DIR && !env.ENCRYPTION_KEY) {
      context.addIssue({
        code: "custom",
        path: ["ENCRYPTION_KEY"],
        message: "is not set. The journal holds personal data, and is encrypted with it",
      });
    }
    if (env.DATABASE_TOPOLOGY === "nodes" && !env.DATABASE_NODES) {
      context.addIssue({
        code: "custom",
        path: ["DATABASE_NODES"],
        message: "is not set. With DATABASE_TOPOLOGY=nodes it lists the servers",
      });
    }
    if (env.DATABASE_DIRECT_URLS) {
      const nodes = env.DATABASE_TOPOLOGY === "endpoint" ? undefined : env.DATABASE_NODES;
      const servers = nodes?.split(",").length ?? (env.DATABASE_READER_URL ? 2 : 1);
      if (env.DATABASE_DIRECT_URLS.split(",").length !== servers) {
        context.addIssue({
          code: "custom",
          path: ["DATABASE_DIRECT_URLS"],
          message:
            "does not fit. It has one address for each of DATABASE_NODES, or one for DATABASE_URL and one for DATABASE_READER_URL",
        });
      }
      if (env.DATABASE_PREPARED_STATEMENTS === "on") {
        context.addIssue({
          code: "custom",
          path: ["DATABASE_PREPARED_STATEMENTS"],
          message:
            "is on. Behind a pooler, which DATABASE_DIRECT_URLS leads past, it has to be off",
        });
      }
    }
    for (const [name, what] of FILES) {
      if (env[name] && !isReadable(env[name])) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: `names a file that cannot be read. It is ${what}`,
        });
      } else if (name === "DATABASE_CA_FILE" && env[name] && !isCertificate(env[name])) {
        context.addIssue({
          code: "custom",
          path: [name],
          message: `names a file that holds no certificate. It is ${what}`,
        });
      }
    }
  });

export interface Config {
  readonly nodeEnv: "production" | "development" | "test";
  readonly port: number;
  readonly logLevel: string;
  readonly shutdownGraceMs: number;
  readonly shopify: {
    readonly apiKey: string;
    readonly apiSecret: string;
    /** The secret before the last rotation: Shopify may sign with it for another hour. */
    readonly previousApiSecret: string | null;
    readonly appUrl: string;
    readonly appBridgeUrl: string | null;
  };
  readonly database: {
    readonly url: string;
    readonly systemUrl: string;
    readonly readerUrl: string | null;
    /** Every server's `host:port`; empty where only endpoints are known. */
    readonly nodes: readonly string[];
    /** The servers behind a pooler, one for each address; empty where there is none. */
    readonly directUrls: readonly string[];
    readonly topology: TopologyChoice;
    /** The host of any one Aurora instance, with `?` for its name; null: from `url`. */
    readonly instanceHost: string | null;
    /** In place of those in the addresses: asked for at each connect, so that they can be rotated. */
    readonly password: Password | null;
    readonly systemPassword: Password | null;
    /** Empty: the system's own. */
    readonly nameServers: readonly string[];
    readonly preparedStatements: boolean;
    readonly ca: string | null;
    readonly poolSize: number;
    /** Whether an acknowledged commit survives the loss of any one node. */
    readonly durability: "replicated" | "primary";
  };
  /** Null where no disk outlives the process. */
  readonly journal: {
    readonly directory: string;
    readonly maxBytes: number;
    /** The secret that encrypts, then the one before it. */
    readonly secrets: readonly string[];
  } | null;
  /** The sandbox's admin, which may frame the app too; null outside of it. */
  readonly sandboxAdminOrigin: string | null;
}

/** The environment is not one that the app can run with; `problems` has a plain sentence for each variable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      [
        "Evenkeel cannot start, because of its environment:",
        ...problems.map((problem) => `  - ${problem}`),
        "Every variable is explained in .env.example.",
      ].join("\n"),
    );
    this.problems = problems;
  }
}

/**
 * Reads the configuration from an environment, once, at boot.
 *
 * @throws ConfigError naming every variable that is missing or wrong, never a value.
 */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}.`),
    );
  }
  const e = parsed.data;
  return {
    nodeEnv: e.NODE_ENV,
    port: e.PORT,
    logLevel: e.LOG_LEVEL,
    shutdownGraceMs: e.SHUTDOWN_GRACE_SECONDS * 1000,
    shopify: {
      apiKey: e.SHOPIFY_API_KEY,
      apiSecret: e.SHOPIFY_API_SECRET,
      previousApiSecret: e.SHOPIFY_API_SECRET_PREVIOUS ?? null,
      appUrl: e.SHOPIFY_APP_URL.replace(/\/$/, ""),
      appBridgeUrl: e.APP_BRIDGE_URL ?? null,
    },
    database: {
      url: e.DATABASE_URL,
      systemUrl: e.DATABASE_SYSTEM_URL,
      readerUrl: e.DATABASE_READER_URL ?? null,
      nodes: e.DATABASE_NODES?.split(",") ?? [],
      directUrls: e.DATABASE_DIRECT_URLS?.split(",") ?? [],
      topology: e.DATABASE_TOPOLOGY,
      instanceHost: e.DATABASE_INSTANCE_HOST ?? null,
      password: e.DATABASE_PASSWORD_FILE ? passwordFile(e.DATABASE_PASSWORD_FILE) : null,
      systemPassword: e.DATABASE_SYSTEM_PASSWORD_FILE
        ? passwordFile(e.DATABASE_SYSTEM_PASSWORD_FILE)
        : null,
      nameServers: e.DATABASE_NAME_SERVERS?.split(",") ?? [],
      preparedStatements: e.DATABASE_PREPARED_STATEMENTS === "on",
      ca: e.DATABASE_CA_FILE ? readFileSync(e.DATABASE_CA_FILE, "utf8") : null,
      poolSize: e.DATABASE_POOL_SIZE,
      durability: e.DATABASE_DURABILITY === "storage" ? "replicated" : "primary",
    },
    journal:
      e.JOURNAL_DIR && e.ENCRYPTION_KEY
        ? {
            directory: e.JOURNAL_DIR,
            maxBytes: e.JOURNAL_MAX_MEGABYTES * 1024 * 1024,
            secrets: [e.ENCRYPTION_KEY, e.ENCRYPTION_KEY_PREVIOUS].filter(
              (key) => key !== undefined,
            ),
          }
        : null,
    sandboxAdminOrigin: e.SANDBOX_ADMIN_ORIGIN ?? null,
  };
}
