import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileQuery, parseQuery } from "../../../sandbox/shopify/shop/search-language.ts";
import type { SearchSchema, SearchWarning } from "../../../sandbox/shopify/shop/search-language.ts";
import { Zone } from "../../../sandbox/shopify/shop/time.ts";

interface Thing {
  id: number;
  title: string;
  tags: string[];
  price: number | null;
  at: number | null;
  active: boolean;
}

const at = (text: string) => Date.parse(text) / 1_000;

const schema: SearchSchema<Thing> = {
  fields: {
    id: { type: "id", get: (thing) => thing.id },
    title: { type: "text", get: (thing) => [thing.title] },
    tag: { type: "keyword", get: (thing) => thing.tags },
    tag_not: { type: "not-keyword", get: (thing) => thing.tags },
    price: { type: "number", get: (thing) => thing.price },
    created_at: { type: "time", get: (thing) => thing.at },
    active: { type: "boolean", get: (thing) => thing.active },
  },
  text: (thing) => [thing.title, ...thing.tags],
};

const things: Thing[] = [
  {
    id: 1,
    title: "Blue Mug",
    tags: ["kitchen", "VIP"],
    price: 12,
    at: at("2026-11-20T23:30:00Z"),
    active: true,
  },
  {
    id: 2,
    title: "Red Mug",
    tags: ["kitchen"],
    price: 15.5,
    at: at("2026-11-21T08:00:00Z"),
    active: false,
  },
  {
    id: 3,
    title: "Müller's blue tent",
    tags: ["camping gear"],
    price: 399,
    at: at("2026-10-01T00:00:00Z"),
    active: true,
  },
  { id: 4, title: "Table", tags: [], price: null, at: null, active: true },
];

const warnings: SearchWarning[] = [];
const find = (query: string) => {
  warnings.length = 0;
  const matches = compileQuery(query, schema, {
    zone: new Zone("Europe/Berlin"),
    now: at("2026-11-21T12:00:00Z"),
    warn: (warning) => warnings.push(warning),
  });
  return things.filter(matches).map((thing) => thing.id);
};

describe("the search language", () => {
  it.each<[string, number[]]>([
    ["", [1, 2, 3, 4]],
    ["mug", [1, 2]],
    ["blue mug", [1]],
    ['"blue mug"', [1]],
    ["'mug blue'", []],
    ["BLUE", [1, 3]],
    ["blu*", [1, 3]],
    ["müller*", [3]],
    ["tab", []],
    ["tab*", [4]],
    ["blue AND mug", [1]],
    ["table OR tent", [3, 4]],
    ["blue NOT mug", [3]],
    ["blue -mug", [3]],
    ["NOT blue", [2, 4]],
    ["red OR blue mug", [1, 2]],
    ["(red OR blue) mug", [1, 2]],
    ["(table OR (blue AND tent))", [3, 4]],
    ["title:mug", [1, 2]],
    ["title:'blue tent'", [3]],
    ["tag:kitchen", [1, 2]],
    ["tag:vip", [1]],
    ["tag:'camping gear'", [3]],
    ["tag:camping", []],
    ["tag:camp*", [3]],
    ["tag:vip,'camping gear'", [1, 3]],
    ['tag:"vip,camping gear"', [1, 3]],
    ["tag_not:kitchen", [3, 4]],
    ["id:2", [2]],
    ["id:>=2", [2, 3, 4]],
    ["id:gid://shopify/Product/3", [3]],
    ["price:12", [1]],
    ["price:>12", [2, 3]],
    ["price:>=12 price:<=20", [1, 2]],
    ["price:12..100", [1, 2]],
    ["price:*", [1, 2, 3]],
    ["active:true", [1, 3, 4]],
    ["active:false", [2]],
    // Late evening of the 20th in London is the 21st in Berlin.
    ["created_at:2026-11-21", [1, 2]],
    ["created_at:'2026-11-21'", [1, 2]],
    ["created_at:2026-11", [1, 2]],
    ["created_at:<=2026-10", [3]],
    ["created_at:>'2026-11-20T23:30:00Z'", [2]],
    ["created_at:>=2026-11-20T23:30:00Z", [1, 2]],
    ["created_at:>='2026-11-21T09:00:00+01:00'", [2]],
    ["created_at:<now", [1, 2, 3]],
    ["created_at:'2026-10-01..2026-10-31'", [3]],
    ["created_at: >='2026-11-01'", [1, 2]],
  ])("%s finds %j", (query, expected) => {
    expect(find(query)).toEqual(expected);
  });

  it("leaves out a field that does not exist, and warns", () => {
    expect(find("colour:blue")).toEqual([1, 2, 3, 4]);
    expect(warnings).toEqual([
      { field: "colour", message: "Invalid search field for this query." },
    ]);
    expect(find("colour:blue tag:vip")).toEqual([1]);
  });

  it("leaves out a value that its field cannot hold, and warns", () => {
    expect(find("price:cheap active:maybe created_at:soon")).toEqual([1, 2, 3, 4]);
    expect(warnings.map((warning) => warning.field)).toEqual(["price", "active", "created_at"]);
  });

  it("reads an escaped or quoted colon as text", () => {
    expect(parseQuery("a\\:b")).toEqual({
      kind: "text",
      value: "a:b",
      prefix: false,
      phrase: false,
    });
    expect(parseQuery('"price:12"')).toEqual({
      kind: "text",
      value: "price:12",
      prefix: false,
      phrase: true,
    });
  });

  it("never fails, whatever somebody types", () => {
    const piece = fc.constantFrom(
      "mug",
      "AND",
      "OR",
      "NOT",
      "(",
      ")",
      '"',
      "'",
      ":",
      "tag:",
      "price:>",
      "*",
      "-",
      "\\",
      " ",
      "ü",
      "..",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        expect(Array.isArray(find(pieces.join(" ")))).toBe(true);
        expect(Array.isArray(find(pieces.join("")))).toBe(true);
      }),
    );
  });

  it("finds with NOT exactly what it does not find without", () => {
    const query = fc.constantFrom(
      "mug",
      "tag:kitchen",
      "price:>12",
      "blue OR table",
      "active:true",
      "created_at:2026-11",
    );
    fc.assert(
      fc.property(query, (text) => {
        const found = [...find(text), ...find(`NOT (${text})`)].sort();
        expect(found).toEqual([1, 2, 3, 4]);
      }),
    );
  });
});
