import type { Account, AccountFinding } from "./accounts.ts";
import type { DiscoveryProblem } from "./topology/discovery.ts";
import { MEMORY_FILE } from "./topology/memory.ts";
import type { NodeStatus } from "./topology/states.ts";

/** Where a server is and as whom the app comes there, in the words of the configuration; never a secret. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** The variable that names the server. */
  readonly addressFrom: string;
  /** The variable that names the user, and the database. */
  readonly userFrom: string;
  /** The variable that holds the password, or leads to it. */
  readonly passwordFrom: string;
}

const ROLES = "docs/database.md has the statements that create the roles";

/**
 * Why a connection could not be made, and what to do about it.
 *
 * @param code - A SQLSTATE, the system's code, or that of the TLS library.
 */
export function connectionProblem(code: string, place: Place): string {
  const { host, database, user, addressFrom, userFrom, passwordFrom } = place;
  const where = `${host}:${place.port}`;
  switch (code) {
    case "28P01":
      return `The password for role ${user} was refused by ${where}, or there is no such role. Check ${passwordFrom}; ${ROLES}.`;
    case "28000":
      return `${where} does not let role ${user} in from this machine. Either its pg_hba.conf has no line for it, or it demands TLS (set DATABASE_CA_FILE), or the role may not log in.`;
    case "3D000":
      return `There is no database ${database} at ${where}. Check the name at the end of ${userFrom}, or create it: docs/database.md has the statement.`;
    case "42501":
      return `Role ${user} may not connect to the database ${database} at ${where}. Grant it CONNECT; ${ROLES}.`;
    case "53300":
      return `${where} has no connection left for role ${user}. Raise max_connections there (or the role's own limit), or lower DATABASE_POOL_SIZE: every instance of the app takes that many and half as many again.`;
    case "57P03":
      return `${where} is starting or stopping, and takes no connections yet.`;
    case "ECONNREFUSED":
      return `Nothing listens at ${where}. Check ${addressFrom}, and that the server runs.`;
    case "CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return `${where} does not answer. Check ${addressFrom}, the firewall between, and that the server runs.`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `There is no way to ${where} from this machine. Check ${addressFrom} and the network.`;
    case "PROBE_TIMEOUT":
      return `${where} takes connections but does not answer: it hangs, or has far too much to do.`;
    case "ENOTFOUND":
      return `The name ${host} has no address. Check ${addressFrom}, and the name in the DNS.`;
    case "EAI_AGAIN":
      return `No name server says where ${host} is. Check the name servers of this machine, or DATABASE_NAME_SERVERS.`;
    case "TLS_REFUSED":
      return `${where} does not speak TLS, which DATABASE_CA_FILE asks for. Turn TLS on there; without DATABASE_CA_FILE the app does without it, in a network that you trust.`;
    case "CERT_HAS_EXPIRED":
      return `The certificate of ${where} has expired, or that of the authority in DATABASE_CA_FILE has. Renew it.`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `The certificate of ${where} is for another name than ${host}. Put the name for which it was made into ${addressFrom}, or have one made for ${host}.`;
    case "PASSWORD_UNAVAILABLE":
    case "PASSWORD_TIMEOUT":
      return `There is no password for role ${user}: ${passwordFrom} could not be read. Check that it is there and that the app may read it.`;
    case "CONNECTION_CLOSED":
    case "ECONNRESET":
    case "57P01":
    case "57P02":
      return `${where} ended the connection. It may be restarting, or a proxy before it has no server behind it.`;
  }
  if (/CERT|ISSUER|SIGNATURE|SIGNED/.test(code)) {
    return `The certificate of ${where} was not signed by the authority in DATABASE_CA_FILE. Put that authority's certificate there (PEM).`;
  }
  return `${where} cannot be used (${code}). Check ${addressFrom}.`;
}

/** What is wrong with a node, and what to do about it; null where nothing is, or it has not been asked yet. */
export function nodeProblem({ state, report, lastError }: NodeStatus, place: Place): string | null {
  const where = `${place.host}:${place.port}`;
  switch (state) {
    case "unknown":
    case "primary":
    case "standby":
      return null;
    case "unreachable":
      return lastError === null ? null : connectionProblem(lastError, place);
    case "readOnly":
      return report && report.missingMigrations.length > 0
        ? missingMigrationsProblem(report.missingMigrations, place)
        : `${where} is a primary, yet takes no writes: default_transaction_read_only is on. An administrator set that, or the provider because the disk is full. Turn it off when the cause is gone; until then the app reads there.`;
    case "fenced":
      return `${where} was the primary before a failover and still believes that it is. Stop it, or make it a standby of the new one: nothing that is written there will be kept.`;
    case "foreign":
      return `${where} belongs to another cluster (its system identifier is ${report?.systemIdentifier ?? "another"}). Take it out of ${place.addressFrom}, or correct its address; the app does not use it. Where it has taken the place of the database on purpose, delete ${MEMORY_FILE} in JOURNAL_DIR and start the app anew.`;
  }
}

const NAMED = 3;

function missingMigrationsProblem(missing: readonly string[], place: Place): string {
  const named = missing.slice(-NAMED).join(", ");
  const others = missing.length > NAMED ? ` and ${missing.length - NAMED} before` : "";
  const what = missing.length === 1 ? "a migration" : `${missing.length} migrations`;
  return `The database ${place.database} at ${place.host}:${place.port} lacks ${what} of this release (${named}${others}), or role ${place.user} may not see them. Run \`npm run migrate\`; until then the app reads there what it can and writes nothing.`;
}

/** A primary whose disk is full. */
export function diskFullProblem({ host, port }: Place): string {
  return `${host}:${port} has no disk space left, and refuses writes. Make its disk larger, or free some; until then the app reads there.`;
}

/** Why the servers are not known from the cluster's own list, and what to do about it. */
export function discoveryProblem(problem: DiscoveryProblem, { user, userFrom }: Place): string {
  const meanwhile = "until then the app follows the addresses that it was given";
  switch (problem) {
    case "missing":
      return `The database has no function that lists its servers, which DATABASE_TOPOLOGY asks for. Correct DATABASE_TOPOLOGY, or install rds_tools; ${meanwhile}.`;
    case "forbidden":
      return `Role ${user} may not ask for the list of servers. Grant it EXECUTE on aurora_replica_status() or rds_tools.show_topology(); ${meanwhile}.`;
    case "unaddressable":
      return `The database lists its servers by names without hosts. Set DATABASE_INSTANCE_HOST, or a host of Amazon's into ${userFrom}; ${meanwhile}.`;
    case "empty":
    case "failed":
      return `The database could not list its servers. The app asks again; ${meanwhile}.`;
  }
}

/** What is wrong with an account, and what to do about it. */
export function accountProblem(account: Account, finding: AccountFinding, place: Place): string {
  const proper = account === "app" ? "evenkeel_app" : "evenkeel_system";
  const { user, userFrom } = place;
  switch (finding.kind) {
    case "refused":
      return connectionProblem(finding.code, place);
    case "unbound":
      return `Role ${user} is a superuser, owns the tables or has BYPASSRLS, so that the database would not stop a mistake from showing one shop another's data. Put ${proper} into ${userFrom}; ${ROLES}.`;
    case "rightless":
      return `Role ${user} has no rights on the app's tables. Put ${proper} into ${userFrom}, or run \`npm run migrate\`, which gives it its rights.`;
  }
}
