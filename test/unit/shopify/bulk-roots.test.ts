import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BulkResultError, bulkRoots, type BulkShape } from "../../../app/shopify/bulk.server.ts";

const shape: BulkShape = {
  Order: { LineItem: "lineItems", FulfillmentOrder: "fulfillmentOrders" },
  FulfillmentOrder: { FulfillmentOrderLineItem: "lineItems" },
};

/** The file's bytes in pieces of the given sizes, the last one over and over. */
function inPieces(text: string, sizes: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  let piece = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      const size = sizes[Math.min(piece++, sizes.length - 1)] ?? bytes.length;
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

async function read(text: string, sizes: readonly number[] = [1_000], skip = 0) {
  const roots: unknown[] = [];
  for await (const root of bulkRoots(inPieces(text, sizes), shape, { skip })) roots.push(root);
  return roots;
}

const label = fc.string({ unit: "grapheme", maxLength: 12 });
const order = fc.record({
  name: label,
  lines: fc.array(label, { maxLength: 4 }),
  parts: fc.array(fc.array(label, { maxLength: 3 }), { maxLength: 3 }),
});

interface Drawn {
  readonly name: string;
  readonly lines: readonly string[];
  readonly parts: readonly (readonly string[])[];
}

const gid = (kind: string, ...numbers: number[]) =>
  `gid://shopify/${kind}/${1 + numbers.reduce((sum, n) => sum * 100 + n, 0)}`;

/** As Shopify writes it: each object a line, children after their parents, connections left out. */
function toLines(orders: readonly Drawn[]): string {
  const lines = orders.flatMap(({ name, lines: items, parts }, n) => {
    const id = gid("Order", n);
    return [
      { id, name },
      ...items.map((title, i) => ({ id: gid("LineItem", n, i), title, __parentId: id })),
      ...parts.flatMap((titles, p) => {
        const part = gid("FulfillmentOrder", n, p);
        return [
          { id: part, __parentId: id },
          ...titles.map((title, i) => ({
            id: gid("FulfillmentOrderLineItem", n, p, i),
            title,
            __parentId: part,
          })),
        ];
      }),
    ];
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function toNodes(orders: readonly Drawn[]): unknown[] {
  return orders.map(({ name, lines, parts }, n) => ({
    id: gid("Order", n),
    name,
    lineItems: { nodes: lines.map((title, i) => ({ id: gid("LineItem", n, i), title })) },
    fulfillmentOrders: {
      nodes: parts.map((titles, p) => ({
        id: gid("FulfillmentOrder", n, p),
        lineItems: {
          nodes: titles.map((title, i) => ({
            id: gid("FulfillmentOrderLineItem", n, p, i),
            title,
          })),
        },
      })),
    },
  }));
}

describe("the result of a bulk operation", () => {
  test("is put together the same wherever the network cuts it, and whatever is in it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(order, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (orders, sizes) => {
          expect(await read(toLines(orders), sizes)).toEqual(toNodes(orders));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("goes on after the roots that were read before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(order, { maxLength: 6 }), fc.nat(7), async (orders, skip) => {
        expect(await read(toLines(orders), [17], skip)).toEqual(toNodes(orders).slice(skip));
      }),
      { numRuns: 60 },
    );
  });

  test("may end without a line break, and is empty when nothing was found", async () => {
    expect(await read('{"id":"gid://shopify/Order/1"}')).toHaveLength(1);
    expect(await read("")).toEqual([]);
  });

  test("that quotes a parent in a text is not taken for a child", async () => {
    const name = '"__parentId":"gid://shopify/Order/9"';
    const line = JSON.stringify({ id: gid("Order", 1), name });
    expect(await read(`${line}\n`)).toMatchObject([{ name }]);
  });

  test.each([
    [
      "a child without its parent",
      '{"id":"gid://shopify/LineItem/1","__parentId":"gid://shopify/Order/9"}',
    ],
    [
      "a kind that was not asked for",
      '{"id":"gid://shopify/Order/1"}\n{"id":"gid://shopify/Refund/1","__parentId":"gid://shopify/Order/1"}',
    ],
    ["a line that was cut off", '{"id":"gid://shopify/Order/1"'],
    ["a line that is no object", "5"],
  ])("is refused where it has %s", async (_what, text) => {
    await expect(read(text)).rejects.toThrow(BulkResultError);
  });
});
