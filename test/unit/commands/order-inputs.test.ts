import { describe, expect, test } from "vitest";
import { expectOrder, nothingExpected } from "../../../app/commands/expected-order.ts";
import {
  cancelFulfilmentInput,
  editInput,
  holdInput,
  releaseInput,
} from "../../../app/commands/inputs-order.ts";
import { fieldOf } from "../../../app/commands/problem-fields.ts";
import { mayStillShow } from "../../../app/commands/sending.ts";
import { holdReasons } from "../../../app/orders/types.ts";
import { sameTag, tagsIn, tagsWithout, tidyNote } from "../../../app/orders/note-and-tags.ts";

const edit = (some: object) => ({ orderId: 1, note: null, addTags: [], removeTags: [], ...some });
const hold = (some: object) => ({
  orderId: 1,
  fulfillmentOrderIds: [5],
  reason: "other",
  notes: null,
  ...some,
});

/** The entries that a form would show something beside, with what is wrong. */
function fieldsOf(schema: typeof editInput | typeof holdInput, input: unknown) {
  return schema.safeParse(input).error?.issues.map(({ path }) => fieldOf(path, input)) ?? [];
}

describe("what an edit may be", () => {
  test.for([
    [edit({ note: { value: "x".repeat(5_000), basedOn: null } }), []],
    [edit({ note: { value: "x".repeat(5_001), basedOn: null } }), ["note"]],
    [edit({ note: { value: "", basedOn: "gone" } }), []],
    [edit({ addTags: ["x".repeat(40)] }), []],
    [edit({ addTags: ["x".repeat(41)] }), ["tags"]],
    [edit({ addTags: ["  "] }), ["tags"]],
    [edit({ addTags: ["one, two"] }), ["tags"]],
    [edit({ addTags: Array.from({ length: 251 }, (_, n) => `${n}`) }), ["tags"]],
    [edit({ addTags: ["Gift"], removeTags: ["gift"] }), ["tags"]],
    [edit({}), [null]],
    [edit({ orderId: "1", addTags: ["a"] }), ["orderId"]],
  ] as const)("%#", ([input, fields]) => {
    expect(fieldsOf(editInput, input)).toEqual(fields);
  });
});

describe("what a hold may be", () => {
  test.for([
    [hold({}), []],
    [hold({ reason: "because" }), ["reason"]],
    [hold({ notes: "x".repeat(256) }), ["notes"]],
    [hold({ fulfillmentOrderIds: [] }), ["parts"]],
    [hold({ fulfillmentOrderIds: ["5"] }), ["parts"]],
  ] as const)("%#", ([input, fields]) => {
    expect(fieldsOf(holdInput, input)).toEqual(fields);
  });

  test("every reason that is offered", () => {
    for (const reason of holdReasons) expect(fieldsOf(holdInput, hold({ reason }))).toEqual([]);
  });
});

test("a release names holds, or leaves it to what is there; a fulfillment goes by its id", () => {
  const release = (holdIds: unknown) =>
    releaseInput.safeParse({ orderId: 1, fulfillmentOrders: [{ id: 5, holdIds }] }).success;
  expect([release([7]), release(null), release([]), release(undefined)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(cancelFulfilmentInput.safeParse({ orderId: 1, fulfillmentId: 0 }).success).toBe(false);
});

describe("what is expected of an order", () => {
  const order = { tags: ["a", "b"], expected: nothingExpected };

  test("is what changes on their way make of it, in their order", () => {
    const expected = expectOrder(order, [
      { kind: "order.edit", input: edit({ note: { value: " First ", basedOn: null } }) },
      { kind: "order.edit", input: edit({ addTags: ["c", "A"], removeTags: ["B"] }) },
      { kind: "order.edit", input: edit({ note: { value: "", basedOn: "First" } }) },
      { kind: "order.hold", input: hold({}) },
      {
        kind: "order.release",
        input: { orderId: 1, fulfillmentOrders: [{ id: 6, holdIds: null }] },
      },
      { kind: "order.cancel-fulfilment", input: { orderId: 1, fulfillmentId: 9 } },
      { kind: "inventory.adjust", input: "not of an order" },
    ]);
    expect(expected).toEqual({
      note: { value: null },
      tags: ["a", "c"],
      held: [{ fulfillmentOrderId: 5, reason: "other", notes: null }],
      released: [6],
      cancelled: [9],
    });
  });

  test("goes on from what was expected before", () => {
    const first = expectOrder(order, [{ kind: "order.edit", input: edit({ addTags: ["c"] }) }]);
    const second = expectOrder({ ...order, expected: first }, [
      { kind: "order.edit", input: edit({ removeTags: ["a"] }) },
    ]);
    expect(second.tags).toEqual(["b", "c"]);
    expect(second.note).toBeNull();
  });

  test("is nothing where nothing is on its way", () => {
    expect(expectOrder(order, [])).toBe(nothingExpected);
  });
});

test("a lost answer is waited for until it would show, and no longer", () => {
  const since = (ms: number) =>
    mayStillShow({ uncertainSince: new Date(Date.now() - ms), settleMs: 60_000 });
  expect(since(0)).toMatchObject({ kind: "wait", uncertain: false });
  expect(since(60_000)).toBeNull();
  expect(mayStillShow({ uncertainSince: null, settleMs: 60_000 })).toBeNull();
});

test("notes are the same whatever their line ends, and an empty one is none", () => {
  expect(tidyNote("a\r\nb\r ")).toBe("a\nb");
  expect([tidyNote(" "), tidyNote(""), tidyNote(null)]).toEqual([null, null, null]);
});

test("tags are the same whatever their case, and commas part those that are typed", () => {
  expect(sameTag(" Gift", "gift ")).toBe(true);
  expect(tagsWithout(["A", "b"], ["a"])).toEqual(["b"]);
  expect(tagsIn(" a, b,,A ,")).toEqual(["a", "b"]);
});
