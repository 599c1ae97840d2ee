import { BlockStack, Button, Modal, Text } from "@shopify/polaris";
import { useState } from "react";
import type { Fulfillment, OrderDetail } from "../orders/types.ts";
import { useWords } from "./localisation.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission } from "./submission.ts";
import { toast } from "./toast.ts";

/** Takes a fulfillment back, after asking. */
export function CancelFulfilment({
  order,
  fulfillment,
}: {
  readonly order: OrderDetail;
  readonly fulfillment: Fulfillment;
}) {
  const words = useWords();
  const cancel = words.order.cancelFulfilment;
  const [open, setOpen] = useState(false);
  const name = fulfillment.name ?? order.name;
  const submission = useSubmission(`/app/orders/${order.id}`, ({ ring }) => {
    setOpen(false);
    toast((ring === "server" ? cancel.kept : cancel.accepted)(name));
  });
  const send = () => {
    if (submission.busy) return;
    const input = { orderId: order.id, fulfillmentId: fulfillment.id };
    submission.submit("order.cancel-fulfilment", input, order.name);
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>{cancel.action}</Button>
      <Modal
        open={open}
        onClose={() => setOpen(false)}
        title={cancel.ask(name)}
        size="small"
        primaryAction={{
          content: cancel.action,
          destructive: true,
          onAction: send,
          loading: submission.busy,
        }}
        secondaryActions={[{ content: cancel.keep, onAction: () => setOpen(false) }]}
      >
        <Modal.Section>
          <BlockStack gap="300">
            <SubmissionProblem answer={submission.answer} />
            <Text as="p">{cancel.consequence}</Text>
          </BlockStack>
        </Modal.Section>
      </Modal>
    </>
  );
}
