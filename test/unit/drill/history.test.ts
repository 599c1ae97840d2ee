import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clockOrigin, createClock } from "../../drill/clock.ts";
import { HistoryWriter, readHistory } from "../../drill/history.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "evenkeel-history-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const clock = createClock(clockOrigin());

test("the histories of several processes are one, in the order of what was begun", () => {
  const paths = [join(dir, "a"), join(dir, "b")];
  const [a, b] = paths.map((path) => new HistoryWriter(path, clock));
  const first = a!.begin({ kind: "write", process: "a/1", key: "k", operationId: "w1" });
  const second = b!.begin({ kind: "read", process: "b/1", key: "k" });
  const value = { version: 1, last: "w1", entries: ["w1"] };
  const asOf = clock.now();
  second({ outcome: "ok", value, source: "replica", asOf });
  first({ outcome: "unknown", error: "unknown DEADLINE" });
  a!.close();
  b!.close();
  const [write, read, ...rest] = readHistory(paths.toReversed());
  expect(rest).toEqual([]);
  expect(write).toMatchObject({ kind: "write", operationId: "w1", outcome: "unknown" });
  expect(write).toMatchObject({ error: "unknown DEADLINE" });
  expect(read).toMatchObject({ kind: "read", value, source: "replica", asOf, outcome: "ok" });
  expect(write!.invokedAt).toBeLessThanOrEqual(read!.invokedAt);
  expect(read!.completedAt).toBeLessThanOrEqual(write!.completedAt!);
});

test("what a killed process had begun is there, as unknown, and half a line does no harm", () => {
  const path = join(dir, "a");
  const history = new HistoryWriter(path, clock);
  history.begin({ kind: "write", process: "a/1", key: "k", operationId: "w1" });
  history.close();
  appendFileSync(path, '{"n":0,"end":{"outc');
  expect(readHistory([path])).toMatchObject([
    { kind: "write", operationId: "w1", outcome: "unknown", completedAt: null },
  ]);
});

test("a moment by the wall clock is never put later than it was", () => {
  for (let n = 0; n < 1_000; n++) {
    const before = clock.now();
    const wall = new Date();
    expect(clock.at(wall)).toBeLessThanOrEqual(clock.now());
    expect(clock.at(wall)).toBeGreaterThan(before - 10);
  }
});
