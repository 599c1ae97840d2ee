import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { Encryption, UndecryptableError } from "../encryption.ts";
import { forgetfulFileSystem } from "./file-systems.ts";
import type { KeptRecord, NewRecord, Reply, Request, ShopFill, StoredRecord } from "./protocol.ts";

/**
 * What is kept: a webhook's delivery or a write that found no writer, and either of them after a primary has
 * acknowledged it whose standby does not have it yet.
 */
export type RecordKind = "delivery" | "write" | "retained-delivery" | "retained-write";

/** What is to be kept, before it has a sequence. */
export interface NewEntry {
  readonly shop: string;
  /** The delivery's or operation's id: the same one is kept once. */
  readonly id: string;
  readonly body: Uint8Array;
}

export interface JournalRecord {
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly shop: string;
  /** The delivery's or operation's id: the same one is kept once. */
  readonly id: string;
  readonly body: Buffer;
  readonly at: Date;
}

export interface JournalOptions {
  /** A directory on a disk that outlives the process and the machine's restart. */
  readonly directory: string;
  /** Secrets that encrypt what is kept, the current one first. */
  readonly secrets: readonly string[];
  /** The worker's program; beside this file unless the code is bundled. */
  readonly worker?: URL;
  /** How much may be kept. Default 256 MiB. */
  readonly maxBytes?: number;
  /** For drills only: what each fsync takes longer than it does. */
  readonly slowFsyncMs?: number;
  /** For tests on machines whose only disk is an overlay. */
  readonly anyFileSystem?: boolean;
}

/** The journal cannot take a record: nothing may be acknowledged on its account. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly kind: "full" | "failed" | "closed" | "unsuitable" | "locked";

  constructor(kind: JournalError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const PURPOSE = "journal";

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: JournalError) => void;
}

/**
 * What was acknowledged while Postgres could not be reached, on this instance's own disk: fsynced before
 * {@link append} resolves, encrypted, and locked to one process. Entries of one shop come out in the order in
 * which they went in.
 */
export class Journal {
  readonly #worker: Worker;
  readonly #encryption: Encryption;
  readonly #maxBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  /** Writes that are still to be done, by shop. */
  readonly #waitingWrites = new Map<string, number>();
  /** The last sequence that an earlier process has left behind. */
  readonly leftBehind: number;
  /** The shops of which an earlier process has left records behind, of any kind. */
  readonly shopsLeftBehind: readonly string[];
  /** Records that the database does not have yet, writes and deliveries. */
  #inLine = 0;
  #records = 0;
  #bytes = 0;
  #tickets = 0;
  #ended: JournalError | null = null;

  private constructor(
    worker: Worker,
    encryption: Encryption,
    maxBytes: number,
    fill: readonly ShopFill[],
  ) {
    this.#worker = worker;
    this.#encryption = encryption;
    this.#maxBytes = maxBytes;
    for (const { kind, shop, records, bytes, waiting } of fill) {
      this.#count(records, bytes);
      this.#countWaiting(kind, shop, waiting);
    }
    this.leftBehind = Math.max(0, ...fill.map(({ last }) => last));
    this.shopsLeftBehind = [...new Set(fill.map(({ shop }) => shop))];
    worker.on("message", (reply: Reply) => this.#onReply(reply));
    worker.on("error", (cause) =>
      this.#end(new JournalError("failed", "The journal's thread has ended.", { cause })),
    );
    worker.on("exit", () => this.#end(new JournalError("closed", "The journal is closed.")));
  }

  /**
   * Opens the journal in a directory, with whatever an earlier process left in it.
   *
   * @throws JournalError `unsuitable` when the directory is on a file system that forgets, `locked` when
   *   another process has it open.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const forgetful = options.anyFileSystem ? null : await forgetfulFileSystem(options.directory);
    if (forgetful) {
      throw new JournalError(
        "unsuitable",
        `The journal's directory is on ${forgetful}. Give it a disk of its own, or leave JOURNAL_DIR unset.`,
      );
    }
    const worker = new Worker(options.worker ?? new URL("./worker.ts", import.meta.url), {
      workerData: {
        file: path.join(options.directory, "journal.sqlite"),
        slowFsyncMs: options.slowFsyncMs ?? 0,
      },
    });
    let first: Reply;
    try {
      [first] = (await once(worker, "message")) as [Reply];
    } catch (cause) {
      const busy = String((cause as Error).message).includes("locked");
      throw busy
        ? new JournalError("locked", "Another process has the journal open.", { cause })
        : new JournalError("failed", "The journal could not be opened.", { cause });
    }
    if (first.type !== "ready")
      throw new JournalError("failed", "The journal could not be opened.");
    const encryption = new Encryption(options.secrets, PURPOSE);
    return new Journal(worker, encryption, options.maxBytes ?? DEFAULT_MAX_BYTES, first.fill);
  }

  /** Records and bytes that are kept, and the most bytes that may be. */
  get fill(): { readonly records: number; readonly bytes: number; readonly maxBytes: number } {
    return { records: this.#records, bytes: this.#bytes, maxBytes: this.#maxBytes };
  }

  /** How many records the database does not have yet; the others are kept until a standby has them too. */
  get waiting(): number {
    return this.#inLine;
  }

  /** Whether a write of the shop is still to be done: its new changes queue behind it. */
  holds(shop: string): boolean {
    return this.#waitingWrites.has(shop);
  }

  /**
   * Keeps a record. The same kind, shop and id again is kept once.
   *
   * @returns Once it is on the disk, its sequence.
   * @throws JournalError when it is not.
   */
  async append(kind: RecordKind, shop: string, id: string, body: Uint8Array): Promise<number> {
    const [kept] = await this.appendAll(kind, [{ shop, id, body }]);
    return kept!.sequence;
  }

  /**
   * Keeps several records, all of them or none.
   *
   * @returns Once they are on the disk, where, in the same order, and whether they were not there before.
   * @throws JournalError when they are not.
   */
  async appendAll(kind: RecordKind, entries: readonly NewEntry[]): Promise<readonly KeptRecord[]> {
    const at = Date.now();
    const records = entries.map(({ shop, id, body }) => {
      const encrypted = this.#encryption.encrypt(body, contextOf(kind, shop, id));
      return { kind, shop, id, body: encrypted, at };
    });
    const bytes = records.reduce((sum, { body }) => sum + body.length, 0);
    if (this.#bytes + bytes > this.#maxBytes) {
      throw new JournalError("full", "The journal is full.");
    }
    const count = ({ shop, body }: NewRecord, sign: 1 | -1) => {
      this.#count(sign, sign * body.length);
      this.#countWaiting(kind, shop, sign);
    };
    // Counted before they are written, so that a burst cannot overrun the limit.
    for (const record of records) count(record, 1);
    try {
      const reply = await this.#ask((ticket) => ({ type: "append", ticket, records }));
      const kept = reply.type === "appended" ? reply.kept[0] : undefined;
      if (!kept) throw new JournalError("failed", "The journal is confused.");
      records.forEach((record, index) => {
        if (!kept[index]!.isNew) count(record, -1);
      });
      return kept;
    } catch (error) {
      for (const record of records) count(record, -1);
      throw error;
    }
  }

  /** The shops with writes that are still to be done, those that have waited longest first. */
  get shopsInLine(): readonly string[] {
    return [...this.#waitingWrites.keys()];
  }

  /**
   * The oldest records of some kinds after a sequence, without those that were set aside. One that cannot be
   * decrypted any more is skipped and reported to `onUndecryptable`, never thrown away.
   *
   * @param shop - Only of this shop; null for all.
   */
  async read(
    kinds: readonly RecordKind[],
    after: number,
    limit: number,
    onUndecryptable: (sequence: number) => void = () => undefined,
    shop: string | null = null,
  ): Promise<JournalRecord[]> {
    const reply = await this.#ask((ticket) => ({
      type: "read",
      ticket,
      kinds,
      shop,
      after,
      limit,
    }));
    if (reply.type !== "records") return [];
    return reply.records.flatMap((record) => {
      try {
        return [this.#opened(record)];
      } catch (error) {
        if (!(error instanceof UndecryptableError)) throw error;
        onUndecryptable(record.sequence);
        return [];
      }
    });
  }

  /** Forgets records that are safe elsewhere. */
  async remove(sequences: readonly number[]): Promise<void> {
    if (sequences.length === 0) return;
    this.#forget(await this.#ask((ticket) => ({ type: "remove", ticket, sequences })));
  }

  /** Keeps a record that cannot be done, out of the way of those after it, until a person has seen to it. */
  async setAside({ sequence, kind, shop }: JournalRecord): Promise<void> {
    await this.#ask((ticket) => ({ type: "setAside", ticket, sequence }));
    this.#countWaiting(kind, shop, -1);
  }

  /** Forgets all that is kept of a shop (its erasure was asked for). */
  async removeShop(shop: string): Promise<void> {
    this.#forget(await this.#ask((ticket) => ({ type: "removeShop", ticket, shop })));
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    await this.#ask((ticket) => ({ type: "close", ticket }));
    this.#end(new JournalError("closed", "The journal is closed."));
  }

  #opened({ sequence, kind, shop, id, body, at }: StoredRecord): JournalRecord {
    return {
      sequence,
      kind: kind as RecordKind,
      shop,
      id,
      body: this.#encryption.decrypt(body, contextOf(kind, shop, id)),
      at: new Date(at),
    };
  }

  #ask(make: (ticket: number) => Request): Promise<Reply> {
    if (this.#ended) return Promise.reject(this.#ended);
    const ticket = ++this.#tickets;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ticket, { resolve, reject });
      this.#worker.postMessage(make(ticket));
    });
  }

  #onReply(reply: Reply): void {
    switch (reply.type) {
      case "appended":
        reply.tickets.forEach((ticket, index) =>
          this.#settle(ticket, ({ resolve }) =>
            resolve({ ...reply, tickets: [ticket], kept: [reply.kept[index]!] }),
          ),
        );
        return;
      case "failed": {
        const error = new JournalError("failed", `The journal could not write: ${reply.message}`);
        for (const ticket of reply.tickets) this.#settle(ticket, ({ reject }) => reject(error));
        return;
      }
      case "records":
      case "done":
        return this.#settle(reply.ticket, ({ resolve }) => resolve(reply));
      case "ready":
        return;
    }
  }

  #settle(ticket: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    if (waiting) how(waiting);
  }

  #forget(reply: Reply): void {
    if (reply.type !== "done") return;
    for (const { kind, shop, bytes, aside } of reply.removed) {
      this.#count(-1, -bytes);
      if (!aside) this.#countWaiting(kind, shop, -1);
    }
  }

  #count(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  #countWaiting(kind: string, shop: string, records: number): void {
    if (kind === "write" || kind === "delivery") this.#inLine += records;
    if (kind !== "write") return;
    const count = (this.#waitingWrites.get(shop) ?? 0) + records;
    if (count > 0) this.#waitingWrites.set(shop, count);
    else this.#waitingWrites.delete(shop);
  }

  #end(error: JournalError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function contextOf(kind: string, shop: string, id: string): string {
  return `${kind}\0${shop}\0${id}`;
}
