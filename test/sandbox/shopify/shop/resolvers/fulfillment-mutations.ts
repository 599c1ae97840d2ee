import type { GraphQLSchema } from "graphql";
import type { Change } from "../change.ts";
import { given } from "../given.ts";
import { gid, numberOf } from "../ids.ts";
import type { FulfillmentOrder, FulfillmentOrderLine, Tracking } from "../model.ts";
import {
  addEvent,
  addFulfillmentOrder,
  addHold,
  nextPartId,
  statusWithoutHold,
} from "../order-acts.ts";
import { fulfillmentOrderPayload } from "../payloads/fulfillment.ts";
import { cancelFulfillment, fulfil, moveClaim, tellFulfillmentOrder } from "../shop-acts.ts";
import { define } from "./define.ts";
import type { Context } from "./define.ts";
import { findFulfillment, findFulfillmentOrder, isStocked } from "./fulfillment.ts";
import { mutation, userError } from "./mutate.ts";
import type { Outcome, UserError } from "./mutate.ts";

/** Fulfilling, cancelling, tracking, holding, releasing and moving. */

interface TrackingInput {
  company?: string | null;
  number?: string | null;
  numbers?: string[] | null;
  url?: string | null;
  urls?: string[] | null;
}

/** Carriers whose tracking addresses Shopify fills in by itself when the name is written exactly so. */
const carrierUrls: Readonly<Record<string, string>> = {
  "DHL Express": "https://www.dhl.com/de-en/home/tracking.html?tracking-id=",
  DPD: "https://tracking.dpd.de/status/en_US/parcel/",
  UPS: "https://www.ups.com/track?tracknum=",
  USPS: "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
  FedEx: "https://www.fedex.com/fedextrack/?trknbr=",
  "Deutsche Post (EN)":
    "https://www.deutschepost.de/sendung/simpleQueryResult.html?form.sendungsnummer=",
};

function trackingFrom(input: TrackingInput | null | undefined): Tracking {
  const numbers = input?.numbers ?? (given(input?.number) ? [input.number] : []);
  const company = input?.company ?? null;
  const base = company === null ? undefined : carrierUrls[company];
  const urls =
    input?.urls ??
    (given(input?.url) ? [input.url] : base ? numbers.map((number) => base + number) : []);
  return { company, numbers, urls };
}

interface LineInput {
  id: string;
  quantity: number;
}

interface CreateArgs {
  fulfillment: {
    lineItemsByFulfillmentOrder: {
      fulfillmentOrderId: string;
      fulfillmentOrderLineItems?: LineInput[] | null;
    }[];
    notifyCustomer?: boolean | null;
    trackingInfo?: TrackingInput | null;
  };
  message?: string | null;
}

function create({ fulfillment: input }: CreateArgs, context: Context, change: Change): Outcome {
  const errors: UserError[] = [];
  const parts: { part: FulfillmentOrderLine; quantity: number }[] = [];
  const fulfillmentOrders: FulfillmentOrder[] = [];
  if (input.lineItemsByFulfillmentOrder.length === 0) {
    errors.push(
      userError(
        "fulfillment.lineItemsByFulfillmentOrder",
        "Line items by fulfillment order can't be blank.",
      ),
    );
  }
  for (const group of input.lineItemsByFulfillmentOrder) {
    const fulfillmentOrder = findFulfillmentOrder(context, group.fulfillmentOrderId);
    if (!fulfillmentOrder) {
      errors.push(userError("fulfillment", "Fulfillment order does not exist."));
      continue;
    }
    if (fulfillmentOrder.status !== "OPEN" && fulfillmentOrder.status !== "IN_PROGRESS") {
      errors.push(
        userError(
          "fulfillment",
          `Fulfillment order ${fulfillmentOrder.id} has an unfulfillable status= ${fulfillmentOrder.status.toLowerCase()}.`,
        ),
      );
      continue;
    }
    fulfillmentOrders.push(fulfillmentOrder);
    const chosen = group.fulfillmentOrderLineItems;
    if (!chosen?.length) {
      for (const part of fulfillmentOrder.lines) {
        if (part.remaining > 0) parts.push({ part, quantity: part.remaining });
      }
      continue;
    }
    for (const { id, quantity } of chosen) {
      const part = fulfillmentOrder.lines.find(
        (line) => line.id === numberOf("FulfillmentOrderLineItem", id),
      );
      const already = parts
        .filter((other) => other.part === part)
        .reduce((sum, other) => sum + other.quantity, 0);
      if (!part) {
        errors.push(userError("fulfillment", "Fulfillment order line item does not exist."));
      } else if (quantity <= 0 || quantity + already > part.remaining) {
        errors.push(
          userError("fulfillment", "Invalid fulfillment order line item quantity requested."),
        );
      } else {
        parts.push({ part, quantity });
      }
    }
  }
  if (new Set(fulfillmentOrders.map(({ order }) => order)).size > 1) {
    errors.push(userError("fulfillment", "Fulfillment orders must belong to the same order."));
  }
  if (new Set(fulfillmentOrders.map(({ locationId }) => locationId)).size > 1) {
    errors.push(
      userError("fulfillment", "Fulfillment orders must have the same assigned location."),
    );
  }
  const [first] = fulfillmentOrders;
  if (errors.length === 0 && (!first || parts.length === 0)) {
    errors.push(userError("fulfillment", "There is nothing left to fulfill."));
  }
  if (errors.length || !first) return { errors };
  const fulfillment = fulfil(
    change,
    first.order,
    first.locationId,
    parts,
    trackingFrom(input.trackingInfo),
    {
      appId: context.appId,
    },
  );
  return {
    payload: { fulfillment },
    resources: [gid("Fulfillment", fulfillment.id), gid("Order", first.order.id)],
    effect: {
      lines: parts.map(({ part, quantity }) => ({
        id: gid("FulfillmentOrderLineItem", part.id),
        quantity,
      })),
    },
  };
}

function cancel({ id }: { id: string }, context: Context, change: Change): Outcome {
  const fulfillment = findFulfillment(context, id);
  if (!fulfillment) return { errors: [userError("id", "Fulfillment does not exist.")] };
  if (fulfillment.status === "CANCELLED") {
    return {
      errors: [userError("id", "The fulfillment cannot be cancelled: it is cancelled already.")],
    };
  }
  if (fulfillment.order.cancelledAt !== null) {
    return {
      errors: [userError("id", "The fulfillment of a cancelled order cannot be cancelled.")],
    };
  }
  cancelFulfillment(change, fulfillment, { appId: context.appId });
  return {
    payload: { fulfillment },
    resources: [id, gid("Order", fulfillment.order.id)],
    effect: {
      lines: fulfillment.lines.map(({ fulfillmentOrderLine, quantity }) => ({
        id: gid("FulfillmentOrderLineItem", fulfillmentOrderLine.id),
        quantity: -quantity,
      })),
    },
  };
}

interface TrackingArgs {
  fulfillmentId: string;
  trackingInfoInput: TrackingInput;
  notifyCustomer?: boolean | null;
}

function updateTracking(args: TrackingArgs, context: Context, change: Change): Outcome {
  const fulfillment = findFulfillment(context, args.fulfillmentId);
  if (!fulfillment) return { errors: [userError("fulfillmentId", "Fulfillment does not exist.")] };
  if (fulfillment.status === "CANCELLED") {
    return {
      errors: [
        userError("fulfillmentId", "The tracking of a cancelled fulfillment cannot be updated."),
      ],
    };
  }
  const { order } = fulfillment;
  change.order(order);
  fulfillment.tracking = trackingFrom(args.trackingInfoInput);
  fulfillment.updatedAt = change.at;
  addEvent(order, context.store.ids, change.at, "tracking_updated", "Tracking was updated.", {
    appId: context.appId,
  });
  change.tellFulfillment("fulfillments/update", fulfillment);
  return {
    payload: { fulfillment },
    resources: [args.fulfillmentId, gid("Order", order.id)],
    effect: { ...fulfillment.tracking },
  };
}

/** Splits units off a fulfillment order into a new one at the same place; the old one keeps the rest. */
function splitOff(
  change: Change,
  from: FulfillmentOrder,
  chosen: readonly { part: FulfillmentOrderLine; quantity: number }[],
  locationId = from.locationId,
): FulfillmentOrder {
  const { order } = from;
  for (const { part, quantity } of chosen) {
    part.remaining -= quantity;
    part.total -= quantity;
  }
  from.updatedAt = change.at;
  return addFulfillmentOrder(
    order,
    change.store.ids,
    locationId,
    chosen.map(({ part, quantity }) => ({ line: part.line, quantity })),
    change.at,
    from.fulfillAt,
  );
}

interface HoldArgs {
  id: string;
  fulfillmentHold: {
    reason: string;
    reasonNotes?: string | null;
    handle?: string | null;
    externalId?: string | null;
    notifyMerchant?: boolean | null;
    fulfillmentOrderLineItems?: LineInput[] | null;
  };
}

const mostHolds = 10;

function hold({ id, fulfillmentHold: input }: HoldArgs, context: Context, change: Change): Outcome {
  const fulfillmentOrder = findFulfillmentOrder(context, id);
  if (!fulfillmentOrder) {
    return {
      errors: [
        userError("id", "The fulfillment order could not be found.", "FULFILLMENT_ORDER_NOT_FOUND"),
      ],
    };
  }
  const held = fulfillmentOrder.status === "ON_HOLD";
  if (!held && !["OPEN", "IN_PROGRESS", "SCHEDULED"].includes(fulfillmentOrder.status)) {
    return { errors: [userError("id", "The fulfillment order is not in an open state.")] };
  }
  const handle = input.handle ?? "";
  const mine = fulfillmentOrder.holds.filter((other) => other.appId === context.appId);
  if (mine.some((other) => other.handle === handle)) {
    return {
      errors: [
        userError(
          "fulfillmentHold.handle",
          "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order.",
          "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
        ),
      ],
    };
  }
  if (mine.length >= mostHolds) {
    return {
      errors: [
        userError(
          "id",
          "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app can only have up to 10 holds on a single fulfillment order at any one time.",
          "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
        ),
      ],
    };
  }
  const wanted = input.fulfillmentOrderLineItems ?? [];
  const chosen: { part: FulfillmentOrderLine; quantity: number }[] = [];
  if (wanted.length) {
    const path = "fulfillmentHold.fulfillmentOrderLineItems";
    if (held) {
      return {
        errors: [
          userError(
            path,
            "The fulfillment order is not in a splittable state.",
            "FULFILLMENT_ORDER_NOT_SPLITTABLE",
          ),
        ],
      };
    }
    if (new Set(wanted.map((line) => line.id)).size < wanted.length) {
      return {
        errors: [
          userError(
            path,
            "The fulfillment order line items are not unique.",
            "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS",
          ),
        ],
      };
    }
    for (const { id: lineId, quantity } of wanted) {
      const part = fulfillmentOrder.lines.find(
        (line) => line.id === numberOf("FulfillmentOrderLineItem", lineId),
      );
      if (quantity <= 0) {
        return {
          errors: [
            userError(
              path,
              "The fulfillment order line item quantity must be greater than 0.",
              "GREATER_THAN_ZERO",
            ),
          ],
        };
      }
      if (!part || quantity > part.remaining) {
        return {
          errors: [
            userError(
              path,
              "The fulfillment order line item quantity is invalid.",
              "INVALID_LINE_ITEM_QUANTITY",
            ),
          ],
        };
      }
      chosen.push({ part, quantity });
    }
  }
  const { order } = fulfillmentOrder;
  change.order(order);
  const rest = fulfillmentOrder.lines
    .map((part) => ({
      part,
      quantity: part.remaining - (chosen.find((other) => other.part === part)?.quantity ?? 0),
    }))
    .filter(({ quantity }) => quantity > 0);
  const remainingFulfillmentOrder =
    chosen.length && rest.length ? splitOff(change, fulfillmentOrder, rest) : null;
  const added = addHold(fulfillmentOrder, context.store.ids, change.at, {
    reason: input.reason,
    reasonNotes: input.reasonNotes ?? null,
    handle,
    appId: context.appId,
  });
  addEvent(
    order,
    context.store.ids,
    change.at,
    "fulfillment_order_placed_on_hold",
    "Fulfillment was put on hold.",
    {
      appId: context.appId,
    },
  );
  tellFulfillmentOrder(change, "fulfillment_orders/placed_on_hold", fulfillmentOrder, () => ({
    fulfillment_order: fulfillmentOrderPayload(fulfillmentOrder),
    remaining_fulfillment_order:
      remainingFulfillmentOrder && fulfillmentOrderPayload(remainingFulfillmentOrder),
    held_fulfillment_order_line_items: fulfillmentOrder.lines
      .filter((part) => part.remaining > 0)
      .map((part) => ({ id: gid("FulfillmentOrderLineItem", part.id), quantity: part.remaining })),
    created_fulfillment_hold: { id: gid("FulfillmentHold", added.id) },
  }));
  return {
    payload: { fulfillmentHold: added, fulfillmentOrder, remainingFulfillmentOrder },
    resources: [id, gid("Order", order.id)],
    effect: { status: fulfillmentOrder.status },
  };
}

interface ReleaseArgs {
  id: string;
  holdIds?: string[] | null;
  externalId?: string | null;
}

function releaseHold({ id, holdIds }: ReleaseArgs, context: Context, change: Change): Outcome {
  const fulfillmentOrder = findFulfillmentOrder(context, id);
  if (!fulfillmentOrder) {
    return {
      errors: [
        userError("id", "The fulfillment order wasn't found.", "FULFILLMENT_ORDER_NOT_FOUND"),
      ],
    };
  }
  if (fulfillmentOrder.status !== "ON_HOLD") {
    return { errors: [userError("id", "The fulfillment order is not on hold.")] };
  }
  const wanted = holdIds?.map((holdId) => numberOf("FulfillmentHold", holdId));
  const released = fulfillmentOrder.holds.filter(
    (candidate) => !wanted || wanted.includes(candidate.id),
  );
  if (released.length === 0) {
    return {
      errors: [
        userError(
          "holdIds",
          "The app doesn't have access to release the fulfillment hold.",
          "INVALID_ACCESS",
        ),
      ],
    };
  }
  const { order } = fulfillmentOrder;
  change.order(order);
  fulfillmentOrder.holds = fulfillmentOrder.holds.filter(
    (candidate) => !released.includes(candidate),
  );
  if (fulfillmentOrder.holds.length === 0)
    fulfillmentOrder.status = statusWithoutHold(fulfillmentOrder, change.at);
  fulfillmentOrder.updatedAt = change.at;
  addEvent(
    order,
    context.store.ids,
    change.at,
    "fulfillment_order_hold_released",
    "The hold on fulfillment was released.",
    {
      appId: context.appId,
    },
  );
  tellFulfillmentOrder(change, "fulfillment_orders/hold_released", fulfillmentOrder);
  return {
    payload: { fulfillmentOrder },
    resources: [id, gid("Order", order.id)],
    effect: { status: fulfillmentOrder.status },
  };
}

function open({ id }: { id: string }, context: Context, change: Change): Outcome {
  const fulfillmentOrder = findFulfillmentOrder(context, id);
  if (!fulfillmentOrder) return { errors: [userError("id", "Fulfillment order does not exist.")] };
  if (fulfillmentOrder.status !== "SCHEDULED" && fulfillmentOrder.status !== "IN_PROGRESS") {
    return { errors: [userError("id", "The fulfillment order cannot be marked as open.")] };
  }
  change.order(fulfillmentOrder.order);
  fulfillmentOrder.status = "OPEN";
  fulfillmentOrder.fulfillAt = change.at;
  fulfillmentOrder.updatedAt = change.at;
  tellFulfillmentOrder(
    change,
    "fulfillment_orders/scheduled_fulfillment_order_ready",
    fulfillmentOrder,
  );
  return { payload: { fulfillmentOrder }, resources: [id], effect: { status: "OPEN" } };
}

interface MoveArgs {
  id: string;
  newLocationId: string;
  fulfillmentOrderLineItems?: LineInput[] | null;
}

function move(args: MoveArgs, context: Context, change: Change): Outcome {
  const { store } = context;
  const from = findFulfillmentOrder(context, args.id);
  const location = store.locations.get(numberOf("Location", args.newLocationId) ?? -1);
  if (!from) return { errors: [userError("id", "Fulfillment order does not exist.")] };
  if (!location?.isActive)
    return {
      errors: [userError("newLocationId", "The location does not exist or is not active.")],
    };
  if (location.id === from.locationId) {
    return {
      errors: [
        userError("newLocationId", "The fulfillment order is already assigned to this location."),
      ],
    };
  }
  if (from.status === "IN_PROGRESS") {
    return {
      errors: [
        userError(
          "id",
          "Cannot move a fulfillment order that has progress reported.",
          "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS",
        ),
      ],
    };
  }
  if (!["OPEN", "SCHEDULED", "ON_HOLD"].includes(from.status)) {
    return {
      errors: [
        userError(
          "id",
          `Cannot change location: the fulfillment order is ${from.status.toLowerCase()}.`,
        ),
      ],
    };
  }
  const wanted = args.fulfillmentOrderLineItems ?? [];
  const chosen: { part: FulfillmentOrderLine; quantity: number }[] = [];
  for (const part of from.lines) {
    const line = wanted.find((other) => numberOf("FulfillmentOrderLineItem", other.id) === part.id);
    if (wanted.length && !line) continue;
    const quantity = line ? line.quantity : part.remaining;
    if (quantity <= 0 || quantity > part.remaining) {
      if (!line && part.remaining === 0) continue;
      return {
        errors: [
          userError(
            "fulfillmentOrderLineItems",
            "The fulfillment order line item quantity is invalid.",
          ),
        ],
      };
    }
    chosen.push({ part, quantity });
  }
  if (chosen.length === 0)
    return { errors: [userError("fulfillmentOrderLineItems", "There is nothing to move.")] };
  if (chosen.some(({ part }) => !isStocked(store, part, location.id))) {
    return {
      errors: [userError("newLocationId", "None of the items are stocked at the new location.")],
    };
  }
  const { order } = from;
  const source = from.locationId;
  change.order(order);
  for (const { part, quantity } of chosen)
    moveClaim(change, part.line, quantity, source, location.id);
  const everything = from.lines.every(
    (part) =>
      part.remaining === (chosen.find((other) => other.part === part)?.quantity ?? 0) &&
      part.remaining === part.total,
  );
  let moved = from;
  if (everything) {
    from.locationId = location.id;
    from.updatedAt = change.at;
  } else {
    moved = splitOff(change, from, chosen, location.id);
    if (from.lines.every((part) => part.remaining === 0)) from.status = "CLOSED";
    if (from.holds.length) {
      moved.holds = from.holds.map((other) => ({
        ...other,
        id: nextPartId(order, store.ids, "FulfillmentHold"),
        fulfillmentOrder: moved,
      }));
      moved.status = "ON_HOLD";
    }
  }
  addEvent(
    order,
    store.ids,
    change.at,
    "fulfillment_order_moved",
    `Items were moved to ${location.name}.`,
    {
      appId: context.appId,
    },
  );
  tellFulfillmentOrder(change, "fulfillment_orders/moved", moved, () => ({
    original_fulfillment_order: fulfillmentOrderPayload(from),
    moved_fulfillment_order: fulfillmentOrderPayload(moved),
    destination_location_id: gid("Location", location.id),
    source_location: { id: gid("Location", source) },
    fulfillment_order_line_items_requested: wanted.map(({ id, quantity }) => ({ id, quantity })),
  }));
  return {
    payload: {
      movedFulfillmentOrder: moved,
      originalFulfillmentOrder: from,
      remainingFulfillmentOrder: moved === from ? null : from,
    },
    resources: [args.id, gid("FulfillmentOrder", moved.id), gid("Order", order.id)],
    effect: {
      locationId: gid("Location", location.id),
      lines: chosen.map(({ part, quantity }) => ({
        lineItemId: gid("LineItem", part.line.id),
        quantity,
      })),
    },
  };
}

export function installFulfillmentMutations(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    fulfillmentCreate: mutation(["fulfillment"], create),
    fulfillmentCancel: mutation(["fulfillment"], cancel),
    fulfillmentTrackingInfoUpdate: mutation(["fulfillment"], updateTracking),
    fulfillmentOrderHold: mutation(
      ["fulfillmentHold", "fulfillmentOrder", "remainingFulfillmentOrder"],
      hold,
    ),
    fulfillmentOrderReleaseHold: mutation(["fulfillmentOrder"], releaseHold),
    fulfillmentOrderOpen: mutation(["fulfillmentOrder"], open),
    fulfillmentOrderMove: mutation(
      ["movedFulfillmentOrder", "originalFulfillmentOrder", "remainingFulfillmentOrder"],
      move,
    ),
  });
}
