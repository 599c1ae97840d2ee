import type { GuardedClient } from "../guarded-client.ts";
import type { DiscoveryProblem, Flavour } from "./discovery.ts";
import type { NodeReport } from "./probe.ts";

/** One node, or an endpoint behind which the node changes. */
export interface NodeDefinition {
  readonly id: string;
  /**
   * `node`: always the same server. `endpoint`: a name or address that is moved to another server, so that a
   * connection says nothing about where the next one goes.
   */
  readonly kind: "node" | "endpoint";
  /** Opens a connection for probes: straight to the server, past any pooler in transaction mode. */
  readonly connect: (timeoutMs: number) => Promise<GuardedClient>;
}

/**
 * - `unknown`: not asked yet;
 * - `primary`, `standby`: as it says itself;
 * - `readOnly`: a primary that takes no writes, or must not get any, since it lacks one of the release's migrations;
 * - `unreachable`: does not answer;
 * - `fenced`: a primary of a timeline that has been superseded: it takes writes that nobody will ever see;
 * - `foreign`: a node of another cluster.
 */
export type NodeState =
  "unknown" | "primary" | "standby" | "readOnly" | "unreachable" | "fenced" | "foreign";

/**
 * - `starting`: no node has answered yet;
 * - `steady`: there is a writer;
 * - `noWriter`: none, for now: a failover, or an outage;
 * - `readOnlyWriter`: the writer is there and takes no writes; hunting for another is pointless;
 * - `diskFull`: the writer is there and refuses what needs more disk; the same goes for it;
 * - `conflict`: two servers write on the same timeline; nothing is written until one of them is gone.
 */
export type ClusterState =
  "starting" | "steady" | "noWriter" | "readOnlyWriter" | "diskFull" | "conflict";

export interface NodeStatus {
  readonly id: string;
  readonly state: NodeState;
  readonly since: Date;
  readonly report: NodeReport | null;
  /** How far it is behind the writer: 0 for the writer itself, null where nothing tells. */
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  readonly lastError: string | null;
}

/** Whether, and how, the servers are known from the cluster's own list. */
export interface DiscoveryStatus {
  /** The kind of server that answers; null before any has. */
  readonly flavour: Flavour | null;
  /** When the list that counts was last heard; null before. */
  readonly listedAt: Date | null;
  /** Why it cannot be had just now; the last one goes on to count, and without one what the configuration names. */
  readonly problem: DiscoveryProblem | null;
}

/** What a later process must know, so that it follows no primary that has been superseded. */
export interface Remembered {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

export interface MonitorEvents {
  /** The cluster's state changed. */
  state: [{ readonly from: ClusterState; readonly to: ClusterState; readonly at: Date }];
  /** There is a writer, and it is not the one before (another node, or another server behind the name). */
  writer: [{ readonly id: string; readonly timeline: number; readonly at: Date }];
  /** A node's state changed. */
  node: [
    { readonly id: string; readonly from: NodeState; readonly to: NodeState; readonly at: Date },
  ];
  /** A node has answered. */
  report: [{ readonly id: string; readonly report: NodeReport }];
  /** A server that the cluster lists is watched from now on, or is not any more. */
  joined: [{ readonly id: string }];
  left: [{ readonly id: string }];
  /** The cluster's list came to be had, or not to be. */
  discovery: [DiscoveryStatus];
  /** A higher timeline was met, or the cluster's identity has become known: worth remembering over a restart. */
  remembered: [Remembered];
  /** The connections to a node lead to a server that is not to be used any more. */
  abandoned: [{ readonly id: string }];
}
