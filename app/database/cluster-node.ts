import { CommitGate, commitsWait } from "./commit-gate.ts";
import type { DirectAddress } from "./direct.ts";
import { DatabaseError } from "./errors.ts";
import { GuardedClient, type ConnectionTarget } from "./guarded-client.ts";
import type { HotStatements } from "./hot-statements.ts";
import { connectBudget, Pool } from "./pool.ts";
import type { NameResolver } from "./resolver.ts";
import { SlowStart } from "./slow-start.ts";
import type { NodeAddress } from "./targets.ts";
import type { NodeDefinition } from "./topology/monitor.ts";

export interface ClusterNodeOptions {
  readonly address: NodeAddress;
  /** The server itself, where `address` is a pooler in front of it. */
  readonly direct: DirectAddress | null;
  readonly resolver: NameResolver;
  readonly poolSize: number;
  readonly preparedStatements: boolean;
  /** What is asked again and again under either role, on whichever node. */
  readonly hot: { readonly app: HotStatements; readonly system: HotStatements };
}

const CONNECT_TIMEOUT_MS = 1_000;
/** Enough for reads to go on while every write waits for its commit. */
const READ_RESERVE = 2;
/** For the one session that listens. */
const SESSION_RESERVE = 1;

/** One node or endpoint with the connections to it: for merchants, for work across shops, and for probes. */
export class ClusterNode {
  readonly id: string;
  readonly definition: NodeDefinition;
  readonly app: Pool;
  readonly system: Pool;
  /** For what lives in a session: on the server itself, always. */
  readonly sessions: Pool;
  /** Whether somebody else decides which server the next transaction meets. */
  readonly pooled: boolean;
  /** Where writes wait when it has just taken over. */
  readonly slowStart: SlowStart;
  /** What every write goes through. */
  readonly commits = new CommitGate(() => {
    this.app.refuseWrites(commitsWait());
    this.system.refuseWrites(commitsWait());
  });

  constructor(options: ClusterNodeOptions) {
    const { address, direct, resolver, poolSize, preparedStatements, hot } = options;
    this.id = address.id;
    this.pooled = direct !== null;
    const connect = (
      target: ConnectionTarget,
      applicationName: string,
      connectTimeoutMs: number,
      statements?: HotStatements,
    ) =>
      GuardedClient.connect({
        target,
        resolver,
        connectTimeoutMs,
        preparedStatements,
        ...(statements && !this.pooled ? { hot: statements } : {}),
        applicationName,
      });
    const systemSize = Math.max(2, Math.ceil(poolSize / 2));
    const budget = connectBudget(poolSize + systemSize);
    this.slowStart = new SlowStart(poolSize + systemSize);
    this.app = new Pool({
      connect: () => connect(address.app, "evenkeel", CONNECT_TIMEOUT_MS, hot.app),
      size: poolSize,
      readReserve: READ_RESERVE,
      // All of them: when it has to take over is the worst moment to connect.
      warm: poolSize + READ_RESERVE,
      budget,
    });
    this.system = new Pool({
      connect: () => connect(address.system, "evenkeel-system", CONNECT_TIMEOUT_MS, hot.system),
      size: systemSize,
      readReserve: SESSION_RESERVE,
      warm: systemSize + SESSION_RESERVE,
      budget,
    });
    this.sessions = direct
      ? new Pool({
          connect: () => connect(direct.system, "evenkeel-session", CONNECT_TIMEOUT_MS),
          size: SESSION_RESERVE,
        })
      : this.system;
    this.definition = {
      id: address.id,
      kind: address.kind,
      connect: (timeoutMs) =>
        connect((direct ?? address).app, "evenkeel-monitor", timeoutMs).catch((error: unknown) => {
          if (direct !== null || !isFull(error)) throw error;
          return this.app.giveAway(AbortSignal.timeout(timeoutMs)).catch(() => {
            throw error;
          });
        }),
    };
  }

  warm(): void {
    this.app.warm();
    this.system.warm();
    this.sessions.warm();
  }

  /** It does not answer: nobody waits for it any more. */
  cool(): void {
    this.app.cool();
    this.system.cool();
    this.sessions.cool();
  }

  /** It is watched no more: what is open is closed, and what is in use when it comes back. */
  letGo(): void {
    this.app.letGo();
    this.system.letGo();
    this.sessions.letGo();
  }

  /** Its name stands for another server, or its server is not to be used: what is open is worth nothing. */
  discardAll(reason: DatabaseError): void {
    this.app.discardAll(reason);
    this.system.discardAll(reason);
    this.sessions.discardAll(reason);
    this.commits.reset();
  }

  close(): void {
    this.app.close();
    this.system.close();
    this.sessions.close();
  }
}

/**
 * Whether a server has no connection to spare. It is well then, and must not be taken for one that does not answer:
 * one of those that we have is worth more as a probe.
 */
function isFull(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "53300";
}
