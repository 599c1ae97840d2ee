import { sql, type SQL } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { commandEvents, commands, type CommandState } from "../database/schema.ts";
import type { StoryAction } from "./overrides.ts";

/*
 * What every step of a command has in common: its new state and the line in its story that says so are one write.
 */

/** What this part of Evenkeel is called in a command's story. */
export const WORKER = "evenkeel";

/** The moment of the statement: of two steps in one transaction the later one is later. */
export const stamp = sql`clock_timestamp()`;

export async function tell(
  tx: ShopDatabase,
  shop: string,
  commandId: string,
  state: CommandState,
  actor: string,
  detail: string | null = null,
  action: StoryAction | null = null,
): Promise<void> {
  await tx.insert(commandEvents).values({ shop, commandId, state, actor, detail, action });
}

/** A command's notes with some more. */
export const withNotes = (notes: SQL) => sql`coalesce(${commands.result}, '{}'::jsonb) || ${notes}`;

/** Adds the job that sends a command, in the transaction that changes it. */
export type Enqueue = (
  tx: ShopDatabase,
  shop: string,
  resource: string,
  commandId: string,
) => Promise<void>;

/** {@link Enqueue} for the last command of a resource, and whatever waits of it goes at once. */
export type Wake = Enqueue;

/**
 * Names the history that the primary writes: it is another one after each promotion, and steps that were taken
 * in an earlier one may be missing in this one. A constant where no commit is ever lost.
 */
export function historyOf(durability: "replicated" | "primary"): SQL<number> {
  return durability === "primary"
    ? sql<number>`('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`
    : sql<number>`0`;
}
