import type { GraphQLSchema } from "graphql";
import { concurrentBulkQueries, planBulkQuery, startBulkQuery } from "../bulk-operations.ts";
import type { BulkOperation } from "../bulk-operations.ts";
import { gid, numberOf } from "../ids.ts";
import type { SearchSchema } from "../search-language.ts";
import { dateTime, define } from "./define.ts";
import type { Context } from "./define.ts";
import { listing } from "./listing.ts";
import type { SearchArgs } from "./listing.ts";
import { mutation, userError } from "./mutate.ts";

const search: SearchSchema<BulkOperation> = {
  fields: {
    id: { type: "id", get: (operation) => operation.id },
    status: { type: "keyword", get: (operation) => [operation.status] },
    operation_type: { type: "keyword", get: () => ["query"] },
    created_at: { type: "time", get: (operation) => operation.createdAt },
  },
  text: (operation) => [operation.query],
};

/** Bulk operations belong to the app that started them. */
function mine(context: Context): BulkOperation[] {
  return context.store.bulkOperations.filter((operation) => operation.appId === context.appId);
}

const running = (operation: BulkOperation) =>
  operation.status === "CREATED" ||
  operation.status === "RUNNING" ||
  operation.status === "CANCELING";

export function installBulkOperations(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getQueryType()?.name ?? "QueryRoot", {
    bulkOperation: (_, { id }: { id: string }, context) =>
      mine(context).find((operation) => operation.id === numberOf("BulkOperation", id)) ?? null,
    bulkOperations: (_, args: SearchArgs, context) =>
      listing(
        context,
        {
          all: () => mine(context),
          idOf: (operation) => operation.id,
          document: (operation) => operation,
          search,
          sort: {
            CREATED_AT: (operation) => operation.createdAt,
            COMPLETED_AT: (operation) => operation.completedAt ?? 0,
          },
        },
        args,
      ),
    currentBulkOperation: (_, { type }: { type?: string }, context) =>
      type === "MUTATION" ? null : (mine(context).at(-1) ?? null),
  });
  define<BulkOperation>(schema, "BulkOperation", {
    id: (operation) => gid("BulkOperation", operation.id),
    type: () => "QUERY",
    query: (operation) => operation.query,
    status: (operation) => operation.status,
    errorCode: (operation) => operation.errorCode,
    createdAt: (operation) => dateTime(operation.createdAt),
    completedAt: (operation) => dateTime(operation.completedAt),
    objectCount: (operation) => String(operation.objectCount),
    rootObjectCount: (operation) => String(operation.rootObjectCount),
    fileSize: (operation) => (operation.fileSize === null ? null : String(operation.fileSize)),
    url: (operation, _, context) =>
      operation.status === "COMPLETED" && operation.path ? context.fileUrl(operation.path) : null,
    partialDataUrl: (operation, _, context) =>
      operation.status === "FAILED" && operation.path ? context.fileUrl(operation.path) : null,
  });
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    bulkOperationRunQuery: mutation<{ query: string; groupObjects: boolean }>(
      ["bulkOperation"],
      ({ query, groupObjects }, context, _change, info) => {
        if (mine(context).filter(running).length >= concurrentBulkQueries) {
          return {
            errors: [
              userError(
                null,
                "A bulk query operation for this app and shop is already in progress.",
                "OPERATION_IN_PROGRESS",
              ),
            ],
          };
        }
        const plan = planBulkQuery(info.schema, query);
        if (typeof plan === "string") return { errors: [userError("query", plan, "INVALID")] };
        const bulkOperation = startBulkQuery(context, plan, query, groupObjects);
        const id = gid("BulkOperation", bulkOperation.id);
        return { payload: { bulkOperation: { ...bulkOperation } }, resources: [id], effect: {} };
      },
    ),
    bulkOperationCancel: mutation<{ id: string }>(["bulkOperation"], ({ id }, context) => {
      const operation = mine(context).find(
        (candidate) => candidate.id === numberOf("BulkOperation", id),
      );
      if (!operation) return { errors: [userError("id", "Bulk operation does not exist")] };
      if (!running(operation)) {
        return {
          errors: [
            userError(
              null,
              `A bulk operation cannot be canceled when it is ${operation.status.toLowerCase()}`,
            ),
          ],
        };
      }
      operation.status = "CANCELING";
      return { payload: { bulkOperation: operation }, resources: [id], effect: {} };
    }),
  });
}
