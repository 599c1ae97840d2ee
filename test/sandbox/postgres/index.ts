/** A real Postgres, alone or as a primary with a streaming standby, from the binaries that npm brings. */
export { PostgresNode, type NodeProcess } from "./node.ts";
export type { Role } from "./roles.ts";
export { startPostgres, type Postgres, type PostgresOptions, type TestDatabase } from "./single.ts";
