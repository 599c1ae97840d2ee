/**
 * Where a value was read from, nearest to the truth first. `browser` is the copy on the merchant's own
 * device; the server never answers with it.
 */
export type Source = "primary" | "replica" | "memory" | "disk" | "browser";

/**
 * A value that says where it came from and when it was true. Nothing stale is ever shown as if it were
 * fresh: whoever renders a `Sourced` shows its age unless it is live.
 */
export interface Sourced<T> {
  readonly value: T;
  readonly source: Source;
  /** The moment at which the value was true, by the clock of the server that read it. */
  readonly asOf: Date;
  /** The merchant has changed something since that may be missing here, however young the value is. */
  readonly lacksOwnWrites?: true | undefined;
}

/** Carries a value's source over to something computed from it. */
export function mapSourced<T, U>(sourced: Sourced<T>, change: (value: T) => U): Sourced<U> {
  return { ...sourced, value: change(sourced.value) };
}
