import { BlockStack, Button, InlineStack, Modal, Text, TextField } from "@shopify/polaris";
import { useState, type FormEvent } from "react";
import type { PendingChange, StockConflict } from "../commands/types.ts";
import { readAdjustment } from "../inventory/adjustment-form.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission, type Submission } from "./submission.ts";
import { toast } from "./toast.ts";

/** What to do about a count that Shopify's stock has overtaken. */
export function ConflictActions({
  change,
  conflict,
  onKeep,
}: {
  readonly change: PendingChange;
  readonly conflict: StockConflict;
  readonly onKeep: () => void;
}) {
  const words = useWords();
  const { conflict: says } = words.resilience.changes;
  const [counting, setCounting] = useState(false);
  const submission = useSubmission("/app/resilience", () => {
    setCounting(false);
    toast(says.applied);
  });
  const set = (quantity: number, changeFromQuantity: number | null) => {
    const { inventoryItemId, locationId, reason } = conflict;
    const input = { inventoryItemId, locationId, reason, quantity, changeFromQuantity };
    submission.submit("inventory.set", input, change.subject, change.operationId);
  };
  return (
    <BlockStack gap="200">
      <Text as="p" tone="subdued">
        {says.what(conflict.available, conflict.quantity)}
      </Text>
      {!counting && <SubmissionProblem answer={submission.answer} />}
      <InlineStack gap="200">
        <Button onClick={onKeep}>{says.keep}</Button>
        <Button loading={submission.busy} onClick={() => set(conflict.quantity, null)}>
          {says.apply}
        </Button>
        <Button onClick={() => setCounting(true)}>{says.count}</Button>
      </InlineStack>
      {counting && (
        <Count
          change={change}
          conflict={conflict}
          submission={submission}
          onClose={() => setCounting(false)}
          onCount={(quantity) => set(quantity, conflict.available)}
        />
      )}
    </BlockStack>
  );
}

function Count({
  change,
  conflict,
  submission,
  onClose,
  onCount,
}: {
  readonly change: PendingChange;
  readonly conflict: StockConflict;
  readonly submission: Submission;
  readonly onClose: () => void;
  readonly onCount: (quantity: number) => void;
}) {
  const words = useWords();
  const { conflict: says, edit } = words.resilience.changes;
  const { errors } = words.inventory.editor;
  const [text, setText] = useState("");
  const [tried, setTried] = useState(false);
  const read = readAdjustment({ field: "quantity", text }, conflict.available ?? Number.NaN);
  const save = (event?: FormEvent) => {
    event?.preventDefault();
    setTried(true);
    if (read.problem === null && !submission.busy) onCount(read.quantity);
  };
  return (
    <Modal
      open
      onClose={onClose}
      title={says.count}
      size="small"
      primaryAction={{ content: edit.save, onAction: () => save(), loading: submission.busy }}
      secondaryActions={[{ content: words.common.cancel, onAction: onClose }]}
    >
      <Modal.Section>
        <form onSubmit={save} noValidate>
          <BlockStack gap="300">
            <BlockStack gap="100">
              <Text as="p" fontWeight="medium" breakWord>
                <Name>{change.subject}</Name>
              </Text>
              <Text as="p">{says.what(conflict.available, conflict.quantity)}</Text>
            </BlockStack>
            <TextField
              label={edit.quantity}
              value={text}
              onChange={setText}
              inputMode="numeric"
              autoComplete="off"
              autoFocus
              {...(tried && read.problem ? { error: errors[read.problem] } : {})}
            />
            <SubmissionProblem answer={submission.answer} />
          </BlockStack>
        </form>
      </Modal.Section>
    </Modal>
  );
}
