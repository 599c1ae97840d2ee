import { Writable } from "node:stream";
import { sql } from "drizzle-orm";
import { pino } from "pino";
import { expect, test } from "vitest";
import { z } from "zod";
import { Cluster, type ShopDatabase } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { settings } from "../../app/database/schema.ts";
import { defineWrite } from "../../app/database/write.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { createJobs, type Jobs, type JobsOptions } from "../../app/jobs/jobs.server.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

const data = z.object({ shop: z.string(), n: z.number() });
type Data = z.infer<typeof data>;

const POOL_SIZE = 6;
/** Of one instance, by each name that leads to a server: half as many across shops, and one that listens. */
const SYSTEM_SESSIONS = POOL_SIZE / 2 + 1;

type How = "nodes" | "endpoint";

/** A pair with the schema and the queue, and any number of instances of the app's queue on it. */
async function startQueues(how: How) {
  const pair = await startPostgresPair({ replication: "sync" });
  await migrate({ url: pair.url("owner", "writer"), steps: [installQueue] });
  const open: { jobs: Jobs; cluster: Cluster }[] = [];
  return {
    pair,
    instance(options: Partial<JobsOptions> = {}) {
      const nodes = pair.nodes.map((node) => new URL(pair.url("app", node)).host);
      const cluster = new Cluster({
        url: pair.url("app", "writer"),
        systemUrl: pair.url("system", "writer"),
        poolSize: POOL_SIZE,
        ...(how === "nodes" ? { nodes } : { readerUrl: pair.url("app", "reader") }),
      });
      const logger = createLogger("silent");
      const jobs = createJobs({ cluster, logger, pollSeconds: 0.5, ...options });
      open.push({ jobs, cluster });
      return { jobs, cluster };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map(({ jobs }) => jobs.stop({ timeoutMs: 100 })));
      await Promise.all(open.map(({ cluster }) => cluster.close()));
      await pair.close();
    },
  };
}

/** Things that happen, and the wait for them. */
function happenings<T>() {
  const seen: T[] = [];
  let next = Promise.withResolvers<void>();
  return {
    seen,
    add(item: T) {
      seen.push(item);
      next.resolve();
      next = Promise.withResolvers<void>();
    },
    async until(holds: (seen: readonly T[]) => boolean): Promise<void> {
      while (!holds(seen)) await next.promise;
    },
  };
}

/** The shop's list gets one more number, once per operation id. */
const append = defineWrite("test.append", data, (tx, { n }, { shop }) => appendTo(tx, shop, n));

async function appendTo(tx: ShopDatabase, shop: string, n: number): Promise<void> {
  await tx
    .insert(settings)
    .values({ shop, values: { numbers: [n] } })
    .onConflictDoUpdate({
      target: settings.shop,
      set: {
        values: sql`jsonb_build_object('numbers', (${settings.values}->'numbers') || to_jsonb(${n}::int))`,
      },
    });
}

async function numbersOf(pair: PostgresPair, shop: string): Promise<number[]> {
  const rows = await pair.primary.query<{ n: string }>(
    `select jsonb_array_elements(values->'numbers')::text as n from settings where shop = '${shop}'`,
    { database: databaseOf(pair) },
  );
  return rows.map(({ n }) => Number(n)).sort((a, b) => a - b);
}

const databaseOf = (pair: PostgresPair) =>
  decodeURIComponent(new URL(pair.url("owner", "writer")).pathname.slice(1));

const faults: Record<string, (pair: PostgresPair) => Promise<void>> = {
  "a killed primary": async (pair) => {
    await pair.crash(pair.primary);
    await pair.failover();
  },
  "a frozen primary that wakes up as a stranger": async (pair) => {
    const old = pair.primary;
    await pair.freeze(old);
    await pair.failover({ connections: "reset" });
    await pair.thaw(old);
  },
  "a planned switch": async (pair) => {
    await pair.shutdownFast(pair.primary);
    await pair.failover({ connections: "reset" });
  },
};

const cases = (["nodes", "endpoint"] as const).flatMap((how) =>
  Object.keys(faults).map((fault) => [how, fault] as const),
);

test.each(cases)(
  "%s: through %s every job is done, with one effect each, and all workers go on",
  async (how, fault) => {
    await using queues = await startQueues(how);
    const { pair } = queues;
    const worked = happenings<Data & { by: number }>();
    const instances = [0, 1].map((by) => {
      const instance = queues.instance();
      instance.jobs.register(
        "work",
        data,
        async (input) => {
          const { shop, n } = input;
          await instance.cluster.write(`done.${shop}`, `${n}`, append, input, {
            deadlineMs: 20_000,
          });
          worked.add({ ...input, by });
        },
        // What was fetched by a statement whose answer was lost is given out again when its heartbeat has ended.
        { concurrency: 2, retryDelaySeconds: 0, heartbeatSeconds: 10 },
      );
      return instance;
    });
    for (const { jobs } of instances) await jobs.start();

    // One adds jobs by themselves; the other with a change, in its transaction.
    const sent = happenings<Data>();
    const failed: unknown[] = [];
    const [first, second] = instances as [(typeof instances)[0], (typeof instances)[0]];
    const change = defineWrite("test.change", data, async (tx, input, { shop }) => {
      await appendTo(tx, shop, input.n);
      await second.jobs.enqueue<Data>("work", input, { tx });
    });
    const senders: Record<string, (input: Data) => Promise<unknown>> = {
      alone: (input) => first.jobs.enqueue<Data>("work", input),
      with: (input) =>
        second.cluster.write(input.shop, `send ${input.n}`, change, input, { deadlineMs: 20_000 }),
    };
    let ended = false;
    const sending = Object.entries(senders).map(async ([shop, send]) => {
      for (let n = 0; !ended; n++) {
        // What is sent is asked for once more than it is done, so that the queue does not grow with the outage.
        await worked.until((all) => ended || all.filter((one) => one.shop === shop).length > n - 8);
        await send({ shop, n }).then(
          () => sent.add({ shop, n }),
          (error: unknown) => failed.push(error),
        );
      }
    });
    const countOf = (all: readonly Data[], shop: string) =>
      all.filter((one) => one.shop === shop).length;
    const inBoth = (count: number) => (all: readonly Data[]) =>
      Object.keys(senders).every((shop) => countOf(all, shop) >= count);

    await worked.until(inBoth(20));
    await faults[fault]!(pair);
    const before = sent.seen.length;
    await sent.until((all) => all.length >= before + 20);
    // Every instance works again.
    const workedBefore = worked.seen.length;
    await worked.until((all) =>
      [0, 1].every((by) => all.slice(workedBefore).some((one) => one.by === by)),
    );
    ended = true;
    worked.add({ shop: "nobody", n: 0, by: 0 });
    await Promise.all(sending);
    const isDone = ({ shop, n }: Data) =>
      worked.seen.some((one) => one.shop === shop && one.n === n);
    await worked.until(() => sent.seen.every(isDone));

    expect(failed).toEqual([]);
    for (const shop of Object.keys(senders)) {
      const numbers = sent.seen.filter((one) => one.shop === shop).map(({ n }) => n);
      expect(await numbersOf(pair, `done.${shop}`)).toEqual(numbers);
    }
    expect(await numbersOf(pair, "with")).toEqual(await numbersOf(pair, "done.with"));
    const sessions = await pair.primary.query(
      "select from pg_stat_activity where application_name = 'evenkeel-system'",
    );
    // The reader's name leads to the promoted node as well as the writer's.
    const names = how === "nodes" ? 1 : 2;
    expect(sessions.length).toBeLessThanOrEqual(instances.length * names * SYSTEM_SESSIONS);
  },
);

// Those from here on mostly wait for the queue's own intervals, so they wait together.
const TOGETHER = { concurrent: true };

test("workers are told of new jobs by the new writer as well", TOGETHER, async () => {
  await using queues = await startQueues("nodes");
  const { pair } = queues;
  const { jobs } = queues.instance({ pollSeconds: 600 });
  const worked = happenings<number>();
  jobs.register("work", data, async ({ n }) => worked.add(n));
  await jobs.start();
  await jobs.enqueue<Data>("work", { shop: "one", n: 1 });
  await worked.until((all) => all.includes(1));
  await pair.crash(pair.primary);
  await pair.failover();
  await jobs.enqueue<Data>("work", { shop: "one", n: 2 });
  await worked.until((all) => all.includes(2));
});

test("a job whose end falls into a failover is not run again", TOGETHER, async () => {
  await using queues = await startQueues("nodes");
  const { pair } = queues;
  const { jobs } = queues.instance();
  const worked = happenings<number>();
  const end = Promise.withResolvers<void>();
  jobs.register(
    "work",
    data,
    async ({ n }, { attempt }) => {
      worked.add(n * 10 + attempt);
      if (n === 1) await end.promise;
    },
    { retryDelaySeconds: 0, heartbeatSeconds: 60 },
  );
  await jobs.start();
  await jobs.enqueue<Data>("work", { shop: "one", n: 1 });
  await worked.until((all) => all.length === 1);
  await pair.crash(pair.primary);
  end.resolve();
  await pair.failover();
  // The queue has one worker: it has told the end of the first job before it begins the second.
  await jobs.enqueue<Data>("work", { shop: "one", n: 2 });
  await worked.until((all) => all.includes(21));
  expect(worked.seen).toEqual([11, 21]);
  const states = await pair.primary.query<{ state: string }>(
    "select state from pgboss.job where data->>'n' = '1'",
    { database: databaseOf(pair) },
  );
  expect(states).toEqual([{ state: "completed" }]);
});

test("what a schedule missed in an outage is made up for, once", TOGETHER, async () => {
  await using queues = await startQueues("nodes");
  const { pair } = queues;
  const { jobs } = queues.instance();
  const worked = happenings<number>();
  jobs.register("hourly", data, async ({ n }) => worked.add(n));
  // Was due five minutes ago.
  const { minute } = (
    await pair.primary.query<{ minute: string }>(
      "select date_part('minute', now() - interval '5 minutes') as minute",
    )
  )[0]!;
  jobs.schedule<Data>("hourly", `${minute} * * * *`, { shop: "one", n: 1 });
  await jobs.start();
  await pair.crash(pair.primary);
  await pair.failover();
  // As if nobody had looked at an old schedule for longer; the queue looks twice a minute.
  for (const text of [
    "update pgboss.schedule set created_on = now() - interval '1 hour'",
    "update pgboss.version set cron_on = now() - interval '10 minutes'",
  ]) {
    await pair.primary.query(text, { database: databaseOf(pair) });
  }
  await worked.until((all) => all.length > 0);
  const added = await pair.primary.query("select from pgboss.job where name = 'hourly'", {
    database: databaseOf(pair),
  });
  expect(added).toHaveLength(1);
});

test("a job is added once, also where the answer to that was lost", TOGETHER, async () => {
  await using queues = await startQueues("endpoint");
  const { pair } = queues;
  const { jobs } = queues.instance();
  jobs.register("work", data, async () => {}, { policy: "exclusive" });
  await jobs.start();
  let commits = 0;
  const match = new (class extends RegExp {
    override test(text: string): boolean {
      return super.test(text) && commits++ % 2 === 0;
    }
  })(/COMMIT\0/);
  pair.writer.addToxic("cut", { type: "lost_answer", match });
  const inAnHour = new Date(Date.now() + 3_600_000);
  const ids: (string | null)[] = [];
  for (let n = 0; n < 10; n++) {
    const options = { singletonKey: `${n}`, startAfter: inAnHour };
    ids.push(await jobs.enqueue<Data>("work", { shop: "one", n }, options));
  }
  expect(commits).toBeGreaterThan(10);
  const added = await pair.primary.query<{ id: string }>(
    "select id from pgboss.job where name = 'work' order by (data->>'n')::int",
    { database: databaseOf(pair) },
  );
  expect(added.map(({ id }) => id)).toEqual(ids);
});

const WAITS = "the queue waits for the database";
const GOES_ON = "the queue goes on";

/** A logger whose lines can be waited for. */
function recordingLogger() {
  const lines = happenings<{ level: number; msg: string }>();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.add(JSON.parse(chunk.toString()) as { level: number; msg: string });
      done();
    },
  });
  return { lines, logger: pino({ level: "debug" }, stream) };
}

test("an outage is said once when it begins and once when it is over", TOGETHER, async () => {
  await using queues = await startQueues("nodes");
  const { pair } = queues;
  const { lines, logger } = recordingLogger();
  const { jobs, cluster } = queues.instance({ logger });
  // A busy machine may see more of them than the one.
  let outages = 0;
  cluster.monitor.events.on("state", ({ to }) => to === "noWriter" && outages++);
  const worked = happenings<number>();
  jobs.register("work", data, async ({ n }) => worked.add(n), { concurrency: 4 });
  await jobs.start();
  await pair.crash(pair.primary);
  await lines.until((all) => all.some(({ msg }) => msg === WAITS));
  // Each worker has been disappointed at least once by then.
  await expect(jobs.enqueue<Data>("work", { shop: "one", n: 1 })).rejects.toMatchObject({
    kind: "notExecuted",
  });
  await pair.failover();
  await jobs.enqueue<Data>("work", { shop: "one", n: 2 });
  await worked.until((all) => all.includes(2));
  await lines.until((all) => all.at(-1)?.msg === GOES_ON);
  const said = lines.seen.map(({ msg }) => msg);
  expect(said).toEqual(said.map((_, n) => (n % 2 === 0 ? WAITS : GOES_ON)));
  expect(said.length / 2).toBeLessThanOrEqual(outages);
});

test(
  "an instance that starts and stops in an outage leaves its work to the others",
  TOGETHER,
  async () => {
    await using queues = await startQueues("nodes");
    const { pair } = queues;
    const { jobs } = queues.instance();
    const worked = happenings<string>();
    const aborted = Promise.withResolvers<void>();
    const options = { heartbeatSeconds: 10, retryDelaySeconds: 0 };
    jobs.register(
      "work",
      data,
      async (_data, { signal }) => {
        signal.addEventListener("abort", () => aborted.resolve());
        worked.add("first");
        await new Promise(() => {});
      },
      options,
    );
    await jobs.start();
    await jobs.enqueue<Data>("work", { shop: "one", n: 1 });
    await worked.until((all) => all.length === 1);
    await pair.crash(pair.primary);
    await jobs.stop({ timeoutMs: 100 });
    await aborted.promise;

    // One that starts now comes up, may end again, and where it does not, works when there is a writer.
    const passing = queues.instance().jobs;
    passing.register("work", data, async () => worked.add("passing"), options);
    await passing.start();
    await passing.stop();
    const next = queues.instance().jobs;
    next.register(
      "work",
      data,
      async (_data, { attempt }) => worked.add(`next ${attempt}`),
      options,
    );
    await next.start();
    await pair.failover();
    await worked.until((all) => all.length === 2);
    expect(worked.seen).toEqual(["first", "next 2"]);
  },
);
