import type { Settings } from "./node.ts";

/** Settings of every node; callers may override each. */
export const BASE_SETTINGS: Settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: 150,
  shared_buffers: "256MB",
  // Files in the data directory instead of /dev/shm: a node that was killed leaves nothing outside of it.
  dynamic_shared_memory_type: "mmap",
  password_encryption: "scram-sha-256",
  fsync: "on",
  synchronous_commit: "on",
  synchronous_standby_names: "",
  wal_level: "logical",
  hot_standby: "on",
  hot_standby_feedback: "on",
  max_wal_senders: 10,
  max_replication_slots: 10,
  max_slot_wal_keep_size: "2GB",
  max_wal_size: "2GB",
  wal_log_hints: "on",
  track_commit_timestamp: "on",
  // A peer that is gone must be noticed within a drill, not after the default minute.
  wal_receiver_status_interval: "1s",
  wal_receiver_timeout: "5s",
  wal_sender_timeout: "5s",
  wal_retrieve_retry_interval: "200ms",
  shared_preload_libraries: "pg_stat_statements",
  log_min_messages: "warning",
  logging_collector: "off",
};

/**
 * `pg_hba.conf`. Clients of the app come by TLS alone where it is on; the sandbox itself and the standby stay on
 * loopback without it.
 */
export function hostBasedAccess(options: { tls: boolean }): string {
  const client = options.tls ? "hostssl" : "host";
  return [
    "host     all          postgres    127.0.0.1/32  scram-sha-256",
    "host     replication  replicator  127.0.0.1/32  scram-sha-256",
    `${client}  all          all         127.0.0.1/32  scram-sha-256`,
    "",
  ].join("\n");
}
