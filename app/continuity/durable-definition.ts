import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import type { WriteContext, WriteDefinition } from "../database/write.ts";

/** What a write knows that is made after somebody was told that it is kept. */
export interface LateContext extends WriteContext {
  /** When it was acknowledged, by the clock of the instance that did so. */
  readonly acknowledgedAt: Date;
}

/**
 * A write that is kept whatever happens to the database. Whoever asked has been told so by the time of `later`
 * and `again`: neither may refuse, and both have to mind what was written since.
 */
export interface DurableDefinition<Input, Result> extends WriteDefinition<Input, Result> {
  /** In place of `work` when it comes out of the journal, never made before. Default `work`. */
  readonly later?: (tx: ShopDatabase, input: Input, context: LateContext) => Promise<Result>;
  /**
   * In place of `work` when it may have been made before and was lost with a primary: what it set in motion
   * outside of the database may have happened. Default `later`.
   */
  readonly again?: (tx: ShopDatabase, input: Input, context: LateContext) => Promise<Result>;
}

/** Hides the input's type: a kept write is looked up by its name, and the schema checks what it gets. */
export type AnyDurableDefinition = DurableDefinition<never, unknown>;

/** The same write, by name and id, for when nobody waits for its answer any more. */
export function madeLate<Input, Result>(
  definition: DurableDefinition<Input, Result>,
  how: "later" | "again",
  acknowledgedAt: Date,
): WriteDefinition<Input, Result> {
  const { name, schema, work, later = work } = definition;
  const late = how === "again" ? (definition.again ?? later) : later;
  return {
    name,
    schema,
    work: (tx, input, context) => late(tx, input, { ...context, acknowledgedAt }),
  };
}

const storedWrite = z.object({
  name: z.string(),
  input: z.unknown(),
  /** What people call what it changes, for lists. */
  label: z.string().nullable().default(null),
  /** Whether an attempt to make it may have gone through. */
  attempted: z.boolean().default(false),
});

/** A write as the journal keeps it. */
export type StoredWrite = z.infer<typeof storedWrite>;

export function encodeWrite(write: Partial<StoredWrite> & Pick<StoredWrite, "name" | "input">) {
  return Buffer.from(JSON.stringify(write));
}

export function decodeWrite(body: Buffer): StoredWrite {
  return storedWrite.parse(JSON.parse(body.toString()));
}
