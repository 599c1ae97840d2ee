import { z } from "zod";

/**
 * Where a phase goes on after a restart. Kept as text with the phase:
 *
 * - `clear`: rows of an earlier installation are still to be taken away;
 * - `pages`: the page behind `after` is next; `location` is where stock is being read, `since` holds a
 *   reconciliation to what changed since then;
 * - `bulk`: `roots` objects of the bulk operation's result are stored.
 *
 * `personal: false`: Shopify has refused protected customer data, so orders are read without.
 */
const cursorShape = z.discriminatedUnion("at", [
  z.object({ at: z.literal("clear") }),
  z.object({
    at: z.literal("pages"),
    after: z.string().nullable(),
    location: z.number().optional(),
    since: z.string().optional(),
    personal: z.boolean().optional(),
  }),
  z.object({
    at: z.literal("bulk"),
    id: z.string(),
    roots: z.number(),
    personal: z.boolean().optional(),
  }),
]);

export type PhaseCursor = z.infer<typeof cursorShape>;
export type PagesCursor = Extract<PhaseCursor, { at: "pages" }>;
export type BulkCursor = Extract<PhaseCursor, { at: "bulk" }>;

export function formatCursor(cursor: PhaseCursor): string {
  return JSON.stringify(cursor);
}

/** Null for a phase that has not begun. */
export function parseCursor(text: string | null): PhaseCursor | null {
  return text === null ? null : cursorShape.parse(JSON.parse(text));
}
