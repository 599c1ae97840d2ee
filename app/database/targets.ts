import type { ConnectionTarget } from "./guarded-client.ts";
import type { TlsOptions } from "./guarded-socket.ts";

/** Where the database is and who we are there. */
export interface ClusterTargets {
  /** As `evenkeel_app`: the writer's endpoint, or any one server. */
  readonly url: string;
  /** As `evenkeel_system`; its host and port are those of `url` or of the nodes. */
  readonly systemUrl: string;
  /** As `evenkeel_app`: the reader's endpoint, where there is one. */
  readonly readerUrl?: string;
  /** `host:port` of every server, where they are known: faster to follow than an endpoint. */
  readonly nodes?: readonly string[];
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

const DEFAULT_PORT = 5432;

function parse(url: string, tls: TlsOptions | undefined): ConnectionTarget {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || DEFAULT_PORT,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    ...(tls ? { tls } : {}),
  };
}

/** One server, with who we are there, from a URL. */
export function targetOf(url: string, ca: string | undefined): ConnectionTarget {
  return parse(url, ca ? { ca } : undefined);
}

/** Every node or endpoint of a configuration, the writer's endpoint first. */
export function nodesOf({ url, systemUrl, readerUrl, nodes, ca }: ClusterTargets): NodeAddress[] {
  const tls = ca ? { ca } : undefined;
  const app = parse(url, tls);
  const system = parse(systemUrl, tls);
  const at = (id: string, kind: NodeAddress["kind"], host: string, port: number): NodeAddress => ({
    id,
    kind,
    app: { ...app, host, port },
    system: { ...system, host, port },
  });
  if (nodes && nodes.length > 0) {
    return nodes.map((node) => {
      const { hostname, port } = new URL(`postgres://${node}`);
      return at(node, "node", hostname.replace(/^\[|\]$/g, ""), Number(port) || DEFAULT_PORT);
    });
  }
  const endpoints = [at("writer", "endpoint", app.host, app.port)];
  if (readerUrl) {
    const reader = parse(readerUrl, tls);
    endpoints.push(at("reader", "endpoint", reader.host, reader.port));
  }
  return endpoints;
}
