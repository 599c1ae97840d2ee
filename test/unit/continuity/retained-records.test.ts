import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { Journal } from "../../../app/continuity/journal/journal.ts";
import { RetainedRecords } from "../../../app/continuity/retained-records.ts";
import { createLogger } from "../../../app/observability/logger.server.ts";

const SHOP = "one.myshopify.com";
const logger = createLogger("silent");
const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function journal(maxBytes = 1_000_000): Promise<Journal> {
  const directory = await mkdtemp(path.join(tmpdir(), "retained-"));
  opened.push(() => rm(directory, { recursive: true }));
  const kept = await Journal.open({
    directory,
    secrets: ["of this test"],
    anyFileSystem: true,
    maxBytes,
  });
  opened.push(() => kept.close());
  return kept;
}

const record = (id: string) => ({ shop: SHOP, id, body: Buffer.from(`body of ${id}`) });
const idsIn = async (kept: Journal) =>
  (await kept.read(["retained-write"], 0, 100)).map(({ id }) => id);

test("what was committed is on the disk by the time that its sequence is known", async () => {
  const kept = await journal();
  const retained = new RetainedRecords(kept, "retained-write", logger);
  const sequences = await retained.begin([record("a"), record("b")]).committed();
  const records = await kept.read(["retained-write"], 0, 100);
  expect(records.map(({ id, sequence }) => [id, sequence])).toEqual([
    ["a", sequences[0]],
    ["b", sequences[1]],
  ]);
});

test("what was not committed leaves nothing behind", async () => {
  const kept = await journal();
  const retained = new RetainedRecords(kept, "retained-write", logger);
  await retained.begin([record("a"), record("b")]).abandoned();
  expect(await idsIn(kept)).toEqual([]);
});

test("a repetition that fails does not take away what the first one has committed", async () => {
  const kept = await journal();
  const retained = new RetainedRecords(kept, "retained-write", logger);
  await retained.begin([record("a")]).committed();
  await retained.begin([record("a")]).abandoned();
  expect(await idsIn(kept)).toEqual(["a"]);
});

test.each(["the first", "the second"])(
  "of two at a time, %s of which was committed, one record stays",
  async (which) => {
    const kept = await journal();
    const retained = new RetainedRecords(kept, "retained-write", logger);
    const pair = [retained.begin([record("a")]), retained.begin([record("a")])];
    const [failed, made] = which === "the first" ? pair.reverse() : pair;
    await failed!.abandoned();
    await made!.committed();
    expect(await idsIn(kept)).toEqual(["a"]);
  },
);

test.each(["the first", "the second"])(
  "of two at a time, %s of which fails after the other's commit, one record stays",
  async (which) => {
    const kept = await journal();
    const retained = new RetainedRecords(kept, "retained-write", logger);
    const pair = [retained.begin([record("a")]), retained.begin([record("a")])];
    const [failed, made] = which === "the first" ? pair : pair.reverse();
    await made!.committed();
    await failed!.abandoned();
    expect(await idsIn(kept)).toEqual(["a"]);
  },
);

test("what begins while a failure is being cleared away keeps a record of its own", async () => {
  const kept = await journal();
  const retained = new RetainedRecords(kept, "retained-write", logger);
  const failing = retained.begin([record("a")]).abandoned();
  const [sequence] = await retained.begin([record("a")]).committed();
  await failing;
  const records = await kept.read(["retained-write"], 0, 100);
  expect(records.map((one) => one.sequence)).toEqual([sequence]);
});

test("a journal that is full, and none at all, stand in nobody's way", async () => {
  for (const kept of [await journal(10), null]) {
    const retained = new RetainedRecords(kept, "retained-write", logger);
    expect(await retained.begin([record("a")]).committed()).toEqual([null]);
    await retained.begin([record("a")]).abandoned();
  }
});
