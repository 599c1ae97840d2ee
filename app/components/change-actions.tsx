import { useFetcher } from "@remix-run/react";
import { Button, InlineStack, Modal, Text } from "@shopify/polaris";
import { useEffect, useState } from "react";
import type { PendingChange } from "../commands/types.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { toast } from "./toast.ts";

/** What a person can decide about a change that needs them. */
export type Override = "send-again" | "discard";

/** What became of a decision: `gone` where the change had moved on meanwhile, `kept` where the database will tell. */
export interface OverrideAnswer {
  readonly kind: "done" | "gone" | "kept" | "failed";
  readonly override: Override;
}

/** Sends a change again that Shopify refused, or gives it up. */
export function ChangeActions({
  change,
  listId,
}: {
  readonly change: PendingChange;
  /** The element that the focus goes back to. */
  readonly listId: string;
}) {
  const words = useWords();
  const { decide } = words.resilience.changes;
  const fetcher = useFetcher<OverrideAnswer>();
  const [asking, setAsking] = useState(false);
  const busy = fetcher.state !== "idle";
  const { data } = fetcher;

  useEffect(() => {
    if (!data) return;
    toast(decide[data.kind][data.override], { isError: data.kind === "failed" });
    // The change is about to leave this list, and the buttons with it.
    if (data.kind === "done" || data.kind === "kept") document.getElementById(listId)?.focus();
  }, [data, decide, listId]);

  if (change.ring !== "needs-you") return null;
  const send = (override: Override) => {
    setAsking(false);
    if (busy) return;
    fetcher.submit(
      { override, operationId: change.operationId },
      { method: "post", action: "/app/resilience" },
    );
  };
  return (
    <InlineStack gap="200">
      <Button onClick={() => send("send-again")}>{decide.sendAgain}</Button>
      <Button onClick={() => setAsking(true)} tone="critical">
        {decide.discard}
      </Button>
      <Modal
        open={asking}
        onClose={() => setAsking(false)}
        title={decide.ask}
        size="small"
        primaryAction={{
          content: decide.discard,
          destructive: true,
          onAction: () => send("discard"),
        }}
        secondaryActions={[{ content: words.common.cancel, onAction: () => setAsking(false) }]}
      >
        <Modal.Section>
          <Text as="p" fontWeight="medium" breakWord>
            <Name>{words.change.title[change.kind](change.subject)}</Name>
          </Text>
          <Text as="p">{decide.consequence}</Text>
        </Modal.Section>
      </Modal>
    </InlineStack>
  );
}
