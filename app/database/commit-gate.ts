import { DatabaseError } from "./errors.ts";

/** One write on its way through the gate. Exactly one of its outcomes is told, then its end. */
export interface Passage {
  /** The server has answered the commit, whatever it said. */
  answered(): void;
  /**
   * The deadline has passed, and the commit is still waiting.
   *
   * @param giveUp - Ends the wait. Called at most once, and only where the answer was true.
   * @returns Whether the commit is to be left waiting: it is the canary.
   */
  late(giveUp: () => void): boolean;
  /** The write is over, however it went. Safe to call twice. */
  end(): void;
}

const LATE_IN_A_ROW = 5;
/** A canary whose connection died without a word would be waited for in vain. */
const CANARY_LIFE_MS = 60_000;

/**
 * Keeps writes from a server whose commits do not end: the synchronous standby is dead, and nobody has told the
 * primary to go on without it. Each commit that is given up leaves a server process behind, waiting, until there
 * are no connections left for anybody.
 *
 * After five late commits in a row the last of them is left waiting as the canary, and all other writes are turned
 * away at once, to be kept elsewhere. When the canary is answered, so would they be. If it is lost, the next write
 * takes its place.
 */
export class CommitGate {
  readonly #onClose: () => void;
  #late = 0;
  #closed = false;
  /** The one that was let through although the gate is closed, or whose lateness closed it. */
  #canary: object | null = null;
  #giveUp: (() => void) | null = null;
  #life: NodeJS.Timeout | undefined;

  /** @param onClose - Called when the gate closes, to turn away those who are already in line. */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws DatabaseError `busy` while somebody else is the canary. */
  enter(): Passage {
    if (this.#closed && this.#canary !== null) throw commitsWait();
    const passage: Passage = {
      answered: () => this.#open(),
      late: (giveUp) => {
        if (!this.#closed && ++this.#late >= LATE_IN_A_ROW) {
          this.#closed = true;
          this.#canary = passage;
          this.#onClose();
        }
        if (this.#canary !== passage) return false;
        this.#giveUp = giveUp;
        this.#life = setTimeout(() => this.#dismissCanary(), CANARY_LIFE_MS).unref();
        return true;
      },
      end: () => {
        if (this.#canary === passage) this.#forgetCanary();
      },
    };
    if (this.#closed) this.#canary = passage;
    return passage;
  }

  /** Another server stands behind the node, or the same one has come back: what was late there says nothing now. */
  reset(): void {
    this.#dismissCanary();
    this.#open();
  }

  #open(): void {
    this.#late = 0;
    this.#closed = false;
    this.#forgetCanary();
  }

  #dismissCanary(): void {
    const giveUp = this.#giveUp;
    this.#forgetCanary();
    giveUp?.();
  }

  #forgetCanary(): void {
    clearTimeout(this.#life);
    this.#canary = null;
    this.#giveUp = null;
  }
}

/** What those are told who are turned away. */
export function commitsWait(): DatabaseError {
  return new DatabaseError(
    "busy",
    "COMMITS_WAIT",
    "The database's commits wait for its standby, and it takes no more of them.",
  );
}
