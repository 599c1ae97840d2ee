import { and, eq, getTableColumns, inArray, isNotNull, ne, sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { commands } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { findings, requestRereads, saveFindings } from "../sync/rereads.server.ts";
import { isForced } from "../settings/settings.server.ts";
import { sendingNotes } from "./sending.ts";
import { stamp, tell, withNotes, WORKER } from "./story.server.ts";

/*
 * The steps of a command on its way to Shopify. They are not kept beyond the database, as what a person asked for
 * is: whoever takes a command on finds out whether steps are missing, and looks at Shopify then.
 */

const obstacle = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
});

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
  /** What Shopify made of other commands of the resource; read only where this one is uncertain. */
  readonly madeByOthers: readonly string[];
}

/** `away`: there is something to send, and somebody has said that Shopify is not to be asked. */
interface Claimed {
  readonly claim: Claim | null;
  readonly away?: boolean;
}

/**
 * Takes on the oldest command of a resource that is not settled, as far as a given one. Whoever asks is the
 * only one at this resource (the queue sees to it), so what stands at `sending` is of a process that died.
 *
 * @param history - See `historyOf`.
 * @returns a write that gives null where there is nothing to send, or where a command is held and those behind it
 *   wait.
 */
export function claimCommand(history: SQL<number>) {
  return defineWrite(
    "command.claim",
    z.object({ resource: z.string(), upTo: z.uuid() }),
    async (tx, { resource, upTo }, { shop }): Promise<Claimed> => {
      const key = (id: string) => and(eq(commands.shop, shop), eq(commands.id, id));
      const [last] = await tx.select({ state: commands.state }).from(commands).where(key(upTo));
      if (!last || !["accepted", "sending", "unknown"].includes(last.state)) return { claim: null };
      if (await isForced(tx, shop, "shopifyAway")) return { claim: null, away: true };
      const [head] = await tx
        .select({ ...getTableColumns(commands), history })
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
      const seenIn = sendingNotes.safeParse(head.result ?? {}).data?.history ?? head.history;
      const [row] = await tx
        .update(commands)
        .set({
          state: "sending",
          attempts: sql`${commands.attempts} + 1`,
          firstSentAt: sql`coalesce(${commands.firstSentAt}, ${stamp})`,
          // What stands at `sending` was sent, if at all, after it was taken on.
          ...(head.state === "sending" ? { uncertainSince: head.updatedAt } : {}),
          // That it was sent may be among what a failover has lost.
          ...(seenIn === head.history
            ? {}
            : { uncertainSince: stamp, firstSentAt: head.firstSentAt ?? head.acceptedAt }),
          result: withNotes(sql`jsonb_build_object('history', ${head.history}::int)`),
          updatedAt: stamp,
        })
        .where(key(head.id))
        .returning();
      if (!row?.firstSentAt) throw new Error(`The command ${head.id} could not be taken on.`);
      await tell(tx, shop, head.id, "sending", WORKER);
      const others = row.uncertainSince
        ? await tx
            .select({ made: sql<string>`${commands.result}->>'created'` })
            .from(commands)
            .where(
              and(
                eq(commands.shop, shop),
                eq(commands.resource, resource),
                ne(commands.id, head.id),
                isNotNull(sql`${commands.result}->>'created'`),
              ),
            )
        : [];
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
          madeByOthers: others.map(({ made }) => made),
        },
      };
    },
  );
}

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

const merged = (notes: Record<string, unknown>) => withNotes(sql`${JSON.stringify(notes)}::jsonb`);

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
    reread: z.object({ kind: z.enum(["order", "inventory_item"]), id: z.number() }).nullable(),
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
    else if (input.reread) await requestRereads(tx, shop, [input.reread]);
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
              result: withNotes(sql`jsonb_build_object('keysSpent', ${spent})`),
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
