import { and, eq, isNotNull, sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import { complianceRequests, fulfillments, orderLines, orders, shops } from "../database/schema.ts";
import { idsIn } from "../database/rows.ts";
import { customerOrderIds, redactOrders } from "../orders/privacy.server.ts";
import { redactTaken, takenOf } from "../orders/taken-privacy.server.ts";
import { applied, handler, type Told } from "./handler.ts";

const id = z.number().int();
const customer = z
  .object({ id: id.nullish(), email: z.string().nullish() })
  .nullish()
  .transform((one) => ({ id: one?.id ?? null, email: one?.email || null }));

const inAnyState = { whenUninstalled: true } as const;

/** Notes a request, once; the moment of its completion and what was done come with it. */
async function record(
  tx: ShopDatabase,
  { shop, deliveryId, topic }: Told,
  request: Record<string, unknown>,
  done: { readonly completed: boolean; readonly outcome: unknown },
): Promise<void> {
  await tx.insert(complianceRequests).values({
    shop,
    id: deliveryId,
    topic: topic as "customers/data_request" | "customers/redact" | "shop/redact",
    request,
    completedAt: done.completed ? new Date() : null,
    outcome: done.outcome,
  });
}

/** `customers/data_request`: everything that is kept about the customer, for the merchant to hand over. */
export const dataRequest = handler(
  z.object({
    customer,
    orders_requested: z.array(id).default([]),
    data_request: z.object({ id }).nullish(),
  }),
  async (tx, payload, told) => {
    const { shop } = told;
    const ids = await customerOrderIds(tx, shop, payload.customer, payload.orders_requested);
    const kept = await tx
      .select()
      .from(orders)
      .where(and(eq(orders.shop, shop), sql`${orders.id} in ${idsIn(ids)}`))
      .orderBy(orders.placedAt);
    const lines = await tx
      .select()
      .from(orderLines)
      .where(and(eq(orderLines.shop, shop), sql`${orderLines.orderId} in ${idsIn(ids)}`));
    const sent = await tx
      .select()
      .from(fulfillments)
      .where(and(eq(fulfillments.shop, shop), sql`${fulfillments.orderId} in ${idsIn(ids)}`));
    await record(
      tx,
      told,
      {
        dataRequestId: payload.data_request?.id ?? null,
        customerId: payload.customer.id,
        orderIds: ids,
      },
      {
        completed: true,
        outcome: {
          customer: payload.customer,
          orders: kept.map((order) => ({
            ...order,
            lines: lines.filter(({ orderId }) => orderId === order.id),
            fulfillments: sent.filter(({ orderId }) => orderId === order.id),
          })),
          taken: await takenOf(tx, shop, payload.customer, ids),
        },
      },
    );
    return applied;
  },
  inAnyState,
);

/** `customers/redact`: nothing of the person stays, nor comes back with what arrives later. */
export const redactCustomer = handler(
  z.object({ customer, orders_to_redact: z.array(id).default([]) }),
  async (tx, payload, told) => {
    const { shop } = told;
    const ids = await customerOrderIds(tx, shop, payload.customer, payload.orders_to_redact);
    const redacted = await redactOrders(tx, shop, ids);
    const taken = await redactTaken(tx, shop, payload.customer, ids);
    // What was exported for this person earlier.
    const customerId = String(payload.customer.id ?? "");
    await tx
      .update(complianceRequests)
      .set({ outcome: sql`'{"redacted": true}'::jsonb` })
      .where(
        and(
          eq(complianceRequests.shop, shop),
          eq(complianceRequests.topic, "customers/data_request"),
          isNotNull(complianceRequests.outcome),
          sql`(${complianceRequests.request} ->> 'customerId') = ${customerId}`,
        ),
      );
    const bodies = await forgetBodies(tx, told, payload.customer.id, ids);
    await record(
      tx,
      told,
      { customerId: payload.customer.id, orderIds: ids },
      { completed: true, outcome: { orders: redacted, taken, deliveries: bodies } },
    );
    return applied;
  },
  inAnyState,
);

/**
 * Empties the kept bodies of webhooks that name the person or their orders, this request's own among them.
 * Those that still wait are emptied too: their orders are redacted, and what else they say is read by id.
 */
async function forgetBodies(
  tx: ShopDatabase,
  { shop }: Told,
  customerId: number | null,
  orderIds: readonly number[],
): Promise<number> {
  const personal = await tx.execute(sql`
    update webhook_deliveries d
    set body = '{}',
        state = case when d.state = 'received' and d.topic like 'orders/%' then 'ignored' else d.state end,
        error = case when d.state = 'received' and d.topic like 'orders/%' then 'The customer was redacted.' else d.error end
    where d.shop = ${shop}
      and (d.topic like 'orders/%' or d.topic in ('customers/data_request', 'customers/redact'))
      and d.body <> '{}'
      and (
        (${customerId}::bigint is not null
          and (d.body::json -> 'customer' ->> 'id') = ${customerId}::bigint::text)
        or (d.topic like 'orders/%' and (d.body::json ->> 'id')::bigint in ${idsIn(orderIds)})
      )`);
  await tx.execute(sql`
    insert into rereads (shop, kind, id)
    select ${shop}, 'order', o.id from orders o
    where o.shop = ${shop} and o.id in ${idsIn(orderIds)} and o.deleted_at is null
      and exists (select 1 from shops s where s.shop = ${shop} and s.uninstalled_at is null)
    on conflict do nothing`);
  return personal.count;
}

/** Everything that belongs to one shop; the order does not matter, there are no foreign keys. */
const ofShop = [
  "order_lines",
  "fulfillment_orders",
  "fulfillments",
  "orders",
  "inventory_levels",
  "variants",
  "products",
  "locations",
  "rereads",
  "sync_runs",
  "command_events",
  "commands",
  "taken_orders",
  "settings",
  "saved_views",
  "sessions",
] as const;

/**
 * `shop/redact`, 48 hours after an uninstall: everything of the shop goes, but the record that it did. A shop
 * that has the app again is left alone, and a person has to look.
 */
export const redactShop = handler(
  z.object({ shop_id: id.nullish() }),
  async (tx, payload, told) => {
    const { shop } = told;
    const [known] = await tx
      .select({ uninstalledAt: shops.uninstalledAt })
      .from(shops)
      .where(eq(shops.shop, shop))
      .for("update");
    const request = { shopId: payload.shop_id ?? null };
    if (known && known.uninstalledAt === null) {
      await record(tx, told, request, {
        completed: false,
        outcome: {
          setAside: "The shop has installed the app again. Erase it only after asking Shopify.",
        },
      });
      return applied;
    }
    const removed: Record<string, number> = {};
    for (const table of ofShop) {
      const gone = await tx.execute(sql`delete from ${sql.identifier(table)} where shop = ${shop}`);
      removed[table] = gone.count;
    }
    await tx.execute(
      sql`delete from webhook_deliveries where shop = ${shop} and id <> ${told.deliveryId}`,
    );
    await tx.execute(
      sql`delete from operations where shop = ${shop} and operation_id <> ${told.deliveryId}`,
    );
    await tx.execute(sql`delete from compliance_requests where shop = ${shop}`);
    await tx.execute(sql`delete from shops where shop = ${shop}`);
    await record(tx, told, request, { completed: true, outcome: { removed } });
    return applied;
  },
  inAnyState,
);
