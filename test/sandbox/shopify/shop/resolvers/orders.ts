import type { GraphQLSchema } from "graphql";
import { emptyConnection, listConnection, paginate, sortEntries } from "../connection.ts";
import type { Connection, ConnectionArgs, SortValue } from "../connection.ts";
import { orderSearch } from "../documents.ts";
import type { OrderDocument } from "../documents.ts";
import { gid, numberOf } from "../ids.ts";
import { atLeastZero, minus, share, zero } from "../money.ts";
import type { Money } from "../money.ts";
import type {
  Address,
  Attribute,
  Discount,
  Fulfillment,
  LineItem,
  Order,
  Refund,
  RefundLine,
  ShippingLine,
  TimelineEvent,
  Transaction,
} from "../model.ts";
import {
  capturable,
  currentQuantity,
  currentSubtotal,
  currentTax,
  currentTotal,
  currentWeight,
  financialStatus,
  fulfilledOfLine,
  fulfillmentStatus,
  isActive,
  lineOriginalTotal,
  linePart,
  lineTotal,
  netPayment,
  outstanding,
  quantity,
  received,
  refundable,
  refundableQuantity,
  refunded,
  refundedShipping,
  refundTotal,
  remainingOfLine,
  remainingQuantity,
  shippingOriginal,
  shippingTotal,
  subtotal,
  totalDiscounts,
  totalPrice,
  totalTax,
  weight,
} from "../order-state.ts";
import { orderToken } from "../payloads/order.ts";
import { orderWindow } from "../store.ts";
import type { ShopStore } from "../store.ts";
import { weightOf } from "./catalogue.ts";
import {
  count,
  dateTime,
  define,
  defineData,
  fullName,
  moneyBag,
  moneyText,
  moneyV2,
  nowOf,
} from "./define.ts";
import type { Context } from "./define.ts";
import { compileIn } from "./listing.ts";
import type { SearchArgs } from "./listing.ts";

/** Orders and all that hangs on them but their fulfillment orders. */

/** Whether the app may see an order: only the last 60 days without `read_all_orders`. */
export function isVisible(context: Context, createdAt: number): boolean {
  return context.scopes.has("read_all_orders") || createdAt >= nowOf(context) - orderWindow;
}

export function findOrder(context: Context, id: string): Order | undefined {
  const order = context.store.order(numberOf("Order", id) ?? -1);
  return order && isVisible(context, order.createdAt) ? order : undefined;
}

const sortValues: Readonly<Record<string, (document: OrderDocument) => SortValue>> = {
  ID: (document) => document.id,
  ORDER_NUMBER: (document) => document.ordinal,
  CREATED_AT: (document) => document.createdAt,
  PROCESSED_AT: (document) => document.processedAt,
  UPDATED_AT: (document) => document.updatedAt,
  TOTAL_PRICE: (document) => document.total,
  CURRENT_TOTAL_PRICE: (document) => document.currentTotal,
  FINANCIAL_STATUS: (document) => document.financial,
  FULFILLMENT_STATUS: (document) => document.fulfillment,
  CUSTOMER_NAME: (document) => document.details().customerName.toLowerCase(),
  DESTINATION: (document) => document.details().destination,
  PO_NUMBER: (document) => document.details().poNumber ?? "",
  TOTAL_ITEMS_QUANTITY: (document) => document.details().itemCount,
  RELEVANCE: (document) => document.processedAt,
};

export interface OrderEntries {
  ordinals: readonly number[];
  valueOf: (ordinal: number) => SortValue;
}

/** The first ordinal that the app may see. */
function firstVisible(context: Context): number {
  return context.scopes.has("read_all_orders")
    ? 0
    : context.store.orders.firstSince(nowOf(context) - orderWindow);
}

/** Lists that were made for the pages before, as long as nothing has been written and no write has come to light. */
export interface ListingMemory {
  version: number;
  lists: Map<string, OrderEntries>;
}

const mostRemembered = 8;

function remembered(context: Context, key: string, make: () => OrderEntries): OrderEntries {
  const { store } = context;
  if (!store.index.orders.isSettled) return make();
  if (store.listings.version !== store.version) {
    store.listings.version = store.version;
    store.listings.lists.clear();
  }
  const { lists } = store.listings;
  const known = lists.get(key);
  if (known) return known;
  const made = make();
  if (lists.size >= mostRemembered) lists.clear();
  lists.set(key, made);
  return made;
}

/** Ordinals of the orders that a listing goes over, in ascending order of its sort key. */
export function selectOrders(
  context: Context,
  args: Pick<SearchArgs, "query" | "sortKey">,
  only?: (ordinal: number) => boolean,
): OrderEntries {
  const sortKey = args.sortKey ?? "PROCESSED_AT";
  const query = args.query?.trim() ?? "";
  const from = firstVisible(context);
  // A query may speak of "now", so that a list of it is good for the same second only.
  const key = [sortKey, query, from, /now/i.test(query) ? nowOf(context) : ""].join("\n");
  const all = remembered(context, key, () => listOrders(context, sortKey, query, from));
  return only ? { ...all, ordinals: all.ordinals.filter(only) } : all;
}

function listOrders(context: Context, sortKey: string, query: string, from: number): OrderEntries {
  const { store } = context;
  const { orders } = store;
  if (!query) {
    // Without a query Shopify reads its database, so that nothing lags; and the columns suffice to sort by.
    if (sortKey === "UPDATED_AT") {
      const ordinals = orders.byUpdate();
      return {
        ordinals: from === 0 ? [...ordinals] : ordinals.filter((ordinal) => ordinal >= from),
        valueOf: (ordinal) => orders.updatedAt(ordinal),
      };
    }
    if (sortKey === "CREATED_AT") {
      return { ordinals: orders.byNumber(from), valueOf: (ordinal) => orders.createdAt(ordinal) };
    }
    if (sortKey === "ID" || sortKey === "ORDER_NUMBER") {
      return { ordinals: orders.byNumber(from), valueOf: (ordinal) => ordinal };
    }
    if (sortKey === "PROCESSED_AT") {
      const valueOf = (ordinal: number) => orders.processedAt(ordinal);
      const ordinals = orders.byNumber(from);
      if (orders.hasBackdated) sortEntries(ordinals, valueOf, (ordinal) => ordinal);
      return { ordinals, valueOf };
    }
  }
  const matches = query ? compileIn(context, query, orderSearch(store.currency)) : () => true;
  const sortValue = sortValues[sortKey] ?? sortValues.ID!;
  const values = new Map<number, SortValue>();
  for (let ordinal = from; ordinal < orders.length; ordinal++) {
    if (!orders.has(ordinal)) continue;
    const document = query ? store.searchableOrder(ordinal) : store.orderDocument(ordinal);
    if (document && matches(document)) values.set(ordinal, sortValue(document));
  }
  const valueOf = (ordinal: number) => values.get(ordinal) ?? 0;
  return { ordinals: sortEntries([...values.keys()], valueOf, (ordinal) => ordinal), valueOf };
}

export function orderListing(
  context: Context,
  args: SearchArgs,
  only?: (ordinal: number) => boolean,
): Connection<Order> {
  const { store } = context;
  const { ordinals, valueOf } = selectOrders(context, args, only);
  return paginate(
    {
      entries: ordinals,
      idOf: (ordinal) => store.ids.row("Order", ordinal),
      valueOf,
      load: (ordinal) => store.orders.get(ordinal) as Order,
    },
    args,
  );
}

type AddressSource = Address & { id: string };

function addressOf(
  order: Order,
  store: ShopStore,
  address: Address | null,
  part: number,
): AddressSource | null {
  return (
    address && {
      ...address,
      id: `${gid("MailingAddress", store.ids.part("MailingAddress", order.ordinal, part))}?model_name=Address`,
    }
  );
}

export function bag(store: ShopStore, order: Order, money: Money) {
  return moneyBag(store, money, order.presentmentCurrency);
}

type DiscountSource = { discount: Discount; store: ShopStore };

function taxLines(store: ShopStore, order: Order, tax: Money) {
  return tax.shop === 0 && tax.presentment === 0
    ? []
    : [
        {
          title: order.taxTitle,
          rate: order.taxRate,
          ratePercentage: Number((order.taxRate * 100).toFixed(4)),
          priceSet: bag(store, order, tax),
          price: moneyText(store, tax),
          channelLiable: false,
          source: "shopify",
        },
      ];
}

function allocations(store: ShopStore, order: Order, amount: Money) {
  return order.discount && amount.shop > 0
    ? [
        {
          allocatedAmountSet: bag(store, order, amount),
          allocatedAmount: moneyV2(amount.shop, store.currency),
          discountApplication: discountSource(store, order.discount),
        },
      ]
    : [];
}

function discountSource(store: ShopStore, discount: Discount) {
  return {
    __typename: discount.code ? "DiscountCodeApplication" : "ManualDiscountApplication",
    discount,
    store,
  };
}

const eventMessage = (event: TimelineEvent) => event.message;

export function installOrders(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    order: (_, { id }: { id: string }, context) => findOrder(context, id) ?? null,
    orderByIdentifier: (_, { identifier }: { identifier: { id?: string } }, context) =>
      (identifier.id ? findOrder(context, identifier.id) : undefined) ?? null,
    orders: (_, args: SearchArgs, context) => orderListing(context, args),
    ordersCount: (_, args: SearchArgs & { limit?: number }, context) =>
      count(selectOrders(context, args).ordinals.length, args.limit),
  });

  const bagOf =
    (amount: (order: Order) => Money) =>
    (order: Order, _: unknown, { store }: Context) =>
      bag(store, order, amount(order));
  const textOf =
    (amount: (order: Order) => Money) =>
    (order: Order, _: unknown, { store }: Context) =>
      moneyText(store, amount(order));

  define<Order>(schema, "Order", {
    id: (order) => gid("Order", order.id),
    legacyResourceId: (order) => String(order.id),
    name: (order) => order.name,
    number: (order) => order.number,
    confirmationNumber: (order) => order.confirmationNumber,
    confirmed: () => true,
    createdAt: (order) => dateTime(order.createdAt),
    processedAt: (order) => dateTime(order.processedAt),
    updatedAt: (order) => dateTime(order.updatedAt),
    closedAt: (order) => dateTime(order.closedAt),
    closed: (order) => order.closedAt !== null,
    cancelledAt: (order) => dateTime(order.cancelledAt),
    cancelReason: (order) => order.cancelReason,
    cancellation: (order) => (order.cancelledAt === null ? null : { staffNote: order.staffNote }),
    displayFinancialStatus: (order, _, context) => financialStatus(order, nowOf(context)),
    displayFulfillmentStatus: (order) => fulfillmentStatus(order),
    returnStatus: (order) =>
      order.refunds.some((refund) => refund.lines.some((line) => line.restockType === "RETURN"))
        ? "RETURNED"
        : "NO_RETURN",
    currencyCode: (_, __, { store }) => store.currency,
    presentmentCurrencyCode: (order) => order.presentmentCurrency,
    email: (order) => order.email,
    phone: (order) => order.phone,
    note: (order) => order.note,
    tags: (order) => order.tags,
    customAttributes: (order) => order.attributes,
    poNumber: (order) => order.poNumber,
    sourceName: (order) => order.sourceName,
    sourceIdentifier: (order) => order.sourceIdentifier,
    registeredSourceUrl: () => null,
    app: (order) =>
      order.sourceName === "pos"
        ? { id: gid("App", 129_785), name: "Point of Sale" }
        : order.sourceName === "shopify_draft_order"
          ? { id: gid("App", 1_354_745), name: "Draft Orders" }
          : { id: gid("App", 580_111), name: "Online Store" },
    channelInformation: () => null,
    attribution: () => null,
    publication: () => null,
    customer: (order, _, { store }) =>
      order.customerId === null ? null : (store.customer(order.customerId) ?? null),
    customerLocale: (order) => order.locale,
    customerAcceptsMarketing: (order, _, { store }) =>
      order.customerId !== null && (store.customer(order.customerId)?.acceptsMarketing ?? false),
    shippingAddress: (order, _, { store }) => addressOf(order, store, order.shippingAddress, 0),
    billingAddress: (order, _, { store }) => addressOf(order, store, order.billingAddress, 1),
    displayAddress: (order, _, { store }) =>
      addressOf(order, store, order.shippingAddress ?? order.billingAddress, 0),
    billingAddressMatchesShippingAddress: (order) =>
      JSON.stringify(order.billingAddress) === JSON.stringify(order.shippingAddress),
    lineItems: (order, args: ConnectionArgs) =>
      listConnection(order.lines, args, (line) => line.id),
    nonFulfillableLineItems: () => emptyConnection(),
    shippingLine: (order) => order.shippingLines[0] ?? null,
    shippingLines: (order, args: ConnectionArgs) =>
      listConnection(order.shippingLines, args, (line) => line.id),
    fulfillments: (order, { first }: { first?: number }) =>
      order.fulfillments.slice(0, first ?? undefined),
    fulfillmentsCount: (order) => count(order.fulfillments.length, null),
    fulfillmentOrders: (order, args: ConnectionArgs) =>
      listConnection(order.fulfillmentOrders, args, (fulfillmentOrder) => fulfillmentOrder.id),
    transactions: (order, args: { first?: number; capturable?: boolean }, context) =>
      order.transactions
        .filter(
          (transaction) =>
            !args.capturable ||
            (transaction.kind === "AUTHORIZATION" && capturable(order, nowOf(context)).shop > 0),
        )
        .slice(0, args.first ?? undefined),
    transactionsCount: (order) => count(order.transactions.length, null),
    refunds: (order, { first }: { first?: number }) => order.refunds.slice(0, first ?? undefined),
    returns: () => emptyConnection(),
    events: (order, args: ConnectionArgs) =>
      listConnection(order.events, args, (event) => event.id),
    hasTimelineComment: () => false,
    risk: (order) => order,
    riskLevel: (order) => (order.risk === "HIGH" || order.risk === "MEDIUM" ? order.risk : "LOW"),
    alerts: () => [],
    additionalFees: () => [],
    disputes: () => [],
    agreements: () => emptyConnection(),
    metafield: () => null,
    metafields: () => emptyConnection(),
    localizedFields: () => emptyConnection(),
    localizationExtensions: () => emptyConnection(),
    discountCode: (order) => order.discount?.code ?? null,
    discountCodes: (order) => (order.discount?.code ? [order.discount.code] : []),
    discountApplications: (order, args: ConnectionArgs, { store }) =>
      listConnection(
        order.discount ? [discountSource(store, order.discount)] : [],
        args,
        (_, index) => index,
      ),
    taxLines: (order, _, { store }) => taxLines(store, order, totalTax(order)),
    currentTaxLines: (order, _, { store }) => taxLines(store, order, currentTax(order)),
    taxesIncluded: (order) => order.taxesIncluded,
    taxExempt: () => false,
    estimatedTaxes: () => false,
    dutiesIncluded: () => false,
    test: (order) => order.test,
    edited: () => false,
    canMarkAsPaid: (order) => order.cancelledAt === null && outstanding(order).shop > 0,
    canNotifyCustomer: (order) => order.email !== null,
    capturable: (order, _, context) => capturable(order, nowOf(context)).shop > 0,
    fulfillable: (order) => remainingQuantity(order) > 0,
    fullyPaid: (order) => outstanding(order).shop === 0,
    unpaid: (order) => received(order).shop === 0,
    refundable: (order) => netPayment(order).shop > 0,
    restockable: (order) => currentQuantity(order) > 0,
    requiresShipping: (order) => order.lines.some((line) => line.requiresShipping),
    merchantEditable: (order) => order.cancelledAt === null,
    merchantEditableErrors: () => [],
    paymentGatewayNames: (order) => [
      ...new Set(order.transactions.map((transaction) => transaction.gateway)),
    ],
    paymentTerms: () => null,
    productNetwork: () => false,
    purchasingEntity: (order, _, { store }) =>
      order.customerId === null ? null : (store.customer(order.customerId) ?? null),
    statusPageUrl: (order, _, { store }) =>
      `https://${store.domain}/${store.id}/orders/${orderToken(order)}/authenticate`,
    clientIp: () => null,
    cartToken: () => null,
    checkoutToken: () => null,
    staffMember: () => null,
    retailLocation: (order, _, { store }) =>
      order.sourceName === "pos"
        ? (store.locations.get(order.fulfillmentOrders[0]?.locationId ?? -1) ?? null)
        : null,
    shopifyProtect: () => null,
    customerJourneySummary: () => null,
    subtotalLineItemsQuantity: quantity,
    currentSubtotalLineItemsQuantity: currentQuantity,
    totalWeight: (order) => String(weight(order)),
    currentTotalWeight: (order) => String(currentWeight(order)),
    subtotalPriceSet: bagOf(subtotal),
    subtotalPrice: textOf(subtotal),
    currentSubtotalPriceSet: bagOf(currentSubtotal),
    totalPriceSet: bagOf(totalPrice),
    totalPrice: textOf(totalPrice),
    originalTotalPriceSet: bagOf(totalPrice),
    currentTotalPriceSet: bagOf(currentTotal),
    totalTaxSet: bagOf(totalTax),
    totalTax: textOf(totalTax),
    currentTotalTaxSet: bagOf(currentTax),
    totalDiscountsSet: bagOf(totalDiscounts),
    totalDiscounts: textOf(totalDiscounts),
    currentTotalDiscountsSet: bagOf(totalDiscounts),
    cartDiscountAmountSet: bagOf(totalDiscounts),
    currentCartDiscountAmountSet: bagOf(totalDiscounts),
    totalShippingPriceSet: bagOf(shippingOriginal),
    totalShippingPrice: textOf(shippingOriginal),
    currentShippingPriceSet: bagOf((order) =>
      atLeastZero(minus(shippingTotal(order), refundedShipping(order))),
    ),
    totalReceivedSet: bagOf(received),
    totalReceived: textOf(received),
    totalRefundedSet: bagOf(refunded),
    totalRefunded: textOf(refunded),
    totalRefundedShippingSet: bagOf(refundedShipping),
    totalOutstandingSet: bagOf(outstanding),
    totalCapturableSet: (order, _, context) =>
      bag(context.store, order, capturable(order, nowOf(context))),
    totalCapturable: (order, _, context) =>
      moneyText(context.store, capturable(order, nowOf(context))),
    totalTipReceivedSet: bagOf(() => zero),
    netPaymentSet: bagOf(netPayment),
    netPayment: textOf(netPayment),
    refundDiscrepancySet: bagOf(() => zero),
    currentTotalDutiesSet: () => null,
    originalTotalDutiesSet: () => null,
    currentTotalAdditionalFeesSet: () => null,
    originalTotalAdditionalFeesSet: () => null,
    totalCashRoundingAdjustment: (order, _, { store }) => ({
      paymentSet: bag(store, order, zero),
      refundSet: bag(store, order, zero),
    }),
  });
  defineData(schema, "OrderCancellation", ["staffNote"]);
  defineData(schema, "OrderApp", ["id", "name"]);
  defineData(schema, "CashRoundingAdjustment", ["paymentSet", "refundSet"]);
  defineData(schema, "TaxLine", [
    "title",
    "rate",
    "ratePercentage",
    "priceSet",
    "price",
    "channelLiable",
    "source",
  ]);
  defineData(schema, "DiscountAllocation", [
    "allocatedAmountSet",
    "allocatedAmount",
    "discountApplication",
  ]);
  define<Attribute>(schema, "Attribute", { key: ({ key }) => key, value: ({ value }) => value });

  const application = {
    allocationMethod: ({ discount }: DiscountSource) =>
      discount.target === "SHIPPING_LINE" ? "EACH" : "ACROSS",
    index: () => 0,
    targetSelection: () => "ALL",
    targetType: ({ discount }: DiscountSource) => discount.target,
    value: ({ discount, store }: DiscountSource) =>
      discount.kind === "PERCENTAGE"
        ? { __typename: "PricingPercentageValue", percentage: discount.value }
        : { __typename: "MoneyV2", ...moneyV2(discount.value, store.currency) },
  };
  define<DiscountSource>(schema, "DiscountCodeApplication", {
    ...application,
    code: ({ discount }) => discount.code,
  });
  define<DiscountSource>(schema, "ManualDiscountApplication", {
    ...application,
    title: ({ discount }) => discount.title,
    description: ({ discount }) => discount.title,
  });
  defineData(schema, "PricingPercentageValue", ["percentage"]);

  define<AddressSource>(schema, "MailingAddress", {
    id: (address) => address.id,
    firstName: (address) => address.firstName,
    lastName: (address) => address.lastName,
    name: (address) => [address.firstName, address.lastName].filter(Boolean).join(" ") || null,
    company: (address) => address.company,
    address1: (address) => address.address1,
    address2: (address) => address.address2,
    city: (address) => address.city,
    province: (address) => address.province,
    provinceCode: (address) => address.provinceCode,
    zip: (address) => address.zip,
    country: (address) => address.country,
    countryCode: (address) => address.countryCode,
    countryCodeV2: (address) => address.countryCode,
    phone: (address) => address.phone,
    latitude: () => null,
    longitude: () => null,
    timeZone: () => null,
    coordinatesValidated: () => false,
    validationResultSummary: () => null,
    formatted: (address, args: { withName?: boolean; withCompany?: boolean }) =>
      [
        args.withName ? [address.firstName, address.lastName].filter(Boolean).join(" ") : null,
        args.withCompany ? address.company : null,
        address.address1,
        address.address2,
        [address.zip, address.city, address.provinceCode].filter(Boolean).join(" "),
        address.country,
      ].filter(Boolean),
    formattedArea: (address) => [address.city, address.country].filter(Boolean).join(", "),
  });

  const lineBag =
    (amount: (line: LineItem) => Money) =>
    (line: LineItem, _: unknown, { store }: Context) =>
      bag(store, line.order, amount(line));
  const lineText =
    (amount: (line: LineItem) => Money) =>
    (line: LineItem, _: unknown, { store }: Context) =>
      moneyText(store, amount(line));
  define<LineItem>(schema, "LineItem", {
    id: (line) => gid("LineItem", line.id),
    title: (line) => line.title,
    name: (line) => fullName(line.title, line.variantTitle),
    variantTitle: (line) => line.variantTitle,
    sku: (line) => line.sku,
    vendor: (line) => line.vendor,
    quantity: (line) => line.quantity,
    currentQuantity: (line) => line.currentQuantity,
    unfulfilledQuantity: remainingOfLine,
    fulfillableQuantity: remainingOfLine,
    nonFulfillableQuantity: (line) =>
      Math.max(0, line.currentQuantity - remainingOfLine(line) - fulfilledOfLine(line)),
    refundableQuantity: refundableQuantity,
    fulfillmentStatus: (line) => {
      const fulfilled = fulfilledOfLine(line);
      return fulfilled === 0 ? "unfulfilled" : remainingOfLine(line) > 0 ? "partial" : "fulfilled";
    },
    requiresShipping: (line) => line.requiresShipping,
    taxable: (line) => line.taxable,
    isGiftCard: () => false,
    restockable: (line) => line.currentQuantity > 0,
    merchantEditable: (line) => line.order.cancelledAt === null,
    customAttributes: (line) => line.attributes,
    weight: (line) => weightOf(line.grams),
    product: (line, _, { store }) =>
      line.productId === null ? null : (store.products.get(line.productId) ?? null),
    variant: (line, _, { store }) =>
      line.variantId === null ? null : (store.variants.get(line.variantId) ?? null),
    image: (line, _, { store }) => {
      const product = line.productId === null ? undefined : store.products.get(line.productId);
      return product
        ? {
            id: gid("ProductImage", store.ids.row("ProductImage", product.ordinal)),
            altText: product.title,
            width: 800,
            height: 800,
            address: store.pictureUrl(product),
          }
        : null;
    },
    originalUnitPriceSet: lineBag((line) => line.unitPrice),
    originalUnitPrice: lineText((line) => line.unitPrice),
    discountedUnitPriceSet: lineBag((line) => line.unitPrice),
    discountedUnitPriceAfterAllDiscountsSet: lineBag((line) => linePart(line, 1)),
    originalTotalSet: lineBag(lineOriginalTotal),
    originalTotal: lineText(lineOriginalTotal),
    discountedTotalSet: (line, { withCodeDiscounts }: { withCodeDiscounts?: boolean }, { store }) =>
      bag(
        store,
        line.order,
        withCodeDiscounts || !line.order.discount?.code ? lineTotal(line) : lineOriginalTotal(line),
      ),
    discountedTotal: lineText(lineTotal),
    totalDiscountSet: lineBag((line) => (line.order.discount?.code ? zero : line.discount)),
    totalDiscount: lineText((line) => line.discount),
    unfulfilledDiscountedTotalSet: lineBag((line) => linePart(line, remainingOfLine(line))),
    unfulfilledOriginalTotalSet: lineBag((line) =>
      share(lineOriginalTotal(line), remainingOfLine(line), line.quantity),
    ),
    priceAfterAllDiscountsBeforeTaxesSet: lineBag((line) =>
      line.order.taxesIncluded ? minus(lineTotal(line), line.tax) : lineTotal(line),
    ),
    discountAllocations: (line, _, { store }) => allocations(store, line.order, line.discount),
    taxLines: (line, _, { store }) => taxLines(store, line.order, line.tax),
    duties: () => [],
    lineItemGroup: () => null,
    sellingPlan: () => null,
    contract: () => null,
    staffMember: () => null,
  });

  define<ShippingLine & { order: Order }>(schema, "ShippingLine", shippingLineResolvers());

  define<Transaction>(schema, "OrderTransaction", {
    id: (transaction) => gid("OrderTransaction", transaction.id),
    kind: (transaction) => transaction.kind,
    status: (transaction) => transaction.status,
    gateway: (transaction) => transaction.gateway,
    formattedGateway: (transaction) =>
      transaction.gateway.replace(/_/g, " ").replace(/\b\w/g, (letter) => letter.toUpperCase()),
    amountSet: (transaction, _, { store }) => bag(store, transaction.order, transaction.amount),
    amount: (transaction, _, { store }) => moneyText(store, transaction.amount),
    amountV2: (transaction, _, { store }) => moneyV2(transaction.amount.shop, store.currency),
    amountRoundingSet: () => null,
    createdAt: (transaction) => dateTime(transaction.processedAt),
    processedAt: (transaction) => dateTime(transaction.processedAt),
    authorizationExpiresAt: (transaction) => dateTime(transaction.expiresAt),
    authorizationCode: () => null,
    accountNumber: () => null,
    errorCode: () => null,
    test: (transaction) => transaction.order.test,
    order: (transaction) => transaction.order,
    parentTransaction: (transaction) =>
      transaction.order.transactions.find((other) => other.id === transaction.parentId) ?? null,
    manualPaymentGateway: (transaction) =>
      transaction.gateway === "Bank Deposit" || transaction.gateway === "manual",
    manuallyCapturable: (transaction) => transaction.kind === "AUTHORIZATION",
    multiCapturable: () => false,
    maximumRefundableV2: (transaction, _, { store }) =>
      transaction.kind === "SALE" || transaction.kind === "CAPTURE"
        ? moneyV2(refundable(transaction).shop, store.currency)
        : null,
    totalUnsettledSet: (transaction, _, context) =>
      bag(
        context.store,
        transaction.order,
        transaction.kind === "AUTHORIZATION" ? capturable(transaction.order, nowOf(context)) : zero,
      ),
    paymentId: (transaction) => `${transaction.order.name}.${transaction.id % 100}`,
    paymentDetails: () => null,
    paymentIcon: () => null,
    receiptJson: () => null,
    settlementCurrency: () => null,
    settlementCurrencyRate: () => null,
    shopifyPaymentsSet: () => null,
    fees: () => [],
    device: () => null,
    location: () => null,
    user: () => null,
    currencyExchangeAdjustment: () => null,
  });

  define<Refund>(schema, "Refund", {
    id: (refund) => gid("Refund", refund.id),
    legacyResourceId: (refund) => String(refund.id),
    note: (refund) => refund.note,
    createdAt: (refund) => dateTime(refund.createdAt),
    updatedAt: (refund) => dateTime(refund.createdAt),
    processedAt: (refund) => dateTime(refund.createdAt),
    order: (refund) => refund.order,
    duties: () => [],
    refundLineItems: (refund, args: ConnectionArgs) =>
      listConnection(refund.lines, args, (line) => line.id),
    refundShippingLines: () => emptyConnection(),
    orderAdjustments: () => emptyConnection(),
    transactions: (refund, args: ConnectionArgs) =>
      listConnection(
        refund.order.transactions.filter((transaction) =>
          refund.transactionIds.includes(transaction.id),
        ),
        args,
        (transaction) => transaction.id,
      ),
    totalRefundedSet: (refund, _, { store }) => bag(store, refund.order, refundTotal(refund)),
    totalRefunded: (refund, _, { store }) => moneyV2(refundTotal(refund).shop, store.currency),
    return: () => null,
    staffMember: () => null,
  });
  define<RefundLine>(schema, "RefundLineItem", {
    id: (line) => gid("RefundLineItem", line.id),
    lineItem: (line) => line.line,
    quantity: (line) => line.quantity,
    restockType: (line) => line.restockType,
    restocked: (line) => line.restockType !== "NO_RESTOCK",
    location: (line, _, { store }) =>
      line.locationId === null ? null : (store.locations.get(line.locationId) ?? null),
    priceSet: (line, _, { store }) => bag(store, line.line.order, line.line.unitPrice),
    price: (line, _, { store }) => moneyText(store, line.line.unitPrice),
    subtotalSet: (line, _, { store }) => bag(store, line.line.order, line.subtotal),
    subtotal: (line, _, { store }) => moneyText(store, line.subtotal),
    totalTaxSet: (line, _, { store }) => bag(store, line.line.order, line.tax),
    totalTax: (line, _, { store }) => moneyText(store, line.tax),
  });

  define<Order>(schema, "OrderRiskSummary", {
    recommendation: (order) =>
      order.risk === "HIGH"
        ? "CANCEL"
        : order.risk === "MEDIUM"
          ? "INVESTIGATE"
          : order.risk === "LOW"
            ? "ACCEPT"
            : "NONE",
    assessments: (order) => [
      {
        riskLevel: order.risk,
        provider: null,
        facts:
          order.risk === "HIGH"
            ? [
                {
                  description: "Billing and shipping country do not match the card's country.",
                  sentiment: "NEGATIVE",
                },
                { description: "There were several payment attempts.", sentiment: "NEGATIVE" },
              ]
            : order.risk === "MEDIUM"
              ? [
                  {
                    description: "The shipping address is far from the customer's location.",
                    sentiment: "NEGATIVE",
                  },
                ]
              : [
                  {
                    description:
                      "Characteristics of this order are similar to non-fraudulent orders observed in the past.",
                    sentiment: "POSITIVE",
                  },
                ],
      },
    ],
  });
  defineData(schema, "OrderRiskAssessment", ["riskLevel", "provider", "facts"]);
  defineData(schema, "RiskFact", ["description", "sentiment"]);

  define<TimelineEvent>(schema, "BasicEvent", {
    id: (event) => gid("BasicEvent", event.id),
    action: (event) => event.action,
    message: eventMessage,
    secondaryMessage: () => null,
    createdAt: (event) => dateTime(event.createdAt),
    appTitle: (event) => (event.appId === null ? null : "Evenkeel"),
    author: (event) => event.author,
    attributeToApp: (event) => event.appId !== null,
    attributeToUser: (event) => event.author !== null,
    criticalAlert: () => false,
    additionalContent: () => null,
    additionalData: () => null,
    arguments: () => null,
    hasAdditionalContent: () => false,
    subject: (event) => event.order,
    subjectId: (event) => gid("Order", event.order.id),
    subjectType: () => "ORDER",
  });
}

function shippingLineResolvers() {
  type Source = ShippingLine;
  // A shipping line is asked for through its order alone, so its currency is found through the path's parent.
  const set =
    (amount: (line: Source) => Money) =>
    (line: Source, _: unknown, { store }: Context) =>
      bag(store, ownerOf(store, line), amount(line));
  return {
    id: (line: Source) => gid("ShippingLine", line.id),
    title: (line: Source) => line.title,
    code: (line: Source) => line.code,
    carrierIdentifier: () => null,
    custom: () => false,
    deliveryCategory: () => null,
    isRemoved: () => false,
    phone: () => null,
    source: () => "shopify",
    shippingRateHandle: () => null,
    originalPriceSet: set((line) => line.price),
    originalPrice: (line: Source, _: unknown, { store }: Context) =>
      moneyV2(line.price.shop, store.currency),
    price: (line: Source, _: unknown, { store }: Context) => moneyText(store, line.price),
    discountedPriceSet: set((line) => minus(line.price, line.discount)),
    currentDiscountedPriceSet: set((line) => minus(line.price, line.discount)),
    discountedPrice: (line: Source, _: unknown, { store }: Context) =>
      moneyV2(minus(line.price, line.discount).shop, store.currency),
    discountAllocations: (line: Source, _: unknown, { store }: Context) =>
      allocations(store, ownerOf(store, line), line.discount),
    taxLines: (line: Source, _: unknown, { store }: Context) =>
      taxLines(store, ownerOf(store, line), line.tax),
  };
}

function ownerOf(store: ShopStore, line: ShippingLine): Order {
  const order = store.orders.get(store.ids.orderOfPart("ShippingLine", line.id) ?? -1);
  if (!order) throw new Error(`shipping line ${line.id} has no order`);
  return order;
}

/** Units and money of a fulfillment's lines. */
export function fulfillmentTotal(fulfillment: Fulfillment): number {
  return fulfillment.lines.reduce((sum, line) => sum + line.quantity, 0);
}

export function isOpen(order: Order): boolean {
  return order.fulfillmentOrders.some(isActive);
}
