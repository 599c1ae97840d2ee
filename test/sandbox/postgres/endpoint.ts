import { once } from "node:events";
import net from "node:net";
import { Worker } from "node:worker_threads";

import { Link } from "./link.ts";
import { freePort } from "./ports.ts";
import type { ActiveToxic, Toxic } from "./toxics.ts";

/** Where a proxy's connections go. A `PostgresNode` is one. */
export interface Target {
  readonly port: number;
  readonly host?: string;
  readonly name?: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What a new connection meets: it is accepted, refused (RST to the SYN, as from a machine without the service), or
 * swallowed (no answer to the SYN at all, as from a machine that is off or behind a firewall that drops).
 */
export type Listening = "accepting" | "refusing" | "swallowing";

export interface EndpointOptions {
  readonly name: string;
  /** Addresses to listen on; the first is the endpoint's own. Default: a free port on 127.0.0.1. */
  readonly addresses?: readonly Address[];
  readonly target?: Target;
  /** Decides jitter and toxicity; `Math.random` unless given. */
  readonly random?: () => number;
}

export interface EndpointStats {
  readonly openConnections: number;
  readonly acceptedConnections: number;
  /** Connections that were reset because their target refused or could not be reached. */
  readonly failedConnections: number;
  readonly upstreamBytes: number;
  readonly downstreamBytes: number;
  /** Connections accepted within the last second. */
  readonly connectsLastSecond: number;
  /** The most within any one second so far. */
  readonly peakConnectsPerSecond: number;
}

interface Connection {
  readonly client: net.Socket;
  readonly upstream: net.Socket;
  readonly links: readonly [upstream: Link, downstream: Link];
  readonly openedAtMs: number;
  /** One throw of the dice per toxic, so that a partial toxicity sticks to a connection. */
  readonly dice: Map<string, number>;
  readonly timers: Map<string, NodeJS.Timeout>;
}

/** Names of the toxic that `blackhole` adds, and that `heal` removes with all others. */
const BLACKHOLE = "blackhole";

const NO_TOXICS: readonly ActiveToxic[] = [];

/** A demo that runs for days must not remember every connection that it ever had. */
const KEPT_CONNECT_TIMES = 100_000;

/**
 * A TCP proxy in this process whose target can be moved and whose wire can be spoiled: a writer or reader endpoint
 * as a cloud provider gives it, or the network in front of a node.
 *
 * What the target does is passed on as it is: an orderly end as an end, a reset as a reset. A target that refuses
 * looks like a reset right after the connect, since the proxy has accepted already.
 */
export class Endpoint implements AsyncDisposable {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly #random: () => number;
  readonly #servers: net.Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #toxics = new Map<string, ActiveToxic>();
  readonly #connectTimes: number[] = [];
  #target: Target | undefined;
  #listening: Listening = "refusing";
  #swallower: { worker: Worker; fillers: net.Socket[] } | undefined;
  #acceptedConnections = 0;
  #failedConnections = 0;
  #upstreamBytes = 0;
  #downstreamBytes = 0;
  #peakConnectsPerSecond = 0;
  #windowStart = 0;

  private constructor(options: EndpointOptions, addresses: readonly Address[]) {
    this.name = options.name;
    this.addresses = addresses;
    this.#target = options.target;
    this.#random = options.random ?? Math.random;
  }

  /** Opens the endpoint. */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const addresses = options.addresses ?? [{ host: "127.0.0.1", port: await freePort() }];
    const endpoint = new Endpoint(options, addresses);
    await endpoint.accept();
    return endpoint;
  }

  get host(): string {
    return this.#own.host;
  }

  get port(): number {
    return this.#own.port;
  }

  /** Where new connections go; `undefined` resets them. */
  get target(): Target | undefined {
    return this.#target;
  }

  get listening(): Listening {
    return this.#listening;
  }

  get toxics(): ReadonlyMap<string, Toxic> {
    return new Map([...this.#toxics].map(([name, { toxic }]) => [name, toxic]));
  }

  get stats(): EndpointStats {
    return {
      openConnections: this.#connections.size,
      acceptedConnections: this.#acceptedConnections,
      failedConnections: this.#failedConnections,
      upstreamBytes: this.#upstreamBytes,
      downstreamBytes: this.#downstreamBytes,
      connectsLastSecond: this.connectsWithin(1000),
      peakConnectsPerSecond: this.#peakConnectsPerSecond,
    };
  }

  /** `performance.now()` of the connections that were accepted, oldest first; the last 100,000 at least. */
  get connectTimesMs(): readonly number[] {
    return this.#connectTimes;
  }

  /** How many connections were accepted within the last `windowMs`. */
  connectsWithin(windowMs: number): number {
    const since = performance.now() - windowMs;
    let count = 0;
    for (let i = this.#connectTimes.length - 1; i >= 0; i--) {
      if ((this.#connectTimes[i] ?? 0) < since) break;
      count++;
    }
    return count;
  }

  /**
   * Sends new connections elsewhere. Old ones stay where they are, as they do when a DNS name moves (`keep`, the
   * default), or are reset, as a load balancer does it.
   */
  moveTo(target: Target | undefined, options: { connections?: "keep" | "reset" } = {}): void {
    this.#target = target;
    if (options.connections === "reset") this.resetConnections();
  }

  /** Resets every open connection, on both sides. */
  resetConnections(): void {
    for (const connection of this.#connections) this.#break(connection, "reset");
  }

  /** Adds a toxic to all connections, open and to come; one of the same name is replaced. */
  addToxic(name: string, toxic: Toxic): void {
    this.#toxics.set(name, { name, toxic, addedAtMs: performance.now() });
    this.#toxicsChanged();
  }

  /** Whether there was one of that name. */
  removeToxic(name: string): boolean {
    const was = this.#toxics.delete(name);
    this.#toxicsChanged();
    return was;
  }

  clearToxics(): void {
    this.#toxics.clear();
    this.#toxicsChanged();
  }

  /** Accepts connections (again). */
  async accept(): Promise<void> {
    await this.#stopListening();
    for (const address of this.addresses) {
      // Half-open, so that one side's end does not end the other: the proxy must not speak for its peers.
      const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
        this.#connect(client),
      );
      this.#servers.push(server);
      server.listen({ ...address, exclusive: true });
      await once(server, "listening");
    }
    this.#listening = "accepting";
  }

  /** Closes the listener: new connections are refused. Open ones live on. */
  async refuse(): Promise<void> {
    await this.#stopListening();
    this.#listening = "refusing";
  }

  /** Lets new connections hang in their connect: nothing answers their SYN. Open ones live on. */
  async swallow(): Promise<void> {
    await this.#stopListening();
    const url = new URL("./swallow-worker.ts", import.meta.url);
    const worker = new Worker(url, { workerData: this.addresses });
    const fillers: net.Socket[] = [];
    this.#swallower = { worker, fillers };
    await once(worker, "message");
    // A listener that never accepts, with a backlog of 1, has room for two; from then on the kernel drops SYNs.
    for (const address of [...this.addresses, ...this.addresses]) {
      const filler = net.connect(address);
      filler.on("error", () => {});
      fillers.push(filler);
      await once(filler, "connect");
    }
    this.#listening = "swallowing";
  }

  /** Cuts the cable: connects hang, and nothing passes on open connections, in either direction. */
  async blackhole(): Promise<void> {
    this.addToxic(BLACKHOLE, { type: "timeout", timeoutMs: 0, stream: "both" });
    await this.swallow();
  }

  /** Removes every toxic and accepts connections again; what was held is delivered. */
  async heal(): Promise<void> {
    this.clearToxics();
    if (this.#listening !== "accepting") await this.accept();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) this.#break(connection, "reset");
    await this.#stopListening();
    this.#listening = "refusing";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #own(): Address {
    const [own] = this.addresses;
    if (!own) throw new Error("An endpoint needs an address.");
    return own;
  }

  #connect(client: net.Socket): void {
    this.#countConnect();
    const target = this.#target;
    const upstream = new net.Socket({ allowHalfOpen: true });
    upstream.setNoDelay(true);
    const toxics = () => this.#toxicsOf(connection);
    const onBreak = (how: "close" | "reset") => this.#break(connection, how);
    const shared = { toxics, random: this.#random, onBreak };
    const up = new Link({
      ...shared,
      stream: "upstream",
      source: client,
      sink: upstream,
      onBytes: (count) => (this.#upstreamBytes += count),
    });
    const down = new Link({
      ...shared,
      stream: "downstream",
      source: upstream,
      sink: client,
      onBytes: (count) => (this.#downstreamBytes += count),
    });
    const connection: Connection = {
      client,
      upstream,
      links: [up, down],
      openedAtMs: performance.now(),
      dice: new Map(),
      timers: new Map(),
    };
    this.#connections.add(connection);
    let connected = false;
    upstream.once("connect", () => (connected = true));
    upstream.on("error", () => {
      if (!connected && this.#connections.has(connection)) this.#failedConnections++;
      down.reset();
    });
    client.on("error", () => up.reset());
    const onClose = () => {
      if (client.destroyed && upstream.destroyed) this.#forget(connection);
    };
    client.on("close", onClose);
    upstream.on("close", onClose);
    if (target) {
      upstream.connect({ host: target.host ?? "127.0.0.1", port: target.port });
    } else {
      this.#failedConnections++;
      this.#break(connection, "reset");
      return;
    }
    this.#setTimers(connection);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    for (const link of connection.links) link.close();
    for (const timer of connection.timers.values()) clearTimeout(timer);
  }

  #break(connection: Connection, how: "close" | "reset"): void {
    this.#forget(connection);
    const { client, upstream } = connection;
    if (how === "reset") {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    } else {
      client.destroySoon();
      upstream.destroySoon();
    }
  }

  #toxicsOf(connection: Connection): readonly ActiveToxic[] {
    if (this.#toxics.size === 0) return NO_TOXICS;
    return [...this.#toxics.values()].filter(({ name, toxic }) => {
      const { toxicity = 1 } = toxic;
      if (toxicity >= 1) return true;
      const thrown = connection.dice.get(name) ?? this.#random();
      connection.dice.set(name, thrown);
      return thrown < toxicity;
    });
  }

  #toxicsChanged(): void {
    for (const connection of this.#connections) {
      this.#setTimers(connection);
      for (const link of connection.links) link.toxicsChanged();
    }
  }

  /** Toxics that end a connection by the clock do it without waiting for data. */
  #setTimers(connection: Connection): void {
    for (const timer of connection.timers.values()) clearTimeout(timer);
    connection.timers.clear();
    for (const { name, toxic, addedAtMs } of this.#toxicsOf(connection)) {
      let how: "close" | "reset";
      if (toxic.type === "reset_peer") how = "reset";
      else if (toxic.type === "timeout" && toxic.timeoutMs > 0) how = "close";
      else continue;
      const dueMs = Math.max(addedAtMs, connection.openedAtMs) + (toxic.timeoutMs ?? 0);
      const waitMs = Math.max(0, dueMs - performance.now());
      const timer = setTimeout(() => this.#break(connection, how), waitMs);
      connection.timers.set(name, timer);
    }
  }

  #countConnect(): void {
    const now = performance.now();
    this.#acceptedConnections++;
    this.#connectTimes.push(now);
    while ((this.#connectTimes[this.#windowStart] ?? now) < now - 1000) this.#windowStart++;
    if (this.#windowStart > KEPT_CONNECT_TIMES) {
      this.#connectTimes.splice(0, this.#windowStart);
      this.#windowStart = 0;
    }
    const inWindow = this.#connectTimes.length - this.#windowStart;
    this.#peakConnectsPerSecond = Math.max(this.#peakConnectsPerSecond, inWindow);
  }

  async #stopListening(): Promise<void> {
    // Not waited for: a server counts as closed only when its last connection is, and those live on.
    for (const server of this.#servers.splice(0)) server.close();
    const swallower = this.#swallower;
    if (!swallower) return;
    this.#swallower = undefined;
    await swallower.worker.terminate();
    for (const filler of swallower.fillers) filler.destroy();
  }
}
