import { describe, expect, it } from "vitest";
import { oldest, SourceBadge } from "../../../app/components/source-badge.tsx";
import type { Source } from "../../../app/continuity/sourced.ts";
import { now, render, textOf } from "./render.tsx";

const badge = (source: Source, ageMs: number) =>
  textOf(render(<SourceBadge of={{ source, asOf: new Date(now.getTime() - ageMs) }} />));

describe("the badge that says where data is from", () => {
  it.each([
    ["primary", 0],
    ["primary", 60_000],
    ["replica", 0],
    ["replica", 4_999],
  ] as const)("says nothing of the %s, %i ms old: that is live", (source, ageMs) => {
    expect(badge(source, ageMs)).toBe("");
  });

  it.each([
    ["replica", 12_000, "12 seconds behind"],
    ["replica", 60_000, "1 minute behind"],
    ["memory", 0, "Saved copy from 10:42 AM"],
    ["disk", 26 * 3_600_000, "Saved copy from Nov 20, 8:42 AM"],
    ["browser", 120_000, "On this device, from 10:40 AM"],
  ] as const)("says of the %s, %i ms old: %s", (source, ageMs, words) => {
    expect(badge(source, ageMs)).toContain(words);
  });

  it("says how old a copy is that lacks what the merchant has just changed, however young it is", () => {
    const asOf = new Date(now.getTime() - 2_000);
    const of = { source: "replica" as const, asOf, lacksOwnWrites: true as const };
    expect(textOf(render(<SourceBadge of={of} />))).toContain("2 seconds behind");
  });

  it("says the age of the oldest part of a page", () => {
    const old = { value: 1, source: "disk" as const, asOf: new Date(0) };
    const fresh = { value: 2, source: "primary" as const, asOf: now };
    expect(oldest(fresh, old, fresh)).toBe(old);
  });
});
