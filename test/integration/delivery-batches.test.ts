import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { insertDeliveries, type NewDelivery } from "../../app/webhooks/delivery-batches.ts";
import { DeliveryKeeper } from "../../app/webhooks/keeping.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

/** Deliveries on their way into a pair of servers of which the standby is a little behind. */
const logger = createLogger("silent");
/** Nothing here is about how long a busy machine takes. */
const PATIENT = 60_000;

let pair: PostgresPair;
let admin: postgres.Sql;
let cluster: Cluster;
let directory: string;
let journal: Journal;
let keepers: DeliveryKeeper[];

beforeAll(async () => {
  pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
  admin = postgres(pair.url("superuser", "writer"), { max: 4, onnotice: () => {} });
});
afterAll(async () => {
  await admin?.end({ timeout: 0 });
  await pair?.close();
});
beforeEach(async () => {
  keepers = [];
  await admin`delete from webhook_deliveries`;
  directory = await mkdtemp(path.join(tmpdir(), "delivery-batches-"));
  journal = await Journal.open({ directory, secrets: ["secret"], anyFileSystem: true });
  cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes: pair.nodes.map((node) => new URL(pair.url("app", node)).host),
    poolSize: 8,
  });
});
afterEach(async () => {
  for (const keeper of keepers) await keeper.stop();
  await cluster?.close();
  await journal?.close();
  await rm(directory, { recursive: true });
});

/** A keeper as the app makes it: before the cluster is watched. */
async function open({ withJournal = false, patienceMs = PATIENT } = {}) {
  const keeper = new DeliveryKeeper({
    cluster,
    journal: withJournal ? journal : null,
    durability: "primary",
    onDelivery: () => undefined,
    patienceMs,
    logger,
  });
  keepers.push(keeper);
  cluster.start();
  while (cluster.monitor.state === "starting") await once(cluster.monitor.events, "state");
  return keeper;
}

const delivery = (n: number | string, body = `{"id":"${n}"}`): NewDelivery => ({
  shop: "one.myshopify.com",
  id: `delivery-${n}`,
  topic: "orders/updated",
  apiVersion: "2026-10",
  eventId: null,
  triggeredAt: new Date("2026-11-21T10:00:00.123Z"),
  body,
});
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => delivery(from + n));
/** The server takes no NUL in a text. */
const poison = (n: number | string) => delivery(n, '{"note":"\0"}');

const stored = async () => {
  const rows = await admin<{ id: string }[]>`select id from webhook_deliveries`;
  return rows.map(({ id }) => id).toSorted();
};
const idsOf = (deliveries: readonly NewDelivery[]) => deliveries.map(({ id }) => id).toSorted();

test("each caller gets its own answer, and each delivery is stored once", async () => {
  const keeper = await open();
  const all = many(50);
  const twice = [...all, ...all.slice(0, 20)];
  const answers = await Promise.all(twice.map((one) => keeper.keep(one)));
  expect(answers).toEqual([...Array<string>(50).fill("kept"), ...Array<string>(20).fill("known")]);
  const again = await Promise.all([...all.slice(40), ...many(10, 50)].map((d) => keeper.keep(d)));
  expect(again).toEqual([...Array<string>(10).fill("known"), ...Array<string>(10).fill("kept")]);
  expect(await stored()).toEqual(idsOf(many(60)));
});

test("whatever a delivery says is stored as it is, beside any other", async () => {
  const keeper = await open();
  const all = [
    '{ "note": "\\"quoted\\" and \\\\ back", "empty": "" }',
    '{\n\t"pretty": [1, 2,\r\n 3], "braces": "{a,b}"\n}',
    '"NULL"',
    "null",
    '"Grüße 漢字 🙂 \\u0000 \u2028 \u007f"',
    "  [ ]  ",
  ].map((body, n) => ({ ...delivery(n, body), eventId: n % 2 ? `e "${n}"` : null }));
  const last = { ...delivery("no time", "1"), triggeredAt: null };
  await Promise.all([...all, last].map((one) => keeper.keep(one)));
  const rows = await admin`
    select shop, id, topic, api_version as "apiVersion", event_id as "eventId",
      triggered_at as "triggeredAt", body, state, attempts
    from webhook_deliveries order by id`;
  const expected = [...all, last].map((one) => ({ ...one, state: "received", attempts: 0 }));
  expect([...rows]).toEqual(expected);
});

test("a poison delivery among fifty fails alone", async () => {
  const keeper = await open();
  const good = many(49);
  const all = good.toSpliced(30, 0, poison("poison"));
  const settled = await Promise.allSettled(all.map((one) => keeper.keep(one)));
  for (const [n, one] of settled.entries()) {
    if (n === 30) expect(one).toMatchObject({ reason: { kind: "permanent", code: "22021" } });
    else expect(one).toEqual({ status: "fulfilled", value: "kept" });
  }
  expect(await stored()).toEqual(idsOf(good));
});

test("a poison delivery in the journal is set aside, and holds up none behind it", async () => {
  const good = many(5);
  for (const one of good.toSpliced(2, 0, poison("poison"))) {
    await journal.append("delivery", one.shop, one.id, Buffer.from(JSON.stringify(one)));
  }
  (await open({ withJournal: true })).drain();
  await expect.poll(() => journal.waiting).toBe(0);
  expect(await stored()).toEqual(idsOf(good));
  expect(await journal.read(["delivery"], 0, 10)).toEqual([]);
  expect(journal.fill.records).toBeGreaterThan(0);
});

test("what the database is late with is in the journal, and a commit that comes afterwards doubles nothing", async () => {
  // The commit itself waits until the test lets it, whatever limits its transaction has set.
  await admin.unsafe(`
    create function wait_for_the_test() returns trigger language plpgsql as $$ begin
      perform set_config('lock_timeout', '0', true), set_config('transaction_timeout', '0', true);
      perform pg_advisory_xact_lock_shared(1);
      return null;
    end $$;
    create constraint trigger slow_commit after insert on webhook_deliveries
      deferrable initially deferred for each row execute function wait_for_the_test()`);
  const holder = await admin.reserve();
  try {
    await holder`select pg_advisory_lock(1)`;
    const keeper = await open({ withJournal: true, patienceMs: 1_000 });
    const late = keeper.keep(delivery("late"));
    const waiting = async () => {
      const [row] = await admin<{ count: number }[]>`
        select count(*)::int from pg_stat_activity where wait_event = 'advisory'`;
      return row?.count ?? 0;
    };
    await expect.poll(waiting).toBeGreaterThan(0);
    expect(await late).toBe("journaled");
    expect(await stored()).toEqual([]);
  } finally {
    await holder`select pg_advisory_unlock(1)`;
    holder.release();
  }
  await expect.poll(() => journal.waiting).toBe(0);
  expect(await stored()).toEqual([delivery("late").id]);
  expect(await (await open()).keep(delivery("late"))).toBe("known");
  await admin.unsafe(
    "drop trigger slow_commit on webhook_deliveries; drop function wait_for_the_test()",
  );
});

test("a delivery whose commit was cut off on its way to the standby is not taken for stored", async () => {
  const waiting = async () => {
    const rows = await admin<{ pid: number }[]>`
      select pid from pg_stat_activity where wait_event = 'SyncRep'`;
    return rows.map(({ pid }) => pid);
  };
  const end = async () => {
    for (const pid of await waiting()) await admin`select pg_terminate_backend(${pid})`;
  };
  // Sessions are told of a setting before it is in force: commits go on until the checkpointer has heard of it too.
  const commitsWait = async () => {
    for (let isOver = true; isOver;) {
      isOver = false;
      const over = () => void (isOver = true);
      const commit = admin`select pg_logical_emit_message(true, 'test', '')`.then(over, over);
      while (!isOver && (await waiting()).length === 0);
      if (isOver) continue;
      await end();
      await commit;
      await expect.poll(waiting).toEqual([]);
      return;
    }
  };
  const insert = () =>
    cluster.system((db) => insertDeliveries(db, [delivery("cut off")]), { deadlineMs: PATIENT });
  await pair.supervisor.exclusively(async () => {
    await pair.primary.alterSystem({ synchronous_standby_names: "nobody" });
    try {
      await commitsWait();
      const first = insert().catch((error: unknown) => error);
      await expect.poll(waiting).toHaveLength(1);
      await end();
      expect(await first).toMatchObject({ kind: "unknown" });
      await expect.poll(stored).toEqual([delivery("cut off").id]);
      const second = insert();
      await expect.poll(waiting).toHaveLength(1);
      await pair.primary.alterSystem({ synchronous_standby_names: "" });
      expect(await second).toEqual([false]);
    } finally {
      await pair.primary.alterSystem({ synchronous_standby_names: "" });
    }
  });
});

test("a primary that dies in the middle of a burst, with what its standby lacks, loses and doubles nothing", async () => {
  const keeper = await open({ withJournal: true, patienceMs: 500 });
  const all = many(300);
  const queue = all.values();
  let acknowledged = 0;
  let onAcknowledged = () => {};
  const sender = async () => {
    for (const one of queue) {
      await keeper.keep(one);
      acknowledged++;
      onAcknowledged();
    }
  };
  const acknowledgedAre = (count: number) =>
    new Promise<void>((resolve) => {
      onAcknowledged = () => {
        if (acknowledged >= count) resolve();
      };
    });
  await pair.cutReplication();
  const third = acknowledgedAre(100);
  const burst = Promise.all(Array.from({ length: 20 }, sender));
  await third;
  await pair.crash(pair.primary);
  await Promise.all([burst, pair.failover({ force: true })]);
  expect(acknowledged).toBe(300);
  await expect.poll(() => cluster.monitor.state).toBe("steady");
  const onStandby = async () => {
    const rows = await pair.primary.query<{ id: string }>("select id from webhook_deliveries", {
      database: "evenkeel",
    });
    return rows.map(({ id }) => id).toSorted();
  };
  await expect.poll(onStandby).toEqual(idsOf(all));
  await expect.poll(() => journal.waiting).toBe(0);
  await keeper.drained();
  expect(await onStandby()).toEqual(idsOf(all));
});
