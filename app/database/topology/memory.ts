import { open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Logger } from "../../observability/logger.server.ts";
import type { TopologyMonitor } from "./monitor.ts";
import type { Remembered } from "./states.ts";

export const MEMORY_FILE = "topology.json";

const remembered = z.object({
  systemIdentifier: z.string().min(1),
  timeline: z.number().int().nonnegative(),
});

export interface TopologyMemoryOptions {
  /** On a disk that outlives the process, and used by no other. */
  readonly directory: string;
  readonly logger: Logger;
}

/**
 * The highest timeline that was ever followed, kept over restarts: a process that starts when only an old primary can
 * be reached would take it for the writer, and what it wrote there nobody would ever see. Deleting the file is an
 * operator's word that another cluster, or an earlier state of this one, is the database from now on.
 *
 * Writing is not waited for, so that a disk never holds a failover up; a process that ends within the few milliseconds
 * it takes knows what it knew before.
 */
export class TopologyMemory {
  /** What an earlier process knew; null where none has, or what it left cannot be read. */
  readonly recalled: Remembered | null;
  readonly #options: TopologyMemoryOptions;
  #next: Remembered | null = null;
  #writing: Promise<void> | null = null;

  private constructor(options: TopologyMemoryOptions, recalled: Remembered | null) {
    this.#options = options;
    this.recalled = recalled;
  }

  /** Reads what an earlier process left. Never fails: a file that cannot be read is reported, and replaced in time. */
  static async open(options: TopologyMemoryOptions): Promise<TopologyMemory> {
    try {
      const text = await readFile(path.join(options.directory, MEMORY_FILE), "utf8");
      return new TopologyMemory(options, remembered.parse(JSON.parse(text)));
    } catch (error) {
      const { code = "INVALID" } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") {
        options.logger.warn(
          { file: MEMORY_FILE, code },
          "what was remembered of the database's timeline cannot be read, and is ignored",
        );
      }
      return new TopologyMemory(options, null);
    }
  }

  /** Keeps what the monitor finds out from now on. */
  follow(monitor: TopologyMonitor): void {
    monitor.events.on("remembered", (news) => {
      this.#next = news;
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
    });
  }

  /** Resolves when all is written that is to be. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#next) {
      const news = this.#next;
      this.#next = null;
      try {
        await this.#write(news);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        this.#options.logger.error({ code }, "the database's timeline could not be remembered");
      }
    }
  }

  /** Whatever it is cut off by, the file is the old one or the new one, whole. */
  async #write(news: Remembered): Promise<void> {
    const { directory } = this.#options;
    const file = path.join(directory, MEMORY_FILE);
    const draft = `${file}.new`;
    await synced(draft, "w", (handle) => handle.writeFile(JSON.stringify(news)));
    await rename(draft, file);
    await synced(directory, "r");
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

async function synced(
  file: string,
  flags: string,
  work: (handle: Handle) => Promise<void> = async () => {},
): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
