import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCommands, type Commands } from "../../app/commands/commands.server.ts";
import { getChange } from "../../app/commands/queries.server.ts";
import type { Override } from "../../app/commands/overrides.ts";
import type { CommandKind } from "../../app/commands/types.ts";
import { Journal } from "../../app/continuity/journal/journal.ts";
import { ReadThrough } from "../../app/continuity/read-through.ts";
import { migrate } from "../../app/database/migrate.ts";
import { createPageReads, type PageReads } from "../../app/http/page-reads.server.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { createLogger } from "../../app/observability/logger.server.ts";
import { startPostgresPair, type PostgresPair } from "../sandbox/postgres/index.ts";
import { createShops, type ShopStore } from "../sandbox/shopify/shop/index.ts";
import { allOrders, insertFacts } from "./support/command-facts.ts";
import { startShopifyApp, type ShopifyApp } from "./support/shopify-app.ts";

/** What merchants ask for, on a pair of servers of which one may take acknowledged commits with it. */
const ME = "gid://shopify/StaffMember/1";
const logger = createLogger(process.env.LOG_LEVEL ?? "silent");
const LONG = { timeout: 50_000, interval: 100 };

let directory: string;
let pair: PostgresPair;
let journal: Journal;
let app: ShopifyApp;
let shop: ShopStore;
let commands: Commands;
let pages: PageReads;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "kept-commands-"));
  pair = await startPostgresPair({ replication: "async" });
  await migrate({ url: pair.url("owner", "writer"), steps: [installQueue] });
  journal = await Journal.open({ directory, secrets: ["secret"], anyFileSystem: true });
  app = await startShopifyApp({
    database: { url: (role) => pair.url(role, "writer") },
    nodes: pair.nodes.map((node) => new URL(pair.url("app", node)).host),
    journal,
    work: false,
    shops: createShops({ orders: 60, searchLagMs: 0 }),
    logger,
  });
  [shop] = app.shops as [ShopStore];
  await insertFacts(app.owner, shop);
  const { cluster, writes, jobs, sync, admin } = app;
  commands = createCommands({
    cluster,
    writes,
    durability: "primary",
    jobs,
    admin,
    logger,
    settleMs: 1_000,
  });
  const reads = new ReadThrough({ readable: () => cluster.readableSoon(), isOutage: () => true });
  pages = createPageReads({ cluster, sync, reads, commands, writes });
  await jobs.start();
});
afterEach(async () => {
  await app?.[Symbol.asyncDispose]();
  await journal?.close();
  await pair?.close();
  await rm(directory, { recursive: true });
});

const ask = (kind: CommandKind, input: unknown, operationId: string = randomUUID()) =>
  commands.submit(shop.domain, { operationId, kind, input, requestedBy: ME, subject: "Blue Mug" });

const decide = (action: Override, commandId: string) =>
  commands.decide(shop.domain, { commandId, action, by: ME });

async function submit(kind: CommandKind, input: unknown): Promise<string> {
  const answer = await ask(kind, input);
  if (answer.kind !== "accepted") throw new Error(JSON.stringify(answer.problems));
  return answer.change.operationId;
}

/** A level with some stock, and the change of it. */
function someStock() {
  for (const item of [...shop.items.values()].slice(0, 50)) {
    const level = item.levels.find((one) => one.isActive && one.quantities.available >= 20);
    if (!item.tracked || !level) continue;
    const at = { inventoryItemId: item.id, locationId: level.location.id };
    return { level, adjust: (delta: number) => ({ ...at, delta, reason: "damaged" }) };
  }
  throw new Error("The shop has no stock.");
}

/** One unit of several of a line: what can be sent twice. */
function oneOfSeveral() {
  const part = allOrders(shop)
    .filter(({ cancelledAt }) => cancelledAt === null)
    .flatMap(({ fulfillmentOrders }) => fulfillmentOrders)
    .find(({ status, lines }) => status === "OPEN" && lines.some((l) => l.remaining > 1));
  const line = part?.lines.find(({ remaining }) => remaining > 1);
  if (!part || !line) throw new Error("The shop has nothing to send.");
  return {
    orderId: part.order.id,
    fulfillmentOrders: [{ id: part.id, lines: [{ id: line.id, quantity: 1 }] }],
    tracking: null,
    notifyCustomer: false,
  };
}

const state = (id: string) =>
  getChange(app.cluster, shop.domain, id).then(
    ({ value }) => value?.state ?? null,
    () => null,
  );
const entriesOf = (id: string) => shop.ledger.filter((entry) => JSON.stringify(entry).includes(id));
const fulfillments = () =>
  shop.ledger.filter(({ mutation }) => mutation === "fulfillmentCreate").length;

/** The primary dies, and with it whatever the standby does not have. */
async function loseWhatIsNotReplicated(): Promise<void> {
  await pair.crash(pair.primary);
  const promoted = once(app.cluster.monitor.events, "writer");
  await pair.failover({ force: true });
  await promoted;
}

/** The standby has all that was committed so far. */
async function replicated(): Promise<void> {
  await expect
    .poll(async () => (await pair.status()).nodes.map(({ lagBytes }) => lagBytes), LONG)
    .toEqual([0, 0]);
}

test("while nothing takes writes a change is kept, shown and taken to Shopify once", async () => {
  const { level, adjust } = someStock();
  const before = level.quantities.available;
  await replicated();
  await pair.crash(pair.primary);

  const [id, unwanted] = [randomUUID(), randomUUID()];
  const first = await ask("inventory.adjust", adjust(-3), id);
  const kept = { kind: "accepted", change: { ring: "server", operationId: id } };
  expect(first).toMatchObject(kept);
  // A double click, and one that is not.
  expect(await ask("inventory.adjust", adjust(-3), id)).toMatchObject(kept);
  expect(await ask("inventory.adjust", adjust(-4), id)).toMatchObject({ kind: "invalid" });
  expect(await ask("inventory.adjust", adjust(-5), unwanted)).toMatchObject({ kind: "accepted" });
  const listed = await pages.listChanges(shop.domain, "pending");
  expect(
    listed.value.map(({ operationId, ring, subject }) => [operationId, ring, subject]),
  ).toEqual([
    [unwanted, "server", "Blue Mug"],
    [id, "server", "Blue Mug"],
  ]);
  const mark = await pages.changeMark(shop.domain);
  expect(mark.pending).toBe(2);
  expect(await decide("discard", unwanted)).toBe("kept");
  expect((await pages.changeMark(shop.domain)).mark).not.toBe(mark.mark);

  await pair.failover();
  await expect.poll(() => state(id), LONG).toBe("done");
  await expect.poll(() => state(unwanted), LONG).toBe("discarded");
  expect(await ask("inventory.adjust", adjust(-3), id)).toMatchObject({ kind: "accepted" });
  expect(entriesOf(id)).toHaveLength(1);
  expect(entriesOf(unwanted)).toHaveLength(0);
  expect(level.quantities.available).toBe(before - 3);
  // What is made is forgotten a moment later.
  await expect.poll(async () => (await commands.kept(shop.domain)).submitted).toEqual([]);
});

test("what turns out to be wrong with a kept change is a person's to see to, and never lost", async () => {
  const { level, adjust } = someStock();
  await replicated();
  await pair.crash(pair.primary);
  const id = await submit("inventory.adjust", adjust(-level.quantities.available - 1));
  await pair.failover();
  await expect.poll(() => state(id), LONG).toBe("failed");
  const { value } = await getChange(app.cluster, shop.domain, id);
  expect(value).toMatchObject({
    ring: "needs-you",
    problem: expect.stringMatching(/^Only/) as string,
  });
  expect(entriesOf(id)).toHaveLength(0);
});

test("what Shopify has and the new primary has never heard of is not sent twice", async () => {
  const { level, adjust } = someStock();
  const before = level.quantities.available;
  await replicated();
  await pair.cutReplication();
  const sent = await submit("order.fulfil", oneOfSeveral());
  const adjusted = await submit("inventory.adjust", adjust(-2));
  await expect.poll(() => state(sent), LONG).toBe("done");
  await expect.poll(() => state(adjusted), LONG).toBe("done");
  await loseWhatIsNotReplicated();
  await expect.poll(() => state(sent), LONG).toBe("done");
  await expect.poll(() => state(adjusted), LONG).toBe("done");
  const { value } = await getChange(app.cluster, shop.domain, sent);
  // It came back as one of which nobody knew whether Shopify has it.
  expect(value?.events.map((event) => event.state)).toContain("unknown");
  expect(fulfillments()).toBe(1);
  expect(entriesOf(adjusted)).toHaveLength(1);
  expect(level.quantities.available).toBe(before - 2);
});

test("what the new primary has as not yet sent, and Shopify has, is not sent twice", async () => {
  // A clear refusal: nothing was sent so far.
  app.shopify.faults.set({ kind: "http-423", operation: "fulfillmentCreate" });
  const id = await submit("order.fulfil", oneOfSeveral());
  await expect
    .poll(async () => (await getChange(app.cluster, shop.domain, id)).value?.problem ?? null, LONG)
    .not.toBeNull();
  expect(await state(id)).not.toBe("unknown");
  await replicated();
  await pair.cutReplication();
  app.shopify.faults.clear();
  await expect.poll(() => state(id), LONG).toBe("done");
  await loseWhatIsNotReplicated();
  await expect.poll(() => state(id), LONG).toBe("done");
  expect(fulfillments()).toBe(1);
});

test("a change that was given up stays so when both it and the decision have to be made again", async () => {
  const { level, adjust } = someStock();
  const before = level.quantities.available;
  await replicated();
  await pair.cutReplication();
  app.shopify.faults.set({ kind: "http-423", operation: "inventoryAdjustQuantities" });
  const id = await submit("inventory.adjust", adjust(-1));
  await expect.poll(() => decide("discard", id), LONG).toBe("done");
  await loseWhatIsNotReplicated();
  app.shopify.faults.clear();
  await expect.poll(() => state(id), LONG).toBe("discarded");
  const next = await submit("inventory.adjust", adjust(-7));
  await expect.poll(() => state(next), LONG).toBe("done");
  expect(entriesOf(id)).toHaveLength(0);
  expect(level.quantities.available).toBe(before - 7);
});
