import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { changeOf, type Change } from "../database/perform.ts";
import type { Logger } from "../observability/logger.server.ts";
import { madeLate, type AnyDurableDefinition } from "./durable-definition.ts";

/** A write that somebody was told is kept, and whose turn has come. */
export interface KeptWrite {
  readonly shop: string;
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly acknowledgedAt: Date;
  /** See `madeLate`. */
  readonly how: "later" | "again";
}

/** What became of it: done, to be tried again with those after it, or waiting for a person. */
export type Outcome = "done" | "later" | "never";

/** What somebody waits for goes first. */
const OPTIONS = { deadlineMs: 5_000, urgency: "later" } as const;

/** Makes kept writes by their ids: once more changes nothing where one has been made. */
export class WriteMaker {
  readonly #cluster: Cluster;
  readonly #definitions: ReadonlyMap<string, AnyDurableDefinition>;
  readonly #logger: Logger;
  readonly #stopped: AbortSignal;

  /** @param definitions - By name; more may come while it is in use. */
  constructor(
    cluster: Cluster,
    definitions: ReadonlyMap<string, AnyDurableDefinition>,
    logger: Logger,
    stopped: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#definitions = definitions;
    this.#logger = logger;
    this.#stopped = stopped;
  }

  /**
   * Makes writes of one shop by their ids, in their order: in one transaction, which costs one commit, and where
   * that fails one by one, so that each has an outcome of its own.
   *
   * @returns An outcome for each, up to the first that has to be tried again.
   */
  async makeInOrder(shop: string, writes: readonly KeptWrite[]): Promise<Outcome[]> {
    const changes = writes.map((write) => this.#changeOf(write));
    if (changes.length > 1 && changes.every((change) => change !== null)) {
      try {
        await this.#cluster.writeAll(shop, changes, OPTIONS);
        return writes.map(() => "done");
      } catch (error) {
        if (isAway(error)) return ["later"];
        // Which of them it was is found out one by one.
      }
    }
    const outcomes: Outcome[] = [];
    for (const [index, change] of changes.entries()) {
      if (this.#stopped.aborted) break;
      const outcome = change === null ? "never" : await this.#makeOne(shop, change);
      outcomes[index] = outcome;
      if (outcome === "later") break;
    }
    return outcomes;
  }

  /** Makes a write by its id: once more changes nothing where it has been made. */
  async #makeOne(shop: string, change: Change): Promise<Outcome> {
    try {
      await this.#cluster.writeAll(shop, [change], OPTIONS);
      return "done";
    } catch (error) {
      if (canWait(error)) return "later";
      const { operationId } = change;
      this.#logger.error(
        { err: error, shop, operation: operationId },
        "a kept write cannot be done",
      );
      return "never";
    }
  }

  /** @returns Null where nobody can make it: its definition is gone, or takes something else by now. */
  #changeOf({ id, name, input, acknowledgedAt, how, shop }: KeptWrite): Change | null {
    const definition = this.#definitions.get(name);
    if (!definition) return null;
    try {
      return changeOf(id, madeLate(definition, how, acknowledgedAt), input);
    } catch (error) {
      this.#logger.error({ err: error, shop, operation: id }, "a kept write cannot be done");
      return null;
    }
  }
}

/** Whether the database is to blame, and nothing that one of several writes did. */
function isAway(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === "notExecuted";
}

/** Whether a failure is the database's for now, and not the write's own. */
export function canWait(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.kind !== "permanent";
}
