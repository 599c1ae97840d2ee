import { BlockStack, Button, InlineError, Modal, Select, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { holdReasons, type FulfillmentOrder, type OrderDetail } from "../orders/types.ts";
import { useWords } from "./localisation.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission, type ChangeAnswer } from "./submission.ts";
import { toast } from "./toast.ts";

const problemOf = (answer: ChangeAnswer | null, field: string) =>
  answer?.kind === "invalid"
    ? answer.problems.find((problem) => problem.field === field)?.message
    : undefined;

interface PartProps {
  readonly order: OrderDetail;
  readonly part: FulfillmentOrder;
}

/** Puts what one location still has to send on hold, for a reason. */
export function HoldButton({ order, part }: PartProps) {
  const words = useWords();
  const { hold } = words.order;
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState<string>(holdReasons[0]);
  const [notes, setNotes] = useState("");
  const submission = useSubmission(`/app/orders/${order.id}`, ({ ring }) => {
    setOpen(false);
    setNotes("");
    toast((ring === "server" ? hold.kept : hold.accepted)(order.name));
  });
  const send = () => {
    if (submission.busy) return;
    const input = {
      orderId: order.id,
      fulfillmentOrderIds: [part.id],
      reason,
      notes: notes.trim() || null,
    };
    submission.submit("order.hold", input, order.name);
  };
  const aboutPart = problemOf(submission.answer, "parts");
  const aboutNotes = problemOf(submission.answer, "notes");
  return (
    <>
      <Button onClick={() => setOpen(true)}>{hold.action}</Button>
      <Modal
        open={open}
        onClose={() => setOpen(false)}
        title={hold.title}
        size="small"
        primaryAction={{ content: hold.submit, onAction: send, loading: submission.busy }}
        secondaryActions={[{ content: words.common.cancel, onAction: () => setOpen(false) }]}
      >
        <Modal.Section>
          <BlockStack gap="400">
            <Text as="p">{hold.what}</Text>
            {!aboutPart && !aboutNotes && <SubmissionProblem answer={submission.answer} />}
            <Select
              label={hold.reason}
              options={holdReasons.map((value) => ({ value, label: hold.reasons[value] }))}
              value={reason}
              onChange={setReason}
              {...(aboutPart ? { error: aboutPart } : {})}
            />
            <TextField
              label={hold.notes}
              value={notes}
              onChange={setNotes}
              multiline={2}
              autoComplete="off"
              {...(aboutNotes ? { error: aboutNotes } : {})}
            />
          </BlockStack>
        </Modal.Section>
      </Modal>
    </>
  );
}

/** Releases the holds that are in sight: it can be held again, so nobody is asked twice. */
export function ReleaseButton({ order, part }: PartProps) {
  const { release } = useWords().order;
  const submission = useSubmission(`/app/orders/${order.id}`, ({ ring }) =>
    toast((ring === "server" ? release.kept : release.accepted)(order.name)),
  );
  const known = part.holds.flatMap(({ id }) => id ?? []);
  const holdIds = known.length > 0 && known.length === part.holds.length ? known : null;
  const aboutPart = problemOf(submission.answer, "parts");
  return (
    <BlockStack gap="200" inlineAlign="end">
      <Button
        loading={submission.busy}
        onClick={() =>
          submission.submit(
            "order.release",
            { orderId: order.id, fulfillmentOrders: [{ id: part.id, holdIds }] },
            order.name,
          )
        }
      >
        {release.action}
      </Button>
      {aboutPart ? (
        <InlineError message={aboutPart} fieldID={`release-${part.id}`} />
      ) : (
        <SubmissionProblem answer={submission.answer} />
      )}
    </BlockStack>
  );
}
