import { z } from "zod";
import type { Commands, Decided } from "../commands/commands.server.ts";
import { choices, LONGEST_REASON, overrides, type Choice } from "../commands/overrides.ts";
import type { DecisionAnswer } from "../components/decisions.ts";
import type { Merchant } from "../shopify/sign-in.server.ts";

/** As many as a list shows. */
const MOST = 200;
const AT_ONCE = 5;

const request = z
  .object({
    choice: z.enum(choices),
    decisions: z
      .array(z.object({ commandId: z.uuid(), action: z.enum(overrides) }))
      .min(1)
      .max(MOST),
    reason: z.string().trim().max(LONGEST_REASON).optional(),
  })
  .refine(({ choice, reason }) => choice !== "markDone" || Boolean(reason));

/**
 * Does what the person who is signed in has decided about one or many changes, each by itself: what can no longer be
 * decided about one of them is no reason against the others.
 */
export async function decideChanges(
  commands: Pick<Commands, "decide">,
  { shop, user }: Pick<Merchant, "shop" | "user">,
  body: unknown,
): Promise<DecisionAnswer> {
  const asked = request.safeParse(body);
  if (!asked.success) return { kind: "failed", choice: choiceOf(body) };
  const { choice, decisions, reason } = asked.data;
  const counts: Record<Decided, number> = { done: 0, gone: 0, sending: 0, kept: 0 };
  const waiting = decisions.values();
  const work = async () => {
    for (const { commandId, action } of waiting) {
      const decision = { commandId, action, by: user, ...(reason ? { reason } : {}) };
      counts[await commands.decide(shop, decision)]++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { kind: "decided", choice, counts };
}

function choiceOf(body: unknown): Choice {
  const { choice } = Object(body) as { choice?: unknown };
  return choices.find((known) => known === choice) ?? "send";
}
