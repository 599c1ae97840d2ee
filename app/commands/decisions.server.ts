import { and, desc, eq, inArray, sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { DurableDefinition } from "../continuity/durable-definition.ts";
import type { ShopDatabase } from "../database/cluster.ts";
import { commands, type CommandState } from "../database/schema.ts";
import { LONGEST_REASON, overridableIn, overrides, replaceableIn } from "./overrides.ts";
import { stamp, tell, withNotes, WORKER, type Wake } from "./story.server.ts";

/*
 * What a person decides about a change that was taken on before. Each decision is a line in the change's story.
 */

export const OVERRIDE = "command.override";

export const decision = z.object({
  commandId: z.uuid(),
  action: z.enum(overrides),
  by: z.string().nullable(),
  /** Why; needed where somebody says that it is done. */
  reason: z.string().max(LONGEST_REASON).optional(),
});
export type Decision = z.infer<typeof decision>;

/** What became of a decision, and the state in which it found the change, if there is one, or has put it. */
export interface DecisionResult {
  readonly changed: boolean;
  readonly state?: CommandState | null;
}

/** What a person says who has looked: the next attempt is a new one. */
const looked = sql`${commands.error}->>'code' = 'unknowable'`;
/** Shopify may have it: it is looked for before it is sent. */
const onItsWay = sql<CommandState>`case when ${commands.uncertainSince} is null or ${looked}
  then 'accepted' else 'unknown' end`;

/**
 * A person's decision about a command.
 *
 * @param history - See `historyOf`.
 */
export function overrideCommand(
  wake: Wake,
  history: SQL<number>,
): DurableDefinition<Decision, DecisionResult> {
  const effects = {
    sendNow: {},
    sendAgain: {
      state: onItsWay,
      error: null,
      settledAt: null,
      result: withNotes(sql`jsonb_build_object('history', ${history})`),
      uncertainSince: sql`case when ${looked} then null else ${commands.uncertainSince} end`,
      firstSentAt: sql`case when ${looked} then null else ${commands.firstSentAt} end`,
    },
    hold: { state: "held" },
    release: {
      state: onItsWay,
      error: null,
      result: withNotes(sql`jsonb_build_object('history', ${history})`),
    },
    discard: { state: "discarded", settledAt: stamp },
    markDone: { state: "done", settledAt: stamp, error: null, uncertainSince: null },
  } as const satisfies Record<Decision["action"], object>;

  async function decide(
    tx: ShopDatabase,
    shop: string,
    { commandId, action, by, reason }: Decision,
    from: SQL | undefined,
  ): Promise<DecisionResult> {
    const known = and(eq(commands.shop, shop), eq(commands.id, commandId));
    const [row] = await tx
      .update(commands)
      .set({ ...effects[action], updatedAt: stamp })
      .where(and(known, from))
      .returning({ state: commands.state, resource: commands.resource });
    if (!row) {
      const [found] = await tx.select({ state: commands.state }).from(commands).where(known);
      return { changed: false, state: found?.state ?? null };
    }
    await tell(tx, shop, commandId, row.state, by ?? WORKER, reason || null, action);
    if (action !== "hold") await wakeThoseBehind(tx, shop, row.resource, wake);
    return { changed: true, state: row.state };
  }
  const inStates = (states: readonly CommandState[]) => inArray(commands.state, [...states]);

  return {
    name: OVERRIDE,
    schema: decision,
    work: (tx, asked, { shop }) => decide(tx, shop, asked, inStates(overridableIn[asked.action])),
    again(tx, asked, { shop }) {
      const states = overridableIn[asked.action];
      // What stands at `unknown` now may have been in another state when somebody decided.
      const certain = states.filter((state) => state !== "unknown");
      const mayDecide = ["discard", "hold", "markDone"].includes(asked.action);
      return decide(
        tx,
        shop,
        asked,
        mayDecide ? sql`(${inStates(certain)} or ${untouched})` : inStates(states),
      );
    },
  };
}

/** Made again after a failover, and nobody has begun to send it since. */
const untouched = sql`(${commands.state} = 'unknown' and ${commands.attempts} = 0)`;

/**
 * Puts an end to a command, since another one takes its place.
 *
 * @param again - Whether this is done once more after a failover, which may have put the command back.
 * @returns whether it still could be replaced.
 */
export async function replaceCommand(
  tx: ShopDatabase,
  shop: string,
  old: { readonly id: string; readonly kind: string; readonly resource: string },
  by: { readonly commandId: string; readonly actor: string },
  again = false,
): Promise<boolean> {
  const replaceable = sql`(${inArray(commands.state, [...replaceableIn])}
    and ${commands.uncertainSince} is null)`;
  const rows = await tx
    .update(commands)
    .set({ state: "discarded", settledAt: stamp, updatedAt: stamp })
    .where(
      and(
        eq(commands.shop, shop),
        eq(commands.id, old.id),
        eq(commands.kind, old.kind),
        eq(commands.resource, old.resource),
        again ? sql`(${replaceable} or ${untouched})` : replaceable,
      ),
    )
    .returning({ id: commands.id });
  if (rows.length === 0) return false;
  await tell(tx, shop, old.id, "discarded", by.actor, by.commandId, "replaced");
  return true;
}

/** Jobs of a resource end where they find its first command held; once it no longer is, one is needed for all. */
async function wakeThoseBehind(
  tx: ShopDatabase,
  shop: string,
  resource: string,
  wake: Wake,
): Promise<void> {
  const [last] = await tx
    .select({ id: commands.id })
    .from(commands)
    .where(
      and(
        eq(commands.shop, shop),
        eq(commands.resource, resource),
        inArray(commands.state, ["accepted", "sending", "unknown"]),
      ),
    )
    .orderBy(desc(commands.acceptedAt), desc(commands.id))
    .limit(1);
  if (last) await wake(tx, shop, resource, last.id);
}
