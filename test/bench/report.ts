import { cpus, totalmem, type, release } from "node:os";

/** One promise with its limit: what was measured, and whether it was kept. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** `ms`, `MB`, `%`, `×`, or the plural of what is counted. */
  readonly unit: string;
  readonly limit: number;
  readonly rule: "at most" | "at least" | "exactly";
  readonly ok: boolean;
}

export type Row = Readonly<Record<string, string | number | boolean | null | undefined | object>>;

/** What a bench, a drill or a check has to say. */
export interface Report {
  /** As in `npm run <name>`. */
  readonly name: string;
  /** How often the whole was measured. */
  readonly runs: number;
  readonly rows: readonly Row[];
  /** What people see in place of the rows, where those have too much in them for a table. */
  readonly table?: readonly Row[];
  /** Prints that table in Markdown, as a page would quote it. */
  readonly markdown?: boolean;
  readonly bars: readonly Bar[];
  /** More keys of the JSON line. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

type Limit = { atMost: number } | { atLeast: number } | { exactly: number };

/**
 * Holds a value against its limit. A value that is not a number (nothing was measured) never passes.
 *
 * @param limit What the bar's description says; it is not to be bent to what was measured.
 */
export function bar(name: string, value: number, unit: string, limit: Limit): Bar {
  const rounded = round(value);
  if ("atMost" in limit) {
    const ok = value <= limit.atMost;
    return { name, value: rounded, unit, limit: limit.atMost, rule: "at most", ok };
  }
  if ("atLeast" in limit) {
    const ok = value >= limit.atLeast;
    return { name, value: rounded, unit, limit: limit.atLeast, rule: "at least", ok };
  }
  const ok = value === limit.exactly;
  return { name, value: rounded, unit, limit: limit.exactly, rule: "exactly", ok };
}

/** The machine that the numbers are from: no name, no address. */
export function describeMachine(): Record<string, string | number> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    os: `${type()} ${release()}`,
    node: process.version,
  };
}

/**
 * Prints the rows and the bars as tables for people and then, as the last line, one JSON object for programs;
 * sets the exit code to 0 only if every bar is met.
 *
 * @returns whether every bar is met.
 */
export function printReport(report: Report): boolean {
  const ok = report.bars.every((one) => one.ok) && report.bars.length > 0;
  const lines = [
    "",
    (report.markdown ? formatMarkdownTable : formatTable)(report.table ?? report.rows),
    "",
    formatTable(
      report.bars.map(({ name, value, unit, limit, rule, ok }) => ({
        bar: name,
        measured: `${formatNumber(value)} ${unit}`,
        limit: `${rule} ${formatNumber(limit)}`,
        "": ok ? "met" : "MISSED",
      })),
    ),
    "",
    JSON.stringify({
      name: report.name,
      machine: describeMachine(),
      runs: report.runs,
      rows: report.rows,
      bars: report.bars,
      ...report.extra,
      ok,
    }),
  ];
  console.log(lines.join("\n"));
  process.exitCode = ok ? 0 : 1;
  return ok;
}

/** Rows as text, a column per key of any row; numbers to the right. */
export function formatTable(rows: readonly Row[]): string {
  const { columns, cells, widths, pad } = layOut(rows);
  const line = (values: readonly string[]) => values.map(pad).join("  ").trimEnd();
  if (columns.length === 0) return "";
  return [line(columns), line(widths.map((width) => "─".repeat(width))), ...cells.map(line)].join(
    "\n",
  );
}

/** The same in Markdown, spaced as the formatter wants it. */
export function formatMarkdownTable(rows: readonly Row[]): string {
  const { columns, cells, widths, isNumeric, pad } = layOut(rows, 3);
  const line = (values: readonly string[]) => `| ${values.map(pad).join(" | ")} |`;
  const rule = widths.map(
    (width, index) => `${"-".repeat(width - 1)}${isNumeric[index] ? ":" : "-"}`,
  );
  return [line(columns), line(rule), ...cells.map(line)].join("\n");
}

function layOut(rows: readonly Row[], leastWidth = 0) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(leastWidth, column.length, ...cells.map((cell) => cell[index]?.length ?? 0)),
  );
  const isNumeric = columns.map((column) =>
    rows.every((row) => row[column] === undefined || typeof row[column] === "number"),
  );
  const pad = (value: string, index: number) => {
    const width = widths[index] ?? 0;
    return isNumeric[index] ? value.padStart(width) : value.padEnd(width);
  };
  return { columns, cells, widths, isNumeric, pad };
}

/** The middle of some values: the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Linear interpolation between the closest ranks; NaN of nothing. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (sorted.length - 1) * part;
  const below = sorted[Math.floor(rank)] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}

function formatCell(value: Row[string]): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

function formatNumber(value: number): string {
  return Number.isNaN(value) ? "–" : value.toLocaleString("en", { maximumFractionDigits: 2 });
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
