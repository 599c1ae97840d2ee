import { spawn } from "node:child_process";
import { once } from "node:events";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Cluster } from "../../app/database/cluster.ts";
import { defineWrite } from "../../app/database/write.ts";
import { HurryWhenBack } from "../../app/jobs/hurry-when-back.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { createJobs, type Jobs, type JobsOptions } from "../../app/jobs/jobs.server.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { Availability } from "../../app/shopify/availability.ts";
import { ShopifyError } from "../../app/shopify/errors.ts";
import type { TestDatabase } from "../sandbox/postgres/index.ts";
import { openCluster, startTestServer, type TestServer } from "./support/database.ts";

const SHOP = "one.myshopify.com";
const logger = createLogger("silent");
const data = z.object({ shop: z.string(), n: z.number() });
type Data = z.infer<typeof data>;

let server: TestServer;
let database: TestDatabase;
let cluster: Cluster;
let open: Jobs[];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  database = await server.createDatabase();
  cluster = openCluster(database);
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((jobs) => jobs.stop({ timeoutMs: 100 })));
  await cluster.close();
  await database.drop();
});

function newJobs(options: Partial<JobsOptions> = {}): Jobs {
  const jobs = createJobs({ cluster, logger, pollSeconds: 0.5, ...options });
  open.push(jobs);
  return jobs;
}

/** Collects what handlers were given, and resolves when there are enough of it. */
function collector<T>() {
  const seen: T[] = [];
  let changed = Promise.withResolvers<void>();
  return {
    seen,
    add(item: T) {
      seen.push(item);
      changed.resolve();
      changed = Promise.withResolvers<void>();
    },
    async until(count: number): Promise<readonly T[]> {
      while (seen.length < count) await changed.promise;
      return seen;
    },
  };
}

/** The states of a queue's jobs, in the order in which they came. */
async function states(queue: string): Promise<string[]> {
  const rows = await cluster.system((db) =>
    db.execute<{ state: string }>(
      sql`select state::text from pgboss.job where name = ${queue} order by created_on, id`,
    ),
  );
  return rows.map(({ state }) => state);
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("every job is run once, many at a time", async () => {
  const runs = collector<number>();
  const jobs = newJobs();
  jobs.register("count", data, async ({ n }) => runs.add(n), { concurrency: 4 });
  await jobs.start();
  for (const n of numbers(0, 50)) await jobs.enqueue<Data>("count", { shop: SHOP, n });
  const seen = await runs.until(50);
  expect([...seen].sort((a, b) => a - b)).toEqual(numbers(0, 50));
});

test("several jobs added at once are taken up without waiting for a poll", async () => {
  const runs = collector<number>();
  const jobs = newJobs({ pollSeconds: 600 });
  jobs.register("count", data, async ({ n }) => runs.add(n));
  await jobs.start();
  await Promise.all(numbers(0, 10).map((n) => jobs.enqueue<Data>("count", { shop: SHOP, n })));
  await runs.until(10);
});

test("a job exists if, and only if, the change that asked for it was committed", async () => {
  const runs = collector<number>();
  const jobs = newJobs();
  jobs.register("count", data, async ({ n }) => runs.add(n));
  await jobs.start();
  const change = defineWrite(
    "test.change",
    data.extend({ fail: z.boolean() }),
    async (tx, input) => {
      await jobs.enqueue<Data>("count", { shop: input.shop, n: input.n }, { tx });
      if (input.fail) throw new Error("rolled back");
      return null;
    },
  );
  await expect(
    cluster.write(SHOP, "op-1", change, { shop: SHOP, n: 1, fail: true }),
  ).rejects.toThrow("rolled back");
  await cluster.write(SHOP, "op-2", change, { shop: SHOP, n: 2, fail: false });
  await cluster.write(SHOP, "op-2", change, { shop: SHOP, n: 2, fail: false });
  await jobs.enqueue<Data>("count", { shop: SHOP, n: 3 });
  expect(await runs.until(2)).toEqual([2, 3]);
});

test("the app's role cannot add a job for another shop, nor see or change any", async () => {
  const jobs = newJobs();
  jobs.register("count", data, async () => {}, {});
  await jobs.start();
  const sneak = defineWrite("test.sneak", data, async (tx, input) => {
    await jobs.enqueue<Data>("count", input, { tx });
    return null;
  });
  await expect(
    cluster.write(SHOP, "op-1", sneak, { shop: "other.myshopify.com", n: 1 }),
  ).rejects.toMatchObject({ kind: "permanent", code: "42501" });

  await jobs.enqueue<Data>(
    "count",
    { shop: "other.myshopify.com", n: 1 },
    { startAfter: new Date(Date.now() + 3_600_000) },
  );
  const seen = await cluster.read(SHOP, (tx) => tx.execute(sql`select id from pgboss.job_common`));
  expect(seen.value).toHaveLength(0);
  await expect(
    cluster.read(SHOP, (tx) => tx.execute(sql`delete from pgboss.job_common`)),
  ).rejects.toMatchObject({ code: expect.stringMatching(/42501|25006/) as string });
});

test("data of the wrong shape is refused when it is added", async () => {
  const jobs = newJobs();
  jobs.register("count", data, async () => {});
  await jobs.start();
  await expect(jobs.enqueue("count", { shop: SHOP, n: "one" })).rejects.toThrow();
});

test("a failing job is run again, and knows which attempt it is", async () => {
  const runs = collector<[number, boolean]>();
  const jobs = newJobs();
  jobs.register(
    "flaky",
    data,
    async (_data, { attempt, lastAttempt }) => {
      runs.add([attempt, lastAttempt]);
      if (attempt < 3) throw new Error("not yet");
    },
    { retryLimit: 2, retryDelaySeconds: 0 },
  );
  await jobs.start();
  await jobs.enqueue<Data>("flaky", { shop: SHOP, n: 1 });
  expect(await runs.until(3)).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ]);
});

test("jobs of one key run in their order, also when one of them has to be run again", async () => {
  const runs = collector<number>();
  const jobs = newJobs();
  jobs.register(
    "ordered",
    data,
    async ({ n }, { attempt }) => {
      if (n === 1 && attempt === 1) throw new Error("not yet");
      runs.add(n);
    },
    { policy: "key_strict_fifo", concurrency: 3, retryDelaySeconds: 0 },
  );
  await jobs.start();
  for (const n of [0, 1, 2, 3]) {
    await jobs.enqueue<Data>("ordered", { shop: SHOP, n }, { singletonKey: "a" });
  }
  await jobs.enqueue<Data>("ordered", { shop: SHOP, n: 10 }, { singletonKey: "b" });
  const seen = await runs.until(5);
  expect(seen.filter((n) => n < 10)).toEqual([0, 1, 2, 3]);
});

test("an exclusive queue has room for one job of a key", async () => {
  const jobs = newJobs();
  const release = Promise.withResolvers<void>();
  const runs = collector<number>();
  jobs.register(
    "once",
    data,
    async ({ n }) => {
      runs.add(n);
      await release.promise;
    },
    { policy: "exclusive" },
  );
  await jobs.start();
  expect(
    await jobs.enqueue<Data>("once", { shop: SHOP, n: 1 }, { singletonKey: "k" }),
  ).not.toBeNull();
  await runs.until(1);
  expect(await jobs.enqueue<Data>("once", { shop: SHOP, n: 2 }, { singletonKey: "k" })).toBeNull();
  release.resolve();
});

test("a job waits until it is due", async () => {
  const runs = collector<number>();
  const jobs = newJobs();
  jobs.register("later", data, async ({ n }) => runs.add(n));
  await jobs.start();
  await jobs.enqueue<Data>(
    "later",
    { shop: SHOP, n: 2 },
    { startAfter: new Date(Date.now() + 1000) },
  );
  await jobs.enqueue<Data>("later", { shop: SHOP, n: 1 });
  expect(await runs.until(2)).toEqual([1, 2]);
});

describe("hurrying", () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000);

  test("lets go at once what waits after a failure, and what is behind it, in order", async () => {
    const runs = collector<string>();
    const failed = collector<number>();
    // Nobody looks by themselves before the test is over.
    const jobs = newJobs({ pollSeconds: 600 });
    jobs.register(
      "ordered",
      data,
      async ({ n }, { attempt }) => {
        if (attempt === 1 && n === 1) {
          failed.add(n);
          throw new Error("not yet");
        }
        runs.add(`${n} at attempt ${attempt}`);
      },
      { policy: "key_strict_fifo", retryDelaySeconds: 3600, retryDelayMaxSeconds: 7200 },
    );
    await jobs.start();
    for (const n of [1, 2]) {
      await jobs.enqueue<Data>("ordered", { shop: SHOP, n }, { singletonKey: `${SHOP}/a` });
    }
    await failed.until(1);
    await vi.waitFor(async () => expect(await states("ordered")).toEqual(["retry", "created"]), {
      timeout: 30_000,
    });
    expect(await jobs.hurry("ordered", { keysStartingWith: [`${SHOP}/`] })).toBe(1);
    expect(await runs.until(2)).toEqual(["1 at attempt 2", "2 at attempt 1"]);
  });

  test("concerns no other key and no other queue", async () => {
    const jobs = newJobs();
    for (const name of ["one", "other"]) jobs.register(name, data, async () => {});
    await jobs.start();
    for (const key of ["a/1", "a/2", "ab/1", "b_/1"]) {
      const options = { singletonKey: key, startAfter: inAnHour() };
      await jobs.enqueue<Data>("one", { shop: SHOP, n: 1 }, options);
      await jobs.enqueue<Data>("other", { shop: SHOP, n: 1 }, options);
    }
    await jobs.stop();
    const other = newJobs();
    expect(await other.hurry("one", { keys: ["a/"], keysStartingWith: ["_"] })).toBe(0);
    expect(await other.hurry("one", { keys: ["ab/1"], keysStartingWith: ["a/"] })).toBe(3);
    expect(await other.hurry("one", { keysStartingWith: [""] })).toBe(1);
    expect(await other.hurry("one", { keysStartingWith: [""] })).toBe(0);
    expect(await other.hurry("other", { keys: ["a/1"] })).toBe(1);
  });

  test("commits with the change that asked for it, and stays within its shop", async () => {
    const jobs = newJobs({ pollSeconds: 600 });
    const runs = collector<string>();
    const named = z.object({ shop: z.string() });
    jobs.register("later", named, async ({ shop }) => runs.add(shop));
    await jobs.start();
    const options = { singletonKey: "same", startAfter: inAnHour() };
    await jobs.enqueue("later", { shop: "other.myshopify.com" }, options);
    await jobs.enqueue("later", { shop: SHOP }, options);
    const now = defineWrite("test.now", z.object({ fail: z.boolean() }), async (tx, { fail }) => {
      const hurried = await jobs.hurry("later", { keys: ["same"] }, { tx });
      if (fail) throw new Error("rolled back");
      return hurried;
    });
    await expect(cluster.write(SHOP, "op-1", now, { fail: true })).rejects.toThrow("rolled back");
    expect(await cluster.write(SHOP, "op-2", now, { fail: false })).toBe(1);
    expect(await runs.until(1)).toEqual([SHOP]);
  });
});

describe("when Shopify is back", () => {
  /** A queue whose jobs ask a shop, and wait for an hour once they have failed. */
  function asking() {
    const state = { away: true };
    const runs = collector<number>();
    const noAnswer = () => Promise.reject(new ShopifyError("unavailable", "no answer"));
    const availability = new Availability({
      logger,
      probe: () => (state.away ? noAnswer() : Promise.resolve()),
    });
    const ask = () => availability.run(SHOP, () => (state.away ? noAnswer() : Promise.resolve()));
    const open = () => {
      const jobs = newJobs({ pollSeconds: 600 });
      jobs.register(
        "asking",
        data,
        async ({ n }) => {
          await ask();
          runs.add(n);
        },
        { policy: "key_strict_fifo", retryDelaySeconds: 3600, retryDelayMaxSeconds: 7200 },
      );
      return { jobs, hurry: new HurryWhenBack({ availability, jobs, queue: "asking", logger }) };
    };
    const waits = () =>
      vi.waitFor(async () => expect(await states("asking")).toEqual(["retry"]), 30_000);
    return { state, runs, availability, ask, open, waits };
  }

  test("what has failed meanwhile goes at once", async () => {
    const { state, runs, availability, ask, open, waits } = asking();
    const { jobs, hurry } = open();
    try {
      await jobs.start();
      for (let n = 0; n < 5; n++) await expect(ask()).rejects.toThrow();
      expect(availability.awaySince(SHOP)).not.toBeNull();
      await jobs.enqueue<Data>("asking", { shop: SHOP, n: 1 }, { singletonKey: `${SHOP}/a` });
      await waits();
      state.away = false;
      expect(await runs.until(1)).toEqual([1]);
    } finally {
      hurry.stop();
      availability.close();
    }
  });

  test("also what failed in a process that is gone", async () => {
    const { state, runs, availability, open, waits } = asking();
    const first = open();
    await first.jobs.start();
    await first.jobs.enqueue<Data>("asking", { shop: SHOP, n: 1 }, { singletonKey: `${SHOP}/a` });
    await waits();
    await first.jobs.stop();
    first.hurry.stop();
    state.away = false;
    const { jobs, hurry } = open();
    try {
      await jobs.start();
      hurry.start();
      expect(await runs.until(1)).toEqual([1]);
    } finally {
      hurry.stop();
      availability.close();
    }
  });
});

test("stopping waits for running handlers, and takes up nothing more", async () => {
  const runs = collector<number>();
  const finish = Promise.withResolvers<void>();
  const finished: number[] = [];
  const jobs = newJobs();
  jobs.register("slow", data, async ({ n }) => {
    runs.add(n);
    await finish.promise;
    finished.push(n);
  });
  await jobs.start();
  await jobs.enqueue<Data>("slow", { shop: SHOP, n: 1 });
  await runs.until(1);
  await jobs.enqueue<Data>("slow", { shop: SHOP, n: 2 });
  const stopped = jobs.stop();
  finish.resolve();
  await stopped;
  expect(finished).toEqual([1]);

  const next = newJobs();
  next.register("slow", data, async ({ n }) => runs.add(n));
  await next.start();
  expect(await runs.until(2)).toEqual([1, 2]);
});

test("a handler that outlives the stop is told so, and its job is run by the next instance", async () => {
  const runs = collector<string>();
  const aborted = Promise.withResolvers<void>();
  const jobs = newJobs();
  jobs.register(
    "endless",
    data,
    async (_data, { signal }) => {
      runs.add("first");
      signal.addEventListener("abort", () => aborted.resolve());
      await new Promise(() => {});
    },
    { retryDelaySeconds: 0 },
  );
  await jobs.start();
  await jobs.enqueue<Data>("endless", { shop: SHOP, n: 1 });
  await runs.until(1);
  await jobs.stop({ timeoutMs: 50 });
  await aborted.promise;

  const next = newJobs();
  next.register("endless", data, async () => runs.add("second"));
  await next.start();
  expect(await runs.until(2)).toEqual(["first", "second"]);
});

test("a job that takes longer than its heartbeat keeps its claim", async () => {
  const jobs = newJobs();
  const owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
  const heartbeat = async (id: string) => {
    const [job] = await owner<{ at: string }[]>`
      select heartbeat_on::text as at from pgboss.job where id = ${id}`;
    return job?.at;
  };
  const ended = Promise.withResolvers<boolean>();
  try {
    jobs.register(
      "long",
      data,
      async (_data, { id, signal }) => {
        const seen = new Set<string | undefined>();
        // The first is that of its start; each one after it has looked whether the job is still this worker's.
        await vi.waitUntil(async () => seen.add(await heartbeat(id)).size === 3 || signal.aborted, {
          timeout: 50_000,
        });
        ended.resolve(signal.aborted);
      },
      { heartbeatSeconds: 10 },
    );
    await jobs.start();
    await jobs.enqueue("long", { shop: SHOP, n: 1 });
    expect(await ended.promise).toBe(false);
  } finally {
    await owner.end();
  }
});

test("the job of a killed process is run by another one", async () => {
  const program = `
    import { z } from "zod";
    import { Cluster } from ${JSON.stringify(new URL("../../app/database/cluster.ts", import.meta.url).href)};
    import { createJobs } from ${JSON.stringify(new URL("../../app/jobs/jobs.server.ts", import.meta.url).href)};
    import { createLogger } from ${JSON.stringify(new URL("../../app/observability/logger.server.ts", import.meta.url).href)};
    const { APP_URL: url, SYSTEM_URL: systemUrl } = process.env;
    const cluster = new Cluster({ url, systemUrl, poolSize: 4 });
    const jobs = createJobs({ cluster, logger: createLogger("silent") });
    jobs.register("killed", z.object({ shop: z.string(), n: z.number() }), async () => {
      console.log("running");
      await new Promise(() => {});
    }, { heartbeatSeconds: 10, retryDelaySeconds: 0 });
    await jobs.start();
  `;
  const jobs = newJobs();
  const runs = collector<number>();
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, APP_URL: database.url("app"), SYSTEM_URL: database.url("system") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    jobs.register("killed", data, async (_data, { attempt }) => runs.add(attempt), {
      heartbeatSeconds: 10,
      retryDelaySeconds: 0,
    });
    const running = once(child.stdout, "data");
    const owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
    try {
      await owner`select pgboss.create_queue('killed', '{"policy":"standard","heartbeatSeconds":10,"retryLimit":5}')`;
    } finally {
      await owner.end();
    }
    await jobs.enqueue<Data>("killed", { shop: SHOP, n: 1 });
    await running;
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  await jobs.start();
  expect(await runs.until(1)).toEqual([2]);
});

test("an instance starts also while the database is away, and works as soon as it is there", async () => {
  const runs = collector<number>();
  const at = (role: "app" | "system") => database.url(role).replace(/[^/]+$/, "late");
  const lateCluster = new Cluster({ url: at("app"), systemUrl: at("system"), poolSize: 4 });
  const late = newJobs({ cluster: lateCluster });
  late.register("count", data, async ({ n }) => runs.add(n));
  await late.start();
  const arrived = await server.createDatabase("late");
  try {
    await lateCluster.monitor.waitForWriter(new AbortController().signal);
    const started = newJobs({ cluster: lateCluster });
    started.register("count", data, async ({ n }) => runs.add(n));
    await started.start();
    await started.stop();
    await late.enqueue<Data>("count", { shop: SHOP, n: 1 });
    expect(await runs.until(1)).toEqual([1]);
  } finally {
    await late.stop();
    await lateCluster.close();
    await arrived.drop();
  }
});

test("a schedule adds one job each time, however many instances there are", async () => {
  const runs = collector<number>();
  for (const jobs of [newJobs(), newJobs()]) {
    jobs.register("hourly", data, async ({ n }) => runs.add(n));
    jobs.schedule<Data>("hourly", "0 * * * *", { shop: SHOP, n: 7 });
    await jobs.start();
  }
  const owner = postgres(database.url("owner"), { max: 1, onnotice: () => {} });
  try {
    expect(await owner`select name, cron, data from pgboss.schedule`).toEqual([
      { name: "hourly", cron: "0 * * * *", data: { shop: SHOP, n: 7 } },
    ]);
  } finally {
    await owner.end();
  }
});

test("a release can install the queue again", async () => {
  await installQueue(database.url("owner"));
  await installQueue(database.url("owner"));
});

test("a running instance needs no right to change the schema", async () => {
  const system = postgres(database.url("system"), { max: 1, onnotice: () => {} });
  try {
    await expect(system`create table pgboss.mine (id int)`).rejects.toMatchObject({
      code: "42501",
    });
  } finally {
    await system.end();
  }
});
