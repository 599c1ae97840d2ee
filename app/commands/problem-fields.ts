/**
 * The entry of a form that a part of an input came from: `tracking.number` is `number`, and the quantity of a
 * line goes by that line's id (`quantity.123`), not by its place.
 */
export function fieldOf(path: readonly PropertyKey[], input: unknown): string | null {
  if (path.length === 0) return null;
  const [first] = path;
  const last = path.at(-1);
  if (first === "note") return "note";
  if (first === "addTags" || first === "removeTags") return "tags";
  if (first === "fulfillmentOrderIds") return "parts";
  if (first === "fulfillmentOrders") {
    if (last !== "quantity") return "quantities";
    const line = valueAt(input, path.slice(0, -1)) as { id?: unknown } | undefined;
    return typeof line?.id === "number" ? `quantity.${line.id}` : "quantities";
  }
  if (path[0] === "lines") return lineField(path, input);
  return String(last);
}

/** The fields of an order that is taken: a line goes by its variant (`quantity.123`). */
function lineField(path: readonly PropertyKey[], input: unknown): string {
  const line = valueAt(input, path.slice(0, 2)) as { variantId?: unknown } | undefined;
  return path.length > 1 && typeof line?.variantId === "number"
    ? `quantity.${line.variantId}`
    : "lines";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      typeof found === "object" && found !== null
        ? (found as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}
