import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Session } from "@shopify/shopify-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DurableWrites } from "../../app/continuity/durable-writes.ts";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { Cluster } from "../../app/database/cluster.ts";
import { migrate } from "../../app/database/migrate.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import {
  changeSettings,
  getSettings,
  saveSettings,
  settingsWithKept,
} from "../../app/settings/settings.server.ts";
import { defaultSettings } from "../../app/settings/settings.ts";
import { PostgresSessionStorage } from "../../app/shopify/session-storage.server.ts";
import {
  deleteView,
  dropView,
  keepView,
  listSavedViews,
  saveView,
  viewsWithKept,
} from "../../app/views/saved-views.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";

/** What is acknowledged beside commands: rotated tokens, settings, saved views. */
const SHOP = "one.myshopify.com";
const ID = `offline_${SHOP}`;
const logger = createLogger("silent");
const LONG = { timeout: 40_000, interval: 50 };

let directory: string;
let pair: PostgresPair;
let open: { stop(): Promise<void> }[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "kept-writes-"));
  open = [];
  pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer") });
});
afterEach(async () => {
  for (const part of open.reverse()) await part.stop();
  await pair?.close();
  await rm(directory, { recursive: true });
});

/** An instance of the app, as far as these writes are concerned. */
async function start({ withJournal = true } = {}) {
  const cluster = new Cluster({
    url: pair.url("app", "writer"),
    systemUrl: pair.url("system", "writer"),
    nodes: pair.nodes.map((node) => new URL(pair.url("app", node)).host),
    poolSize: 4,
  });
  const journal = withJournal
    ? await Journal.open({ directory, secrets: ["secret"], anyFileSystem: true })
    : null;
  const writes = new DurableWrites({ cluster, journal, durability: "primary", logger });
  writes.register(changeSettings);
  writes.register(keepView);
  writes.register(dropView);
  const sessions = new PostgresSessionStorage({ cluster, writes, logger });
  cluster.start();
  while (cluster.monitor.state === "starting") await once(cluster.monitor.events, "state");
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await writes.stop();
    await journal?.close();
    await cluster.close();
  };
  const instance = { cluster, writes, sessions, stop };
  open.push(instance);
  return instance;
}
type Instance = Awaited<ReturnType<typeof start>>;

/** The n-th pair of tokens that the shop was given. */
const tokens = (n: number) =>
  new Session({
    id: ID,
    shop: SHOP,
    state: "",
    isOnline: false,
    accessToken: `access-${n}`,
    expires: new Date(Date.UTC(2030, 0, 1, n)),
    refreshToken: `refresh-${n}`,
    refreshTokenExpires: new Date(Date.UTC(2030, 3, 1, n)),
  });

/** What an instance reads that remembers nothing. */
async function refreshToken(): Promise<string | undefined> {
  const fresh = await start({ withJournal: false });
  try {
    return (await fresh.sessions.loadSession(ID))?.refreshToken;
  } finally {
    await fresh.stop();
  }
}

const view = (n: number) => ({
  id: `00000000-0000-4000-8000-00000000000${n}`,
  page: "orders" as const,
  name: `View ${n}`,
  query: "",
});

async function loseWhatIsNotReplicated({ cluster, writes }: Instance): Promise<void> {
  await pair.crash(pair.primary);
  const promoted = once(cluster.monitor.events, "writer");
  await pair.failover({ force: true });
  await promoted;
  await writes.drained();
}

const replicated = ({ writes }: Instance) =>
  expect.poll(() => writes.fill.retained?.held, LONG).toBe(0);

const threshold = async ({ cluster }: Instance) =>
  (await getSettings(cluster, SHOP)).value.lowStockThreshold;
const viewNames = async ({ cluster }: Instance) =>
  (await listSavedViews(cluster, SHOP, "orders")).value.map(({ name }) => name);

test("a failover that loses commits loses no rotated token, no setting and no view", async () => {
  const app = await start();
  await app.sessions.storeSession(tokens(1));
  await saveView(app.writes, SHOP, view(1));
  await replicated(app);
  await pair.cutReplication();
  await app.sessions.storeSession(tokens(2));
  await saveSettings(app.writes, SHOP, { lowStockThreshold: 9 });
  await saveView(app.writes, SHOP, view(2));
  await deleteView(app.writes, SHOP, view(1).id);
  await loseWhatIsNotReplicated(app);
  await expect.poll(refreshToken, LONG).toBe("refresh-2");
  expect(await threshold(app)).toBe(9);
  expect(await viewNames(app)).toEqual(["View 2"]);
});

test("while nothing takes writes they are kept, and whoever asks is told of them", async () => {
  const app = await start();
  await app.sessions.storeSession(tokens(1));
  await replicated(app);
  await pair.crash(pair.primary);
  await app.sessions.storeSession(tokens(2));
  expect(await saveSettings(app.writes, SHOP, { lowStockThreshold: 9 })).toBe("journaled");
  expect(await saveView(app.writes, SHOP, view(1))).toBe("journaled");
  await app.stop();

  // Another process on the same disk: its memory is empty, and a standby has the tokens before.
  const next = await start();
  expect(await next.sessions.loadSession(ID)).toMatchObject({ refreshToken: "refresh-2" });
  const waiting = await next.writes.waiting(SHOP);
  expect(settingsWithKept(defaultSettings, waiting)).toEqual({
    ...defaultSettings,
    lowStockThreshold: 9,
  });
  expect(viewsWithKept([], waiting, "orders")).toEqual([view(1)]);

  await pair.failover();
  await expect.poll(refreshToken, LONG).toBe("refresh-2");
  await expect.poll(() => threshold(next), LONG).toBe(9);
  await expect.poll(() => viewNames(next), LONG).toEqual(["View 1"]);
  await expect.poll(() => next.writes.waiting(SHOP), LONG).toEqual([]);
});

test("what comes late out of a journal does not undo what is newer", async () => {
  const app = await start();
  await app.sessions.storeSession(tokens(1));
  await replicated(app);
  await pair.crash(pair.primary);
  await app.sessions.storeSession(tokens(2));
  await saveSettings(app.writes, SHOP, { lowStockThreshold: 9 });
  await app.stop();
  await pair.failover();

  const other = await start({ withJournal: false });
  await other.sessions.storeSession(tokens(3));
  await saveSettings(other.writes, SHOP, { lowStockThreshold: 12 });
  const late = await start();
  late.writes.drain();
  await expect.poll(() => late.writes.holds(SHOP), LONG).toBe(false);
  expect(await refreshToken()).toBe("refresh-3");
  expect(await threshold(other)).toBe(12);
});

test("with neither database nor disk a renewed token stays in memory, and is stored when it can be", async () => {
  const app = await start({ withJournal: false });
  await app.sessions.storeSession(tokens(1));
  await replicated(app);
  await pair.crash(pair.primary);
  await expect(app.sessions.storeSession(tokens(2))).rejects.toMatchObject({
    name: "DatabaseError",
  });
  expect(await app.sessions.loadSession(ID)).toMatchObject({ refreshToken: "refresh-2" });
  await pair.failover();
  await expect.poll(refreshToken, LONG).toBe("refresh-2");
});
