/** A real Postgres, alone or as a primary with a streaming standby, from the binaries that npm brings. */
export { DnsServer, type DnsMode } from "./dns.ts";
export {
  Endpoint,
  type Address,
  type EndpointOptions,
  type EndpointStats,
  type Listening,
  type Target,
} from "./endpoint.ts";
export { PostgresNode, NodeStartError, type NodeProcess } from "./node.ts";
export {
  DNS_NAMES,
  PostgresPair,
  startPostgresPair,
  type FailoverOptions,
  type NodeStatus,
  type PairEvents,
  type PairStatus,
  type PostgresPairOptions,
} from "./pair.ts";
export type { Role } from "./roles.ts";
export { startPostgres, type Postgres, type PostgresOptions, type TestDatabase } from "./single.ts";
export { Supervisor, UnpromotableError, type Replication } from "./supervisor.ts";
export type { Stream, Toxic } from "./toxics.ts";
