import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import type { PostgresNode, PostgresPair, Replication } from "../sandbox/postgres/index.ts";
import { ROLE_NAMES } from "../sandbox/postgres/roles.ts";
import type { ClientNetwork, Topology } from "./network.ts";
import { SmallDisk } from "./small-disk.ts";

/** The moments of a run, in the drill's time. */
export interface Marks {
  faultAt: number;
  /** When the promotion was asked for, where from then on nobody but the promoted node can take writes. */
  promotedFrom: number | null;
  /** From when on a node took writes (again), by the observer. */
  acceptsWritesAt: number | null;
  /** When the names had been moved to it; null where they never were. */
  movedAt: number | null;
  /** What the run is over with; the old primary may come back unfenced, and is rejoined. */
  healAt: number | null;
  /** When a way to a node, or the node behind it, was there again: connects may come in a burst then. */
  reachable: { node: string; at: number }[];
  /** While two nodes took writes, where that was the fault. */
  split?: { from: number; until: number };
}

/** What a fault is played on. */
export interface Stage {
  readonly pair: PostgresPair;
  readonly topology: Topology;
  /** The first instance's, the second's where the fault has two, and the app's. */
  readonly networks: readonly ClientNetwork[];
  readonly second: ClientNetwork;
  readonly app: ClientNetwork | null;
  readonly marks: Marks;
  /** How long after the fault the promotion is asked for. */
  readonly promoteDelayMs: number;
  now(): number;
  /** Writes that have been acknowledged so far, by any instance. */
  acked(): number;
  /** Watches a node that takes no writes for the moment at which it does. */
  observe(node: PostgresNode): void;
  /** Comes back when it does. */
  accepted(): Promise<void>;
  note(line: string): void;
  /** Sets a number that says how hard the fault bit. */
  bite(what: "commitsBeyondStandby" | "answersCut" | "fullFileSystem", count: number): void;
}

export const faultNames = [
  "crash",
  "freeze",
  "blackhole",
  "reset",
  "shutdown",
  "demote",
  "replica-lost",
  "no-writer",
  "outage",
  "exhaustion",
  "mid-commit",
  "lossy",
  "split",
  "stale-dns",
  "disk-full",
] as const;

export type FaultName = (typeof faultNames)[number];

export interface Fault {
  readonly what: string;
  readonly topologies: readonly Topology[];
  /** What it is played with unless told otherwise; the only one where there is a reason for it. */
  readonly replication: Replication;
  readonly replicationIsFixed?: true;
  readonly instances: 1 | 2;
  /** Whether the standby becomes the primary, so that what the client adds to it can be said. */
  readonly promotes: boolean;
  /** Does it, up to where writes can go on. */
  readonly inject: (stage: Stage) => Promise<void>;
  /** Ends it while the load goes on. */
  readonly heal: (stage: Stage) => Promise<void>;
}

/** A server has noticed by then that a connection was cut. */
const SETTLING_MS = 50;
const BOTH: readonly Topology[] = ["nodes", "endpoint"];
/**
 * An old primary that came back believes for so long that it still is one: long enough for everybody to find it, who
 * asks a node that does not answer once or twice in two seconds.
 */
const UNFENCED_MS = 4_000;

const common = { topologies: BOTH, replication: "sync", instances: 1 } as const;

export const faults: Readonly<Record<FaultName, Fault>> = {
  crash: {
    ...common,
    what: "the primary is killed and its standby promoted; the old one comes back unfenced, then rejoins",
    promotes: true,
    async inject(stage) {
      stage.observe(stage.pair.standby);
      await begin(stage, () => stage.pair.crash(stage.pair.primary));
      await promote(stage);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await stage.pair.start(old);
      reachable(stage, old);
      await rejoinLater(stage, old);
    },
  },

  freeze: {
    ...common,
    what: "every process of the primary stops where it stands; it wakes up after the promotion",
    promotes: true,
    async inject(stage) {
      stage.observe(stage.pair.standby);
      await begin(stage, () => stage.pair.freeze(stage.pair.primary));
      await promote(stage);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await stage.pair.thaw(old);
      reachable(stage, old);
      await rejoinLater(stage, old);
    },
  },

  blackhole: {
    ...common,
    what: "nothing passes between the clients and the primary, which goes on; its standby is promoted",
    promotes: true,
    async inject(stage) {
      const old = stage.pair.primary;
      stage.observe(stage.pair.standby);
      await begin(stage, () =>
        Promise.all(stage.networks.map((network) => network.blackhole(old))),
      );
      await promote(stage);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await healNetworks(stage);
      reachable(stage, old);
      await rejoinLater(stage, old);
    },
  },

  reset: {
    ...common,
    what: "every connection is reset, three times within half a second",
    promotes: false,
    async inject(stage) {
      const resetAll = () => stage.networks.forEach((network) => network.reset());
      await begin(stage, resetAll);
      for (const pauseMs of [150, 250]) {
        await wait(pauseMs);
        resetAll();
        for (const node of stage.pair.nodes) reachable(stage, node);
      }
      stage.marks.acceptsWritesAt = stage.now();
    },
    async heal() {},
  },

  shutdown: {
    ...common,
    what: "the primary is shut down in order (sessions end with 57P01) and its standby promoted",
    promotes: true,
    async inject(stage) {
      stage.observe(stage.pair.standby);
      await begin(stage, () => stage.pair.shutdownFast(stage.pair.primary));
      await promote(stage);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await rejoin(stage, old);
    },
  },

  demote: {
    ...common,
    what: "the names still lead to the old primary, which is a standby by now; they move two seconds later",
    promotes: true,
    async inject(stage) {
      const { pair } = stage;
      const old = pair.primary;
      stage.observe(pair.standby);
      await begin(stage, () => pair.shutdownFast(old));
      await wait(stage.promoteDelayMs);
      stage.marks.promotedFrom = stage.now();
      await pair.promote(pair.standby);
      await pair.demote(old);
      reachable(stage, old);
      await stage.accepted();
      await wait(2_000);
      moveNames(stage);
    },
    async heal(stage) {
      await rejoin(stage, stage.pair.standby);
    },
  },

  "replica-lost": {
    ...common,
    what: "the standby freezes, and commits wait for it until the supervisor lets them go; then it is killed and rejoins",
    replicationIsFixed: true,
    promotes: false,
    async inject(stage) {
      const { pair } = stage;
      await begin(stage, () => pair.freeze(pair.standby));
      stage.observe(pair.primary);
      await stage.accepted();
    },
    async heal(stage) {
      const { pair } = stage;
      await wait(2_000);
      await pair.crash(pair.standby);
      await wait(1_000);
      await rejoin(stage, pair.standby);
    },
  },

  "no-writer": {
    ...common,
    what: "the primary is killed and nobody is promoted for 20 s; it comes back as it was",
    promotes: false,
    async inject(stage) {
      const { pair } = stage;
      await begin(stage, () => pair.crash(pair.primary));
      await wait(20_000);
      await pair.start(pair.primary);
      reachable(stage, pair.primary);
      stage.observe(pair.primary);
      await stage.accepted();
    },
    async heal(stage) {
      await stage.pair.supervisor.whenPromotable();
    },
  },

  outage: {
    ...common,
    what: "both nodes are killed and come back as they were after 30 s",
    promotes: false,
    async inject(stage) {
      const { pair } = stage;
      await begin(stage, () => Promise.all(pair.nodes.map((node) => pair.crash(node))));
      await wait(30_000);
      await Promise.all(pair.nodes.map((node) => pair.start(node)));
      for (const node of pair.nodes) reachable(stage, node);
      stage.observe(pair.primary);
      await stage.accepted();
    },
    async heal(stage) {
      await stage.pair.supervisor.whenPromotable();
    },
  },

  exhaustion: {
    ...common,
    what: "an instance's connections are reset, and for 4 s it gets three only, the others have the rest (53300)",
    promotes: false,
    async inject(stage) {
      const { pair } = stage;
      await begin(stage, () => pair.limitConnections(1));
      for (const network of stage.networks) if (network !== stage.app) network.reset();
      // Nobody gets a new one meanwhile: what is left is what the app has.
      await pair.limitConnections((await settledConnections(pair.primary)) + 3);
      await wait(4_000);
      await pair.limitConnections();
      stage.marks.acceptsWritesAt = stage.now();
      for (const node of pair.nodes) reachable(stage, node);
    },
    async heal() {},
  },

  "mid-commit": {
    ...common,
    what: "connections are cut between a commit and its answer",
    promotes: false,
    async inject(stage) {
      const { pair, networks } = stage;
      await asOwner(pair, TELL_COMMITS);
      const cut = new CommitsToCut();
      const other = new SomeMatches(/COMMIT\0/, 0.05);
      await begin(stage, () => {
        for (const network of networks) {
          const match = network === stage.app ? other : cut;
          network.addToxic("mid-commit", { type: "lost_answer", match });
        }
      });
      const giveUpAt = stage.now() + CUTTING_MS;
      while (cut.operations.size < ANSWERS_TO_CUT && stage.now() < giveUpAt) await wait(20);
      stage.bite("answersCut", cut.operations.size);
      await healNetworks(stage);
      stage.marks.acceptsWritesAt = stage.now();
    },
    async heal(stage) {
      await asOwner(stage.pair, "drop trigger drill_tell_commit on drill_entries");
    },
  },

  lossy: {
    ...common,
    replication: "async",
    replicationIsFixed: true,
    what: "the standby is cut off from the primary, which goes on acknowledging, is killed, and the standby promoted",
    promotes: true,
    async inject(stage) {
      const { pair } = stage;
      const { standby } = pair;
      await pair.cutReplication();
      while ((await standby.query("select from pg_stat_wal_receiver")).length > 0) await wait(10);
      const before = stage.acked();
      const giveUpAt = stage.now() + 10_000;
      while (stage.acked() < before + 300 && stage.now() < giveUpAt) await wait(20);
      stage.observe(standby);
      await begin(stage, () => pair.crash(pair.primary));
      stage.bite("commitsBeyondStandby", stage.acked() - before);
      await promote(stage, { force: true });
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await stage.pair.start(old);
      reachable(stage, old);
      await rejoinLater(stage, old);
    },
  },

  split: {
    ...common,
    replication: "async",
    what: "both nodes take writes for 3 s; the second instance can reach the old primary only",
    instances: 2,
    promotes: true,
    async inject(stage) {
      const { pair, second } = stage;
      const { standby } = pair;
      await second.blackhole(standby);
      stage.observe(standby);
      stage.marks.faultAt = stage.now();
      await wait(stage.promoteDelayMs);
      stage.marks.split = { from: stage.now(), until: Infinity };
      await pair.promote(standby, { force: true });
      moveNames(stage, (network) => network !== second);
      await stage.accepted();
      await wait(3_000);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await healNetworks(stage);
      stage.second.moveNames();
      for (const node of stage.pair.nodes) reachable(stage, node);
      await rejoinLater(stage, old);
      if (stage.marks.split) stage.marks.split.until = stage.now();
    },
  },

  "stale-dns": {
    ...common,
    topologies: ["endpoint"],
    what: "the primary is killed and its standby promoted; the name goes on leading to the old one for 5 s",
    promotes: true,
    async inject(stage) {
      const { pair } = stage;
      stage.observe(pair.standby);
      await begin(stage, () => pair.crash(pair.primary));
      await wait(stage.promoteDelayMs);
      stage.marks.promotedFrom = stage.now();
      await pair.promote(pair.standby);
      await stage.accepted();
      await wait(5_000);
      moveNames(stage);
    },
    async heal(stage) {
      const old = stage.pair.standby;
      await stage.pair.start(old);
      reachable(stage, old);
      await rejoinLater(stage, old);
    },
  },

  "disk-full": {
    ...common,
    what: "the file system below the tables is filled for 3 s (53100), then the server made read-only for 3 s, as providers do it",
    promotes: false,
    async inject(stage) {
      const { pair } = stage;
      const disk = await SmallDisk.under(pair, GROWING);
      stage.bite("fullFileSystem", disk ? 1 : 0);
      await begin(stage, () => (disk ? disk.fill() : asOwner(pair, PRETEND_FULL)));
      await wait(3_000);
      await (disk ? disk.free() : asOwner(pair, PRETEND_FREE));
      await pair.setReadOnly(pair.primary, true);
      stage.marks.reachable.push(
        ...pair.nodes.map(({ name }) => ({ node: name, at: stage.now() })),
      );
      await wait(3_000);
      stage.observe(pair.primary);
      await pair.setReadOnly(pair.primary, false);
      await stage.accepted();
      await disk?.remove();
    },
    async heal() {},
  },
};

/** Notes when the fault begins, and does it. */
async function begin(stage: Stage, act: () => unknown): Promise<void> {
  stage.marks.faultAt = stage.now();
  await act();
}

async function promote(stage: Stage, options: { force?: boolean } = {}): Promise<void> {
  const { pair, marks, promoteDelayMs } = stage;
  const { standby } = pair;
  const leftMs = marks.faultAt + promoteDelayMs - stage.now();
  if (leftMs > 0) await wait(leftMs);
  marks.promotedFrom = stage.now();
  await pair.promote(standby, options);
  moveNames(stage);
  await stage.accepted();
}

/** What the provider does when a promotion is through: the names stand for the new primary. */
function moveNames(stage: Stage, concerns: (network: ClientNetwork) => boolean = () => true): void {
  const { pair, networks, marks } = stage;
  pair.moveEndpoint("writer", pair.primary);
  for (const network of networks) if (concerns(network)) network.moveNames();
  marks.movedAt = stage.now();
}

async function healNetworks({ networks }: Stage): Promise<void> {
  await Promise.all(networks.map((network) => network.heal()));
}

function reachable(stage: Stage, node: PostgresNode): void {
  stage.marks.reachable.push({ node: node.name, at: stage.now() });
}

async function rejoinLater(stage: Stage, node: PostgresNode): Promise<void> {
  await wait(UNFENCED_MS);
  await rejoin(stage, node);
}

async function rejoin(stage: Stage, node: PostgresNode): Promise<void> {
  await stage.pair.rejoin(node);
  for (const network of stage.networks) network.moveNames();
  reachable(stage, node);
}

/** How many connections merchants' work has to a node, once those that were cut are gone. */
async function settledConnections(node: PostgresNode): Promise<number> {
  let before = NaN;
  for (;;) {
    const [row] = await node.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity where usename = '${ROLE_NAMES.app}'`,
    );
    const count = row?.count ?? 0;
    if (count === before) return count;
    before = count;
    await wait(SETTLING_MS);
  }
}

async function asOwner(pair: PostgresPair, statements: string): Promise<void> {
  const owner = postgres(pair.primary.url("owner"), { max: 1, onnotice: () => undefined });
  try {
    await owner.unsafe(statements);
  } finally {
    await owner.end();
  }
}

/**
 * Lets the answer to a write's commit name the write: what is set inside a transaction is reported to the client
 * with the answer to its commit, in the same packet.
 */
const TELL_COMMITS = `
  create or replace function drill_tell_commit() returns trigger language plpgsql as
    $$ begin perform set_config('application_name', 'drill ' || new.operation_id, false); return null; end $$;
  create constraint trigger drill_tell_commit after insert on drill_entries
    deferrable initially deferred for each row execute function drill_tell_commit();`;

/** Picks a share of what matches. */
class SomeMatches extends RegExp {
  readonly #share: number;

  constructor(pattern: RegExp, share: number) {
    super(pattern);
    this.#share = share;
  }

  override test(text: string): boolean {
    return super.exec(text) !== null && Math.random() < this.#share;
  }
}

/** The commits of writes whose answers are dropped, each operation's once, so that its repetition gets through. */
class CommitsToCut extends RegExp {
  readonly operations = new Set<string>();

  constructor() {
    super(/COMMIT\0[^]*application_name\0drill ([^\0]+)\0/);
  }

  override test(text: string): boolean {
    const operationId = super.exec(text)?.[1];
    if (
      operationId === undefined ||
      this.operations.has(operationId) ||
      Math.random() > CUT_SHARE
    ) {
      return false;
    }
    this.operations.add(operationId);
    return true;
  }
}

/** Few enough that lost connections can be made up for, at two or three per second. */
const CUT_SHARE = 0.01;
const ANSWERS_TO_CUT = 40;
const CUTTING_MS = 20_000;

/** The tables that a merchant's changes and Shopify's news need room in. */
const GROWING = ["operations", "webhook_deliveries", "drill_registers", "drill_entries"];

/**
 * Where nothing can be mounted: what Postgres says when it cannot extend a file. Statement by statement, as with a
 * full volume: reads go on, and so does the server.
 */
const PRETEND_FULL = `
  create or replace function drill_disk_full() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
  ${GROWING.map(
    (table) => `create or replace trigger drill_disk_full before insert on ${table}
      for each statement execute function drill_disk_full();`,
  ).join("\n")}`;

const PRETEND_FREE = GROWING.map((table) => `drop trigger drill_disk_full on ${table};`).join("\n");
