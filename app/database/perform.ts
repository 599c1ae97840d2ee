import { and, eq, inArray, sql } from "drizzle-orm";
import { OperationMismatchError } from "./errors.ts";
import { operations } from "./schema.ts";
import type { ShopDatabase } from "./transaction.ts";
import { hashInput, type WriteDefinition } from "./write.ts";

/** One write that is asked for under its id; its input has been checked. */
export interface Change {
  readonly operationId: string;
  readonly name: string;
  readonly inputHash: Buffer;
  readonly work: (tx: ShopDatabase, shop: string) => Promise<unknown>;
}

/** @throws ZodError when the input is not what the definition takes. */
export function changeOf<Input, Result>(
  operationId: string,
  { name, schema, work }: WriteDefinition<Input, Result>,
  input: unknown,
): Change {
  const checked = schema.parse(input);
  return {
    operationId,
    name,
    inputHash: hashInput(name, checked),
    work: (tx, shop) => work(tx, checked, { shop, operationId }),
  };
}

/**
 * Makes changes of one shop in their order, in the transaction at hand, each exactly once per operation id: their
 * ids go in first, in one statement, and whatever was there before is not done again.
 *
 * @returns For each change its result: of this time, or the stored one of the first.
 * @throws OperationMismatchError when an id was already used with another input.
 */
export async function perform(
  tx: ShopDatabase,
  shop: string,
  changes: readonly Change[],
): Promise<unknown[]> {
  const inserted = await tx
    .insert(operations)
    .values(
      changes.map(({ operationId, name, inputHash }) => ({ shop, operationId, name, inputHash })),
    )
    .onConflictDoNothing()
    .returning({ operationId: operations.operationId });
  const fresh = new Set(inserted.map(({ operationId }) => operationId));
  const repeated = changes.flatMap(({ operationId: id }) => (fresh.has(id) ? [] : [id]));
  const made = new Map(await knownBefore(tx, shop, repeated));

  const results: unknown[] = [];
  const stored: { id: string; result: unknown }[] = [];
  for (const { operationId, inputHash, work } of changes) {
    const known = made.get(operationId);
    if (known || !fresh.has(operationId)) {
      if (!known?.inputHash.equals(inputHash)) throw new OperationMismatchError(operationId);
      results.push(known.result);
      continue;
    }
    const result = await work(tx, shop);
    made.set(operationId, { inputHash, result });
    if (result !== undefined) stored.push({ id: operationId, result });
    results.push(result);
  }
  const [only] = stored;
  if (only && stored.length === 1) {
    await tx
      .update(operations)
      .set({ result: only.result })
      .where(and(eq(operations.shop, shop), eq(operations.operationId, only.id)));
  } else if (only) {
    await tx.execute(sql`
      update operations o set result = r.result
      from jsonb_to_recordset(${JSON.stringify(stored)}::jsonb) as r(id text, result jsonb)
      where o.shop = ${shop} and o.operation_id = r.id`);
  }
  return results;
}

/** What is stored of ids that were used already. */
async function knownBefore(
  tx: ShopDatabase,
  shop: string,
  ids: readonly string[],
): Promise<(readonly [id: string, known: { inputHash: Buffer; result: unknown }])[]> {
  if (ids.length === 0) return [];
  const those = and(eq(operations.shop, shop), inArray(operations.operationId, [...ids]));
  // The first commit may have been cut off while it waited for the synchronous standby: it is visible then, and on
  // one node alone. Where commits wait, its row is written once more, so that this one waits behind it.
  await tx
    .update(operations)
    .set({ result: sql`${operations.result}` })
    .where(and(those, sql`current_setting('synchronous_standby_names') <> ''`));
  const rows = await tx
    .select({
      operationId: operations.operationId,
      inputHash: operations.inputHash,
      result: operations.result,
    })
    .from(operations)
    .where(those);
  return rows.map(({ operationId, ...known }) => [operationId, known] as const);
}
