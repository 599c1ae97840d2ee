import { operation } from "../operation.ts";

export interface BulkOperationNode {
  readonly id: string;
  readonly status:
    "CREATED" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELED" | "CANCELING" | "EXPIRED";
  readonly errorCode: "ACCESS_DENIED" | "INTERNAL_SERVER_ERROR" | "TIMEOUT" | null;
  /** UnsignedInt64 scalars come as text. */
  readonly objectCount: string;
  readonly rootObjectCount: string;
  /** Where the result is for seven days; null while there is none, or when nothing was found. */
  readonly url: string | null;
}

export const startBulk = operation<
  {
    bulkOperationRunQuery: {
      bulkOperation: { readonly id: string; readonly status: string } | null;
      userErrors: readonly {
        readonly code: string | null;
        readonly field: readonly string[] | null;
        readonly message: string;
      }[];
    } | null;
  },
  { readonly query: string }
>(`#graphql
  mutation StartBulk($query: String!) {
    bulkOperationRunQuery(query: $query, groupObjects: true) {
      bulkOperation { id status }
      userErrors { code field message }
    }
  }`);

export const bulkById = operation<
  { bulkOperation: BulkOperationNode | null },
  { readonly id: string }
>(`#graphql
  query BulkById($id: ID!) {
    bulkOperation(id: $id) {
      id
      status
      errorCode
      objectCount
      rootObjectCount
      url
    }
  }`);

export const cancelBulk = operation<
  { bulkOperationCancel: { userErrors: readonly { readonly message: string }[] } | null },
  { readonly id: string }
>(`#graphql
  mutation CancelBulk($id: ID!) {
    bulkOperationCancel(id: $id) {
      userErrors { field message }
    }
  }`);
