import { Banner, BlockStack, Modal, Text, TextField } from "@shopify/polaris";
import { useState, type FormEvent } from "react";
import { LONGEST_REASON, type Choice } from "../commands/overrides.ts";
import type { PendingChange } from "../commands/types.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** Whether a choice is confirmed first: what ends a change is. */
export function needsDialog(choice: Choice): choice is "discard" | "markDone" {
  return choice === "discard" || choice === "markDone";
}

export interface DecisionDialogProps {
  /** What is being asked about; null while nothing is. */
  readonly choice: Choice | null;
  readonly changes: readonly PendingChange[];
  readonly onClose: () => void;
  readonly onDecide: (choice: Choice, reason?: string) => void;
}

/** Says what a choice means for some changes, and asks for a reason where one is needed. */
export function DecisionDialog({ choice, ...rest }: DecisionDialogProps) {
  return choice && needsDialog(choice) ? <Dialog choice={choice} {...rest} /> : null;
}

function Dialog({
  choice,
  changes,
  onClose,
  onDecide,
}: DecisionDialogProps & { readonly choice: "discard" | "markDone" }) {
  const words = useWords();
  const { decide } = words.resilience.changes;
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const [only] = changes.length === 1 ? changes : [];
  const missing = choice === "markDone" && reason.trim() === "";

  const confirm = () => {
    setTried(true);
    if (!missing) onDecide(choice, reason.trim() || undefined);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    confirm();
  };
  return (
    <Modal
      open
      onClose={onClose}
      title={decide.ask[choice](changes.length)}
      size="small"
      primaryAction={{
        content: decide[choice],
        destructive: choice === "discard",
        onAction: confirm,
      }}
      secondaryActions={[{ content: words.common.cancel, onAction: onClose }]}
    >
      <Modal.Section>
        <BlockStack gap="300">
          <BlockStack gap="100">
            {only && (
              <Text as="p" fontWeight="medium" breakWord>
                <Name>{words.change.title[only.kind](only.subject)}</Name>
              </Text>
            )}
            <Text as="p">{decide.consequence[choice](changes.length)}</Text>
          </BlockStack>
          {choice === "discard" && changes.some(({ uncertain }) => uncertain) && (
            <Banner tone="warning">
              <p>{decide.uncertain}</p>
            </Banner>
          )}
          {choice === "markDone" && (
            <form onSubmit={onSubmit} noValidate>
              <TextField
                label={decide.reason}
                helpText={decide.reasonHelp}
                value={reason}
                onChange={setReason}
                maxLength={LONGEST_REASON}
                autoComplete="off"
                autoFocus
                {...(tried && missing ? { error: decide.reasonMissing } : {})}
              />
            </form>
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
