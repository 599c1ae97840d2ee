import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onHand } from "../../../sandbox/shopify/shop/catalogue.ts";
import type { InventoryLevel } from "../../../sandbox/shopify/shop/model.ts";
import { expectStockToMatchClaims } from "./claims.ts";
import { bench } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface UserError {
  field: string[] | null;
  message: string;
  code: string | null;
}

interface Change {
  name: string;
  delta: number;
  quantityAfterChange: number;
}

interface Payload {
  inventoryAdjustmentGroup: {
    reason: string;
    referenceDocumentUri: string | null;
    changes: Change[];
  } | null;
  userErrors: UserError[];
}

const group =
  "inventoryAdjustmentGroup { reason referenceDocumentUri changes { name delta quantityAfterChange } } userErrors { field message code }";

const adjust = async (shop: Bench, input: object) =>
  (
    await shop.run<{ result: Payload }>(
      `mutation($input: InventoryAdjustQuantitiesInput!, $key: String!) { result: inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { ${group} } }`,
      { input, key: "adjust-1" },
    )
  ).result;

const set = async (shop: Bench, input: object) =>
  (
    await shop.run<{ result: Payload }>(
      `mutation($input: InventorySetQuantitiesInput!) { result: inventorySetQuantities(input: $input) @idempotent(key: "set-1") { ${group} } }`,
      { input },
    )
  ).result;

const move = async (shop: Bench, input: object) =>
  (
    await shop.run<{ result: Payload }>(
      `mutation($input: InventoryMoveQuantitiesInput!) { result: inventoryMoveQuantities(input: $input) @idempotent(key: "move-1") { ${group} } }`,
      { input },
    )
  ).result;

function someLevel(shop: Bench, index = 3): InventoryLevel {
  const level = [...shop.shop.items.values()][index]?.levels[0];
  if (!level) throw new Error("no such level");
  return level;
}

const ids = (level: InventoryLevel) => ({
  inventoryItemId: `gid://shopify/InventoryItem/${level.item.id}`,
  locationId: `gid://shopify/Location/${level.location.id}`,
});

const codes = (payload: { userErrors: UserError[] }) =>
  payload.userErrors.map((error) => error.code);

describe("inventoryAdjustQuantities", () => {
  it("moves what is available and on hand, and tells", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const before = { ...level.quantities };
    shop.advance(5_000);
    const payload = await adjust(shop, {
      name: "available",
      reason: "correction",
      referenceDocumentUri: "gid://evenkeel/Command/1",
      changes: [{ ...ids(level), delta: -3, changeFromQuantity: before.available }],
    });
    expect(payload.userErrors).toEqual([]);
    expect(payload.inventoryAdjustmentGroup).toEqual({
      reason: "correction",
      referenceDocumentUri: "gid://evenkeel/Command/1",
      changes: [
        { name: "available", delta: -3, quantityAfterChange: before.available - 3 },
        { name: "on_hand", delta: -3, quantityAfterChange: onHand(before) - 3 },
      ],
    });
    expect(level.quantities).toEqual({ ...before, available: before.available - 3 });
    expect(shop.topics()).toEqual(["inventory_levels/update", "products/update"]);
    expect(shop.events[0]?.payload).toEqual({
      inventory_item_id: level.item.id,
      location_id: level.location.id,
      available: before.available - 3,
      updated_at: "2026-11-21T16:00:05+01:00",
      admin_graphql_api_id: `gid://shopify/InventoryLevel/${level.location.id}?inventory_item_id=${level.item.id}`,
    });
  });

  it("enters the ledger with its key and its effect, and only when it took effect", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const input = {
      name: "available",
      reason: "restock",
      changes: [{ ...ids(level), delta: 5, changeFromQuantity: null }],
    };
    await adjust(shop, { ...input, reason: "boredom" });
    expect(shop.shop.ledger).toEqual([]);
    await adjust(shop, input);
    expect(shop.shop.ledger).toMatchObject([
      {
        mutation: "inventoryAdjustQuantities",
        idempotencyKey: "adjust-1",
        appId: shop.context.appId,
        arguments: { input },
        effect: {
          changes: [
            { ...ids(level), name: "available", delta: 5, after: level.quantities.available },
          ],
        },
      },
    ]);
  });

  it("refuses when what is there is not what was expected", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const before = { ...level.quantities };
    const payload = await adjust(shop, {
      name: "available",
      reason: "correction",
      changes: [{ ...ids(level), delta: 1, changeFromQuantity: before.available + 1 }],
    });
    expect(codes(payload)).toEqual(["CHANGE_FROM_QUANTITY_STALE"]);
    expect(payload.userErrors[0]?.field).toEqual(["input", "changes", "0", "changeFromQuantity"]);
    expect(payload.inventoryAdjustmentGroup).toBeNull();
    expect(level.quantities).toEqual(before);
    expect(shop.events).toEqual([]);
  });

  it("wants changeFromQuantity to be there, even when it is null", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const payload = await adjust(shop, {
      name: "available",
      reason: "correction",
      changes: [{ ...ids(level), delta: 1 }],
    });
    expect(payload.userErrors[0]?.field?.at(-1)).toBe("changeFromQuantity");
  });

  it("can change stock at a location that never held the item", async () => {
    const shop = bench();
    const item = [...shop.shop.items.values()].find((candidate) => candidate.levels.length < 3);
    const location = [...shop.shop.locations.values()].find(
      (place) => item && !shop.shop.level(item, place.id),
    );
    if (!item || !location) throw new Error("everything is everywhere");
    const payload = await adjust(shop, {
      name: "available",
      reason: "received",
      changes: [
        {
          inventoryItemId: `gid://shopify/InventoryItem/${item.id}`,
          locationId: `gid://shopify/Location/${location.id}`,
          delta: 4,
          changeFromQuantity: null,
        },
      ],
    });
    expect(payload.userErrors).toEqual([]);
    expect(shop.shop.level(item, location.id)?.quantities.available).toBe(4);
  });

  it.each<[string, string, (level: InventoryLevel) => object]>([
    [
      "an unknown reason",
      "INVALID_REASON",
      (level) => ({
        name: "available",
        reason: "because",
        changes: [{ ...ids(level), delta: 1, changeFromQuantity: null }],
      }),
    ],
    [
      "a name that cannot be adjusted",
      "INVALID_QUANTITY_NAME",
      (level) => ({
        name: "committed",
        reason: "other",
        changes: [
          {
            ...ids(level),
            delta: 1,
            changeFromQuantity: null,
            ledgerDocumentUri: "gid://evenkeel/Count/1",
          },
        ],
      }),
    ],
    [
      "an unknown item",
      "INVALID_INVENTORY_ITEM",
      (level) => ({
        name: "available",
        reason: "other",
        changes: [
          {
            ...ids(level),
            inventoryItemId: "gid://shopify/InventoryItem/1",
            delta: 1,
            changeFromQuantity: null,
          },
        ],
      }),
    ],
    [
      "an unknown location",
      "INVALID_LOCATION",
      (level) => ({
        name: "available",
        reason: "other",
        changes: [
          {
            ...ids(level),
            locationId: "gid://shopify/Location/1",
            delta: 1,
            changeFromQuantity: null,
          },
        ],
      }),
    ],
    [
      "too much",
      "INVALID_QUANTITY_TOO_HIGH",
      (level) => ({
        name: "available",
        reason: "other",
        changes: [
          {
            ...ids(level),
            delta: 2_000_000_001 - level.quantities.available,
            changeFromQuantity: null,
          },
        ],
      }),
    ],
    [
      "too little",
      "INVALID_QUANTITY_TOO_LOW",
      (level) => ({
        name: "available",
        reason: "other",
        changes: [
          {
            ...ids(level),
            delta: -2_000_000_001 - level.quantities.available,
            changeFromQuantity: null,
          },
        ],
      }),
    ],
    [
      "a ledger document with available",
      "INVALID_AVAILABLE_DOCUMENT",
      (level) => ({
        name: "available",
        reason: "other",
        changes: [
          {
            ...ids(level),
            delta: 1,
            changeFromQuantity: null,
            ledgerDocumentUri: "gid://evenkeel/Count/1",
          },
        ],
      }),
    ],
    [
      "no ledger document with incoming",
      "INVALID_QUANTITY_DOCUMENT",
      (level) => ({
        name: "incoming",
        reason: "other",
        changes: [{ ...ids(level), delta: 1, changeFromQuantity: null }],
      }),
    ],
    [
      "Shopify's own ledger documents",
      "INTERNAL_LEDGER_DOCUMENT",
      (level) => ({
        name: "incoming",
        reason: "other",
        changes: [
          {
            ...ids(level),
            delta: 1,
            changeFromQuantity: null,
            ledgerDocumentUri: "gid://shopify/Order/1",
          },
        ],
      }),
    ],
    [
      "a reference that is no URI",
      "INVALID_REFERENCE_DOCUMENT",
      (level) => ({
        name: "available",
        reason: "other",
        referenceDocumentUri: "no uri",
        changes: [{ ...ids(level), delta: 1, changeFromQuantity: null }],
      }),
    ],
  ])("refuses %s with %s", async (_what, code, input) => {
    const shop = bench();
    const level = someLevel(shop);
    const before = { ...level.quantities };
    expect(codes(await adjust(shop, input(level)))).toContain(code);
    expect(level.quantities).toEqual(before);
    expect(shop.shop.ledger).toEqual([]);
  });

  it("does all of its changes or none", async () => {
    const shop = bench();
    const [first, second] = [someLevel(shop, 3), someLevel(shop, 4)];
    const before = first.quantities.available;
    await adjust(shop, {
      name: "available",
      reason: "other",
      changes: [
        { ...ids(first), delta: 1, changeFromQuantity: null },
        { ...ids(second), delta: 1, changeFromQuantity: second.quantities.available + 7 },
      ],
    });
    expect(first.quantities.available).toBe(before);
  });
});

describe("inventorySetQuantities", () => {
  it("sets what is available", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const before = level.quantities.available;
    const payload = await set(shop, {
      name: "available",
      reason: "correction",
      quantities: [{ ...ids(level), quantity: 17, changeFromQuantity: before }],
    });
    expect(payload.userErrors).toEqual([]);
    expect(level.quantities.available).toBe(17);
    expect(payload.inventoryAdjustmentGroup?.changes[0]).toEqual({
      name: "available",
      delta: 17 - before,
      quantityAfterChange: 17,
    });
  });

  it("sets what is on hand by moving what is available, and leaves the rest alone", async () => {
    const shop = bench();
    const level = [...shop.shop.items.values()]
      .flatMap((item) => item.levels)
      .find((other) => other.quantities.committed > 0);
    if (!level) throw new Error("nothing is committed");
    const { committed } = level.quantities;
    const payload = await set(shop, {
      name: "on_hand",
      reason: "cycle_count_available",
      quantities: [{ ...ids(level), quantity: 50, changeFromQuantity: onHand(level.quantities) }],
    });
    expect(payload.userErrors).toEqual([]);
    expect(onHand(level.quantities)).toBe(50);
    expect(level.quantities.committed).toBe(committed);
  });

  it.each<[string, string, (level: InventoryLevel) => object]>([
    [
      "a stale quantity",
      "CHANGE_FROM_QUANTITY_STALE",
      (level) => ({
        name: "available",
        reason: "other",
        quantities: [
          { ...ids(level), quantity: 1, changeFromQuantity: level.quantities.available - 1 },
        ],
      }),
    ],
    [
      "a name that cannot be set",
      "INVALID_NAME",
      (level) => ({
        name: "incoming",
        reason: "other",
        quantities: [{ ...ids(level), quantity: 1, changeFromQuantity: null }],
      }),
    ],
    [
      "less than nothing on hand",
      "INVALID_QUANTITY_NEGATIVE",
      (level) => ({
        name: "on_hand",
        reason: "other",
        quantities: [{ ...ids(level), quantity: -1, changeFromQuantity: null }],
      }),
    ],
    [
      "too much",
      "INVALID_QUANTITY_TOO_HIGH",
      (level) => ({
        name: "available",
        reason: "other",
        quantities: [{ ...ids(level), quantity: 1_000_000_001, changeFromQuantity: null }],
      }),
    ],
    [
      "the same place twice",
      "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
      (level) => ({
        name: "available",
        reason: "other",
        quantities: [1, 2].map((quantity) => ({
          ...ids(level),
          quantity,
          changeFromQuantity: null,
        })),
      }),
    ],
    [
      "an unknown reason",
      "INVALID_REASON",
      (level) => ({
        name: "available",
        reason: "mood",
        quantities: [{ ...ids(level), quantity: 1, changeFromQuantity: null }],
      }),
    ],
  ])("refuses %s with %s", async (_what, code, input) => {
    const shop = bench();
    const level = someLevel(shop);
    const before = { ...level.quantities };
    expect(codes(await set(shop, input(level)))).toContain(code);
    expect(level.quantities).toEqual(before);
  });
});

describe("inventoryMoveQuantities", () => {
  const terminals = (level: InventoryLevel, from: object, to: object, quantity = 2) => ({
    reason: "damaged",
    referenceDocumentUri: "gid://evenkeel/Count/1",
    changes: [
      {
        inventoryItemId: ids(level).inventoryItemId,
        quantity,
        from: { locationId: ids(level).locationId, changeFromQuantity: null, ...from },
        to: { locationId: ids(level).locationId, changeFromQuantity: null, ...to },
      },
    ],
  });

  it("moves units between states without changing what is on hand", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const before = { ...level.quantities };
    const payload = await move(
      shop,
      terminals(
        level,
        { name: "available" },
        { name: "damaged", ledgerDocumentUri: "gid://evenkeel/Count/1" },
      ),
    );
    expect(payload.userErrors).toEqual([]);
    expect(level.quantities).toEqual({
      ...before,
      available: before.available - 2,
      damaged: before.damaged + 2,
    });
    expect(onHand(level.quantities)).toBe(onHand(before));
  });

  it("refuses the same state, other places and too few words", async () => {
    const shop = bench();
    const level = someLevel(shop);
    const other = [...shop.shop.locations.keys()].find((id) => id !== level.location.id);
    expect(
      codes(await move(shop, terminals(level, { name: "available" }, { name: "available" }))),
    ).toContain("SAME_QUANTITY_NAME");
    expect(
      codes(await move(shop, terminals(level, { name: "available" }, { name: "damaged" }))),
    ).toContain("INVALID_QUANTITY_DOCUMENT");
    expect(
      codes(
        await move(
          shop,
          terminals(
            level,
            { name: "available" },
            {
              name: "damaged",
              ledgerDocumentUri: "gid://evenkeel/Count/1",
              locationId: `gid://shopify/Location/${other}`,
            },
          ),
        ),
      ),
    ).toContain("DIFFERENT_LOCATIONS");
    expect(
      codes(
        await move(
          shop,
          terminals(
            level,
            { name: "available" },
            { name: "damaged", ledgerDocumentUri: "gid://evenkeel/Count/1" },
            -1,
          ),
        ),
      ),
    ).toContain("INVALID_QUANTITY_NEGATIVE");
  });
});

describe("inventoryActivate", () => {
  const activate = (shop: Bench, variables: object) =>
    shop.run<{
      inventoryActivate: {
        inventoryLevel: { id: string; quantities: { quantity: number }[] } | null;
        userErrors: UserError[];
      };
    }>(
      `mutation($inventoryItemId: ID!, $locationId: ID!, $available: Int) { inventoryActivate(inventoryItemId: $inventoryItemId, locationId: $locationId, available: $available) @idempotent(key: "a") { inventoryLevel { id quantities(names: ["available"]) { quantity } } userErrors { field message } } }`,
      { ...variables },
    );

  it("stocks an item at one more location, and refuses to set stock that is there", async () => {
    const shop = bench();
    const item = [...shop.shop.items.values()].find((candidate) => candidate.levels.length < 3);
    const location = [...shop.shop.locations.values()].find(
      (place) => item && !shop.shop.level(item, place.id),
    );
    const variables = {
      inventoryItemId: `gid://shopify/InventoryItem/${item?.id}`,
      locationId: `gid://shopify/Location/${location?.id}`,
      available: 9,
    };
    const first = await activate(shop, variables);
    expect(first.inventoryActivate.userErrors).toEqual([]);
    expect(first.inventoryActivate.inventoryLevel?.quantities).toEqual([{ quantity: 9 }]);
    const second = await activate(shop, variables);
    expect(second.inventoryActivate.userErrors).toHaveLength(1);
    const unknown = await activate(shop, { ...variables, locationId: "gid://shopify/Location/5" });
    expect(unknown.inventoryActivate.userErrors[0]?.field).toEqual(["locationId"]);
  });
});

describe("stock arithmetic", () => {
  it("keeps on hand the sum of its states through any sequence of changes", async () => {
    const shop = bench({ orders: 60 });
    const level = someLevel(shop);
    const step = fc.oneof(
      fc.record({ kind: fc.constant("adjust"), delta: fc.integer({ min: -20, max: 20 }) }),
      fc.record({ kind: fc.constant("set"), delta: fc.integer({ min: 0, max: 90 }) }),
      fc.record({ kind: fc.constant("count"), delta: fc.integer({ min: 0, max: 90 }) }),
      fc.record({ kind: fc.constant("other channel"), delta: fc.integer({ min: -5, max: 5 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        for (const { kind, delta } of steps) {
          const before = { ...level.quantities };
          if (kind === "adjust") {
            await adjust(shop, {
              name: "available",
              reason: "other",
              changes: [{ ...ids(level), delta, changeFromQuantity: before.available }],
            });
            expect(level.quantities.available).toBe(before.available + delta);
          } else if (kind === "set") {
            await set(shop, {
              name: "available",
              reason: "other",
              quantities: [{ ...ids(level), quantity: delta, changeFromQuantity: null }],
            });
            expect(level.quantities.available).toBe(delta);
          } else if (kind === "count") {
            await set(shop, {
              name: "on_hand",
              reason: "other",
              quantities: [{ ...ids(level), quantity: delta, changeFromQuantity: null }],
            });
            expect(onHand(level.quantities)).toBe(delta);
          } else {
            shop.shop.changeStock(shop.shop.random, { level, delta });
            expect(level.quantities.available).toBe(before.available + delta);
          }
          expect({ ...level.quantities, available: 0 }).toEqual({ ...before, available: 0 });
        }
      }),
      { numRuns: 30 },
    );
    expectStockToMatchClaims(shop.shop);
  });

  it("sums up in the ledger to what the app changed", async () => {
    const shop = bench({ orders: 60 });
    const level = someLevel(shop);
    const start = level.quantities.available;
    for (const delta of [4, -2, 9]) {
      await adjust(shop, {
        name: "available",
        reason: "other",
        changes: [{ ...ids(level), delta, changeFromQuantity: null }],
      });
    }
    const sum = shop.shop.ledger
      .flatMap((entry) => entry.effect.changes as { delta: number }[])
      .reduce((total, change) => total + change.delta, 0);
    expect(level.quantities.available - start).toBe(sum);
  });
});
