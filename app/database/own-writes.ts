/** A position in the cluster's history that a write is known to lie before: who reads from there on sees it. */
export interface WriteMark {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Bytes of WAL. */
  readonly lsn: bigint;
  /** When the commit was sent, by the clock of the process that sent it: nothing older has the write. */
  readonly at: Date;
}

const MARK = /^(\d{1,20})-(\d{1,10})-([0-9a-f]{1,16})-(\d{1,15})$/;

/** A mark as it goes to the browser and comes back. It says nothing about the shop. */
export function formatMark({ systemIdentifier, timeline, lsn, at }: WriteMark): string {
  return `${systemIdentifier}-${timeline}-${lsn.toString(16)}-${at.getTime()}`;
}

/** The mark that somebody sent us; null where it is none. Whoever makes one up gets older or slower answers. */
export function parseMark(text: string | null | undefined): WriteMark | null {
  const [, systemIdentifier, timeline, lsn, at] = MARK.exec(text ?? "") ?? [];
  if (!systemIdentifier || !timeline || !lsn || !at) return null;
  return {
    systemIdentifier,
    timeline: Number(timeline),
    lsn: BigInt(`0x${lsn}`),
    at: new Date(Number(at)),
  };
}

/** What one reader has written itself, and therefore expects to see. */
export class OwnWrites {
  #mark: WriteMark | null;
  #written = false;

  /** @param mark - Of what was written before, possibly through another instance. */
  constructor(mark: WriteMark | null = null) {
    this.#mark = mark;
  }

  /** Covers everything that was written; null where nothing was. */
  get mark(): WriteMark | null {
    return this.#mark;
  }

  /** Whether anything was written since this was made. */
  get written(): boolean {
    return this.#written;
  }

  note(mark: WriteMark): void {
    this.#written = true;
    if (!this.#mark || isLater(mark, this.#mark)) this.#mark = mark;
  }
}

/** A position on a newer timeline is later, however far the old one went: it may have gone nowhere. */
function isLater(a: WriteMark, b: WriteMark): boolean {
  if (a.systemIdentifier !== b.systemIdentifier) return true;
  return a.timeline === b.timeline ? a.lsn > b.lsn : a.timeline > b.timeline;
}
