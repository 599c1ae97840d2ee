import type { GraphQLSchema } from "graphql";
import { emptyConnection, listConnection, paginate } from "../connection.ts";
import type { ConnectionArgs } from "../connection.ts";
import { gid, numberOf } from "../ids.ts";
import type {
  Fulfillment,
  FulfillmentHold,
  FulfillmentLine,
  FulfillmentOrder,
  FulfillmentOrderLine,
} from "../model.ts";
import { isActive, lineOriginalTotal, linePart } from "../order-state.ts";
import { share } from "../money.ts";
import type { SearchSchema } from "../search-language.ts";
import type { ShopStore } from "../store.ts";
import { weightOf } from "./catalogue.ts";
import { count, dateTime, define, defineData } from "./define.ts";
import type { Context } from "./define.ts";
import { compileIn } from "./listing.ts";
import type { SearchArgs } from "./listing.ts";
import { bag, fulfillmentTotal, isVisible } from "./orders.ts";

/** Fulfillment orders (what is to be sent, from where) and fulfillments (what was sent). */

export function findFulfillmentOrder(context: Context, id: string): FulfillmentOrder | undefined {
  const number = numberOf("FulfillmentOrder", id);
  const ordinal =
    number === undefined ? undefined : context.store.ids.orderOfPart("FulfillmentOrder", number);
  const order = ordinal === undefined ? undefined : context.store.orders.get(ordinal);
  if (!order || !isVisible(context, order.createdAt)) return undefined;
  return order.fulfillmentOrders.find((fulfillmentOrder) => fulfillmentOrder.id === number);
}

export function findFulfillment(context: Context, id: string): Fulfillment | undefined {
  const number = numberOf("Fulfillment", id);
  const ordinal =
    number === undefined ? undefined : context.store.ids.orderOfPart("Fulfillment", number);
  const order = ordinal === undefined ? undefined : context.store.orders.get(ordinal);
  if (!order || !isVisible(context, order.createdAt)) return undefined;
  return order.fulfillments.find((fulfillment) => fulfillment.id === number);
}

const fulfillmentOrderSearch: SearchSchema<FulfillmentOrder> = {
  fields: {
    id: { type: "id", get: (fulfillmentOrder) => fulfillmentOrder.id },
    status: { type: "keyword", get: (fulfillmentOrder) => [fulfillmentOrder.status] },
    assigned_location_id: { type: "id", get: (fulfillmentOrder) => fulfillmentOrder.locationId },
    updated_at: { type: "time", get: (fulfillmentOrder) => fulfillmentOrder.updatedAt },
  },
  text: (fulfillmentOrder) => [fulfillmentOrder.order.name],
};

export function supportedActions(fulfillmentOrder: FulfillmentOrder): string[] {
  switch (fulfillmentOrder.status) {
    case "OPEN":
      return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"];
    case "IN_PROGRESS":
      return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"];
    case "SCHEDULED":
      return ["MARK_AS_OPEN", "MOVE"];
    case "ON_HOLD":
      return ["RELEASE_HOLD", "HOLD", "MOVE"];
    case "CLOSED":
    case "CANCELLED":
    case "INCOMPLETE":
      return [];
  }
}

const holdReasons: Readonly<Record<string, string>> = {
  AWAITING_PAYMENT: "Awaiting payment",
  AWAITING_RETURN_ITEMS: "Awaiting return items",
  HIGH_RISK_OF_FRAUD: "High risk of fraud",
  INCORRECT_ADDRESS: "Incorrect address",
  INVENTORY_OUT_OF_STOCK: "Inventory out of stock",
  ONLINE_STORE_POST_PURCHASE_CROSS_SELL: "Upsell offer",
  UNKNOWN_DELIVERY_DATE: "Unknown delivery date",
  OTHER: "Other",
};

/** The quickest way to the fulfillment orders of a shop: only open orders are told, unless closed ones are asked for. */
function* allFulfillmentOrders(
  context: Context,
  includeClosed: boolean,
): Iterable<FulfillmentOrder> {
  const { orders } = context.store;
  for (let ordinal = 0; ordinal < orders.length; ordinal++) {
    if (!orders.has(ordinal) || !isVisible(context, orders.createdAt(ordinal))) continue;
    const row = orders.row(ordinal);
    if (!includeClosed && (row.fulfillment === "FULFILLED" || row.cancelled)) continue;
    for (const fulfillmentOrder of orders.get(ordinal)?.fulfillmentOrders ?? []) {
      if (includeClosed || isActive(fulfillmentOrder)) yield fulfillmentOrder;
    }
  }
}

export function installFulfillment(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    fulfillmentOrder: (_, { id }: { id: string }, context) =>
      findFulfillmentOrder(context, id) ?? null,
    fulfillment: (_, { id }: { id: string }, context) => findFulfillment(context, id) ?? null,
    fulfillmentOrders: (_, args: SearchArgs & { includeClosed?: boolean }, context) => {
      const query = args.query?.trim();
      const matches = query ? compileIn(context, query, fulfillmentOrderSearch) : () => true;
      const valueOf = (entry: FulfillmentOrder) =>
        args.sortKey === "UPDATED_AT" ? entry.updatedAt : entry.id;
      const entries = [...allFulfillmentOrders(context, args.includeClosed ?? false)]
        .filter(matches)
        .sort((a, b) => valueOf(a) - valueOf(b) || a.id - b.id);
      return paginate(
        { entries, idOf: (entry) => entry.id, valueOf, load: (entry) => entry },
        args,
      );
    },
  });

  define<FulfillmentOrder>(schema, "FulfillmentOrder", {
    id: (fulfillmentOrder) => gid("FulfillmentOrder", fulfillmentOrder.id),
    status: (fulfillmentOrder) => fulfillmentOrder.status,
    requestStatus: (fulfillmentOrder) =>
      fulfillmentOrder.status === "CLOSED" ? "CLOSED" : "UNSUBMITTED",
    order: (fulfillmentOrder) => fulfillmentOrder.order,
    orderId: (fulfillmentOrder) => gid("Order", fulfillmentOrder.order.id),
    orderName: (fulfillmentOrder) => fulfillmentOrder.order.name,
    orderProcessedAt: (fulfillmentOrder) => dateTime(fulfillmentOrder.order.processedAt),
    createdAt: (fulfillmentOrder) => dateTime(fulfillmentOrder.createdAt),
    updatedAt: (fulfillmentOrder) => dateTime(fulfillmentOrder.updatedAt),
    fulfillAt: (fulfillmentOrder) => dateTime(fulfillmentOrder.fulfillAt),
    fulfillBy: () => null,
    channelId: () => null,
    internationalDuties: () => null,
    assignedLocation: (fulfillmentOrder, _, { store }) =>
      store.locations.get(fulfillmentOrder.locationId),
    destination: (fulfillmentOrder) => fulfillmentOrder,
    deliveryMethod: (fulfillmentOrder) => fulfillmentOrder,
    fulfillmentHolds: (fulfillmentOrder) => fulfillmentOrder.holds,
    lineItems: (fulfillmentOrder, args: ConnectionArgs) =>
      listConnection(
        fulfillmentOrder.lines.filter((line) => line.total > 0),
        args,
        (line) => line.id,
      ),
    fulfillments: (fulfillmentOrder, args: ConnectionArgs) =>
      listConnection(
        fulfillmentOrder.order.fulfillments.filter((fulfillment) =>
          fulfillment.lines.some(
            (line) => line.fulfillmentOrderLine.fulfillmentOrder === fulfillmentOrder,
          ),
        ),
        args,
        (fulfillment) => fulfillment.id,
      ),
    supportedActions: (fulfillmentOrder) =>
      supportedActions(fulfillmentOrder).map((action) => ({ action, externalUrl: null })),
    merchantRequests: () => emptyConnection(),
    fulfillmentOrdersForMerge: () => emptyConnection(),
    locationsForMove: (fulfillmentOrder, args: ConnectionArgs, { store }) =>
      listConnection(
        [...store.locations.values()]
          .filter((location) => location.isActive && location.id !== fulfillmentOrder.locationId)
          .map((location) => ({ location, fulfillmentOrder })),
        args,
        ({ location }) => location.id,
      ),
    remainingLineItemsWeight: (fulfillmentOrder) =>
      weightOf(
        fulfillmentOrder.lines.reduce((sum, line) => sum + line.line.grams * line.remaining, 0),
      ),
  });
  defineData(schema, "FulfillmentOrderSupportedAction", ["action", "externalUrl"]);

  define<FulfillmentOrder>(schema, "DeliveryMethod", {
    id: (fulfillmentOrder) => gid("DeliveryMethod", fulfillmentOrder.id),
    methodType: (fulfillmentOrder) =>
      fulfillmentOrder.order.sourceName === "pos"
        ? "RETAIL"
        : fulfillmentOrder.order.shippingLines[0]?.code === "PICKUP"
          ? "PICK_UP"
          : "SHIPPING",
    presentedName: (fulfillmentOrder) => fulfillmentOrder.order.shippingLines[0]?.title ?? null,
    serviceCode: (fulfillmentOrder) => fulfillmentOrder.order.shippingLines[0]?.code ?? null,
    sourceReference: () => null,
    minDeliveryDateTime: () => null,
    maxDeliveryDateTime: () => null,
    additionalInformation: () => null,
    brandedPromise: () => null,
  });

  define<FulfillmentOrder>(schema, "FulfillmentOrderDestination", {
    id: (fulfillmentOrder) => gid("FulfillmentOrderDestination", fulfillmentOrder.id),
    firstName: ({ order }) => order.shippingAddress?.firstName ?? null,
    lastName: ({ order }) => order.shippingAddress?.lastName ?? null,
    company: ({ order }) => order.shippingAddress?.company ?? null,
    address1: ({ order }) => order.shippingAddress?.address1 ?? null,
    address2: ({ order }) => order.shippingAddress?.address2 ?? null,
    city: ({ order }) => order.shippingAddress?.city ?? null,
    province: ({ order }) => order.shippingAddress?.province ?? null,
    zip: ({ order }) => order.shippingAddress?.zip ?? null,
    countryCode: ({ order }) => order.shippingAddress?.countryCode ?? null,
    email: ({ order }) => order.email,
    phone: ({ order }) => order.shippingAddress?.phone ?? null,
    location: () => null,
  });

  type Located = NonNullable<ReturnType<ShopStore["locations"]["get"]>>;
  define<Located>(schema, "FulfillmentOrderAssignedLocation", {
    location: (location) => location,
    name: (location) => location.name,
    address1: ({ address }) => address.address1,
    address2: ({ address }) => address.address2,
    city: ({ address }) => address.city,
    province: ({ address }) => address.province,
    zip: ({ address }) => address.zip,
    countryCode: ({ address }) => address.countryCode,
    phone: ({ address }) => address.phone,
  });

  define<{ location: Located; fulfillmentOrder: FulfillmentOrder }>(
    schema,
    "FulfillmentOrderLocationForMove",
    {
      location: ({ location }) => location,
      movable: ({ fulfillmentOrder }) => supportedActions(fulfillmentOrder).includes("MOVE"),
      message: () => null,
      availableLineItems: ({ location, fulfillmentOrder }, args: ConnectionArgs, { store }) =>
        listConnection(
          fulfillmentOrder.lines.filter((line) => isStocked(store, line, location.id)),
          args,
          (line) => line.id,
        ),
      unavailableLineItems: ({ location, fulfillmentOrder }, args: ConnectionArgs, { store }) =>
        listConnection(
          fulfillmentOrder.lines.filter((line) => !isStocked(store, line, location.id)),
          args,
          (line) => line.id,
        ),
      availableLineItemsCount: ({ location, fulfillmentOrder }, _, { store }) =>
        count(
          fulfillmentOrder.lines.filter((line) => isStocked(store, line, location.id)).length,
          null,
        ),
      unavailableLineItemsCount: ({ location, fulfillmentOrder }, _, { store }) =>
        count(
          fulfillmentOrder.lines.filter((line) => !isStocked(store, line, location.id)).length,
          null,
        ),
    },
  );

  define<FulfillmentHold>(schema, "FulfillmentHold", {
    id: (hold) => gid("FulfillmentHold", hold.id),
    reason: (hold) => hold.reason,
    reasonNotes: (hold) => hold.reasonNotes,
    displayReason: (hold) => holdReasons[hold.reason] ?? "Other",
    handle: (hold) => hold.handle || null,
    heldByApp: (hold) => (hold.appId === null ? null : { id: hold.appId }),
    heldByRequestingApp: (hold, _, context) => hold.appId === context.appId,
  });

  define<FulfillmentOrderLine>(schema, "FulfillmentOrderLineItem", {
    id: (part) => gid("FulfillmentOrderLineItem", part.id),
    lineItem: (part) => part.line,
    totalQuantity: (part) => part.total,
    remainingQuantity: (part) => part.remaining,
    inventoryItemId: (part, _, { store }) => {
      const variant =
        part.line.variantId === null ? undefined : store.variants.get(part.line.variantId);
      return variant ? gid("InventoryItem", variant.item.id) : null;
    },
    variant: (part, _, { store }) =>
      part.line.variantId === null ? null : (store.variants.get(part.line.variantId) ?? null),
    productTitle: (part) => part.line.title,
    variantTitle: (part) => part.line.variantTitle,
    sku: (part) => part.line.sku,
    vendor: (part) => part.line.vendor,
    requiresShipping: (part) => part.line.requiresShipping,
    weight: (part) => weightOf(part.line.grams),
    image: () => null,
    shippingLine: (part) => part.line.order.shippingLines[0] ?? null,
    warnings: () => [],
    originalUnitPriceSet: (part, _, { store }) => bag(store, part.line.order, part.line.unitPrice),
    financialSummaries: (part, _, { store }) => [
      {
        quantity: part.total,
        originalUnitPriceSet: bag(store, part.line.order, part.line.unitPrice),
        approximateDiscountedUnitPriceSet: bag(store, part.line.order, linePart(part.line, 1)),
        discountAllocations: [],
      },
    ],
  });
  defineData(schema, "FulfillmentOrderLineItemFinancialSummary", [
    "quantity",
    "originalUnitPriceSet",
    "approximateDiscountedUnitPriceSet",
    "discountAllocations",
  ]);

  define<Fulfillment>(schema, "Fulfillment", {
    id: (fulfillment) => gid("Fulfillment", fulfillment.id),
    legacyResourceId: (fulfillment) => String(fulfillment.id),
    name: (fulfillment) => fulfillment.name,
    status: (fulfillment) => fulfillment.status,
    displayStatus: (fulfillment) =>
      fulfillment.status === "CANCELLED"
        ? "CANCELED"
        : fulfillment.deliveredAt !== null
          ? "DELIVERED"
          : fulfillment.inTransitAt !== null
            ? "IN_TRANSIT"
            : "FULFILLED",
    createdAt: (fulfillment) => dateTime(fulfillment.createdAt),
    updatedAt: (fulfillment) => dateTime(fulfillment.updatedAt),
    inTransitAt: (fulfillment) => dateTime(fulfillment.inTransitAt),
    deliveredAt: (fulfillment) => dateTime(fulfillment.deliveredAt),
    estimatedDeliveryAt: (fulfillment) => dateTime(fulfillment.estimatedDeliveryAt),
    location: (fulfillment, _, { store }) => store.locations.get(fulfillment.locationId) ?? null,
    order: (fulfillment) => fulfillment.order,
    requiresShipping: () => true,
    service: () => null,
    originAddress: () => null,
    totalQuantity: fulfillmentTotal,
    trackingInfo: ({ tracking }, { first }: { first?: number }) =>
      tracking.numbers
        .map((number, index) => ({
          company: tracking.company,
          number,
          url: tracking.urls[index] ?? null,
        }))
        .slice(0, first ?? undefined),
    fulfillmentLineItems: (fulfillment, args: ConnectionArgs) =>
      listConnection(fulfillment.lines, args, (line) => line.id),
    fulfillmentOrders: (fulfillment, args: ConnectionArgs) =>
      listConnection(
        [...new Set(fulfillment.lines.map((line) => line.fulfillmentOrderLine.fulfillmentOrder))],
        args,
        (fulfillmentOrder) => fulfillmentOrder.id,
      ),
    events: () => emptyConnection(),
  });
  defineData(schema, "FulfillmentTrackingInfo", ["company", "number", "url"]);
  define<FulfillmentLine>(schema, "FulfillmentLineItem", {
    id: (part) => gid("FulfillmentLineItem", part.id),
    lineItem: (part) => part.line,
    quantity: (part) => part.quantity,
    originalTotalSet: (part, _, { store }) =>
      bag(
        store,
        part.line.order,
        share(lineOriginalTotal(part.line), part.quantity, part.line.quantity),
      ),
    discountedTotalSet: (part, _, { store }) =>
      bag(store, part.line.order, linePart(part.line, part.quantity)),
  });
}

/** Whether a location stocks what a line asks for. */
export function isStocked(
  store: ShopStore,
  part: FulfillmentOrderLine,
  locationId: number,
): boolean {
  const variant =
    part.line.variantId === null ? undefined : store.variants.get(part.line.variantId);
  return variant
    ? store.level(variant.item, locationId)?.isActive === true
    : part.line.variantId === null;
}
