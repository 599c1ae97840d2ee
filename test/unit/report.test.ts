import { format } from "prettier";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  bar,
  formatMarkdownTable,
  formatTable,
  median,
  percentile,
  printReport,
} from "../bench/report.ts";

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

describe("a bar", () => {
  test("is met on its limit and missed beyond it", () => {
    expect(bar("p99", 150, "ms", { atMost: 150 }).ok).toBe(true);
    expect(bar("p99", 150.001, "ms", { atMost: 150 }).ok).toBe(false);
    expect(bar("ratio", 0.85, "×", { atLeast: 0.85 }).ok).toBe(true);
    expect(bar("ratio", 0.849, "×", { atLeast: 0.85 }).ok).toBe(false);
    expect(bar("lost", 1, "writes", { exactly: 0 }).ok).toBe(false);
  });

  test("is missed where nothing was measured", () => {
    expect(bar("p99", Number.NaN, "ms", { atMost: 150 }).ok).toBe(false);
    expect(bar("ratio", Number.NaN, "×", { atLeast: 1 }).ok).toBe(false);
  });

  test("is judged by what was measured, not by what is printed of it", () => {
    const almost = bar("p99", 150.0004, "ms", { atMost: 150 });
    expect(almost).toMatchObject({ value: 150, ok: false });
  });
});

describe("a report", () => {
  const print = (bars: ReturnType<typeof bar>[]) => {
    const printed: string[] = [];
    vi.spyOn(console, "log").mockImplementation((text: string) => void printed.push(text));
    const ok = printReport({ name: "bench:x", runs: 3, rows: [{ what: "a", ms: 1.5 }], bars });
    return { ok, last: printed.join("\n").split("\n").at(-1) ?? "" };
  };

  test("ends with one line of JSON that has the design's keys", () => {
    const { last } = print([bar("fast", 1, "ms", { atMost: 2 })]);
    expect(JSON.parse(last)).toMatchObject({
      name: "bench:x",
      machine: { node: process.version },
      runs: 3,
      rows: [{ what: "a", ms: 1.5 }],
      bars: [{ name: "fast", value: 1, unit: "ms", limit: 2, ok: true }],
      ok: true,
    });
  });

  test("exits 0 only if every bar is met, and there is one", () => {
    expect(print([bar("a", 1, "ms", { atMost: 2 })]).ok).toBe(true);
    expect(process.exitCode).toBe(0);
    expect(print([bar("a", 1, "ms", { atMost: 2 }), bar("b", 3, "ms", { atMost: 2 })]).ok).toBe(
      false,
    );
    expect(process.exitCode).toBe(1);
    expect(print([]).ok).toBe(false);
  });
});

test("a table has a column for every key of any row, numbers to the right", () => {
  expect(
    formatTable([
      { fault: "crash", lost: 0 },
      { fault: "freeze", lost: 12, note: "x" },
    ]).split("\n"),
  ).toEqual(["fault   lost  note", "──────  ────  ────", "crash      0", "freeze    12  x"]);
});

test("a table in Markdown is formatted already", async () => {
  const table = formatMarkdownTable([
    { fault: "crash", lost: 0, x: "a" },
    { fault: "freeze", lost: 12, x: "not within 10 s" },
  ]);
  expect(await format(table, { parser: "markdown" })).toBe(`${table}\n`);
});

test("percentiles lie between the closest ranks", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([0, 10], 0.95)).toBeCloseTo(9.5);
  expect(percentile([], 0.5)).toBeNaN();
});
