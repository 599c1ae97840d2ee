import type { Page, PageInfo } from "../shopify/operations/page.ts";

/** What came with the first answer, and whether there is more of it. */
export interface FirstPage<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
}

/**
 * All nodes of a connection whose first page is there.
 *
 * @param next - Reads the page behind a cursor; null where what holds the connection is gone.
 * @param parse - Checks a page's shape.
 */
export async function allNodes<Node>(
  first: FirstPage<Node>,
  next: (after: string | null) => Promise<Page | null | undefined>,
  parse: (page: unknown) => FirstPage<Node>,
): Promise<Node[]> {
  const nodes = [...first.nodes];
  let { pageInfo } = first;
  while (pageInfo.hasNextPage) {
    const page = await next(pageInfo.endCursor);
    if (!page) break;
    const parsed = parse(page);
    nodes.push(...parsed.nodes);
    ({ pageInfo } = parsed);
  }
  return nodes;
}

/** The pages of one connection put together. */
export function whole<Node>(nodes: Node[]): { nodes: Node[]; pageInfo: PageInfo } {
  return { nodes, pageInfo: { hasNextPage: false, endCursor: null } };
}

/** Cuts a list into pieces of at most `size`. */
export function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
