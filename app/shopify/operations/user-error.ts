/** What Shopify has against a change. Older mutations give no code. */
export interface UserError {
  readonly code?: string | null;
  readonly field: readonly string[] | null;
  readonly message: string;
}
