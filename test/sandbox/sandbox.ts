import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { forgetfulFileSystem } from "../../app/continuity/journal/file-systems.ts";
import type { SandboxControls } from "./admin/controls.ts";
import { FaultControls } from "./admin/fault-controls.ts";
import { createLossCheck, type LossCheck } from "./admin/losses.ts";
import { startAdmin, type Admin, type AdminOptions } from "./admin/server.ts";
import { AppProcess } from "./app-process.ts";
import { launchBrowser, type BrowserOptions } from "./browser.ts";
import { copyRelease, isBuilt, releaseProgram } from "./build.ts";
import { startPostgresPair, type PostgresPair, type Replication } from "./postgres/index.ts";
import { freePort } from "./postgres/ports.ts";
import { readAppToml } from "./shopify/app-toml.ts";
import { startShopify, type SandboxShopify } from "./shopify/index.ts";
import { createShops, productImage, type ShopStore } from "./shopify/shop/index.ts";

/** What a sandbox can be told; everything has a default. */
export interface SandboxOptions {
  /** Orders in the first shop. Default 2,000. */
  orders?: number;
  /** Same seed, same shops. */
  seed?: number;
  /** Fixed ports where people have to find them, the first storefront's and those after it; free ones unless given. */
  ports?: { admin?: number; app?: number; storefront?: number };
  /** Default `sync`. */
  replication?: Replication;
  /** The database is reached by TLS, with a CA file. */
  databaseTls?: boolean;
  /**
   * The app finds the database by names that move at a failover, as RDS and DigitalOcean give them, and not through
   * endpoints whose target moves. Default false.
   */
  databaseByName?: boolean;
  /**
   * The admin is https://admin.shopify.com and App Bridge comes from https://cdn.shopify.com, in browsers that
   * {@link Sandbox.launchBrowser} starts: the app runs with no sandbox variable and its production content security
   * policy. Default false: plain http://localhost, for any browser.
   */
  tls?: boolean;
  /** `app/start.ts` (the built app, default) or `app/dev.ts` (live reload). `null` starts none. */
  program?: "app/start.ts" | "app/dev.ts" | null;
  /** Added to the app's environment. */
  appEnv?: Readonly<Record<string, string>>;
  /** Retry waits of webhooks take this many times less than at Shopify. Default 1. */
  timeScale?: number;
  /** The fault panel beside the app. Default true. */
  panel?: boolean;
  /** Gives up between two steps once it is aborted, and ends what it has begun. */
  signal?: AbortSignal;
  /** A line for people, as things come to life. */
  progress?: (step: string) => void;
  /** Where the app's log and the sandbox's own go; a temporary file unless given. */
  logFile?: string;
}

/** A whole Shopify on this machine, with the app at work on it. */
export interface Sandbox extends AsyncDisposable {
  readonly pair: PostgresPair;
  readonly shopify: SandboxShopify<ShopStore>;
  readonly shops: readonly ShopStore[];
  readonly admin: Admin;
  /** Its first process; started unless `program` is null. */
  readonly app: AppProcess;
  /** Where the app's output is. */
  readonly logFile: string;
  /** The environment of the app's processes, for those who start more of them. */
  appEnv(): Record<string, string>;
  /** What the panel's buttons do. */
  readonly controls: SandboxControls;
  /** Lays what the app has beside what it should have; see admin/losses.ts. */
  readonly losses: LossCheck;
  /** Starts a Chromium that finds this sandbox's admin; the caller closes it. */
  launchBrowser(options?: BrowserOptions): Promise<Browser>;
  /** Ends everything; leaves no process, no port and no directory behind. */
  close(): Promise<void>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Starts a Postgres pair, a Shopify, an admin and the app between them, and comes back when the app is ready.
 *
 * ```ts
 * await using sandbox = await startSandbox({ orders: 200, tls: true });
 * const browser = await sandbox.launchBrowser();
 * const page = await browser.newPage(screens.desktop);
 * await page.goto(sandbox.admin.appUrl("northbound", "/app/orders", { panel: false }));
 * ```
 *
 * The app is installed in every shop and has never been opened there: the first page does the token exchange
 * and starts the import, as it does for a merchant.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { orders = 2000, ports = {}, tls = false, program = "app/start.ts" } = options;
  const progress = (step: string) => {
    options.signal?.throwIfAborted();
    options.progress?.(step);
  };
  const opened: AsyncDisposable[] = [];
  const keep = <T extends AsyncDisposable>(part: T): T => {
    opened.push(part);
    return part;
  };
  const close = async () => {
    // In the reverse of the order in which they were opened, so that nobody loses what it stands on.
    for (const part of opened.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), "evenkeel-sandbox-"));
    keep({ [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) });
    const logFile = options.logFile ?? join(dir, "app.log");
    const release = join(dir, "release");
    const appPort = ports.app ?? (await freePort());
    const appUrl = `http://localhost:${appPort}`;
    const builtAlready = program !== "app/start.ts" || (await isBuilt());

    progress("Starting a Postgres primary and its standby");
    const pair = keep(
      await startPostgresPair({
        replication: options.replication ?? "sync",
        tls: options.databaseTls ?? false,
      }),
    );
    const ca: Record<string, string> = pair.caFile ? { DATABASE_CA_FILE: pair.caFile } : {};
    const migrated = migrate({ DATABASE_OWNER_URL: pair.url("owner", "writer"), ...ca });
    // Waited for below; a failure before that must not count as unhandled.
    migrated.catch(() => undefined);

    progress(`Filling two shops, the larger one with ${orders.toLocaleString("en")} orders`);
    const toml = readAppToml(join(root, "shopify.app.toml"));
    const apiKey = randomBytes(16).toString("hex");
    const secret = randomBytes(24).toString("hex");
    const disk = await diskOfItsOwn(dir);
    const shops = createShops({
      orders,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
    const shopify = keep(
      await startShopify<ShopStore>({
        app: {
          apiKey,
          secret,
          url: () => appUrl,
          scopes: toml.scopes,
          webhooks: toml.webhooks,
          webhookApiVersion: toml.webhookApiVersion,
          ...(toml.proxy ? { proxy: toml.proxy } : {}),
        },
        shops,
        // Goes with the app's, also when we are killed.
        scratchDir: dir,
        timeScale: options.timeScale ?? 1,
        ...(ports.storefront === undefined ? {} : { storefrontPort: ports.storefront }),
      }),
    );

    const { databaseByName = false } = options;
    const databaseUrl: PostgresPair["url"] = (...where) =>
      databaseByName ? pair.namedUrl(...where) : pair.url(...where);
    const appEnv = (): Record<string, string> => ({
      NODE_ENV: program === "app/dev.ts" ? "development" : "production",
      PORT: String(appPort),
      SHOPIFY_API_KEY: apiKey,
      SHOPIFY_API_SECRET: secret,
      SHOPIFY_APP_URL: appUrl,
      DATABASE_URL: databaseUrl("app", "writer"),
      DATABASE_READER_URL: databaseUrl("app", "reader"),
      DATABASE_SYSTEM_URL: databaseUrl("system", "writer"),
      ...(databaseByName ? { DATABASE_NAME_SERVERS: pair.dns.server } : {}),
      ...disk,
      SHUTDOWN_GRACE_SECONDS: "5",
      ...ca,
      ...shopify.environment(),
      ...(tls
        ? {}
        : { APP_BRIDGE_URL: `${admin.url}/app-bridge.js`, SANDBOX_ADMIN_ORIGIN: admin.url }),
      ...options.appEnv,
    });
    const app = new AppProcess({
      program: program === "app/start.ts" ? releaseProgram(release) : (program ?? "app/start.ts"),
      port: appPort,
      env: appEnv,
      logFile,
      scratchDir: dir,
    });
    const parts = { pair, shopify, shops, app };
    const losses = createLossCheck(parts);
    const controls = keep(new FaultControls({ ...parts, databaseByName, compare: losses.compare }));
    const admin = keep(
      await startAdmin({
        app: { name: toml.name, handle: "evenkeel", apiKey, secret, url: () => appUrl },
        shops: shops.map((shop) => ({
          name: shop.domain.replace(".myshopify.com", ""),
          domain: shop.domain,
          displayName: shop.name,
          storefrontUrl: shopify.storefront(shop.domain).url,
        })),
        ...(tls ? { files: productPictures(shops) } : {}),
        sessionToken: (shop, staffId) =>
          shopify.sessionToken(shop, staffId === "" ? {} : { id: staffId }),
        tls,
        ...((options.panel ?? true) ? { controls } : {}),
        ...(ports.admin === undefined ? {} : { port: ports.admin }),
      }),
    );
    keep(app);
    if (tls) {
      for (const shop of shops) shop.imageBaseUrl = `https://cdn.shopify.com${picturePath(shop)}`;
    }

    if (!builtAlready) {
      progress("Building the app, which has changed since it was built");
    }
    if (program === "app/start.ts") await copyRelease(release);
    progress("Starting the app");
    await migrated;
    if (program !== null) await app.start();
    return {
      ...parts,
      admin,
      logFile,
      appEnv,
      controls,
      losses,
      launchBrowser: (browser = {}) => launchBrowser({ ...browser, hostRules: admin.hostRules }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What gives the app a disk for what it acknowledges while the database is away; nothing where the sandbox lies in
 * memory or in a container's own layers, on which the app would refuse to start.
 */
async function diskOfItsOwn(dir: string): Promise<Record<string, string>> {
  if (await forgetfulFileSystem(dir)) return {};
  return {
    JOURNAL_DIR: join(dir, "journal"),
    ENCRYPTION_KEY: randomBytes(24).toString("hex"),
  };
}

/** As on Shopify's CDN, whose part the admin's server plays. */
function picturePath(shop: ShopStore): string {
  return `/s/files/1/${shop.id}/products`;
}

/** Answers for the shops' pictures, which are drawn when they are asked for. */
function productPictures(shops: readonly ShopStore[]): NonNullable<AdminOptions["files"]> {
  return (request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const shop = shops.find((one) => path.startsWith(`${picturePath(one)}/`));
    const id = /\/(\d+)\.svg$/.exec(path)?.[1];
    const picture = shop && id !== undefined ? productImage(shop, id) : undefined;
    if (picture === undefined) return false;
    response.writeHead(200, {
      "content-type": "image/svg+xml",
      "cache-control": "public, max-age=31536000",
    });
    response.end(picture);
    return true;
  };
}

/** The release step, in a process of its own as in a deployment. */
async function migrate(env: Record<string, string>): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, ["app/migrate.ts"], {
      cwd: root,
      env: { ...process.env, ...env },
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`The database could not be migrated.\n${stderr ?? ""}`, { cause: error });
  }
}
