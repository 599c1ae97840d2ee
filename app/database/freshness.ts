import { sql, type SQL } from "drizzle-orm";

/**
 * How a fact of Shopify's came to us, which says when it replaces what is there:
 *
 * - `read`: by id, just now: unless what is there is newer;
 * - `listed`: in a page of a list or in a file, possibly a while ago: only if newer than what is there;
 * - `told`: by a webhook: like `listed`; what is equally old is read again by id, since Shopify's moments have
 *   whole seconds, and two changes can share one.
 */
export type Origin = "read" | "listed" | "told";

/**
 * Whether what comes (`excluded`) replaces what is there (`t`), for tables with `updated_at` and `deleted_at`.
 * What was deleted stays so: Shopify never gives an id out again.
 */
export function isFresh(origin: Origin): SQL {
  return origin === "read"
    ? sql`t.deleted_at is null and t.updated_at <= excluded.updated_at`
    : sql`t.deleted_at is null and t.updated_at < excluded.updated_at`;
}
