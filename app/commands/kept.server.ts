import type { WaitingWrite } from "../continuity/durable-writes.ts";
import { submission, SUBMIT, type Submission } from "./asked.server.ts";
import { decision, OVERRIDE } from "./decisions.server.ts";
import { levelStep } from "./expected.server.ts";
import { definitions } from "./kinds.server.ts";
import type { ChangeFilter, PendingChange } from "./types.ts";

/** What was accepted, or decided, and waits for the database on this instance's disk. */
export interface KeptCommands {
  /** In the order in which they were accepted. */
  readonly submitted: readonly {
    readonly change: PendingChange;
    readonly submission: Submission;
  }[];
  /** The changes about which somebody has decided, by their ids. */
  readonly decided: ReadonlySet<string>;
}

/** Finds the commands among a shop's waiting writes. */
export function keptOf(waiting: readonly WaitingWrite[]): KeptCommands {
  const submitted = [];
  const decided = new Set<string>();
  for (const { name, input, label, acknowledgedAt } of waiting) {
    // Of a release that knew other kinds: a person sees to it.
    const asked = name === SUBMIT ? submission.safeParse(input).data : undefined;
    if (asked && definitions[asked.kind].schema.safeParse(asked.input).success) {
      if (asked.replaces) decided.add(asked.replaces);
      submitted.push({ submission: asked, change: keptChange(asked, label, acknowledgedAt) });
    }
    const override = name === OVERRIDE ? decision.safeParse(input).data : undefined;
    if (override) decided.add(override.commandId);
  }
  return { submitted, decided };
}

/** A change as it is shown while it waits for the database. */
export function keptChange(
  { commandId, kind, input }: Submission,
  label: string | null,
  acceptedAt: Date,
): PendingChange {
  const resource = definitions[kind].resource(input);
  return {
    operationId: commandId,
    kind,
    state: "accepted",
    ring: "server",
    subject: label ?? resource,
    acceptedAt,
    settledAt: null,
    problem: null,
    problemCode: null,
    uncertain: false,
    conflict: null,
    attempts: 0,
    resource,
  };
}

/**
 * A list of changes with what is kept, those that need a person first, then the newest. Those about which somebody
 * has decided wait for the database.
 */
export function withKept(
  changes: readonly PendingChange[],
  { submitted, decided }: KeptCommands,
  filter: ChangeFilter,
): PendingChange[] {
  const known = new Set(changes.map(({ operationId }) => operationId));
  const added = ["all", "pending", "unsettled"].includes(filter)
    ? submitted.map(({ change }) => change).filter(({ operationId }) => !known.has(operationId))
    : [];
  const all = [...added.toReversed(), ...changes].map((change) =>
    change.ring !== "done" && decided.has(change.operationId)
      ? { ...change, ring: "server" as const }
      : change,
  );
  const needsPerson = ({ ring }: PendingChange) => ring === "needs-you";
  return [...all.filter(needsPerson), ...all.filter((change) => !needsPerson(change))];
}

/** What a resource shows of its changes: the one that needs a person, else the oldest. */
export function gravestWithKept(
  pending: PendingChange | null,
  resource: string,
  { submitted, decided }: KeptCommands,
): PendingChange | null {
  if (!pending) return submitted.find(({ change }) => change.resource === resource)?.change ?? null;
  return decided.has(pending.operationId) ? { ...pending, ring: "server" } : pending;
}

/** What a level will be once what is kept has arrived too; null where nothing on its way touches it. */
export function expectedWithKept(
  level: {
    readonly locationId: number;
    readonly available: number;
    readonly expected: number | null;
  },
  inventoryItemId: number,
  known: PendingChange | null,
  { submitted }: KeptCommands,
): number | null {
  const steps = submitted
    .filter(({ change }) => change.operationId !== known?.operationId)
    .map(({ submission: { kind, input } }) => levelStep(kind, input))
    .filter((step) => step?.inventoryItemId === inventoryItemId)
    .filter((step) => step?.locationId === level.locationId);
  if (steps.length === 0) return level.expected;
  return steps.reduce(
    (value, step) => step?.apply(value) ?? value,
    level.expected ?? level.available,
  );
}
