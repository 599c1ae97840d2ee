import { expect, it } from "vitest";
import {
  ImportNotice,
  ImportProgress,
  isImporting,
  isStillComing,
} from "../../../app/components/import-progress.tsx";
import { phaseNames, type SyncProgress } from "../../../app/sync/types.ts";
import { render, textOf } from "./render.tsx";

const run = (change: Partial<SyncProgress>): SyncProgress => ({
  id: "run",
  kind: "import",
  state: "running",
  startedAt: new Date(0),
  finishedAt: null,
  error: null,
  phases: phaseNames.map((name) => ({ name, state: "done", done: 1, total: 1, cursor: null })),
  ...change,
});

it("shows a shop that has just been opened that all of it is still to come", () => {
  expect(isImporting(null)).toBe(true);
  for (const name of phaseNames) expect(isStillComing(null, name)).toBe(true);
  expect(textOf(render(<ImportProgress progress={null} />)).match(/Waiting/g)).toHaveLength(4);
  expect(textOf(render(<ImportNotice progress={null} what="orders" />))).toContain("0 so far");
});

it("is over with the first import, whatever is compared later", () => {
  for (const over of [run({ state: "done" }), run({ kind: "reconciliation" })]) {
    expect(isImporting(over)).toBe(false);
    for (const name of phaseNames) expect(isStillComing(over, name)).toBe(false);
    expect(textOf(render(<ImportNotice progress={over} what="orders" />))).toBe("");
  }
});

it("says of each part for itself whether it is still coming", () => {
  const phases = run({}).phases.map((phase) =>
    phase.name === "orders" ? { ...phase, state: "running" as const } : phase,
  );
  const importing = run({ phases });
  expect(isStillComing(importing, "orders")).toBe(true);
  expect(isStillComing(importing, "products")).toBe(false);
});
