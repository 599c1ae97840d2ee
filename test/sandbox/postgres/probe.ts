import type { PostgresNode } from "./node.ts";
import type { Session } from "./session.ts";

/** Keeps one warm superuser connection to a node, and opens another after the first failure. */
export class Probe {
  readonly node: PostgresNode;
  #session: Session | undefined;

  constructor(node: PostgresNode) {
    this.node = node;
  }

  /** Runs one statement; any failure costs the connection, and the next call opens a new one. */
  async query<Row>(text: string, timeoutMs: number): Promise<Row[]> {
    if (!this.#session || this.#session.closed) this.#session = this.node.connect();
    return this.#session.query<Row>(text, [], timeoutMs);
  }

  close(): void {
    this.#session?.close();
  }
}
