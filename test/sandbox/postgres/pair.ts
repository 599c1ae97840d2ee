import { EventEmitter } from "node:events";

import { unprivilegedAccount } from "./account.ts";
import { BaseDirectory } from "./base-directory.ts";
import { findBinaries } from "./binaries.ts";
import { DnsServer } from "./dns.ts";
import { Endpoint } from "./endpoint.ts";
import { PostgresNode, type NodeProcess, type Settings } from "./node.ts";
import { freePort } from "./ports.ts";
import { copyOnline, ensureSlot, followAtStart, primaryConninfo } from "./replication.ts";
import { ROLE_NAMES, roleUrl, type Passwords, type Role } from "./roles.ts";
import { BASE_SETTINGS, hostBasedAccess } from "./settings.ts";
import { withAnotherPort } from "./single.ts";
import { Supervisor, type Replication, type SupervisorEvents } from "./supervisor.ts";
import { provideTemplate } from "./template.ts";
import { installCertificates, makeCertificates } from "./tls.ts";

export interface PostgresPairOptions {
  /** Whether commits wait for the standby. Default `sync`, which is what loses nothing. */
  readonly replication?: Replication;
  /** The app's roles must come by TLS, verified with `caFile`. */
  readonly tls?: boolean;
  /** Where the data lies until `close`, which removes it; a temporary directory unless given. */
  readonly dir?: string;
  /** Overrides of single settings, on both nodes. */
  readonly settings?: Settings;
  /** A cluster with a `system_identifier` that no other has; costs a second. */
  readonly freshIdentity?: boolean;
  /** One line for whatever happens. */
  readonly log?: (line: string) => void;
}

/** What a node is right now, asked of itself. */
export interface NodeStatus {
  readonly name: string;
  readonly state: "primary" | "standby" | "frozen" | "down" | "unreachable";
  /** Its part as the supervisor sees it; after a promotion the old primary may still believe that it is one. */
  readonly role: "primary" | "standby";
  readonly promotable: boolean;
  readonly timeline: number | undefined;
  /** Behind the primary, in bytes of WAL replayed; undefined where either does not answer. */
  readonly lagBytes: number | undefined;
  /** Client connections, the sandbox's own left out. */
  readonly connections: number | undefined;
  /** Default of `transaction_read_only`, as an administrator may have set it. */
  readonly readOnly: boolean | undefined;
}

export interface PairStatus {
  readonly replication: { readonly wanted: Replication; readonly effective: Replication };
  readonly nodes: readonly [NodeStatus, NodeStatus];
}

export interface FailoverOptions {
  /** How long nobody is primary before the promotion begins: what detection takes elsewhere. Default 0. */
  readonly delayMs?: number;
  /** Whether the writer endpoint and its name follow. Default true. */
  readonly moveEndpoints?: boolean;
  /** How long after the promotion they move. Default 0. */
  readonly moveDelayMs?: number;
  /** What becomes of connections through the endpoint when it moves. Default `keep`. */
  readonly connections?: "keep" | "reset";
  readonly force?: boolean;
}

export interface PairEvents extends SupervisorEvents {
  node: [{ node: PostgresNode; process: NodeProcess }];
  /** An endpoint, and its name in the DNS, points elsewhere. */
  moved: [{ endpoint: "writer" | "reader"; node: PostgresNode }];
  rejoined: [{ node: PostgresNode; tookMs: number }];
}

/** The names that the DNS server knows. */
export const DNS_NAMES = {
  writer: "writer.db.test",
  reader: "reader.db.test",
  n1: "n1.db.test",
  n2: "n2.db.test",
} as const;

/** Loopback addresses of the nodes for those who find them by name: two hosts must share one port. */
const NODE_HOSTS = ["127.0.0.2", "127.0.0.3"] as const;

const STATUS_TIMEOUT_MS = 500;

/** A standby that streams has caught up by then; one whose history has parted from the primary's never will. */
const CATCH_UP_MS = 5000;

/** Starts a primary and its streaming standby, with the endpoints, the names and the supervisor around them. */
export async function startPostgresPair(options: PostgresPairOptions = {}): Promise<PostgresPair> {
  const account = await unprivilegedAccount();
  const binaries = await findBinaries(account);
  const template = await provideTemplate(binaries, account, {
    fresh: options.freshIdentity ?? false,
  });
  const { passwords } = template;
  const base = await BaseDirectory.make(account, options.dir);
  const nodes: PostgresNode[] = [];
  const opened: AsyncDisposable[] = [];
  const cleanUp = async () => {
    await Promise.all(opened.map((part) => part[Symbol.asyncDispose]()));
    await Promise.all(nodes.map((node) => node.destroy()));
    await base.remove();
  };
  try {
    const certificates = options.tls
      ? await makeCertificates(base.path, [
          "localhost",
          ...Object.values(DNS_NAMES),
          ...["127.0.0.1", ...NODE_HOSTS],
        ])
      : undefined;
    const create = async (name: string): Promise<PostgresNode> => {
      const port = await freePort();
      const node = new PostgresNode({
        name,
        port,
        baseDir: base.path,
        binaries,
        account,
        passwords,
      });
      await node.createFrom(template.dir);
      await node.writeDataFile("pg_hba.conf", hostBasedAccess({ tls: options.tls ?? false }));
      const tls = certificates ? await installCertificates(node, certificates) : {};
      await node.configure({ ...BASE_SETTINGS, ...tls, ...options.settings, port });
      return node;
    };
    const [primary, standby] = await withAnotherPort(async () => {
      // Both come from one cluster that was shut down, so the standby needs no copy of the primary.
      const [first, second] = await Promise.all([create("n1"), create("n2")]);
      nodes.splice(0, 2, first, second);
      await first.start();
      try {
        await followAtStart(second, first, passwords);
        await ensureSlot(first, second);
        await second.start();
      } catch (error) {
        await first.stop("immediate");
        throw error;
      }
      return [first, second] as const;
    });

    const dns = await DnsServer.open();
    opened.push(dns);
    const named = await freePort([...NODE_HOSTS]);
    const open = async (name: string, target: PostgresNode, host?: string): Promise<Endpoint> => {
      const addresses = [{ host: "127.0.0.1", port: await freePort() }];
      if (host !== undefined) addresses.push({ host, port: named });
      const endpoint = await Endpoint.open({ name, addresses, target });
      opened.push(endpoint);
      return endpoint;
    };
    const pair = new PostgresPair({
      nodes: [primary, standby],
      writer: await open("writer", primary),
      reader: await open("reader", standby),
      nodeProxies: [
        await open("n1", primary, NODE_HOSTS[0]),
        await open("n2", standby, NODE_HOSTS[1]),
      ],
      namedPort: named,
      dns,
      passwords,
      caFile: certificates?.caFile,
      supervisor: new Supervisor({ primary, standby, replication: options.replication ?? "sync" }),
      base,
      log: options.log ?? (() => {}),
    });
    await pair.supervisor.whenPromotable();
    return pair;
  } catch (error) {
    await cleanUp();
    throw error;
  } finally {
    await template.discard();
  }
}

interface PairParts {
  nodes: readonly [PostgresNode, PostgresNode];
  writer: Endpoint;
  reader: Endpoint;
  nodeProxies: readonly [Endpoint, Endpoint];
  namedPort: number;
  dns: DnsServer;
  passwords: Passwords;
  caFile: string | undefined;
  supervisor: Supervisor;
  base: BaseDirectory;
  log: (line: string) => void;
}

/** A primary and a streaming standby, with everything that can go wrong with them. */
export class PostgresPair implements AsyncDisposable {
  /** n1 and n2, whatever their roles. */
  readonly nodes: readonly [PostgresNode, PostgresNode];
  readonly writer: Endpoint;
  readonly reader: Endpoint;
  /** The network in front of each node, for those who know the nodes. */
  readonly nodeProxies: readonly [Endpoint, Endpoint];
  readonly dns: DnsServer;
  readonly supervisor: Supervisor;
  readonly events = new EventEmitter<PairEvents>();
  /** The CA to trust where TLS is on. */
  readonly caFile: string | undefined;
  readonly #namedPort: number;
  readonly #passwords: Passwords;
  readonly #base: BaseDirectory;
  readonly #log: (line: string) => void;
  #closing: Promise<void> | undefined;

  constructor(parts: PairParts) {
    this.nodes = parts.nodes;
    this.writer = parts.writer;
    this.reader = parts.reader;
    this.nodeProxies = parts.nodeProxies;
    this.dns = parts.dns;
    this.supervisor = parts.supervisor;
    this.caFile = parts.caFile;
    this.#namedPort = parts.namedPort;
    this.#passwords = parts.passwords;
    this.#base = parts.base;
    this.#log = parts.log;
    for (const [index, node] of this.nodes.entries()) {
      this.dns.set(index === 0 ? DNS_NAMES.n1 : DNS_NAMES.n2, hostOf(index));
      node.events.on("process", (process) => {
        this.#log(`${node.name} is ${process}`);
        this.events.emit("node", { node, process });
      });
    }
    this.dns.set(DNS_NAMES.writer, this.#hostOf(this.primary));
    this.dns.set(DNS_NAMES.reader, this.#hostOf(this.standby));
    this.supervisor.events.on("replication", (event) => {
      this.#log(`replication is ${event.effective}: ${event.reason}`);
      this.events.emit("replication", event);
    });
    this.supervisor.events.on("promotable", (event) => {
      const can = event.promotable ? "may" : "must not";
      this.#log(`${event.node.name} ${can} be promoted: ${event.reason}`);
      this.events.emit("promotable", event);
    });
    this.supervisor.events.on("promoted", (event) => {
      this.#log(`${event.primary.name} was promoted in ${Math.round(event.tookMs)} ms`);
      this.events.emit("promoted", event);
    });
  }

  /** As the supervisor sees it. */
  get primary(): PostgresNode {
    return this.supervisor.primary;
  }

  get standby(): PostgresNode {
    return this.supervisor.standby;
  }

  /** An address on 127.0.0.1 through the writer, the reader, or the proxy in front of a node. */
  url(role: Role, where: "writer" | "reader" | PostgresNode, database?: string): string {
    const { host, port } = this.endpoint(where);
    return roleUrl(role, this.#passwords, { host, port, ...(database ? { database } : {}) });
  }

  /** The same by name, for a client that resolves names with `dns.resolver`; all names share one port. */
  namedUrl(role: Role, where: "writer" | "reader" | PostgresNode, database?: string): string {
    const key = typeof where === "string" ? where : where === this.nodes[0] ? "n1" : "n2";
    const at = { host: DNS_NAMES[key], port: this.#namedPort, ...(database ? { database } : {}) };
    return roleUrl(role, this.#passwords, at);
  }

  endpoint(where: "writer" | "reader" | PostgresNode): Endpoint {
    if (where === "writer") return this.writer;
    if (where === "reader") return this.reader;
    return this.nodeProxies[this.#indexOf(where)];
  }

  /** Kills every process of the node with SIGKILL. */
  async crash(node: PostgresNode): Promise<void> {
    await node.crash();
  }

  /** Stops every process of the node where it stands; connections are accepted and never answered. */
  async freeze(node: PostgresNode): Promise<void> {
    await node.freeze();
  }

  async thaw(node: PostgresNode): Promise<void> {
    await node.thaw();
  }

  /** An orderly end: sessions are cut with 57P01, the standby gets everything first. */
  async shutdownFast(node: PostgresNode): Promise<void> {
    await node.stop("fast");
  }

  /** Starts a node that is down as what it was: an old primary comes back as a primary, unfenced. */
  async start(node: PostgresNode): Promise<void> {
    await node.start();
  }

  /**
   * Makes the standby the primary; no endpoint moves.
   * @throws UnpromotableError where that could lose acknowledged commits, unless `force` is given.
   */
  async promote(
    node: PostgresNode,
    options: { force?: boolean } = {},
  ): Promise<{ tookMs: number }> {
    return this.supervisor.promote(node, options);
  }

  /** Waits `delayMs`, promotes the standby, and moves the writer to it. */
  async failover(
    options: FailoverOptions = {},
  ): Promise<{ primary: PostgresNode; promoteMs: number }> {
    const standby = this.standby;
    await delay(options.delayMs);
    const { tookMs } = await this.promote(standby, { force: options.force ?? false });
    if (options.moveEndpoints ?? true) {
      await delay(options.moveDelayMs);
      this.moveEndpoint("writer", standby, { connections: options.connections ?? "keep" });
    }
    return { primary: standby, promoteMs: tookMs };
  }

  /**
   * A planned failover: the primary ends in good order, with everything on the standby, which is promoted; the old one
   * comes back as its standby.
   */
  async switchover(
    options: FailoverOptions = {},
  ): Promise<{ primary: PostgresNode; promoteMs: number }> {
    const former = this.primary;
    await this.shutdownFast(former);
    const result = await this.failover(options);
    await this.rejoin(former);
    return result;
  }

  /** Points an endpoint and its name at a node. */
  moveEndpoint(
    which: "writer" | "reader",
    node: PostgresNode,
    options: { connections?: "keep" | "reset" } = {},
  ): void {
    this.endpoint(which).moveTo(node, options);
    this.dns.set(DNS_NAMES[which], this.#hostOf(node));
    this.#log(`${which} points to ${node.name}`);
    this.events.emit("moved", { endpoint: which, node });
  }

  /**
   * Makes the old primary a standby again, from a fresh copy of the new one, whatever state it is in; resolves when
   * it has caught up and may be promoted. The reader moves to it.
   */
  async rejoin(node: PostgresNode): Promise<{ tookMs: number }> {
    if (node === this.primary) throw new Error(`${node.name} is the primary.`);
    const startedAt = performance.now();
    await node.stop("immediate");
    await copyOnline(this.primary, node);
    await followAtStart(node, this.primary, this.#passwords);
    await node.start();
    await this.supervisor.whenPromotable();
    this.moveEndpoint("reader", node);
    const tookMs = performance.now() - startedAt;
    this.#log(`${node.name} rejoined in ${Math.round(tookMs)} ms`);
    this.events.emit("rejoined", { node, tookMs });
    return { tookMs };
  }

  /**
   * Restarts a node as a standby that follows the primary without being copied from it: what an endpoint that did
   * not move then leads to. A former primary with commits of its own serves reads of them and never catches up.
   */
  async demote(node: PostgresNode): Promise<void> {
    if (node === this.primary)
      throw new Error(`${node.name} is the primary; promote the other first.`);
    await node.stop("fast");
    await followAtStart(node, this.primary, this.#passwords);
    await node.start();
  }

  /** Sets or clears what an administrator does by hand: writes are refused (25006), yet it is no standby. */
  async setReadOnly(node: PostgresNode, readOnly: boolean): Promise<void> {
    await node.alterSystem({ default_transaction_read_only: readOnly ? "on" : "off" });
  }

  /**
   * Lets each of the app's roles have so many connections at once, as a provider's small plan does; more are refused
   * (53300), open ones stay. Without a number the limit goes. Holds on both nodes, since roles are replicated.
   */
  async limitConnections(perRole?: number): Promise<void> {
    const session = this.primary.connect();
    try {
      // An administrator's read-only holds for the sandbox too, unless it says otherwise.
      await session.query("set default_transaction_read_only = off");
      for (const role of ["owner", "app", "system"] as const) {
        await session.query(`alter role ${ROLE_NAMES[role]} connection limit ${perRole ?? -1}`);
      }
    } finally {
      session.close();
    }
  }

  async setReplication(replication: Replication): Promise<void> {
    await this.supervisor.setReplication(replication);
  }

  /** Cuts the standby off from the primary while both live; it goes on serving what it has. */
  async cutReplication(): Promise<void> {
    // The discard port: nobody listens there, and an unprivileged process cannot begin to.
    await this.standby.alterSystem({
      primary_conninfo: primaryConninfo(this.standby, 9, this.#passwords),
    });
    // The connection that there was is given up a moment later.
    while ((await this.standby.query("select from pg_stat_wal_receiver")).length > 0);
  }

  /** Joins them again; the standby catches up by itself. */
  async healReplication(): Promise<void> {
    await this.standby.alterSystem({
      primary_conninfo: primaryConninfo(this.standby, this.primary.port, this.#passwords),
    });
  }

  /** Lets the standby apply everything so much later than it was committed; 0 ends it. */
  async delayReplay(delayMs: number): Promise<void> {
    await this.standby.alterSystem({ recovery_min_apply_delay: `${delayMs}ms` });
  }

  /**
   * Ends every fault, whatever they were: endpoints, names, limits and nodes. Resolves when the primary has a standby in
   * step again and the endpoints point to their nodes. Who is primary stays; an old one that went its own way is
   * copied anew.
   */
  async heal(): Promise<void> {
    for (const endpoint of [this.writer, this.reader, ...this.nodeProxies]) await endpoint.heal();
    this.dns.setMode("normal");
    this.dns.setDelay(0);
    const { primary, standby } = this;
    for (const node of this.nodes) await node.thaw();
    if (primary.process === "down") await primary.start();
    await this.setReadOnly(primary, false);
    await this.limitConnections();
    if (!(await this.#followsAgain(standby))) await this.rejoin(standby);
    if (this.writer.target !== primary) this.moveEndpoint("writer", primary);
    if (this.reader.target !== standby) this.moveEndpoint("reader", standby);
  }

  /** Whether a standby that has all it needs has caught up; one that cannot is not waited for long. */
  async #followsAgain(standby: PostgresNode): Promise<boolean> {
    if (standby.process === "down") await standby.start();
    const { answer } = await this.#ask(standby);
    if (!answer?.inRecovery) return false;
    await this.healReplication();
    await this.setReadOnly(standby, false);
    await this.delayReplay(0);
    return this.supervisor.whenPromotable(CATCH_UP_MS).then(
      () => true,
      () => false,
    );
  }

  /** Asks each node what it is. Answers within a second, whatever state they are in. */
  async status(): Promise<PairStatus> {
    const [first, second] = await Promise.all([this.#ask(this.nodes[0]), this.#ask(this.nodes[1])]);
    const head = (this.primary === this.nodes[0] ? first : second).answer;
    const finish = ({ node, answer }: { node: PostgresNode; answer: StatusRow | undefined }) => {
      const lag = head && answer && BigInt(head.position) - BigInt(answer.position);
      const isPrimary = node === this.primary;
      return {
        name: node.name,
        state: stateOf(node, answer),
        role: isPrimary ? "primary" : "standby",
        promotable: this.supervisor.isPromotable(node),
        timeline: answer?.timeline ?? undefined,
        lagBytes: lag === undefined ? undefined : Math.max(0, Number(lag)),
        connections: answer?.connections,
        readOnly: answer?.readOnly,
      } satisfies NodeStatus;
    };
    const { wanted, effective } = this.supervisor;
    return { replication: { wanted, effective }, nodes: [finish(first), finish(second)] };
  }

  /** Ends everything; leaves no process, no port and no directory behind. */
  async close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.supervisor.close();
      const endpoints = [this.writer, this.reader, ...this.nodeProxies];
      await Promise.all([this.dns.close(), ...endpoints.map((endpoint) => endpoint.close())]);
      await Promise.all(this.nodes.map((node) => node.destroy()));
      await this.#base.remove();
    })();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask(node: PostgresNode): Promise<{ node: PostgresNode; answer: StatusRow | undefined }> {
    if (node.process !== "up") return { node, answer: undefined };
    const rows = await this.supervisor
      .probe(node)
      .query<StatusRow>(STATUS, STATUS_TIMEOUT_MS)
      .catch(() => []);
    return { node, answer: rows[0] };
  }

  #indexOf(node: PostgresNode): 0 | 1 {
    return node === this.nodes[0] ? 0 : 1;
  }

  #hostOf(node: PostgresNode): string {
    return hostOf(this.#indexOf(node));
  }
}

interface StatusRow {
  inRecovery: boolean;
  timeline: number | null;
  /** End of the WAL that is flushed (primary) or replayed (standby), in bytes from 0/0. */
  position: string;
  connections: number;
  readOnly: boolean;
}

/** The control file knows the timeline only as of the last checkpoint; a primary's own WAL knows it at once. */
const STATUS = `
  select r as "inRecovery",
         case when r
           then coalesce((select received_tli from pg_stat_wal_receiver),
                         (select min_recovery_end_timeline from pg_control_recovery()))
           else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
         end as timeline,
         pg_wal_lsn_diff(case when r then pg_last_wal_replay_lsn()
                              else pg_current_wal_flush_lsn() end, '0/0')::text as position,
         (select count(*)::int from pg_stat_activity
          where backend_type = 'client backend' and application_name <> 'sandbox') as connections,
         current_setting('default_transaction_read_only')::bool as "readOnly"
  from pg_is_in_recovery() r`;

function stateOf(node: PostgresNode, answer: StatusRow | undefined): NodeStatus["state"] {
  if (node.process !== "up") return node.process;
  if (!answer) return "unreachable";
  return answer.inRecovery ? "standby" : "primary";
}

function hostOf(index: number): string {
  return NODE_HOSTS[index === 0 ? 0 : 1];
}

async function delay(ms: number | undefined): Promise<void> {
  if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
}
