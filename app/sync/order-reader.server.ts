import { z } from "zod";
import {
  fulfillmentLineNode,
  fulfillmentNode,
  fulfillmentOrderLineNode,
  fulfillmentOrderNode,
  orderLineNode,
  orderNode,
  type FulfillmentLineNode,
  type FulfillmentNode,
  type FulfillmentOrderNode,
  type OrderNode,
} from "../orders/mapping.server.ts";
import type { AdminClient } from "../shopify/admin.server.ts";
import { idOf, pageOf } from "../shopify/fields.ts";
import { globalId } from "../shopify/ids.ts";
import {
  FULFILLMENT_ORDERS_PER_PAGE,
  FULFILLMENTS_ALONE,
  FULFILLMENTS_IN_PAGES,
  FULFILLMENTS_PER_READ,
  fulfillmentLinesById,
  fulfillmentLinesPage,
  fulfillmentOrderLinesPage,
  LINES_PER_PAGE,
  ORDERS_PER_PAGE,
  orderById,
  orderFulfillmentOrdersPage,
  orderFulfillments,
  orderLinesPage,
  ordersById,
  PARTS_PER_PAGE,
} from "../shopify/operations/orders.ts";
import { allNodes, chunks, whole } from "./pages.ts";
import { readNode, type Unreadable } from "./unreadable.ts";

/** How to ask for orders. */
export interface OrderReadOptions {
  /** Whether the app may see protected customer data; without it, orders come without people. */
  readonly personal: boolean;
  readonly signal?: AbortSignal;
  /** Told of orders whose shape is not known, which are then left out; without it, they are an error. */
  readonly unreadable?: Unreadable;
}

const linePage = pageOf(orderLineNode);
const fulfillmentOrderPage = pageOf(fulfillmentOrderNode);
const fulfillmentOrderLinePage = pageOf(fulfillmentOrderLineNode);
const fulfillmentLinePage = pageOf(fulfillmentLineNode);
const fulfillmentWithLines = z.object({
  id: idOf("Fulfillment"),
  fulfillmentLineItems: fulfillmentLinePage,
});

/**
 * Orders by id, all parts in place. What is gone, or older than the app may see, is not among them.
 *
 * @throws ShopifyError when Shopify cannot be asked; z.ZodError when it answers with an unknown shape.
 */
export async function readOrders(
  admin: AdminClient,
  ids: readonly number[],
  options: OrderReadOptions,
): Promise<OrderNode[]> {
  const found: OrderNode[] = [];
  for (const some of chunks(ids, ORDERS_PER_PAGE)) {
    const { nodes } = await admin.request(
      ordersById,
      { ids: some.map((id) => globalId("Order", id)), personal: options.personal },
      options,
    );
    found.push(...(await completeOrders(admin, nodes.filter(isPresent), options)));
  }
  return found;
}

/** Orders as a page has them, with what did not fit into the page read as well. */
export async function completeOrders(
  admin: AdminClient,
  nodes: readonly unknown[],
  options: OrderReadOptions,
): Promise<OrderNode[]> {
  const complete: OrderNode[] = [];
  for (const node of nodes) {
    const order = readNode(orderNode, node, options.unreadable);
    if (!order) continue;
    if (isWhole(order, FULFILLMENTS_IN_PAGES)) {
      complete.push(order);
      continue;
    }
    const { order: again } = await admin.request(
      orderById,
      { id: globalId("Order", order.id), personal: options.personal },
      options,
    );
    if (!isPresent(again)) continue;
    const larger = readNode(orderNode, again, options.unreadable);
    if (larger) complete.push(await withAllParts(admin, larger, options));
  }
  return complete;
}

/** Null stands for what is gone; an empty object for a node of another type than was asked for. */
function isPresent(node: unknown): boolean {
  return typeof node === "object" && node !== null && "id" in node;
}

function isWhole(order: OrderNode, fulfillmentsAskedFor: number): boolean {
  return (
    !order.lineItems.pageInfo.hasNextPage &&
    !order.fulfillmentOrders.pageInfo.hasNextPage &&
    order.fulfillmentOrders.nodes.every(({ lineItems }) => !lineItems.pageInfo.hasNextPage) &&
    order.fulfillments.length < fulfillmentsAskedFor &&
    order.fulfillments.every((one) => !one.fulfillmentLineItems?.pageInfo.hasNextPage)
  );
}

async function withAllParts(
  admin: AdminClient,
  order: OrderNode,
  options: OrderReadOptions,
): Promise<OrderNode> {
  if (isWhole(order, FULFILLMENTS_ALONE)) return order;
  const id = globalId("Order", order.id);
  const lines = await allNodes(
    order.lineItems,
    async (after) =>
      (await admin.request(orderLinesPage, { id, first: LINES_PER_PAGE, after }, options)).order
        ?.lineItems,
    (page) => linePage.parse(page),
  );
  const fulfillmentOrders = await allNodes(
    order.fulfillmentOrders,
    async (after) =>
      (
        await admin.request(
          orderFulfillmentOrdersPage,
          { id, first: FULFILLMENT_ORDERS_PER_PAGE, after },
          options,
        )
      ).order?.fulfillmentOrders,
    (page) => fulfillmentOrderPage.parse(page),
  );
  return {
    ...order,
    lineItems: whole(lines),
    fulfillmentOrders: whole(
      await each(fulfillmentOrders, (one) => withAllLines(admin, one, options)),
    ),
    fulfillments: await allFulfillments(admin, order, options),
  };
}

async function withAllLines(
  admin: AdminClient,
  fulfillmentOrder: FulfillmentOrderNode,
  options: OrderReadOptions,
): Promise<FulfillmentOrderNode> {
  const id = globalId("FulfillmentOrder", fulfillmentOrder.id);
  const lines = await allNodes(
    fulfillmentOrder.lineItems,
    async (after) =>
      (
        await admin.request(
          fulfillmentOrderLinesPage,
          { id, first: PARTS_PER_PAGE, after },
          options,
        )
      ).fulfillmentOrder?.lineItems,
    (page) => fulfillmentOrderLinePage.parse(page),
  );
  return { ...fulfillmentOrder, lineItems: whole(lines) };
}

async function allFulfillments(
  admin: AdminClient,
  order: OrderNode,
  options: OrderReadOptions,
): Promise<FulfillmentNode[]> {
  let { fulfillments } = order;
  if (fulfillments.length >= FULFILLMENTS_ALONE) {
    const answer = await admin.request(
      orderFulfillments,
      { id: globalId("Order", order.id) },
      options,
    );
    fulfillments = z.array(fulfillmentNode).parse(answer.order?.fulfillments ?? []);
  }
  const lines = await linesOfFulfillments(
    admin,
    fulfillments.filter((one) => one.fulfillmentLineItems?.pageInfo.hasNextPage !== false),
    options,
  );
  return fulfillments.map((one) => withLines(one, lines));
}

function withLines(
  fulfillment: FulfillmentNode,
  lines: ReadonlyMap<number, FulfillmentLineNode[]>,
): FulfillmentNode {
  const found = lines.get(fulfillment.id);
  return found ? { ...fulfillment, fulfillmentLineItems: whole(found) } : fulfillment;
}

async function linesOfFulfillments(
  admin: AdminClient,
  fulfillments: readonly FulfillmentNode[],
  options: OrderReadOptions,
): Promise<Map<number, FulfillmentLineNode[]>> {
  const lines = new Map<number, FulfillmentLineNode[]>();
  for (const some of chunks(fulfillments, FULFILLMENTS_PER_READ)) {
    const ids = some.map(({ id }) => globalId("Fulfillment", id));
    const { nodes } = await admin.request(fulfillmentLinesById, { ids }, options);
    for (const node of nodes.filter(isPresent)) {
      const { id, fulfillmentLineItems } = fulfillmentWithLines.parse(node);
      lines.set(
        id,
        await allNodes(
          fulfillmentLineItems,
          async (after) =>
            (
              await admin.request(
                fulfillmentLinesPage,
                { id: globalId("Fulfillment", id), first: PARTS_PER_PAGE, after },
                options,
              )
            ).fulfillment?.fulfillmentLineItems,
          (page) => fulfillmentLinePage.parse(page),
        ),
      );
    }
  }
  return lines;
}

/**
 * Adds the lines of fulfillments to orders from a bulk operation, which cannot give them. Where all the
 * fulfillment orders that a fulfillment stands for have no other, its lines are what those have sent. The rest,
 * several parcels from one place, and whatever was cancelled, is read by id.
 */
export async function withFulfillmentLines(
  admin: AdminClient,
  orders: readonly OrderNode[],
  options: OrderReadOptions,
): Promise<OrderNode[]> {
  const lines = new Map<number, FulfillmentLineNode[]>();
  const unclear: FulfillmentNode[] = [];
  for (const order of orders) {
    for (const fulfillment of order.fulfillments) {
      const sent = sentBy(fulfillment, order.fulfillmentOrders.nodes);
      if (sent) lines.set(fulfillment.id, sent);
      else unclear.push(fulfillment);
    }
  }
  for (const [id, read] of await linesOfFulfillments(admin, unclear, options)) lines.set(id, read);
  return orders.map((order) => ({
    ...order,
    fulfillments: order.fulfillments.map((one) => withLines(one, lines)),
  }));
}

function sentBy(
  fulfillment: FulfillmentNode,
  fulfillmentOrders: readonly FulfillmentOrderNode[],
): FulfillmentLineNode[] | null {
  if (fulfillment.status !== "success") return null;
  const own = fulfillmentOrders.filter((one) =>
    one.fulfillments?.nodes.some(({ id }) => id === fulfillment.id),
  );
  if (own.length === 0 || own.some((one) => one.fulfillments?.nodes.length !== 1)) return null;
  return own
    .flatMap(({ lineItems }) => lineItems.nodes)
    .map(({ lineItem, totalQuantity, remainingQuantity }) => ({
      lineItem,
      quantity: totalQuantity - remainingQuantity,
    }))
    .filter(({ quantity }) => quantity > 0);
}

async function each<T>(all: readonly T[], change: (one: T) => Promise<T>): Promise<T[]> {
  const changed: T[] = [];
  for (const one of all) changed.push(await change(one));
  return changed;
}
