/** GraphQL arguments are absent or null when they are not given; this is the one place that treats both alike. */
export function given<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
