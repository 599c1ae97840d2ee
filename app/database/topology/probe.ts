import type { GuardedClient } from "../guarded-client.ts";
import { missingMigrations, type Migration } from "../migration-head.ts";
import { askAurora } from "./aurora.ts";
import type { Discovery, Listing } from "./discovery.ts";

/** What a node says of itself. */
export interface NodeReport {
  readonly role: "primary" | "standby";
  /** Out of recovery, but it takes no writes: an administrator's doing, or a provider's when a disk is full. */
  readonly readOnly: boolean;
  /** The cluster's identity; nodes of one cluster share it. */
  readonly systemIdentifier: string;
  /** Differs between any two running servers, whatever name or proxy they are reached by. */
  readonly instance: string;
  readonly timeline: number;
  /** Bytes of WAL: flushed on a primary, replayed on a standby; 0 where it is not told. */
  readonly lsn: bigint;
  /** Bytes of WAL that a standby has on its disk; on a primary the same as {@link lsn}. */
  readonly flushedLsn: bigint;
  /**
   * Of a standby: a moment, by the primary's clock, up to which it has everything: that of the last commit that it has
   * replayed, or of its last checkpoint. It may have more.
   */
  readonly replayedAt: Date | null;
  /** How far it is behind, where its cluster measures that; null where positions have to be compared. */
  readonly lagMs: number | null;
  /** Who belongs to its cluster, where it was asked. */
  readonly listing: Listing | null;
  /** The release's migrations that it lacks, oldest first. */
  readonly missingMigrations: readonly string[];
  /** When the question was sent, by this process's clock: what is said was true then or later. */
  readonly askedAt: Date;
  readonly latencyMs: number;
}

interface Row {
  readonly standby: boolean;
  readonly read_only: boolean;
  readonly system_identifier: string;
  readonly instance: string;
  readonly timeline: number;
  readonly lsn: string | null;
  readonly flushed_lsn: string | null;
  /** In ms since 1970. */
  readonly replayed_at: string | null;
}

/** What the ways of asking find out, each by its own functions. */
export type Answer = Omit<NodeReport, "missingMigrations" | "askedAt" | "latencyMs">;

export interface ProbeOptions {
  /** What kind of server it is, and who belongs to its cluster; plain Postgres without it. */
  readonly discovery?: Discovery;
  /** The migrations that a writer must have; not asked for without them. */
  readonly release?: readonly Migration[];
  /** What the node said last. */
  readonly before?: NodeReport | null;
}

/**
 * Asks a node what it is, in one round trip. Until it is known to have all of the release's migrations it is asked for
 * those in another: a standby that was behind when it was promoted may lack one. What a server has replayed once
 * it keeps for as long as it runs, also over its promotion; so a standby that is up to date costs the failover
 * no question more.
 */
export async function probe(
  client: GuardedClient,
  { discovery, release = [], before = null }: ProbeOptions = {},
): Promise<NodeReport> {
  const flavour = (await discovery?.flavourOf(client)) ?? "postgres";
  const askedAt = new Date();
  const startedAt = performance.now();
  const answer =
    discovery && flavour === "aurora"
      ? await askAurora(client, discovery)
      : await askPostgres(client, discovery);
  const latencyMs = performance.now() - startedAt;
  const knownComplete =
    before?.instance === answer.instance && before.missingMigrations.length === 0;
  const askSchema = !knownComplete && release.length > 0;
  return {
    ...answer,
    missingMigrations: askSchema ? await missingMigrations(client, release) : [],
    askedAt,
    latencyMs,
  };
}

/**
 * A primary's timeline is the one it writes. A standby's is the newer of its last checkpoint's and the one it
 * has replayed into; it may lag behind for a moment, never run ahead.
 *
 * Whether it is read-only is asked of the default: a transaction that began on a standby stays read-only when
 * that standby is promoted under it, and the probe's own may be one.
 */
async function askPostgres(
  client: GuardedClient,
  discovery: Discovery | undefined,
): Promise<Answer> {
  const [[row], listing] = await Promise.all([
    client.sql<Row[]>`
    select r.standby,
      current_setting('default_transaction_read_only') = 'on' and not r.standby as read_only,
      (select system_identifier::text from pg_control_system()) as system_identifier,
      (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text as instance,
      case when r.standby
        then greatest((select timeline_id from pg_control_checkpoint()),
                      (select min_recovery_end_timeline from pg_control_recovery()))
        else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
      (case when r.standby then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end - '0/0')::text as lsn,
      (case when r.standby then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
        else pg_current_wal_flush_lsn() end - '0/0')::text as flushed_lsn,
      case when r.standby then floor(1000 * extract(epoch from greatest(
        pg_last_xact_replay_timestamp(), (select checkpoint_time from pg_control_checkpoint()))))::text
        end as replayed_at
    from (select pg_is_in_recovery() as standby) r`,
    discovery?.list(client) ?? null,
  ]);
  if (!row) throw new TypeError("A probe without an answer.");
  return {
    role: row.standby ? "standby" : "primary",
    readOnly: row.read_only,
    systemIdentifier: row.system_identifier,
    instance: row.instance,
    timeline: row.timeline,
    lsn: BigInt(row.lsn ?? 0),
    flushedLsn: BigInt(row.flushed_lsn ?? 0),
    replayedAt: row.replayed_at === null ? null : new Date(Number(row.replayed_at)),
    lagMs: null,
    listing,
  };
}
