import { parseArgs } from "node:util";
import postgres from "postgres";
import { z } from "zod";
import { and, eq, sql, type Query } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import * as schema from "../../app/database/schema.ts";
import { defineWrite, hashInput } from "../../app/database/write.ts";
import { startPostgres } from "../sandbox/postgres/index.ts";
import { bar, median, printReport, type Row } from "./report.ts";
import { round, type Round } from "./support/measure.ts";

/**
 * `npm run bench:database`: what the cluster's doors cost in fair weather, against the identical statements
 * (begin, set_config, operation insert, work, commit) on a bare postgres.js pool, in one run. They are built by drizzle on
 * either side; on the pool they go prepared, as the driver's own do, which the bars are about, and unprepared, as drizzle
 * sends them.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    concurrency: { type: "string", default: "16" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const durationMs = Number(values.seconds) * 1000;
const concurrency = Number(values.concurrency);
const POOL_SIZE = 16;
const SHOP = "bench.myshopify.com";
const LOCATIONS = 1_000;

const { locations, operations } = schema;
const rename = defineWrite(
  "bench.rename",
  z.object({ id: z.number(), name: z.string() }),
  async (tx, { id, name }, { shop }) => {
    await tx
      .update(locations)
      .set({ name })
      .where(and(eq(locations.shop, shop), eq(locations.id, id)));
  },
);

await using server = await startPostgres();
const url = server.url("app");
await migrate({ url: server.url("owner") });
const admin = postgres(server.url("superuser"), { max: 1, onnotice: () => {} });
await admin`
  insert into locations (shop, id, name, active, updated_at)
  select ${SHOP}, n, 'Location ' || n, true, now() from generate_series(1, ${LOCATIONS}) n`;
const [durability] = await admin<{ fsync: string; synchronous_commit: string }[]>`
  select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`;

const cluster = new Cluster({ url, systemUrl: server.url("system"), poolSize: POOL_SIZE });
const bare = postgres(url, { max: POOL_SIZE, fetch_types: false, onnotice: () => {} });
const bareDatabase = drizzle(bare, { schema, casing: "snake_case" });

const anyId = () => 1 + Math.floor(Math.random() * LOCATIONS);
const readOne = (db: Pick<typeof bareDatabase, "select">, id: number) =>
  db
    .select()
    .from(locations)
    .where(and(eq(locations.shop, SHOP), eq(locations.id, id)));

const operation = (n: number, label: string) => {
  const input = { id: anyId(), name: `Location ${n}` };
  const inputHash = hashInput(rename.name, input);
  return { ...input, operationId: `${label}-${n}`, inputHash };
};

type Operation = ReturnType<typeof operation>;
const insertOperation = (
  db: Pick<typeof bareDatabase, "insert">,
  { operationId, inputHash }: Operation,
) =>
  db
    .insert(operations)
    .values({ shop: SHOP, operationId, name: rename.name, inputHash })
    .onConflictDoNothing()
    .returning({ operationId: operations.operationId });
const renameOne = (db: Pick<typeof bareDatabase, "update">, { id, name }: Operation) =>
  db
    .update(locations)
    .set({ name })
    .where(and(eq(locations.shop, SHOP), eq(locations.id, id)));
const prepared = (tx: postgres.TransactionSql, query: { toSQL(): Query }) => {
  const { sql: text, params } = query.toSQL();
  return tx.unsafe(text, params as string[], { prepare: true });
};

const sides: Record<string, (n: number, label: string) => Promise<unknown>> = {
  "read: cluster": () => cluster.read(SHOP, (db) => readOne(db, anyId())),
  "read: bare pool": () =>
    bare.begin("read only", async (tx) => {
      await tx`select set_config('app.shop', ${SHOP}, true)`;
      return prepared(tx, readOne(bareDatabase, anyId()));
    }),
  "read: bare pool, unprepared": () =>
    bareDatabase.transaction(
      async (tx) => {
        await tx.execute(sql`select set_config('app.shop', ${SHOP}, true)`);
        return readOne(tx, anyId());
      },
      { accessMode: "read only" },
    ),
  "write: cluster": (n, label) =>
    cluster.write(SHOP, `${label}-${n}`, rename, { id: anyId(), name: `Location ${n}` }),
  "write: bare pool": (n, label) =>
    bare.begin(async (tx) => {
      const change = operation(n, label);
      await tx`select set_config('app.shop', ${SHOP}, true)`;
      await prepared(tx, insertOperation(bareDatabase, change));
      await prepared(tx, renameOne(bareDatabase, change));
    }),
  "write: bare pool, unprepared": (n, label) =>
    bareDatabase.transaction(async (tx) => {
      const change = operation(n, label);
      await tx.execute(sql`select set_config('app.shop', ${SHOP}, true)`);
      await insertOperation(tx, change);
      await renameOne(tx, change);
    }),
};

const measured = new Map<string, Round[]>(Object.keys(sides).map((side) => [side, []]));
for (const [side, work] of Object.entries(sides)) {
  await round(concurrency, 500, (n) => work(n, `warm-${side}`));
}
for (let r = 0; r < rounds; r++) {
  // Interleaved, and in turn the other way round: what else the machine does meets both sides.
  const order = Object.entries(sides);
  if (r % 2 === 1) order.reverse();
  for (const [side, work] of order) {
    measured.get(side)!.push(await round(concurrency, durationMs, (n) => work(n, `${side}-${r}`)));
  }
}
await Promise.all([cluster.close(), bare.end(), admin.end()]);

const summary = (side: string) => {
  const all = measured.get(side)!;
  return {
    perSecond: median(all.map((one) => one.operationsPerSecond)),
    p50Ms: median(all.map((one) => one.p50Ms)),
    p99Ms: median(all.map((one) => one.p99Ms)),
    worstMs: Math.max(...all.map((one) => one.maxMs)),
  };
};
const rows: Row[] = Object.keys(sides).map((side) => {
  const { perSecond, p50Ms, p99Ms, worstMs } = summary(side);
  return {
    side,
    perSecond: Math.round(perSecond),
    p50Ms: Number(p50Ms.toFixed(2)),
    p99Ms: Number(p99Ms.toFixed(2)),
    worstMs: Number(worstMs.toFixed(1)),
  };
});
const ratio = (kind: string, of: "perSecond" | "p99Ms") =>
  summary(`${kind}: cluster`)[of] / summary(`${kind}: bare pool`)[of];

printReport({
  name: "bench:database",
  runs: rounds,
  rows,
  bars: ["read", "write"].flatMap((kind) => [
    bar(`${kind}s per second, of the bare pool's`, ratio(kind, "perSecond"), "×", {
      atLeast: 0.85,
    }),
    bar(`${kind}s' p99, of the bare pool's`, ratio(kind, "p99Ms"), "×", { atMost: 1.25 }),
  ]),
  extra: { durability, concurrency, poolSize: POOL_SIZE },
});
