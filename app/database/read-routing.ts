import type { ClusterNode } from "./cluster-node.ts";
import { DatabaseError } from "./errors.ts";
import type { WriteMark } from "./own-writes.ts";
import type { TopologyMonitor } from "./topology/monitor.ts";

/** A node to read from. */
export interface Reader {
  readonly node: ClusterNode;
  /** Whether it may lack what the reader has written. */
  readonly lacks: boolean;
}

/** How far a read has come. */
interface Patience {
  /** How often it has been tried before. */
  readonly n: number;
  /** How much of its time has passed: from 0 to 1. */
  readonly elapsed: () => number;
}

/** A read that takes longer is asked of another node as well, and the first answer counts. */
const HEDGE_AFTER_MS = 100;
/** So often a read is tried where the reader's own writes are, before an answer without them is better than none. */
const MAX_INSISTENCE = 2;

/** By then a commit has been made or given up, whoever waited for it. */
const LONGEST_COMMIT_MS = 5_000;

/** Decides which nodes a read is asked of, and in what order. */
export class ReadRouting {
  readonly #monitor: TopologyMonitor;
  readonly #nodes: ReadonlyMap<string, ClusterNode>;

  constructor(monitor: TopologyMonitor, nodes: ReadonlyMap<string, ClusterNode>) {
    this.#monitor = monitor;
    this.#nodes = nodes;
  }

  /**
   * The first answer of several nodes, asked one after the other until one answers in time.
   * Those that lack what the reader has written are asked last, when there is no hope of another answer.
   */
  firstOf<T>(
    readers: readonly Reader[],
    patience: Patience,
    ask: (reader: Reader) => Promise<T>,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let asked = 0;
    let failed = 0;
    let hedge: NodeJS.Timeout | undefined;
    const askNext = () => {
      clearTimeout(hedge);
      const reader = readers[asked];
      if (!reader) return;
      if (
        reader.lacks &&
        readers.slice(0, asked).some((one) => !one.lacks && this.#insistsOn(one, patience))
      ) {
        hedge = setTimeout(askNext, HEDGE_AFTER_MS);
        return;
      }
      asked++;
      if (asked < readers.length) hedge = setTimeout(askNext, HEDGE_AFTER_MS);
      ask(reader).then(
        (value) => {
          clearTimeout(hedge);
          resolve(value);
        },
        (error: unknown) => {
          const next = readers[asked];
          // What is the work's own fault fails everywhere; what passes is tried again where the write is.
          const again = next?.lacks && !reader.lacks && this.#insistsOn(reader, patience);
          if (!mayGoWellElsewhere(error) || again || ++failed === readers.length) {
            clearTimeout(hedge);
            reject(error);
          } else askNext();
        },
      );
    };
    askNext();
    return promise;
  }

  /** The nodes to read from, best first: the writer, then standbys by age, then those that lack the reader's writes. */
  for(maxLagMs: number, attempt: number, mark: WriteMark | null): Reader[] {
    const now = Date.now();
    const writer = this.#monitor.writer;
    const ranked = this.#monitor.nodes.flatMap(({ id, state }) => {
      const node = this.#nodes.get(id);
      if (!node) return [];
      const lacks = mark !== null && !this.#has(id, mark);
      if (id === writer) return [{ node, lacks, rank: 0 }];
      if (state !== "standby" && state !== "readOnly") return [];
      const asOf = this.asOf(id);
      if (!asOf) return [];
      const lagMs = now - asOf.getTime();
      // Too old an answer is better than none, and says how old it is; while there is a writer it is not needed.
      return lagMs <= maxLagMs || writer === null || attempt > 0
        ? [{ node, lacks, rank: 1 + lagMs }]
        : [];
    });
    return ranked.sort((a, b) => Number(a.lacks) - Number(b.lacks) || a.rank - b.rank);
  }

  /** A reader's mark, if it is of this cluster. */
  known(mark: WriteMark | null): WriteMark | null {
    const known = this.#monitor.remembered;
    if (!mark || (known && known.systemIdentifier !== mark.systemIdentifier)) return null;
    // Somebody has met a primary that we have not: ours may be an old one.
    if (known && known.timeline < mark.timeline) {
      for (const { id } of this.#monitor.nodes) this.#monitor.suspect(id);
    }
    return mark;
  }

  /**
   * Whether a node has what was written before `mark`. Of a standby that is known on the mark's own timeline only:
   * positions of two timelines do not compare. A primary of a later one has what there is.
   */
  #has(id: string, mark: WriteMark): boolean {
    const report = this.#monitor.node(id)?.report;
    if (!report) return false;
    if (report.role === "primary") return report.timeline >= mark.timeline;
    if (report.lagMs !== null) {
      const asOf = this.asOf(id);
      return asOf !== null && asOf.getTime() > mark.at.getTime() + LONGEST_COMMIT_MS;
    }
    const isNewest = this.#monitor.remembered?.timeline === mark.timeline;
    return isNewest && report.timeline === mark.timeline && report.lsn >= mark.lsn;
  }

  /** Whether a reader who waits for this node's answer may get one: it is up, and there is time left to ask another. */
  #insistsOn({ node }: Reader, { n, elapsed }: Patience): boolean {
    const state = this.#monitor.node(node.id)?.state;
    const isUp = state === "primary" || state === "standby" || state === "readOnly";
    return isUp && n < MAX_INSISTENCE && elapsed() < 0.5;
  }

  /** The newest moment of which a standby is known to have everything; null where nothing is known. */
  asOf(id: string): Date | null {
    return this.#monitor.asOf(id);
  }
}

/** Whether the same work can go well on another try, or on another node. */
export function isPassing(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.kind !== "permanent" && error.kind !== "busy";
}

/** Whether another node may answer: one that is too busy says nothing about the others. */
function mayGoWellElsewhere(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind !== "permanent";
}
