interface Sample {
  readonly timeline: number;
  readonly lsn: bigint;
  readonly at: Date;
}

const KEEP_MS = 10 * 60_000;

/**
 * Where the primary stood, and when: what tells how old a standby's data is. A standby's own word is not
 * enough: one that is cut off has replayed all that it received, and believes itself fresh.
 */
export class WriterSamples {
  readonly #samples: Sample[] = [];

  /** Whether no writer has been met yet. */
  get empty(): boolean {
    return this.#samples.length === 0;
  }

  add(sample: Sample): void {
    const last = this.#samples.at(-1);
    if (last && (sample.timeline < last.timeline || sample.at < last.at)) return;
    // An idle primary stays where it is: only the time moves on.
    if (last && last.lsn === sample.lsn && last.timeline === sample.timeline) this.#samples.pop();
    this.#samples.push(sample);
    while (this.#samples[0] && this.#samples[0].at.getTime() < sample.at.getTime() - KEEP_MS) {
      this.#samples.shift();
    }
  }

  /**
   * The newest moment at which all that was true is known to a standby that has replayed up to `lsn`: that of
   * the newest sample behind it. Null where even the oldest sample is ahead of it.
   */
  asOf(timeline: number, lsn: bigint): Date | null {
    for (let i = this.#samples.length - 1; i >= 0; i--) {
      const sample = this.#samples[i];
      if (sample && sample.timeline <= timeline && sample.lsn <= lsn) return sample.at;
    }
    return null;
  }

  /** How many bytes the newest sample is ahead of `lsn`, 0 if none. */
  lagBytes(lsn: bigint): bigint {
    const last = this.#samples.at(-1);
    return last && last.lsn > lsn ? last.lsn - lsn : 0n;
  }
}
