import { FAULT_TITLES, type Fault, type FaultKind } from "../../sandbox/shopify/index.ts";

/** How a fault of the sandbox's Shopify is played. */
export interface ShopifyPlay {
  readonly fault: (scale: Scale) => Fault;
  /** Ends it after so long … */
  readonly lastsMs: number;
  /** … or as soon as it has struck so many changes, which it has to. Null where requests do not get so far. */
  readonly strikes: number | null;
}

export interface Scale {
  /** How long Shopify takes at most to apply a change whose answer was lost. */
  readonly appliedLateMs: number;
}

const PREFIX = "shopify-";
const MOST_MS = 60_000;
const STRIKES = 40;

/** What changes something is struck every other time, so that it gets through between and is repeated. */
const changes = { operationType: "mutation", probability: 0.5 } as const;
/** Whatever is asked is struck every other time. */
const everything = { probability: 0.5 } as const;

const half = (fault: FaultKind, target: object = everything): ShopifyPlay => ({
  fault: () => ({ ...fault, ...target }),
  lastsMs: MOST_MS,
  strikes: STRIKES,
});

const plays: Readonly<Record<FaultKind["kind"], ShopifyPlay>> = {
  throttled: half({ kind: "throttled" }),
  // Each one stops the shop for a second.
  "http-429": { ...half({ kind: "http-429", retryAfterSeconds: 1 }), strikes: 10 },
  "http-500": half({ kind: "http-500" }),
  "http-502": half({ kind: "http-502", applied: true }),
  "http-503": half({ kind: "http-503" }),
  "http-504": half({ kind: "http-504", applied: true }, changes),
  "http-401": half({ kind: "http-401" }),
  "http-402": half({ kind: "http-402" }),
  "http-403": half({ kind: "http-403" }),
  "ip-not-allowed": half({ kind: "ip-not-allowed" }),
  "http-423": half({ kind: "http-423" }),
  "http-430": half({ kind: "http-430" }),
  "internal-server-error": half({ kind: "internal-server-error" }),
  latency: half({ kind: "latency", ms: 500, jitterMs: 1_000, inside: true }, changes),
  // Each one keeps a worker for 15 s.
  timeout: {
    fault: () => ({ kind: "timeout", ...changes, times: 8 }),
    lastsMs: 40_000,
    strikes: 8,
  },
  reset_peer: half({ kind: "reset_peer" }),
  limit_data: half({ kind: "limit_data" }, changes),
  "malformed-body": half({ kind: "malformed-body" }, changes),
  "answer-lost": half({ kind: "answer-lost" }, changes),
  "applied-late": {
    fault: ({ appliedLateMs }) => ({ kind: "applied-late", ms: appliedLateMs, ...changes }),
    lastsMs: MOST_MS,
    strikes: STRIKES,
  },
  down: { fault: () => ({ kind: "down" }), lastsMs: 10_000, strikes: null },
};

/** The faults as they are called on the command line. */
export const shopifyFaults: ReadonlyMap<string, ShopifyPlay & { readonly title: string }> = new Map(
  Object.entries(plays).map(([kind, play]) => [
    PREFIX + kind,
    { ...play, title: FAULT_TITLES[kind as FaultKind["kind"]] },
  ]),
);

/** Whether a fault named on the command line is one of Shopify's. */
export const isShopifyFault = (name: string) => name.startsWith(PREFIX);
