import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { forgetfulFileSystem } from "../../app/continuity/journal/file-systems.ts";
import { migrate } from "../../app/database/migrate.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { AppProcess } from "../sandbox/app-process.ts";
import { importState } from "../sandbox/app-tables.ts";
import { ensureBuild } from "../sandbox/build.ts";
import {
  startPostgresPair,
  type PostgresPair,
  type Replication,
} from "../sandbox/postgres/index.ts";
import { DATABASE, ROLE_NAMES } from "../sandbox/postgres/roles.ts";
import { startSandbox } from "../sandbox/sandbox.ts";
import type { Without } from "./messages.ts";
import { ClientNetwork, type Topology } from "./network.ts";
import { DRILL_TABLES } from "./workload.ts";

export interface EnvironmentOptions {
  readonly topology: Topology;
  readonly replication: Replication;
  /** False leaves the app out, and with it webhooks and pages; what is said of them then is not met. */
  readonly app: boolean;
  readonly journal: boolean;
  readonly without: readonly Without[];
  readonly progress: (step: string) => void;
}

/** The app as a drill has it: what its clients have to know of it. */
export interface DrilledApp {
  readonly process: AppProcess;
  readonly network: ClientNetwork;
  /** A shop that has the app installed and imported. */
  readonly shop: string;
  readonly apiKey: string;
  readonly secret: string;
  /** Connections that it may have to one node, for its work and for its probes. */
  readonly poolSize: number;
}

/** A Postgres pair with the drill's tables, a way to it for each instance, and the app; runs share it. */
export interface Environment extends AsyncDisposable {
  readonly options: EnvironmentOptions;
  readonly pair: PostgresPair;
  /** Of the drill's own instances. */
  readonly networks: { readonly a: ClientNetwork; readonly b: ClientNetwork };
  readonly app: DrilledApp | null;
  /** Histories and logs; removed at the end unless something was found. */
  readonly dir: string;
  keepDir(): void;
}

const cacheDir = fileURLToPath(new URL("../../.cache/drill", import.meta.url));
const ORDERS = 200;
const IMPORT_MS = 180_000;
/** What `DATABASE_POOL_SIZE` is unless set. */
const APP_POOL_SIZE = 10;

export async function createEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { topology, replication, progress } = options;
  const opened: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(part: T): T => {
    opened.push(part);
    return part;
  };
  const close = async () => {
    for (const part of opened.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    await mkdir(cacheDir, { recursive: true });
    const dir = await mkdtemp(join(cacheDir, `${topology}-${replication}-`));
    let keepsDir = false;
    keep({
      [Symbol.asyncDispose]: async () => {
        if (!keepsDir) await rm(dir, { recursive: true, force: true });
      },
    });
    let pair: PostgresPair;
    let app: DrilledApp | null = null;
    if (options.app) {
      progress("Building the app, if it has changed");
      await ensureBuild();
      progress("Starting the database and Shopify");
      const sandbox = keep(
        await startSandbox({ orders: ORDERS, replication, program: null, panel: false }),
      );
      pair = sandbox.pair;
      await makeTables(pair, options.without);
      const network = keep(await ClientNetwork.open("app", 3, pair));
      const env = sandbox.appEnv();
      const journalDir = join(dir, "app-journal");
      await mkdir(journalDir);
      // The app keeps nothing where a disk forgets; a drill in a container goes without.
      const journalEnvironment =
        options.journal && (await forgetfulFileSystem(journalDir)) === null
          ? { JOURNAL_DIR: journalDir, ENCRYPTION_KEY: randomBytes(24).toString("hex") }
          : {};
      const process = keep(
        new AppProcess({
          program: "app/start.ts",
          port: Number(env["PORT"]),
          env: () => ({
            ...env,
            ...reachEnvironment(network, topology),
            ...journalEnvironment,
            ...(options.without.includes("retention") ? { DATABASE_DURABILITY: "storage" } : {}),
            LOG_LEVEL: "info",
          }),
          logFile: join(dir, "app.log"),
        }),
      );
      progress("Starting the app and importing a shop");
      await process.start();
      const shop = sandbox.shops[0]?.domain ?? "";
      await openOnce(process, sandbox.shopify.sessionToken(shop));
      await imported(pair, shop);
      app = {
        process,
        network,
        shop,
        apiKey: env["SHOPIFY_API_KEY"] ?? "",
        secret: env["SHOPIFY_API_SECRET"] ?? "",
        poolSize: connectionsPerNode(APP_POOL_SIZE),
      };
    } else {
      progress("Starting the database");
      pair = keep(await startPostgresPair({ replication }));
      await migrate({ url: pair.url("owner", "writer"), steps: [installQueue] });
      await makeTables(pair, options.without);
    }
    const networks = {
      a: keep(await ClientNetwork.open("a", 1, pair)),
      b: keep(await ClientNetwork.open("b", 2, pair)),
    };
    return {
      options,
      pair,
      networks,
      app,
      dir,
      keepDir: () => (keepsDir = true),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The size of what one instance has of one node: the pool for merchants, and half as many for work across shops.
 * What is kept in reserve for reads and for listening, and the probe's connection, come on top and are not counted.
 */
export function connectionsPerNode(poolSize: number): number {
  return poolSize + Math.max(2, Math.ceil(poolSize / 2));
}

/** Every change is stored under an id that nobody will ask for again, so that its repetition is another change. */
const FORGET_OPERATION_IDS = `
  create or replace function drill_forget_operation_id() returns trigger language plpgsql as
    $$ begin new.operation_id := new.operation_id || ' ' || gen_random_uuid(); return new; end $$;
  create trigger drill_forget_operation_id before insert on operations
    for each row execute function drill_forget_operation_id();`;

/**
 * Servers that cannot be told apart: whoever asks one for its identity or its timeline, by the names that the app
 * uses, gets the same answer from all. A primary that has been superseded looks like any other then.
 */
const HIDE_TIMELINES = `
  create schema if not exists drill_unfenced;
  grant usage on schema drill_unfenced to public;
  create or replace function drill_unfenced.pg_postmaster_start_time() returns timestamptz
    language sql as $$ select timestamptz 'epoch' $$;
  create or replace function drill_unfenced.pg_walfile_name(pg_lsn) returns text
    language sql as $$ select '000000010000000000000001' $$;
  create or replace function drill_unfenced.pg_control_checkpoint()
    returns table (timeline_id integer, checkpoint_time timestamptz)
    language sql as $$ select 1, checkpoint_time from pg_catalog.pg_control_checkpoint() $$;
  create or replace function drill_unfenced.pg_control_recovery()
    returns table (min_recovery_end_timeline integer) language sql as $$ select 1 $$;
  alter role ${ROLE_NAMES.app} in database ${DATABASE}
    set search_path = drill_unfenced, pg_catalog, public;`;

async function makeTables(pair: PostgresPair, without: readonly Without[]): Promise<void> {
  const owner = postgres(pair.url("owner", "writer"), { max: 1, onnotice: () => undefined });
  await owner.unsafe(DRILL_TABLES);
  if (without.includes("operation-id")) await owner.unsafe(FORGET_OPERATION_IDS);
  await owner.end();
  if (without.includes("fence")) {
    const superuser = postgres(pair.primary.url("superuser"), {
      max: 1,
      onnotice: () => undefined,
    });
    await superuser.unsafe(HIDE_TIMELINES);
    await superuser.end();
  }
  await pair.primary.query(
    "create table if not exists drill_observer (id bigint generated always as identity)",
    { database: "evenkeel" },
  );
}

function reachEnvironment(network: ClientNetwork, topology: Topology): Record<string, string> {
  const { targets, nameServers } = network.reach(topology);
  return {
    DATABASE_URL: targets.url,
    DATABASE_SYSTEM_URL: targets.systemUrl,
    DATABASE_READER_URL: targets.readerUrl ?? "",
    DATABASE_NODES: targets.nodes?.join(",") ?? "",
    DATABASE_NAME_SERVERS: nameServers.join(","),
  };
}

/** A merchant opens the app for the first time, which signs the shop in and starts its import. */
async function openOnce(app: AppProcess, token: string): Promise<void> {
  const response = await fetch(`${app.url}/app/orders.data`, {
    headers: {
      authorization: `Bearer ${token}`,
      "user-agent": "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/147.0 Safari/537.36",
    },
  });
  const body = await response.text();
  if (response.status !== 200) {
    throw new Error(`The app's first page was answered ${response.status}:\n${body.slice(0, 500)}`);
  }
}

async function imported(pair: PostgresPair, shop: string): Promise<void> {
  const giveUpAt = performance.now() + IMPORT_MS;
  for (;;) {
    const run = await importState(pair, shop);
    if (run?.state === "done") return;
    if (run?.state === "failed") throw new Error(`The import failed: ${run.error ?? "no reason"}`);
    if (performance.now() > giveUpAt)
      throw new Error("The import did not end within three minutes.");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
