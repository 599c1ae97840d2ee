import { operation } from "../operation.ts";
import type { UserError } from "./user-error.ts";

interface Edited {
  readonly userErrors: readonly UserError[];
}

/**
 * Changes an order's note and tags in one request, whichever of them are asked for. Takes no key. Tags are added and
 * removed one by one: `orderUpdate` would overwrite what others have tagged meanwhile.
 */
export const editOrder = operation<
  {
    orderUpdate?: Edited | null;
    tagsAdd?: Edited | null;
    tagsRemove?: Edited | null;
  },
  {
    readonly id: string;
    readonly note: { readonly id: string; readonly note: string };
    readonly changesNote: boolean;
    readonly added: readonly string[];
    readonly addsTags: boolean;
    readonly removed: readonly string[];
    readonly removesTags: boolean;
  }
>(`#graphql
  mutation EditOrder(
    $id: ID!, $note: OrderInput!, $changesNote: Boolean!,
    $added: [String!]!, $addsTags: Boolean!, $removed: [String!]!, $removesTags: Boolean!
  ) {
    orderUpdate(input: $note) @include(if: $changesNote) { userErrors { field message } }
    tagsAdd(id: $id, tags: $added) @include(if: $addsTags) { userErrors { field message } }
    tagsRemove(id: $id, tags: $removed) @include(if: $removesTags) { userErrors { field message } }
  }`);

/** What an edit changes, as it is now. */
export const orderNoteAndTags = operation<{ order: unknown }, { readonly id: string }>(`#graphql
  query OrderNoteAndTags($id: ID!) {
    order(id: $id) { id note tags }
  }`);
