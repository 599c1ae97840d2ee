import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createWriteStream, readFileSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** `ready` and `not-ready` are what `/readyz` says; `starting` until it has said 200 for the first time. */
export type AppState = "down" | "starting" | "ready" | "not-ready";

export interface AppProcessOptions {
  /** Path of the program, from the project's folder where it is relative: `app/start.ts`. */
  program: string;
  /** Where it will listen; its environment must say the same. */
  port: number;
  /** Asked for at each start. */
  env: () => Readonly<Record<string, string>>;
  /** Everything that it prints; none when absent. */
  logFile?: string;
  /** Removed with the app when we are killed and can clean up nothing ourselves. */
  scratchDir?: string;
}

/** The app ended, or did not get ready in time; the message holds the end of what it printed. */
export class AppStartError extends Error {
  override readonly name = "AppStartError";
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const LINES_KEPT = 500;
const START_TIMEOUT_MS = 60_000;
/** An orderly stop may take this long before it is cut short. */
const STOP_TIMEOUT_MS = 10_000;
const READINESS_INTERVAL_MS = 500;

/**
 * The app must not outlive the sandbox, not even one that is killed with -9. So a shell stands between them and
 * holds the other end of a pipe from us: when we end, however that happens, the kernel closes the pipe and the
 * shell kills the app and removes our temporary directory. The shell says the app's process id on file descriptor 3 and passes its exit status on.
 */
const LIFELINE = `
dir=$1
shift
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
app=$!
echo $app >&3
exec 3>&-
( read -r _ <&4; trap '' TERM; kill -CONT $app 2>/dev/null; kill -KILL $app 2>/dev/null; [ -z "$dir" ] || rm -rf "$dir" ) >/dev/null 2>&1 &
watcher=$!
wait $app
status=$?
kill $watcher 2>/dev/null
exit $status
`;

/** One process of the app at a time, under one address: started, stopped, killed and started again. */
export class AppProcess implements AsyncDisposable {
  readonly url: string;
  /** Emits `state` when it changes and `line` for each line that the app prints. */
  readonly events = new EventEmitter<{ state: [AppState]; line: [string] }>();
  readonly #options: AppProcessOptions;
  readonly #lines: string[] = [];
  #log: WriteStream | undefined;
  #running: { shell: ChildProcess; pid: number; exited: Promise<number | null> } | undefined;
  #state: AppState = "down";
  #since = new Date();
  #starts = 0;
  #peakRssMb = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: AppProcessOptions) {
    this.#options = options;
    this.url = `http://localhost:${options.port}`;
  }

  get state(): AppState {
    return this.#state;
  }

  /** When the state began. */
  get since(): Date {
    return this.#since;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Whether it was ever started; a sandbox may do without. */
  get everStarted(): boolean {
    return this.#starts > 0;
  }

  /** How often it was started beyond the first time. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /** The last lines that it printed, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Resident memory in MB; undefined while it is down. */
  get rssMb(): number | undefined {
    return this.#memory("VmRSS");
  }

  /** The most resident memory that any of its processes has had so far, in MB. */
  get peakRssMb(): number {
    this.#peakRssMb = Math.max(this.#peakRssMb, this.#memory("VmHWM") ?? 0);
    return this.#peakRssMb;
  }

  /**
   * Starts it and comes back when `/readyz` has answered 200.
   *
   * @throws {AppStartError} when it ends before that, or takes longer than a minute.
   */
  async start(): Promise<void> {
    if (this.#running) return;
    const { program, env, logFile, scratchDir = "" } = this.#options;
    if (logFile !== undefined) this.#log ??= createWriteStream(logFile, { flags: "a" });
    this.#starts += 1;
    this.#setState("starting");
    const shell = spawn(
      "/bin/sh",
      ["-c", LIFELINE, "sh", scratchDir, process.execPath, ...nodeOptions(), program],
      {
        cwd: root,
        env: { NODE_ENV: "production", ...plainEnvironment(), ...env() },
        stdio: ["pipe", "pipe", "pipe", "pipe"],
        // Ctrl-C in the terminal is ours to pass on, in order.
        detached: true,
      },
    );
    // A write to a shell that has gone is no news.
    shell.stdin.on("error", () => undefined);
    for (const stream of [shell.stdout, shell.stderr]) {
      if (stream) createInterface({ input: stream }).on("line", (line) => this.#heard(line));
    }
    const exited = once(shell, "exit").then(([code]) => code as number | null);
    const pid = await firstLine(shell.stdio[3] as Readable).then(Number);
    const running = { shell, pid, exited };
    this.#running = running;
    void exited.then(() => {
      if (this.#running !== running) return;
      this.#running = undefined;
      clearInterval(this.#watch);
      this.#setState("down");
    });
    await this.#untilReady(exited);
    this.#watch = setInterval(() => void this.#lookAtReadiness(), READINESS_INTERVAL_MS);
  }

  /** SIGTERM, and SIGKILL when it takes too long; comes back when the process has gone. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    // Read before it goes: the peak is lost with the process.
    void this.peakRssMb;
    signal(running.pid, "SIGTERM");
    const late = setTimeout(() => signal(running.pid, "SIGKILL"), STOP_TIMEOUT_MS);
    await running.exited;
    clearTimeout(late);
  }

  /** SIGKILL: what a lost machine or the out-of-memory killer does. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    void this.peakRssMb;
    signal(running.pid, "SIGKILL");
    await running.exited;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#log?.end();
  }

  async #untilReady(exited: Promise<number | null>): Promise<void> {
    const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
    let ended = false;
    void exited.then(() => (ended = true));
    while (!(await this.#isReady())) {
      if (ended || deadline.aborted) {
        await this.kill();
        const why = ended ? "ended before it was ready" : "was not ready within a minute";
        const lines = this.#lines.slice(-15).map((line) => `  ${line}`);
        throw new AppStartError([`The app ${why}. Its last words:`, ...lines].join("\n"));
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#setState("ready");
  }

  async #lookAtReadiness(): Promise<void> {
    const ready = await this.#isReady();
    if (this.#running && this.#state !== "starting") this.#setState(ready ? "ready" : "not-ready");
  }

  async #isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2000) });
      await response.body?.cancel();
      return response.status === 200;
    } catch {
      return false;
    }
  }

  #setState(state: AppState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = new Date();
    this.events.emit("state", state);
  }

  #heard(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    this.#log?.write(`${line}\n`);
    this.events.emit("line", line);
  }

  #memory(field: "VmRSS" | "VmHWM"): number | undefined {
    if (this.pid === undefined) return undefined;
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
      return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
    } catch {
      return undefined;
    }
  }
}

/** Those with which `npm start` runs the released app: its memory is bounded there. */
function nodeOptions(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: { start: string };
  };
  return scripts.start.split(/\s+/).filter((word) => word.startsWith("--"));
}

/** What any program needs of our environment; nothing that could configure the app behind the sandbox's back. */
function plainEnvironment(): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "USER"];
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new AppStartError("The app's shell did not start.");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
