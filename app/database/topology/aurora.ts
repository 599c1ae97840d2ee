import type { GuardedClient } from "../guarded-client.ts";
import { problemOf, type Discovery, type Listing } from "./discovery.ts";
import type { Answer } from "./probe.ts";

/** Storage is shared and fences by itself, so there are no timelines to compare, and a list names the members. */
const TIMELINE = 1;
const SYSTEM_IDENTIFIER = "aurora";

interface Self {
  readonly standby: boolean;
  readonly read_only: boolean;
  readonly instance: string;
}

interface Row {
  readonly server_id: string;
  readonly session_id: string;
  readonly is_self: boolean;
  readonly durable_lsn: string | null;
  readonly lag_ms: number | null;
}

/** The `session_id` of the row that stands for the writer. */
const WRITER = "MASTER_SESSION_ID";
const UNKNOWN_LSN = 0n;

/**
 * Asks an Aurora instance what it is, and who belongs to its cluster. The functions by which streaming replicas are
 * measured are not supported there: how far a reader is behind is what the cluster says of it.
 *
 * It takes two to make a writer: the server is out of recovery, and the list, where it can be had, names it. An instance
 * that has just been superseded may go on believing that it is the writer for a moment.
 */
export async function askAurora(client: GuardedClient, discovery: Discovery): Promise<Answer> {
  const [[self], rows] = await Promise.all([
    client.sql<Self[]>`
      select r.standby,
        current_setting('default_transaction_read_only') = 'on' and not r.standby as read_only,
        (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text as instance
      from (select pg_is_in_recovery() as standby) r`,
    list(client),
  ]);
  if (!self) throw new TypeError("A probe without an answer.");
  const own = "members" in rows ? rows.members.find(({ is_self }) => is_self) : undefined;
  const isWriter = !self.standby && (own === undefined || own.session_id === WRITER);
  const lsn = /^\d+$/.test(own?.durable_lsn ?? "") ? BigInt(own?.durable_lsn ?? 0) : UNKNOWN_LSN;
  return {
    role: isWriter ? "primary" : "standby",
    readOnly: isWriter && self.read_only,
    systemIdentifier: SYSTEM_IDENTIFIER,
    instance: self.instance,
    timeline: TIMELINE,
    lsn,
    flushedLsn: lsn,
    replayedAt: null,
    lagMs: isWriter ? 0 : (own?.lag_ms ?? null),
    listing: "members" in rows ? membersOf(rows.members, discovery) : rows,
  };
}

function membersOf(rows: readonly Row[], discovery: Discovery): Listing | null {
  // The writer first: it is the one that is met first.
  const ranked = [...rows].sort(
    (a, b) => Number(b.session_id === WRITER) - Number(a.session_id === WRITER),
  );
  return discovery.membersOf(ranked.map(({ server_id }) => server_id));
}

/** The instances that have been heard of in the last five minutes: one that is deleted stays in the list for a while. */
async function list(
  client: GuardedClient,
): Promise<{ readonly members: readonly Row[] } | Extract<Listing, { problem: unknown }>> {
  try {
    const members = await client.sql<Row[]>`
      select server_id::text, session_id::text, server_id = aurora_db_instance_identifier() as is_self,
        durable_lsn::text, replica_lag_in_msec::float8 as lag_ms
      from aurora_replica_status()
      where session_id = ${WRITER} or last_update_timestamp is null
        or last_update_timestamp > now() - interval '5 minutes'`;
    return { members };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}
