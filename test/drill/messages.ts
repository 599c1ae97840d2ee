import type { ClusterTargets } from "../../app/database/targets.ts";
import type { KeySpace } from "./workload.ts";

/** What every process of a drill is told when it starts. */
export interface ProcessConfig {
  /** Names it in the history. */
  readonly name: string;
  /** See `clockOrigin`. */
  readonly originMs: number;
  readonly historyFile: string;
}

/** Parts that can be left out, to show that the drill sees what they are there for. */
export const withoutNames = ["retention", "fence", "operation-id"] as const;

export type Without = (typeof withoutNames)[number];

export interface WorkerConfig extends ProcessConfig {
  /** Address of the module whose `openInstance` opens its database. */
  readonly instanceModule: string;
  readonly keys: KeySpace;
  readonly targets: ClusterTargets;
  readonly nameServers: readonly string[];
  readonly poolSize: number;
  readonly readers: number;
  readonly deadlineMs: number;
  /** Null where no disk outlives the process. */
  readonly journalDir: string | null;
  /** What each of the journal's fsyncs takes longer than it does. */
  readonly slowFsyncMs: number;
  /** Parts that are left out, to see the drill fail. */
  readonly without: readonly Without[];
  /** A worker waits between two operations, at random between these. */
  readonly pauseMs: readonly [least: number, most: number];
}

/** Every 50 ms while it runs. */
export interface WorkerTick {
  readonly type: "tick";
  readonly acked: number;
  readonly reads: number;
  /** For each writer the moment of its last acknowledgement; 0 before the first. */
  readonly lastAckAt: readonly number[];
}

export interface WorkerEnd {
  readonly type: "end";
  readonly eventLoopP99Ms: number;
  readonly eventLoopMaxMs: number;
  /** Exceptions and rejections that nobody caught. */
  readonly uncaught: readonly string[];
  /** Operations that are still on its disk, in line for the database. */
  readonly journaled: readonly string[];
}

export interface TrafficConfig extends ProcessConfig {
  readonly appUrl: string;
  readonly apiKey: string;
  readonly secret: string;
  readonly shop: string;
  /** Differs between any two runs on the same database. */
  readonly run: string;
  readonly webhooksPerSecond: number;
  readonly pagesPerSecond: number;
}

export interface TrafficEnd {
  readonly type: "end";
  readonly sent: number;
  /** Never answered 200, although they were sent again and again. */
  readonly undelivered: number;
}

export interface ObserverConfig {
  readonly originMs: number;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The moment at which the statement of its first committed write was sent. */
export interface ObserverEnd {
  readonly type: "end";
  readonly acceptsWritesAt: number;
}

/** From the parent to any of them. */
export type Order<Config> = { readonly type: "start"; readonly config: Config } | { type: "stop" };
