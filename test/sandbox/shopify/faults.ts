import { EventEmitter } from "node:events";

/**
 * What can be made to go wrong at Shopify. Faults of the wire bear toxiproxy's names, faults of the
 * answer that of the status or code which the app gets to see.
 */
export type FaultKind =
  | { kind: "throttled" }
  /** 429 with `Retry-After` in seconds, or as an HTTP date when `retryAfterDate` is set. */
  | { kind: "http-429"; retryAfterSeconds?: number; retryAfterDate?: boolean }
  | { kind: "http-500" }
  /** `applied`: the request takes effect, and only the answer says otherwise. */
  | { kind: "http-502"; applied?: boolean }
  | { kind: "http-503"; retryAfterSeconds?: number }
  | { kind: "http-504"; applied?: boolean }
  /** The token is not accepted. */
  | { kind: "http-401" }
  /** The shop is frozen for want of payment. */
  | { kind: "http-402" }
  | { kind: "http-403" }
  /** The app's outgoing address is not on its IP allowlist. */
  | { kind: "ip-not-allowed" }
  /** The shop is locked. */
  | { kind: "http-423" }
  /** Rejected by Shopify's security rules. */
  | { kind: "http-430" }
  | { kind: "internal-server-error" }
  /** The answer takes `ms` longer; with `inside`, a mutation is under way meanwhile and holds its key. */
  | { kind: "latency"; ms: number; jitterMs?: number; inside?: boolean }
  /** The connection stays open and nothing ever comes. */
  | { kind: "timeout" }
  | { kind: "reset_peer" }
  /** The request takes effect, the answer breaks off after `bytes` (half of it when absent). */
  | { kind: "limit_data"; bytes?: number }
  /** The request takes effect, the answer is not JSON. */
  | { kind: "malformed-body" }
  /** The request takes effect, its answer is lost. */
  | { kind: "answer-lost"; how?: LossOfAnswer }
  /** The answer is lost at once, and the request takes effect only after `ms`. */
  | { kind: "applied-late"; ms: number; how?: LossOfAnswer }
  /** Nothing of Shopify can be reached: connections are reset, or everything answers 503. */
  | { kind: "down"; how?: "refused" | "http-503" };

export type LossOfAnswer = "reset_peer" | "timeout" | "http-502" | "http-504";

/** Which requests a fault strikes. */
export interface FaultTarget {
  /** One shop's domain, or `*` (default). */
  shop?: string;
  /** `admin` (default), `oauth` (token endpoint), `files` (bulk results), or `all`; `down` is always `all`. */
  surface?: Surface | "all";
  /** Name of an operation or of one of its root fields; a regular expression is tried on each of them. */
  operation?: string | RegExp;
  operationType?: "query" | "mutation";
  /** Strikes this many requests and is gone; for ever when absent. */
  times?: number;
  /** Strikes a request with this probability, 0 to 1; always when absent. */
  probability?: number;
}

export type Surface = "admin" | "oauth" | "files";

export type Fault = FaultKind & FaultTarget;

/** A fault that has been set, and how often it has struck. */
export type ActiveFault = Fault & { readonly id: string; struck: number };

/** What is known of a request when faults are looked up for it. */
export interface FaultableRequest {
  shop: string;
  surface: Surface;
  operationType?: "query" | "mutation";
  /** The operation's name and its root fields. */
  names?: readonly string[];
}

/** How each fault is called for people: on buttons, in drills and in tables. */
export const FAULT_TITLES: Readonly<Record<FaultKind["kind"], string>> = {
  throttled: "Throttled by query cost",
  "http-429": "Too many requests (429)",
  "http-500": "Internal error (500)",
  "http-502": "Bad gateway (502)",
  "http-503": "Unavailable (503)",
  "http-504": "Gateway timeout (504)",
  "http-401": "Token not accepted (401)",
  "http-402": "Shop frozen (402)",
  "http-403": "Forbidden (403)",
  "ip-not-allowed": "Address not on the allowlist (403)",
  "http-423": "Shop locked (423)",
  "http-430": "Security rejection (430)",
  "internal-server-error": "INTERNAL_SERVER_ERROR in the answer",
  latency: "Slow",
  timeout: "Never answers",
  reset_peer: "Connection reset",
  limit_data: "Answer breaks off",
  "malformed-body": "Answer is not JSON",
  "answer-lost": "Applied, but the answer was lost",
  "applied-late": "Applied late",
  down: "Down",
};

/**
 * The faults that are set at a Shopify right now. Emits `change` when that changes.
 * Of several that fit a request, the first one set strikes.
 */
export class Faults extends EventEmitter {
  readonly #random: () => number;
  #active: ActiveFault[] = [];
  #made = 0;

  constructor(random: () => number = Math.random) {
    super();
    this.#random = random;
  }

  /** Sets a fault until it is cleared or has struck `times` requests; gives back its id. */
  set(fault: Fault): string {
    if (!(fault.kind in FAULT_TITLES)) throw new Error(`Unknown fault: ${String(fault.kind)}.`);
    const id = `fault-${++this.#made}`;
    this.#active.push({ ...fault, id, struck: 0 });
    this.emit("change");
    return id;
  }

  /** Clears one fault by its id, all of a kind, or all. */
  clear(idOrKind?: string): void {
    this.#active =
      idOrKind === undefined
        ? []
        : this.#active.filter(({ id, kind }) => id !== idOrKind && kind !== idOrKind);
    this.emit("change");
  }

  list(): readonly Readonly<ActiveFault>[] {
    return this.#active;
  }

  /** The fault that strikes this request, counted; undefined when it goes through. */
  strike(request: FaultableRequest): ActiveFault | undefined {
    const fault = this.#active.find((candidate) => this.#fits(candidate, request));
    if (!fault) return undefined;
    fault.struck += 1;
    if (fault.times !== undefined && fault.struck >= fault.times) {
      this.#active = this.#active.filter(({ id }) => id !== fault.id);
      this.emit("change");
    }
    return fault;
  }

  /** Whether connecting to a shop fails: asked before there is any request, and not counted. */
  refusesConnections(shop: string): boolean {
    return this.#active.some(
      (fault) => fault.kind === "down" && fault.how !== "http-503" && fits(fault.shop ?? "*", shop),
    );
  }

  #fits(fault: ActiveFault, request: FaultableRequest): boolean {
    const surface = fault.kind === "down" ? "all" : (fault.surface ?? "admin");
    return (
      fits(fault.shop ?? "*", request.shop) &&
      (surface === "all" || surface === request.surface) &&
      (fault.operationType === undefined || fault.operationType === request.operationType) &&
      (fault.operation === undefined || named(fault.operation, request.names ?? [])) &&
      (fault.probability === undefined || this.#random() < fault.probability)
    );
  }
}

function fits(pattern: string, shop: string): boolean {
  return pattern === "*" || pattern === shop;
}

function named(pattern: string | RegExp, names: readonly string[]): boolean {
  return names.some((name) =>
    typeof pattern === "string" ? pattern === name : name.search(pattern) >= 0,
  );
}
