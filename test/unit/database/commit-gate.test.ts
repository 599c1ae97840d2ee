import { expect, test, vi } from "vitest";
import { CommitGate } from "../../../app/database/commit-gate.ts";

const ignore = () => {};

/** Lets so many commits be late, one after the other. */
function late(gate: CommitGate, times: number) {
  const passages = Array.from({ length: times }, () => gate.enter());
  const stays = passages.map((passage) => passage.late(ignore));
  passages.forEach((passage, n) => stays[n] || passage.end());
  return { passages, stays };
}

test("the fifth late commit in a row stays as the canary, and others are turned away until it is answered", () => {
  const onClose = vi.fn();
  const gate = new CommitGate(onClose);
  const { passages, stays } = late(gate, 5);
  expect(stays).toEqual([false, false, false, false, true]);
  expect(onClose).toHaveBeenCalledOnce();
  expect(() => gate.enter()).toThrow(expect.objectContaining({ kind: "busy" }));
  passages[4]!.answered();
  passages[4]!.end();
  expect(gate.closed).toBe(false);
  gate.enter().end();
});

test("a commit that is answered in between begins the count anew", () => {
  const gate = new CommitGate(ignore);
  late(gate, 4);
  gate.enter().answered();
  expect(late(gate, 4).stays).not.toContain(true);
  expect(gate.closed).toBe(false);
});

test("when the canary is lost, one write goes in its place, and no other", () => {
  const gate = new CommitGate(ignore);
  late(gate, 5).passages[4]!.end();
  const next = gate.enter();
  expect(() => gate.enter()).toThrow(expect.objectContaining({ code: "COMMITS_WAIT" }));
  // Its own work has failed: it has shown nothing.
  next.end();
  const another = gate.enter();
  expect(another.late(ignore)).toBe(true);
  another.answered();
  expect(gate.closed).toBe(false);
});

test("a canary that is never answered gives its place up after a while", () => {
  vi.useFakeTimers();
  try {
    const gate = new CommitGate(ignore);
    late(gate, 4);
    const giveUp = vi.fn();
    expect(gate.enter().late(giveUp)).toBe(true);
    vi.runAllTimers();
    expect(giveUp).toHaveBeenCalledOnce();
    gate.enter().answered();
    expect(gate.closed).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

test("another server behind the node is not judged by the one before", () => {
  const gate = new CommitGate(ignore);
  late(gate, 4);
  const giveUp = vi.fn();
  gate.enter().late(giveUp);
  gate.reset();
  expect(giveUp).toHaveBeenCalledOnce();
  expect(late(gate, 4).stays).not.toContain(true);
});
