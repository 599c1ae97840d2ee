import { randomUUID } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { DurableDefinition } from "../continuity/durable-definition.ts";
import type { DurableWrites, Kept, WaitingWrite } from "../continuity/durable-writes.ts";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { settings } from "../database/schema.ts";
import type { Mode } from "./modes.ts";
import { settingsChanges, settingsSchema, type Settings } from "./settings.ts";

/** A shop's settings, with the defaults where nothing was set. */
export async function getSettings(cluster: Cluster, shop: string): Promise<Sourced<Settings>> {
  return cluster.read(shop, (db) => readSettings(db, shop));
}

/** {@link getSettings} within a transaction that has already begun. */
export async function readSettings(db: ShopDatabase, shop: string): Promise<Settings> {
  const [row] = await db
    .select({ values: settings.values })
    .from(settings)
    .where(eq(settings.shop, shop));
  // A value that an older or newer release stored in a way unknown here gives way to the default.
  const stored = Object.entries(row?.values ?? {}).filter(
    ([name, value]) =>
      name in settingsSchema.shape &&
      settingsSchema.shape[name as keyof Settings].safeParse(value).success,
  );
  return settingsSchema.parse(Object.fromEntries(stored));
}

/** Whether a mode is on, by what the transaction sees. */
export async function isForced(db: ShopDatabase, shop: string, mode: Mode): Promise<boolean> {
  return (await readSettings(db, shop))[mode]?.on === true;
}

const change = z.object({ changes: settingsChanges, by: z.string().nullable() });
type Change = z.infer<typeof change>;

/** Beside the settings: when each was changed last, so that a change that comes late does not undo a newer one. */
const CHANGED_AT = "changedAt";

async function apply(tx: ShopDatabase, shop: string, { changes, by }: Change, at: Date) {
  await tx.insert(settings).values({ shop }).onConflictDoNothing();
  const [row] = await tx
    .select({ values: settings.values })
    .from(settings)
    .where(eq(settings.shop, shop))
    .for("update");
  const values = row?.values ?? {};
  const times = z.record(z.string(), z.string()).catch({}).parse(values[CHANGED_AT]);
  const due = Object.entries(changes).filter(
    ([name]) => !(name in times) || Date.parse(times[name] ?? "") <= at.getTime(),
  );
  if (due.length === 0) return null;
  const dueTimes = Object.fromEntries(due.map(([name]) => [name, at.toISOString()]));
  await tx
    .update(settings)
    .set({
      values: { ...values, ...Object.fromEntries(due), [CHANGED_AT]: { ...times, ...dueTimes } },
      updatedAt: sql`now()`,
      updatedBy: by,
    })
    .where(eq(settings.shop, shop));
  return null;
}

export const changeSettings: DurableDefinition<Change, null> = {
  name: "settings.change",
  schema: change,
  work: (tx, input, { shop }) => apply(tx, shop, input, new Date()),
  later: (tx, input, { shop, acknowledgedAt }) => apply(tx, shop, input, acknowledgedAt),
};

/**
 * Changes some settings and leaves the others as they are.
 *
 * @param by - Who did it, for the record.
 * @returns whether the database has it, or the disk for now.
 */
export async function saveSettings(
  writes: DurableWrites,
  shop: string,
  changes: Partial<Settings>,
  by: string | null = null,
): Promise<Kept<unknown>["state"]> {
  const kept = await writes.write(shop, `settings:${randomUUID()}`, changeSettings, {
    changes,
    by,
  });
  return kept.state;
}

/** Settings with the changes that wait for the database. */
export function settingsWithKept(known: Settings, waiting: readonly WaitingWrite[]): Settings {
  const changes = waiting
    .filter(({ name }) => name === changeSettings.name)
    .map(({ input }) => change.safeParse(input).data?.changes);
  return settingsSchema.parse(Object.assign({}, known, ...changes));
}
