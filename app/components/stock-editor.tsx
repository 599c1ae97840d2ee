import {
  BlockStack,
  Box,
  Button,
  FormLayout,
  Popover,
  PopoverCloseSource,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { useRef, useState, type FormEvent } from "react";
import { readAdjustment, type AdjustmentEntry } from "../inventory/adjustment-form.ts";
import {
  adjustmentReasons,
  type AdjustmentReason,
  type InventoryLevel,
  type InventoryRow,
} from "../inventory/types.ts";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission } from "./submission.ts";
import { toast } from "./toast.ts";

export interface StockEditorProps {
  readonly row: Pick<InventoryRow, "inventoryItemId" | "title" | "variantTitle">;
  readonly level: InventoryLevel;
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly onClose: () => void;
  readonly reason: AdjustmentReason;
  readonly onReason: (reason: AdjustmentReason) => void;
}

/** The available stock at one location: a number that opens into the form that changes it. */
export function StockEditor(props: StockEditorProps) {
  const { row, level, open, onOpen, onClose } = props;
  const words = useWords();
  const format = useFormat();
  const variant = [row.title, row.variantTitle].filter(Boolean).join(", ");
  const { editor } = words.inventory;
  const change =
    level.expected === null || level.expected === level.available
      ? null
      : editor.result(level.available, level.expected);
  const button = useRef<HTMLButtonElement>(null);
  const finish = () => {
    onClose();
    // Whoever counts goes on from where they were.
    button.current?.focus();
  };
  return (
    <Popover
      active={open}
      onClose={(source) => {
        // Polaris would move on to the next number.
        if (source === PopoverCloseSource.EscapeKeypress) finish();
        else onClose();
      }}
      preventFocusOnClose
      autofocusTarget="first-node"
      preferredAlignment="right"
      sectioned
      activator={
        <button
          ref={button}
          type="button"
          className="ek-cell-button"
          aria-expanded={open}
          aria-label={
            change === null
              ? editor.open(variant, level.location, level.available)
              : editor.openExpected(variant, level.location, change)
          }
          onClick={open ? onClose : onOpen}
        >
          {change === null ? (
            format.number(level.available)
          ) : (
            <span className="ek-expected" title={words.change.onItsWay}>
              {change}
            </span>
          )}
        </button>
      }
    >
      <EditorForm {...props} variant={variant} onSaved={finish} />
    </Popover>
  );
}

function EditorForm({
  row,
  level,
  variant,
  reason,
  onReason,
  onSaved,
}: StockEditorProps & { readonly variant: string; readonly onSaved: () => void }) {
  const words = useWords();
  const format = useFormat();
  const { editor, reasons } = words.inventory;
  const current = level.expected ?? level.available;
  const [entry, setEntry] = useState<AdjustmentEntry>({ field: "delta", text: "" });
  const [tried, setTried] = useState(false);
  const read = readAdjustment(entry, current);

  const submission = useSubmission("/app/inventory", (change) => {
    if (read.problem === null) {
      const said = change.ring === "server" ? editor.kept : editor.saved;
      toast(said(variant, format.signed(read.delta)));
    }
    onSaved();
  });

  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (read.problem !== null || submission.busy) return;
    // As lists of changes name it.
    const subject = [row.title, row.variantTitle].filter(Boolean).join(" · ");
    const what = { inventoryItemId: row.inventoryItemId, locationId: level.locationId, reason };
    if (entry.field === "delta") {
      submission.submit("inventory.adjust", { ...what, delta: read.delta }, subject);
    } else {
      const counted = { ...what, quantity: read.quantity, changeFromQuantity: current };
      submission.submit("inventory.set", counted, subject);
    }
  };

  const theirs = submission.answer?.kind === "invalid" ? submission.answer.problems : [];
  const errorOf = (field: AdjustmentEntry["field"]) => {
    if (tried && read.problem && entry.field === field)
      return { error: editor.errors[read.problem] };
    const message = theirs.find((problem) => problem.field === field)?.message;
    return message ? { error: message } : {};
  };
  const shown = (field: AdjustmentEntry["field"]) => {
    if (entry.field === field) return entry.text;
    return read.problem === null ? String(read[field]) : "";
  };

  return (
    <form onSubmit={save} noValidate aria-label={editor.title(level.location)}>
      <Box minWidth="16rem" maxWidth="20rem">
        <BlockStack gap="300">
          <BlockStack gap="050">
            <Text as="h2" variant="headingSm">
              <Name>{editor.title(level.location)}</Name>
            </Text>
            <Text as="p" tone="subdued" breakWord>
              <Name>{variant}</Name>
            </Text>
          </BlockStack>
          <FormLayout>
            <FormLayout.Group condensed>
              <TextField
                label={editor.adjustBy}
                value={shown("delta")}
                onChange={(text) => setEntry({ field: "delta", text })}
                autoComplete="off"
                placeholder="0"
                {...errorOf("delta")}
              />
              <TextField
                label={editor.newQuantity}
                value={shown("quantity")}
                onChange={(text) => setEntry({ field: "quantity", text })}
                autoComplete="off"
                placeholder={String(current)}
                {...errorOf("quantity")}
              />
            </FormLayout.Group>
            <Select
              label={editor.reason}
              options={adjustmentReasons.map((value) => ({ value, label: reasons[value] }))}
              value={reason}
              onChange={(value) => onReason(value as AdjustmentReason)}
            />
          </FormLayout>
          <SubmissionProblem answer={withoutFields(submission.answer)} />
          <Button submit variant="primary" fullWidth loading={submission.busy}>
            {editor.save}
          </Button>
        </BlockStack>
      </Box>
    </form>
  );
}

/** Problems that stand beside their fields need no second mention. */
function withoutFields(answer: ReturnType<typeof useSubmission>["answer"]) {
  if (answer?.kind !== "invalid") return answer;
  const fields: readonly (string | null)[] = ["delta", "quantity"];
  const rest = answer.problems.filter(({ field }) => !fields.includes(field));
  return rest.length > 0
    ? { ...answer, problems: rest.map(({ message }) => ({ field: null, message })) }
    : null;
}
