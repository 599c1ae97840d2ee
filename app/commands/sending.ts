import { z } from "zod";
import type { AdminClient } from "../shopify/admin.server.ts";
import { changeWords } from "../words/changes.ts";
import { obstacle, stillChecking, type Obstacle } from "./words.ts";

/** Shopify's moments have whole seconds, and its clock is not ours. */
export const CLOCKS_DIFFER_MS = 5_000;

/** What has to be remembered of a command between attempts, in its own row. */
export const sendingNotes = z.object({
  /** How many keys Shopify has refused for good; the next one differs. */
  keysSpent: z.number().int().default(0),
  /** The order's fulfillments before the first attempt: one that is not among them may be ours. */
  fulfillmentsBefore: z.array(z.number()).optional(),
  /** When each fulfillment order had changed last when it was looked at before it was held. */
  partsBefore: z.record(z.string(), z.string()).optional(),
  /** The holds that are to be released, by fulfillment order, where the command could not name them. */
  holdsBefore: z.record(z.string(), z.array(z.number())).optional(),
  /** The note that a person was told of when theirs had become stale, as a digest. */
  noteSeen: z.string().optional(),
  /** The draft that an order which was taken here has at Shopify; null once it is known to be gone. */
  draft: z.string().nullable().optional(),
  /** When a draft was last asked for, and whether one had been asked for before that may turn up late. */
  creatingAt: z.string().optional(),
  createdAgain: z.boolean().optional(),
  /** When the draft was last to become an order, or its invoice to be sent. */
  finishingAt: z.string().nullable().optional(),
  /** What Shopify made of the command. */
  created: z.string().optional(),
  /** In which of the database's histories it was accepted or last taken on; see `historyOf`. */
  history: z.number().int().optional(),
});
export type SendingNotes = z.infer<typeof sendingNotes>;

/** One attempt at a command. */
export interface Attempt<Input> {
  readonly commandId: string;
  readonly input: Input;
  readonly admin: AdminClient;
  readonly signal: AbortSignal;
  readonly notes: SendingNotes;
  /** Keeps notes for the next attempt; resolves when they are durable. */
  readonly note: (notes: Partial<SendingNotes>) => Promise<void>;
  /** To be called just before what may change something at Shopify: from then on a lost answer is uncertain. */
  readonly sending: () => void;
  /** When it was asked for. */
  readonly acceptedAt: Date;
  /** What Shopify made of other commands of the resource; read only where this one is uncertain. */
  readonly madeByOthers: readonly string[];
  /** When an attempt whose outcome is not known was made; null where there was none. */
  readonly uncertainSince: Date | null;
  /** When the first attempt was made: this one, if there was none before. */
  readonly firstSentAt: Date;
  /** How long a change may be under way at Shopify before it shows, where no key protects it. */
  readonly settleMs: number;
}

/** What a command has changed, to be read again. */
export interface ChangedResource {
  readonly kind: "order" | "inventory_item";
  readonly id: number;
}

/**
 * - `done`: Shopify has it;
 * - `refused`: Shopify does not want it; a person has to decide. `keySpent`: the same key will not do again;
 * - `wait`: not decided yet, to be tried again. `uncertain`: this attempt may have reached Shopify.
 */
export type Outcome =
  | {
      readonly kind: "done";
      readonly created: string | null;
      /** Null where nothing of it is kept here. */
      readonly reread: ChangedResource | null;
    }
  | {
      readonly kind: "refused";
      readonly obstacle: Obstacle;
      readonly keySpent?: boolean;
      /** What has turned out to be other than what is known here. */
      readonly reread?: ChangedResource;
    }
  | { readonly kind: "wait"; readonly obstacle: Obstacle; readonly uncertain: boolean };

/** @throws ShopifyError when Shopify could not be asked. */
export type Sender<Input> = (attempt: Attempt<Input>) => Promise<Outcome>;

/**
 * What to answer while a change whose answer was lost may still take effect, although it cannot be seen yet; null
 * where there is no such change, or where it would show by now.
 */
export function mayStillShow({
  uncertainSince,
  settleMs,
}: Pick<Attempt<unknown>, "uncertainSince" | "settleMs">): Outcome | null {
  if (!uncertainSince || Date.now() - uncertainSince.getTime() >= settleMs) return null;
  // Uncertain since the last attempt, not since this look.
  return { kind: "wait", uncertain: false, obstacle: stillChecking };
}

/** Shopify no longer has what is to be changed. */
export function gone(what: "order" | "part", reread?: ChangedResource): Outcome {
  const message = what === "order" ? changeWords.goneFromShopify : changeWords.parts.gone;
  return { kind: "refused", obstacle: obstacle("gone", message), ...(reread ? { reread } : {}) };
}
