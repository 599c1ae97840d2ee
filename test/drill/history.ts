import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Source } from "../../app/continuity/sourced.ts";
import type { DrillClock } from "./clock.ts";

/**
 * - `ok`: acknowledged, or answered;
 * - `failed`: said to be not done;
 * - `unknown`: the caller was told that nobody knows, or its process ended first.
 */
export type Outcome = "ok" | "failed" | "unknown";

/** What a read found under a key: both rows of it, as one statement saw them. */
export interface Seen {
  /** How often the key's register says that it was written; 0 where there is none. */
  readonly version: number;
  /** The operation that the register names as its last. */
  readonly last: string | null;
  /** The operations whose entries were there, oldest first. */
  readonly entries: readonly string[];
}

interface Common {
  /** Which of the drill's processes, and which of its workers: `a/writer-3`. */
  readonly process: string;
  readonly key: string;
  /** In the drill's time, ms. */
  readonly invokedAt: number;
  /** Null where the process ended before the operation did. */
  readonly completedAt: number | null;
  readonly outcome: Outcome;
  /** The class and code of its error; null where there was none. */
  readonly error: string | null;
}

/** A change of two rows, asked for once under this id. */
export interface WriteRecord extends Common {
  readonly kind: "write";
  readonly operationId: string;
  /** Acknowledged as kept on the instance's disk, not yet as done: no read has to show it. */
  readonly journaled: boolean;
}

/** The question what became of a write whose answer was lost. */
export interface SettleRecord extends Common {
  readonly kind: "settle";
  readonly operationId: string;
  readonly value: "done" | "notDone" | null;
}

export interface ReadRecord extends Common {
  readonly kind: "read";
  readonly value: Seen | null;
  readonly source: Source | null;
  /** The moment at which the answer says that it was true, in the drill's time. */
  readonly asOf: number | null;
}

/** One attempt to deliver a webhook; its id is the same in every attempt. */
export interface WebhookRecord extends Common {
  readonly kind: "webhook";
  readonly operationId: string;
  readonly status: number | null;
}

export interface PageRecord extends Common {
  readonly kind: "page";
  readonly status: number | null;
}

export type OperationRecord = WriteRecord | SettleRecord | ReadRecord | WebhookRecord | PageRecord;

/** What is known before an operation is begun. */
export type Invocation =
  | { kind: "write" | "settle" | "webhook"; process: string; key: string; operationId: string }
  | { kind: "read" | "page"; process: string; key: string };

/** What is known when it has ended. */
export interface Completion {
  readonly outcome: Outcome;
  readonly error?: string;
  readonly value?: Seen | "done" | "notDone";
  readonly source?: Source;
  readonly asOf?: number;
  readonly status?: number;
  readonly journaled?: boolean;
}

type Line =
  | { readonly n: number; readonly begin: Invocation; readonly at: number }
  | { readonly n: number; readonly end: Completion; readonly at: number };

/**
 * What one process did, written down line by line as it happens: an operation's beginning is in the file before
 * the operation is sent, so that a process may be killed at any moment and nothing that it did is missing.
 */
export class HistoryWriter {
  readonly #file: number;
  readonly #clock: DrillClock;
  #count = 0;

  constructor(path: string, clock: DrillClock) {
    this.#file = openSync(path, "a");
    this.#clock = clock;
  }

  /** @returns what is to be called when the operation has ended; gives the moment. */
  begin(invocation: Invocation): (completion: Completion) => number {
    const n = this.#count++;
    this.#write({ n, begin: invocation, at: this.#clock.now() });
    return (completion) => {
      const at = this.#clock.now();
      this.#write({ n, end: completion, at });
      return at;
    };
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** Reads the histories of several processes as one, in the order in which operations were begun. */
export function readHistory(paths: readonly string[]): OperationRecord[] {
  return paths
    .flatMap((path) => join(readFileSync(path, "utf8")))
    .sort((a, b) => a.invokedAt - b.invokedAt);
}

function join(text: string): OperationRecord[] {
  const begun = new Map<number, { begin: Invocation; at: number }>();
  const records: OperationRecord[] = [];
  for (const row of text.split("\n")) {
    if (row === "") continue;
    let line: Line;
    try {
      line = JSON.parse(row) as Line;
    } catch {
      // A process that was killed in the middle of a line: the last one, of which nothing else is known.
      continue;
    }
    if ("begin" in line) {
      begun.set(line.n, line);
      continue;
    }
    const start = begun.get(line.n);
    if (!start) continue;
    begun.delete(line.n);
    records.push(record(start, line));
  }
  for (const start of begun.values()) records.push(record(start, null));
  return records;
}

function record(
  { begin, at }: { begin: Invocation; at: number },
  ended: { end: Completion; at: number } | null,
): OperationRecord {
  const end: Completion = ended?.end ?? { outcome: "unknown", error: "process ended" };
  const common = {
    process: begin.process,
    key: begin.key,
    invokedAt: at,
    completedAt: ended?.at ?? null,
    outcome: end.outcome,
    error: end.error ?? null,
  };
  switch (begin.kind) {
    case "write": {
      const { operationId } = begin;
      return { ...common, kind: begin.kind, operationId, journaled: end.journaled ?? false };
    }
    case "settle": {
      const value = typeof end.value === "string" ? end.value : null;
      return { ...common, kind: begin.kind, operationId: begin.operationId, value };
    }
    case "read": {
      const value = typeof end.value === "object" ? end.value : null;
      const { source = null, asOf = null } = end;
      return { ...common, kind: begin.kind, value, source, asOf };
    }
    case "webhook":
      return {
        ...common,
        kind: begin.kind,
        operationId: begin.operationId,
        status: end.status ?? null,
      };
    case "page":
      return { ...common, kind: begin.kind, status: end.status ?? null };
  }
}
