import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { fromDrizzle, PgBoss, type Job as BossJob } from "pg-boss";
import type { z } from "zod";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { toDatabaseError, type DatabaseError } from "../database/errors.ts";
import type { Logger } from "../observability/logger.server.ts";
import { execute } from "./executor.ts";
import { QUEUE_SCHEMA } from "./install.ts";
import { QueueDatabase } from "./queue-database.ts";

/** One run of a job, as its handler sees it. */
export interface Job {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Whether the queue gives up on the job if this run fails too. */
  readonly lastAttempt: boolean;
  /**
   * Aborted when the job is no longer this handler's: the process stops without waiting any longer, the run
   * took too long, or the queue lost sight of it and has given it to someone else. What is done after that
   * may be done twice.
   */
  readonly signal: AbortSignal;
}

/** Does one job. Resolving completes it; rejecting puts it back, to be run again after a while. */
export type JobHandler<T> = (data: T, job: Job) => Promise<void>;

export interface QueueOptions {
  /** How many of the queue's jobs this process runs at the same time. Default 1. */
  readonly concurrency?: number;
  /**
   * What a `singletonKey` means: `standard`, nothing; `short`, one job per key may wait (others may run);
   * `exclusive`, one job per key may wait or run; `singleton`, one per key may run; `key_strict_fifo`, those
   * of one key run one after the other in the order in which they came, a failing one holding up the rest of
   * its key. Fixed when the queue is first made. Default `standard`.
   */
  readonly policy?: "standard" | "short" | "exclusive" | "singleton" | "key_strict_fifo";
  /** How many times a failing job is run again. Default 20, which with the delays below is about an hour. */
  readonly retryLimit?: number;
  /** Doubles with each retry, with jitter, from here … Default 1. */
  readonly retryDelaySeconds?: number;
  /** … up to here. Default 300. */
  readonly retryDelayMaxSeconds?: number;
  /** How long one run may take before it counts as failed. Default 15 minutes. */
  readonly expireSeconds?: number;
  /**
   * After how long without a sign of life a run counts as dead, its process having been killed: at least 10.
   * Default 15. Supervision looks every 5 seconds.
   */
  readonly heartbeatSeconds?: number;
}

export interface EnqueueOptions {
  /** What the queue's policy makes of jobs of the same key. */
  readonly singletonKey?: string;
  readonly startAfter?: Date;
  /** Higher goes first; within a `key_strict_fifo` key the order stays. Default 0. */
  readonly priority?: number;
  /**
   * Adds the job in this transaction: it exists if, and only if, the transaction commits. The data must name
   * the transaction's shop (`{ shop, … }`).
   */
  readonly tx?: ShopDatabase;
}

/** Which of a queue's jobs are meant: those of certain keys. */
export interface JobSelection {
  /** Keys, each as a job has it. */
  readonly keys?: readonly string[];
  /** The keys' beginnings; an empty one means all. */
  readonly keysStartingWith?: readonly string[];
}

/** Background work that survives the process: at least once, by whichever instance is free. */
export interface Jobs {
  /**
   * Declares a queue and who does its work. Before {@link start}.
   *
   * @param name - Letters, digits, `.`, `-`, `_` and `/`.
   * @param schema - Checks the data when a job is added and again before it is run.
   */
  register<T extends object>(
    name: string,
    schema: z.ZodType<T>,
    handler: JobHandler<T>,
    options?: QueueOptions,
  ): void;
  /**
   * Adds a job.
   *
   * @returns Its id, or null where the queue's policy had room for one of that key only.
   * @throws DatabaseError when it could not be stored; `unknown` may have been.
   */
  enqueue<T extends object>(
    name: string,
    data: T,
    options?: EnqueueOptions,
  ): Promise<string | null>;
  /**
   * Lets jobs go at once that wait for a later time, since they are new to be run or since they failed. The order within
   * a key stays. A hint: what is being settled at this very moment can be missed.
   *
   * @param options.tx - Does so if, and only if, this transaction commits, and only with jobs of its shop.
   * @returns How many jobs no longer wait.
   * @throws DatabaseError
   */
  hurry(
    name: string,
    selection: JobSelection,
    options?: { readonly tx?: ShopDatabase },
  ): Promise<number>;
  /** Adds a job each time that `cron` (UTC) comes round, once however many instances there are. Before {@link start}. */
  schedule<T extends object>(name: string, cron: string, data: T): void;
  /**
   * Starts to work. Where the database is away it says so in the log and resolves all the same: the work then begins
   * when there is a writer.
   */
  start(): Promise<void>;
  /**
   * Takes no more jobs, and waits for those that run. What has not ended after `timeoutMs` is aborted and put
   * back for another instance; where the database is away, another one takes it up when its heartbeat has ended.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface JobsOptions {
  readonly cluster: Cluster;
  readonly logger: Logger;
  /**
   * Whether workers are told of new jobs at once, which takes a session of one's own. Off behind PgBouncer in transaction
   * mode: they then find them at their next look. Default on.
   */
  readonly listen?: boolean;
  /** How often workers look for jobs of which nobody told them: those that come due, and lost notifications. Default 2. */
  readonly pollSeconds?: number;
}

const DEFAULTS = {
  concurrency: 1,
  policy: "standard",
  retryLimit: 20,
  retryDelaySeconds: 1,
  retryDelayMaxSeconds: 300,
  expireSeconds: 900,
  heartbeatSeconds: 15,
} as const satisfies Required<QueueOptions>;

/**
 * What pg-boss has for this, `update`, takes one key at a time. Rows in somebody else's hands are being fetched, or
 * hurried; to wait for them could be a deadlock. `keep_until` moves along, as there. The workers of all instances are
 * told, where they listen.
 */
const HURRY = `
  with waiting as (
    select name, id from ${QUEUE_SCHEMA}.job_common
    where name = $1::text and state in ('created', 'retry') and start_after > ${QUEUE_SCHEMA}.job_now()
      and (singleton_key = any($3::text[])
        or exists (select from unnest($4::text[]) as beginning where starts_with(singleton_key, beginning)))
    for update skip locked
  ), hurried as (
    update ${QUEUE_SCHEMA}.job_common as job
    set start_after = ${QUEUE_SCHEMA}.job_now(),
      keep_until = keep_until - (start_after - ${QUEUE_SCHEMA}.job_now())
    from waiting where job.name = waiting.name and job.id = waiting.id
    returning 1
  )
  select count(*) as hurried,
    case when count(*) > 0 and $2::text is not null then pg_notify($2::text, $1::text)::text end as told
  from hurried`;

const SUPERVISE_SECONDS = 5;
/** pg-boss's own, for what a schedule has made due; as it comes, one that is lost on the way waits for 15 minutes. */
const OCCURRENCES_QUEUE = "__pgboss__send-it";
const DELETE_COMPLETED_AFTER_SECONDS = 86_400;
/** How long a start waits for a writer before it goes on without. */
const START_PATIENCE_MS = 2_000;
const START_RETRY_MS = 500;
const START_RETRY_MAX_MS = 15_000;
const DRAIN_TIMEOUT_MS = 20_000;
/** How long the end of the last handlers may take to reach the database. */
const LAST_WORDS_MS = 2_000;

interface Registration {
  readonly name: string;
  readonly schema: z.ZodType<object>;
  readonly handler: JobHandler<object>;
  readonly options: Required<QueueOptions>;
}

interface Schedule {
  readonly name: string;
  readonly cron: string;
  readonly data: object;
}

/** Makes the queue; nothing talks to the database before {@link Jobs.start} or the first {@link Jobs.enqueue}. */
export function createJobs(options: JobsOptions): Jobs {
  return new BossJobs(options);
}

class BossJobs implements Jobs {
  readonly #cluster: Cluster;
  readonly #database: QueueDatabase;
  readonly #boss: PgBoss;
  readonly #logger: Logger;
  readonly #pollSeconds: number;
  readonly #registrations = new Map<string, Registration>();
  readonly #schedules: Schedule[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #started: Promise<void> | undefined;
  #retrying: Promise<void> | undefined;
  #begun = false;
  #awaySince: number | null = null;

  constructor({ cluster, logger, listen = true, pollSeconds = 2 }: JobsOptions) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#pollSeconds = pollSeconds;
    this.#database = new QueueDatabase(cluster, (failure) => this.#noteOutcome(failure));
    this.#boss = new PgBoss({
      db: this.#database,
      schema: QUEUE_SCHEMA,
      // The release step makes the tables; a running instance has not the rights to.
      migrate: false,
      createSchema: false,
      reindex: false,
      monitorVacuum: false,
      useListenNotify: listen,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      maintenanceIntervalSeconds: 3600,
      persistWarnings: false,
    });
    // Each worker and timer says for itself that the database is away; it has been said once.
    this.#boss.on("error", (error) => {
      if (!isOutage(error)) logger.warn({ problem: error.message }, "queue error");
    });
    this.#boss.on("warning", ({ message }) => logger.warn({ problem: message }, "queue warning"));
  }

  register<T extends object>(
    name: string,
    schema: z.ZodType<T>,
    handler: JobHandler<T>,
    options: QueueOptions = {},
  ): void {
    if (this.#started) throw new Error(`The queue ${name} was declared after the start.`);
    if (this.#registrations.has(name)) throw new Error(`The queue ${name} was declared twice.`);
    this.#registrations.set(name, {
      name,
      schema,
      handler: handler as JobHandler<object>,
      options: { ...DEFAULTS, ...options },
    });
  }

  schedule<T extends object>(name: string, cron: string, data: T): void {
    if (this.#started) throw new Error(`${name} was scheduled after the start.`);
    this.#schedules.push({ name, cron, data });
  }

  async enqueue<T extends object>(
    name: string,
    data: T,
    { tx, singletonKey, startAfter, priority }: EnqueueOptions = {},
  ): Promise<string | null> {
    const checked = this.#registrations.get(name)?.schema.parse(data) ?? data;
    const id = randomUUID();
    try {
      const added = await this.#boss.send(name, checked, {
        id,
        ...(singletonKey === undefined ? {} : { singletonKey }),
        ...(startAfter === undefined ? {} : { startAfter }),
        ...(priority === undefined ? {} : { priority }),
        ...(tx ? { db: fromDrizzle(tx, sql) } : {}),
      });
      if (added !== null || tx) return added;
      // An insert whose answer was lost is not made twice, and looks then as if the queue had had no room.
      const [known] = await this.#boss.findJobs(name, { id });
      return known ? id : null;
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  async hurry(
    name: string,
    { keys = [], keysStartingWith = [] }: JobSelection,
    { tx }: { tx?: ShopDatabase } = {},
  ): Promise<number> {
    const values = [name, this.#database.channel, keys, keysStartingWith];
    try {
      const { rows } = tx
        ? await execute(tx, HURRY, values)
        : await this.#database.executeSql(HURRY, values);
      return Number(rows[0]?.["hurried"]);
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  async start(): Promise<void> {
    this.#started ??= this.#startUp();
    await this.#started;
  }

  async stop({ timeoutMs = DRAIN_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.#stopping.abort();
    if (!this.#begun) this.#database.abandon(AbortSignal.timeout(LAST_WORDS_MS));
    await this.#started;
    await this.#retrying;
    const drained = Promise.all(
      [...this.#registrations.keys()].map((name) => this.#boss.offWork(name, { wait: true })),
    );
    const stopped = new AbortController();
    await Promise.race([drained, after(timeoutMs, stopped.signal), this.#quiet(stopped.signal)]);
    stopped.abort();
    // Whoever still waits for the database is sent away; what is to be said now has a moment in which it can be.
    this.#database.abandon(AbortSignal.timeout(LAST_WORDS_MS));
    // Aborts what still runs and puts it back.
    await this.#boss.stop({ graceful: false });
  }

  async #startUp(): Promise<void> {
    this.#cluster.start();
    const patience = AbortSignal.any([
      AbortSignal.timeout(START_PATIENCE_MS),
      this.#stopping.signal,
    ]);
    if ((await this.#cluster.monitor.waitForWriter(patience)) === null) {
      this.#logger.warn("the queue starts when the database has a writer");
    } else if (await this.#begins()) return;
    this.#retrying = this.#keepTrying();
  }

  async #keepTrying(): Promise<void> {
    const { signal } = this.#stopping;
    for (let delayMs = START_RETRY_MS; ; delayMs = Math.min(2 * delayMs, START_RETRY_MAX_MS)) {
      await this.#cluster.monitor.waitForWriter(signal);
      if (signal.aborted) return;
      if (await this.#begins()) return this.#logger.info("queue started");
      await after(delayMs, signal);
    }
  }

  async #begins(): Promise<boolean> {
    try {
      // What an attempt before has begun must not work twice.
      await this.#boss.stop({ graceful: false });
      await this.#begin();
      this.#begun = true;
      return true;
    } catch (error) {
      if (!isOutage(error)) {
        const problem = error instanceof Error ? error.message : String(error);
        this.#logger.warn({ problem }, "queue not started, trying again");
      }
      return false;
    }
  }

  async #begin(): Promise<void> {
    await this.#boss.start();
    await this.#boss.updateQueue(OCCURRENCES_QUEUE, retriesOf(DEFAULTS));
    for (const registration of this.#registrations.values()) await this.#declare(registration);
    for (const { name, cron, data } of this.#schedules) {
      // What fell into an outage is made up for, once.
      await this.#boss.schedule(name, cron, data, { tz: "UTC", missed: "once" });
    }
    for (const registration of this.#registrations.values()) await this.#work(registration);
  }

  /** Resolves when no handler has run for a moment: what workers then wait for is the database. */
  async #quiet(signal: AbortSignal): Promise<void> {
    do {
      await Promise.allSettled(this.#running);
      await after(LAST_WORDS_MS, signal);
    } while (this.#running.size > 0 && !signal.aborted);
  }

  /** Says once that the database is away, and once that it is back. */
  #noteOutcome(failure: DatabaseError | null): void {
    if (failure && this.#awaySince === null) {
      this.#awaySince = Date.now();
      this.#logger.warn({ problem: failure.code }, "the queue waits for the database");
    } else if (!failure && this.#awaySince !== null) {
      const awayMs = Date.now() - this.#awaySince;
      this.#awaySince = null;
      this.#logger.info({ awayMs }, "the queue goes on");
    }
  }

  /** A queue is a row, not a table: no DDL, so the system role may do it when a release brings a new one. */
  async #declare({ name, options }: Registration): Promise<void> {
    const wanted = {
      ...retriesOf(options),
      deleteAfterSeconds: DELETE_COMPLETED_AFTER_SECONDS,
      notify: true,
    };
    await this.#boss.createQueue(name, { ...wanted, policy: options.policy });
    await this.#boss.updateQueue(name, wanted);
  }

  async #work(registration: Registration): Promise<void> {
    for (let i = 0; i < registration.options.concurrency; i++) {
      // One worker at a time, since each has to be told by its own id to look again.
      const workerId: string = await this.#boss.work<object>(
        registration.name,
        {
          pollingIntervalSeconds: this.#pollSeconds,
          notifyPollingIntervalSeconds: this.#pollSeconds,
        },
        async ([job]) => {
          if (!job) return;
          const run = this.#run(registration, job);
          this.#running.add(run);
          try {
            await run;
          } finally {
            this.#running.delete(run);
            await this.#writer(job.signal);
            // Several jobs added at once wake a worker once; without this the next one would wait for a poll.
            this.#boss.notifyWorker(workerId);
          }
        },
      );
    }
  }

  /** Without a writer nobody can be told how the job has ended, and it would be run again. */
  async #writer(signal: AbortSignal): Promise<void> {
    await this.#cluster.monitor.waitForWriter(AbortSignal.any([signal, this.#stopping.signal]));
  }

  async #run({ name, schema, handler, options }: Registration, job: BossJob): Promise<void> {
    const attempt = job.retryCount + 1;
    const lastAttempt = job.retryCount >= options.retryLimit;
    try {
      const data = schema.parse(job.data);
      await handler(data, { id: job.id, attempt, lastAttempt, signal: job.signal });
    } catch (error) {
      this.#logger.warn(
        { queue: name, job: job.id, attempt, lastAttempt, err: error },
        "job failed",
      );
      // The queue stores what it is given with all its properties and causes, and those can hold personal data.
      // eslint-disable-next-line preserve-caught-error
      throw new Error(error instanceof Error ? error.message : String(error));
    }
  }
}

/** What becomes of a job whose run fails, or whose process dies. */
function retriesOf(options: Required<QueueOptions>) {
  return {
    retryLimit: options.retryLimit,
    retryDelay: options.retryDelaySeconds,
    retryBackoff: true,
    retryDelayMax: options.retryDelayMaxSeconds,
    expireInSeconds: options.expireSeconds,
    heartbeatSeconds: options.heartbeatSeconds,
  };
}

/** Whether the database, and not the statement, is to blame; pg-boss hands on copies of errors as well. */
function isOutage(error: unknown): boolean {
  const { kind } = Object(error) as { kind?: unknown };
  return kind !== undefined && kind !== ("permanent" satisfies DatabaseError["kind"]);
}

/** Resolves after a while, or as soon as `signal` is aborted. */
function after(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
