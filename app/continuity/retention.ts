import type { TopologyMonitor } from "../database/topology/monitor.ts";

/** Something that was acknowledged, and can be done again by its id without being done twice. */
export interface Acknowledged {
  readonly shop: string;
  readonly id: string;
  /** Where the journal keeps it; null where it is kept in memory alone. */
  readonly sequence: number | null;
}

interface Held<T extends Acknowledged> {
  readonly entry: T;
  readonly at: number;
  /** The WAL position that covers its commit, and the timeline of that position; null until sampled. */
  stamp: { readonly timeline: number; readonly lsn: bigint } | null;
}

export interface RetentionOptions<T extends Acknowledged> {
  readonly monitor: TopologyMonitor;
  /** These are on a standby now: what was kept of them can go. */
  readonly onSafe: (entries: readonly T[]) => void;
  /**
   * The timeline has changed, and these may have stayed behind on the old primary: do them again, and give them
   * back to {@link Retention.hold}. The first of them was acknowledged at `since` or later.
   */
  readonly onDoubt: (entries: readonly T[], since: Date) => void;
  /** How many are held at most; beyond it the oldest are let go, and counted. Default 50,000. */
  readonly limit?: number;
}

/**
 * Holds what an asynchronously replicated primary has acknowledged until its standbys have it: a primary that
 * dies takes with it whatever it had not sent.
 *
 * A commit's own WAL position is not known to its client. Any position that the primary reports to a question
 * asked after the acknowledgement covers it, so the monitor's probes are the samples: what was acknowledged
 * before a probe was sent is stamped with the position that the probe brings back, and is safe once every
 * standby that we know of has flushed that far on the same timeline. With no standby in sight nothing is ever safe.
 */
export class Retention<T extends Acknowledged> {
  readonly #options: Required<RetentionOptions<T>>;
  #held: Held<T>[] = [];
  #dropped = 0;
  #timeline: number | null = null;
  #epoch = 0;

  constructor(options: RetentionOptions<T>) {
    this.#options = { limit: 50_000, ...options };
    const { monitor } = options;
    monitor.events.on("report", ({ id, report }) => {
      if (id === monitor.writer) this.#stamp(report.timeline, report.lsn, report.askedAt.getTime());
      else if (report.role === "standby") this.#release();
    });
    monitor.events.on("writer", ({ timeline }) => this.#onWriter(timeline));
  }

  /** How many are held, and how many had to be let go before they were safe. */
  get fill(): { readonly held: number; readonly dropped: number } {
    return { held: this.#held.length, dropped: this.#dropped };
  }

  /** Grows with each change of timeline. Ask before a write is begun. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Call it once the commit is known and before anybody is told.
   *
   * @param begunIn - {@link epoch} as it was before the write was begun: where it has grown since, nobody can say
   *   on which timeline the commit was made.
   */
  hold(entry: T, begunIn: number): void {
    if (begunIn !== this.#epoch) {
      this.#options.onDoubt([entry], new Date());
      return;
    }
    this.#held.push({ entry, at: Date.now(), stamp: null });
    if (this.#held.length > this.#options.limit) {
      this.#held.shift();
      this.#dropped++;
    }
  }

  #stamp(timeline: number, lsn: bigint, askedAt: number): void {
    this.#timeline ??= timeline;
    if (timeline !== this.#timeline) return;
    for (const held of this.#held) {
      // Whole milliseconds on both sides: what was held in the same one may have come after the question.
      if (held.stamp === null && held.at < askedAt) held.stamp = { timeline, lsn };
    }
    this.#release();
  }

  #release(): void {
    const { monitor, onSafe } = this.#options;
    // One that we cannot reach may still be promoted: what it last said counts.
    const standbys = monitor.nodes.filter(
      ({ id, state, report }) =>
        id !== monitor.writer && report?.role === "standby" && state !== "foreign",
    );
    if (standbys.length === 0) return;
    const safe: T[] = [];
    this.#held = this.#held.filter(({ entry, stamp }) => {
      const everywhere =
        stamp !== null &&
        standbys.every(
          ({ report }) =>
            report !== null && report.timeline === stamp.timeline && report.flushedLsn >= stamp.lsn,
        );
      if (everywhere) safe.push(entry);
      return !everywhere;
    });
    if (safe.length > 0) onSafe(safe);
  }

  #onWriter(timeline: number): void {
    const before = this.#timeline;
    this.#timeline = timeline;
    if (before === null || before === timeline) return;
    this.#epoch++;
    const doubtful = this.#held;
    const [first] = doubtful;
    // They come back through `hold` once they have been done again, under the new timeline.
    this.#held = [];
    if (first) {
      this.#options.onDoubt(
        doubtful.map(({ entry }) => entry),
        new Date(first.at),
      );
    }
  }
}
