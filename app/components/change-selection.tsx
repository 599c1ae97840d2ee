import { BlockStack, Box, Button, Checkbox, InlineStack } from "@shopify/polaris";
import { useState } from "react";
import { choices, overrideFor, type Choice } from "../commands/overrides.ts";
import type { PendingChange } from "../commands/types.ts";
import { ChangeActions } from "./change-actions.tsx";
import { DecisionDialog, needsDialog } from "./change-decision.tsx";
import { ChangeSummary } from "./change-summary.tsx";
import { useDecisions } from "./decisions.ts";
import { useWords } from "./localisation.tsx";

/** Changes of which some can be chosen, to decide about them together. */
export function ChangeSelection({
  changes,
  listId,
}: {
  readonly changes: readonly PendingChange[];
  /** The element that the focus goes back to once what was chosen has left the list. */
  readonly listId: string;
}) {
  const words = useWords();
  const { changes: says } = words.resilience;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<Choice | null>(null);
  const decisions = useDecisions(() => {
    setChosen(new Set());
    document.getElementById(listId)?.focus();
  });
  const selectable = changes.filter(isOpen);
  // What has left the list is no longer chosen.
  const selected = selectable.filter(({ operationId }) => chosen.has(operationId));
  const decidable = (choice: Choice) =>
    selected.filter(({ state }) => overrideFor(choice, state) !== null);
  const choose = (choice: Choice) =>
    needsDialog(choice) ? setAsking(choice) : decisions.decide(choice, selected);

  return (
    <BlockStack gap="200">
      {selectable.length > 0 && (
        <div className="ek-selection">
          <Checkbox
            label={
              selected.length > 0
                ? says.selected(selected.length)
                : says.selectAll(selectable.length)
            }
            checked={
              selected.length === 0
                ? false
                : selected.length === selectable.length || "indeterminate"
            }
            onChange={(all) =>
              setChosen(new Set(all ? selectable.map(({ operationId }) => operationId) : []))
            }
          />
          {selected.length > 0 && (
            <InlineStack gap="200">
              {choices.map((choice) => (
                <Button
                  key={choice}
                  size="slim"
                  disabled={decidable(choice).length === 0 || decisions.busy}
                  onClick={() => choose(choice)}
                  {...(choice === "discard" ? { tone: "critical" as const } : {})}
                >
                  {says.decide.bulk[choice]}
                </Button>
              ))}
            </InlineStack>
          )}
        </div>
      )}
      <ul className="ek-list ek-divided">
        {changes.map((change) => (
          <li key={change.operationId}>
            <Item
              change={change}
              listId={listId}
              chosen={chosen.has(change.operationId)}
              onChoose={(on) =>
                setChosen((before) => {
                  const after = new Set(before);
                  if (on) after.add(change.operationId);
                  else after.delete(change.operationId);
                  return after;
                })
              }
            />
          </li>
        ))}
      </ul>
      <DecisionDialog
        choice={asking}
        changes={asking ? decidable(asking) : []}
        onClose={() => setAsking(null)}
        onDecide={(choice, reason) => {
          setAsking(null);
          decisions.decide(choice, selected, reason);
        }}
      />
    </BlockStack>
  );
}

/** Whether anything can be decided about it: it is neither over, nor on its way into the database. */
function isOpen({ ring, state }: PendingChange): boolean {
  return ring !== "done" && ring !== "device" && (ring !== "server" || state === "held");
}

function Item({
  change,
  listId,
  chosen,
  onChoose,
}: {
  readonly change: PendingChange;
  readonly listId: string;
  readonly chosen: boolean;
  readonly onChoose: (chosen: boolean) => void;
}) {
  const title = useWords().change.title[change.kind](change.subject);
  return (
    <InlineStack gap="200" wrap={false} blockAlign="start">
      {isOpen(change) && (
        <Checkbox label={title} labelHidden checked={chosen} onChange={onChoose} />
      )}
      <Box width="100%" minWidth="0">
        <ChangeSummary change={change} address={`/app/changes/${change.operationId}`}>
          <ChangeActions change={change} listId={listId} />
        </ChangeSummary>
      </Box>
    </InlineStack>
  );
}
