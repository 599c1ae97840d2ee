import type { Logger } from "../observability/logger.server.ts";
import { checkAccount, type Account, type AccountFinding } from "./accounts.ts";
import type { Cluster } from "./cluster.ts";
import { GuardedClient } from "./guarded-client.ts";
import {
  accountProblem,
  diskFullProblem,
  discoveryProblem,
  nodeProblem,
  type Place,
} from "./problem-words.ts";
import { createResolver } from "./resolver.ts";
import { nodesOf, type ClusterTargets, type NodeAddress } from "./targets.ts";
import type { TopologyMonitor } from "./topology/monitor.ts";
import type { NodeStatus } from "./topology/states.ts";

/** Something that an operator should know of the database, in words that say what to do. */
export interface Problem {
  /** The node's id, the role's name, or `cluster`. */
  readonly about: string;
  /** `error`: something does not work for want of it. `warning`: all goes on, for now. */
  readonly level: "error" | "warning";
  readonly problem: string;
}

export interface DiagnosisOptions {
  readonly cluster: Pick<Cluster, "monitor">;
  /** As the cluster got them. */
  readonly targets: ClusterTargets & { readonly nameServers?: readonly string[] };
  readonly logger: Logger;
}

const LOOK_INTERVAL_MS = 1_000;
const CHECK_INTERVAL_MS = 30_000;
/** While something is wrong with an account, its mending is noticed soon. */
const RECHECK_INTERVAL_MS = 3_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A server that comes and goes is not told of each time. */
const REPEAT_AFTER_MS = 60_000;

/**
 * Says in plain words what is wrong with the database and its configuration: in the log, once, when it begins
 * and when it is over, and in `/health`. Knows nodes by the monitor; the accounts it tries itself now and then,
 * since a password that was changed is not noticed by connections that are open.
 */
export class Diagnosis {
  readonly #monitor: TopologyMonitor;
  readonly #targets: ClusterTargets;
  readonly #addresses: readonly NodeAddress[];
  readonly #resolver;
  readonly #logger: Logger;
  #findings: ReadonlyMap<Account, { readonly finding: AccountFinding; readonly node: string }> =
    new Map();
  /** What the log has been told and not yet that it is over. */
  #said: ReadonlyMap<string, Problem> = new Map();
  readonly #saidAt = new Map<string, number>();
  #nextCheckAt = 0;
  #checking = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor({ cluster, targets, logger }: DiagnosisOptions) {
    const { nameServers } = targets;
    this.#monitor = cluster.monitor;
    this.#targets = targets;
    this.#addresses = nodesOf(targets);
    this.#resolver = createResolver(nameServers ? { servers: nameServers } : {});
    this.#logger = logger;
  }

  start(): void {
    this.#monitor.events.on("node", () => this.#look());
    this.#monitor.events.on("state", () => this.#look());
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** What is wrong now, the gravest first; empty where all is well. */
  get problems(): readonly Problem[] {
    const { state, nodes, writer, discovery } = this.#monitor;
    const grave = state !== "steady";
    const found: Problem[] = [];
    if (state === "conflict") {
      const writers = nodes.filter((node) => node.state === "primary").map(({ id }) => id);
      found.push({
        about: "cluster",
        level: "error",
        problem: `${writers.join(" and ")} both take writes, each as the primary of the same timeline. Stop the one that should not: until then nothing is written.`,
      });
    }
    if (state === "diskFull" && writer !== null) {
      const problem = diskFullProblem(this.#place(writer, "app"));
      found.push({ about: writer, level: "error", problem });
    }
    const [first] = this.#addresses;
    if (discovery.problem && first) {
      const problem = discoveryProblem(discovery.problem, this.#place(first.id, "app"));
      found.push({ about: "cluster", level: "warning", problem });
    }
    const standbys = nodes.filter((node) => node.state === "standby");
    if (state === "noWriter" && standbys.length > 0) {
      found.push({ about: "cluster", level: "error", problem: this.#noWriter(standbys) });
    }
    for (const node of nodes) {
      const problem = this.#says(node);
      if (problem) found.push({ about: node.id, level: grave ? "error" : "warning", problem });
    }
    for (const [account, { finding, node }] of this.#findings) {
      const place = this.#place(node, account);
      const problem = accountProblem(account, finding, place);
      const level = finding.kind === "unbound" ? "warning" : "error";
      found.push({ about: place.user, level, problem });
    }
    return found.sort((a, b) => Number(a.level !== "error") - Number(b.level !== "error"));
  }

  #says(node: NodeStatus): string | null {
    return nodeProblem(node, this.#place(node.id, "app"));
  }

  #noWriter(standbys: readonly NodeStatus[]): string {
    const names = standbys.map(({ id }) => hostAndPort(this.#address(id), "app")).join(" and ");
    const only = standbys.length === 1 ? "is a standby" : "are standbys";
    return `No server takes writes: ${names} ${only}. Promote one if the primary is lost; otherwise check that ${this.#place(standbys[0]!.id, "app").addressFrom} names the primary.`;
  }

  #look(): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (!this.#checking && now >= this.#nextCheckAt) void this.#checkAccounts();
    const problems = new Map(this.problems.map((one) => [`${one.about}\0${one.problem}`, one]));
    for (const [key, { about, level, problem }] of problems) {
      if (this.#said.has(key)) continue;
      if (now - (this.#saidAt.get(key) ?? -Infinity) < REPEAT_AFTER_MS) continue;
      this.#saidAt.set(key, now);
      this.#logger[level === "error" ? "error" : "warn"]({ about }, problem);
    }
    const abouts = new Set([...problems.values()].map(({ about }) => about));
    for (const { about } of this.#said.values()) {
      if (abouts.has(about)) continue;
      abouts.add(about);
      this.#logger.info({ about }, "the problem with the database is over");
    }
    this.#said = problems;
  }

  /** Tries both accounts on a node that answers; what is wrong with one that does not is known already. */
  async #checkAccounts(): Promise<void> {
    const { writer, nodes } = this.#monitor;
    const id = writer ?? nodes.find(({ state }) => state === "readOnly" || state === "standby")?.id;
    if (id === undefined) {
      this.#findings = new Map();
      return;
    }
    this.#checking = true;
    try {
      const findings = new Map<Account, { finding: AccountFinding; node: string }>();
      for (const account of ["app", "system"] as const) {
        const finding = await checkAccount(account, () =>
          GuardedClient.connect({
            target: this.#address(id)[account],
            resolver: this.#resolver,
            connectTimeoutMs: CONNECT_TIMEOUT_MS,
            preparedStatements: false,
            applicationName: "evenkeel-check",
          }),
        );
        if (finding) findings.set(account, { finding, node: id });
      }
      this.#findings = findings;
    } catch (error) {
      this.#logger.warn({ err: error }, "the database's accounts could not be checked");
    } finally {
      this.#checking = false;
      const calm = this.#findings.size === 0;
      this.#nextCheckAt = performance.now() + (calm ? CHECK_INTERVAL_MS : RECHECK_INTERVAL_MS);
    }
    this.#look();
  }

  #address(id: string): NodeAddress {
    const known = this.#addresses.find((address) => address.id === id) ?? this.#addresses[0]!;
    if (known.id === id) return known;
    // A node that the cluster itself has named: its id is where it is.
    const { hostname, port } = new URL(`postgres://${id}`);
    const at = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || known.app.port };
    return { id, kind: "node", app: { ...known.app, ...at }, system: { ...known.system, ...at } };
  }

  #place(id: string, account: Account): Place {
    const address = this.#address(id);
    const { host, port, database, user, password } = address[account];
    const url = account === "app" ? "DATABASE_URL" : "DATABASE_SYSTEM_URL";
    const file = account === "app" ? "DATABASE_PASSWORD_FILE" : "DATABASE_SYSTEM_PASSWORD_FILE";
    const endpoint = id === "reader" ? "DATABASE_READER_URL" : url;
    return {
      host,
      port,
      database,
      user,
      addressFrom:
        address.kind === "endpoint"
          ? endpoint
          : this.#targets.nodes?.length
            ? "DATABASE_NODES"
            : "DATABASE_URL",
      userFrom: url,
      passwordFrom: typeof password === "string" ? url : file,
    };
  }
}

function hostAndPort(address: NodeAddress, account: Account): string {
  const { host, port } = address[account];
  return `${host}:${port}`;
}
