import type { GraphQLSchema } from "graphql";
import { emptyConnection, listConnection } from "../connection.ts";
import type { ConnectionArgs } from "../connection.ts";
import { customerSearch } from "../documents.ts";
import type { CustomerDocument } from "../documents.ts";
import { gid, numberOf } from "../ids.ts";
import type { Customer } from "../model.ts";
import type { ShopStore } from "../store.ts";
import { count, dateTime, define, defineData, moneyV2 } from "./define.ts";
import { listing, select } from "./listing.ts";
import type { Collection, SearchArgs } from "./listing.ts";
import { orderListing } from "./orders.ts";

function* everybody(store: ShopStore): Iterable<Customer> {
  for (let ordinal = 0; ordinal < store.customerCount; ordinal++) {
    const customer = store.customerAt(ordinal);
    if (customer) yield customer;
  }
}

function customerCollection(store: ShopStore): Collection<Customer, CustomerDocument> {
  return {
    all: () => everybody(store),
    idOf: (customer) => customer.id,
    document: (customer) => store.customerDocument(customer),
    index: store.index.customers,
    search: customerSearch,
    sort: {
      NAME: ({ customer }) =>
        `${customer.lastName ?? ""}, ${customer.firstName ?? ""}`.toLowerCase(),
      CREATED_AT: ({ customer }) => customer.createdAt,
      UPDATED_AT: ({ customer }) => customer.updatedAt,
      LOCATION: ({ customer }) => `${customer.address.countryCode} ${customer.address.city}`,
    },
  };
}

const addressOf = (customer: Customer) => ({
  ...customer.address,
  id: `${gid("MailingAddress", customer.id)}?model_name=CustomerAddress`,
});

export function displayName(customer: Customer): string {
  return [customer.firstName, customer.lastName].filter(Boolean).join(" ") || customer.email || "";
}

export function installCustomers(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    customer: (_, { id }: { id: string }, { store }) =>
      store.customer(numberOf("Customer", id) ?? -1) ?? null,
    customers: (_, args: SearchArgs, context) =>
      listing(context, customerCollection(context.store), args),
    customersCount: (_, args: SearchArgs & { limit?: number }, context) =>
      count(
        args.query
          ? select(context, customerCollection(context.store), args).length
          : context.store.customerCount,
        args.limit,
      ),
  });
  define<Customer>(schema, "Customer", {
    id: (customer) => gid("Customer", customer.id),
    legacyResourceId: (customer) => String(customer.id),
    firstName: (customer) => customer.firstName,
    lastName: (customer) => customer.lastName,
    displayName,
    email: (customer) => customer.email,
    phone: (customer) => customer.phone,
    defaultEmailAddress: (customer) => (customer.email === null ? null : customer),
    defaultPhoneNumber: (customer) => (customer.phone === null ? null : customer),
    defaultAddress: addressOf,
    addresses: (customer, { first }: { first?: number }) =>
      [addressOf(customer)].slice(0, first ?? undefined),
    addressesV2: (customer, args: ConnectionArgs) =>
      listConnection([addressOf(customer)], args, () => customer.id),
    locale: (customer) => customer.locale,
    note: (customer) => customer.note,
    tags: (customer) => customer.tags,
    state: () => "DISABLED",
    taxExempt: () => false,
    taxExemptions: () => [],
    verifiedEmail: () => true,
    validEmailAddress: (customer) => customer.email !== null,
    numberOfOrders: (customer, _, { store }) => String(store.orderCountOf(customer)),
    amountSpent: (customer, _, { store }) => moneyV2(store.spentBy(customer), store.currency),
    orders: (customer, args: SearchArgs, context) =>
      orderListing(
        context,
        { ...args, sortKey: args.sortKey ?? "ID" },
        (ordinal) => context.store.orders.customer(ordinal) === customer.ordinal,
      ),
    lastOrder: (customer, _, context) =>
      orderListing(
        context,
        { last: 1, sortKey: "ID" },
        (ordinal) => context.store.orders.customer(ordinal) === customer.ordinal,
      ).nodes[0] ?? null,
    canDelete: (customer, _, { store }) => store.orderCountOf(customer) === 0,
    productSubscriberStatus: () => "NEVER_SUBSCRIBED",
    lifetimeDuration: () => "over 1 year",
    dataSaleOptOut: () => false,
    companyContactProfiles: () => [],
    createdAt: (customer) => dateTime(customer.createdAt),
    updatedAt: (customer) => dateTime(customer.updatedAt),
    metafield: () => null,
    metafields: () => emptyConnection(),
    events: () => emptyConnection(),
  });
  define<Customer>(schema, "CustomerEmailAddress", {
    emailAddress: (customer) => customer.email,
    marketingState: (customer) => (customer.acceptsMarketing ? "SUBSCRIBED" : "NOT_SUBSCRIBED"),
    marketingOptInLevel: (customer) => (customer.acceptsMarketing ? "SINGLE_OPT_IN" : null),
    marketingUpdatedAt: () => null,
    openTrackingLevel: () => "UNKNOWN",
    validFormat: () => true,
    sourceLocation: () => null,
  });
  define<Customer>(schema, "CustomerPhoneNumber", {
    phoneNumber: (customer) => customer.phone,
    marketingState: () => "NOT_SUBSCRIBED",
    marketingOptInLevel: () => null,
    marketingUpdatedAt: () => null,
    sourceLocation: () => null,
  });
  defineData(schema, "Job", ["id", "done"]);
}
