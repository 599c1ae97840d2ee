import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BUCKETS } from "../sandbox/shopify/bucket.ts";
import { readAppToml, startShopify, type RequestRecord } from "../sandbox/shopify/index.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { bar, median, percentile, printReport } from "./report.ts";
import { clientNames, type ClientName, type LoadConfig, type LoadEnd } from "./support/throttle.ts";

/**
 * `npm run bench:throttle`: an import, a reconciliation and a merchant's edits in one shop on the smallest plan, whose
 * bucket holds 2,000 points and gets 100 back each second: how often Shopify refuses, how much of what it gives is used,
 * and how long the merchant waits. The stock client, with its `tries`, does the same at the same time in a shop of its
 * own. Each has a process of its own and speaks HTTP with the sandbox's Shopify through its proxy.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
  },
});
const measuredMs = Number(values.seconds) * 1_000;
const say = (line: string) => (values.json ? console.error(line) : console.log(line));

const ORDERS = 2_000;
const API_KEY = "bench-key";
const SECRET = "bench-secret";
/** In so much time the bucket, full at first, is used up. */
const WARM_UP_MS = 25_000;

type Result = Readonly<
  { client: ClientName } & Record<
    | "requests"
    | "THROTTLED %"
    | "used %"
    | "edits"
    | "wait p50 ms"
    | "wait p95 ms"
    // How often the client told its caller that the limit is used up.
    | "given up",
    number
  >
>;

/** One client at work in a shop of its own. */
async function play(client: ClientName): Promise<Result> {
  const [shop] = createShops({ orders: ORDERS, searchLagMs: 0 });
  if (!shop) throw new Error("The sandbox has no shop.");
  Object.assign(shop, { plan: "basic" });
  const { scopes } = readAppToml("shopify.app.toml");
  const shopify = await startShopify<ShopStore>({
    app: { apiKey: API_KEY, secret: SECRET, url: () => "http://127.0.0.1:9", scopes, webhooks: [] },
    shops: [shop],
    latencyMs: 60,
  });
  try {
    const records: RequestRecord[] = [];
    shopify.traffic.on("request", (record: RequestRecord) => records.push(record));
    const item = [...shop.items.values()].find(
      ({ tracked, levels }) => tracked && levels.length > 0,
    );
    const level = item?.levels[0];
    if (!item || !level) throw new Error("The shop has no stock.");
    const config: LoadConfig = {
      client,
      shop: shop.domain,
      apiKey: API_KEY,
      secret: SECRET,
      subjectToken: shopify.sessionToken(shop.domain),
      inventoryItemId: item.id,
      locationId: level.location.id,
      since: new Date(Date.now() - 30 * 86_400_000).toISOString(),
      run: randomUUID(),
      warmUpMs: WARM_UP_MS,
      measuredMs,
    };
    const child = fork(fileURLToPath(new URL("./support/throttle-load.ts", import.meta.url)), {
      env: { ...process.env, ...shopify.environment() },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [],
    });
    const exited = once(child, "exit");
    const ended = once(child, "message") as Promise<[LoadEnd]>;
    child.send(config);
    const end = await Promise.race([
      ended,
      exited.then(() => {
        throw new Error(`The ${client} client ended before it had said what it saw.`);
      }),
    ]).then(([message]) => message);
    child.kill();
    await exited;
    const { from, to } = end;
    const inTime = records.filter(({ surface, at }) => {
      const ms = at.getTime();
      return surface === "admin" && ms >= from && ms < to;
    });
    const throttled = inTime.filter((record) => record.throttled).length;
    const spent = inTime.reduce((sum, { actualCost }) => sum + (actualCost ?? 0), 0);
    const restored = ((to - from) / 1_000) * BUCKETS.basic.restoreRate;
    // What an edit takes at least, where nothing else happens, is not the limit's doing; the first ones are slow to start.
    const idle = Math.min(...end.idleEditMs);
    const waits = end.editMs.map((ms) => Math.max(0, ms - idle));
    return {
      client,
      requests: inTime.length,
      "THROTTLED %": (100 * throttled) / inTime.length,
      "used %": (100 * spent) / restored,
      edits: waits.length,
      "wait p50 ms": Math.round(median(waits)),
      "wait p95 ms": Math.round(percentile(waits, 0.95)),
      "given up": end.givenUp,
    };
  } finally {
    await shopify.close();
  }
}

say(
  `${clientNames.join(" and ")} clients at the same time, ${WARM_UP_MS / 1_000} s until the bucket is used up and ` +
    `${measuredMs / 1_000} s measured`,
);
const results = await Promise.all(clientNames.map(play));
const own = results.find(({ client }) => client === "own");
printReport({
  name: "bench:throttle",
  runs: 1,
  rows: results,
  bars: [
    bar("answers that were THROTTLED", own?.["THROTTLED %"] ?? NaN, "%", { atMost: 1 }),
    bar("use of what the bucket gets back", own?.["used %"] ?? NaN, "%", { atLeast: 90 }),
    bar("a merchant's added wait, p95", own?.["wait p95 ms"] ?? NaN, "ms", { atMost: 1_000 }),
  ],
});
