import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import {
  chromium,
  devices,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
} from "playwright-core";

/** How a browser is started. */
export interface BrowserOptions {
  /** A window or none. The Chromium that comes from npm is built without windows. Default: true. */
  headless?: boolean;
  /**
   * Names that the browser resolves elsewhere, as `"admin.shopify.com:443" → "127.0.0.1:4443"`. Certificates
   * are not checked when this is set, since nobody here can have a certificate of those names.
   */
  hostRules?: Readonly<Record<string, string>>;
}

/** No browser could be had; the message says what the reader can do about it. */
export class BrowserUnavailable extends Error {
  override readonly name = "BrowserUnavailable";
}

/**
 * Starts Chromium: the one named by the environment variable CHROMIUM_PATH if it is set, else the one that
 * came with `npm ci` (Linux x64), else an installed Google Chrome.
 *
 * @throws {BrowserUnavailable} where none of the three is there.
 */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch(await launchOptions(options));
}

/** Like {@link launchBrowser}, with a profile that outlives the browser (service workers, IndexedDB). */
export async function launchProfile(
  userDataDir: string,
  options: BrowserOptions & { context?: BrowserContextOptions } = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(userDataDir, {
    ...(await launchOptions(options)),
    ...options.context,
  });
}

/**
 * A desktop and a phone as merchants have them. The user agents are those of ordinary browsers: the app's
 * library answers 410 to one that says "HeadlessChrome".
 */
export const screens = {
  desktop: {
    userAgent:
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36",
    viewport: { width: 1280, height: 860 },
    locale: "en-US",
  },
  phone: {
    ...pick(devices["Pixel 7"], "userAgent", "isMobile", "hasTouch", "deviceScaleFactor"),
    viewport: { width: 390, height: 844 },
    locale: "en-US",
  },
} satisfies Record<string, BrowserContextOptions>;

async function launchOptions({ headless = true, hostRules }: BrowserOptions) {
  const rules = Object.entries(hostRules ?? {}).map(([name, target]) => `MAP ${name} ${target}`);
  const args = [
    // Containers and root have no user namespaces to build Chromium's own sandbox from.
    "--no-sandbox",
    // Playwright's list of disabled features breaks sessionStorage in frames of another site; this replaces it.
    "--disable-features=Translate,MediaRouter,HttpsUpgrades",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--font-render-hinting=none",
    ...(rules.length > 0
      ? [`--host-resolver-rules=${rules.join(",")}`, "--ignore-certificate-errors"]
      : []),
  ];
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH !== undefined && CHROMIUM_PATH !== "") {
    if (!existsSync(CHROMIUM_PATH)) {
      throw new BrowserUnavailable(
        `CHROMIUM_PATH says ${CHROMIUM_PATH}, but there is no such file.`,
      );
    }
    return { executablePath: CHROMIUM_PATH, headless, args };
  }
  if (process.platform === "linux" && process.arch === "x64" && headless) {
    const unpacked = await unpackedChromium();
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    return {
      executablePath: join(unpacked, "chromium"),
      headless,
      args,
      env: {
        ...env,
        // Its own NSS and expat, so that nothing need be installed beside it.
        LD_LIBRARY_PATH: [join(unpacked, "al2023", "lib"), env.LD_LIBRARY_PATH]
          .filter(Boolean)
          .join(":"),
        FONTCONFIG_FILE: join(unpacked, "fonts.conf"),
      },
    };
  }
  try {
    await chromium.launch({ channel: "chrome", headless: true }).then((b) => b.close());
  } catch {
    throw new BrowserUnavailable(
      "There is no browser to start: Chromium comes with npm on Linux x64 only. Install Google Chrome, or set CHROMIUM_PATH to a Chromium's executable.",
    );
  }
  return { channel: "chrome", headless, args };
}

/**
 * The directory with the unpacked Chromium, made at the first call. Any number of processes may ask at once:
 * each unpacks into a directory of its own, and the first rename wins.
 */
async function unpackedChromium(): Promise<string> {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("@sparticuz/chromium");
  const packageDir = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(packageDir, "package.json"), "utf8")) as {
    version: string;
  };
  const cacheDir = await writableCacheDir();
  const target = join(cacheDir, `chromium-${version}`);
  if (existsSync(join(target, "fonts.conf"))) return target;

  const staging = await mkdtemp(join(cacheDir, `chromium-${version}-`));
  try {
    // The package unpacks into TMPDIR, and its libraries only where it believes to be on Amazon's Linux. A
    // process of its own keeps both beliefs out of this one.
    await promisify(execFile)(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `await (await import(${JSON.stringify(pathToFileURL(entry).href)})).default.executablePath()`,
      ],
      { env: { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" } },
    );
    await writeFile(join(staging, "fonts.conf"), fontconfig(target));
    await rename(staging, target).catch((error: unknown) => {
      if (!existsSync(join(target, "fonts.conf"))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return target;
}

/** Beside the packages, where tools keep what they derive from them; the temp dir if that is read-only. */
async function writableCacheDir(): Promise<string> {
  const beside = fileURLToPath(new URL("../../node_modules/.cache/evenkeel", import.meta.url));
  try {
    await mkdir(beside, { recursive: true });
    return beside;
  } catch {
    const own = join(tmpdir(), `evenkeel-${process.getuid?.() ?? "user"}`);
    await mkdir(own, { recursive: true, mode: 0o700 });
    return own;
  }
}

/** Open Sans comes with the package; what the machine has serves the scripts that Open Sans lacks. */
function fontconfig(chromiumDir: string): string {
  const alias = (family: string) =>
    `  <alias binding="same"><family>${family}</family><prefer><family>Open Sans</family></prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${chromiumDir}/fonts/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <cachedir>${chromiumDir}/fontconfig-cache</cachedir>
${["Inter", "sans-serif", "system-ui"].map(alias).join("\n")}
</fontconfig>
`;
}

function pick<T extends object, K extends keyof T>(from: T | undefined, ...keys: K[]): Pick<T, K> {
  if (from === undefined) throw new Error("This release of playwright-core lacks the device.");
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}
