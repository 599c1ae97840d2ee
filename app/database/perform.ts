import { and, eq, inArray, sql } from "drizzle-orm";
import { OperationMismatchError } from "./errors.ts";
import { operations } from "./schema.ts";
import type { ShopDatabase, Transaction } from "./transaction.ts";
import { hashInput, type WriteDefinition } from "./write.ts";

/** One write that is asked for under its id; its input has been checked. */
export interface Change {
  readonly operationId: string;
  readonly name: string;
  readonly inputHash: Buffer;
  readonly work: (tx: ShopDatabase, shop: string) => Promise<unknown>;
}

/** An operation as it is stored. */
export interface KnownOperation {
  readonly name: string;
  readonly inputHash: Buffer;
  readonly result: unknown;
}

/** What every write does, in words that are always the same: a statement that is built each time costs more than it does. */
const INSERT = `
  insert into operations (shop, operation_id, name, input_hash) values ($1, $2, $3, $4)
  on conflict do nothing returning operation_id`;
const STORE = "update operations set result = $3 where shop = $1 and operation_id = $2";
const STORE_SEVERAL = `
  update operations o set result = r.result
  from jsonb_to_recordset($2::jsonb) as r(id text, result jsonb)
  where o.shop = $1 and o.operation_id = r.id`;

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
  tx: Transaction,
  shop: string,
  changes: readonly Change[],
): Promise<unknown[]> {
  const fresh = await insertOperations(tx, shop, changes);
  const repeated = changes.flatMap(({ operationId: id }) => (fresh.has(id) ? [] : [id]));
  const made = new Map<string, Pick<KnownOperation, "inputHash" | "result">>(
    await knownBefore(tx, shop, repeated),
  );

  const results: unknown[] = [];
  const stored: { id: string; result: unknown }[] = [];
  for (const { operationId, inputHash, work } of changes) {
    const known = made.get(operationId);
    if (known || !fresh.has(operationId)) {
      if (!known?.inputHash.equals(inputHash)) throw new OperationMismatchError(operationId);
      results.push(known.result);
      continue;
    }
    const result = await work(tx.db, shop);
    made.set(operationId, { inputHash, result });
    if (result !== undefined && result !== null) stored.push({ id: operationId, result });
    results.push(result);
  }
  const [only] = stored;
  if (only && stored.length === 1) {
    tx.atEnd(STORE, [shop, only.id, JSON.stringify(only.result)]);
  } else if (only) {
    tx.atEnd(STORE_SEVERAL, [shop, JSON.stringify(stored)]);
  }
  return results;
}

/** @returns The ids that were not there before. */
async function insertOperations(
  tx: Transaction,
  shop: string,
  changes: readonly Change[],
): Promise<Set<string>> {
  const [only] = changes;
  if (only && changes.length === 1) {
    const { operationId, name, inputHash } = only;
    const inserted = await tx.send(INSERT, [shop, operationId, name, inputHash]);
    return new Set(inserted.length > 0 ? [operationId] : []);
  }
  const inserted = await tx.db
    .insert(operations)
    .values(
      changes.map(({ operationId, name, inputHash }) => ({ shop, operationId, name, inputHash })),
    )
    .onConflictDoNothing()
    .returning({ operationId: operations.operationId });
  return new Set(inserted.map(({ operationId }) => operationId));
}

/** What is stored of ids that were used already, by id. */
export async function knownBefore(
  { db }: Transaction,
  shop: string,
  ids: readonly string[],
): Promise<Map<string, KnownOperation>> {
  if (ids.length === 0) return new Map();
  const those = and(eq(operations.shop, shop), inArray(operations.operationId, [...ids]));
  // The first commit may have been cut off while it waited for the synchronous standby: it is visible then, and on
  // one node alone. Where commits wait, its row is written once more, so that this one waits behind it.
  const [, rows] = await Promise.all([
    db
      .update(operations)
      .set({ result: sql`${operations.result}` })
      .where(and(those, sql`current_setting('synchronous_standby_names') <> ''`)),
    db
      .select({
        operationId: operations.operationId,
        name: operations.name,
        inputHash: operations.inputHash,
        result: operations.result,
      })
      .from(operations)
      .where(those),
  ]);
  return new Map(rows.map(({ operationId, ...known }) => [operationId, known]));
}
