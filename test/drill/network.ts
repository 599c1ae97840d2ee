import {
  DNS_NAMES,
  DnsServer,
  Endpoint,
  type PostgresNode,
  type PostgresPair,
} from "../sandbox/postgres/index.ts";
import { freePort } from "../sandbox/postgres/ports.ts";
import type { Role } from "../sandbox/postgres/index.ts";
import type { Toxic } from "../sandbox/postgres/index.ts";
import type { ClusterTargets } from "../../app/database/targets.ts";

export type Topology = "endpoint" | "nodes";

/** How a client process is told to reach the database. */
export interface Reach {
  readonly targets: ClusterTargets;
  /** Name servers to ask; none where addresses are used. */
  readonly nameServers: readonly string[];
}

/**
 * What one process sees of the database's machines: a way to each node and names of its own, so that one process
 * can be cut off while another is not, and so that the connects of each can be counted.
 *
 * Names work as at RDS: they stand for a node's address, and are moved to another. Connections stay where they are.
 */
export class ClientNetwork implements AsyncDisposable {
  readonly name: string;
  readonly #pair: PostgresPair;
  readonly #dns: DnsServer;
  readonly #ways: ReadonlyMap<PostgresNode, Endpoint>;
  readonly #hosts: ReadonlyMap<PostgresNode, string>;
  readonly #namedPort: number;

  private constructor(
    name: string,
    pair: PostgresPair,
    dns: DnsServer,
    ways: ReadonlyMap<PostgresNode, Endpoint>,
    hosts: ReadonlyMap<PostgresNode, string>,
    namedPort: number,
  ) {
    this.name = name;
    this.#pair = pair;
    this.#dns = dns;
    this.#ways = ways;
    this.#hosts = hosts;
    this.#namedPort = namedPort;
  }

  /** @param index - From 1; each has loopback addresses of its own. */
  static async open(name: string, index: number, pair: PostgresPair): Promise<ClientNetwork> {
    const hosts = new Map(pair.nodes.map((node, n) => [node, `127.0.${index}.${n + 2}`]));
    const namedPort = await freePort([...hosts.values()]);
    const ways = new Map<PostgresNode, Endpoint>();
    const dns = await DnsServer.open();
    try {
      for (const [node, host] of hosts) {
        const addresses = [
          { host: "127.0.0.1", port: await freePort() },
          { host, port: namedPort },
        ];
        ways.set(
          node,
          await Endpoint.open({ name: `${name}-${node.name}`, addresses, target: node }),
        );
      }
    } catch (error) {
      await Promise.all([dns.close(), ...[...ways.values()].map((way) => way.close())]);
      throw error;
    }
    const network = new ClientNetwork(name, pair, dns, ways, hosts, namedPort);
    network.moveNames();
    return network;
  }

  /** The way to one node. */
  to(node: PostgresNode): Endpoint {
    const way = this.#ways.get(node);
    if (!way) throw new Error(`${node.name} is not one of this pair.`);
    return way;
  }

  get dns(): DnsServer {
    return this.#dns;
  }

  reach(topology: Topology): Reach {
    if (topology === "endpoint") {
      return {
        targets: {
          url: this.#named("app", DNS_NAMES.writer),
          readerUrl: this.#named("app", DNS_NAMES.reader),
          systemUrl: this.#named("system", DNS_NAMES.writer),
        },
        nameServers: this.#dns.resolver.servers,
      };
    }
    const nodes = [...this.#ways.values()].map(({ host, port }) => `${host}:${port}`);
    return {
      targets: {
        url: this.#pair.url("app", "writer"),
        systemUrl: this.#pair.url("system", "writer"),
        nodes,
      },
      nameServers: [],
    };
  }

  /** Lets the names stand for the nodes as the pair has them now. */
  moveNames(): void {
    this.#dns.set(DNS_NAMES.writer, this.#hosts.get(this.#pair.primary) ?? []);
    this.#dns.set(DNS_NAMES.reader, this.#hosts.get(this.#pair.standby) ?? []);
  }

  /** Nothing passes to or from the node any more; connects hang. */
  async blackhole(node: PostgresNode): Promise<void> {
    await this.to(node).blackhole();
  }

  /** Resets every connection to every node. */
  reset(): void {
    for (const way of this.#ways.values()) way.resetConnections();
  }

  addToxic(name: string, toxic: Toxic): void {
    for (const way of this.#ways.values()) way.addToxic(name, toxic);
  }

  /** Everything passes again; what was held is delivered. */
  async heal(): Promise<void> {
    this.#dns.setMode("normal");
    await Promise.all([...this.#ways.values()].map((way) => way.heal()));
  }

  async close(): Promise<void> {
    await Promise.all([this.#dns.close(), ...[...this.#ways.values()].map((way) => way.close())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #named(role: Role, host: string): string {
    const url = new URL(this.#pair.url(role, "writer"));
    url.host = `${host}:${this.#namedPort}`;
    return url.toString();
  }
}
