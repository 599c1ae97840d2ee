import type { GraphQLSchema } from "graphql";
import { listConnection, emptyConnection } from "../connection.ts";
import type { ConnectionArgs } from "../connection.ts";
import type { Change } from "../change.ts";
import { countryOf } from "../customers.ts";
import { draftDocument, draftSearch } from "../documents.ts";
import type { DraftDocument } from "../documents.ts";
import { discountOff, draftTotals } from "../draft-state.ts";
import type { DraftTotals } from "../draft-state.ts";
import { given } from "../given.ts";
import { gid, numberOf } from "../ids.ts";
import { digitsOf, isKnownCurrency, moneyOf, parseAmount, plus } from "../money.ts";
import type { Money } from "../money.ts";
import type { Attribute, DraftDiscount, DraftLine, DraftOrder } from "../model.ts";
import { addTransaction, composeOrder } from "../order-acts.ts";
import { totalPrice } from "../order-state.ts";
import { invoiceUrl } from "../payloads/draft-order.ts";
import { placeOrder } from "../shop-acts.ts";
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
} from "./define.ts";
import type { Context } from "./define.ts";
import { listing, select } from "./listing.ts";
import type { Collection, SearchArgs } from "./listing.ts";
import { mutation, userError } from "./mutate.ts";
import type { Outcome, UserError } from "./mutate.ts";
import {
  addressFrom,
  checkEmail,
  checkNote,
  checkTags,
  confirmationNumber,
  nextNumber,
  tidyTags,
} from "./order-mutations.ts";
import type { AddressInput } from "./order-mutations.ts";

/** Draft orders: made, changed, invoiced, completed into orders, thrown away. */

function collection(store: ShopStore): Collection<DraftOrder, DraftDocument> {
  return {
    all: () => store.drafts.values(),
    idOf: (draft) => draft.id,
    document: draftDocument,
    index: store.index.drafts,
    search: draftSearch,
    sort: {
      NUMBER: (_, draft) => draft.ordinal,
      STATUS: (document) => document.status,
      UPDATED_AT: (document) => document.updatedAt,
      TOTAL_PRICE: (_, draft) => draftTotals(store, draft).total.shop,
      CUSTOMER_NAME: (_, draft) => draft.email ?? "",
    },
  };
}

interface MoneyInput {
  amount: string;
  currencyCode: string;
}

interface DiscountInput {
  title?: string | null;
  description?: string | null;
  value: number;
  valueType: "PERCENTAGE" | "FIXED_AMOUNT";
}

interface LineInput {
  variantId?: string | null;
  title?: string | null;
  quantity: number;
  originalUnitPrice?: string | null;
  originalUnitPriceWithCurrency?: MoneyInput | null;
  priceOverride?: MoneyInput | null;
  sku?: string | null;
  requiresShipping?: boolean | null;
  taxable?: boolean | null;
  appliedDiscount?: DiscountInput | null;
  customAttributes?: Attribute[] | null;
  uuid?: string | null;
}

interface DraftInput {
  lineItems?: LineInput[] | null;
  purchasingEntity?: { customerId?: string | null } | null;
  customerId?: string | null;
  email?: string | null;
  phone?: string | null;
  note?: string | null;
  tags?: string[] | null;
  customAttributes?: Attribute[] | null;
  poNumber?: string | null;
  taxExempt?: boolean | null;
  presentmentCurrencyCode?: string | null;
  shippingAddress?: AddressInput | null;
  billingAddress?: AddressInput | null;
  useCustomerDefaultAddress?: boolean | null;
  shippingLine?: {
    title?: string | null;
    price?: string | null;
    priceWithCurrency?: MoneyInput | null;
  } | null;
  appliedDiscount?: DiscountInput | null;
  reserveInventoryUntil?: string | null;
  sourceName?: string | null;
}

function discountFrom(
  store: ShopStore,
  input: DiscountInput | null | undefined,
): DraftDiscount | null {
  return input
    ? {
        title: input.title ?? null,
        description: input.description ?? "",
        kind: input.valueType,
        value:
          input.valueType === "PERCENTAGE"
            ? input.value
            : Math.round(input.value * 10 ** digitsOf(store.currency)),
      }
    : null;
}

const longestDraft = 500;

function readLines(
  store: ShopStore,
  draft: DraftOrder,
  inputs: readonly LineInput[],
  errors: UserError[],
): DraftLine[] {
  if (inputs.length === 0) errors.push(userError(null, "Add at least 1 product"));
  if (inputs.length > longestDraft)
    errors.push(
      userError("lineItems", `A draft order can have at most ${longestDraft} line items`),
    );
  return inputs.map((input, index) => {
    const path = ["lineItems", String(index)];
    const variant = given(input.variantId)
      ? store.variants.get(numberOf("ProductVariant", input.variantId) ?? -1)
      : undefined;
    if (given(input.variantId) && !variant) {
      errors.push(
        userError(
          [...path, "variantId"],
          `Product with ID ${numberOf("ProductVariant", input.variantId) ?? input.variantId} is no longer available.`,
        ),
      );
    }
    if (!given(input.variantId) && !input.title?.trim())
      errors.push(userError([...path, "title"], "Title can't be blank"));
    if (input.quantity < 1)
      errors.push(userError([...path, "quantity"], "Quantity must be greater than or equal to 1"));
    const asked =
      input.priceOverride?.amount ??
      input.originalUnitPriceWithCurrency?.amount ??
      input.originalUnitPrice;
    const price = given(asked) ? parseAmount(asked, store.currency) : undefined;
    if (given(asked) && (price === undefined || price < 0)) {
      errors.push(userError([...path, "originalUnitPrice"], "Cannot be negative"));
    }
    // For a product of the shop only an override changes its price.
    const unitPrice =
      variant && !input.priceOverride ? variant.price : (price ?? variant?.price ?? 0);
    return {
      __typename: "DraftOrderLineItem" as const,
      uuid: input.uuid ?? `${draft.id}-${index + 1}`,
      draft,
      variant: variant ?? null,
      title: variant?.product.title ?? input.title?.trim() ?? "",
      quantity: input.quantity,
      unitPrice,
      requiresShipping: variant?.item.requiresShipping ?? input.requiresShipping ?? true,
      taxable: variant?.taxable ?? input.taxable ?? true,
      grams: variant?.item.grams ?? 0,
      sku: (variant?.sku ?? input.sku) || null,
      discount: discountFrom(store, input.appliedDiscount),
      attributes: (input.customAttributes ?? []).map(({ key, value }) => ({ key, value })),
    };
  });
}

/** Reads an input into a draft; changes nothing when it finds errors. */
function readInto(
  store: ShopStore,
  draft: DraftOrder,
  input: DraftInput,
): { errors: UserError[]; apply(): void } {
  const errors: UserError[] = [];
  const lines =
    input.lineItems === undefined
      ? undefined
      : readLines(store, draft, input.lineItems ?? [], errors);
  checkEmail(input.email, ["email"], errors);
  checkNote(input.note, ["note"], errors);
  checkTags(input.tags, ["tags"], errors);
  const customerGid = input.purchasingEntity?.customerId ?? input.customerId;
  const customer = given(customerGid)
    ? store.customer(numberOf("Customer", customerGid) ?? -1)
    : undefined;
  if (given(customerGid) && !customer)
    errors.push(userError("purchasingEntity.customerId", "Customer does not exist"));
  if (given(input.presentmentCurrencyCode) && !isKnownCurrency(input.presentmentCurrencyCode)) {
    errors.push(userError("presentmentCurrencyCode", "Presentment currency is not enabled"));
  }
  if (input.appliedDiscount && input.appliedDiscount.value < 0) {
    errors.push(userError("appliedDiscount.value", "Value must be greater than or equal to 0"));
  }
  if (input.appliedDiscount?.valueType === "PERCENTAGE" && input.appliedDiscount.value > 100) {
    errors.push(userError("appliedDiscount.value", "Value must be less than or equal to 100"));
  }
  const shippingPrice = input.shippingLine?.priceWithCurrency?.amount ?? input.shippingLine?.price;
  const shipping = given(shippingPrice) ? parseAmount(shippingPrice, store.currency) : 0;
  if (shipping === undefined || shipping < 0)
    errors.push(userError("shippingLine.price", "Price must be greater than or equal to 0"));
  return {
    errors,
    apply() {
      if (lines) draft.lines = lines;
      if (input.purchasingEntity !== undefined || input.customerId !== undefined)
        draft.customerId = customer?.id ?? null;
      if (input.email !== undefined) draft.email = input.email || null;
      else if (customer) draft.email ??= customer.email;
      if (input.phone !== undefined) draft.phone = input.phone;
      if (input.note !== undefined) draft.note = input.note || null;
      if (input.tags !== undefined) draft.tags = tidyTags(input.tags ?? []);
      if (input.poNumber !== undefined) draft.poNumber = input.poNumber;
      if (input.taxExempt !== undefined) draft.taxExempt = input.taxExempt ?? false;
      if (given(input.presentmentCurrencyCode))
        draft.presentmentCurrency = input.presentmentCurrencyCode;
      if (input.customAttributes !== undefined) {
        draft.attributes = (input.customAttributes ?? []).map(({ key, value }) => ({ key, value }));
      }
      if (input.shippingAddress !== undefined)
        draft.shippingAddress = addressFrom(input.shippingAddress);
      if (input.billingAddress !== undefined)
        draft.billingAddress = addressFrom(input.billingAddress);
      if (input.useCustomerDefaultAddress && customer) {
        draft.shippingAddress ??= { ...customer.address };
        draft.billingAddress ??= { ...customer.address };
      }
      if (input.shippingLine !== undefined) {
        draft.shipping = input.shippingLine
          ? { title: input.shippingLine.title ?? "Shipping", price: shipping ?? 0 }
          : null;
      }
      if (input.appliedDiscount !== undefined)
        draft.discount = discountFrom(store, input.appliedDiscount);
      if (input.reserveInventoryUntil !== undefined) {
        draft.reserveUntil = given(input.reserveInventoryUntil)
          ? Math.floor(Date.parse(input.reserveInventoryUntil) / 1_000)
          : null;
      }
      if (given(input.sourceName)) draft.sourceName = input.sourceName;
    },
  };
}

function create({ input }: { input: DraftInput }, context: Context, change: Change): Outcome {
  const { store } = context;
  const ordinal = store.draftCount;
  const draft: DraftOrder = {
    __typename: "DraftOrder",
    id: store.ids.row("DraftOrder", ordinal),
    ordinal,
    name: `#D${ordinal + 1}`,
    status: "OPEN",
    customerId: null,
    email: null,
    phone: null,
    note: null,
    tags: [],
    attributes: [],
    poNumber: null,
    taxExempt: false,
    presentmentCurrency: store.currency,
    shippingAddress: null,
    billingAddress: null,
    shipping: null,
    discount: null,
    lines: [],
    createdAt: change.at,
    updatedAt: change.at,
    completedAt: null,
    invoiceSentAt: null,
    reserveUntil: null,
    orderId: null,
    sourceName: null,
  };
  const read = readInto(store, draft, { lineItems: [], ...input });
  if (read.errors.length) return { errors: read.errors };
  read.apply();
  change.newDraft(draft);
  return {
    payload: { draftOrder: draft },
    resources: [gid("DraftOrder", draft.id)],
    effect: { name: draft.name, total: draftTotals(store, draft).total.shop },
  };
}

function update(
  { id, input }: { id: string; input: DraftInput },
  context: Context,
  change: Change,
): Outcome {
  const draft = context.store.drafts.get(numberOf("DraftOrder", id) ?? -1);
  if (!draft) return { errors: [userError("id", "Draft order does not exist")] };
  if (draft.status === "COMPLETED")
    return { errors: [userError("id", "Draft order has already been completed")] };
  const read = readInto(context.store, draft, input);
  if (read.errors.length) return { errors: read.errors };
  change.draft(draft);
  read.apply();
  return {
    payload: { draftOrder: draft },
    resources: [id],
    effect: structuredClone(input) as Record<string, unknown>,
  };
}

function complete(
  args: { id: string; paymentPending?: boolean | null; sourceName?: string | null },
  context: Context,
  change: Change,
): Outcome {
  const { store } = context;
  const draft = store.drafts.get(numberOf("DraftOrder", args.id) ?? -1);
  if (!draft) return { errors: [userError("id", "Draft order does not exist")] };
  if (draft.status === "COMPLETED")
    return { errors: [userError("id", "This order has been paid")] };
  const gone = draft.lines.find((line) => line.variant && !store.variants.has(line.variant.id));
  if (gone?.variant) {
    return {
      errors: [userError(null, `Product with ID ${gone.variant.id} is no longer available.`)],
    };
  }
  change.draft(draft);
  const country = countryOf(draft.shippingAddress?.countryCode ?? store.profile.countryCode);
  const totals = draftTotals(store, draft);
  const customer = draft.customerId === null ? undefined : store.customer(draft.customerId);
  const order = composeOrder(store.ids, {
    ...nextNumber(store),
    createdAt: change.at,
    currency: store.currency,
    presentmentCurrency: draft.presentmentCurrency,
    taxesIncluded: store.profile.taxesIncluded,
    taxTitle: country.taxTitle,
    taxRate: totals.taxRate,
    customerId: draft.customerId,
    email: draft.email,
    phone: draft.phone,
    locale: customer?.locale ?? store.profile.locale,
    note: draft.note,
    tags: [...draft.tags],
    attributes: draft.attributes.map((attribute) => ({ ...attribute })),
    poNumber: draft.poNumber,
    sourceName: args.sourceName ?? draft.sourceName ?? "shopify_draft_order",
    confirmationNumber: confirmationNumber(store),
    shippingAddress: draft.shippingAddress,
    billingAddress: draft.billingAddress ?? draft.shippingAddress,
    discount: draft.discount && {
      code: null,
      title: draft.discount.title ?? "Custom discount",
      target: "LINE_ITEM",
      kind: draft.discount.kind,
      value: draft.discount.value,
    },
    lines: draft.lines.map((line) => ({
      variantId: line.variant?.id ?? null,
      productId: line.variant?.product.id ?? null,
      title: line.title,
      variantTitle:
        line.variant && line.variant.title !== "Default Title" ? line.variant.title : null,
      sku: line.sku,
      vendor: line.variant?.product.vendor ?? null,
      unitPrice: line.unitPrice,
      discount: discountOff(line.discount, line.unitPrice * line.quantity),
      quantity: line.quantity,
      grams: line.grams,
      requiresShipping: line.requiresShipping,
      taxable: line.taxable && !draft.taxExempt,
      attributes: line.attributes.map((attribute) => ({ ...attribute })),
    })),
    shipping: draft.shipping && {
      title: draft.shipping.title,
      code: "custom",
      price: draft.shipping.price,
    },
    risk: "NONE",
  });
  const pending = args.paymentPending ?? false;
  addTransaction(order, store.ids, "SALE", totalPrice(order), "manual", change.at, {
    status: pending ? "PENDING" : "SUCCESS",
  });
  placeOrder(change, order, { appId: context.appId });
  draft.status = "COMPLETED";
  draft.completedAt = change.at;
  draft.orderId = order.id;
  return {
    payload: { draftOrder: draft },
    resources: [args.id, gid("Order", order.id)],
    effect: { orderId: gid("Order", order.id), total: totalPrice(order).shop, pending },
  };
}

interface InvoiceArgs {
  id: string;
  email?: { to?: string | null; subject?: string | null; customMessage?: string | null } | null;
}

function sendInvoice({ id, email }: InvoiceArgs, context: Context, change: Change): Outcome {
  const draft = context.store.drafts.get(numberOf("DraftOrder", id) ?? -1);
  if (!draft) return { errors: [userError("id", "Draft order does not exist")] };
  if (draft.status === "COMPLETED")
    return { errors: [userError("id", "Draft order has already been completed")] };
  const to = email?.to ?? draft.email;
  const errors: UserError[] = [];
  if (!to) errors.push(userError("email.to", "To can't be blank"));
  checkEmail(to, ["email", "to"], errors);
  if (errors.length) return { errors };
  change.draft(draft);
  draft.status = "INVOICE_SENT";
  draft.invoiceSentAt = change.at;
  draft.email ??= to;
  return { payload: { draftOrder: draft }, resources: [id], effect: { to } };
}

export function installDraftOrders(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    draftOrder: (_, { id }: { id: string }, { store }) =>
      store.drafts.get(numberOf("DraftOrder", id) ?? -1) ?? null,
    draftOrders: (_, args: SearchArgs, context) =>
      listing(context, collection(context.store), args),
    draftOrdersCount: (_, args: SearchArgs & { limit?: number }, context) =>
      count(select(context, collection(context.store), args).length, args.limit),
  });
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    draftOrderCreate: mutation(["draftOrder"], create),
    draftOrderUpdate: mutation(["draftOrder"], update),
    draftOrderComplete: mutation(["draftOrder"], complete),
    draftOrderInvoiceSend: mutation(["draftOrder"], sendInvoice),
    draftOrderDelete: mutation<{ input: { id: string } }>(
      ["deletedId"],
      ({ input }, context, change) => {
        const draft = context.store.drafts.get(numberOf("DraftOrder", input.id) ?? -1);
        if (!draft) return { errors: [userError("id", "Draft order does not exist")] };
        change.draft(draft);
        context.store.drafts.delete(draft.id);
        change.tell("draft_orders/delete", input.id, () => ({ id: draft.id }));
        return {
          payload: { deletedId: input.id },
          resources: [input.id],
          effect: { deleted: true },
        };
      },
    ),
  });

  const sum =
    (amount: (totals: DraftTotals) => Money) =>
    (draft: DraftOrder, _: unknown, { store }: Context) =>
      moneyBag(store, amount(draftTotals(store, draft)), draft.presentmentCurrency);
  const text =
    (amount: (totals: DraftTotals) => Money) =>
    (draft: DraftOrder, _: unknown, { store }: Context) =>
      moneyText(store, amount(draftTotals(store, draft)));
  const addressOf = (draft: DraftOrder, address: DraftOrder["shippingAddress"], side: string) =>
    address && {
      ...address,
      id: `${gid("MailingAddress", draft.id)}?model_name=Address&side=${side}`,
    };
  const applied = (
    store: ShopStore,
    draft: DraftOrder,
    discount: DraftDiscount | null,
    whole: number,
  ) => {
    if (!discount) return null;
    const amount = moneyOf(discountOff(discount, whole), store.currency, draft.presentmentCurrency);
    return {
      title: discount.title,
      description: discount.description,
      value:
        discount.kind === "PERCENTAGE"
          ? discount.value
          : discount.value / 10 ** digitsOf(store.currency),
      valueType: discount.kind,
      amountSet: moneyBag(store, amount, draft.presentmentCurrency),
      amountV2: moneyV2(amount.shop, store.currency),
      amount: moneyText(store, amount),
    };
  };

  define<DraftOrder>(schema, "DraftOrder", {
    id: (draft) => gid("DraftOrder", draft.id),
    legacyResourceId: (draft) => String(draft.id),
    name: (draft) => draft.name,
    status: (draft) => draft.status,
    ready: () => true,
    createdAt: (draft) => dateTime(draft.createdAt),
    updatedAt: (draft) => dateTime(draft.updatedAt),
    completedAt: (draft) => dateTime(draft.completedAt),
    invoiceSentAt: (draft) => dateTime(draft.invoiceSentAt),
    reserveInventoryUntil: (draft) => dateTime(draft.reserveUntil),
    invoiceUrl: (draft, _, { store }) => invoiceUrl(store, draft),
    invoiceEmailTemplateSubject: () => "Complete your purchase",
    order: (draft, _, { store }) =>
      draft.orderId === null ? null : (store.order(draft.orderId) ?? null),
    customer: (draft, _, { store }) =>
      draft.customerId === null ? null : (store.customer(draft.customerId) ?? null),
    purchasingEntity: (draft, _, { store }) =>
      draft.customerId === null ? null : (store.customer(draft.customerId) ?? null),
    email: (draft) => draft.email,
    phone: (draft) => draft.phone,
    note2: (draft) => draft.note,
    tags: (draft) => draft.tags,
    customAttributes: (draft) => draft.attributes,
    poNumber: (draft) => draft.poNumber,
    taxExempt: (draft) => draft.taxExempt,
    taxesIncluded: (_, __, { store }) => store.profile.taxesIncluded,
    currencyCode: (_, __, { store }) => store.currency,
    presentmentCurrencyCode: (draft) => draft.presentmentCurrency,
    shippingAddress: (draft) => addressOf(draft, draft.shippingAddress, "shipping"),
    billingAddress: (draft) => addressOf(draft, draft.billingAddress, "billing"),
    billingAddressMatchesShippingAddress: (draft) =>
      JSON.stringify(draft.billingAddress) === JSON.stringify(draft.shippingAddress),
    appliedDiscount: (draft, _, { store }) => {
      const totals = draftTotals(store, draft);
      return applied(
        store,
        draft,
        draft.discount,
        totals.subtotal.shop + totals.orderDiscount.shop,
      );
    },
    discountCodes: () => [],
    platformDiscounts: () => [],
    warnings: () => [],
    paymentTerms: () => null,
    allowDiscountCodesInCheckout: () => false,
    acceptAutomaticDiscounts: () => false,
    visibleToCustomer: () => false,
    hasTimelineComment: () => false,
    lineItems: (draft, args: ConnectionArgs) =>
      listConnection(draft.lines, args, (_, index) => index + 1),
    totalQuantityOfLineItems: (draft) =>
      draft.lines.reduce((total, line) => total + line.quantity, 0),
    totalWeight: (draft) =>
      String(draft.lines.reduce((total, line) => total + line.grams * line.quantity, 0)),
    lineItemsSubtotalPrice: sum((totals) => totals.lineItems),
    totalLineItemsPriceSet: sum((totals) => totals.lineItems),
    subtotalPriceSet: sum((totals) => totals.subtotal),
    subtotalPrice: text((totals) => totals.subtotal),
    totalDiscountsSet: sum((totals) => plus(totals.lineDiscounts, totals.orderDiscount)),
    totalShippingPriceSet: sum((totals) => totals.shipping),
    totalShippingPrice: text((totals) => totals.shipping),
    totalTaxSet: sum((totals) => totals.tax),
    totalTax: text((totals) => totals.tax),
    totalPriceSet: sum((totals) => totals.total),
    totalPrice: text((totals) => totals.total),
    taxLines: (draft, _, { store }) => {
      const totals = draftTotals(store, draft);
      return totals.tax.shop === 0
        ? []
        : [
            {
              title: totals.taxTitle,
              rate: totals.taxRate,
              ratePercentage: Number((totals.taxRate * 100).toFixed(4)),
              priceSet: moneyBag(store, totals.tax, draft.presentmentCurrency),
              price: moneyText(store, totals.tax),
              channelLiable: false,
              source: "shopify",
            },
          ];
    },
    metafield: () => null,
    metafields: () => emptyConnection(),
    events: () => emptyConnection(),
    defaultCursor: (draft) => Buffer.from(String(draft.id)).toString("base64"),
  });
  defineData(schema, "DraftOrderAppliedDiscount", [
    "title",
    "description",
    "value",
    "valueType",
    "amountSet",
    "amountV2",
    "amount",
  ]);

  const row = (line: DraftLine) => {
    const original = line.unitPrice * line.quantity;
    const off = discountOff(line.discount, original);
    return { original, off, total: original - off };
  };
  const lineBag =
    (amount: (sums: ReturnType<typeof row>, line: DraftLine) => number) =>
    (line: DraftLine, _: unknown, { store }: Context) =>
      moneyBag(
        store,
        moneyOf(amount(row(line), line), store.currency, line.draft.presentmentCurrency),
        line.draft.presentmentCurrency,
      );
  define<DraftLine>(schema, "DraftOrderLineItem", {
    id: (line) => gid("DraftOrderLineItem", line.uuid),
    uuid: (line) => line.uuid,
    title: (line) => line.title,
    name: (line) =>
      fullName(
        line.title,
        line.variant && line.variant.title !== "Default Title" ? line.variant.title : null,
      ),
    variantTitle: (line) =>
      line.variant && line.variant.title !== "Default Title" ? line.variant.title : null,
    custom: (line) => line.variant === null,
    quantity: (line) => line.quantity,
    sku: (line) => line.sku,
    vendor: (line) => line.variant?.product.vendor ?? null,
    variant: (line) => line.variant,
    product: (line) => line.variant?.product ?? null,
    requiresShipping: (line) => line.requiresShipping,
    taxable: (line) => line.taxable,
    isGiftCard: () => false,
    customAttributes: (line) => line.attributes,
    weight: (line) => weightOf(line.grams),
    image: () => null,
    appliedDiscount: (line, _, { store }) =>
      applied(store, line.draft, line.discount, line.unitPrice * line.quantity),
    originalUnitPriceSet: lineBag((_, line) => line.unitPrice),
    originalUnitPriceWithCurrency: (line, _, { store }) => moneyV2(line.unitPrice, store.currency),
    originalTotalSet: lineBag(({ original }) => original),
    discountedTotalSet: lineBag(({ total }) => total),
    approximateDiscountedUnitPriceSet: lineBag(({ total }, line) =>
      Math.round(total / line.quantity),
    ),
    totalDiscountSet: lineBag(({ off }) => off),
    taxLines: () => [],
    components: () => [],
  });
}
