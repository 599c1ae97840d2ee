import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal, type JournalOptions } from "../../../app/continuity/journal/journal.ts";

const SHOP = "one.myshopify.com";
let directory: string;
const open: Journal[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "journal-"));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((journal) => journal.close()));
  await rm(directory, { recursive: true });
});

async function journal(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const opened = await Journal.open({
    directory,
    secrets: ["secret"],
    anyFileSystem: true,
    ...options,
  });
  open.push(opened);
  return opened;
}

const text = (value: string) => Buffer.from(value);

test("what went in comes out in the same order, also after a restart", async () => {
  const first = await journal();
  await Promise.all(
    ["a", "b", "c"].map((id) => first.append("write", SHOP, id, text(`body ${id}`))),
  );
  await first.close();
  const second = await journal();
  const records = await second.read(["write", "delivery"], 0, 10);
  expect(records.map(({ id, body }) => [id, body.toString()])).toEqual([
    ["a", "body a"],
    ["b", "body b"],
    ["c", "body c"],
  ]);
  expect(second.holds(SHOP)).toBe(true);
  expect(second.holds("two.myshopify.com")).toBe(false);
});

test("several are kept together, in their order, and told from those that were there", async () => {
  const kept = await journal();
  const there = await kept.append("delivery", SHOP, "b", text("1"));
  const before = kept.fill;
  const [a, b, c] = await kept.appendAll(
    "delivery",
    ["a", "b", "c"].map((id) => ({ shop: SHOP, id, body: text("1") })),
  );
  expect(b).toEqual({ sequence: there, isNew: false });
  expect(a!.sequence).toBeLessThan(c!.sequence);
  expect(kept.fill.records).toBe(before.records + 2);
  expect(kept.fill.bytes).toBe(before.bytes * 3);
  expect(kept.waiting).toBe(3);
  await kept.remove([a!.sequence, c!.sequence]);
  expect(kept.fill).toEqual(before);
});

test("of several that do not all find room, none is kept", async () => {
  const small = await journal({ maxBytes: 4_000 });
  const entries = ["a", "b"].map((id) => ({ shop: SHOP, id, body: Buffer.alloc(2_500) }));
  await expect(small.appendAll("delivery", entries)).rejects.toMatchObject({ kind: "full" });
  expect(small.fill).toMatchObject({ records: 0, bytes: 0 });
  expect(await small.read(["delivery"], 0, 10)).toEqual([]);
});

test("the same record again is kept once, and counted once", async () => {
  const kept = await journal();
  const [one, again] = await Promise.all([
    kept.append("delivery", SHOP, "x", text("1")),
    kept.append("delivery", SHOP, "x", text("1")),
  ]);
  expect(again).toBe(one);
  expect(kept.fill.records).toBe(1);
  await kept.remove([one]);
  expect(kept.fill).toMatchObject({ records: 0, bytes: 0 });
  expect(kept.holds(SHOP)).toBe(false);
});

test("what was acknowledged survives kill -9 at any moment", async () => {
  const program = fileURLToPath(new URL("./journal-writer.ts", import.meta.url));
  for (const killAfter of [1, 40, 200]) {
    const target = path.join(directory, String(killAfter));
    const child = spawn(process.execPath, [program, target], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === killAfter) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const reopened = await journal({ directory: target });
    const ids = new Set(
      (await reopened.read(["write", "delivery"], 0, 100_000)).map(({ id }) => id),
    );
    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter);
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
  }
});

test("nothing of what is kept can be read on the disk", async () => {
  const kept = await journal();
  await kept.append("write", SHOP, "x", text("jane@example.com"));
  for (const name of await readdir(directory)) {
    expect((await readFile(path.join(directory, name))).includes("jane@example.com")).toBe(false);
  }
});

test("after a rotation the earlier secret still opens what it kept; without it the record stays, unread", async () => {
  const before = await journal({ secrets: ["old"] });
  await before.append("write", SHOP, "x", text("kept"));
  await before.close();
  const rotated = await journal({ secrets: ["new", "old"] });
  expect((await rotated.read(["write", "delivery"], 0, 10))[0]?.body.toString()).toBe("kept");
  await rotated.close();
  const forgotten = await journal({ secrets: ["new"] });
  const unread: number[] = [];
  expect(
    await forgotten.read(["write", "delivery"], 0, 10, (sequence) => unread.push(sequence)),
  ).toEqual([]);
  expect(unread).toHaveLength(1);
  expect(forgotten.fill.records).toBe(1);
});

test("a full journal says so, and takes records again when some have gone", async () => {
  const small = await journal({ maxBytes: 2_000 });
  const first = await small.append("write", SHOP, "a", Buffer.alloc(1_500));
  await expect(small.append("write", SHOP, "b", Buffer.alloc(1_500))).rejects.toMatchObject({
    kind: "full",
  });
  await small.remove([first]);
  await small.append("write", SHOP, "b", Buffer.alloc(1_500));
});

test("a second process is kept out", async () => {
  const first = await journal();
  await first.append("write", SHOP, "a", text("x"));
  await expect(journal()).rejects.toMatchObject({ kind: "locked" });
});

test("a shop's records can be forgotten alone", async () => {
  const kept = await journal();
  await kept.append("write", SHOP, "a", text("x"));
  await kept.append("write", "two.myshopify.com", "b", text("y"));
  await kept.removeShop(SHOP);
  expect((await kept.read(["write", "delivery"], 0, 10)).map(({ id }) => id)).toEqual(["b"]);
});

test("a closed journal refuses, so that nothing is acknowledged on its account", async () => {
  const kept = await journal();
  await kept.close();
  await expect(kept.append("write", SHOP, "a", text("x"))).rejects.toMatchObject({
    kind: "closed",
  });
});

test.runIf(existsSync("/dev/shm"))("a directory in memory is refused with words", async () => {
  const memory = await mkdtemp("/dev/shm/journal-");
  try {
    await expect(Journal.open({ directory: memory, secrets: ["s"] })).rejects.toMatchObject({
      kind: "unsuitable",
      message: expect.stringContaining("tmpfs") as string,
    });
  } finally {
    await rm(memory, { recursive: true });
  }
});
