import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { DurableDefinition, LateContext } from "../continuity/durable-definition.ts";
import type { ShopDatabase } from "../database/cluster.ts";
import { commands, type CommandState } from "../database/schema.ts";
import type { WriteContext } from "../database/write.ts";
import { definitions } from "./kinds.server.ts";
import { describe } from "./queries.server.ts";
import { isForced, readSettings } from "../settings/settings.server.ts";
import { replaceCommand } from "./decisions.server.ts";
import { stamp, tell, WORKER, type Enqueue } from "./story.server.ts";
import { commandKinds, type PendingChange, type Problem } from "./types.ts";
import { unanswered, type Obstacle } from "./words.ts";

/*
 * What a person asks for. Once they have been told that it is kept it is never
 * refused; what turns out to be wrong with it is theirs to see to.
 */

/** What has waited for longer is a person's to decide. */
export const GIVE_UP_AFTER_MS = 6 * 24 * 3_600_000;

export const SUBMIT = "command.submit";

/** Rolls a submission back: nothing of it may stay, since the same operation id may come again, put right. */
export class InvalidCommandError extends Error {
  override readonly name = "InvalidCommandError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join(" "));
    this.problems = problems;
  }
}

/** Dates as JSON has them. */
export type StoredChange = Omit<PendingChange, "acceptedAt" | "settledAt"> & {
  readonly acceptedAt: string;
  readonly settledAt: string | null;
};

export const submission = z.object({
  commandId: z.uuid(),
  kind: z.enum(commandKinds),
  input: z.unknown(),
  requestedBy: z.string().nullable(),
  /** The command whose place it takes: the same change with other entries. */
  replaces: z.uuid().optional(),
  /** The commands that it was asked for together with. */
  bulkId: z.uuid().optional(),
});
export type Submission = z.infer<typeof submission>;

/** One at a time per resource, so that what is checked still holds when it is written, and order is order. */
async function lockResource(tx: ShopDatabase, shop: string, resource: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`command ${shop} ${resource}`}, 0))`,
  );
}

/**
 * Accepts a command.
 *
 * @param history - See `historyOf`.
 */
export function submitCommand(
  enqueue: Enqueue,
  history: SQL<number>,
): DurableDefinition<Submission, StoredChange> {
  async function store(
    tx: ShopDatabase,
    shop: string,
    { commandId, kind, input, requestedBy, replaces, bulkId }: Submission,
    values: {
      readonly state: CommandState;
      readonly acceptedAt: SQL;
      readonly error?: Obstacle;
      readonly firstSentAt?: Date;
      readonly uncertainSince?: SQL;
    },
  ): Promise<StoredChange> {
    const resource = definitions[kind].resource(input);
    const [row] = await tx
      .insert(commands)
      .values({
        shop,
        id: commandId,
        kind,
        resource,
        input,
        requestedBy,
        bulkId: bulkId ?? null,
        result: sql`jsonb_build_object('history', ${history})`,
        ...(values.state === "failed" ? { settledAt: stamp } : {}),
        ...values,
      })
      .returning();
    await definitions[kind].accept?.(tx, shop, input);
    const actor = requestedBy ?? WORKER;
    const edited = replaces ? ([replaces, "edited"] as const) : [];
    await tell(tx, shop, commandId, "accepted", actor, ...edited);
    if (values.state !== "accepted") {
      await tell(tx, shop, commandId, values.state, WORKER, values.error?.message ?? null);
    }
    if (values.state !== "failed") await enqueue(tx, shop, resource, commandId);
    const [change] = await describe(tx, shop, row ? [row] : []);
    if (!change) throw new Error(`The command ${commandId} was not stored.`);
    return {
      ...change,
      acceptedAt: change.acceptedAt.toISOString(),
      settledAt: change.settledAt?.toISOString() ?? null,
    };
  }

  /** What is wrong with it, as far as can be seen here, with its resource locked; what it replaces is gone then. */
  async function check(tx: ShopDatabase, shop: string, asked: Submission) {
    const { resource, check: look } = definitions[asked.kind];
    await lockResource(tx, shop, resource(asked.input));
    if (!(await replace(tx, shop, asked))) return [movedOn];
    return look(tx, shop, asked.input);
  }

  async function replace(tx: ShopDatabase, shop: string, asked: Submission, again = false) {
    const { commandId, kind, input, requestedBy, replaces } = asked;
    if (!replaces) return true;
    const old = { id: replaces, kind, resource: definitions[kind].resource(input) };
    const actor = requestedBy ?? WORKER;
    return replaceCommand(tx, shop, old, { commandId, actor }, again);
  }

  return {
    name: SUBMIT,
    schema: submission,
    async work(tx, asked, { shop }: WriteContext) {
      if (await isForced(tx, shop, "readOnly")) throw new InvalidCommandError([readOnly]);
      const problems = await check(tx, shop, asked);
      if (problems.length > 0) throw new InvalidCommandError(problems);
      return store(tx, shop, asked, { state: "accepted", acceptedAt: stamp });
    },
    async later(tx, asked, { shop, acknowledgedAt }: LateContext) {
      const problems = await check(tx, shop, asked);
      const tooOld = Date.now() - acknowledgedAt.getTime() > GIVE_UP_AFTER_MS;
      const { readOnly: forced } = await readSettings(tx, shop);
      const refused = forced?.on === true && Date.parse(forced.at) <= acknowledgedAt.getTime();
      const error = tooOld ? unanswered : obstacleOf(refused ? [readOnly] : problems);
      // Behind what has come for the same resource before: two can be kept in the same millisecond.
      const acceptedAt = sql`(
        select greatest(least(${acknowledgedAt.toISOString()}::timestamptz, clock_timestamp()),
          max(accepted_at) + interval '1 microsecond')
        from commands where shop = ${shop} and resource = ${definitions[asked.kind].resource(asked.input)})`;
      return error
        ? store(tx, shop, asked, { state: "failed", acceptedAt, error })
        : store(tx, shop, asked, { state: "accepted", acceptedAt });
    },
    // It was in the database, and whoever sends commands may have sent it: Shopify is asked before it is sent.
    async again(tx, asked, { shop, acknowledgedAt }) {
      await replace(tx, shop, asked, true);
      return store(tx, shop, asked, {
        state: "unknown",
        acceptedAt: sql`${acknowledgedAt.toISOString()}::timestamptz`,
        firstSentAt: acknowledgedAt,
        uncertainSince: stamp,
      });
    },
  };
}

export const readOnly: Problem = {
  field: null,
  message:
    "Evenkeel is read-only: somebody has switched that on, and no change is accepted until it is switched off on the Resilience page.",
};

const movedOn: Problem = {
  field: null,
  message: "The change that you edited has moved on meanwhile. Look at it again.",
};

function obstacleOf([problem]: readonly Problem[]): Obstacle | null {
  if (!problem) return null;
  const { field, message } = problem;
  return { code: "refused:check", message, ...(field ? { field } : {}) };
}
