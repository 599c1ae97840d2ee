import { z } from "zod";
import { enumName } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import { cancelFulfillment, fulfillmentStatus } from "../shopify/operations/fulfillment-changes.ts";
import { changeWords } from "../words/changes.ts";
import type { CancelFulfilmentInput } from "./inputs-order.ts";
import { mayStillShow, type Sender } from "./sending.ts";
import { obstacle, refusal } from "./words.ts";

const fulfillmentNode = z.object({ status: enumName, displayStatus: enumName.nullable() });

/**
 * A fulfillment that is cancelled stays cancelled, so its status tells whether it has happened: whoever has done it,
 * nothing is left to do.
 */
export const cancelFulfilment: Sender<CancelFulfilmentInput> = async (attempt) => {
  const { admin, input, signal } = attempt;
  const id = globalId("Fulfillment", input.fulfillmentId);
  const reread = { kind: "order", id: input.orderId } as const;
  const { fulfillment } = await admin.request(fulfillmentStatus, { id }, { signal });
  if (!fulfillment) {
    const { gone } = changeWords.cancelFulfilment;
    return { kind: "refused", obstacle: obstacle("gone", gone), reread };
  }
  const { status, displayStatus } = fulfillmentNode.parse(fulfillment);
  if (status === "cancelled") return { kind: "done", created: null, reread };
  const wait = mayStillShow(attempt);
  if (wait) return wait;
  if (displayStatus === "delivered") {
    const { delivered } = changeWords.cancelFulfilment;
    return { kind: "refused", obstacle: obstacle("delivered", delivered), reread };
  }
  // What is done after the job was taken away might be done twice.
  signal.throwIfAborted();
  attempt.sending();
  const { fulfillmentCancel: answer } = await admin.request(cancelFulfillment, { id }, { signal });
  const error = answer?.userErrors[0];
  if (error) return { kind: "refused", obstacle: refusal(error), reread };
  return { kind: "done", created: null, reread };
};
