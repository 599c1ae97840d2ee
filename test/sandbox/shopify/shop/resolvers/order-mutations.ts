import type { GraphQLSchema } from "graphql";
import type { Change } from "../change.ts";
import { countryOf } from "../customers.ts";
import { countries } from "../data/places.ts";
import { given } from "../given.ts";
import { gid, numberOf, parseGid } from "../ids.ts";
import { atLeastZero, minus, parseAmount, plus, share, zero } from "../money.ts";
import type { Money } from "../money.ts";
import type {
  Address,
  Attribute,
  CancelReason,
  Customer,
  Discount,
  Order,
  RestockType,
  Transaction,
} from "../model.ts";
import { addEvent, addTransaction, composeOrder, orderMoney } from "../order-acts.ts";
import type { PlannedLine } from "../order-acts.ts";
import {
  fulfilledOfLine,
  outstanding,
  refundable,
  refundedShipping,
  shippingTotal,
  totalPrice,
} from "../order-state.ts";
import { cancelOrder, fulfil, markPaid, placeOrder, refund } from "../shop-acts.ts";
import type { ShopStore } from "../store.ts";
import { define } from "./define.ts";
import type { Context } from "./define.ts";
import { mutation, userError } from "./mutate.ts";
import type { Outcome, UserError } from "./mutate.ts";
import { findOrder } from "./orders.ts";

/** Editing, tagging, cancelling, closing, paying, refunding and entering orders. */

export interface AddressInput {
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  address1?: string | null;
  address2?: string | null;
  city?: string | null;
  province?: string | null;
  provinceCode?: string | null;
  zip?: string | null;
  country?: string | null;
  countryCode?: string | null;
  phone?: string | null;
}

export function addressFrom(input: AddressInput | null | undefined): Address | null {
  if (!input) return null;
  const code =
    input.countryCode ??
    Object.values(countries).find((country) => country.name === input.country)?.code ??
    null;
  return {
    firstName: input.firstName ?? null,
    lastName: input.lastName ?? null,
    company: input.company ?? null,
    address1: input.address1 ?? null,
    address2: input.address2 ?? null,
    city: input.city ?? null,
    province: input.province ?? null,
    provinceCode: input.provinceCode ?? null,
    zip: input.zip ?? null,
    country: code ? (countries[code]?.name ?? input.country ?? null) : (input.country ?? null),
    countryCode: code,
    phone: input.phone ?? null,
  };
}

const longestNote = 5_000;
const longestTag = 40;
const mostTags = 250;

export function checkNote(
  note: string | null | undefined,
  path: readonly string[],
  errors: UserError[],
): void {
  if (given(note) && note.length > longestNote) {
    errors.push(userError(path, `Note is too long (maximum is ${longestNote} characters)`));
  }
}

export function checkEmail(
  email: string | null | undefined,
  path: readonly string[],
  errors: UserError[],
): void {
  if (given(email) && email !== "" && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
    errors.push(userError(path, "Email is invalid"));
  }
}

/** Tags as Shopify keeps them: trimmed, without repetition whatever the case, in alphabetical order. */
export function tidyTags(tags: readonly string[]): string[] {
  const kept = new Map<string, string>();
  for (const tag of tags.flatMap((text) => text.split(","))) {
    const trimmed = tag.trim();
    if (trimmed && !kept.has(trimmed.toLowerCase())) kept.set(trimmed.toLowerCase(), trimmed);
  }
  return [...kept.values()].sort((a, b) => a.localeCompare(b, "en"));
}

export function checkTags(
  tags: readonly string[] | null | undefined,
  path: readonly string[],
  errors: UserError[],
): void {
  if (!tags) return;
  const tidy = tidyTags(tags);
  for (const tag of tidy) {
    if (tag.length > longestTag)
      errors.push(userError(path, `Tag is too long (maximum is ${longestTag} characters)`));
  }
  if (tidy.length > mostTags)
    errors.push(userError(path, `Tags exceeds the maximum of ${mostTags} tags`));
}

interface UpdateInput {
  id: string;
  note?: string | null;
  email?: string | null;
  phone?: string | null;
  poNumber?: string | null;
  tags?: string[] | null;
  customAttributes?: Attribute[] | null;
  shippingAddress?: AddressInput | null;
}

function update({ input }: { input: UpdateInput }, context: Context, change: Change): Outcome {
  const order = findOrder(context, input.id);
  if (!order) return { errors: [userError("id", "Order does not exist")] };
  const errors: UserError[] = [];
  checkNote(input.note, ["note"], errors);
  checkEmail(input.email, ["email"], errors);
  checkTags(input.tags, ["tags"], errors);
  if (input.shippingAddress && order.cancelledAt !== null) {
    errors.push(
      userError("shippingAddress", "The shipping address of a cancelled order cannot be changed"),
    );
  }
  if (errors.length) return { errors };
  change.order(order);
  if (input.note !== undefined) order.note = input.note === "" ? null : input.note;
  if (input.email !== undefined) order.email = input.email === "" ? null : input.email;
  if (input.phone !== undefined) order.phone = input.phone;
  if (input.poNumber !== undefined) order.poNumber = input.poNumber;
  if (input.tags) order.tags = tidyTags(input.tags);
  if (input.customAttributes)
    order.attributes = input.customAttributes.map(({ key, value }) => ({ key, value }));
  if (input.shippingAddress) order.shippingAddress = addressFrom(input.shippingAddress);
  addEvent(order, context.store.ids, change.at, "updated", "The order was edited.", {
    appId: context.appId,
  });
  const fields: Partial<typeof input> = structuredClone(input);
  delete fields.id;
  return { payload: { order }, resources: [input.id], effect: fields };
}

interface Tagged {
  tags: string[];
}

/** Opens anything that carries tags for changing. */
function openTagged(
  context: Context,
  change: Change,
  id: string,
): { node: Tagged; open(): void } | undefined {
  const { store } = context;
  const number = parseGid(id)?.id ?? -1;
  switch (parseGid(id)?.kind) {
    case "Order": {
      const order = findOrder(context, id);
      return order && { node: order, open: () => void change.order(order) };
    }
    case "Product": {
      const product = store.products.get(number);
      return product && { node: product, open: () => void change.product(product) };
    }
    case "DraftOrder": {
      const draft = store.drafts.get(number);
      return draft && { node: draft, open: () => void change.draft(draft) };
    }
    case "Customer": {
      const customer = store.openCustomer(number);
      return customer && { node: customer, open: () => void (customer.updatedAt = change.at) };
    }
    default:
      return undefined;
  }
}

function changeTags(edit: (before: string[], tags: string[]) => string[]) {
  return (
    { id, tags }: { id: string; tags: string[] },
    context: Context,
    change: Change,
  ): Outcome => {
    const found = openTagged(context, change, id);
    if (!found) return { errors: [userError("id", "Resource could not be found")] };
    const after = edit(found.node.tags, tidyTags(tags));
    const errors: UserError[] = [];
    checkTags(after, ["tags"], errors);
    if (errors.length) return { errors };
    found.open();
    found.node.tags = after;
    return { payload: { node: found.node }, resources: [id], effect: { tags: after } };
  };
}

interface CancelArgs {
  orderId: string;
  reason: CancelReason;
  restock: boolean;
  refund?: boolean | null;
  refundMethod?: { originalPaymentMethodsRefund?: boolean | null } | null;
  staffNote?: string | null;
  notifyCustomer?: boolean | null;
}

function cancel(args: CancelArgs, context: Context, change: Change): Outcome {
  const order = findOrder(context, args.orderId);
  const error = (message: string, code: string): Outcome => ({
    errors: [userError("orderId", message, code)],
  });
  if (!order) return error("Order does not exist", "NOT_FOUND");
  if (order.cancelledAt !== null) return error("Order has already been canceled", "INVALID");
  if (order.fulfillments.some((fulfillment) => fulfillment.status === "SUCCESS")) {
    return error("Order has fulfillments that can't be canceled", "INVALID");
  }
  if (given(args.staffNote) && args.staffNote.length > 255) {
    return {
      errors: [
        userError("staffNote", "Staff note is too long (maximum is 255 characters)", "INVALID"),
      ],
    };
  }
  cancelOrder(
    change,
    order,
    {
      reason: args.reason,
      restock: args.restock,
      refund: args.refund ?? args.refundMethod?.originalPaymentMethodsRefund ?? false,
      staffNote: args.staffNote ?? null,
    },
    { appId: context.appId },
  );
  const id = `gid://shopify/Job/cancel-${order.id}`;
  return {
    payload: { job: { id, done: true }, jobResult: null },
    resources: [args.orderId],
    effect: {
      reason: args.reason,
      restock: args.restock,
      refunded: args.refund ?? args.refundMethod?.originalPaymentMethodsRefund ?? false,
    },
  };
}

function close({ input }: { input: { id: string } }, context: Context, change: Change): Outcome {
  const order = findOrder(context, input.id);
  if (!order) return { errors: [userError("id", "Order does not exist")] };
  if (order.closedAt !== null) return { errors: [userError("id", "Order is already closed")] };
  change.order(order);
  order.closedAt = change.at;
  addEvent(order, context.store.ids, change.at, "closed", "This order was archived.", {
    appId: context.appId,
  });
  return { payload: { order }, resources: [input.id], effect: { closed: true } };
}

function reopen({ input }: { input: { id: string } }, context: Context, change: Change): Outcome {
  const order = findOrder(context, input.id);
  if (!order) return { errors: [userError("id", "Order does not exist")] };
  if (order.closedAt === null) return { errors: [userError("id", "Order is already open")] };
  if (order.cancelledAt !== null)
    return { errors: [userError("id", "A canceled order cannot be reopened")] };
  change.order(order);
  order.closedAt = null;
  addEvent(order, context.store.ids, change.at, "re_opened", "This order was unarchived.", {
    appId: context.appId,
  });
  return { payload: { order }, resources: [input.id], effect: { closed: false } };
}

function markAsPaid(
  { input }: { input: { id: string } },
  context: Context,
  change: Change,
): Outcome {
  const order = findOrder(context, input.id);
  if (!order) return { errors: [userError("id", "Order does not exist")] };
  const owed = outstanding(order);
  if (order.cancelledAt !== null || owed.shop <= 0) {
    return { errors: [userError("id", "Order cannot be marked as paid.")] };
  }
  markPaid(change, order, { appId: context.appId });
  return { payload: { order }, resources: [input.id], effect: { paid: owed.shop } };
}

interface RefundInput {
  orderId: string;
  note?: string | null;
  allowOverRefunding?: boolean | null;
  refundLineItems?:
    | {
        lineItemId: string;
        quantity: number;
        restockType?: string | null;
        locationId?: string | null;
      }[]
    | null;
  shipping?: { amount?: string | null; fullRefund?: boolean | null } | null;
  transactions?:
    | { amount: string; gateway: string; kind: string; orderId: string; parentId?: string | null }[]
    | null;
}

function createRefund(
  { input }: { input: RefundInput },
  context: Context,
  change: Change,
): Outcome {
  const { store } = context;
  const order = findOrder(context, input.orderId);
  if (!order) return { errors: [userError("orderId", "Order does not exist")] };
  const errors: UserError[] = [];
  checkNote(input.note, ["note"], errors);
  const lines: Parameters<typeof refund>[2]["lines"][number][] = [];
  for (const [index, entry] of (input.refundLineItems ?? []).entries()) {
    const path = ["refundLineItems", String(index)];
    const line = order.lines.find(
      (candidate) => candidate.id === numberOf("LineItem", entry.lineItemId),
    );
    if (!line) {
      errors.push(userError([...path, "lineItemId"], "Line item does not exist"));
      continue;
    }
    const already = lines
      .filter((other) => other.line === line)
      .reduce((sum, other) => sum + other.quantity, 0);
    if (entry.quantity <= 0 || entry.quantity + already > line.currentQuantity) {
      errors.push(
        userError([...path, "quantity"], "Quantity cannot refund more items than were purchased"),
      );
      continue;
    }
    const restockType = (entry.restockType ?? "NO_RESTOCK") as RestockType;
    const location = given(entry.locationId)
      ? store.locations.get(numberOf("Location", entry.locationId) ?? -1)
      : undefined;
    if (restockType === "RETURN" && !location) {
      errors.push(
        userError(
          [...path, "locationId"],
          "Location can't be blank when restocking returned items",
        ),
      );
      continue;
    }
    if (restockType === "RETURN" && entry.quantity > fulfilledOfLine(line)) {
      errors.push(userError([...path, "restockType"], "Only fulfilled items can be returned"));
      continue;
    }
    if (restockType === "CANCEL" && entry.quantity > line.currentQuantity - fulfilledOfLine(line)) {
      errors.push(userError([...path, "restockType"], "Only unfulfilled items can be canceled"));
      continue;
    }
    lines.push({ line, quantity: entry.quantity, restockType, locationId: location?.id ?? null });
  }
  const mostShipping = atLeastZero(minus(shippingTotal(order), refundedShipping(order)));
  let shipping: Money = zero;
  if (input.shipping?.fullRefund) shipping = mostShipping;
  else if (given(input.shipping?.amount)) {
    const minor = parseAmount(input.shipping.amount, store.currency) ?? -1;
    if (minor < 0 || minor > mostShipping.shop) {
      errors.push(
        userError(
          "shipping.amount",
          "Shipping amount cannot refund more than was paid for shipping",
        ),
      );
    }
    shipping = orderMoney(order, Math.max(0, minor), store.currency);
  }
  const transactions: { parent: Transaction; amount: Money }[] = [];
  for (const [index, entry] of (input.transactions ?? []).entries()) {
    const path = ["transactions", String(index)];
    const parent = order.transactions.find(
      (candidate) =>
        given(entry.parentId) && candidate.id === numberOf("OrderTransaction", entry.parentId),
    );
    // Amounts of refund transactions are in the currency that the customer paid in.
    const minor = parseAmount(entry.amount, order.presentmentCurrency);
    if (entry.kind !== "REFUND") errors.push(userError([...path, "kind"], "Kind must be refund"));
    if (!parent) errors.push(userError([...path, "parentId"], "Parent transaction does not exist"));
    else if (minor === undefined || minor <= 0)
      errors.push(userError([...path, "amount"], "Amount must be greater than 0"));
    else if (minor > refundable(parent).presentment && !input.allowOverRefunding) {
      errors.push(
        userError(
          [...path, "amount"],
          "Refund amount is more than the payment that is left to refund",
        ),
      );
    } else {
      const left = refundable(parent);
      transactions.push({
        parent,
        amount:
          minor === left.presentment
            ? left
            : { ...share(left, minor, left.presentment), presentment: minor },
      });
    }
  }
  if (errors.length) return { errors };
  if (lines.length === 0 && shipping.shop === 0 && transactions.length === 0) {
    return { errors: [userError(null, "A refund needs line items, shipping or an amount")] };
  }
  const made = refund(
    change,
    order,
    { note: input.note ?? null, lines, shipping, transactions },
    { appId: context.appId },
  );
  return {
    payload: { refund: made, order },
    resources: [gid("Refund", made.id), input.orderId],
    effect: {
      amount: plus(...transactions.map(({ amount }) => amount)).shop,
      lines: lines.map(({ line, quantity }) => ({ id: gid("LineItem", line.id), quantity })),
    },
  };
}

interface MoneyBagInput {
  shopMoney: { amount: string; currencyCode: string };
  presentmentMoney?: { amount: string; currencyCode: string } | null;
}

interface CreateInput {
  lineItems?:
    | {
        quantity: number;
        variantId?: string | null;
        title?: string | null;
        sku?: string | null;
        priceSet?: MoneyBagInput | null;
        requiresShipping?: boolean | null;
        taxable?: boolean | null;
        properties?: { name: string; value: string }[] | null;
        vendor?: string | null;
      }[]
    | null;
  currency?: string | null;
  presentmentCurrency?: string | null;
  customer?: {
    toAssociate?: { id?: string | null; email?: string | null } | null;
    toUpsert?: {
      email?: string | null;
      firstName?: string | null;
      lastName?: string | null;
      phone?: string | null;
      tags?: string[] | null;
      note?: string | null;
    } | null;
  } | null;
  customerId?: string | null;
  email?: string | null;
  phone?: string | null;
  note?: string | null;
  tags?: string[] | null;
  poNumber?: string | null;
  customAttributes?: Attribute[] | null;
  financialStatus?: string | null;
  fulfillmentStatus?: string | null;
  fulfillment?: {
    locationId: string;
    trackingCompany?: string | null;
    trackingNumber?: string | null;
  } | null;
  processedAt?: string | null;
  shippingAddress?: AddressInput | null;
  billingAddress?: AddressInput | null;
  shippingLines?: { title: string; code?: string | null; priceSet: MoneyBagInput }[] | null;
  discountCode?: {
    itemFixedDiscountCode?: { code: string; amountSet?: MoneyBagInput | null } | null;
    itemPercentageDiscountCode?: { code: string; percentage?: number | null } | null;
    freeShippingDiscountCode?: { code: string } | null;
  } | null;
  sourceIdentifier?: string | null;
  sourceName?: string | null;
  taxesIncluded?: boolean | null;
  test?: boolean | null;
  transactions?:
    | {
        amountSet: MoneyBagInput;
        gateway?: string | null;
        kind?: string | null;
        status?: string | null;
      }[]
    | null;
}

interface CreateArgs {
  order: CreateInput;
  options?: { inventoryBehaviour?: string | null } | null;
}

/** The next order of a shop: its place in the book, its number and its name. */
export function nextNumber(store: ShopStore): { ordinal: number; number: number; name: string } {
  const ordinal = store.orders.length;
  const number = 1_001 + ordinal;
  return {
    ordinal,
    number,
    name: store.orderName(ordinal),
  };
}

const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

export function confirmationNumber(store: ShopStore): string {
  return Array.from(
    { length: 9 },
    () => letters[Math.floor(store.random.next() * letters.length)],
  ).join("");
}

function discountFrom(input: CreateInput["discountCode"], currency: string): Discount | null {
  if (input?.itemPercentageDiscountCode) {
    const { code, percentage } = input.itemPercentageDiscountCode;
    return { code, title: code, target: "LINE_ITEM", kind: "PERCENTAGE", value: percentage ?? 0 };
  }
  if (input?.itemFixedDiscountCode) {
    const { code, amountSet } = input.itemFixedDiscountCode;
    const value = parseAmount(amountSet?.shopMoney.amount ?? "0", currency) ?? 0;
    return { code, title: code, target: "LINE_ITEM", kind: "FIXED_AMOUNT", value };
  }
  if (input?.freeShippingDiscountCode) {
    const { code } = input.freeShippingDiscountCode;
    return { code, title: code, target: "SHIPPING_LINE", kind: "PERCENTAGE", value: 100 };
  }
  return null;
}

function createOrder(
  { order: input, options }: CreateArgs,
  context: Context,
  change: Change,
): Outcome {
  const { store } = context;
  const errors: UserError[] = [];
  if (given(input.customerId) && given(input.customer)) {
    errors.push(
      userError(
        "order.customerId",
        "Only one of customerId and customer can be given",
        "REDUNDANT_CUSTOMER_FIELDS",
      ),
    );
  }
  if (!input.lineItems?.length) {
    errors.push(
      userError("order.lineItems", "Line items must have at least one line item", "INVALID"),
    );
  }
  checkNote(input.note, ["order", "note"], errors);
  checkEmail(input.email, ["order", "email"], errors);
  checkTags(input.tags, ["order", "tags"], errors);
  const lines: PlannedLine[] = [];
  for (const [index, entry] of (input.lineItems ?? []).entries()) {
    const path = ["order", "lineItems", String(index)];
    const variant = given(entry.variantId)
      ? store.variants.get(numberOf("ProductVariant", entry.variantId) ?? -1)
      : undefined;
    if (given(entry.variantId) && !variant)
      errors.push(userError([...path, "variantId"], "Variant does not exist", "INVALID"));
    if (!variant && !entry.title)
      errors.push(userError([...path, "title"], "Title can't be blank", "INVALID"));
    if (entry.quantity <= 0)
      errors.push(userError([...path, "quantity"], "Quantity must be greater than 0", "INVALID"));
    const price = entry.priceSet
      ? parseAmount(entry.priceSet.shopMoney.amount, store.currency)
      : (variant?.price ?? 0);
    if (price === undefined || price < 0)
      errors.push(userError([...path, "priceSet"], "Price is invalid", "INVALID"));
    lines.push({
      variantId: variant?.id ?? null,
      productId: variant?.product.id ?? null,
      title: entry.title ?? variant?.product.title ?? "",
      variantTitle: variant && variant.title !== "Default Title" ? variant.title : null,
      sku: (entry.sku ?? variant?.sku) || null,
      vendor: entry.vendor ?? variant?.product.vendor ?? null,
      unitPrice: price ?? 0,
      quantity: entry.quantity,
      grams: variant?.item.grams ?? 0,
      requiresShipping: entry.requiresShipping ?? variant?.item.requiresShipping ?? false,
      taxable: entry.taxable ?? true,
      attributes: (entry.properties ?? []).map(({ name, value }) => ({ key: name, value })),
    });
  }
  const processedAt = given(input.processedAt)
    ? Math.floor(Date.parse(input.processedAt) / 1_000)
    : change.at;
  if (!Number.isFinite(processedAt) || processedAt > change.at) {
    errors.push(userError("order.processedAt", "Processed at is invalid", "PROCESSED_AT_INVALID"));
  }
  const behaviour = options?.inventoryBehaviour ?? "BYPASS";
  if (behaviour === "DECREMENT_OBEYING_POLICY") {
    for (const [index, line] of lines.entries()) {
      const variant = line.variantId === null ? undefined : store.variants.get(line.variantId);
      const inStock = variant?.item.levels.some(
        (level) => level.isActive && level.quantities.available >= line.quantity,
      );
      if (variant && variant.inventoryPolicy === "DENY" && !inStock) {
        errors.push(
          userError(
            ["order", "lineItems", String(index)],
            "Unable to reserve inventory",
            "INVENTORY_CLAIM_FAILED",
          ),
        );
      }
    }
  }
  if (errors.length) return { errors };

  let customer: Customer | undefined;
  const associated = input.customerId ?? input.customer?.toAssociate?.id;
  if (given(associated)) {
    customer = store.customer(numberOf("Customer", associated) ?? -1);
    if (!customer)
      return { errors: [userError("order.customer", "Customer does not exist", "INVALID")] };
  } else if (input.customer?.toUpsert) {
    const { toUpsert } = input.customer;
    customer = store.addCustomer({
      __typename: "Customer",
      firstName: toUpsert.firstName ?? null,
      lastName: toUpsert.lastName ?? null,
      email: toUpsert.email ?? null,
      phone: toUpsert.phone ?? null,
      locale: store.profile.locale,
      note: toUpsert.note ?? null,
      tags: tidyTags(toUpsert.tags ?? []),
      address: addressFrom(input.shippingAddress ?? input.billingAddress ?? {}) as Address,
      acceptsMarketing: false,
      createdAt: change.at,
      updatedAt: change.at,
    });
  }
  const country = countryOf(input.shippingAddress?.countryCode ?? store.profile.countryCode);
  const [shippingLine] = input.shippingLines ?? [];
  const order = composeOrder(store.ids, {
    ...nextNumber(store),
    createdAt: change.at,
    processedAt,
    currency: store.currency,
    presentmentCurrency: input.presentmentCurrency ?? store.currency,
    taxesIncluded: input.taxesIncluded ?? false,
    taxTitle: country.taxTitle,
    // Taxes are only what the caller says; orders entered this way are not taxed by Shopify.
    taxRate: 0,
    customerId: customer?.id ?? null,
    email: input.email ?? customer?.email ?? null,
    phone: input.phone ?? null,
    locale: customer?.locale ?? store.profile.locale,
    note: input.note ?? null,
    tags: tidyTags(input.tags ?? []),
    attributes: (input.customAttributes ?? []).map(({ key, value }) => ({ key, value })),
    poNumber: input.poNumber ?? null,
    sourceName: input.sourceName ?? context.appId.replace(/^.*\//, ""),
    sourceIdentifier: input.sourceIdentifier ?? null,
    confirmationNumber: confirmationNumber(store),
    test: input.test ?? false,
    shippingAddress: addressFrom(input.shippingAddress),
    billingAddress: addressFrom(input.billingAddress ?? input.shippingAddress),
    discount: discountFrom(input.discountCode, store.currency),
    lines,
    shipping: shippingLine
      ? {
          title: shippingLine.title,
          code: shippingLine.code ?? "custom",
          price: parseAmount(shippingLine.priceSet.shopMoney.amount, store.currency) ?? 0,
        }
      : null,
    risk: "NONE",
  });
  order.claimsStock = behaviour !== "BYPASS";
  enterPayments(order, input, store, change);
  placeOrder(change, order, { appId: context.appId });
  if (input.fulfillmentStatus === "FULFILLED" || input.fulfillment) {
    for (const fulfillmentOrder of order.fulfillmentOrders) {
      const { trackingCompany, trackingNumber } = input.fulfillment ?? {};
      fulfil(
        change,
        order,
        fulfillmentOrder.locationId,
        fulfillmentOrder.lines.map((part) => ({ part, quantity: part.remaining })),
        {
          company: trackingCompany ?? null,
          numbers: given(trackingNumber) ? [trackingNumber] : [],
          urls: [],
        },
        { appId: context.appId },
      );
    }
  }
  return {
    payload: { order },
    resources: [gid("Order", order.id)],
    effect: {
      name: order.name,
      total: totalPrice(order).shop,
      sourceIdentifier: order.sourceIdentifier,
    },
  };
}

function enterPayments(order: Order, input: CreateInput, store: ShopStore, change: Change): void {
  if (input.transactions?.length) {
    for (const entry of input.transactions) {
      const minor = parseAmount(entry.amountSet.shopMoney.amount, store.currency) ?? 0;
      addTransaction(
        order,
        store.ids,
        (entry.kind ?? "SALE") as Transaction["kind"],
        orderMoney(order, minor, store.currency),
        entry.gateway ?? "manual",
        change.at,
        { status: (entry.status ?? "SUCCESS") as Transaction["status"] },
      );
    }
    return;
  }
  const total = totalPrice(order);
  switch (input.financialStatus) {
    case "PAID":
      addTransaction(order, store.ids, "SALE", total, "manual", change.at);
      break;
    case "AUTHORIZED":
      addTransaction(order, store.ids, "AUTHORIZATION", total, "manual", change.at);
      break;
    default:
      addTransaction(order, store.ids, "SALE", total, "manual", change.at, { status: "PENDING" });
  }
}

export function installOrderMutations(schema: GraphQLSchema): void {
  const cancelled = mutation(["job", "jobResult"], cancel);
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    orderUpdate: mutation(["order"], update),
    tagsAdd: mutation(
      ["node"],
      changeTags((before, tags) => tidyTags([...before, ...tags])),
    ),
    tagsRemove: mutation(
      ["node"],
      changeTags((before, tags) => {
        const gone = new Set(tags.map((tag) => tag.toLowerCase()));
        return before.filter((tag) => !gone.has(tag.toLowerCase()));
      }),
    ),
    // This one names its errors after itself; the common name carries them too, without their codes.
    orderCancel: (source: unknown, args: never, context, info) => {
      const payload = cancelled(source, args, context, info) as { userErrors: UserError[] };
      return {
        ...payload,
        orderCancelUserErrors: payload.userErrors,
        userErrors: payload.userErrors.map(({ field, message }) => ({ field, message })),
      };
    },
    orderClose: mutation(["order"], close),
    orderOpen: mutation(["order"], reopen),
    orderMarkAsPaid: mutation(["order"], markAsPaid),
    refundCreate: mutation(["refund", "order"], createRefund),
    orderCreate: mutation(["order"], createOrder),
  });
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    job: (_, { id }: { id: string }) => ({ id, done: true }),
  });
}
