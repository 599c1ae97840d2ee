import { Button, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import { choices, overrideFor, type Choice } from "../commands/overrides.ts";
import type { PendingChange } from "../commands/types.ts";
import { ConflictActions } from "./change-conflict.tsx";
import { DecisionDialog, needsDialog } from "./change-decision.tsx";
import { useDecisions } from "./decisions.ts";
import { useWords } from "./localisation.tsx";

/**
 * What a person can decide about a change: in a list only where it needs them, on its own page whatever its state
 * allows.
 */
export function ChangeActions({
  change,
  listId,
  all = false,
}: {
  readonly change: PendingChange;
  /** The element that the focus goes back to once the change has left the list. */
  readonly listId: string;
  readonly all?: boolean;
}) {
  const words = useWords();
  const { decide } = words.resilience.changes;
  const [asking, setAsking] = useState<Choice | null>(null);
  const decisions = useDecisions(() => document.getElementById(listId)?.focus());

  if (change.ring === "server" && change.state !== "held") return null;
  if (all && change.state === "sending") {
    return (
      <Text as="p" tone="subdued">
        {decide.sending}
      </Text>
    );
  }
  if (!all && change.ring !== "needs-you") return null;
  const choose = (choice: Choice) =>
    needsDialog(choice) ? setAsking(choice) : decisions.decide(choice, [change]);
  const offered = choices.filter(
    (choice) =>
      overrideFor(choice, change.state) !== null &&
      (all || choice === "send" || choice === "discard") &&
      // A count that was overtaken has words of its own for these.
      !(change.conflict && (choice === "send" || choice === "discard")),
  );
  const label = (choice: Choice) =>
    choice === "send" ? (decide.send[change.state] ?? decide.bulk.send) : decide[choice];
  return (
    <InlineStack gap="200">
      {change.conflict && (
        <ConflictActions
          change={change}
          conflict={change.conflict}
          onKeep={() => choose("discard")}
        />
      )}
      <InlineStack gap="200">
        {offered.map((choice) => (
          <Button
            key={choice}
            onClick={() => choose(choice)}
            disabled={decisions.busy}
            {...(choice === "discard" ? { tone: "critical" as const } : {})}
          >
            {label(choice)}
          </Button>
        ))}
      </InlineStack>
      <DecisionDialog
        choice={asking}
        changes={[change]}
        onClose={() => setAsking(null)}
        onDecide={(choice, reason) => {
          setAsking(null);
          decisions.decide(choice, [change], reason);
        }}
      />
    </InlineStack>
  );
}
