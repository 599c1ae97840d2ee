import { setImmediate as nextTurn } from "node:timers/promises";

/** Checking and mapping so many takes a few milliseconds; then requests that came in meanwhile get their turn. */
const AT_ONCE = 20;

/** Maps a list without holding up the event loop; what maps to null is left out. */
export async function mapped<Node, Result>(
  nodes: readonly Node[],
  map: (node: Node) => Result | null,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, node] of nodes.entries()) {
    const result = map(node);
    if (result !== null) results.push(result);
    if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
  }
  return results;
}
