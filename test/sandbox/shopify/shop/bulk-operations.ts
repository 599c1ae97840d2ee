import { createGunzip, createGzip } from "node:zlib";
import { once } from "node:events";
import { Readable } from "node:stream";
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  TypeInfo,
  getNamedType,
  isListType,
  getNullableType,
  parse,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from "graphql";
import type { AdminContext } from "../platform-shop.ts";
import { gid } from "./ids.ts";
import type { ShopStore } from "./store.ts";
import { isoTime } from "./time.ts";
import type { Seconds } from "./time.ts";

/**
 * Bulk queries: read in the background, written as JSONL, one line per object, children pointing to their
 * parent by `__parentId`.
 * Source: https://shopify.dev/docs/api/usage/bulk-operations/queries
 */

export interface BulkOperation {
  __typename: "BulkOperation";
  id: number;
  appId: string;
  query: string;
  groupObjects: boolean;
  status: "CREATED" | "RUNNING" | "COMPLETED" | "CANCELING" | "CANCELED" | "FAILED";
  errorCode: "ACCESS_DENIED" | "INTERNAL_SERVER_ERROR" | null;
  createdAt: Seconds;
  completedAt: Seconds | null;
  objectCount: number;
  rootObjectCount: number;
  fileSize: number | null;
  /** Where the result lies among the shop's files. */
  path: string | null;
}

/** How many bulk queries a shop runs at once since 2026-01. */
export const concurrentBulkQueries = 5;

const mostConnections = 5;
const deepestNesting = 2;

/** Objects read at a time; between two pages everything else gets its turn. */
const pageSize = 50;

export interface BulkPlan {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
}

/** Checks a bulk query by Shopify's rules; answers what is wrong with it as a sentence. */
export function planBulkQuery(schema: GraphQLSchema, text: string): BulkPlan | string {
  let document: DocumentNode;
  try {
    document = parse(text);
  } catch (error) {
    return `Invalid bulk query: ${error instanceof GraphQLError ? error.message : String(error)}`;
  }
  const errors = validate(schema, document);
  if (errors.length)
    return `Invalid bulk query: ${errors.map((error) => error.message).join(", ")}`;
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const [operation] = operations;
  if (operations.length !== 1 || operation?.operation !== OperationTypeNode.QUERY) {
    return "Invalid bulk query: exactly one query operation must be given.";
  }
  if (operation.variableDefinitions?.length) return "Bulk queries cannot contain variables.";

  const problems: string[] = [];
  let connections = 0;
  const typeInfo = new TypeInfo(schema);
  const inside: { name: string; isConnection: boolean; isList: boolean; hasId: boolean }[] = [];
  visit(
    operation,
    visitWithTypeInfo(typeInfo, {
      Field: {
        enter(field) {
          const type = typeInfo.getType();
          const named = type && getNamedType(type).name;
          const isConnection = named?.endsWith("Connection") ?? false;
          const isList = type ? isListType(getNullableType(type)) : false;
          const name = field.name.value;
          if (inside.length === 0 && (name === "node" || name === "nodes")) {
            problems.push("Bulk queries cannot contain node or nodes at the top level.");
          }
          if (isConnection) {
            connections++;
            const parents = inside.filter((outer) => outer.isConnection);
            if (parents.length > deepestNesting) {
              problems.push(
                "Bulk queries cannot contain connections with a nesting depth greater than 2.",
              );
            }
            const plainList = inside.some(
              (outer) => outer.isList && outer.name !== "edges" && outer.name !== "nodes",
            );
            if (plainList) {
              problems.push(
                `Queries that contain a connection field within a list field are not supported: ${name}.`,
              );
            }
            const node = inside.findLast(
              (outer) => outer.name === "node" || outer.name === "nodes",
            );
            if (parents.length > 0 && node && !node.hasId) {
              problems.push(
                `The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': ${name}.`,
              );
            }
          }
          inside.push({
            name,
            isConnection,
            isList,
            hasId: selectsId(field.selectionSet, document),
          });
        },
        leave() {
          inside.pop();
        },
      },
    }),
  );
  if (connections === 0) problems.push("Bulk queries must contain at least one connection.");
  if (connections > mostConnections)
    problems.push("Bulk queries cannot contain more than 5 connections.");
  for (const selection of operation.selectionSet.selections) {
    const type =
      selection.kind === Kind.FIELD
        ? schema.getQueryType()?.getFields()[selection.name.value]?.type
        : undefined;
    if (!type || !getNamedType(type).name.endsWith("Connection")) {
      problems.push("The sandbox runs bulk queries whose top-level fields are connections.");
    }
  }
  return problems[0] ?? { schema, document, operation };
}

function selectsId(selectionSet: SelectionSetNode | undefined, document: DocumentNode): boolean {
  return (
    selectionSet?.selections.some((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === "id" && !selection.alias;
      if (selection.kind === Kind.INLINE_FRAGMENT)
        return selectsId(selection.selectionSet, document);
      const fragment = document.definitions.find(
        (definition) =>
          definition.kind === Kind.FRAGMENT_DEFINITION &&
          definition.name.value === selection.name.value,
      );
      return (
        fragment?.kind === Kind.FRAGMENT_DEFINITION && selectsId(fragment.selectionSet, document)
      );
    }) ?? false
  );
}

/** The document that reads one page of one top-level connection. */
function pageDocument(plan: BulkPlan, root: FieldNode): DocumentNode {
  const [template] = parse(
    `query BulkPage($after: String) { page(first: ${pageSize}, after: $after) { pageInfo { hasNextPage endCursor } } }`,
  ).definitions;
  if (template?.kind !== Kind.OPERATION_DEFINITION) throw new Error("no template");
  const [page] = template.selectionSet.selections;
  if (page?.kind !== Kind.FIELD) throw new Error("no template");
  const own = (root.arguments ?? []).filter(
    (argument) => !["first", "last", "after", "before"].includes(argument.name.value),
  );
  const field: FieldNode = {
    ...root,
    alias: { kind: Kind.NAME, value: "page" },
    arguments: [...own, ...(page.arguments ?? [])],
    selectionSet: {
      kind: Kind.SELECTION_SET,
      selections: [
        ...(page.selectionSet?.selections ?? []),
        ...(root.selectionSet?.selections ?? []),
      ],
    },
  };
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      { ...template, selectionSet: { kind: Kind.SELECTION_SET, selections: [field] } },
      ...usedFragments(plan.document, field),
    ],
  };
}

function usedFragments(document: DocumentNode, field: FieldNode): FragmentDefinitionNode[] {
  const found = new Map<string, FragmentDefinitionNode>();
  const collect = (node: FieldNode | FragmentDefinitionNode) => {
    visit(node, {
      FragmentSpread(spread) {
        const name = spread.name.value;
        const fragment = document.definitions.find(
          (definition): definition is FragmentDefinitionNode =>
            definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
        );
        if (fragment && !found.has(name)) {
          found.set(name, fragment);
          collect(fragment);
        }
      },
    });
  };
  collect(field);
  return [...found.values()];
}

type Row = Record<string, unknown>;

function nodesOf(value: unknown): Row[] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { edges, nodes } = value as { edges?: { node: Row }[]; nodes?: Row[] };
  if (Array.isArray(nodes)) return nodes;
  return Array.isArray(edges) ? edges.map((edge) => edge.node) : undefined;
}

/** Takes the connections out of a row; what remains is the row's own line. */
function splitRow(row: Row, children: Row[]): Row {
  const own: Row = {};
  for (const [key, value] of Object.entries(row)) {
    const nodes = nodesOf(value);
    if (nodes) children.push(...nodes);
    else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      own[key] = splitRow(value as Row, children);
    } else own[key] = value;
  }
  return own;
}

/** The lines of a page: grouped, each parent is followed by its own; ungrouped, all of one level come first. */
function* linesOf(rows: readonly Row[], grouped: boolean, parentId?: unknown): Iterable<Row> {
  const later: { rows: Row[]; parentId: unknown }[] = [];
  for (const row of rows) {
    const children: Row[] = [];
    const own = splitRow(row, children);
    yield parentId === undefined ? own : { ...own, __parentId: parentId };
    if (!children.length) continue;
    if (grouped) yield* linesOf(children, grouped, own.id);
    else later.push({ rows: children, parentId: own.id });
  }
  for (const group of later) yield* linesOf(group.rows, grouped, group.parentId);
}

class BulkFailure extends Error {
  readonly code: "ACCESS_DENIED" | "INTERNAL_SERVER_ERROR";

  constructor(code: "ACCESS_DENIED" | "INTERNAL_SERVER_ERROR") {
    super(code);
    this.code = code;
  }
}

function stopAsked(operation: BulkOperation): boolean {
  return operation.status === "CANCELING";
}

/** Reads a bulk query's pages and tells their lines. */
async function* readLines(
  plan: BulkPlan,
  operation: BulkOperation,
  context: AdminContext<ShopStore>,
): AsyncIterable<string> {
  for (const root of plan.operation.selectionSet.selections) {
    if (root.kind !== Kind.FIELD) continue;
    const document = pageDocument(plan, root);
    for (let after: string | null = null; ;) {
      if (stopAsked(operation)) return;
      const result = await context.execute(document, { after });
      const page = result.data?.page as
        { pageInfo: { hasNextPage: boolean; endCursor: string | null } } | null | undefined;
      if (result.errors?.length || !page) {
        const denied = result.errors?.some((error) => error.extensions.code === "ACCESS_DENIED");
        throw new BulkFailure(denied ? "ACCESS_DENIED" : "INTERNAL_SERVER_ERROR");
      }
      const rows = nodesOf(page) ?? [];
      let text = "";
      for (const line of linesOf(rows, operation.groupObjects)) {
        text += `${JSON.stringify(line)}\n`;
        operation.objectCount++;
      }
      operation.rootObjectCount += rows.length;
      if (text) yield text;
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/**
 * Starts a bulk query. The result is what the shop was while it ran, and is held compressed, so that hundreds
 * of megabytes of JSONL take tens.
 */
export function startBulkQuery(
  context: AdminContext<ShopStore>,
  plan: BulkPlan,
  query: string,
  groupObjects: boolean,
): BulkOperation {
  const { store } = context;
  const operation: BulkOperation = {
    __typename: "BulkOperation",
    id: store.ids.row("BulkOperation", store.bulkOperations.length),
    appId: context.appId,
    query,
    groupObjects,
    status: "CREATED",
    errorCode: null,
    createdAt: store.now(),
    completedAt: null,
    objectCount: 0,
    rootObjectCount: 0,
    fileSize: null,
    path: null,
  };
  store.bulkOperations.push(operation);
  setImmediate(() => void run(context, plan, operation));
  return operation;
}

async function run(
  context: AdminContext<ShopStore>,
  plan: BulkPlan,
  operation: BulkOperation,
): Promise<void> {
  const { store } = context;
  const chunks: Buffer[] = [];
  const gzip = createGzip({ level: 1 });
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  let bytes = 0;
  if (!stopAsked(operation)) operation.status = "RUNNING";
  try {
    for await (const text of readLines(plan, operation, context)) {
      bytes += Buffer.byteLength(text);
      if (!gzip.write(text)) await once(gzip, "drain");
    }
  } catch (error) {
    operation.status = "FAILED";
    operation.errorCode = error instanceof BulkFailure ? error.code : "INTERNAL_SERVER_ERROR";
  }
  gzip.end();
  await once(gzip, "end");
  if (bytes > 0 && !stopAsked(operation)) {
    operation.path = `bulk/${operation.id}.jsonl`;
    operation.fileSize = bytes;
    store.files.set(operation.path, async function* () {
      const text = Readable.from(chunks).pipe(createGunzip());
      text.setEncoding("utf8");
      for await (const part of text) yield part as string;
    });
  }
  if (operation.status === "CANCELING") operation.status = "CANCELED";
  else if (operation.status === "RUNNING") operation.status = "COMPLETED";
  operation.completedAt = store.now();
  store.events.emit("event", {
    topic: "bulk_operations/finish",
    resourceId: gid("BulkOperation", operation.id),
    payload: {
      admin_graphql_api_id: gid("BulkOperation", operation.id),
      completed_at: isoTime(operation.completedAt),
      created_at: isoTime(operation.createdAt),
      error_code: operation.errorCode?.toLowerCase() ?? null,
      status: operation.status.toLowerCase(),
      type: "query",
    },
    triggeredAt: store.clock(),
  });
}
