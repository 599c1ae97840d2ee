import { z } from "zod";
import { enumName, idOf, moment, optionalText } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import {
  holdFulfillmentOrder,
  holdsById,
  releaseHolds,
} from "../shopify/operations/fulfillment-changes.ts";
import { changeWords } from "../words/changes.ts";
import type { HoldInput, ReleaseInput } from "./inputs-order.ts";
import { CLOCKS_DIFFER_MS, gone, mayStillShow, type Attempt, type Sender } from "./sending.ts";
import { obstacle, refusal, unknowable } from "./words.ts";

const partNode = z.object({
  id: idOf("FulfillmentOrder"),
  status: enumName,
  updatedAt: moment,
  fulfillmentHolds: z.array(z.object({ id: idOf("FulfillmentHold"), handle: optionalText })),
});
type Part = z.infer<typeof partNode>;

/** What of an order can be held: scheduled parts too. */
export const holdable: ReadonlySet<string> = new Set(["open", "in_progress", "scheduled"]);

/**
 * Each hold carries a handle that derives from the command, and Shopify lets an app have it once on a part. So a
 * hold that is there is never doubled. One that is not there after a lost answer was either never set, or set and
 * released again by somebody: that is told by whether the part has changed since it was looked at before, and where
 * it has, a person decides.
 */
export const hold: Sender<HoldInput> = async (attempt) => {
  const { admin, input, notes, signal, commandId, uncertainSince } = attempt;
  const reread = { kind: "order", id: input.orderId } as const;
  const parts = await readParts(attempt, input.fulfillmentOrderIds);
  if (!parts) return gone("part", reread);
  const missing = parts.filter(
    ({ fulfillmentHolds }) => !fulfillmentHolds.some(({ handle }) => handle === commandId),
  );
  if (missing.length === 0) return { kind: "done", created: null, reread };
  const wait = mayStillShow(attempt);
  if (wait) return wait;

  const before = notes.partsBefore;
  const earliest = attempt.acceptedAt.getTime() - CLOCKS_DIFFER_MS;
  const hasChanged = ({ id, updatedAt }: Part) => {
    const known = before?.[id];
    return known === undefined ? Date.parse(updatedAt) >= earliest : known !== updatedAt;
  };
  await attempt.note({
    partsBefore: {
      ...before,
      ...Object.fromEntries(parts.map(({ id, updatedAt }) => [id, updatedAt])),
    },
  });
  if (uncertainSince && missing.some(hasChanged)) {
    return {
      kind: "refused",
      obstacle: { ...unknowable, message: changeWords.hold.unknowable },
      reread,
    };
  }
  for (const { id, status } of missing) {
    if (!holdable.has(status) && status !== "on_hold") {
      return { kind: "refused", obstacle: obstacle("closed", changeWords.hold.nothing), reread };
    }
    // What is done after the job was taken away might be done twice.
    signal.throwIfAborted();
    attempt.sending();
    const { fulfillmentOrderHold: answer } = await admin.request(
      holdFulfillmentOrder,
      {
        id: globalId("FulfillmentOrder", id),
        hold: {
          reason: input.reason.toUpperCase(),
          reasonNotes: input.notes || null,
          handle: commandId,
        },
      },
      { signal },
    );
    const error = answer?.userErrors[0];
    // It has been set meanwhile by an earlier attempt.
    if (error && error.code !== "DUPLICATE_FULFILLMENT_HOLD_HANDLE") {
      return { kind: "refused", obstacle: refusal(error), reread };
    }
  }
  return { kind: "done", created: null, reread };
};

/**
 * Holds are released by their ids, and no id comes twice: one that is gone has been released, by this command or by
 * somebody else, and what was held anew meanwhile stays.
 */
export const release: Sender<ReleaseInput> = async (attempt) => {
  const { admin, input, notes, signal } = attempt;
  const reread = { kind: "order", id: input.orderId } as const;
  const parts = await readParts(
    attempt,
    input.fulfillmentOrders.map(({ id }) => id),
  );
  if (!parts) return gone("part", reread);
  const wanted = new Map(
    input.fulfillmentOrders.map(({ id, holdIds }) => {
      const now = parts.find((part) => part.id === id)?.fulfillmentHolds ?? [];
      return [id, holdIds ?? notes.holdsBefore?.[id] ?? now.map((one) => one.id)];
    }),
  );
  const left = parts
    .map(({ id, fulfillmentHolds }) => ({
      id,
      holds: fulfillmentHolds.filter((one) => wanted.get(id)?.includes(one.id)),
    }))
    .filter(({ holds }) => holds.length > 0);
  if (left.length === 0) return { kind: "done", created: null, reread };
  const wait = mayStillShow(attempt);
  if (wait) return wait;

  if (input.fulfillmentOrders.some(({ holdIds }) => holdIds === null) && !notes.holdsBefore) {
    await attempt.note({ holdsBefore: Object.fromEntries(wanted) });
  }
  for (const { id, holds } of left) {
    // What is done after the job was taken away might be done twice.
    signal.throwIfAborted();
    attempt.sending();
    const { fulfillmentOrderReleaseHold: answer } = await admin.request(
      releaseHolds,
      {
        id: globalId("FulfillmentOrder", id),
        holdIds: holds.map((one) => globalId("FulfillmentHold", one.id)),
      },
      { signal },
    );
    const error = answer?.userErrors[0];
    if (error) return { kind: "refused", obstacle: refusal(error), reread };
  }
  return { kind: "done", created: null, reread };
};

/** Some parts of an order as they are now; null where one is gone. */
async function readParts(
  { admin, signal }: Pick<Attempt<unknown>, "admin" | "signal">,
  ids: readonly number[],
): Promise<Part[] | null> {
  const { nodes } = await admin.request(
    holdsById,
    { ids: ids.map((id) => globalId("FulfillmentOrder", id)) },
    { signal },
  );
  const parts = nodes.filter((node) => node !== null).map((node) => partNode.parse(node));
  return parts.length === ids.length ? parts : null;
}
