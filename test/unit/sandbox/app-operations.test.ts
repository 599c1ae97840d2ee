import {
  getOperationAST,
  Kind,
  OperationTypeNode,
  parse,
  validate,
  visit,
  type DocumentNode,
} from "graphql";
import { describe, expect, it } from "vitest";
import { readAppToml } from "../../sandbox/shopify/app-toml.ts";
import { mutationsThatNeedKeys } from "../../sandbox/shopify/idempotency.ts";
import { limitErrors } from "../../sandbox/shopify/limits.ts";
import { API_VERSION, loadAdminSchema } from "../../sandbox/shopify/schema.ts";
import { missingScopes } from "../../sandbox/shopify/scopes.ts";

interface Operation {
  readonly name: string;
  readonly text: string;
}

const modules = import.meta.glob<Record<string, unknown>>("/app/shopify/operations/*.ts", {
  eager: true,
});
const operations: Operation[] = Object.values(modules).flatMap((module) =>
  Object.values(module).filter(isOperation),
);
const admin = loadAdminSchema();
const toml = readAppToml("shopify.app.toml");
const needKeys = new Set(mutationsThatNeedKeys(admin.schema));

function isOperation(value: unknown): value is Operation {
  return (
    typeof value === "object" && value !== null && "text" in value && typeof value.text === "string"
  );
}

/** Bulk queries are written as operations of their own, which is what Shopify is given to run. */
function isBulkQuery({ name, text }: Operation): boolean {
  return (
    name.endsWith("Bulk") &&
    getOperationAST(parse(text), name)?.operation === OperationTypeNode.QUERY
  );
}

it("there are operations to judge", () => {
  expect(operations.length).toBeGreaterThan(10);
  expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
});

describe.each(operations)("the app's operation $name", (one) => {
  const { name, text } = one;
  const document = parse(text);
  const operation = getOperationAST(document, name)!;

  it("is valid against the published Admin schema", () => {
    expect(validate(admin.schema, document).map(({ message }) => message)).toEqual([]);
  });

  it("needs no scope that shopify.app.toml does not ask for", () => {
    expect(
      missingScopes(admin, document, toml.scopes).map(
        ({ coordinate, anyOf }) => `${coordinate} needs ${anyOf.join(" or ")}`,
      ),
    ).toEqual([]);
  });

  it("sizes its pages as Shopify wants them", () => {
    const sizes = { first: 1, last: undefined };
    const errors = limitErrors(admin.schema, document, operation, sizes, {
      sizes: !isBulkQuery(one),
    });
    expect(errors.map(({ message }) => message)).toEqual([]);
  });

  it("gives an idempotency key to every mutation that needs one", () => {
    expect(mutationsWithoutKeys(document)).toEqual([]);
  });
});

describe.each(operations.filter(isBulkQuery))("the app's bulk query $name", ({ text }) => {
  const document = parse(text);

  it("can be run as a bulk operation: no variables, at most five connections, nested twice", () => {
    expect(getOperationAST(document)?.variableDefinitions).toEqual([]);
    let connections = 0;
    let depth = 0;
    let deepest = 0;
    visit(document, {
      Field: {
        enter(node) {
          if (node.name.value !== "edges") return;
          connections += 1;
          deepest = Math.max(deepest, ++depth);
        },
        leave(node) {
          if (node.name.value === "edges") depth -= 1;
        },
      },
    });
    expect(connections).toBeLessThanOrEqual(5);
    // The outermost connection and two below it.
    expect(deepest).toBeLessThanOrEqual(3);
  });
});

it("the app speaks one version of the API everywhere", async () => {
  const { API_VERSION: ofApp } = await import("../../../app/shopify/api-version.ts");
  expect([ofApp, toml.webhookApiVersion]).toEqual([API_VERSION, API_VERSION]);
});

function mutationsWithoutKeys(document: DocumentNode): string[] {
  const found: string[] = [];
  visit(document, {
    Field: {
      enter(node, _key, _parent, _path, ancestors) {
        const depth = ancestors.filter((one) => "kind" in one && one.kind === Kind.FIELD).length;
        if (depth > 0 || !needKeys.has(node.name.value)) return;
        if (!node.directives?.some((directive) => directive.name.value === "idempotent")) {
          found.push(node.name.value);
        }
      },
    },
  });
  return found;
}
