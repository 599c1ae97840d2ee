import { and, desc, eq, inArray, notInArray, sql } from "drizzle-orm";
import type { Sourced } from "../continuity/sourced.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { numberArray, textList } from "../database/list-reads.ts";
import { commandEvents, commands, inventoryLevels } from "../database/schema.ts";
import { takenNumber } from "../orders/taken-number.ts";
import { setInput } from "./inputs-stock.ts";
import { namesIn } from "./names.server.ts";
import type { StoryAction } from "./overrides.ts";
import { ringOf } from "./rings.ts";
import type {
  ChangeDetail,
  ChangeFilter,
  CommandKind,
  CommandState,
  PendingChange,
  StockConflict,
} from "./types.ts";

/** On their way, by themselves or held up by a person: what they ask for is still to be expected. */
export const expectedStates = [
  "accepted",
  "sending",
  "unknown",
  "held",
] as const satisfies readonly CommandState[];
/** Nobody has to do anything about these any more. */
export const settledStates = ["done", "discarded"] as const satisfies readonly CommandState[];

const LIST_LIMIT = 200;

const statesOf: Readonly<Record<ChangeFilter, readonly CommandState[] | null>> = {
  all: null,
  pending: expectedStates,
  "needs-you": ["failed"],
  unsettled: [...expectedStates, "failed"],
  settled: settledStates,
};

type CommandRow = typeof commands.$inferSelect;

/** Changes, newest first; those that need a person before all others. At most {@link LIST_LIMIT}. */
export async function listChanges(
  cluster: Cluster,
  shop: string,
  { state = "all", limit = LIST_LIMIT }: { state?: ChangeFilter; limit?: number } = {},
): Promise<Sourced<PendingChange[]>> {
  return cluster.read(shop, (db) => readChanges(db, shop, { state, limit }));
}

/** {@link listChanges} within a transaction that has already begun. */
export async function readChanges(
  db: ShopDatabase,
  shop: string,
  { state, limit }: { state: ChangeFilter; limit: number },
): Promise<PendingChange[]> {
  const states = statesOf[state];
  const rows = await db
    .select()
    .from(commands)
    .where(and(eq(commands.shop, shop), ...(states ? [inArray(commands.state, [...states])] : [])))
    .orderBy(desc(sql`${commands.state} = 'failed'`), desc(commands.acceptedAt), desc(commands.id))
    .limit(Math.min(limit, LIST_LIMIT));
  return describe(db, shop, rows);
}

/** One change with its whole story; null where there is none of that id. */
export async function getChange(
  cluster: Cluster,
  shop: string,
  operationId: string,
): Promise<Sourced<ChangeDetail | null>> {
  return cluster.read(shop, async (db) => {
    if (!/^[0-9a-f-]{36}$/i.test(operationId)) return null;
    const rows = await db
      .select()
      .from(commands)
      .where(and(eq(commands.shop, shop), eq(commands.id, operationId)));
    const [change] = await describe(db, shop, rows);
    if (!change) return null;
    const events = await db
      .select({
        at: commandEvents.at,
        state: commandEvents.state,
        actor: commandEvents.actor,
        detail: commandEvents.detail,
        action: sql<StoryAction | null>`${commandEvents.action}`,
      })
      .from(commandEvents)
      .where(and(eq(commandEvents.shop, shop), eq(commandEvents.commandId, operationId)))
      .orderBy(desc(commandEvents.id));
    const input = rows[0]?.input;
    const names = await namesIn(db, shop, change.kind, input);
    return { ...change, input, names, requestedBy: rows[0]?.requestedBy ?? null, events };
  });
}

/** How many changes are on their way, and how many need a person. */
export async function countUnsettled(
  cluster: Cluster,
  shop: string,
): Promise<Sourced<Readonly<Record<"pending" | "needs-you", number>>>> {
  return cluster.read(shop, async (db) => {
    const [row] = await db
      .select({
        all: sql<string>`count(*)`,
        failed: sql<string>`count(*) filter (where ${commands.state} = 'failed')`,
      })
      .from(commands)
      .where(and(eq(commands.shop, shop), notInArray(commands.state, [...settledStates])));
    const needsYou = Number(row?.failed ?? 0);
    return { pending: Number(row?.all ?? 0) - needsYou, "needs-you": needsYou };
  });
}

/** Every change of one resource, newest first. */
export async function changesOf(
  db: ShopDatabase,
  shop: string,
  resource: string,
): Promise<PendingChange[]> {
  const rows = await db
    .select()
    .from(commands)
    .where(and(eq(commands.shop, shop), eq(commands.resource, resource)))
    .orderBy(desc(commands.acceptedAt), desc(commands.id))
    .limit(LIST_LIMIT);
  return describe(db, shop, rows);
}

/** The gravest unsettled change of each of some resources: one that needs a person, else the oldest. */
export async function gravestChanges(
  db: ShopDatabase,
  shop: string,
  resources: readonly string[],
): Promise<Map<string, PendingChange>> {
  const rows = await unsettled(db, shop, resources);
  const gravest = new Map<string, CommandRow>();
  for (const row of rows) {
    const other = gravest.get(row.resource);
    if (!other || (row.state === "failed" && other.state !== "failed")) {
      gravest.set(row.resource, row);
    }
  }
  const changes = await describe(db, shop, [...gravest.values()]);
  return new Map(changes.map((change) => [change.resource, change]));
}

/** The unsettled changes of some resources, in the order in which they go to Shopify. */
export async function unsettled(
  db: ShopDatabase,
  shop: string,
  resources: readonly string[],
): Promise<CommandRow[]> {
  if (resources.length === 0) return [];
  return db
    .select()
    .from(commands)
    .where(
      and(
        eq(commands.shop, shop),
        notInArray(commands.state, [...settledStates]),
        sql`${commands.resource} in ${textList(resources)}`,
      ),
    )
    .orderBy(commands.acceptedAt, commands.id);
}

/** Adds to each change what people call the thing that it changes. */
export async function describe(
  db: ShopDatabase,
  shop: string,
  rows: readonly CommandRow[],
): Promise<PendingChange[]> {
  const subjects = await subjectsOf(db, shop, new Set(rows.map(({ resource }) => resource)));
  const conflicts = await conflictsOf(db, shop, rows);
  return rows.map((row) => ({
    operationId: row.id,
    kind: row.kind as CommandKind,
    state: row.state,
    ring: ringOf(row.state),
    subject: subjects.get(row.resource) ?? row.resource,
    acceptedAt: row.acceptedAt,
    settledAt: row.settledAt,
    problem: row.error?.message ?? null,
    problemCode: row.error?.code ?? null,
    uncertain: row.uncertainSince !== null,
    conflict: conflicts.get(row.id) ?? null,
    attempts: row.attempts,
    resource: row.resource,
  }));
}

/** Shopify's word for a count that was made of another quantity. */
const OVERTAKEN: readonly (string | undefined)[] = [
  "refused:CHANGE_FROM_QUANTITY_STALE",
  "refused:COMPARE_QUANTITY_STALE",
];

/** The counts among some changes that Shopify's stock has overtaken, with what is there now. */
async function conflictsOf(
  db: ShopDatabase,
  shop: string,
  rows: readonly CommandRow[],
): Promise<Map<string, StockConflict>> {
  const counts = rows.flatMap(({ id, kind, state, error, input }) => {
    const overtaken = kind === "inventory.set" && state === "failed";
    const count = overtaken && OVERTAKEN.includes(error?.code) ? setInput.safeParse(input) : null;
    return count?.success ? [{ id, ...count.data }] : [];
  });
  if (counts.length === 0) return new Map();
  const levels = await db
    .select({
      inventoryItemId: inventoryLevels.inventoryItemId,
      locationId: inventoryLevels.locationId,
      available: inventoryLevels.available,
    })
    .from(inventoryLevels)
    .where(
      and(
        eq(inventoryLevels.shop, shop),
        inArray(
          inventoryLevels.inventoryItemId,
          counts.map(({ inventoryItemId }) => inventoryItemId),
        ),
      ),
    );
  return new Map(
    counts.map(({ id, inventoryItemId, locationId, quantity, reason }) => {
      const level = levels.find(
        (one) => one.inventoryItemId === inventoryItemId && one.locationId === locationId,
      );
      const available = level?.available ?? null;
      return [id, { inventoryItemId, locationId, quantity, reason, available }];
    }),
  );
}

async function subjectsOf(
  db: ShopDatabase,
  shop: string,
  resources: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const subjects = new Map<string, string>();
  const orderIds: number[] = [];
  const itemIds: number[] = [];
  for (const resource of resources) {
    const [kind, id] = resource.split("/");
    if (kind === "order") orderIds.push(Number(id));
    if (kind === "inventory_item") itemIds.push(Number(id));
    if (kind === "taken_order" && id) subjects.set(resource, takenNumber(id));
  }
  if (orderIds.length > 0) {
    const rows = await db.execute<{ id: string; name: string }>(sql`
      select id, name from orders where shop = ${shop} and id = any(${numberArray(orderIds)})`);
    for (const { id, name } of rows) subjects.set(`order/${id}`, name);
  }
  if (itemIds.length > 0) {
    const rows = await db.execute<{ id: string; subject: string }>(sql`
      select v.inventory_item_id as id, concat_ws(' · ', p.title, v.title) as subject
      from variants v join products p on p.shop = v.shop and p.id = v.product_id
      where v.shop = ${shop} and v.inventory_item_id = any(${numberArray(itemIds)})`);
    for (const { id, subject } of rows) subjects.set(`inventory_item/${id}`, subject);
  }
  return subjects;
}
