import { expectOrder } from "../commands/expected-order.ts";
import {
  expectedWithKept,
  gravestWithKept,
  withKept,
  type KeptCommands,
} from "../commands/kept.server.ts";
import type { InventoryPage } from "../inventory/types.ts";
import type { OrderDetail, OrderPage, TimelineEntry } from "../orders/types.ts";
import type { ChangeMark, Overview } from "../overview/types.ts";

/*
 * Adds to what pages show the changes that are kept on this instance's disk: they were accepted, and the database
 * does not know of them yet.
 */

export function overviewWithKept(overview: Overview, kept: KeptCommands): Overview {
  const { changes } = overview;
  const list = withKept(changes.list, kept, "unsettled");
  const added = list.length - changes.list.length;
  const decided = changes.list.filter(
    ({ operationId, ring }) => ring === "needs-you" && kept.decided.has(operationId),
  ).length;
  return {
    ...overview,
    changes: { count: changes.count + added, needYou: changes.needYou - decided, list },
  };
}

export function ordersWithKept(page: OrderPage, kept: KeptCommands): OrderPage {
  return {
    ...page,
    orders: page.orders.map((order) => ({
      ...order,
      pending: gravestWithKept(order.pending, `order/${order.id}`, kept),
    })),
  };
}

export function orderWithKept(order: OrderDetail | null, kept: KeptCommands): OrderDetail | null {
  if (!order) return null;
  const resource = `order/${order.id}`;
  const known = new Set(order.timeline.map(({ change }) => change?.operationId));
  const entries = kept.submitted
    .map(({ change }) => change)
    .filter((change) => change.resource === resource && !known.has(change.operationId))
    .map((change): TimelineEntry => ({
      id: `change/${change.operationId}`,
      at: change.acceptedAt,
      kind: "change",
      change,
      detail: null,
    }));
  return {
    ...order,
    pending: gravestWithKept(order.pending, resource, kept),
    expected: expectOrder(
      order,
      kept.submitted
        .filter(({ change }) => change.resource === resource && !known.has(change.operationId))
        .map(({ submission }) => submission),
    ),
    timeline: [...entries.toReversed(), ...order.timeline],
  };
}

export function inventoryWithKept(page: InventoryPage, kept: KeptCommands): InventoryPage {
  return {
    ...page,
    rows: page.rows.map((row) => ({
      ...row,
      levels: row.levels.map((level) => ({
        ...level,
        expected: expectedWithKept(level, row.inventoryItemId, row.pending, kept),
      })),
      pending: gravestWithKept(row.pending, `inventory_item/${row.inventoryItemId}`, kept),
    })),
  };
}

/** Pages load again when what is kept changes, and look often while anything is. */
export function markWithKept(mark: ChangeMark, { submitted, decided }: KeptCommands): ChangeMark {
  if (submitted.length === 0 && decided.size === 0) return mark;
  const ids = [...submitted.map(({ change }) => change.operationId), ...decided];
  return {
    ...mark,
    mark: [mark.mark, ...ids].join(" "),
    pending: mark.pending + submitted.length + decided.size,
  };
}
