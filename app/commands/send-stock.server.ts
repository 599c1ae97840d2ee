import { globalId } from "../shopify/ids.ts";
import { adjustQuantities, setQuantities } from "../shopify/operations/stock-changes.ts";
import type { UserError } from "../shopify/operations/user-error.ts";
import type { AdjustInput, SetInput } from "./inputs-stock.ts";
import type { Attempt, Outcome, Sender } from "./sending.ts";
import { refusal, unknowable } from "./words.ts";

/** Shopify forgets keys after 24 hours; an hour is left for clocks and for what is under way. */
const KEY_LIFETIME_MS = 23 * 3_600_000;

export const adjustStock: Sender<AdjustInput> = (attempt) =>
  withKey(attempt, async (idempotencyKey) => {
    const { inventoryItemId, locationId, delta, reason } = attempt.input;
    const { inventoryAdjustQuantities: answer } = await attempt.admin.request(
      adjustQuantities,
      {
        idempotencyKey,
        input: {
          ...common(attempt.commandId, reason),
          changes: [
            {
              inventoryItemId: globalId("InventoryItem", inventoryItemId),
              locationId: globalId("Location", locationId),
              delta,
              // A difference is right whatever is there.
              changeFromQuantity: null,
            },
          ],
        },
      },
      { signal: attempt.signal },
    );
    return answer;
  });

export const setStock: Sender<SetInput> = (attempt) =>
  withKey(attempt, async (idempotencyKey) => {
    const { inventoryItemId, locationId, quantity, changeFromQuantity, reason } = attempt.input;
    const { inventorySetQuantities: answer } = await attempt.admin.request(
      setQuantities,
      {
        idempotencyKey,
        input: {
          ...common(attempt.commandId, reason),
          quantities: [
            {
              inventoryItemId: globalId("InventoryItem", inventoryItemId),
              locationId: globalId("Location", locationId),
              quantity,
              changeFromQuantity,
            },
          ],
        },
      },
      { signal: attempt.signal },
    );
    return answer;
  });

function common(commandId: string, reason: string) {
  return {
    name: "available",
    reason,
    // So that the change can be found from Shopify's inventory history.
    referenceDocumentUri: `gid://evenkeel/Command/${commandId}`,
  } as const;
}

interface Answer {
  readonly inventoryAdjustmentGroup: { readonly id: string } | null;
  readonly userErrors: readonly UserError[];
}

/** The key derives from the operation id, so that whichever process sends the command again uses the same. */
export function idempotencyKey(commandId: string, keysSpent: number): string {
  return keysSpent === 0 ? commandId : `${commandId}-${keysSpent}`;
}

/** Sends under the command's key, and makes an outcome of the answer. */
async function withKey(
  attempt: Attempt<{ readonly inventoryItemId: number }>,
  send: (idempotencyKey: string) => Promise<Answer | null>,
): Promise<Outcome> {
  const { commandId, input, notes, uncertainSince, firstSentAt } = attempt;
  if (uncertainSince && Date.now() - firstSentAt.getTime() > KEY_LIFETIME_MS) {
    return { kind: "refused", obstacle: unknowable, keySpent: true };
  }
  const reread = { kind: "inventory_item", id: input.inventoryItemId } as const;
  for (let spent = notes.keysSpent; ; spent++) {
    attempt.sending();
    const answer = await send(idempotencyKey(commandId, spent));
    const error = answer?.userErrors[0];
    if (!error) {
      const created = answer?.inventoryAdjustmentGroup?.id ?? null;
      return { kind: "done", created, reread };
    }
    switch (error.code) {
      case "IDEMPOTENCY_CONCURRENT_REQUEST":
      case "SERVICE_UNAVAILABLE":
        // The same key finds out later.
        return { kind: "wait", obstacle: refusal(error), uncertain: true };
      case "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED":
        // It was refused, and we never heard why: under another key Shopify says so, or takes it by now.
        if (spent > notes.keysSpent)
          return { kind: "refused", obstacle: refusal(error), keySpent: true };
        await attempt.note({ keysSpent: spent + 1 });
        continue;
      default:
        return { kind: "refused", obstacle: refusal(error), keySpent: true };
    }
  }
}
