/**
 * What can go wrong on the wire, named as toxiproxy names it (https://github.com/Shopify/toxiproxy#toxics).
 * Numbers carry their units here; bandwidth is in bytes, not kilobytes, per second.
 */
export type Toxic = ToxicEffect & {
  /** Client to server, server to client (the default), or both. */
  readonly stream?: Stream | "both";
  /** Share of the connections that it affects, 0 to 1; 1 unless given. Decided once for each connection. */
  readonly toxicity?: number;
};

export type Stream = "upstream" | "downstream";

export type ToxicEffect =
  /** Everything arrives later, in order. */
  | { readonly type: "latency"; readonly latencyMs: number; readonly jitterMs?: number }
  | { readonly type: "bandwidth"; readonly bytesPerSecond: number }
  /**
   * Nothing gets through. After `timeoutMs` the connection is closed; 0 keeps it open for ever, and what was held is
   * delivered once the toxic is removed, as TCP does when a partition heals.
   */
  | { readonly type: "timeout"; readonly timeoutMs: number }
  /** The connection is reset (RST, not FIN), at once or after `timeoutMs`. */
  | { readonly type: "reset_peer"; readonly timeoutMs?: number }
  /** The connection is closed when so many bytes have passed. */
  | { readonly type: "limit_data"; readonly bytes: number }
  /** Data comes in pieces of so many bytes, with a pause between them. */
  | { readonly type: "slicer"; readonly pieceBytes: number; readonly delayMs: number }
  /**
   * Not one of toxiproxy's: data that matches is dropped and the connection reset, so that the server has done
   * what it was asked and the client never learns it. `/COMMIT\0/` downstream is Postgres' answer to a commit.
   */
  | { readonly type: "lost_answer"; readonly match: RegExp };

/** A toxic in force, with what is remembered about it. */
export interface ActiveToxic {
  readonly name: string;
  readonly toxic: Toxic;
  readonly addedAtMs: number;
}

/** Whether the toxic touches this direction. */
export function affects(toxic: Toxic, stream: Stream): boolean {
  const own = toxic.stream ?? "downstream";
  return own === "both" || own === stream;
}
