import { and, eq, inArray, sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { DurableDefinition, LateContext } from "../continuity/durable-definition.ts";
import type { ShopDatabase } from "../database/cluster.ts";
import { commands, type CommandState } from "../database/schema.ts";
import type { WriteContext } from "../database/write.ts";
import { definitions } from "./kinds.server.ts";
import { describe } from "./queries.server.ts";
import { stamp, tell, withNotes, WORKER, type Enqueue } from "./story.server.ts";
import { commandKinds, type PendingChange, type Problem } from "./types.ts";
import { unanswered, type Obstacle } from "./words.ts";

/*
 * What a person asks for: a change, or a decision about one. Once they have been told that it is kept it is never
 * refused; what turns out to be wrong with it is theirs to see to.
 */

/** What has waited for longer is a person's to decide. */
export const GIVE_UP_AFTER_MS = 6 * 24 * 3_600_000;

export const SUBMIT = "command.submit";
export const OVERRIDE = "command.override";

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
    { commandId, kind, input, requestedBy }: Submission,
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
        result: sql`jsonb_build_object('history', ${history})`,
        ...(values.state === "failed" ? { settledAt: stamp } : {}),
        ...values,
      })
      .returning();
    await tell(tx, shop, commandId, "accepted", requestedBy ?? WORKER);
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

  /** What is wrong with it, as far as can be seen here, with its resource locked. */
  async function check(tx: ShopDatabase, shop: string, { kind, input }: Submission) {
    const { resource, check: look } = definitions[kind];
    await lockResource(tx, shop, resource(input));
    return look(tx, shop, input);
  }

  return {
    name: SUBMIT,
    schema: submission,
    async work(tx, asked, { shop }: WriteContext) {
      const problems = await check(tx, shop, asked);
      if (problems.length > 0) throw new InvalidCommandError(problems);
      return store(tx, shop, asked, { state: "accepted", acceptedAt: stamp });
    },
    async later(tx, asked, { shop, acknowledgedAt }: LateContext) {
      const problems = await check(tx, shop, asked);
      const tooOld = Date.now() - acknowledgedAt.getTime() > GIVE_UP_AFTER_MS;
      const error = tooOld ? unanswered : obstacleOf(problems);
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
    again: (tx, asked, { shop, acknowledgedAt }) =>
      store(tx, shop, asked, {
        state: "unknown",
        acceptedAt: sql`${acknowledgedAt.toISOString()}::timestamptz`,
        firstSentAt: acknowledgedAt,
        uncertainSince: stamp,
      }),
  };
}

function obstacleOf([problem]: readonly Problem[]): Obstacle | null {
  if (!problem) return null;
  const { field, message } = problem;
  return { code: "refused:check", message, ...(field ? { field } : {}) };
}

/** What a person may do to a command in a given state. */
const byHand = {
  discard: { from: ["accepted", "failed", "held"], to: "discarded" },
  sendAgain: { from: ["failed"], to: "accepted" },
} as const satisfies Record<string, { from: readonly CommandState[]; to: CommandState }>;

export const decision = z.object({
  commandId: z.uuid(),
  action: z.enum(["discard", "sendAgain"]),
  by: z.string().nullable(),
});
export type Decision = z.infer<typeof decision>;

/**
 * A person's decision about a command.
 *
 * @param history - See `historyOf`.
 */
export function overrideCommand(
  enqueue: Enqueue,
  history: SQL<number>,
): DurableDefinition<Decision, { changed: boolean }> {
  async function decide(
    tx: ShopDatabase,
    shop: string,
    { commandId, action, by }: Decision,
    from: SQL | undefined,
  ): Promise<{ changed: boolean }> {
    const { to } = byHand[action];
    const rows = await tx
      .update(commands)
      .set({
        state: to,
        settledAt: to === "discarded" ? stamp : null,
        ...(to === "accepted"
          ? { error: null, result: withNotes(sql`jsonb_build_object('history', ${history})`) }
          : {}),
        updatedAt: stamp,
      })
      .where(and(eq(commands.shop, shop), eq(commands.id, commandId), from))
      .returning({ resource: commands.resource });
    const [row] = rows;
    if (!row) return { changed: false };
    await tell(tx, shop, commandId, to, by ?? WORKER);
    if (to === "accepted") await enqueue(tx, shop, row.resource, commandId);
    return { changed: true };
  }
  const inStates = (action: Decision["action"]) =>
    inArray(commands.state, [...byHand[action].from]);
  /** Made again after a failover, and nobody has begun to send it since. */
  const untouched = sql`(${commands.state} = 'unknown' and ${commands.attempts} = 0)`;

  return {
    name: OVERRIDE,
    schema: decision,
    work: (tx, asked, { shop }) => decide(tx, shop, asked, inStates(asked.action)),
    again: (tx, asked, { shop }) =>
      decide(
        tx,
        shop,
        asked,
        asked.action === "discard"
          ? sql`(${inStates(asked.action)} or ${untouched})`
          : inStates(asked.action),
      ),
  };
}
