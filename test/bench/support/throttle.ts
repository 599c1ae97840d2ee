/** The app's own Admin client, and that of Shopify's library, asked to try several times. */
export const clientNames = ["own", "stock"] as const;
export type ClientName = (typeof clientNames)[number];

/** What the process that makes the load is told. */
export interface LoadConfig {
  readonly client: ClientName;
  readonly shop: string;
  readonly apiKey: string;
  readonly secret: string;
  /** A session token, to be exchanged for an access token. */
  readonly subjectToken: string;
  readonly inventoryItemId: number;
  readonly locationId: number;
  /** From when on orders are reconciled. */
  readonly since: string;
  /** Differs between any two runs. */
  readonly run: string;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** What it has seen. */
export interface LoadEnd {
  /** What was measured lies between these, in ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** How long edits took before anything else was asked for … */
  readonly idleEditMs: readonly number[];
  /** … and those that began between the two moments, until they were served. */
  readonly editMs: readonly number[];
  /** How often a client told its caller that Shopify's limit is used up; the caller asks again a second later. */
  readonly givenUp: number;
}
