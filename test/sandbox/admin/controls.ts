import { z } from "zod";
import type { DnsMode } from "../postgres/index.ts";

/** What the fault panel shows; the sandbox sends a new one whenever something changes. */
export interface SandboxState {
  /** ISO 8601. */
  at: string;
  app: {
    state: "starting" | "ready" | "not-ready" | "down";
    pid: number | null;
    since: string;
    rssMb: number | null;
    restarts: number;
  };
  database: {
    replication: "sync" | "async";
    nodes: {
      name: string;
      /** What the node itself says that it is. */
      state: "primary" | "standby" | "frozen" | "down" | "unreachable";
      /** Its part as the supervisor sees it. */
      role: "primary" | "standby";
      promotable: boolean;
      timeline: number | null;
      /** Bytes behind the primary; null where either does not answer. */
      lagBytes: number | null;
      connections: number | null;
      /** Endpoints that lead here: `writer`, `reader`. */
      endpoints: string[];
    }[];
    /** On the wire to the writer. */
    toxics: string[];
    /** How the nodes' names are answered; null where the app reaches them by address. */
    names: DnsMode | null;
  } | null;
  shopify: {
    faults: { id: string; kind: string; title: string; struck: number }[];
    /** Requests that the app made within the last minute. */
    requestsLastMinute: number;
    webhooks: {
      delivered: number;
      failedAttempts: number;
      waiting: number;
      duplicatePercent: number;
      disorderPercent: number;
    };
  } | null;
  traffic: { ordersPerMinute: number };
  /** Null until the first comparison. */
  lost: LostSoFar | null;
  /** Newest last. */
  log: { at: string; text: string; tone: "plain" | "bad" | "good" }[];
}

/**
 * What the app says it has, against what the shop and the webhook log say it should have. Compared only when
 * everything is well and nothing is on its way; in between, the last result stays, with its time.
 */
export interface LostSoFar {
  /** ISO 8601 time of the last full comparison; null while none has been possible yet. */
  comparedAt: string | null;
  /** Sum of the rows' `lost`. */
  lost: number;
  /** Why there is no fresh comparison right now, in plain words; null when it is fresh. */
  waitingFor: string | null;
  rows: { what: string; expected: number; found: number; lost: number; doubled: number }[];
}

export const sandboxAction = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("database.node"),
    node: z.string(),
    do: z.enum(["crash", "freeze", "thaw", "shutdown", "start", "rejoin"]),
  }),
  z.object({ action: z.literal("database.failover") }),
  z.object({ action: z.literal("database.replication"), mode: z.enum(["sync", "async"]) }),
  z.object({
    action: z.literal("database.toxic"),
    toxic: z.enum([
      "latency",
      "timeout",
      "reset_peer",
      "limit_data",
      "bandwidth",
      "slicer",
      "lost_answer",
      "blackhole",
    ]),
    on: z.boolean(),
  }),
  z.object({
    action: z.literal("database.names"),
    mode: z.enum(["normal", "stale", "both", "nxdomain", "servfail", "silent"]),
  }),
  z.object({ action: z.literal("shopify.fault"), kind: z.string(), on: z.boolean() }),
  z.object({ action: z.literal("shopify.clear") }),
  z.object({ action: z.literal("app.process"), do: z.enum(["kill", "stop", "start", "restart"]) }),
  z.object({ action: z.literal("traffic.orders"), perMinute: z.number().int().min(0).max(600) }),
  z.object({
    action: z.literal("traffic.webhooks"),
    duplicatePercent: z.number().min(0).max(100),
    disorderPercent: z.number().min(0).max(100),
  }),
  z.object({
    action: z.literal("shop.do"),
    shop: z.string(),
    do: z.enum(["place-order", "edit-product", "change-stock", "fulfil-order"]),
  }),
  z.object({ action: z.literal("all.well") }),
]);

export type SandboxAction = z.infer<typeof sandboxAction>;

/** What the admin's server needs of the sandbox to offer a fault panel. */
export interface SandboxControls {
  /** Names and titles of Shopify's faults, in the order in which the panel lists them. */
  shopifyFaults: readonly {
    kind: string;
    title: string;
    group: "wire" | "answer" | "refusal" | "effect";
  }[];
  state(): SandboxState;
  /** Calls `listener` after every change; returns what ends that. */
  subscribe(listener: () => void): () => void;
  /** Carries an action out, and comes back when it has taken effect. */
  act(action: SandboxAction): Promise<void>;
}
