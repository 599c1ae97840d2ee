import type net from "node:net";

import { affects, type ActiveToxic, type Stream } from "./toxics.ts";

/** What travels: bytes, the end of the stream (FIN), or a reset (RST). All of them wait in one line. */
type Item =
  | {
      readonly kind: "data";
      readonly chunk: Buffer;
      readonly arrivedAtMs: number;
      readonly luck: number;
    }
  | { readonly kind: "end" | "reset"; readonly arrivedAtMs: number; readonly luck: number };

export interface LinkOptions {
  readonly stream: Stream;
  readonly source: net.Socket;
  readonly sink: net.Socket;
  /** The toxics in force for this connection, both directions, in the order in which they were added. */
  readonly toxics: () => readonly ActiveToxic[];
  /** Number from 0 to 1 that decides jitter. */
  readonly random: () => number;
  readonly onBytes: (count: number) => void;
  /** A toxic wants the whole connection closed (FIN) or reset (RST). */
  readonly onBreak: (how: "close" | "reset") => void;
}

/** Above this a slow or held direction stops reading, as a full socket buffer would. */
const BUFFER_BYTES = 1024 * 1024;

/** A write at a limited rate goes out in pieces of this length of time. */
const PIECE_MS = 50;

/** One direction of one proxied connection. */
export class Link {
  readonly #options: LinkOptions;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #passedBytes = 0;
  #notBeforeMs = 0;
  #draining = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    options.source.on("data", (chunk: Buffer) => this.#accept(chunk));
    options.source.on("end", () => this.#enqueue("end"));
  }

  /** The source was reset or could not be reached: the other side learns it, after what is still under way. */
  reset(): void {
    this.#enqueue("reset");
  }

  /** Looks at the toxics anew. */
  toxicsChanged(): void {
    this.#notBeforeMs = 0;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#wake?.();
  }

  get #active(): readonly ActiveToxic[] {
    const toxics = this.#options.toxics();
    // What every chunk in fair weather passes by.
    if (toxics.length === 0) return toxics;
    return toxics.filter(({ toxic }) => affects(toxic, this.#options.stream));
  }

  #accept(chunk: Buffer): void {
    const { source, sink, onBytes } = this.#options;
    onBytes(chunk.length);
    if (this.#queue.length === 0 && !this.#draining && this.#active.length === 0) {
      this.#passedBytes += chunk.length;
      if (!sink.destroyed && !sink.writableEnded && !sink.write(chunk)) {
        source.pause();
        sink.once("drain", () => source.resume());
      }
      return;
    }
    this.#queue.push({ kind: "data", chunk, ...this.#stamp() });
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > BUFFER_BYTES) source.pause();
    void this.#drain();
  }

  #enqueue(kind: "end" | "reset"): void {
    this.#queue.push({ kind, ...this.#stamp() });
    void this.#drain();
  }

  #stamp(): { arrivedAtMs: number; luck: number } {
    return { arrivedAtMs: performance.now(), luck: this.#options.random() };
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    for (;;) {
      const item = this.#queue[0];
      if (!item || this.#closed) break;
      const waitMs = this.#waitMs(item);
      if (waitMs > 0) {
        await this.#pause(waitMs);
        continue;
      }
      this.#queue.shift();
      if (item.kind === "data") await this.#deliver(item);
      else if (item.kind === "end") this.#options.sink.end();
      else this.#options.sink.resetAndDestroy();
    }
    this.#draining = false;
  }

  /** How long the first in line still has to wait; infinite while a timeout toxic holds everything. */
  #waitMs(item: Item): number {
    let delayMs = 0;
    for (const { toxic } of this.#active) {
      if (toxic.type === "timeout") return Infinity;
      if (toxic.type === "latency") {
        delayMs += toxic.latencyMs + (toxic.jitterMs ?? 0) * (2 * item.luck - 1);
      }
    }
    return Math.max(item.arrivedAtMs + delayMs, this.#notBeforeMs) - performance.now();
  }

  async #deliver(item: Item & { kind: "data" }): Promise<void> {
    const { source, onBreak } = this.#options;
    let sendBytes = item.chunk.length;
    let pauseMs = 0;
    let breakHow: "close" | "reset" | undefined;
    for (const { toxic } of this.#active) {
      if (toxic.type === "lost_answer" && toxic.match.test(item.chunk.toString("latin1"))) {
        onBreak("reset");
        return;
      }
      if (toxic.type === "slicer") {
        sendBytes = Math.min(sendBytes, toxic.pieceBytes);
        pauseMs = Math.max(pauseMs, toxic.delayMs);
      }
      if (toxic.type === "bandwidth") {
        const piece = Math.max(1, Math.floor((toxic.bytesPerSecond * PIECE_MS) / 1000));
        sendBytes = Math.min(sendBytes, piece);
        pauseMs = Math.max(pauseMs, (sendBytes / toxic.bytesPerSecond) * 1000);
      }
      if (toxic.type === "limit_data") {
        const left = toxic.bytes - this.#passedBytes;
        if (sendBytes >= left) {
          sendBytes = Math.max(0, left);
          breakHow = "close";
        }
      }
    }
    const rest = item.chunk.subarray(sendBytes);
    if (rest.length > 0) this.#queue.unshift({ ...item, chunk: rest });
    this.#notBeforeMs = pauseMs > 0 ? performance.now() + pauseMs : 0;
    this.#queuedBytes -= sendBytes;
    this.#passedBytes += sendBytes;
    await this.#write(item.chunk.subarray(0, sendBytes));
    if (breakHow) onBreak(breakHow);
    else if (this.#queuedBytes <= BUFFER_BYTES && source.isPaused()) source.resume();
  }

  async #write(chunk: Buffer): Promise<void> {
    const { sink } = this.#options;
    if (chunk.length === 0 || sink.destroyed || sink.writableEnded || sink.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        sink.off("drain", done);
        sink.off("close", done);
        resolve();
      };
      sink.on("drain", done);
      sink.on("close", done);
    });
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
