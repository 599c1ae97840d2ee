import type { CommandState } from "./types.ts";

/**
 * What a person may decide about a change:
 *
 * - `sendNow`: it is tried at once, whatever pause it was in;
 * - `sendAgain`: it is tried again although it was refused;
 * - `hold`, `release`: it waits here, and everything behind it, until it is released;
 * - `discard`: it is given up; `markDone`: somebody has done it elsewhere.
 */
export const overrides = [
  "sendNow",
  "sendAgain",
  "hold",
  "release",
  "discard",
  "markDone",
] as const;
export type Override = (typeof overrides)[number];

/** A person's part in a change's story; `edited` and `replaced` name the other change in their detail. */
export type StoryAction = Override | "edited" | "replaced";

/**
 * In which states each can be decided. What is being sent at this moment is nobody's to decide about: whatever
 * is said, Shopify may take it.
 */
export const overridableIn = {
  sendNow: ["accepted", "unknown"],
  sendAgain: ["failed"],
  hold: ["accepted", "unknown"],
  release: ["held"],
  discard: ["accepted", "unknown", "failed", "held"],
  markDone: ["accepted", "unknown", "failed", "held"],
} as const satisfies Record<Override, readonly CommandState[]>;

/** What may be asked for anew, with other entries. */
export const replaceableIn = ["failed", "held"] as const satisfies readonly CommandState[];

/** The longest reason that is kept with a decision. */
export const LONGEST_REASON = 500;

/** What can be decided about a change just now, in the order in which it is offered. */
export function overridesOf(state: CommandState): readonly Override[] {
  return overrides.filter((override) =>
    (overridableIn[override] as readonly CommandState[]).includes(state),
  );
}

/** Whether a change may be edited and sent as a new one: not while Shopify may have it already. */
export function isReplaceable({
  state,
  uncertain,
}: {
  readonly state: CommandState;
  readonly uncertain: boolean;
}): boolean {
  return (replaceableIn as readonly CommandState[]).includes(state) && !uncertain;
}

/** What a person chooses; which decision it is follows from where the change stands. */
export const choices = ["send", "hold", "discard", "markDone"] as const;
export type Choice = (typeof choices)[number];

/** The decision that a choice means for a change; null where it cannot be chosen now. */
export function overrideFor(choice: Choice, state: CommandState): Override | null {
  const meant: readonly Override[] =
    choice === "send" ? ["sendNow", "sendAgain", "release"] : [choice];
  return overridesOf(state).find((override) => meant.includes(override)) ?? null;
}
