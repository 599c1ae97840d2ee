import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

/**
 * Every table starts with its shop, and row-level security (see drizzle/*_tenancy.sql) holds that line even
 * if a query forgets it. Shopify's ids are kept as numbers: they fit in 53 bits, and addresses use them.
 * Moments are `timestamptz`; those that come from Shopify have whole seconds.
 */
const shopifyId = () => bigint({ mode: "number" });
const moment = () => timestamp({ withTimezone: true, mode: "date" });
const money = () => numeric({ precision: 18, scale: 4 });
/** When the row last changed here, kept by a trigger; what pages watch to notice changes. */
const syncedAt = () =>
  moment()
    .notNull()
    .default(sql`clock_timestamp()`);
const shopDomain = () => text().notNull();

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** An installed shop, and where its first import stands. */
export const shops = pgTable("shops", {
  shop: text().primaryKey(),
  shopifyId: shopifyId(),
  name: text(),
  email: text(),
  currency: text(),
  timeZone: text(),
  plan: text(),
  primaryLocationId: shopifyId(),
  installedAt: moment().notNull().defaultNow(),
  uninstalledAt: moment(),
  updatedAt: moment().notNull().defaultNow(),
});

/** OAuth sessions; the access and refresh tokens of a pair are always stored together. */
export const sessions = pgTable(
  "sessions",
  {
    shop: shopDomain(),
    id: text().notNull(),
    isOnline: boolean().notNull(),
    state: text().notNull(),
    scope: text(),
    expiresAt: moment(),
    accessToken: text(),
    refreshToken: text(),
    refreshTokenExpiresAt: moment(),
    userId: shopifyId(),
    /** What the library's `Session` holds beside the columns above (the online user). */
    onlineAccessInfo: jsonb(),
    updatedAt: moment().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.shop, t.id] })],
);

/** One row per change, written in the change's own transaction: what makes every write repeatable. */
export const operations = pgTable(
  "operations",
  {
    shop: shopDomain(),
    operationId: text().notNull(),
    name: text().notNull(),
    inputHash: bytea().notNull(),
    result: jsonb(),
    createdAt: moment().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.operationId] }),
    index("operations_created_at").on(t.createdAt),
  ],
);

export const locations = pgTable(
  "locations",
  {
    shop: shopDomain(),
    id: shopifyId().notNull(),
    name: text().notNull(),
    active: boolean().notNull(),
    address: jsonb().$type<string[]>().notNull().default([]),
    fulfillsOnlineOrders: boolean().notNull().default(true),
    updatedAt: moment().notNull(),
    deletedAt: moment(),
  },
  (t) => [primaryKey({ columns: [t.shop, t.id] })],
);

export const products = pgTable(
  "products",
  {
    shop: shopDomain(),
    id: shopifyId().notNull(),
    title: text().notNull(),
    handle: text().notNull(),
    status: text().$type<"active" | "archived" | "draft" | "unlisted">().notNull(),
    vendor: text().notNull().default(""),
    productType: text().notNull().default(""),
    tags: text().array().notNull().default([]),
    imageUrl: text(),
    variantCount: integer().notNull().default(0),
    /** Title, vendor, type, and the SKUs and barcodes of the variants, lower case: what search looks in. */
    searchText: text().notNull().default(""),
    createdAt: moment().notNull(),
    updatedAt: moment().notNull(),
    deletedAt: moment(),
    syncedAt: syncedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("products_by_title").on(t.shop, sql`(${t.title} collate "und-x-icu")`, t.id),
    index("products_by_updated_at").on(t.shop, t.updatedAt, t.id),
    index("products_search").using("gin", t.shop, sql`${t.searchText} gin_trgm_ops`),
    index("products_synced_at").on(t.shop, t.syncedAt),
  ],
);

export const variants = pgTable(
  "variants",
  {
    shop: shopDomain(),
    id: shopifyId().notNull(),
    productId: shopifyId().notNull(),
    inventoryItemId: shopifyId().notNull(),
    /** Null where the product has only its default variant. */
    title: text(),
    sku: text().notNull().default(""),
    barcode: text(),
    price: money().notNull(),
    compareAtPrice: money(),
    position: integer().notNull().default(1),
    imageUrl: text(),
    tracked: boolean().notNull().default(true),
    /** Product title, variant title, SKU and barcode, lower case. */
    searchText: text().notNull().default(""),
    updatedAt: moment().notNull(),
    deletedAt: moment(),
    syncedAt: syncedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("variants_by_product").on(t.shop, t.productId),
    index("variants_by_inventory_item").on(t.shop, t.inventoryItemId),
    index("variants_by_sku").on(t.shop, t.sku, t.id),
    index("variants_search").using("gin", t.shop, sql`${t.searchText} gin_trgm_ops`),
    index("variants_synced_at").on(t.shop, t.syncedAt),
  ],
);

export const inventoryLevels = pgTable(
  "inventory_levels",
  {
    shop: shopDomain(),
    inventoryItemId: shopifyId().notNull(),
    locationId: shopifyId().notNull(),
    available: integer().notNull().default(0),
    onHand: integer().notNull().default(0),
    committed: integer().notNull().default(0),
    incoming: integer().notNull().default(0),
    updatedAt: moment().notNull(),
    deletedAt: moment(),
    syncedAt: syncedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.inventoryItemId, t.locationId] }),
    index("inventory_levels_by_location").on(t.shop, t.locationId, t.available),
    index("inventory_levels_synced_at").on(t.shop, t.syncedAt),
  ],
);

const isListed = sql`deleted_at is null`;

/** What can be packed now: not what is on hold, and not what only becomes due later. */
export const isToFulfil = sql.raw(
  "units_to_fulfil > 0 and cancelled_at is null and closed_at is null and deleted_at is null " +
    "and fulfillment_status <> 'on_hold' and fulfillment_status <> 'scheduled'",
);

/** The source of an order that was begun in Evenkeel; the others' are Shopify's words. */
export const TAKEN_HERE = "evenkeel";

/** Begun in Evenkeel rather than in Shopify. */
export const isTakenHere = sql.raw(`source_name = '${TAKEN_HERE}' and deleted_at is null`);

export const orders = pgTable(
  "orders",
  {
    shop: shopDomain(),
    id: shopifyId().notNull(),
    name: text().notNull(),
    placedAt: moment().notNull(),
    updatedAt: moment().notNull(),
    cancelledAt: moment(),
    cancelReason: text(),
    closedAt: moment(),
    /** Lower-case snake case of OrderDisplayFinancialStatus: `paid`, `partially_refunded`, … */
    paymentStatus: text().notNull(),
    /** Lower-case snake case of OrderDisplayFulfillmentStatus: `unfulfilled`, `on_hold`, … */
    fulfillmentStatus: text().notNull(),
    currency: text().notNull(),
    total: money().notNull(),
    subtotal: money().notNull(),
    totalTax: money().notNull(),
    totalShipping: money().notNull(),
    totalDiscounts: money().notNull(),
    totalRefunded: money().notNull(),
    customerId: shopifyId(),
    customerName: text(),
    email: text(),
    phone: text(),
    shippingAddress: jsonb().$type<Address>(),
    billingAddress: jsonb().$type<Address>(),
    shippingMethod: text(),
    note: text(),
    tags: text().array().notNull().default([]),
    risk: text().$type<"low" | "medium" | "high" | "none">(),
    sourceName: text(),
    test: boolean().notNull().default(false),
    /** Units over all lines, and how many of them are still to be sent. */
    units: integer().notNull().default(0),
    unitsToFulfil: integer().notNull().default(0),
    /** Where the open fulfillment orders of this order are assigned. */
    locationIds: bigint({ mode: "number" }).array().notNull().default([]),
    /** Name, customer, e-mail, SKUs and tracking numbers, lower case: what search looks in. */
    searchText: text().notNull().default(""),
    /** Since when no personal data of this order may be kept, whatever a late delivery or read brings. */
    redactedAt: moment(),
    deletedAt: moment(),
    syncedAt: syncedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    // Lists leave deleted orders out; with them out of the index too, counting need not look at the rows.
    index("orders_by_placed_at").on(t.shop, t.placedAt, t.id).where(isListed),
    index("orders_by_updated_at").on(t.shop, t.updatedAt, t.id).where(isListed),
    index("orders_by_total").on(t.shop, t.total, t.id).where(isListed),
    index("orders_by_customer")
      .on(t.shop, sql`(coalesce(${t.customerName}, '') collate "und-x-icu")`, t.id)
      .where(isListed),
    index("orders_by_payment_status").on(t.shop, t.paymentStatus, t.placedAt, t.id).where(isListed),
    index("orders_by_fulfillment_status")
      .on(t.shop, t.fulfillmentStatus, t.placedAt, t.id)
      .where(isListed),
    // With the lists' own conditions, word for word, and with the locations: then what is to be fulfilled where is
    // counted out of the index alone.
    index("orders_to_fulfil").on(t.shop, t.placedAt, t.id, t.locationIds).where(isToFulfil),
    index("orders_taken_here").on(t.shop, t.placedAt, t.id).where(isTakenHere),
    // The shop stands in it too (btree_gin), so that a search never wades through other shops' orders.
    index("orders_search").using(
      "gin",
      t.shop,
      sql`${t.searchText} gin_trgm_ops`,
      t.tags,
      t.locationIds,
    ),
    index("orders_synced_at").on(t.shop, t.syncedAt),
  ],
);

export const orderLines = pgTable(
  "order_lines",
  {
    shop: shopDomain(),
    orderId: shopifyId().notNull(),
    id: shopifyId().notNull(),
    position: integer().notNull(),
    productId: shopifyId(),
    variantId: shopifyId(),
    title: text().notNull(),
    variantTitle: text(),
    sku: text().notNull().default(""),
    imageUrl: text(),
    quantity: integer().notNull(),
    /** What is left after refunds and removals. */
    currentQuantity: integer().notNull(),
    unfulfilledQuantity: integer().notNull(),
    unitPrice: money().notNull(),
    discount: money().notNull().default("0"),
    requiresShipping: boolean().notNull().default(true),
  },
  (t) => [primaryKey({ columns: [t.shop, t.orderId, t.id] })],
);

export const fulfillmentOrders = pgTable(
  "fulfillment_orders",
  {
    shop: shopDomain(),
    orderId: shopifyId().notNull(),
    id: shopifyId().notNull(),
    /** Lower-case FulfillmentOrderStatus: `open`, `in_progress`, `on_hold`, `scheduled`, `closed`, … */
    status: text().notNull(),
    locationId: shopifyId(),
    locationName: text(),
    holds: jsonb()
      .$type<{ id?: number; reason: string; notes: string | null }[]>()
      .notNull()
      .default([]),
    fulfillAt: moment(),
    lines: jsonb()
      .$type<{ id: number; lineId: number; total: number; remaining: number }[]>()
      .notNull()
      .default([]),
    updatedAt: moment().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.orderId, t.id] }),
    index("fulfillment_orders_by_id").on(t.shop, t.id),
  ],
);

export const fulfillments = pgTable(
  "fulfillments",
  {
    shop: shopDomain(),
    orderId: shopifyId().notNull(),
    id: shopifyId().notNull(),
    name: text(),
    status: text().notNull(),
    createdAt: moment().notNull(),
    updatedAt: moment().notNull(),
    locationId: shopifyId(),
    tracking: jsonb()
      .$type<{ company: string | null; number: string | null; url: string | null }[]>()
      .notNull()
      .default([]),
    lines: jsonb().$type<{ lineId: number; quantity: number }[]>().notNull().default([]),
  },
  (t) => [primaryKey({ columns: [t.shop, t.orderId, t.id] })],
);

/**
 * The outbox: what a merchant asked for and Shopify has to hear of exactly once. The id is the operation id
 * that was made at the click.
 */
export const commands = pgTable(
  "commands",
  {
    shop: shopDomain(),
    id: uuid().notNull(),
    kind: text().notNull(),
    /** What the command changes (`order/123`, `inventory_item/456`): those of one resource go in order. */
    resource: text().notNull(),
    input: jsonb().notNull(),
    state: text().$type<CommandState>().notNull().default("accepted"),
    attempts: integer().notNull().default(0),
    /** Words for the merchant about the last failure, and the class that it had. */
    error: jsonb().$type<{ code: string; message: string; field?: string }>(),
    /** What is kept between attempts, and in the end what Shopify made of it. */
    result: jsonb(),
    requestedBy: text(),
    /** Those that were asked for together. */
    bulkId: uuid(),
    acceptedAt: moment().notNull().defaultNow(),
    /** When it was first sent; an idempotency key is honoured for 24 hours from here. */
    firstSentAt: moment(),
    /** Since when Shopify may have it without our knowing; null once somebody has looked. */
    uncertainSince: moment(),
    settledAt: moment(),
    updatedAt: moment()
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("commands_by_resource").on(t.shop, t.resource, t.acceptedAt),
    index("commands_pending")
      .on(t.shop, t.acceptedAt)
      .where(sql`state not in ('done', 'discarded')`),
    index("commands_updated_at").on(t.shop, t.updatedAt),
    index("commands_by_bulk")
      .on(t.shop, t.acceptedAt)
      .where(sql`bulk_id is not null`),
  ],
);

/**
 * Orders that were taken here, and which of Shopify's orders each has become. What was asked for stands in its
 * command alone, so that personal data is in one place.
 */
export const takenOrders = pgTable(
  "taken_orders",
  {
    shop: shopDomain(),
    /** Made with the form. */
    id: uuid().notNull(),
    /** Follows from the id; Shopify's order has it as a tag. */
    number: text().notNull(),
    orderId: shopifyId(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("taken_orders_open")
      .on(t.shop, t.number)
      .where(sql`order_id is null`),
  ],
);

/** The audit trail of each command. */
export const commandEvents = pgTable(
  "command_events",
  {
    shop: shopDomain(),
    id: bigint({ mode: "number" }).generatedAlwaysAsIdentity(),
    commandId: uuid().notNull(),
    at: moment().notNull().defaultNow(),
    state: text().$type<CommandState>().notNull(),
    /** A person's id, or the part of Evenkeel that did it. */
    actor: text().notNull(),
    detail: text(),
    /** What a person has decided; null where the step was Evenkeel's own. */
    action: text(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("command_events_by_command").on(t.shop, t.commandId, t.id),
  ],
);

/**
 * A webhook as it came. The row is the job: claimed with SKIP LOCKED, leased until `leasedUntil`. The body
 * stays text, EXTERNAL and unparsed, since parsing it as jsonb costs the intake half of its throughput.
 */
export const webhookDeliveries = pgTable(
  "webhook_deliveries",
  {
    shop: shopDomain(),
    /** X-Shopify-Webhook-Id: the key of de-duplication. */
    id: text().notNull(),
    sequence: bigint({ mode: "number" }).generatedAlwaysAsIdentity(),
    topic: text().notNull(),
    apiVersion: text().notNull(),
    eventId: text(),
    triggeredAt: moment(),
    receivedAt: moment().notNull().defaultNow(),
    body: text().notNull(),
    state: text().$type<DeliveryState>().notNull().default("received"),
    attempts: integer().notNull().default(0),
    leasedUntil: moment(),
    /** Whose lease it is: an inbox takes up at once what it lost sight of when a claim's answer did not come. */
    leasedBy: uuid(),
    appliedAt: moment(),
    error: text(),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("webhook_deliveries_waiting")
      .on(t.sequence)
      .where(sql`state = 'received'`),
    index("webhook_deliveries_by_sequence").on(t.shop, t.sequence.desc()),
  ],
);

/**
 * What has to be read again from Shopify by id, since a webhook did not say all of it or could not be told
 * from what was there. One row per resource, however often it is asked for.
 */
export const rereads = pgTable(
  "rereads",
  {
    shop: shopDomain(),
    kind: text().$type<RereadKind>().notNull(),
    id: shopifyId().notNull(),
    /** A read that began before this moment does not settle it. */
    requestedAt: moment().notNull().defaultNow(),
    dueAt: moment().notNull().defaultNow(),
    attempts: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.kind, t.id] }),
    index("rereads_by_due_at").on(t.shop, t.dueAt),
  ],
);

/** One import or reconciliation of a shop, resumable at its cursor. */
export const syncRuns = pgTable(
  "sync_runs",
  {
    shop: shopDomain(),
    id: uuid().notNull(),
    kind: text().$type<"import" | "reconciliation">().notNull(),
    state: text().$type<"running" | "done" | "failed">().notNull().default("running"),
    startedAt: moment().notNull().defaultNow(),
    finishedAt: moment(),
    updatedAt: moment().notNull().defaultNow(),
    error: text(),
    /** One entry per phase, in their order. */
    phases: jsonb().$type<SyncPhase[]>().notNull().default([]),
  },
  (t) => [
    primaryKey({ columns: [t.shop, t.id] }),
    index("sync_runs_by_started_at").on(t.shop, t.startedAt.desc()),
    uniqueIndex("sync_runs_one_at_a_time")
      .on(t.shop)
      .where(sql`state = 'running'`),
  ],
);

/** Compliance requests and what was done about each. */
export const complianceRequests = pgTable(
  "compliance_requests",
  {
    shop: shopDomain(),
    /** The delivery id of the webhook that asked. */
    id: text().notNull(),
    topic: text().$type<"customers/data_request" | "customers/redact" | "shop/redact">().notNull(),
    request: jsonb().notNull(),
    receivedAt: moment().notNull().defaultNow(),
    completedAt: moment(),
    outcome: jsonb(),
  },
  (t) => [primaryKey({ columns: [t.shop, t.id] })],
);

export const settings = pgTable("settings", {
  shop: text().primaryKey(),
  values: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  updatedAt: moment().notNull().defaultNow(),
  updatedBy: text(),
});

/** A list's filters and order, kept under a name. */
export const savedViews = pgTable(
  "saved_views",
  {
    shop: shopDomain(),
    id: uuid().notNull(),
    page: text().$type<"orders" | "inventory" | "products">().notNull(),
    name: text().notNull(),
    query: text().notNull(),
    position: integer().notNull().default(0),
    createdAt: moment().notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.shop, t.id] })],
);

export interface Address {
  readonly name: string | null;
  readonly company: string | null;
  readonly address1: string | null;
  readonly address2: string | null;
  readonly zip: string | null;
  readonly city: string | null;
  readonly province: string | null;
  readonly country: string | null;
  readonly countryCode: string | null;
  readonly phone: string | null;
}

export type CommandState =
  "accepted" | "sending" | "done" | "failed" | "unknown" | "held" | "discarded";

/** `fulfillment_order`: the order that it belongs to. `inventory_item`: its levels at every location. */
export type RereadKind =
  "order" | "fulfillment_order" | "product" | "inventory_item" | "location" | "shop";

export type DeliveryState = "received" | "applied" | "ignored" | "dead";

export interface SyncPhase {
  readonly name: "locations" | "products" | "inventory" | "orders";
  readonly state: "waiting" | "running" | "done";
  readonly done: number;
  /** How many there are, as far as Shopify has said. */
  readonly total: number | null;
  /** Where to go on after a restart: a page cursor or the bulk operation's id and line. */
  readonly cursor: string | null;
}
