import { describe, expect, test } from "vitest";
import {
  expectedWithKept,
  gravestWithKept,
  keptOf,
  withKept,
} from "../../../app/commands/kept.server.ts";
import type { WaitingWrite } from "../../../app/continuity/durable-writes.ts";
import { aChange } from "../orders/fixtures.ts";

const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const adjust = (n: number, delta: number): WaitingWrite => ({
  operationId: id(n),
  name: "command.submit",
  input: {
    commandId: id(n),
    kind: "inventory.adjust",
    input: { inventoryItemId: 7, locationId: 1, delta, reason: "damaged" },
    requestedBy: null,
  },
  label: "Blue Mug",
  acknowledgedAt: new Date(Date.UTC(2026, 0, n)),
});
const decided = (n: number): WaitingWrite => ({
  operationId: "command.override:x",
  name: "command.override",
  input: { commandId: id(n), action: "discard", by: null },
  label: null,
  acknowledgedAt: new Date(),
});

describe("what is kept on the disk", () => {
  test("is listed before what is known, but after what needs a person, and never twice", () => {
    const known = [
      aChange({ operationId: id(9), state: "failed", ring: "needs-you" }),
      aChange({ operationId: id(1), ring: "shopify" }),
    ];
    const kept = keptOf([adjust(1, -1), adjust(2, -2), adjust(3, -3)]);
    const ids = (filter: Parameters<typeof withKept>[2]) =>
      withKept(known, kept, filter).map(({ operationId }) => operationId);
    expect(ids("unsettled")).toEqual([id(9), id(3), id(2), id(1)]);
    expect(ids("settled")).toEqual([id(9), id(1)]);
  });

  test("holds a change about which somebody has decided back from needing them", () => {
    const change = aChange({ operationId: id(9), state: "failed", ring: "needs-you" });
    const kept = keptOf([decided(9)]);
    expect(withKept([change], kept, "needs-you")[0]?.ring).toBe("server");
    expect(gravestWithKept(change, "inventory_item/7", kept)?.ring).toBe("server");
    expect(gravestWithKept(null, "inventory_item/7", kept)).toBeNull();
  });

  test("adds to what a level will be, once each, and to no other level", () => {
    const kept = keptOf([adjust(1, -1), adjust(2, -2)]);
    const level = { locationId: 1, available: 10, expected: null };
    expect(expectedWithKept(level, 7, null, kept)).toBe(7);
    // The first one is in the database by now.
    const known = aChange({ operationId: id(1), ring: "shopify" });
    expect(expectedWithKept({ ...level, expected: 9 }, 7, known, kept)).toBe(7);
    expect(expectedWithKept({ ...level, locationId: 2 }, 7, null, kept)).toBeNull();
    expect(expectedWithKept(level, 8, null, kept)).toBeNull();
  });

  test("that this release does not know is left to a person", () => {
    const odd = { ...adjust(1, -1), input: { kind: "order.explode" } };
    expect(keptOf([odd, { ...adjust(2, 1), name: "something.else" }]).submitted).toEqual([]);
  });
});
