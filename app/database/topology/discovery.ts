import { DatabaseError, toDatabaseError } from "../errors.ts";
import type { GuardedClient } from "../guarded-client.ts";
import { DEFAULT_PORT, type TopologyChoice } from "../targets.ts";

/** One server of a cluster, as the cluster itself lists it. */
export interface Member {
  /** `host:port`: one that is renamed leaves under the old name and joins under the new. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Why the servers are not known from the cluster's own list:
 *
 * - `missing`: the function that lists them does not exist there;
 * - `forbidden`: our role may not call it;
 * - `unaddressable`: it lists names, and nothing tells their hosts;
 * - `empty`: it lists nobody;
 * - `failed`: it does not work.
 */
export type DiscoveryProblem = "missing" | "forbidden" | "unaddressable" | "empty" | "failed";

/** What a server said when it was asked who belongs to its cluster. */
export type Listing =
  { readonly members: readonly Member[] } | { readonly problem: DiscoveryProblem };

/** What kind of server answers, which decides what it can be asked. */
export type Flavour = "postgres" | "aurora" | "rds-cluster";

export interface DiscoveryOptions {
  readonly choice: TopologyChoice;
  /** An Aurora instance's address by its name; null where nothing tells it. */
  readonly instanceAddress: (instance: string) => Member | null;
}

/** A list changes when servers are added, removed or renamed: seldom, and never in a hurry. */
const LIST_INTERVAL_MS = 5_000;
/** Each refusal is a line in the server's log; and an administrator can install what is missing at any time. */
const LOOK_AGAIN_INTERVAL_MS = 60_000;

/** Finds out what kind of server answers, and has it list the servers of its cluster where it can. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #flavour: Flavour | null = null;
  #lookAt = 0;
  readonly #listAt = new WeakMap<GuardedClient, number>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** As far as it is known. */
  get flavour(): Flavour | null {
    return this.#flavour;
  }

  /** The kind of server: one round trip at first, and once a minute where a list is wanted and not to be had. */
  async flavourOf(client: GuardedClient): Promise<Flavour> {
    if (this.#flavour !== null && performance.now() < this.#lookAt) return this.#flavour;
    const { choice } = this.#options;
    const [row] = await client.sql<{ extensions: string; aurora: boolean; cluster: boolean }[]>`
      select coalesce(current_setting('rds.extensions', true), '') as extensions,
        to_regprocedure('aurora_replica_status()') is not null as aurora,
        exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname = 'rds_tools' and p.proname = 'multi_az_db_cluster_source_dbi_resource_id')
          as cluster`;
    // What Amazon's own drivers go by.
    const isAurora =
      row?.extensions.includes("aurora_stat_utils") || (choice === "aurora" && row?.aurora);
    this.#flavour = isAurora ? "aurora" : row?.cluster ? "rds-cluster" : "postgres";
    const isSettled = this.#flavour !== "postgres" || !this.#isWanted;
    this.#lookAt = isSettled ? Infinity : performance.now() + LOOK_AGAIN_INTERVAL_MS;
    return this.#flavour;
  }

  /**
   * The servers as the one that is asked lists them; null while nobody needs to know. Every server is asked, since
   * whose list counts shows only when their roles are known. An Aurora cluster's comes with {@link askAurora}.
   */
  async list(client: GuardedClient): Promise<Listing | null> {
    const now = performance.now();
    if (!this.#isWanted || now < (this.#listAt.get(client) ?? 0)) return null;
    const { choice } = this.#options;
    const listing =
      this.#flavour === "rds-cluster" && choice !== "aurora"
        ? await listRdsCluster(client, choice === "rds-cluster")
        : choice === "auto"
          ? null
          : ({ problem: "missing" } as const);
    const isListed = listing !== null && "members" in listing;
    this.#listAt.set(client, now + (isListed ? LIST_INTERVAL_MS : LOOK_AGAIN_INTERVAL_MS));
    return listing;
  }

  /** The addresses of an Aurora cluster's instances; null where nobody needs them. */
  membersOf(instances: readonly string[]): Listing | null {
    if (!this.#isWanted) return null;
    if (this.#options.choice === "rds-cluster") return { problem: "missing" };
    const members = instances.map((name) => this.#options.instanceAddress(name));
    if (members.length === 0) return { problem: "empty" };
    return members.every((member) => member !== null) ? { members } : { problem: "unaddressable" };
  }

  get #isWanted(): boolean {
    return this.#options.choice !== "endpoint" && this.#options.choice !== "nodes";
  }
}

/** SQLSTATEs of a function, its schema or one of its columns that is not there. */
const MISSING: ReadonlySet<string> = new Set(["42883", "3F000", "42P01", "42703"]);

/**
 * Why a list could not be had.
 *
 * @throws the error where it says nothing about the list but that the server did not answer.
 */
export function problemOf(error: unknown): DiscoveryProblem {
  const known = toDatabaseError(error);
  if (!(known instanceof DatabaseError)) throw error;
  if (MISSING.has(known.code)) return "missing";
  if (known.code === "42501") return "forbidden";
  if (known.kind === "permanent" || known.kind === "busy") return "failed";
  throw known;
}

/**
 * The servers of a Multi-AZ DB cluster of RDS. The functions are there for a single instance too (blue/green
 * deployments), but only a cluster has a source.
 */
async function listRdsCluster(client: GuardedClient, isDemanded: boolean): Promise<Listing | null> {
  try {
    const [rows, [source]] = await Promise.all([
      client.sql<{ endpoint: string; port: string | null }[]>`
        select endpoint::text, port::text from rds_tools.show_topology('evenkeel')`,
      client.sql<{ id: string | null }[]>`
        select multi_az_db_cluster_source_dbi_resource_id::text as id
        from rds_tools.multi_az_db_cluster_source_dbi_resource_id()`,
    ]);
    if ((source?.id ?? null) === null) return isDemanded ? { problem: "missing" } : null;
    if (rows.length === 0) return { problem: "empty" };
    return {
      members: rows.map(({ endpoint: host, port }) => ({
        id: `${host}:${Number(port) || DEFAULT_PORT}`,
        host,
        port: Number(port) || DEFAULT_PORT,
      })),
    };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}
