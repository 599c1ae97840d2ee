import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureBuild } from "../sandbox/build.ts";
import { freePort } from "../sandbox/postgres/ports.ts";

// Each starts the whole demo.
vi.setConfig({ testTimeout: 240_000 });

const program = fileURLToPath(new URL("../sandbox/demo.ts", import.meta.url));
const started: ChildProcess[] = [];
let temporary: string;

beforeAll(() => ensureBuild());

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "evenkeel-demo-test-"));
  // Postgres may run as another user than we do.
  await chmod(temporary, 0o755);
});

afterEach(async () => {
  for (const demo of started.splice(0)) {
    if (demo.exitCode !== null || demo.signalCode !== null) continue;
    demo.kill("SIGKILL");
    await once(demo, "exit");
  }
  await rm(temporary, { recursive: true, force: true });
});

function demo(...args: string[]) {
  const child = spawn(process.execPath, [program, "--orders", "20", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    // It takes other ports than ours, of which one is meant for it.
    env: { ...process.env, TMPDIR: temporary, VITEST_POOL_ID: undefined },
  });
  started.push(child);
  let printed = "";
  const opened = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        printed += `${line}\n`;
        const address = /Open (http:\S+)/.exec(line)?.[1];
        if (address) resolve(address);
      });
    }
  });
  // Once its output has been read to the end as well.
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, opened, ended, printed: () => printed };
}

/** All that was started by a process, however deep. */
async function descendantsOf(parent: number): Promise<number[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const id of ids) {
    const stat = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
    parents.set(id, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const below = (id: number): number[] =>
    ids.filter((other) => parents.get(other) === id).flatMap((child) => [child, ...below(child)]);
  return below(parent);
}

/** Those of the processes that still run; one that has ended and only waits to be counted does not. */
async function running(ids: readonly number[]): Promise<number[]> {
  const stats = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/stat`, "utf8").catch(() => "")),
  );
  return ids.filter((_, index) => {
    const stat = stats[index] ?? "";
    return stat !== "" && stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  });
}

const answers = (url: string) =>
  fetch(url, { redirect: "manual" }).then(
    ({ status }) => status,
    () => null,
  );

/** No process, no port and no file: as if it had never been started. */
async function expectNothingLeft(processes: readonly number[], port: number): Promise<void> {
  // Postgres needs a moment after it was told, and the files go last.
  await expect.poll(() => running(processes)).toEqual([]);
  await expect.poll(() => readdir(temporary)).toEqual([]);
  for (const next of [0, 1, 2, 3]) {
    expect(await answers(`http://localhost:${port + next}`)).toBeNull();
  }
}

test("the demo prints one address, and says what is in the way of a second", async () => {
  const port = await freePort();
  const first = demo("--port", String(port));
  const address = await first.opened;
  expect(address).toBe(`http://localhost:${port}`);
  expect(first.printed().match(/http:\/\//g)).toHaveLength(1);
  expect(await answers(address)).toBe(302);

  const second = demo("--port", String(port));
  expect(await second.ended).toBe(1);
  expect(second.printed()).toContain(
    `A sandbox is running already, at http://localhost:${port} (process ${first.child.pid}).`,
  );
  expect(await answers(address)).toBe(302);
});

test("the demo runs from a copy of its own, so that the project can be built again meanwhile", async () => {
  const port = await freePort();
  const { child, opened } = demo("--port", String(port));
  await opened;
  const page = await (await fetch(`http://localhost:${port + 1}/auth/login`)).text();
  const [asset] = /\/assets\/[\w.-]+\.js/.exec(page)!;
  const files = await readdir(temporary, { recursive: true });
  const own = files.filter((file) => file.endsWith(`build/client${asset}`));
  expect(own).toHaveLength(1);
  const commands = await Promise.all(
    (await descendantsOf(child.pid!)).map((id) =>
      readFile(`/proc/${id}/cmdline`, "utf8").catch(() => ""),
    ),
  );
  const program = join(temporary, own[0]!, "../../../../app/start.ts");
  expect(commands.some((command) => command.split("\0").includes(program))).toBe(true);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "the demo ends in order at %s and leaves nothing behind",
  async (signal) => {
    const port = await freePort();
    const run = demo("--port", String(port));
    await run.opened;
    const processes = await descendantsOf(run.child.pid ?? 0);
    expect(processes.length).toBeGreaterThan(10);
    expect(await readdir(temporary)).not.toEqual([]);
    // A terminal that is closed takes with it where the demo prints.
    if (signal === "SIGHUP")
      for (const pipe of [run.child.stdout, run.child.stderr]) pipe.destroy();
    const ended = once(run.child, "exit");
    run.child.kill(signal);
    expect(await ended).toEqual([0, null]);
    await expectNothingLeft(processes, port);
  },
);

test("the demo leaves nothing behind when it is killed", async () => {
  const port = await freePort();
  const run = demo("--port", String(port));
  await run.opened;
  const processes = await descendantsOf(run.child.pid ?? 0);
  run.child.kill("SIGKILL");
  await run.ended;
  await expectNothingLeft(processes, port);
});

test.each([
  [["--port", "80"], '--port must be a whole number from 1024 to 65,000, not "80".'],
  [["--port", "many"], '--port must be a whole number from 1024 to 65,000, not "many".'],
  [["--orders", "0"], '--orders must be a whole number from 1 to 1,000,000, not "0".'],
  [["--colour"], "Unknown option '--colour'"],
])("the demo says what is wrong with %j", async (args, words) => {
  const run = demo(...args);
  expect(await run.ended).toBe(1);
  expect(run.printed()).toContain(words);
});
