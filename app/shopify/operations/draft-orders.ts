import { operation } from "../operation.ts";
import type { UserError } from "./user-error.ts";
import type { NodesData, NodesVariables } from "./page.ts";

/*
 * A draft order is the way to an order that takes effect once: it is found again by its id, and it becomes an order at
 * most once. None of these mutations takes a key: whoever repeats one must first look whether it has happened.
 */

/** What has become of a draft. */
export interface DraftState {
  readonly id: string;
  readonly name: string;
  readonly status: "OPEN" | "INVOICE_SENT" | "COMPLETED";
  /** False while Shopify still works on it; it cannot be completed then. */
  readonly ready: boolean;
  readonly invoiceSentAt: string | null;
  readonly order: { readonly id: string } | null;
  readonly customAttributes: readonly { readonly key: string; readonly value: string | null }[];
}

interface MoneyInput {
  readonly amount: string;
  readonly currencyCode: string;
}

interface DraftOrderInput {
  readonly lineItems: readonly {
    readonly variantId: string;
    readonly quantity: number;
    /** Only where it differs from the variant's own price. */
    readonly priceOverride?: MoneyInput;
  }[];
  readonly purchasingEntity?: { readonly customerId: string };
  readonly email: string | null;
  readonly note: string | null;
  readonly tags: readonly string[];
  readonly customAttributes: readonly { readonly key: string; readonly value: string }[];
  readonly shippingAddress?: Readonly<Record<string, string | null>>;
  readonly shippingLine?: { readonly title: string; readonly priceWithCurrency: MoneyInput };
  readonly appliedDiscount?: {
    readonly title: string;
    readonly value: number;
    readonly valueType: "PERCENTAGE" | "FIXED_AMOUNT";
  };
}

export const createDraft = operation<
  {
    draftOrderCreate: {
      readonly draftOrder: { readonly id: string } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  { readonly input: DraftOrderInput }
>(`#graphql
  mutation CreateDraft($input: DraftOrderInput!) {
    draftOrderCreate(input: $input) {
      draftOrder { id }
      userErrors { field message }
    }
  }`);

/** Makes an order of a draft and marks it as paid. Shopify refuses a draft that has become an order already. */
export const completeDraft = operation<
  {
    draftOrderComplete: {
      readonly draftOrder: { readonly order: { readonly id: string } | null } | null;
      readonly userErrors: readonly UserError[];
    } | null;
  },
  { readonly id: string }
>(`#graphql
  mutation CompleteDraft($id: ID!) {
    draftOrderComplete(id: $id) {
      draftOrder { order { id } }
      userErrors { field message }
    }
  }`);

/** Sends the draft's customer a link under which it can be paid. Every call sends another e-mail. */
export const sendDraftInvoice = operation<
  { draftOrderInvoiceSend: { readonly userErrors: readonly UserError[] } | null },
  { readonly id: string }
>(`#graphql
  mutation SendDraftInvoice($id: ID!) {
    draftOrderInvoiceSend(id: $id) {
      userErrors { field message }
    }
  }`);

export const deleteDraft = operation<
  { draftOrderDelete: { readonly userErrors: readonly UserError[] } | null },
  { readonly id: string }
>(`#graphql
  mutation DeleteDraft($id: ID!) {
    draftOrderDelete(input: { id: $id }) {
      userErrors { field message }
    }
  }`);

export const draftById = operation<
  { draftOrder: DraftState | null },
  { readonly id: string }
>(`#graphql
  query DraftById($id: ID!) {
    draftOrder(id: $id) {
      id
      name
      status
      ready
      invoiceSentAt
      order { id }
      customAttributes { key value }
    }
  }`);

/** Finds drafts through Shopify's search, whose index is behind: what it does not find may be there all the same. */
export const searchDrafts = operation<
  { draftOrders: { readonly nodes: readonly { readonly id: string }[] } },
  { readonly query: string }
>(`#graphql
  query SearchDrafts($query: String!) {
    draftOrders(first: 10, query: $query, sortKey: ID) {
      nodes { id }
    }
  }`);

/** What some variants cost now; null for what is gone. */
export const variantPrices = operation<NodesData, NodesVariables>(`#graphql
  query VariantPrices($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on ProductVariant { id price }
    }
  }`);
