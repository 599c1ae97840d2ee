import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import postgres from "postgres";
import packageJson from "../../package.json" with { type: "json" };
import { migrate } from "../../app/database/migrate.ts";
import { startPostgres } from "../sandbox/postgres/index.ts";
import { bar, median, printReport, type Row } from "./report.ts";
import { load, signedOrders, type LoadRound } from "./support/intake/load.ts";
import type { SideConfig } from "./support/intake/side.ts";

/**
 * `npm run bench:intake`: signed webhooks of 4 KB by HTTP, each answered when it is on the database's disk. The app's
 * intake beside a bare server of a few lines and beside Shopify's own library, each in a process of its own, by turns,
 * on the same Postgres.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const durationMs = Number(values.seconds) * 1000;
const say = (line: string) => (values.json ? console.error(line) : console.log(line));

const POOL_SIZE = 10;
const BODY_BYTES = 4096;
const CONNECTIONS = [1, 16, 64] as const;
const MOST = 64;
const WARM_MS = 1_500;
const SHOP = "bench.myshopify.com";
const SECRET = "a secret of the bench's own";

/** As `npm start` runs the app, and the others with it. */
const FLAGS = packageJson.scripts.start.split(" ").filter((word) => word.startsWith("--max-"));

/** A side's name, its program, and the table that it inserts into; all of them have the app's columns and indexes. */
const SIDES = [
  ["Evenkeel", "ours.ts", "webhook_deliveries"],
  ["bare server, text", "bare.ts", "bare_text"],
  ["bare server, jsonb", "bare.ts", "bare_jsonb"],
  ["Shopify's library", "stock.ts", "stock_jsonb"],
] as const;
type Name = (typeof SIDES)[number][0];

await using server = await startPostgres();
await migrate({ url: server.url("owner") });
const admin = postgres(server.url("superuser"), { max: 1, onnotice: () => {} });
const owner = postgres(server.url("owner"), { max: 1, onnotice: () => {} });
await owner`create table bare_text (like webhook_deliveries including all)`;
for (const table of ["bare_jsonb", "stock_jsonb"]) {
  await owner`create table ${owner(table)} (like webhook_deliveries including all)`;
  // As people have it who choose the type.
  await owner`
    alter table ${owner(table)} alter column body type jsonb using body::jsonb,
      alter column body set storage default`;
}
const [durability] = await admin<{ fsync: string; synchronous_commit: string }[]>`
  select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit`;
say(`For all of them: ${JSON.stringify(durability)}, ${POOL_SIZE} connections to Postgres`);

const children: ChildProcess[] = [];
async function startSide(program: string, table: string): Promise<number> {
  const config: SideConfig = {
    secret: SECRET,
    shop: SHOP,
    urls: { owner: server.url("owner"), app: server.url("app"), system: server.url("system") },
    poolSize: POOL_SIZE,
    table,
  };
  const file = fileURLToPath(new URL(`./support/intake/${program}`, import.meta.url));
  const child = fork(file, [JSON.stringify(config)], {
    execArgv: FLAGS,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(child);
  const ended = once(child, "exit").then(() => {
    throw new Error(`${program} ended before it had listened.`);
  });
  const [{ port }] = (await Promise.race([once(child, "message"), ended])) as [{ port: number }];
  ended.catch(() => undefined);
  return port;
}

const measured = new Map<string, LoadRound[]>();
const seriesOf = (name: Name, connections: number) => {
  const key = `${name} ${connections}`;
  const series = measured.get(key) ?? [];
  measured.set(key, series);
  return series;
};
const loads: number[] = [];
try {
  const webhooks = signedOrders(64, BODY_BYTES, SHOP, SECRET);
  const ports = new Map<Name, number>();
  for (const [name, program, table] of SIDES) {
    const port = await startSide(program, table);
    ports.set(name, port);
    await load(port, MOST, WARM_MS, webhooks, "warm");
  }
  for (let r = 0; r < rounds; r++) {
    for (const connections of CONNECTIONS) {
      // By turns, and every other time the other way round: what else the machine does meets all of them.
      for (const [name, , table] of r % 2 === 0 ? SIDES : SIDES.toReversed()) {
        await admin`truncate ${admin(table)}`;
        await admin`checkpoint`;
        const one = await load(ports.get(name)!, connections, durationMs, webhooks, `r${r}`);
        const [stored] = await admin<{ count: number }[]>`
          select count(*)::int from ${admin(table)}`;
        if (stored?.count !== one.acknowledged) {
          throw new Error(
            `${name} acknowledged ${one.acknowledged}, and ${stored?.count} are stored.`,
          );
        }
        seriesOf(name, connections).push(one);
      }
    }
    loads.push(loadavg()[0] ?? Number.NaN);
    say(`${r + 1}/${rounds}`);
  }
} finally {
  for (const child of children) child.kill();
  await Promise.all([admin.end(), owner.end()]);
}

const of = (name: Name, connections: number) => {
  const all = seriesOf(name, connections);
  return {
    perSecond: median(all.map((one) => one.operationsPerSecond)),
    p50Ms: median(all.map((one) => one.p50Ms)),
    p99Ms: median(all.map((one) => one.p99Ms)),
    worstMs: Math.max(...all.map((one) => one.maxMs)),
  };
};
const rows: Row[] = CONNECTIONS.flatMap((connections) =>
  SIDES.map(([name]) => {
    const { perSecond, p50Ms, p99Ms, worstMs } = of(name, connections);
    return {
      connections,
      side: name,
      perSecond: Math.round(perSecond),
      p50Ms: Number(p50Ms.toFixed(2)),
      p99Ms: Number(p99Ms.toFixed(2)),
      worstMs: Number(worstMs.toFixed(1)),
      ofOurs: Number((of("Evenkeel", connections).perSecond / perSecond).toFixed(2)),
    };
  }),
);
const ratio = (name: Name, what: "perSecond" | "p99Ms") =>
  of("Evenkeel", MOST)[what] / of(name, MOST)[what];

printReport({
  name: "bench:intake",
  runs: rounds,
  rows,
  bars: [
    bar(
      "webhooks per second, of a bare server's, text",
      ratio("bare server, text", "perSecond"),
      "×",
      {
        atLeast: 1.15,
      },
    ),
    bar(
      "webhooks per second, of a bare server's, jsonb",
      ratio("bare server, jsonb", "perSecond"),
      "×",
      {
        atLeast: 1.5,
      },
    ),
    bar("webhooks per second, of the library's", ratio("Shopify's library", "perSecond"), "×", {
      atLeast: 3,
    }),
    bar("p99, of a bare server's, text", ratio("bare server, text", "p99Ms"), "×", { atMost: 1 }),
  ],
  extra: { durability, poolSize: POOL_SIZE, bodyBytes: BODY_BYTES, load: loads },
});
