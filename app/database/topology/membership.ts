import type { DiscoveryProblem, Listing, Member } from "./discovery.ts";
import type { DiscoveryStatus, NodeDefinition } from "./states.ts";

/**
 * For how long there is no writer before the nodes that the configuration names are asked too: all that the list
 * knew may have been replaced meanwhile.
 */
const ASK_NAMED_AFTER_MS = 1_000;

/** A node that is to be watched. */
export interface Wanted {
  readonly id: string;
  readonly define: () => NodeDefinition;
}

/**
 * Which nodes are to be watched: those that the configuration names, and those that the cluster lists. The named ones
 * are let go once a listed one is met as the writer, and not before: a list is of no use to one who cannot reach its
 * hosts. They are taken up again where there is no writer.
 */
export class Membership {
  readonly #named: readonly NodeDefinition[];
  readonly #define: ((member: Member) => NodeDefinition) | undefined;
  #members: readonly Member[] = [];
  #asksNamed = true;
  #listedAt: Date | null = null;
  #problem: DiscoveryProblem | null = null;

  constructor(
    named: readonly NodeDefinition[],
    define: ((member: Member) => NodeDefinition) | undefined,
  ) {
    this.#named = named;
    this.#define = define;
  }

  get status(): Omit<DiscoveryStatus, "flavour"> {
    return { listedAt: this.#listedAt, problem: this.#problem };
  }

  /** The listed ones first: they are followed faster than a name that has to be moved. */
  get wanted(): readonly Wanted[] {
    const define = this.#define;
    const listed = define
      ? this.#members.map((member) => ({ id: member.id, define: () => define(member) }))
      : [];
    const named = this.#asksNamed
      ? this.#named.map((definition) => ({ id: definition.id, define: () => definition }))
      : [];
    return [...listed, ...named.filter(({ id }) => !this.#isListed(id))];
  }

  /**
   * Takes over what the cluster lists; where it lists nothing, the last list goes on to count.
   *
   * @returns Whether {@link wanted} has changed.
   */
  take(listing: Listing): boolean {
    if ("problem" in listing) {
      this.#problem = listing.problem;
      return false;
    }
    this.#problem = null;
    this.#listedAt = new Date();
    const before = this.#members;
    this.#members = listing.members;
    return (
      before.length !== listing.members.length ||
      !listing.members.every(({ id }) => before.some((member) => member.id === id))
    );
  }

  /**
   * Follows who the writer is, and how long there has been none.
   *
   * @returns Whether {@link wanted} has changed.
   */
  follow(writer: string | null, withoutWriterMs: number): boolean {
    const before = this.#asksNamed;
    if (writer !== null && this.#isListed(writer)) this.#asksNamed = false;
    if (writer === null && withoutWriterMs > ASK_NAMED_AFTER_MS) this.#asksNamed = true;
    return before !== this.#asksNamed;
  }

  #isListed(id: string): boolean {
    return this.#members.some((member) => member.id === id);
  }
}
