import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { giveTo, type Account } from "./account.ts";
import { spawnDirectoryWatch } from "./lifeline.ts";

/** The directory that holds the nodes of a server or a pair, and that goes with them. */
export class BaseDirectory {
  readonly path: string;
  readonly #watch: ChildProcess;

  private constructor(directory: string, watch: ChildProcess) {
    this.path = directory;
    this.#watch = watch;
  }

  /**
   * Makes a temporary directory, or takes `dir`, that the account can work in.
   * @throws Error when `dir` holds anything: it is removed at the end, with everything in it.
   */
  static async make(account: Account, dir?: string): Promise<BaseDirectory> {
    if (dir !== undefined) {
      await mkdir(dir, { recursive: true });
      if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty.`);
    }
    const directory = path.resolve(
      dir ?? (await mkdtemp(path.join(tmpdir(), "evenkeel-postgres-"))),
    );
    await chmod(directory, 0o700);
    await giveTo(account, directory);
    return new BaseDirectory(directory, spawnDirectoryWatch(directory));
  }

  /** Removes it; its nodes have ended. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    if (this.#watch.exitCode !== null || this.#watch.signalCode !== null) return;
    const ended = once(this.#watch, "exit");
    this.#watch.kill("SIGKILL");
    await ended;
  }
}
