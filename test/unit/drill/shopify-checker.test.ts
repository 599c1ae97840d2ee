import { expect, test } from "vitest";
import { checkShopify, type Stored } from "../../drill/shopify/checker.ts";
import { drilledKinds, makeCommands, type Asked } from "../../drill/shopify/kinds.ts";
import { commandKinds } from "../../../app/commands/types.ts";
import { createShops } from "../../sandbox/shopify/shop/index.ts";

const adjust: Asked = {
  id: "0c0ffee0-0000-4000-8000-000000000001",
  kind: "inventory.adjust",
  input: {},
};
const edit: Asked = { id: "0c0ffee0-0000-4000-8000-000000000002", kind: "order.edit", input: {} };
const mark = "EK0c0ffee0000040008000000000000002";

const row = ({ id }: Asked, state = "done", uncertain = false): Stored => ({
  id,
  state,
  uncertain,
});
const adjusted = {
  mutation: "inventoryAdjustQuantities",
  arguments: { input: { referenceDocumentUri: `gid://evenkeel/Command/${adjust.id}` } },
};
const noted = { mutation: "orderUpdate", arguments: { input: { note: `Packed by ${mark}` } } };
const tagged = { mutation: "tagsAdd", arguments: { tags: [mark] } };

/** How many findings of each kind; kinds without any left out. */
const counts = (...given: Parameters<typeof checkShopify>) =>
  Object.fromEntries(
    Object.entries(checkShopify(...given))
      .map(([kind, findings]: [string, readonly unknown[]]) => [kind, findings.length] as const)
      .filter(([, count]) => count > 0),
  );

test("what was asked, is called done and was applied once is in order", () => {
  expect(counts([adjust, edit], [row(adjust), row(edit)], [adjusted, noted, tagged])).toEqual({});
});

test("a change that is called done and was never applied is lost, also a part of it", () => {
  expect(counts([adjust, edit], [row(adjust), row(edit)], [noted])).toEqual({ lost: 2 });
});

test("a change that was acknowledged and is not known is lost", () => {
  expect(counts([adjust], [], [])).toEqual({ lost: 1 });
});

test("a double is found beside a loss, which it does not make up for", () => {
  expect(counts([adjust, edit], [row(adjust), row(edit)], [noted, noted, tagged])).toEqual({
    lost: 1,
    appliedTwice: 1,
  });
});

test.each(["sending", "accepted", "unknown", "no such state"])(
  "a change that is still %s has no state to end in",
  (state) => {
    expect(counts([adjust], [row(adjust, state)], [])).toEqual({ stateless: 1 });
  },
);

test.each(["failed", "discarded"])(
  "a change that is called %s must not have been applied",
  (state) => {
    expect(counts([adjust], [row(adjust, state)], [])).toEqual({});
    expect(counts([adjust], [row(adjust, state)], [adjusted])).toEqual({ denied: 1 });
    expect(counts([adjust], [row(adjust, state, true)], [adjusted])).toEqual({});
  },
);

test("what nobody asked for is found", () => {
  expect(counts([], [], [adjusted])).toEqual({ unasked: 1 });
});

test("there are changes of every kind that is drilled, each with an id, and as many as wanted", () => {
  const [shop] = createShops({ orders: 1_000, searchLagMs: 0 });
  let count = 0;
  const newId = () => `${(++count).toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
  const asked = makeCommands(shop!, commandKinds, 500, newId);
  expect(asked).toHaveLength(500);
  const kinds = new Set(asked.map(({ kind }) => kind));
  const known = commandKinds.filter((kind) => kind in drilledKinds);
  expect([...kinds].sort()).toEqual([...known].sort());
});
