import { createHash } from "node:crypto";
import { z } from "zod";
import { sameTag, tagsWithout, tidyNote } from "../orders/note-and-tags.ts";
import { optionalText, tagList } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import { editOrder, orderNoteAndTags } from "../shopify/operations/order-changes.ts";
import type { UserError } from "../shopify/operations/user-error.ts";
import { changeWords } from "../words/changes.ts";
import type { EditInput } from "./inputs-order.ts";
import { gone, mayStillShow, type Sender } from "./sending.ts";
import { NOTE_CHANGED, obstacle, refusal } from "./words.ts";

const noteAndTags = z.object({ note: optionalText, tags: tagList });

/**
 * Shopify takes no key for a note or for tags, but both can be read: whatever is there already is not sent again.
 *
 * - Tags are added to and removed from those that are there, so what others tag meanwhile stays.
 * - A note replaces the one that it was based on. Where another one is there, a person decides; when they send the
 *   change again, it replaces the one that they were told of.
 *
 * After a lost answer it is looked until a change that is applied late would show.
 */
export const edit: Sender<EditInput> = async (attempt) => {
  const { admin, input, notes, signal } = attempt;
  const id = globalId("Order", input.orderId);
  const reread = { kind: "order", id: input.orderId } as const;
  const { order } = await admin.request(orderNoteAndTags, { id }, { signal });
  if (!order) return gone("order");

  const now = noteAndTags.parse(order);
  const added = tagsWithout(input.addTags, now.tags);
  const removed = input.removeTags.filter((tag) => now.tags.some((other) => sameTag(tag, other)));
  const there = tidyNote(now.note);
  const changesNote = input.note !== null && tidyNote(input.note.value) !== there;
  if (!changesNote && added.length + removed.length === 0) {
    return { kind: "done", created: null, reread };
  }
  const wait = mayStillShow(attempt);
  if (wait) return wait;

  const seen = digest(there);
  const noteFits =
    input.note !== null && (tidyNote(input.note.basedOn) === there || notes.noteSeen === seen);
  const sendsNote = changesNote && noteFits;
  // Tags go in any case: they are right whatever became of the note.
  if (sendsNote || added.length + removed.length > 0) {
    // What is done after the job was taken away might be done twice.
    signal.throwIfAborted();
    attempt.sending();
    const answer = await admin.request(
      editOrder,
      {
        id,
        note: { id, note: (sendsNote && tidyNote(input.note?.value ?? null)) || "" },
        changesNote: sendsNote,
        added,
        addsTags: added.length > 0,
        removed,
        removesTags: removed.length > 0,
      },
      { signal },
    );
    const error = firstError(answer);
    if (error) return { kind: "refused", obstacle: refusal(error), reread };
  }
  if (changesNote && !noteFits) {
    await attempt.note({ noteSeen: seen });
    return {
      kind: "refused",
      obstacle: obstacle(NOTE_CHANGED, changeWords.note.changed, "note"),
      reread,
    };
  }
  return { kind: "done", created: null, reread };
};

interface Edited {
  readonly userErrors: readonly UserError[];
}

/** The first complaint, about the entry that people know it by. */
function firstError(answer: {
  readonly orderUpdate?: Edited | null;
  readonly tagsAdd?: Edited | null;
  readonly tagsRemove?: Edited | null;
}): UserError | null {
  const [ofNote] = answer.orderUpdate?.userErrors ?? [];
  if (ofNote) return { ...ofNote, field: ["note"] };
  const [ofTags] = [answer.tagsAdd, answer.tagsRemove].flatMap((one) => one?.userErrors ?? []);
  return ofTags ? { ...ofTags, field: ["tags"] } : null;
}

/** Tells two notes apart without keeping what they say. */
function digest(note: string | null): string {
  return createHash("sha256")
    .update(note ?? "")
    .digest("base64url");
}
