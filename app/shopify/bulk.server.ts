import type { AdminClient } from "./admin.server.ts";
import { ShopifyError } from "./errors.ts";
import { parseGlobalId } from "./ids.ts";
import type { Operation } from "./operation.ts";
import { bulkById, cancelBulk, startBulk } from "./operations/bulk.ts";

/**
 * What became of asking for a bulk operation. `refused`: this app may not have it (bulk access has to be
 * granted, and lapses after 31 idle days), or not these fields of it: read page by page. `busy`: too many
 * of the shop's are running.
 */
export type BulkStart =
  | { readonly kind: "started"; readonly id: string }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "busy" };

/** Where a bulk operation stands. `refused` and `failed` will give no result; `url` is null when nothing was found. */
export type BulkState =
  | { readonly kind: "running"; readonly objects: number; readonly roots: number }
  | { readonly kind: "done"; readonly url: string | null; readonly roots: number }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Asks Shopify to run a query over a whole shop in the background.
 *
 * @param query - Without variables and page sizes; five connections at most, nested twice at most.
 * @throws ShopifyError when Shopify cannot be asked at all.
 */
export async function startBulkQuery(
  admin: AdminClient,
  query: Operation<unknown, Record<string, never>>,
): Promise<BulkStart> {
  try {
    const { bulkOperationRunQuery: answer } = await admin.request(startBulk, {
      query: query.text,
    });
    const error = answer?.userErrors[0];
    if (answer?.bulkOperation) return { kind: "started", id: answer.bulkOperation.id };
    return error?.code === "OPERATION_IN_PROGRESS" || error?.code === "LIMIT_REACHED"
      ? { kind: "busy" }
      : { kind: "refused", reason: error?.message ?? "Shopify did not start the bulk operation." };
  } catch (error) {
    if (error instanceof ShopifyError && error.kind === "forbidden") {
      return { kind: "refused", reason: error.message };
    }
    throw error;
  }
}

/**
 * Asks where a bulk operation stands.
 *
 * @throws ShopifyError when Shopify cannot be asked.
 */
export async function bulkState(admin: AdminClient, id: string): Promise<BulkState> {
  const { bulkOperation: operation } = await admin.request(bulkById, { id });
  if (!operation) return { kind: "failed", reason: "Shopify no longer knows the bulk operation." };
  switch (operation.status) {
    case "CREATED":
    case "RUNNING":
    case "CANCELING":
      return {
        kind: "running",
        objects: Number(operation.objectCount),
        roots: Number(operation.rootObjectCount),
      };
    case "COMPLETED":
      return { kind: "done", url: operation.url, roots: Number(operation.rootObjectCount) };
    case "FAILED":
    case "CANCELED":
    case "EXPIRED":
      return operation.errorCode === "ACCESS_DENIED"
        ? { kind: "refused", reason: "Shopify denied access to what the bulk operation reads." }
        : {
            kind: "failed",
            reason: `The bulk operation ended as ${operation.status.toLowerCase()}${
              operation.errorCode ? ` (${operation.errorCode})` : ""
            }.`,
          };
  }
}

/** Ends a bulk operation that nobody waits for any more, so that it does not count against the shop's five. */
export async function cancelBulkQuery(admin: AdminClient, id: string): Promise<void> {
  await admin.request(cancelBulk, { id });
}

/** A line of the result that does not belong where it stands. */
export class BulkResultError extends Error {
  override readonly name = "BulkResultError";
}

/**
 * Which field of its parent a child belongs to, by the kinds in their global ids: `{ Order: { LineItem:
 * "lineItems" } }`. `*` stands for any kind of child.
 */
export type BulkShape = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Longer lines than this are no result of ours; Shopify's own objects end far below. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

interface Node extends Record<string, unknown> {
  readonly id?: string;
  readonly __parentId?: string;
}

/**
 * Reads a result line by line and puts each root object together with its children, which follow it (the
 * operation was asked to group them). Holds one root in memory, however long the file is.
 *
 * @param skip - So many roots are passed over unread: where to go on after a restart.
 * @returns The roots in the shape of the query, connections as `{ nodes }`.
 * @throws BulkResultError when a child does not follow its parent, or a line is no object.
 */
export async function* bulkRoots(
  stream: ReadableStream<Uint8Array>,
  shape: BulkShape,
  { skip = 0 }: { readonly skip?: number } = {},
): AsyncGenerator<unknown> {
  let root: Node | undefined;
  let seen = 0;
  /** The current root and its descendants, by id. */
  let family = new Map<string, Node>();

  for await (const line of linesOf(stream)) {
    const isRoot = !line.includes('"__parentId":"');
    if (isRoot) {
      if (root) yield root;
      root = undefined;
      seen += 1;
      if (seen <= skip) continue;
      root = withConnections(parse(line), shape);
      family = new Map(root.id ? [[root.id, root]] : []);
      continue;
    }
    if (seen > 0 && seen <= skip) continue;
    const node = parse(line);
    const { __parentId: parentId = "", ...child } = node;
    const parent = family.get(parentId);
    if (!parent) throw new BulkResultError("A line of the result does not follow its parent.");
    const fields = shape[kindOf(parentId)];
    const field = fields?.[kindOf(node.id)] ?? fields?.["*"];
    if (!field) throw new BulkResultError(`A ${kindOf(node.id)} was not asked for.`);
    const complete = withConnections(child, shape);
    (parent[field] as { nodes: Node[] }).nodes.push(complete);
    if (complete.id) family.set(complete.id, complete);
  }
  if (root) yield root;
}

function kindOf(globalId: string | undefined): string {
  return parseGlobalId(globalId ?? "")?.kind ?? "";
}

/** A connection without children has no line of its own, so each starts empty. */
function withConnections(node: Node, shape: BulkShape): Node {
  const fields = new Set(Object.values(shape[kindOf(node.id)] ?? {}));
  return { ...node, ...Object.fromEntries([...fields].map((field) => [field, { nodes: [] }])) };
}

function parse(line: string): Node {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BulkResultError("A line of the result is not JSON.");
  }
  if (typeof value !== "object" || value === null) {
    throw new BulkResultError("A line of the result is no object.");
  }
  return value as Node;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  // Node's streams can be iterated; the types of the browser's do not know it.
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      if (end > start) yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > MAX_LINE_CHARACTERS) {
      throw new BulkResultError("A line of the result is too long.");
    }
  }
  rest += decoder.decode();
  if (rest.trim()) yield rest;
}
