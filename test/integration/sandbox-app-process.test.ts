import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppProcess, AppStartError } from "../sandbox/app-process.ts";
import { freePort } from "../sandbox/postgres/ports.ts";

let dir: string;
let program: string;

/** Ready once it listens; says how it was ended. */
const source = `
import { createServer } from "node:http";
if (process.env.BROKEN) throw new Error("cannot be started");
createServer((_, response) => response.end()).listen(Number(process.env.PORT), () => console.log("listening"));
process.on("SIGTERM", () => { console.log("ending in order"); process.exit(0); });
`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "evenkeel-test-"));
  program = join(dir, "program.mjs");
  await writeFile(program, source);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

async function appOn(env: Record<string, string> = {}) {
  const port = await freePort();
  const logFile = join(dir, `${port}.log`);
  const app = new AppProcess({
    program,
    port,
    env: () => ({ PORT: String(port), ...env }),
    logFile,
  });
  return { app, logFile };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("an app is ready when its readiness says so, and stops in order", async () => {
  const { app, logFile } = await appOn();
  const states: string[] = [];
  app.events.on("state", (state) => states.push(state));
  await app.start();
  expect(app.state).toBe("ready");
  expect(app.rssMb).toBeGreaterThan(10);
  expect(app.peakRssMb).toBeGreaterThanOrEqual(app.rssMb ?? 0);
  await app.stop();
  expect(states).toEqual(["starting", "ready", "down"]);
  expect(app.lines).toEqual(["listening", "ending in order"]);
  await app[Symbol.asyncDispose]();
  await expect.poll(() => readFile(logFile, "utf8")).toBe("listening\nending in order\n");
});

test("an app that was killed comes back under the same address", async () => {
  const { app } = await appOn();
  await app.start();
  const first = app.pid;
  await app.kill();
  expect(app.state).toBe("down");
  expect(app.lines).not.toContain("ending in order");
  await app.start();
  expect(app.pid).not.toBe(first);
  expect(app.restarts).toBe(1);
  expect((await fetch(app.url)).status).toBe(200);
  await app.stop();
});

test("an app that cannot start says why, in its own words", async () => {
  const { app } = await appOn({ BROKEN: "1" });
  const failure = await app.start().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AppStartError);
  expect((failure as AppStartError).message).toContain("cannot be started");
  expect(app.state).toBe("down");
});

test("an app does not outlive a sandbox that is killed", async () => {
  const port = await freePort();
  const module = new URL("../sandbox/app-process.ts", import.meta.url).href;
  const owner = join(dir, "owner.ts");
  await writeFile(
    owner,
    `import { AppProcess } from ${JSON.stringify(module)};
     const app = new AppProcess({ program: ${JSON.stringify(program)}, port: ${port}, env: () => ({ PORT: "${port}" }) });
     await app.start();
     console.log(app.pid);`,
  );
  const sandbox = spawn(process.execPath, [owner], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: sandbox.stdout }), "line")) as [string];
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  sandbox.kill("SIGKILL");
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});
