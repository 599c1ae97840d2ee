import { z } from "zod";
import {
  fulfillmentLineNode,
  fulfillmentNode,
  fulfillmentOrderLineNode,
} from "../orders/mapping.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { enumName, idOf, pageOf } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import {
  createFulfillment,
  FULFILLMENT_ORDERS_PER_READ,
  fulfillmentOrdersById,
} from "../shopify/operations/fulfillment-changes.ts";
import {
  FULFILLMENTS_PER_READ,
  fulfillmentLinesById,
  fulfillmentLinesPage,
  fulfillmentOrderLinesPage,
  orderFulfillments,
  PARTS_PER_PAGE,
} from "../shopify/operations/orders.ts";
import { allNodes, chunks } from "../sync/pages.ts";
import type { FulfilInput } from "./inputs-order.ts";
import { CLOCKS_DIFFER_MS, gone, mayStillShow, type Attempt, type Sender } from "./sending.ts";
import { refusal, type Obstacle } from "./words.ts";

const fulfillmentOrderNode = z.object({
  id: idOf("FulfillmentOrder"),
  status: enumName,
  lineItems: pageOf(fulfillmentOrderLineNode),
});

const fulfillmentWithLines = z.object({
  id: idOf("Fulfillment"),
  fulfillmentLineItems: pageOf(fulfillmentLineNode),
});

const fulfillmentHead = fulfillmentNode.pick({
  id: true,
  status: true,
  createdAt: true,
  trackingInfo: true,
});

/** What is left of a line of a fulfillment order. */
interface Left {
  readonly status: string;
  readonly lineId: number;
  readonly remaining: number;
}

/**
 * Shopify takes no key for a fulfillment. So it is always looked first, and what is there before the first
 * attempt is kept: after a lost answer, a fulfillment that was not there and sends exactly these units is ours.
 * Where that note is lost too, one that was made since the command was asked for, and by no other command of ours.
 * Only where there is none is the command sent again, and not before a change that is applied late would show.
 */
export const fulfil: Sender<FulfilInput> = async (attempt) => {
  const { admin, input, notes, signal, uncertainSince } = attempt;
  const reread = { kind: "order", id: input.orderId } as const;
  const left = await readLeft(admin, input, signal);
  const fulfillments = await readFulfillments(admin, input.orderId, signal);
  if (fulfillments === null) return gone("order");

  if (uncertainSince) {
    const before = notes.fulfillmentsBefore && new Set(notes.fulfillmentsBefore);
    const others = new Set(attempt.madeByOthers);
    const earliest = attempt.acceptedAt.getTime() - CLOCKS_DIFFER_MS;
    const ours = await findOurs(
      attempt,
      left,
      fulfillments.filter(
        ({ id, status, createdAt }) =>
          status !== "cancelled" &&
          !others.has(globalId("Fulfillment", id)) &&
          (before ? !before.has(id) : Date.parse(createdAt) >= earliest),
      ),
    );
    if (ours !== null) return { kind: "done", created: globalId("Fulfillment", ours), reread };
    const wait = mayStillShow(attempt);
    if (wait) return wait;
  }

  const obstacle = obstacleTo(input, left);
  if (obstacle) return { kind: "refused", obstacle };
  await attempt.note({ fulfillmentsBefore: fulfillments.map(({ id }) => id) });
  // What is done after the job was taken away might be done twice.
  signal.throwIfAborted();
  attempt.sending();
  const { fulfillmentCreate: answer } = await admin.request(
    createFulfillment,
    {
      fulfillment: {
        lineItemsByFulfillmentOrder: input.fulfillmentOrders.map(({ id, lines }) => ({
          fulfillmentOrderId: globalId("FulfillmentOrder", id),
          fulfillmentOrderLineItems: lines.map((line) => ({
            id: globalId("FulfillmentOrderLineItem", line.id),
            quantity: line.quantity,
          })),
        })),
        trackingInfo: input.tracking,
        notifyCustomer: input.notifyCustomer,
      },
    },
    { signal },
  );
  const error = answer?.userErrors[0];
  if (error) return { kind: "refused", obstacle: refusal(error) };
  return { kind: "done", created: answer?.fulfillment?.id ?? null, reread };
};

/** What can be seen to be in the way before Shopify is asked. */
function obstacleTo(input: FulfilInput, left: ReadonlyMap<number, Left>): Obstacle | null {
  for (const { lines } of input.fulfillmentOrders) {
    for (const { id, quantity } of lines) {
      const line = left.get(id);
      if (!line || (line.status !== "open" && line.status !== "in_progress")) {
        return {
          code: "refused:closed",
          message:
            "This part can no longer be sent: it was sent, put on hold or changed in Shopify.",
        };
      }
      if (quantity > line.remaining) {
        return {
          code: "refused:remaining",
          message: `Only ${line.remaining} left to send of a line of which you wanted to send ${quantity}.`,
          field: `quantity.${id}`,
        };
      }
    }
  }
  return null;
}

/** What is left of the fulfillment orders' lines, by the line's id. */
async function readLeft(
  admin: AdminClient,
  input: FulfilInput,
  signal: AbortSignal,
): Promise<Map<number, Left>> {
  const left = new Map<number, Left>();
  for (const some of chunks(input.fulfillmentOrders, FULFILLMENT_ORDERS_PER_READ)) {
    const { nodes } = await admin.request(
      fulfillmentOrdersById,
      { ids: some.map(({ id }) => globalId("FulfillmentOrder", id)) },
      { signal },
    );
    for (const node of nodes) {
      if (node === null) continue;
      const { id, status, lineItems } = fulfillmentOrderNode.parse(node);
      const lines = await allNodes(
        lineItems,
        async (after) => {
          const page = { id: globalId("FulfillmentOrder", id), first: PARTS_PER_PAGE, after };
          const answer = await admin.request(fulfillmentOrderLinesPage, page, { signal });
          return answer.fulfillmentOrder?.lineItems;
        },
        (page) => pageOf(fulfillmentOrderLineNode).parse(page),
      );
      for (const line of lines) {
        left.set(line.id, { status, lineId: line.lineItem.id, remaining: line.remainingQuantity });
      }
    }
  }
  return left;
}

/** The order's fulfillments without their lines; null where the order is gone. */
async function readFulfillments(admin: AdminClient, orderId: number, signal: AbortSignal) {
  const { order } = await admin.request(
    orderFulfillments,
    { id: globalId("Order", orderId) },
    { signal },
  );
  return order ? order.fulfillments.map((node) => fulfillmentHead.parse(node)) : null;
}

/** The first of some fulfillments that sends exactly what the command asked for; null where there is none. */
async function findOurs(
  { admin, input, signal }: Attempt<FulfilInput>,
  left: ReadonlyMap<number, Left>,
  candidates: readonly z.infer<typeof fulfillmentHead>[],
): Promise<number | null> {
  const wanted = new Map<number, number>();
  for (const { lines } of input.fulfillmentOrders) {
    for (const { id, quantity } of lines) {
      const lineId = left.get(id)?.lineId;
      // A line that has vanished since cannot be compared.
      if (lineId === undefined) return null;
      wanted.set(lineId, (wanted.get(lineId) ?? 0) + quantity);
    }
  }
  const number = input.tracking?.number;
  const plausible = candidates.filter(
    ({ trackingInfo }) => !number || trackingInfo.some((one) => one.number === number),
  );
  for (const some of chunks(plausible, FULFILLMENTS_PER_READ)) {
    const { nodes } = await admin.request(
      fulfillmentLinesById,
      { ids: some.map(({ id }) => globalId("Fulfillment", id)) },
      { signal },
    );
    for (const node of nodes) {
      if (node === null) continue;
      const { id, fulfillmentLineItems } = fulfillmentWithLines.parse(node);
      const lines = await allNodes(
        fulfillmentLineItems,
        async (after) => {
          const page = { id: globalId("Fulfillment", id), first: PARTS_PER_PAGE, after };
          const answer = await admin.request(fulfillmentLinesPage, page, { signal });
          return answer.fulfillment?.fulfillmentLineItems;
        },
        (page) => pageOf(fulfillmentLineNode).parse(page),
      );
      const sent = new Map<number, number>();
      for (const { lineItem, quantity } of lines) {
        sent.set(lineItem.id, (sent.get(lineItem.id) ?? 0) + (quantity ?? 0));
      }
      const same =
        sent.size === wanted.size &&
        [...wanted].every(([lineId, quantity]) => sent.get(lineId) === quantity);
      if (same) return id;
    }
  }
  return null;
}
