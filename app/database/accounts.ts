import { DatabaseError, toDatabaseError } from "./errors.ts";
import type { GuardedClient } from "./guarded-client.ts";

/** As whom the app signs in: for merchants, one shop at a time, or for work across shops. */
export type Account = "app" | "system";

/**
 * What is wrong with an account:
 *
 * - `refused`: it cannot sign in; the code says why;
 * - `unbound`: row-level security does not hold it: a superuser, one with BYPASSRLS, or the tables' owner;
 * - `rightless`: it may not read and write what it works on.
 */
export type AccountFinding =
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "unbound" }
  | { readonly kind: "rightless" };

/** One table of each that tells: the release step gives rights on all or on none. */
const TABLE_OF: Readonly<Record<Account, string>> = {
  app: "orders",
  system: "webhook_deliveries",
};

/**
 * Signs in as an account, looks at what it may do, and leaves.
 *
 * @param connect - Opens a connection as the account.
 * @returns What is wrong; null where nothing is, or where there are no tables yet to have rights on.
 */
export async function checkAccount(
  account: Account,
  connect: () => Promise<GuardedClient>,
): Promise<AccountFinding | null> {
  let client: GuardedClient | undefined;
  try {
    client = await connect();
    const [row] = await client.sql<{ unbound: boolean; rights: boolean | null }[]>`
      select r.rolsuper or r.rolbypassrls or coalesce(pg_has_role(t.relowner, 'usage'), false) as unbound,
        has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert') as rights
      from pg_roles r
      left join pg_class t
        on t.relname = ${TABLE_OF[account]} and t.relnamespace = 'public'::regnamespace
      where r.rolname = current_user`;
    if (row?.unbound) return { kind: "unbound" };
    return row?.rights === false ? { kind: "rightless" } : null;
  } catch (error) {
    const known = toDatabaseError(error);
    if (!(known instanceof DatabaseError)) throw known;
    return { kind: "refused", code: known.code };
  } finally {
    client?.destroy();
  }
}
