import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { OperationMismatchError } from "../database/errors.ts";
import type { Job, Jobs } from "../jobs/jobs.server.ts";
import type { Logger } from "../observability/logger.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { ShopifyError } from "../shopify/errors.ts";
import { readAgain, type Findings } from "../sync/rereads.server.ts";
import {
  claimNext,
  InvalidCommandError,
  noteSending,
  overrideCommand,
  putBackCommand,
  settleCommand,
  submitCommand,
  type Claim,
} from "./journey.server.ts";
import { definitions } from "./kinds.server.ts";
import { fieldOf } from "./problem-fields.ts";
import { sendingNotes, type ChangedResource, type Outcome } from "./sending.ts";
import { commandKinds, type CommandKind, type SubmitRequest, type SubmitResult } from "./types.ts";
import { hindrance, internal, unanswered, type Obstacle } from "./words.ts";

/** The outbox: what merchants ask for, on its way to Shopify. */
export interface Commands {
  /**
   * Takes a change on. It is durable once this resolves with `accepted`; asking again with the same id, for
   * the same change, is harmless and answers as the first time.
   *
   * @throws DatabaseError when it could not be kept; asking again with the same id is safe.
   */
  submit(shop: string, request: SubmitRequest): Promise<SubmitResult>;
  /** Gives a change up that is not being sent. @returns Whether it was there to be given up. */
  discard(shop: string, operationId: string, by: string | null): Promise<boolean>;
  /** Sends a change again that needed a person. @returns Whether there was one. */
  sendAgain(shop: string, operationId: string, by: string | null): Promise<boolean>;
}

export interface CommandsOptions {
  readonly cluster: Cluster;
  readonly jobs: Jobs;
  readonly admin: (shop: string) => AdminClient;
  readonly logger: Logger;
  /**
   * How long Shopify may take to apply a change whose answer was lost: until then a read-back that does not
   * find it proves nothing. Default 60 s.
   */
  readonly settleMs?: number;
  /** How long a failing command waits before it is tried again the first time; doubles. Default 1 s. */
  readonly retryDelaySeconds?: number;
}

export const COMMANDS_QUEUE = "commands.send";

const SETTLE_MS = 60_000;
/** What has waited for longer is a person's to decide. */
const GIVE_UP_AFTER_MS = 6 * 24 * 3_600_000;
/** Enough for six days at the longest delay; age decides before. */
const RETRY_LIMIT = 5_000;
const CONCURRENCY = 4;

const work = z.object({ shop: z.string(), resource: z.string(), commandId: z.uuid() });

/** Makes the outbox and declares its queue; to be called before the jobs are started. */
export function createCommands(options: CommandsOptions): Commands {
  return new Outbox(options);
}

class Outbox implements Commands {
  readonly #cluster: Cluster;
  readonly #jobs: Jobs;
  readonly #admin: (shop: string) => AdminClient;
  readonly #logger: Logger;
  readonly #settleMs: number;
  readonly #submit: ReturnType<typeof submitCommand>;
  readonly #override: ReturnType<typeof overrideCommand>;

  constructor({ cluster, jobs, admin, logger, settleMs, retryDelaySeconds }: CommandsOptions) {
    this.#cluster = cluster;
    this.#jobs = jobs;
    this.#admin = admin;
    this.#logger = logger;
    this.#settleMs = settleMs ?? SETTLE_MS;
    const enqueue = (tx: ShopDatabase, shop: string, resource: string, commandId: string) =>
      this.#enqueue(tx, { shop, resource, commandId });
    this.#submit = submitCommand(enqueue);
    this.#override = overrideCommand(enqueue);
    jobs.register(COMMANDS_QUEUE, work, (data, job) => this.#work(data, job), {
      // One resource's commands go one after the other, also while one of them has to be tried again.
      policy: "key_strict_fifo",
      concurrency: CONCURRENCY,
      retryLimit: RETRY_LIMIT,
      retryDelaySeconds: retryDelaySeconds ?? 1,
      retryDelayMaxSeconds: 300,
      expireSeconds: 600,
    });
  }

  async submit(shop: string, request: SubmitRequest): Promise<SubmitResult> {
    const { operationId, requestedBy } = request;
    if (!z.uuid().safeParse(operationId).success) {
      return invalid("This form is broken. Load the page again.");
    }
    const kind = commandKinds.find((one) => one === request.kind);
    if (!kind) return invalid("Evenkeel does not know this kind of change.");
    const parsed = definitions[kind].schema.safeParse(request.input);
    if (!parsed.success) {
      return {
        kind: "invalid",
        problems: parsed.error.issues.map(({ path, message }) => ({
          field: fieldOf(path, request.input),
          message,
        })),
      };
    }
    try {
      const input = { commandId: operationId, kind, input: parsed.data, requestedBy };
      const change = await this.#cluster.write(shop, operationId, this.#submit, input);
      return {
        kind: "accepted",
        change: {
          ...change,
          acceptedAt: new Date(change.acceptedAt),
          settledAt: change.settledAt === null ? null : new Date(change.settledAt),
        },
      };
    } catch (error) {
      if (error instanceof InvalidCommandError) {
        return { kind: "invalid", problems: error.problems };
      }
      if (error instanceof OperationMismatchError) {
        return invalid("This form was sent before with other entries. Load the page again.");
      }
      throw error;
    }
  }

  async discard(shop: string, operationId: string, by: string | null): Promise<boolean> {
    return this.#decide(shop, operationId, "discard", by);
  }

  async sendAgain(shop: string, operationId: string, by: string | null): Promise<boolean> {
    return this.#decide(shop, operationId, "sendAgain", by);
  }

  async #decide(
    shop: string,
    commandId: string,
    action: "discard" | "sendAgain",
    by: string | null,
  ): Promise<boolean> {
    if (!z.uuid().safeParse(commandId).success) return false;
    const { changed } = await this.#cluster.write(
      shop,
      `command.override:${randomUUID()}`,
      this.#override,
      { commandId, action, by },
    );
    return changed;
  }

  async #enqueue(tx: ShopDatabase, data: z.infer<typeof work>): Promise<void> {
    await this.#jobs.enqueue(COMMANDS_QUEUE, data, {
      singletonKey: `${data.shop}/${data.resource}`,
      tx,
    });
  }

  /** Sends everything of a resource that is due, up to the command of this job. */
  async #work({ shop, resource, commandId }: z.infer<typeof work>, job: Job): Promise<void> {
    for (;;) {
      job.signal.throwIfAborted();
      const { claim } = await this.#cluster.write(
        shop,
        `command.claim:${randomUUID()}`,
        claimNext,
        { resource, upTo: commandId },
      );
      if (!claim) return;
      await this.#attempt(shop, claim, job);
    }
  }

  async #attempt(shop: string, claim: Claim, job: Job): Promise<void> {
    const startedAt = performance.now();
    const admin = this.#admin(shop);
    const outcome = await this.#send(admin, claim, job);
    const step = { commandId: claim.commandId, attempt: claim.attempt };
    const log = { shop, command: claim.commandId, kind: claim.kind, attempt: claim.attempt };
    const durationMs = Math.round(performance.now() - startedAt);
    switch (outcome.kind) {
      case "done": {
        const { created, reread } = outcome;
        const findings = await this.#readBack(admin, reread, job.signal);
        await this.#cluster.write(shop, `command.settle:${randomUUID()}`, settleCommand, {
          ...step,
          created,
          findings,
          reread,
        });
        this.#logger.info({ ...log, durationMs }, "command done");
        return;
      }
      case "refused":
        await this.#putBack(shop, step, "failed", outcome.obstacle, {
          keySpent: outcome.keySpent ?? false,
        });
        this.#logger.warn({ ...log, code: outcome.obstacle.code }, "command refused");
        return;
      case "wait": {
        const { uncertain } = outcome;
        const tooOld = Date.now() - Date.parse(claim.acceptedAt) > GIVE_UP_AFTER_MS;
        if (tooOld || job.lastAttempt) {
          await this.#putBack(shop, step, "failed", unanswered, { uncertain });
          this.#logger.warn({ ...log, code: outcome.obstacle.code }, "command given up");
          return;
        }
        const state = uncertain || claim.uncertainSince !== null ? "unknown" : "accepted";
        await this.#putBack(shop, step, state, outcome.obstacle, { uncertain });
        this.#logger.info({ ...log, code: outcome.obstacle.code }, "command waits");
        // The queue runs the job again, later and later.
        throw new CommandWaitsError(claim.commandId, outcome.obstacle.code);
      }
    }
  }

  async #send(admin: AdminClient, claim: Claim, job: Job): Promise<Outcome> {
    const definition = definitions[claim.kind as CommandKind] as
      (typeof definitions)[CommandKind] | undefined;
    const input = definition?.schema.safeParse(claim.input);
    const notes = sendingNotes.safeParse(claim.notes ?? {});
    if (!definition || !input?.success || !notes.success) {
      // Of a release that knew other kinds, or knew this one otherwise.
      return { kind: "refused", obstacle: internal };
    }
    const { commandId, attempt } = claim;
    let sent = false;
    try {
      return await definition.send({
        commandId,
        input: input.data,
        admin,
        signal: job.signal,
        notes: notes.data,
        note: async (added) => {
          const { held } = await this.#cluster.write(
            admin.shop,
            `command.note:${randomUUID()}`,
            noteSending,
            { commandId, attempt, notes: added },
          );
          if (!held) throw new ClaimLostError(commandId);
        },
        sending: () => {
          sent = true;
        },
        uncertainSince: claim.uncertainSince === null ? null : new Date(claim.uncertainSince),
        firstSentAt: new Date(claim.firstSentAt),
        settleMs: this.#settleMs,
      });
    } catch (error) {
      if (!(error instanceof ShopifyError)) throw error;
      if (error.kind === "forbidden" || error.kind === "invalid") {
        this.#logger.error(
          { shop: admin.shop, command: commandId, err: error },
          "command not understood",
        );
        return { kind: "refused", obstacle: hindrance(error, false) };
      }
      const uncertain = sent && error.maybeApplied;
      return { kind: "wait", obstacle: hindrance(error, uncertain), uncertain };
    }
  }

  async #putBack(
    shop: string,
    step: { commandId: string; attempt: number },
    state: "failed" | "accepted" | "unknown",
    obstacle: Obstacle,
    { uncertain = false, keySpent = false }: { uncertain?: boolean; keySpent?: boolean },
  ): Promise<void> {
    await this.#cluster.write(shop, `command.put-back:${randomUUID()}`, putBackCommand, {
      ...step,
      state,
      obstacle,
      uncertain,
      keySpent,
    });
  }

  /** What Shopify has now, so that pages show it at once; null where it cannot be had just now. */
  async #readBack(
    admin: AdminClient,
    { kind, id }: ChangedResource,
    signal: AbortSignal,
  ): Promise<Findings | null> {
    try {
      return await readAgain(admin, kind, [id], {
        mayAskForPeople: () => true,
        peopleRefused: () => {},
        signal,
      });
    } catch (error) {
      this.#logger.info(
        { shop: admin.shop, kind, id, err: error },
        "not read back, left for later",
      );
      return null;
    }
  }
}

/** Tells the queue that a command is to be tried again. */
export class CommandWaitsError extends Error {
  override readonly name = "CommandWaitsError";

  constructor(commandId: string, code: string) {
    super(`The command ${commandId} waits (${code}).`);
  }
}

/** Somebody else has taken the command on meanwhile: this process must not go on. */
export class ClaimLostError extends Error {
  override readonly name = "ClaimLostError";

  constructor(commandId: string) {
    super(`The command ${commandId} is no longer this worker's.`);
  }
}

function invalid(message: string): SubmitResult {
  return { kind: "invalid", problems: [{ field: null, message }] };
}
