import postgres from "postgres";
import type { PostgresNode, PostgresPair } from "../../sandbox/postgres/index.ts";

/**
 * Amazon's functions by which a cluster's servers are found, played by functions with the documented names and columns
 * (Aurora PostgreSQL reference, `aurora_replica_status`; `rds_tools` as Amazon's own drivers call it; column types are
 * not documented and assumed). What they say is true of the sandbox's nodes: each tells itself by its port, and the
 * writer is whoever is out of recovery, or whom a standby follows.
 */
const COMMON = `
  create schema amazon;
  create table amazon.instances (name text primary key, domain text not null, port int not null,
    server_port int not null, lag_ms real);
  create table amazon.cluster (is_one boolean not null);
  insert into amazon.cluster values (true);
  create function amazon.writer_port() returns int language sql security definer set search_path = pg_catalog as
    $$ select case when pg_is_in_recovery()
         then substring(current_setting('primary_conninfo') from 'port=''?([0-9]+)')::int
         else current_setting('port')::int end $$;
  create table public.written (word text primary key);
  grant select on public.written to evenkeel_app;
  grant select, insert on public.written to evenkeel_system`;

/** By the age of its row an instance that is deleted can be told from one that is there. */
const AURORA = `
  create function pg_catalog.aurora_db_instance_identifier() returns text language sql security definer
    set search_path = pg_catalog as
    $$ select name from amazon.instances where server_port = current_setting('port')::int order by name limit 1 $$;
  create function pg_catalog.aurora_replica_status() returns table (
    server_id text, session_id text, durable_lsn bigint, highest_lsn_rcvd bigint, current_read_lsn bigint,
    cur_replay_latency_in_usec bigint, active_txns bigint, is_current boolean, last_transport_error int,
    last_error_timestamp timestamptz, last_update_timestamp timestamptz, feedback_xmin bigint, feedback_epoch bigint,
    replica_lag_in_msec real, log_stream_speed_in_kib_per_second real, log_buffer_sequence_number bigint,
    oldest_read_view_trx_id bigint, oldest_read_view_lsn bigint, pending_read_ios bigint, read_ios bigint, iops bigint,
    cpu real) language sql security definer set search_path = pg_catalog as
    $$ with here as (select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                                  else pg_current_wal_flush_lsn() end - '0/0')::bigint as lsn),
       instance as (
         select name, server_port = amazon.writer_port() as is_writer, lag_ms,
           case when server_port <> current_setting('port')::int then now() end as heard_at
         from amazon.instances
         union all select 'deleted', false, 0, now() - interval '1 day')
       select name, case when is_writer then 'MASTER_SESSION_ID' else gen_random_uuid()::text end,
         lsn, lsn, lsn, 0::bigint, 0::bigint, null::boolean, 0, null::timestamptz, heard_at, 0::bigint, 0::bigint,
         case when not is_writer then lag_ms end, 0::real, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
         0::bigint, 0::real
       from instance, here $$;
  alter database evenkeel set "rds.extensions" = 'aurora_stat_utils,pg_stat_statements,pg_trgm';
  ${[
    "pg_current_wal_lsn()",
    "pg_current_wal_flush_lsn()",
    "pg_current_wal_insert_lsn()",
    "pg_walfile_name(pg_lsn)",
    "pg_last_wal_replay_lsn()",
    "pg_last_wal_receive_lsn()",
    "pg_control_checkpoint()",
    "pg_control_recovery()",
    "pg_control_system()",
  ]
    // Not supported on Aurora.
    .map((name) => `revoke execute on function pg_catalog.${name} from public;`)
    .join("\n")}`;

const RDS = `
  create schema rds_tools;
  grant usage on schema rds_tools to public;
  create function rds_tools.dbi_resource_id() returns text language sql security definer set search_path = pg_catalog as
    $$ select 'db-' || name from amazon.instances where server_port = current_setting('port')::int
       order by name limit 1 $$;
  create function rds_tools.multi_az_db_cluster_source_dbi_resource_id() returns text language sql security definer
    set search_path = pg_catalog as
    $$ select 'db-' || name from amazon.instances, amazon.cluster
       where is_one and server_port = amazon.writer_port() order by name limit 1 $$;
  create function rds_tools.show_topology(client text default null) returns table (id text, endpoint text, port int)
    language sql security definer set search_path = pg_catalog as
    $$ select 'db-' || name, name || '.' || domain, port from amazon.instances $$;
  alter database evenkeel set "rds.extensions" = 'rds_tools,pg_stat_statements,pg_trgm'`;

export type AmazonCluster = "aurora" | "rds-cluster";

/** The sandbox's pair in the part of an Amazon cluster. */
export class Amazon implements AsyncDisposable {
  readonly #pair: PostgresPair;
  #sql: postgres.Sql;

  private constructor(pair: PostgresPair) {
    this.#pair = pair;
    this.#sql = connect(pair.primary);
  }

  static async play(pair: PostgresPair, cluster: AmazonCluster | "none"): Promise<Amazon> {
    const amazon = new Amazon(pair);
    await amazon.#sql.unsafe(COMMON).simple();
    if (cluster === "aurora") await amazon.#sql.unsafe(AURORA).simple();
    if (cluster === "rds-cluster") await amazon.#sql.unsafe(RDS).simple();
    return amazon;
  }

  /** The domain of the instances' hosts. */
  static readonly domain = "db.test";

  /** The cluster's names, which do not move by themselves. */
  url(role: "app" | "system"): string {
    return this.#pair.namedUrl(role, "writer");
  }

  /** The id under which an instance is watched. */
  idOf(name: string): string {
    return `${name}.${Amazon.domain}:${new URL(this.url("app")).port}`;
  }

  /** A server under a name; the sandbox's own nodes are called n1 and n2. */
  async add(name: string, node: PostgresNode, lagMs = 0): Promise<void> {
    const index = this.#pair.nodes.indexOf(node);
    this.#pair.dns.set(`${name}.${Amazon.domain}`, `127.0.0.${2 + index}`);
    const port = Number(new URL(this.url("app")).port);
    await this.#sql`insert into amazon.instances
      values (${name}, ${Amazon.domain}, ${port}, ${node.port}, ${lagMs})`;
  }

  async remove(name: string): Promise<void> {
    await this.#sql`delete from amazon.instances where name = ${name}`;
  }

  async rename(from: string, to: string, node: PostgresNode): Promise<void> {
    this.#pair.dns.set(`${to}.${Amazon.domain}`, `127.0.0.${2 + this.#pair.nodes.indexOf(node)}`);
    await this.#sql`update amazon.instances set name = ${to} where name = ${from}`;
    this.#pair.dns.setMode("nxdomain", `${from}.${Amazon.domain}`);
  }

  /** Runs a statement as the superuser of the node that is primary now. */
  async run(statement: string): Promise<postgres.RowList<postgres.Row[]>> {
    return this.#sql.unsafe(statement);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end();
  }
}

function connect(node: PostgresNode): postgres.Sql {
  return postgres(node.url("superuser"), { max: 1, fetch_types: false, onnotice: () => {} });
}
