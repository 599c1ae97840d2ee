import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { DurableDefinition } from "../continuity/durable-definition.ts";
import type { DurableWrites } from "../continuity/durable-writes.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { OperationMismatchError } from "../database/errors.ts";
import type { Job, Jobs } from "../jobs/jobs.server.ts";
import type { Logger } from "../observability/logger.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { ShopifyError } from "../shopify/errors.ts";
import { readAgain, type Findings } from "../sync/rereads.server.ts";
import {
  GIVE_UP_AFTER_MS,
  InvalidCommandError,
  readOnly,
  submitCommand,
  type StoredChange,
  type Submission,
} from "./asked.server.ts";
import { overrideCommand, type Decision, type DecisionResult } from "./decisions.server.ts";
import { foundOtherwise } from "./found-otherwise.server.ts";
import {
  claimCommand,
  noteSending,
  putBackCommand,
  settleCommand,
  type Claim,
} from "./journey.server.ts";
import { keptChange, keptOf, type KeptCommands } from "./kept.server.ts";
import { definitions } from "./kinds.server.ts";
import { fieldOf } from "./problem-fields.ts";
import { sendingNotes, type ChangedResource, type Outcome } from "./sending.ts";
import { historyOf, type Wake } from "./story.server.ts";
import { commandKinds, type CommandKind, type SubmitRequest, type SubmitResult } from "./types.ts";
import { hindrance, internal, unanswered, type Obstacle } from "./words.ts";

/** The outbox: what merchants ask for, on its way to Shopify. */
export interface Commands {
  /**
   * Takes a change on. It is durable once this resolves with `accepted`, in the database or, while that is away,
   * on this instance's disk (its ring is `server` then); asking again with the same id, for the same change, is
   * harmless and answers as the first time.
   *
   * @throws DatabaseError when it could not be kept; asking again with the same id is safe.
   */
  submit(shop: string, request: SubmitRequest): Promise<SubmitResult>;
  /**
   * Does what a person has decided about a change, if its state allows it.
   *
   * @throws DatabaseError when it could not be kept.
   */
  decide(shop: string, decision: Decision): Promise<Decided>;
  /** Lets everything of a shop that waits be tried at once. */
  hurry(shop: string): Promise<void>;
  /** What was accepted of a shop, or decided about its changes, and waits for the database on this instance. */
  kept(shop: string): Promise<KeptCommands>;
}

/**
 * What became of a decision: `gone` where the change had moved on meanwhile, `sending` where it is on its way to
 * Shopify at this moment; `kept` while the database is away, which will tell.
 */
export type Decided = "done" | "gone" | "sending" | "kept";

export interface CommandsOptions {
  readonly cluster: Cluster;
  readonly writes: DurableWrites;
  /** See `DurableWritesOptions.durability`. */
  readonly durability: "replicated" | "primary";
  readonly jobs: Jobs;
  readonly admin: (shop: string) => AdminClient;
  readonly logger: Logger;
  /**
   * How long Shopify may take to apply a change whose answer was lost: until then a read-back that does not
   * find it proves nothing. Default 60 s.
   */
  readonly settleMs?: number;
  /**
   * Whether the shop accepts no changes, as far as is known while the database is away: what it says itself
   * decides. Default no.
   */
  readonly readOnly?: (shop: string) => Promise<boolean>;
  /** How long a failing command waits before it is tried again the first time; doubles. Default 1 s. */
  readonly retryDelaySeconds?: number;
}

export const COMMANDS_QUEUE = "commands.send";

const SETTLE_MS = 60_000;
/** How long the database may take before the disk takes over: somebody is looking at the screen. */
const PATIENCE_MS = 500;
/** How long sending waits for what is on its way to the database before it. */
const CATCH_UP_MS = 30_000;
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
  readonly #writes: DurableWrites;
  readonly #jobs: Jobs;
  readonly #admin: (shop: string) => AdminClient;
  readonly #logger: Logger;
  readonly #settleMs: number;
  readonly #readOnly: (shop: string) => Promise<boolean>;
  readonly #submit: DurableDefinition<Submission, StoredChange>;
  readonly #override: DurableDefinition<Decision, DecisionResult>;
  readonly #claim: ReturnType<typeof claimCommand>;

  constructor(options: CommandsOptions) {
    const { cluster, writes, jobs, admin, logger, settleMs, retryDelaySeconds } = options;
    this.#cluster = cluster;
    this.#writes = writes;
    this.#jobs = jobs;
    this.#admin = admin;
    this.#logger = logger;
    this.#settleMs = settleMs ?? SETTLE_MS;
    this.#readOnly = options.readOnly ?? (() => Promise.resolve(false));
    const enqueue = (tx: ShopDatabase, shop: string, resource: string, commandId: string) =>
      this.#enqueue(tx, { shop, resource, commandId });
    const history = historyOf(options.durability);
    this.#submit = submitCommand(enqueue, history);
    const wake: Wake = async (tx, shop, resource, commandId) => {
      await jobs.hurry(COMMANDS_QUEUE, { keys: [`${shop}/${resource}`] }, { tx });
      await enqueue(tx, shop, resource, commandId);
    };
    this.#override = overrideCommand(wake, history);
    this.#claim = claimCommand(history);
    writes.register(this.#submit);
    writes.register(this.#override);
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
    const ids = [operationId, request.replaces, request.bulkId].filter(
      (id) => typeof id === "string",
    );
    if (!z.array(z.uuid()).safeParse(ids).success) {
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
    const asked: Submission = {
      commandId: operationId,
      kind,
      input: parsed.data,
      requestedBy,
      ...(request.replaces ? { replaces: request.replaces } : {}),
      ...(request.bulkId ? { bulkId: request.bulkId } : {}),
    };
    const known = (await this.kept(shop)).submitted.find(
      ({ change }) => change.operationId === operationId,
    );
    if (known) {
      return isDeepStrictEqual(known.submission, asked)
        ? { kind: "accepted", change: known.change }
        : usedBefore;
    }
    const away = this.#cluster.monitor.writer === null || this.#writes.holds(shop);
    if (away && (await this.#readOnly(shop))) return { kind: "invalid", problems: [readOnly] };
    try {
      const label = request.subject ?? null;
      const kept = await this.#writes.write(shop, operationId, this.#submit, asked, {
        label,
        ...this.#patience,
      });
      if (kept.state === "journaled") {
        return { kind: "accepted", change: keptChange(asked, label, new Date()) };
      }
      const { result } = kept;
      return {
        kind: "accepted",
        change: {
          ...result,
          acceptedAt: new Date(result.acceptedAt),
          settledAt: result.settledAt === null ? null : new Date(result.settledAt),
        },
      };
    } catch (error) {
      if (error instanceof InvalidCommandError) {
        return { kind: "invalid", problems: error.problems };
      }
      if (error instanceof OperationMismatchError) return usedBefore;
      throw error;
    }
  }

  async decide(shop: string, asked: Decision): Promise<Decided> {
    if (!z.uuid().safeParse(asked.commandId).success) return "gone";
    const id = `command.override:${randomUUID()}`;
    const kept = await this.#writes.write(shop, id, this.#override, asked, this.#patience);
    if (kept.state === "journaled") return "kept";
    if (kept.result.changed) return "done";
    return kept.result.state === "sending" ? "sending" : "gone";
  }

  async hurry(shop: string): Promise<void> {
    await this.#jobs.hurry(COMMANDS_QUEUE, { keysStartingWith: [`${shop}/`] });
  }

  async kept(shop: string): Promise<KeptCommands> {
    return keptOf(await this.#writes.waiting(shop));
  }

  /** Without a disk to turn to there is nothing to hurry for. */
  get #patience() {
    return this.#writes.fill.journal ? { patienceMs: PATIENCE_MS } : {};
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
      await this.#caughtUp(shop, job.signal);
      const { claim, away } = await this.#cluster.write(
        shop,
        `command.claim:${randomUUID()}`,
        this.#claim,
        { resource, upTo: commandId },
      );
      // The queue runs the job again, later and later, or at once when it is hurried.
      if (away) throw new CommandWaitsError(commandId, "forced");
      if (!claim) return;
      await this.#attempt(shop, claim, job);
    }
  }

  /** A decision to give a change up that is still on the disk must not be overtaken by the sending of it. */
  async #caughtUp(shop: string, signal: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(CATCH_UP_MS);
    try {
      await this.#writes.caughtUp(shop, AbortSignal.any([signal, late]));
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      this.#logger.warn({ shop }, "commands are sent although earlier writes are still waiting");
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
        const findings = reread && (await this.#readBack(admin, reread, job.signal));
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
        if (outcome.reread) {
          const { reread } = outcome;
          const findings = await this.#readBack(admin, reread, job.signal);
          const id = `command.found-otherwise:${randomUUID()}`;
          await this.#cluster.write(shop, id, foundOtherwise, { reread, findings });
        }
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
        acceptedAt: new Date(claim.acceptedAt),
        madeByOthers: claim.madeByOthers,
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

const usedBefore = invalid("This form was sent before with other entries. Load the page again.");

function invalid(message: string): SubmitResult {
  return { kind: "invalid", problems: [{ field: null, message }] };
}
