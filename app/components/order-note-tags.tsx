import {
  BlockStack,
  Button,
  Card,
  Form,
  InlineStack,
  Tag,
  Text,
  TextField,
} from "@shopify/polaris";
import { useEffect, useState } from "react";
import { LONGEST_TAG, tagsIn, tagsWithout, tidyNote } from "../orders/note-and-tags.ts";
import type { OrderDetail } from "../orders/types.ts";
import { useDecisions } from "./decisions.ts";
import { useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { SaveBar } from "./save-bar.tsx";
import { SubmissionProblem } from "./submission-problem.tsx";
import { useSubmission } from "./submission.ts";
import { toast } from "./toast.ts";

interface Edits {
  /** With what it was when somebody began to edit it. */
  readonly note: { readonly value: string; readonly basedOn: string | null } | null;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const untouched: Edits = { note: null, added: [], removed: [] };

/** An order's note and tags, edited in place and saved together by the admin's bar. */
export function NoteAndTags({ order }: { readonly order: OrderDetail }) {
  const words = useWords();
  const { edit } = words.order;
  const [edits, setEdits] = useState(untouched);
  const [typed, setTyped] = useState("");
  const [tooLong, setTooLong] = useState(false);
  const submission = useSubmission(`/app/orders/${order.id}`, ({ ring }) =>
    toast(ring === "server" ? edit.kept : edit.accepted),
  );

  const { busy, answer } = submission;
  const note = order.expected.note ? order.expected.note.value : order.note;
  const tags = order.expected.tags ?? order.tags;
  const shownTags = [...tagsWithout(tags, edits.removed), ...edits.added];
  const changed = edits.note !== null || edits.added.length + edits.removed.length > 0;
  const problemOf = (field: string) =>
    answer?.kind === "invalid"
      ? answer.problems.find((problem) => problem.field === field)?.message
      : undefined;
  const noteProblem = edits.note ? problemOf("note") : undefined;
  const tagProblem = tooLong ? edit.tagTooLong(LONGEST_TAG) : problemOf("tags");

  useEffect(() => {
    // What was saved stays in sight until the page knows of it.
    if (answer?.kind === "accepted") setEdits(untouched);
    // They have been told of the note that is there now: saving again replaces that one.
    if (answer?.kind === "invalid") {
      setEdits((known) =>
        known.note ? { ...known, note: { ...known.note, basedOn: note } } : known,
      );
    }
  }, [answer, note]);

  const writeNote = (value: string) => {
    const same = tidyNote(value) === tidyNote(note);
    setEdits({ ...edits, note: same ? null : { value, basedOn: edits.note?.basedOn ?? note } });
  };
  const addTags = () => {
    const entered = tagsIn(typed);
    setTooLong(entered.some((tag) => tag.length > LONGEST_TAG));
    if (entered.some((tag) => tag.length > LONGEST_TAG)) return;
    const back = edits.removed.filter((tag) => tagsWithout([tag], entered).length === 0);
    setEdits({
      ...edits,
      removed: tagsWithout(edits.removed, back),
      added: [...edits.added, ...tagsWithout(entered, [...tags, ...edits.added])],
    });
    setTyped("");
  };
  const removeTag = (tag: string) =>
    setEdits({
      ...edits,
      added: tagsWithout(edits.added, [tag]),
      removed: tagsWithout([tag], tags).length === 0 ? [...edits.removed, tag] : edits.removed,
    });
  const save = () => {
    if (busy || !changed) return;
    submission.submit(
      "order.edit",
      {
        orderId: order.id,
        note: edits.note,
        addTags: edits.added,
        removeTags: edits.removed,
      },
      order.name,
    );
  };

  return (
    <Card>
      <SaveBar
        open={changed}
        saving={busy}
        onSave={save}
        onDiscard={() => {
          setEdits(untouched);
          setTyped("");
          setTooLong(false);
        }}
      />
      <BlockStack gap="400">
        {answer && answer.kind !== "accepted" && !noteProblem && !tagProblem && changed && (
          <SubmissionProblem answer={answer} />
        )}
        <BlockStack gap="200">
          <TextField
            label={
              <Text as="span" variant="headingSm">
                {words.order.sections.note}
              </Text>
            }
            value={edits.note?.value ?? note ?? ""}
            onChange={writeNote}
            placeholder={words.order.noNote}
            multiline={2}
            maxHeight="16rem"
            autoComplete="off"
            readOnly={busy}
            {...(noteProblem ? { error: noteProblem } : {})}
          />
          {noteProblem && (
            <Text as="p" breakWord>
              {edit.thereNow} <Name>{note ?? words.order.noNote}</Name>
            </Text>
          )}
          {order.expected.note && !edits.note && <OnItsWay />}
          <NoteConflict order={order} />
        </BlockStack>
        <BlockStack gap="200">
          <Form onSubmit={addTags}>
            <TextField
              label={
                <Text as="span" variant="headingSm">
                  {words.order.sections.tags}
                </Text>
              }
              value={typed}
              onChange={(value) => {
                setTyped(value);
                setTooLong(false);
              }}
              placeholder={edit.addTag}
              autoComplete="off"
              readOnly={busy}
              {...(tagProblem ? { error: tagProblem } : {})}
              connectedRight={
                <Button submit disabled={tagsIn(typed).length === 0}>
                  {edit.add}
                </Button>
              }
            />
          </Form>
          {shownTags.length > 0 && (
            <InlineStack gap="100">
              {shownTags.map((tag) => (
                <Tag key={tag} onRemove={() => removeTag(tag)} disabled={busy}>
                  {tag}
                </Tag>
              ))}
            </InlineStack>
          )}
          {order.expected.tags && <OnItsWay />}
        </BlockStack>
      </BlockStack>
    </Card>
  );
}

/** Says of what stands above that Shopify does not have it yet. */
export function OnItsWay() {
  const words = useWords();
  return (
    <Text as="p" tone="subdued" variant="bodySm">
      {words.change.onItsWay}
    </Text>
  );
}

/** A note that another one has overtaken in Shopify: a person chooses between the two. */
function NoteConflict({ order }: { readonly order: OrderDetail }) {
  const words = useWords();
  const { conflict } = words.order.edit;
  const decisions = useDecisions(() => {});
  const { noteConflict } = order;
  const change = order.timeline.find(
    (entry) => entry.change?.operationId === noteConflict?.operationId,
  )?.change;
  if (!noteConflict || !change) return null;
  return (
    <BlockStack gap="200">
      <Text as="p" fontWeight="medium">
        {conflict.title}
      </Text>
      <Text as="p" breakWord>
        {conflict.yours} <Name>{noteConflict.note ?? words.order.noNote}</Name>
      </Text>
      <InlineStack gap="200">
        <Button disabled={decisions.busy} onClick={() => decisions.decide("discard", [change])}>
          {conflict.keepTheirs}
        </Button>
        <Button disabled={decisions.busy} onClick={() => decisions.decide("send", [change])}>
          {conflict.useMine}
        </Button>
      </InlineStack>
    </BlockStack>
  );
}
