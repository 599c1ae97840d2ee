import type { z } from "zod";

/** Told of an answer's node whose shape is not known: which it is, and where it differs. */
export type Unreadable = (id: string, where: readonly string[]) => void;

/**
 * Checks a node's shape. One that is not known must not keep a whole shop from being imported.
 *
 * @param unreadable - Told of it, and the node is left out; without it, it is an error.
 * @throws z.ZodError where nobody is to be told.
 */
export function readNode<Node>(
  schema: z.ZodType<Node>,
  node: unknown,
  unreadable: Unreadable | undefined,
): Node | null {
  if (!unreadable) return schema.parse(node);
  const result = schema.safeParse(node);
  if (result.success) return result.data;
  const id = (node as { id?: unknown } | null)?.id;
  unreadable(
    typeof id === "string" ? id : "",
    result.error.issues.map(({ path }) => path.join(".")),
  );
  return null;
}
