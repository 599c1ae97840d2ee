import { setTimeout as wait } from "node:timers/promises";
import {
  BulkResultError,
  bulkRoots,
  bulkState,
  startBulkQuery,
  type BulkShape,
  type BulkState,
} from "../../shopify/bulk.server.ts";
import type { Operation } from "../../shopify/operation.ts";
import type { BulkCursor, PagesCursor, PhaseCursor } from "../cursor.ts";
import type { Batch } from "../runs.server.ts";
import { nothing, type Phase, type PhaseContext, type PhaseStep, type PhaseWait } from "./phase.ts";

/** All resources of one kind, which can be had in a bulk operation or page by page. */
export interface Listing {
  /** How many there are, and whether that is exact. */
  readonly count: (context: PhaseContext) => Promise<{ count: number; exact: boolean }>;
  readonly bulk: {
    readonly query: (options: {
      readonly personal: boolean;
    }) => Operation<unknown, Record<string, never>>;
    /** Whether it asks for protected customer data, and so can be asked for again without. */
    readonly personal: boolean;
    readonly shape: BulkShape;
    /** How many root objects go into one step. */
    readonly perStep: number;
    readonly toBatch: (
      context: PhaseContext,
      roots: readonly unknown[],
      options: { readonly personal: boolean },
    ) => Promise<Batch>;
  };
  readonly pages: (context: PhaseContext, cursor: PagesCursor) => AsyncGenerator<PhaseStep, void>;
}

/** Bulk operations take from a second to hours, so the first looks come soon, and later ones seldom. */
const FIRST_POLL_MS = 100;
const MAX_POLL_MS = 10_000;
/** So long a job waits for one itself before it makes room for others. */
const WAIT_IN_PLACE_MS = 5_000;
const fromTheStart: PagesCursor = { at: "pages", after: null };

/**
 * Goes through a listing: in a bulk operation for the import of a shop that is large enough for it, page by
 * page otherwise, and wherever the bulk operation is refused, fails or gives something unexpected.
 */
export function phaseOf(listing: Listing): Phase {
  return async function* (context, cursor) {
    let at = cursor;
    let total: number | undefined;
    if (at === null) {
      const { count, exact } = await listing.count(context);
      if (exact) total = count;
      if (context.kind === "import" && count >= context.bulkFrom) {
        at = await start(listing, context, { personal: context.mayAskForPeople() });
      }
      at ??= fromTheStart;
      yield { kind: "step", batch: nothing, next: at, add: 0, ...(total ? { total } : {}) };
    }
    if (at.at === "bulk") {
      const left: PhaseCursor | null = yield* throughBulk(listing, context, at);
      if (left?.at !== "pages") return;
      at = left;
    }
    if (at.at === "pages") yield* listing.pages(context, at);
  };
}

async function start(
  { bulk }: Listing,
  context: PhaseContext,
  options: { readonly personal: boolean },
): Promise<BulkCursor | null> {
  const started = await startBulkQuery(context.admin, bulk.query(options));
  if (started.kind === "started") {
    return { at: "bulk", id: started.id, roots: 0, personal: options.personal };
  }
  context.bulkRefused(
    started.kind === "refused"
      ? started.reason
      : "Too many bulk operations of the shop run already.",
  );
  return null;
}

/** Where a bulk operation stands, once it has ended or has taken a while. */
async function awaitBulk({ admin, signal }: PhaseContext, id: string): Promise<BulkState> {
  let pollMs = FIRST_POLL_MS;
  for (let waitedMs = 0; ; waitedMs += pollMs, pollMs = Math.min(MAX_POLL_MS, pollMs * 2)) {
    const state = await bulkState(admin, id);
    if (state.kind !== "running" || waitedMs + pollMs > WAIT_IN_PLACE_MS) return state;
    await wait(pollMs, undefined, { signal });
  }
}

/** @returns Where to go on page by page; null where there is nothing left to do for now. */
async function* throughBulk(
  listing: Listing,
  context: PhaseContext,
  at: BulkCursor,
): AsyncGenerator<PhaseStep | PhaseWait, PagesCursor | null> {
  const state = await awaitBulk(context, at.id);
  switch (state.kind) {
    case "running":
      yield { kind: "wait", waitMs: MAX_POLL_MS };
      return null;
    case "refused":
      if (listing.bulk.personal && at.personal !== false) {
        context.peopleRefused(state.reason);
        const next = await start(listing, context, { personal: false });
        if (next) {
          yield { kind: "step", batch: nothing, next, add: 0, again: true };
          return yield* throughBulk(listing, context, next);
        }
      }
      context.bulkRefused(state.reason);
      break;
    case "failed":
      context.bulkRefused(state.reason);
      break;
    case "done":
      try {
        yield* throughResult(listing, context, at, state);
        return null;
      } catch (error) {
        if (!(error instanceof BulkResultError)) throw error;
        context.bulkRefused(error.message);
      }
  }
  const next: PagesCursor =
    at.personal === undefined ? fromTheStart : { ...fromTheStart, personal: at.personal };
  yield { kind: "step", batch: nothing, next, add: 0, again: true };
  return next;
}

async function* throughResult(
  { bulk }: Listing,
  context: PhaseContext,
  at: BulkCursor,
  { url, roots: total }: { readonly url: string | null; readonly roots: number },
): AsyncGenerator<PhaseStep, void> {
  let done = at.roots;
  const store = async (
    nodes: readonly unknown[],
    next: PhaseCursor | null,
  ): Promise<PhaseStep> => ({
    kind: "step",
    batch:
      nodes.length === 0
        ? nothing
        : await bulk.toBatch(context, nodes, { personal: at.personal !== false }),
    next,
    add: nodes.length,
    total,
  });
  let nodes: unknown[] = [];
  if (url !== null) {
    const file = await context.admin.download(url);
    for await (const root of bulkRoots(file, bulk.shape, { skip: at.roots })) {
      nodes.push(root);
      if (nodes.length < bulk.perStep) continue;
      done += nodes.length;
      yield await store(nodes, { ...at, roots: done });
      nodes = [];
    }
  }
  yield await store(nodes, null);
}
