import { setTimeout as wait } from "node:timers/promises";
import type { Cluster } from "../database/cluster.ts";

export interface ListenerOptions {
  readonly cluster: Cluster;
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  /** Called whenever it hears again: what was said before that went unheard. */
  readonly onListening: () => void;
}

const SUBSCRIBE_TIMEOUT_MS = 2_000;
const MAX_RESUBSCRIBE_DELAY_MS = 1_000;

/**
 * Hears a channel on the writer, whichever node that comes to be. What is said while there is no writer, or on
 * the way to another one, goes unheard: whoever listens looks for it by other means as well.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#ended = this.#keepListening();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // Without a connection there is nothing to do but to try again; the monitor says what is the matter.
      await this.#listenOnce().catch(() => undefined);
      await wait(Math.random() * MAX_RESUBSCRIBE_DELAY_MS, undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  /** Listens until the connection breaks: the cluster breaks it when its node is no longer the writer. */
  async #listenOnce(): Promise<void> {
    const { cluster, channel, onNotification, onListening } = this.#options;
    const { signal } = this.#closing;
    const lease = await cluster.hold(signal);
    const { client } = lease;
    try {
      client.onNotification((from, payload) => {
        if (from === channel) onNotification(payload);
      });
      const tooLate = setTimeout(() => client.destroy(), SUBSCRIBE_TIMEOUT_MS);
      try {
        await client.sql.unsafe(`listen "${channel}"`).simple();
      } finally {
        clearTimeout(tooLate);
      }
      onListening();
      await new Promise<void>((resolve) => {
        client.onBroken(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      // Still subscribed, it is of no use to anybody else.
      lease.release({ discard: true });
    }
  }
}
