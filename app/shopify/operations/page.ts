/** Variables of every paginated read. */
export interface PageVariables extends Record<string, unknown> {
  readonly first: number;
  readonly after: string | null;
}

/** One page of a connection. The nodes are checked where they are mapped. */
export interface Page {
  readonly nodes: readonly unknown[];
  readonly pageInfo: PageInfo;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

/** What `nodes(ids:)` gives: null for what is gone or not to be seen. */
export interface NodesData {
  readonly nodes: readonly unknown[];
}

export interface NodesVariables extends Record<string, unknown> {
  readonly ids: readonly string[];
}
