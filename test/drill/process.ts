import { fork, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createWriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Order } from "./messages.ts";

/** A process of the drill, as its parent sees it. `Message` is what it says; `end` is the last of it. */
export class DrillProcess<
  Config,
  Message extends { readonly type: string },
> implements AsyncDisposable {
  readonly events = new EventEmitter<{ message: [Message] }>();
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ended: Promise<Extract<Message, { type: "end" }>>;

  /**
   * Starts `program` (a file beside this one).
   *
   * @param config - What it works with; null lets it wait, loaded, until it is told by {@link begin}.
   * @param logFile - Where what it prints goes.
   * @param environment - Added to ours.
   */
  constructor(
    program: string,
    config: Config | null,
    logFile: string,
    environment: Readonly<Record<string, string>> = {},
  ) {
    const child = fork(fileURLToPath(new URL(program, import.meta.url)), {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [],
      env: { ...process.env, ...environment },
    });
    const log = createWriteStream(logFile, { flags: "a" });
    let lastWords = "";
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false });
    child.stderr?.on(
      "data",
      (chunk: Buffer) => (lastWords = `${lastWords}${chunk.toString()}`.slice(-2_000)),
    );
    this.#child = child;
    this.#exited = once(child, "exit").finally(() => log.end());
    this.#ended = new Promise((resolve, reject) => {
      child.on("message", (message: Message) => {
        this.events.emit("message", message);
        if (message.type === "end") resolve(message as Extract<Message, { type: "end" }>);
      });
      void this.#exited.then(() => {
        reject(new Error(`${program} ended before it had said what it saw.\n${lastWords}`));
      });
    });
    // Whoever waits for it hears of it; until then it is not an unhandled rejection.
    this.#ended.catch(() => undefined);
    if (config !== null) this.begin(config);
  }

  /** Lets it do its work. */
  begin(config: Config): void {
    this.#tell({ type: "start", config });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Its last message. */
  get ended(): Promise<Extract<Message, { type: "end" }>> {
    return this.#ended;
  }

  /** Asks it to come to its end, and waits for it. */
  async stop(): Promise<Extract<Message, { type: "end" }>> {
    this.#tell({ type: "stop" });
    const end = await this.#ended;
    await this[Symbol.asyncDispose]();
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGKILL");
      await this.#exited;
    }
  }

  #tell(order: Order<Config>): void {
    if (this.#child.connected) this.#child.send(order);
  }
}

/** In the process itself: does its work when it is told to start, and ends with its parent. */
export function serveParent<Config, Message>(
  work: (
    config: Config,
    parent: { send: (message: Message) => void; stopped: () => boolean },
  ) => Promise<void>,
): void {
  let stopped = false;
  process.on("disconnect", () => process.exit());
  process.on("message", (order: Order<Config>) => {
    if (order.type === "stop") {
      stopped = true;
      return;
    }
    void work(order.config, {
      send: (message) => process.send?.(message),
      stopped: () => stopped,
    }).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
}
