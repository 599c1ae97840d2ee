import { BlockStack, Button, Checkbox, Modal, Select, Text, TextField } from "@shopify/polaris";
import { useState, type FormEvent } from "react";
import type { ChangeDetail } from "../commands/types.ts";
import { isReplaceable } from "../commands/overrides.ts";
import { adjustmentReasons, type AdjustmentReason } from "../inventory/types.ts";
import { signedWholeNumber, wholeNumber } from "../whole-number.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission, type ChangeAnswer } from "./submission.ts";
import { toast } from "./toast.ts";

/** What the forms of this file read of a change's input; the server checks what comes back. */
interface StockInput {
  readonly delta?: number;
  readonly quantity?: number;
  readonly reason: AdjustmentReason;
}
interface FulfilmentInput {
  readonly fulfillmentOrders: readonly {
    readonly id: number;
    readonly lines: readonly { readonly id: number; readonly quantity: number }[];
  }[];
  readonly tracking: {
    readonly company: string | null;
    readonly number: string;
    readonly url: string | null;
  } | null;
  readonly notifyCustomer: boolean;
}

/** The form in which a change can be asked for anew, if its kind has one and its state allows it. */
export function ChangeEdit({
  change,
  onReplaced,
}: {
  readonly change: ChangeDetail;
  readonly onReplaced: (operationId: string) => void;
}) {
  const words = useWords();
  const { decide, edit } = words.resilience.changes;
  const [open, setOpen] = useState(false);
  const fields = fieldsOf(change);
  if (!fields || !isReplaceable(change)) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>{decide.edit}</Button>
      {open && (
        <EditForm
          change={change}
          initial={fields}
          onClose={() => setOpen(false)}
          onReplaced={(operationId) => {
            setOpen(false);
            toast(edit.saved);
            onReplaced(operationId);
          }}
        />
      )}
    </>
  );
}

/** Entries by the names that problems have. */
type Fields = Readonly<Record<string, string | boolean>>;

function fieldsOf({ kind, input }: ChangeDetail): Fields | null {
  switch (kind) {
    case "inventory.adjust": {
      const { delta, reason } = input as StockInput;
      return { delta: String(delta), reason };
    }
    case "inventory.set": {
      const { quantity, reason } = input as StockInput;
      return { quantity: String(quantity), reason };
    }
    case "order.fulfil": {
      const { fulfillmentOrders, tracking, notifyCustomer } = input as FulfilmentInput;
      const lines = fulfillmentOrders.flatMap((part) => part.lines);
      return {
        ...Object.fromEntries(lines.map(({ id, quantity }) => [`quantity.${id}`, `${quantity}`])),
        company: tracking?.company ?? "",
        number: tracking?.number ?? "",
        url: tracking?.url ?? "",
        notifyCustomer,
      };
    }
    default:
      return null;
  }
}

/** The entries as the change's input. What is no number goes as it is: the server says so next to its field. */
function inputOf({ kind, input }: ChangeDetail, fields: Fields): unknown {
  const text = (name: string) => String(fields[name] ?? "").trim();
  if (kind === "order.fulfil") {
    const { fulfillmentOrders } = input as FulfilmentInput;
    const parts = fulfillmentOrders
      .map(({ id, lines }) => ({
        id,
        lines: lines
          .map((line) => {
            const entered = text(`quantity.${line.id}`);
            return { id: line.id, quantity: wholeNumber(entered) ?? entered };
          })
          .filter(({ quantity }) => quantity !== 0 && quantity !== ""),
      }))
      .filter(({ lines }) => lines.length > 0);
    const tracked = text("number") || text("company") || text("url");
    return {
      ...(input as object),
      fulfillmentOrders: parts,
      tracking: tracked
        ? { company: text("company") || null, number: text("number"), url: text("url") || null }
        : null,
      notifyCustomer: fields["notifyCustomer"],
    };
  }
  const name = kind === "inventory.adjust" ? "delta" : "quantity";
  const entered = text(name);
  const reason = fields["reason"];
  return { ...(input as object), [name]: signedWholeNumber(entered) ?? entered, reason };
}

function EditForm({
  change,
  initial,
  onClose,
  onReplaced,
}: {
  readonly change: ChangeDetail;
  readonly initial: Fields;
  readonly onClose: () => void;
  readonly onReplaced: (operationId: string) => void;
}) {
  const words = useWords();
  const { edit, input: labels } = words.resilience.changes;
  const { tracking, notify } = words.fulfil;
  const [fields, setFields] = useState(initial);
  const submission = useSubmission("/app/resilience", ({ operationId }) => onReplaced(operationId));
  const problems = submission.answer?.kind === "invalid" ? submission.answer.problems : [];

  const set = (name: string) => (value: string | boolean) =>
    setFields((before) => ({ ...before, [name]: value }));
  const field = (name: string, label: string) => {
    const message = problems.find((problem) => problem.field === name)?.message;
    return (
      <TextField
        key={name}
        label={label}
        value={String(fields[name])}
        onChange={set(name)}
        autoComplete="off"
        {...(message ? { error: message } : {})}
      />
    );
  };
  const save = (event?: FormEvent) => {
    event?.preventDefault();
    if (submission.busy) return;
    const { kind, subject, operationId } = change;
    submission.submit(kind, inputOf(change, fields), subject, operationId);
  };
  const lines = Object.keys(fields).filter((name) => name.startsWith("quantity."));
  return (
    <Modal
      open
      onClose={onClose}
      title={edit.title}
      primaryAction={{ content: edit.save, onAction: () => save(), loading: submission.busy }}
      secondaryActions={[{ content: words.common.cancel, onAction: onClose }]}
    >
      <Modal.Section>
        <form onSubmit={save} noValidate>
          <BlockStack gap="300">
            <BlockStack gap="100">
              <Text as="p" fontWeight="medium" breakWord>
                <Name>{words.change.title[change.kind](change.subject)}</Name>
              </Text>
              <Text as="p" tone="subdued">
                {edit.what}
              </Text>
            </BlockStack>
            {"delta" in fields && field("delta", edit.delta)}
            {"quantity" in fields && field("quantity", edit.quantity)}
            {"reason" in fields && (
              <Select
                label={labels.reason}
                options={adjustmentReasons.map((value) => ({
                  value,
                  label: words.inventory.reasons[value],
                }))}
                value={String(fields["reason"])}
                onChange={set("reason")}
              />
            )}
            {lines.map((name) =>
              field(
                name,
                words.fulfil.quantity(
                  change.names[name.replace("quantity", "line").replace(".", "/")] ?? "",
                ),
              ),
            )}
            {"number" in fields && (
              <>
                {field("company", tracking.company)}
                {field("number", tracking.number)}
                {field("url", tracking.url)}
                <Checkbox
                  label={notify}
                  checked={fields["notifyCustomer"] === true}
                  onChange={set("notifyCustomer")}
                />
              </>
            )}
            <SubmissionProblem answer={besideFields(submission.answer, Object.keys(fields))} />
            {/* The dialog's own button lies outside of the form: this one lets Enter send it. */}
            <button type="submit" hidden />
          </BlockStack>
        </form>
      </Modal.Section>
    </Modal>
  );
}

/** Problems that stand beside their fields need no second mention; the others are said about the whole. */
function besideFields(answer: ChangeAnswer | null, fields: readonly string[]): ChangeAnswer | null {
  if (answer?.kind !== "invalid") return answer;
  const rest = answer.problems.filter(({ field }) => field === null || !fields.includes(field));
  return rest.length > 0
    ? { ...answer, problems: rest.map(({ message }) => ({ field: null, message })) }
    : null;
}
