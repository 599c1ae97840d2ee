import { and, eq, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import { commandEvents, commands, type CommandState } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { findings, requestRereads, saveFindings } from "../sync/rereads.server.ts";
import { definitions } from "./kinds.server.ts";
import { describe } from "./queries.server.ts";
import { sendingNotes } from "./sending.ts";
import { commandKinds, type PendingChange, type Problem } from "./types.ts";

/*
 * Every step of a command is one write: its new state, and the line in its story that says so, or neither.
 */

/** Rolls a submission back: nothing of it may stay, since the same operation id may come again, put right. */
export class InvalidCommandError extends Error {
  override readonly name = "InvalidCommandError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join(" "));
    this.problems = problems;
  }
}

/** What this part of Evenkeel is called in a command's story. */
export const WORKER = "evenkeel";

/** Dates as JSON has them. */
export type StoredChange = Omit<PendingChange, "acceptedAt" | "settledAt"> & {
  readonly acceptedAt: string;
  readonly settledAt: string | null;
};

const obstacle = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
});

async function tell(
  tx: ShopDatabase,
  shop: string,
  commandId: string,
  state: CommandState,
  actor: string,
  detail: string | null = null,
): Promise<void> {
  await tx.insert(commandEvents).values({ shop, commandId, state, actor, detail });
}

const stamp = sql`clock_timestamp()`;

/** One at a time per resource, so that what is checked still holds when it is written, and order is order. */
async function lockResource(tx: ShopDatabase, shop: string, resource: string): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`command ${shop} ${resource}`}, 0))`,
  );
}

/**
 * Accepts a command.
 *
 * @param enqueue - Adds the job that will send it, in the same transaction.
 */
export function submitCommand(
  enqueue: (tx: ShopDatabase, shop: string, resource: string, commandId: string) => Promise<void>,
) {
  return defineWrite(
    "command.submit",
    z.object({
      commandId: z.uuid(),
      kind: z.enum(commandKinds),
      input: z.unknown(),
      requestedBy: z.string().nullable(),
    }),
    async (tx, { commandId, kind, input, requestedBy }, { shop }): Promise<StoredChange> => {
      const definition = definitions[kind];
      const resource = definition.resource(input);
      await lockResource(tx, shop, resource);
      const problems = await definition.check(tx, shop, input);
      if (problems.length > 0) throw new InvalidCommandError(problems);
      const [row] = await tx
        .insert(commands)
        .values({ shop, id: commandId, kind, resource, input, requestedBy, acceptedAt: stamp })
        .returning();
      await tell(tx, shop, commandId, "accepted", requestedBy ?? WORKER);
      await enqueue(tx, shop, resource, commandId);
      const [change] = await describe(tx, shop, row ? [row] : []);
      if (!change) throw new Error(`The command ${commandId} was not stored.`);
      return {
        ...change,
        acceptedAt: change.acceptedAt.toISOString(),
        settledAt: change.settledAt?.toISOString() ?? null,
      };
    },
  );
}

/** A command that this process has taken on. */
export interface Claim {
  readonly commandId: string;
  readonly kind: string;
  readonly input: unknown;
  /** Counts the attempts, and tells a worker that has lost its claim from the one that has it. */
  readonly attempt: number;
  readonly acceptedAt: string;
  readonly firstSentAt: string;
  readonly uncertainSince: string | null;
  readonly notes: unknown;
}

/**
 * Takes on the oldest command of a resource that is not settled, as far as a given one. Whoever asks is the
 * only one at this resource (the queue sees to it), so what stands at `sending` is of a process that died.
 *
 * @returns null where there is nothing to send, or where a command is held and those behind it wait.
 */
export const claimNext = defineWrite(
  "command.claim",
  z.object({ resource: z.string(), upTo: z.uuid() }),
  async (tx, { resource, upTo }, { shop }): Promise<{ claim: Claim | null }> => {
    const key = (id: string) => and(eq(commands.shop, shop), eq(commands.id, id));
    const [last] = await tx.select({ state: commands.state }).from(commands).where(key(upTo));
    if (!last || !["accepted", "sending", "unknown"].includes(last.state)) return { claim: null };
    const [head] = await tx
      .select()
      .from(commands)
      .where(
        and(
          eq(commands.shop, shop),
          eq(commands.resource, resource),
          inArray(commands.state, ["accepted", "sending", "unknown", "held"]),
        ),
      )
      .orderBy(commands.acceptedAt, commands.id)
      .limit(1)
      .for("update");
    if (!head || head.state === "held") return { claim: null };
    const [row] = await tx
      .update(commands)
      .set({
        state: "sending",
        attempts: sql`${commands.attempts} + 1`,
        firstSentAt: sql`coalesce(${commands.firstSentAt}, ${stamp})`,
        // What stands at `sending` was sent, if at all, after it was taken on.
        ...(head.state === "sending" ? { uncertainSince: head.updatedAt } : {}),
        updatedAt: stamp,
      })
      .where(key(head.id))
      .returning();
    if (!row?.firstSentAt) throw new Error(`The command ${head.id} could not be taken on.`);
    await tell(tx, shop, head.id, "sending", WORKER);
    return {
      claim: {
        commandId: row.id,
        kind: row.kind,
        input: row.input,
        attempt: row.attempts,
        acceptedAt: row.acceptedAt.toISOString(),
        firstSentAt: row.firstSentAt.toISOString(),
        uncertainSince: row.uncertainSince?.toISOString() ?? null,
        notes: row.result,
      },
    };
  },
);

const claimed = { commandId: z.uuid(), attempt: z.number().int() };

/** The command, only as long as it is this attempt's. */
function ofAttempt(shop: string, { commandId, attempt }: { commandId: string; attempt: number }) {
  return and(
    eq(commands.shop, shop),
    eq(commands.id, commandId),
    eq(commands.attempts, attempt),
    eq(commands.state, "sending"),
  );
}

const merged = (notes: Record<string, unknown>) =>
  sql`coalesce(${commands.result}, '{}'::jsonb) || ${JSON.stringify(notes)}::jsonb`;

/** Keeps notes for the next attempt. */
export const noteSending = defineWrite(
  "command.note",
  z.object({ ...claimed, notes: sendingNotes.partial() }),
  async (tx, input, { shop }): Promise<{ held: boolean }> => {
    const rows = await tx
      .update(commands)
      .set({ result: merged(input.notes) })
      .where(ofAttempt(shop, input))
      .returning({ id: commands.id });
    return { held: rows.length > 0 };
  },
);

/** Shopify has it: what it made of it is stored together with the news. */
export const settleCommand = defineWrite(
  "command.settle",
  z.object({
    ...claimed,
    created: z.string().nullable(),
    /** What reading the resource again has brought; null where it has to be read later. */
    findings: findings.nullable(),
    reread: z.object({ kind: z.enum(["order", "inventory_item"]), id: z.number() }),
  }),
  async (tx, input, { shop }) => {
    const rows = await tx
      .update(commands)
      .set({
        state: "done",
        error: null,
        result: merged(input.created ? { created: input.created } : {}),
        uncertainSince: null,
        settledAt: stamp,
        updatedAt: stamp,
      })
      .where(ofAttempt(shop, input))
      .returning({ id: commands.id });
    if (input.findings) await saveFindings(tx, shop, input.findings);
    else await requestRereads(tx, shop, [input.reread]);
    if (rows.length > 0) await tell(tx, shop, input.commandId, "done", WORKER, input.created);
    return null;
  },
);

/** It did not come to an end: refused (`failed`), not sent (`accepted`), or nobody knows (`unknown`). */
export const putBackCommand = defineWrite(
  "command.put-back",
  z.object({
    ...claimed,
    state: z.enum(["failed", "accepted", "unknown"]),
    obstacle,
    /** Whether this attempt may have reached Shopify. */
    uncertain: z.boolean(),
    keySpent: z.boolean(),
  }),
  async (tx, input, { shop }) => {
    const { state, uncertain, keySpent } = input;
    const { field, ...rest } = input.obstacle;
    const spent = sql`coalesce((${commands.result}->>'keysSpent')::int, 0) + 1`;
    const rows = await tx
      .update(commands)
      .set({
        state,
        error: { ...rest, ...(field ? { field } : {}) },
        ...(keySpent
          ? {
              result: sql`coalesce(${commands.result}, '{}'::jsonb) || jsonb_build_object('keysSpent', ${spent})`,
            }
          : {}),
        ...(uncertain ? { uncertainSince: stamp } : {}),
        ...(state === "failed" ? { settledAt: stamp } : {}),
        updatedAt: stamp,
      })
      .where(ofAttempt(shop, input))
      .returning({ id: commands.id });
    if (rows.length > 0) {
      await tell(tx, shop, input.commandId, state, WORKER, input.obstacle.message);
    }
    return null;
  },
);

/** What a person may do to a command in a given state. */
const byHand = {
  discard: { from: ["accepted", "failed", "held"], to: "discarded" },
  sendAgain: { from: ["failed"], to: "accepted" },
} as const satisfies Record<string, { from: readonly CommandState[]; to: CommandState }>;

/**
 * A person's decision about a command.
 *
 * @param enqueue - Adds the job that sends it, where it is to be sent.
 */
export function overrideCommand(
  enqueue: (tx: ShopDatabase, shop: string, resource: string, commandId: string) => Promise<void>,
) {
  return defineWrite(
    "command.override",
    z.object({
      commandId: z.uuid(),
      action: z.enum(["discard", "sendAgain"]),
      by: z.string().nullable(),
    }),
    async (tx, { commandId, action, by }, { shop }): Promise<{ changed: boolean }> => {
      const { from, to } = byHand[action];
      const rows = await tx
        .update(commands)
        .set({
          state: to,
          settledAt: to === "discarded" ? stamp : null,
          ...(to === "accepted" ? { error: null } : {}),
          updatedAt: stamp,
        })
        .where(
          and(
            eq(commands.shop, shop),
            eq(commands.id, commandId),
            inArray(commands.state, [...from]),
          ),
        )
        .returning({ resource: commands.resource });
      const [row] = rows;
      if (!row) return { changed: false };
      await tell(tx, shop, commandId, to, by ?? WORKER);
      if (to === "accepted") await enqueue(tx, shop, row.resource, commandId);
      return { changed: true };
    },
  );
}
