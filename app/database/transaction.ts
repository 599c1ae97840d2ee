import { DatabaseError } from "./errors.ts";
import type { Database, GuardedClient } from "./guarded-client.ts";
import type { Question } from "./statements.ts";

/**
 * What a piece of work gets: drizzle on the one connection of its transaction. Beginning another one inside
 * would end this one, so that door is closed.
 */
export type ShopDatabase = Omit<Database, "transaction">;

/** What a transaction's work may do. */
export interface Transaction {
  readonly db: ShopDatabase;
  /** Asks in SQL whose text is always the same, for what every write does. */
  send(text: string, parameters: readonly unknown[]): Question;
  /**
   * A statement to be sent together with the commit, at no round trip of its own. When it fails, nothing is committed.
   * Its effect must be lost without the transaction's, for the driver may repeat it after a rollback.
   */
  atEnd(text: string, parameters: readonly unknown[]): void;
}

export interface TransactionOptions {
  readonly readOnly: boolean;
  /** The shop whose rows are visible; none for work across shops. */
  readonly shop: string | null;
  /** What is left of the deadline: the server gives up by itself too, should we not be there to tell it. */
  readonly remainingMs: number;
  /** The server that it has to be done on, where a pooler or a name chooses; null where the address is its own. */
  readonly instance?: string | null;
  /** Called when the work is done and the commit is sent. */
  readonly onCommit?: () => void;
  /** Called when the server has committed, with whether there was anything to commit. */
  readonly onCommitted?: (wrote: boolean) => void;
  /** Gets a position in the WAL behind the commit; null where the server tells none. */
  readonly onPosition?: (position: WalPosition | null) => void;
}

/** A position in a cluster's history. */
export interface WalPosition {
  readonly timeline: number;
  /** Bytes of WAL. */
  readonly lsn: bigint;
}

const SHOP = /^[a-z0-9][a-z0-9.-]*$/i;
/** No single lock is worth waiting for longer. */
const LOCK_TIMEOUT_MS = 1_000;
/** The server's own limits come a little after ours, so that it is us who speak. */
const SLACK_MS = 500;
const TRANSACTION_TIMEOUT_SINCE = 17;
const WROTE = "select pg_current_xact_id_if_assigned() is not null as wrote";
const POSITION = `
  select ('x' || substr(pg_walfile_name(lsn), 1, 8))::bit(32)::int as timeline, (lsn - '0/0')::text as lsn
  from pg_current_wal_insert_lsn() lsn`;

/** What differs between any two running servers, as in the monitor's probes. */
const INSTANCE = "(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text";

/**
 * Runs `work` in a transaction on a leased client.
 *
 * The opening travels together with the work's first statement: it cannot fail by itself except with the
 * connection, and an error in it leaves a transaction in which every later statement fails, never none. The end of one
 * that only reads is sent, and not waited for: what comes next on the connection comes behind it.
 *
 * @throws whatever the work threw, after a rollback; DatabaseError `notExecuted`, after a rollback, when the connection
 *   leads to another server than `instance`; DatabaseError `rolledBack` when the server rolled back
 *   although a commit was asked for (the work had swallowed an error).
 */
export async function inTransaction<T>(
  client: GuardedClient,
  options: TransactionOptions,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { sql, statements } = client;
  statements.begin();
  const opening = sql.unsafe(openingStatement(client, options)).simple();
  // Its error reaches us through the statements after it.
  opening.catch(() => undefined);
  const last: Parameters<Transaction["atEnd"]>[] = [];
  const send: Transaction["send"] = (text, parameters) => statements.send(text, parameters);
  const atEnd: Transaction["atEnd"] = (...statement) => void last.push(statement);
  let value: T;
  try {
    value = await work({ db: client.database, send, atEnd });
    if (options.instance) expectInstance(await opening, options.instance);
  } catch (error) {
    if (!client.broken)
      await sql
        .unsafe("rollback")
        .simple()
        .catch(() => client.destroy());
    throw error;
  }
  await opening;
  options.onCommit?.();
  const ending = Promise.all(last.map((statement) => send(...statement)));
  // Whether it failed shows in the commit's answer first.
  ending.catch(() => undefined);
  const writing = options.onCommitted ? askWhetherWritten(client) : null;
  const committing = sql.unsafe("commit").simple().execute();
  if (options.readOnly && !statements.failed) {
    committing.catch(() => undefined);
    return value;
  }
  const position = options.onPosition ? askPosition(client) : null;
  const { command } = await committing;
  if (command !== "COMMIT") {
    await ending;
    throw new DatabaseError(
      "rolledBack",
      "ROLLED_BACK",
      "The transaction was rolled back at its end.",
    );
  }
  if (writing) options.onCommitted?.(await writing);
  if (position) options.onPosition?.(await position);
  return value;
}

/** Whether the transaction has changed anything. Sent right before the commit it costs no round trip. */
async function askWhetherWritten({ sql }: GuardedClient): Promise<boolean> {
  try {
    const [row] = await sql.unsafe<{ wrote: boolean }[]>(WROTE).simple();
    return row?.wrote ?? false;
  } catch {
    return false;
  }
}

/**
 * Where the WAL ends. Sent right behind a commit it costs no round trip; and whatever becomes of it, the commit
 * stands.
 */
async function askPosition({ sql }: GuardedClient): Promise<WalPosition | null> {
  try {
    const [row] = await sql.unsafe<{ timeline: string; lsn: string }[]>(POSITION).simple();
    return row ? { timeline: Number(row.timeline), lsn: BigInt(row.lsn) } : null;
  } catch {
    return null;
  }
}

/** The code of the error that says so. */
export const OTHER_SERVER = "OTHER_SERVER";

/**
 * A pooler goes on with the server that it is connected to, and a name may have been moved: after a failover either
 * may lead to the old primary, which takes writes that nobody will ever see.
 */
function expectInstance(opening: unknown, expected: string): void {
  const [, [row]] = opening as [unknown, { instance: string }[]];
  if (row?.instance === expected) return;
  throw new DatabaseError(
    "notExecuted",
    OTHER_SERVER,
    "The address leads to another server than the one in charge.",
  );
}

function openingStatement(
  client: GuardedClient,
  { readOnly, shop, remainingMs, instance }: TransactionOptions,
): string {
  const limitMs = Math.ceil(remainingMs + SLACK_MS);
  const settings: [string, string][] = [
    ["lock_timeout", `${Math.min(LOCK_TIMEOUT_MS, limitMs)}`],
    ["idle_in_transaction_session_timeout", `${limitMs}`],
    [
      client.serverVersion >= TRANSACTION_TIMEOUT_SINCE
        ? "transaction_timeout"
        : "statement_timeout",
      `${limitMs}`,
    ],
  ];
  if (shop !== null) {
    // Goes into the text, since the opening has no parameters: what could end the literal is no shop.
    if (!SHOP.test(shop)) throw new TypeError("That is not a shop's domain.");
    settings.push(["app.shop", shop]);
  }
  const calls = settings.map(([name, value]) => `set_config('${name}', '${value}', true)`);
  if (instance) calls.push(`${INSTANCE} as instance`);
  return `begin${readOnly ? " read only" : ""}; select ${calls.join(", ")}`;
}
