import type { AppProcess } from "../app-process.ts";
import type { DnsMode, Endpoint, PostgresNode, PostgresPair, Toxic } from "../postgres/index.ts";
import { FAULT_TITLES, type Fault, type FaultKind } from "../shopify/faults.ts";
import type { RequestRecord, SandboxShopify } from "../shopify/index.ts";
import type { ShopStore } from "../shopify/shop/index.ts";
import type { LostSoFar, SandboxAction, SandboxControls, SandboxState } from "./controls.ts";
import { ShopTraffic } from "./shop-traffic.ts";

type ToxicName = Extract<SandboxAction, { action: "database.toxic" }>["toxic"];

/** Strong enough to be felt, weak enough to be watched. A blackhole is more than a toxic: see {@link Endpoint}. */
const toxics: Record<Exclude<ToxicName, "blackhole">, Toxic> = {
  latency: { type: "latency", latencyMs: 300, jitterMs: 100 },
  timeout: { type: "timeout", timeoutMs: 0, stream: "both" },
  reset_peer: { type: "reset_peer" },
  limit_data: { type: "limit_data", bytes: 8 * 1024 },
  bandwidth: { type: "bandwidth", bytesPerSecond: 20 * 1024 },
  slicer: { type: "slicer", pieceBytes: 100, delayMs: 1 },
  // Postgres' answer to a commit.
  lost_answer: { type: "lost_answer", match: /COMMIT\0/ },
};

type Group = SandboxControls["shopifyFaults"][number]["group"];

/** Every fault that the sandbox's Shopify knows, as the panel sets and groups it. */
const shopifyFaults: Record<FaultKind["kind"], { group: Group; fault: Fault }> = {
  down: { group: "wire", fault: { kind: "down" } },
  latency: { group: "wire", fault: { kind: "latency", ms: 3000, jitterMs: 1000, surface: "all" } },
  timeout: { group: "wire", fault: { kind: "timeout", surface: "all" } },
  reset_peer: { group: "wire", fault: { kind: "reset_peer", surface: "all" } },
  limit_data: { group: "wire", fault: { kind: "limit_data" } },
  "malformed-body": { group: "answer", fault: { kind: "malformed-body" } },
  "http-500": { group: "answer", fault: { kind: "http-500" } },
  "http-502": { group: "answer", fault: { kind: "http-502" } },
  "http-503": { group: "answer", fault: { kind: "http-503" } },
  "http-504": { group: "answer", fault: { kind: "http-504" } },
  "internal-server-error": { group: "answer", fault: { kind: "internal-server-error" } },
  throttled: { group: "refusal", fault: { kind: "throttled" } },
  "http-429": { group: "refusal", fault: { kind: "http-429", retryAfterSeconds: 2 } },
  "http-401": { group: "refusal", fault: { kind: "http-401" } },
  "http-402": { group: "refusal", fault: { kind: "http-402" } },
  "http-403": { group: "refusal", fault: { kind: "http-403" } },
  "ip-not-allowed": { group: "refusal", fault: { kind: "ip-not-allowed" } },
  "http-423": { group: "refusal", fault: { kind: "http-423" } },
  "http-430": { group: "refusal", fault: { kind: "http-430" } },
  "answer-lost": {
    group: "effect",
    fault: { kind: "answer-lost", operationType: "mutation" },
  },
  "applied-late": {
    group: "effect",
    fault: { kind: "applied-late", ms: 20_000, operationType: "mutation" },
  },
};

const NAME_WORDS: Record<DnsMode, string> = {
  normal: "answered as they are",
  stale: "answered as they were, whatever moves",
  both: "answered with the old address and the new",
  nxdomain: "unknown",
  servfail: "answered with a failure",
  silent: "not answered",
};

async function setToxic(wire: Endpoint, name: ToxicName, on: boolean): Promise<void> {
  if (name !== "blackhole") {
    if (on) wire.addToxic(name, toxics[name]);
    else wire.removeToxic(name);
  } else if (on) {
    await wire.blackhole();
  } else {
    wire.removeToxic(name);
    await wire.accept();
  }
}

const LOG_ENTRIES = 40;
const STATUS_INTERVAL_MS = 1000;

export interface FaultControlsOptions {
  pair: PostgresPair;
  shopify: SandboxShopify<ShopStore>;
  shops: readonly ShopStore[];
  app: AppProcess;
  /** The app reaches the nodes by their names in the pair's DNS, not through the writer's and reader's endpoints. */
  databaseByName: boolean;
  /** Compares what the app has with what it should have; called about once in five seconds. */
  compare: () => Promise<LostSoFar | null>;
}

/** Joins the parts of a sandbox to the fault panel: their state, live, and what can be done to them. */
export class FaultControls implements SandboxControls, AsyncDisposable {
  readonly shopifyFaults = Object.entries(shopifyFaults).map(([kind, { group }]) => ({
    kind,
    title: FAULT_TITLES[kind as FaultKind["kind"]],
    group,
  }));
  readonly #options: FaultControlsOptions;
  readonly #traffic: ShopTraffic;
  readonly #listeners = new Set<() => void>();
  readonly #log: SandboxState["log"] = [];
  readonly #requestTimes: number[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #nodes: NonNullable<SandboxState["database"]>["nodes"] = [];
  #lost: LostSoFar | null = null;
  #comparing = false;

  constructor(options: FaultControlsOptions) {
    this.#options = options;
    this.#traffic = new ShopTraffic(options.shops);
    const { pair, shopify, app } = options;
    pair.events.on("node", ({ node, process }) => {
      const words = { up: "is up", frozen: "is frozen", down: "is down" }[process];
      this.#say(`Postgres ${node.name} ${words}.`, process === "up" ? "good" : "bad");
    });
    pair.events.on("moved", ({ endpoint, node }) => {
      this.#say(`The ${endpoint} endpoint leads to ${node.name}.`);
    });
    pair.events.on("promoted", ({ primary, tookMs }) => {
      this.#say(`${primary.name} was promoted in ${Math.round(tookMs)} ms.`, "good");
    });
    pair.events.on("replication", ({ effective, reason }) => {
      this.#say(
        `Replication is ${effective === "sync" ? "synchronous" : "asynchronous"}: ${reason}.`,
      );
    });
    pair.events.on("rejoined", ({ node, tookMs }) => {
      this.#say(`${node.name} rejoined as a standby in ${(tookMs / 1000).toFixed(1)} s.`, "good");
    });
    app.events.on("state", (state) => {
      const words = {
        down: ["The app is down.", "bad"],
        starting: ["The app is starting.", "plain"],
        ready: ["The app is ready.", "good"],
        "not-ready": ["The app says that it is not ready.", "bad"],
      } as const;
      const [text, tone] = words[state];
      this.#say(text, tone);
    });
    shopify.faults.on("change", this.#changed);
    shopify.webhooks.on("delivery", this.#changed);
    shopify.traffic.on("request", this.#countRequest);
    this.#timers.push(
      setInterval(() => void this.#lookAtDatabase(), STATUS_INTERVAL_MS),
      setInterval(() => void this.#compare(), 5 * STATUS_INTERVAL_MS),
    );
    for (const timer of this.#timers) timer.unref();
    void this.#lookAtDatabase();
  }

  state(): SandboxState {
    const { app, pair, shopify } = this.#options;
    const { counts, behaviour } = shopify.webhooks;
    const minuteAgo = Date.now() - 60_000;
    return {
      at: new Date().toISOString(),
      app: {
        state: app.state,
        pid: app.pid ?? null,
        since: app.since.toISOString(),
        rssMb: app.rssMb ?? null,
        restarts: app.restarts,
      },
      database: {
        replication: pair.supervisor.wanted,
        nodes: this.#nodes,
        toxics: [...this.#wire.toxics.keys()],
        names: this.#options.databaseByName ? pair.dns.mode : null,
      },
      shopify: {
        faults: shopify.faults.list().map(({ id, kind, struck }) => ({
          id,
          kind,
          title: FAULT_TITLES[kind],
          struck,
        })),
        requestsLastMinute: this.#requestTimes.filter((at) => at > minuteAgo).length,
        webhooks: {
          delivered: counts.delivered,
          failedAttempts: counts.failedAttempts,
          waiting: counts.pending,
          duplicatePercent: (behaviour.duplicateRate ?? 0) * 100,
          disorderPercent: (behaviour.disorderRate ?? 0) * 100,
        },
      },
      traffic: { ordersPerMinute: this.#traffic.ordersPerMinute },
      lost: this.#lost,
      log: this.#log,
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async act(action: SandboxAction): Promise<void> {
    await this.#act(action);
    await this.#lookAtDatabase();
    this.#changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { shopify } = this.#options;
    for (const timer of this.#timers) clearInterval(timer);
    shopify.faults.off("change", this.#changed);
    shopify.webhooks.off("delivery", this.#changed);
    shopify.traffic.off("request", this.#countRequest);
    this.#traffic.stop();
    return Promise.resolve();
  }

  async #act(action: SandboxAction): Promise<void> {
    const { app, pair, shopify } = this.#options;
    switch (action.action) {
      case "database.node":
        return this.#actOnNode(this.#node(action.node), action.do);
      case "database.failover":
        await pair.failover();
        return;
      case "database.replication":
        return pair.setReplication(action.mode);
      case "database.toxic":
        await setToxic(this.#wire, action.toxic, action.on);
        this.#say(`${action.toxic} on the wire to the writer: ${action.on ? "on" : "off"}.`);
        return;
      case "database.names":
        pair.dns.setMode(action.mode);
        this.#say(
          `Database names: ${NAME_WORDS[action.mode]}.`,
          action.mode === "normal" ? "good" : "bad",
        );
        return;
      case "shopify.fault": {
        if (!(action.kind in shopifyFaults))
          throw new Error(`Shopify has no fault ${action.kind}.`);
        const kind = action.kind as FaultKind["kind"];
        if (action.on) shopify.faults.set(shopifyFaults[kind].fault);
        else shopify.faults.clear(kind);
        const title = FAULT_TITLES[kind];
        this.#say(
          action.on ? `Shopify: ${title}.` : `Shopify: no longer “${title}”.`,
          action.on ? "bad" : "good",
        );
        return;
      }
      case "shopify.clear":
        shopify.faults.clear();
        this.#say("Shopify answers as it should.", "good");
        return;
      case "app.process":
        if (action.do === "kill") return app.kill();
        if (action.do === "stop") return app.stop();
        if (action.do === "restart") return app.restart();
        return app.start();
      case "traffic.orders":
        this.#traffic.setOrdersPerMinute(action.perMinute);
        return;
      case "traffic.webhooks":
        shopify.webhooks.behave({
          duplicateRate: action.duplicatePercent / 100,
          disorderRate: action.disorderPercent / 100,
        });
        return;
      case "shop.do":
        this.#say(this.#traffic.do(action.shop, action.do));
        return;
      case "all.well":
        return this.#makeAllWell();
    }
  }

  async #actOnNode(
    node: PostgresNode,
    what: Extract<SandboxAction, { action: "database.node" }>["do"],
  ): Promise<void> {
    const { pair } = this.#options;
    switch (what) {
      case "crash":
        return pair.crash(node);
      case "freeze":
        return pair.freeze(node);
      case "thaw":
        return pair.thaw(node);
      case "shutdown":
        return pair.shutdownFast(node);
      case "start":
        return pair.start(node);
      case "rejoin":
        await pair.rejoin(node);
        return;
    }
  }

  /** Undoes every fault: what is frozen thaws, what is down comes back, the wire is clean, Shopify answers. */
  async #makeAllWell(): Promise<void> {
    const { app, pair, shopify } = this.#options;
    shopify.faults.clear();
    shopify.webhooks.behave({});
    pair.dns.setMode("normal");
    const endpoints = [pair.writer, pair.reader, ...pair.nodes.map((node) => pair.endpoint(node))];
    for (const endpoint of endpoints) await endpoint.heal();
    for (const node of pair.nodes) if (node.process === "frozen") await pair.thaw(node);
    if (pair.primary.process === "down") await pair.start(pair.primary);
    const { nodes } = await pair.status();
    const standby = nodes.find(({ name }) => name === pair.standby.name);
    // A former primary that still believes to be one must not be let near a client.
    if (standby?.state !== "standby") await pair.rejoin(pair.standby);
    if (app.state === "down" && app.everStarted) await app.start();
    this.#say("All is well again.", "good");
  }

  /** What the app's connections to the writer pass through. */
  get #wire(): Endpoint {
    const { pair, databaseByName } = this.#options;
    return databaseByName ? pair.endpoint(pair.primary) : pair.writer;
  }

  #node(name: string): PostgresNode {
    const node = this.#options.pair.nodes.find((one) => one.name === name);
    if (!node) throw new Error(`There is no database node ${name}.`);
    return node;
  }

  async #lookAtDatabase(): Promise<void> {
    const { pair } = this.#options;
    const { nodes } = await pair.status();
    this.#nodes = nodes.map((node) => ({
      name: node.name,
      state: node.state,
      role: node.role,
      promotable: node.promotable,
      timeline: node.timeline ?? null,
      lagBytes: node.lagBytes ?? null,
      connections: node.connections ?? null,
      endpoints: (["writer", "reader"] as const).filter(
        (name) => pair[name].target?.name === node.name,
      ),
    }));
    this.#changed();
  }

  async #compare(): Promise<void> {
    if (this.#comparing || this.#listeners.size === 0) return;
    this.#comparing = true;
    try {
      const before = this.#lost?.lost ?? 0;
      this.#lost = await this.#options.compare();
      const now = this.#lost?.lost ?? 0;
      if (now > before) this.#say(`${now} things are missing or doubled.`, "bad");
    } finally {
      this.#comparing = false;
    }
    this.#changed();
  }

  readonly #countRequest = (record: RequestRecord): void => {
    const minuteAgo = Date.now() - 60_000;
    while ((this.#requestTimes[0] ?? minuteAgo) < minuteAgo) this.#requestTimes.shift();
    this.#requestTimes.push(record.at.getTime());
    this.#changed();
  };

  #say(text: string, tone: SandboxState["log"][number]["tone"] = "plain"): void {
    this.#log.push({ at: new Date().toISOString(), text, tone });
    if (this.#log.length > LOG_ENTRIES) this.#log.shift();
    this.#changed();
  }

  readonly #changed = (): void => {
    for (const listener of this.#listeners) listener();
  };
}
