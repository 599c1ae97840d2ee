import type { ConnectionTarget } from "./guarded-client.ts";
import type { TlsOptions } from "./guarded-socket.ts";
import type { Password } from "./password.ts";
import type { Member } from "./topology/discovery.ts";

/**
 * - `auto`: `nodes` where they are named; else as the server that answers turns out to be, `endpoint` if nothing else;
 * - `endpoint`: one name for the writer and possibly one for the readers, which are moved;
 * - `nodes`: every server by its own address;
 * - `aurora`, `rds-cluster`: the servers are listed by Amazon's own functions, and come and go.
 */
export type TopologyChoice = "auto" | "endpoint" | "nodes" | "aurora" | "rds-cluster";

/** Where the database is and who we are there. */
export interface ClusterTargets {
  /** As `evenkeel_app`: the writer's endpoint, or any one server. */
  readonly url: string;
  /** As `evenkeel_system`; its host and port are those of `url` or of the nodes. */
  readonly systemUrl: string;
  /** In place of the one in `url`, and of the one in `systemUrl`. */
  readonly password?: Password;
  readonly systemPassword?: Password;
  /** As `evenkeel_app`: the reader's endpoint, where there is one. */
  readonly readerUrl?: string;
  /** `host:port` of every server, where they are known: faster to follow than an endpoint. */
  readonly nodes?: readonly string[];
  /** How the nodes are found. Default `auto`. */
  readonly topology?: TopologyChoice;
  /** The host of any one instance of an Aurora cluster, with `?` in place of its name; from `url` unless given. */
  readonly instanceHost?: string;
  /** PEM of the authority that signed the servers' certificates; TLS is then required. */
  readonly ca?: string;
}

/** One node or endpoint, for each of the roles that we connect as. */
export interface NodeAddress {
  readonly id: string;
  readonly kind: "node" | "endpoint";
  readonly app: ConnectionTarget;
  readonly system: ConnectionTarget;
}

export const DEFAULT_PORT = 5432;

function parse(
  url: string,
  password: Password | undefined,
  tls: TlsOptions | undefined,
): ConnectionTarget {
  const parts = new URL(url);
  return {
    ...hostAndPort(parts),
    user: decodeURIComponent(parts.username),
    password: password ?? decodeURIComponent(parts.password),
    database: decodeURIComponent(parts.pathname.slice(1)),
    ...(tls ? { tls } : {}),
  };
}

function hostAndPort({ hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || DEFAULT_PORT };
}

/** One server, with who we are there, from a URL. */
export function targetOf(url: string, ca: string | undefined): ConnectionTarget {
  return parse(url, undefined, ca ? { ca } : undefined);
}

/** Every node or endpoint that a configuration names, the writer's endpoint first. */
export function nodesOf(targets: ClusterTargets): NodeAddress[] {
  const { url, readerUrl, nodes, topology } = targets;
  if (nodes && nodes.length > 0 && topology !== "endpoint") {
    return nodes.map((node) => {
      const { host, port } = hostAndPort(new URL(`postgres://${node}`));
      return addressAt(targets, `${host}:${port}`, "node", host, port);
    });
  }
  const writer = hostAndPort(new URL(url));
  const endpoints = [addressAt(targets, "writer", "endpoint", writer.host, writer.port)];
  if (readerUrl) {
    const reader = hostAndPort(new URL(readerUrl));
    endpoints.push(addressAt(targets, "reader", "endpoint", reader.host, reader.port));
  }
  return endpoints;
}

/** A server that the cluster itself has named. */
export function memberAddress(targets: ClusterTargets, { id, host, port }: Member): NodeAddress {
  return addressAt(targets, id, "node", host, port);
}

/** An Aurora instance's host and port by its name; null where the configuration does not tell. */
export function instanceAddress(targets: ClusterTargets, instance: string): Member | null {
  const { host, port } = hostAndPort(new URL(targets.url));
  const template = targets.instanceHost ?? instanceTemplate(host);
  if (!template) return null;
  const found = template.replace("?", instance);
  return { id: `${found}:${port}`, host: found, port };
}

/** A cluster's names carry a label that its instances' do not; an instance's own name is replaced. */
function instanceTemplate(host: string): string | null {
  const match =
    /^[^.]+\.(?:cluster-(?:ro-|custom-)?)?((?!proxy-)[^.]+(?:\.[^.]+)*\.amazonaws\.com(?:\.cn)?)$/i.exec(
      host,
    );
  return match ? `?.${match[1]}` : null;
}

function addressAt(
  { url, systemUrl, password, systemPassword, ca }: ClusterTargets,
  id: string,
  kind: NodeAddress["kind"],
  host: string,
  port: number,
): NodeAddress {
  const tls = ca ? { ca } : undefined;
  return {
    id,
    kind,
    app: { ...parse(url, password, tls), host, port },
    system: { ...parse(systemUrl, systemPassword, tls), host, port },
  };
}
