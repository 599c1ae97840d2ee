/**
 * The entry of a form that a part of an input came from: `tracking.number` is `number`, and the quantity of a
 * line goes by that line's id (`quantity.123`), not by its place.
 */
export function fieldOf(path: readonly PropertyKey[], input: unknown): string | null {
  if (path.length === 0) return null;
  const last = path.at(-1);
  if (path[0] === "fulfillmentOrders") {
    if (last !== "quantity") return "quantities";
    const line = valueAt(input, path.slice(0, -1)) as { id?: unknown } | undefined;
    return typeof line?.id === "number" ? `quantity.${line.id}` : "quantities";
  }
  return String(last);
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
