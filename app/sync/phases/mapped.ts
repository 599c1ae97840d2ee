import { setImmediate as nextTurn } from "node:timers/promises";

/** Checking and mapping so many takes a few milliseconds; then requests that came in meanwhile get their turn. */
const AT_ONCE = 20;

/** Maps a list without holding up the event loop. */
export async function mapped<Node, Result>(
  nodes: readonly Node[],
  map: (node: Node) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, node] of nodes.entries()) {
    results.push(map(node));
    if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
  }
  return results;
}
