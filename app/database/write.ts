import { createHash } from "node:crypto";
import type { z } from "zod";
import type { ShopDatabase } from "./cluster.ts";

export interface WriteContext {
  readonly shop: string;
  readonly operationId: string;
}

/**
 * A change of the database that can be named, stored and done later by another process: it consists of its
 * name, the shape of its input and its work, never of a closure over the request that asked for it.
 */
export interface WriteDefinition<Input, Result> {
  readonly name: string;
  readonly schema: z.ZodType<Input>;
  /** Runs in the transaction that also stores the operation id. Has no effect outside of it. */
  readonly work: (tx: ShopDatabase, input: Input, context: WriteContext) => Promise<Result>;
}

/**
 * Defines a write once.
 *
 * @param name - Unique and never reused for something else: journals outlive releases.
 * @param schema - Checks the input when it is asked for and again when it is replayed. The input must
 *   survive JSON.
 * @param work - The change itself. Its result is stored with the operation id and must survive JSON.
 */
export function defineWrite<Input, Result>(
  name: string,
  schema: z.ZodType<Input>,
  work: WriteDefinition<Input, Result>["work"],
): WriteDefinition<Input, Result> {
  return { name, schema, work };
}

/** JSON with the keys of every object in order, so that equal inputs hash alike. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === "object" && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}

/** SHA-256 over the definition's name and its input. */
export function hashInput(name: string, input: unknown): Buffer {
  return createHash("sha256")
    .update(name)
    .update("\0")
    .update(canonicalJson(input) ?? "")
    .digest();
}
