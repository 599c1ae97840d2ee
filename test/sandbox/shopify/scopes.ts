import {
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type OperationDefinitionNode,
} from "graphql";
import { objectTypeOf, type AdminSchema, type ScopeRequirement } from "./schema.ts";

/** One place in a document that asks something of the app's access scopes. */
export interface RequiredScope {
  /** The field that Shopify would refuse: its own requirement, or that of what it returns. */
  readonly field: FieldNode;
  /** `Order.customer`, `Mutation.orderUpdate`, ... */
  readonly coordinate: string;
  readonly anyOf: readonly string[];
  readonly requiredAccess: string;
  /** The definition behind `field`, for those who guard it while it is executed. */
  readonly definition: GraphQLField<unknown, unknown>;
}

const FULFILL = [
  "write_assigned_fulfillment_orders",
  "write_merchant_managed_fulfillment_orders",
  "write_third_party_fulfillment_orders",
] as const;
const ANY_OWNER = [
  "write_orders",
  "write_draft_orders",
  "write_products",
  "write_customers",
  "write_content",
  "write_discounts",
  "write_inventory",
  "write_locations",
] as const;

/**
 * Root fields whose published entry is missing or mixes in a scope that does not grant them. Their
 * reference pages say what is needed; where that depends on the kind of object, any write scope passes here.
 */
const CORRECTIONS: Readonly<Record<string, readonly string[]>> = {
  "Mutation.orderUpdate": ["write_orders", "write_marketplace_orders", "write_quick_sale"],
  "Mutation.refundCreate": ["write_orders", "write_marketplace_orders"],
  "Mutation.fulfillmentCancel": FULFILL,
  "Mutation.tagsAdd": ANY_OWNER,
  "Mutation.tagsRemove": ANY_OWNER,
  "Mutation.metafieldsSet": ANY_OWNER,
  "Mutation.metafieldsDelete": ANY_OWNER,
};

/** Writing includes reading: `write_orders` grants `read_orders` too. */
export function expandScopes(granted: Iterable<string>): Set<string> {
  const scopes = new Set<string>();
  for (const scope of granted) {
    scopes.add(scope);
    if (scope.startsWith("write_")) scopes.add(`read_${scope.slice("write_".length)}`);
  }
  return scopes;
}

/** `write_orders` alone stands for both when Shopify lists what it granted. */
export function compressScopes(granted: readonly string[]): string[] {
  const scopes = new Set(granted);
  return granted.filter(
    (scope) => !(scope.startsWith("read_") && scopes.has(`write_${scope.slice("read_".length)}`)),
  );
}

/** Looks requirements up by type and by field. */
export class ScopeRules {
  readonly #ofType = new Map<string, ScopeRequirement>();
  readonly #ofField = new Map<string, ScopeRequirement>();

  constructor(requirements: readonly ScopeRequirement[]) {
    for (const requirement of requirements) {
      if (requirement.fieldName === undefined) this.#ofType.set(requirement.typeName, requirement);
      else this.#ofField.set(`${requirement.typeName}.${requirement.fieldName}`, requirement);
    }
    for (const [coordinate, anyOf] of Object.entries(CORRECTIONS)) {
      const [typeName = "", fieldName = ""] = coordinate.split(".");
      const requiredAccess = `${anyOf.map((scope) => `\`${scope}\` access scope`).join(" or ")}.`;
      this.#ofField.set(coordinate, { typeName, fieldName, anyOf, requiredAccess });
    }
  }

  type(name: string): ScopeRequirement | undefined {
    return this.#ofType.get(name);
  }

  field(coordinate: string): ScopeRequirement | undefined {
    return this.#ofField.get(coordinate);
  }
}

/**
 * Everything in a document that needs a scope: each field's own requirement, that of the type it
 * returns, and that of each type that a fragment inside it asks for.
 *
 * @param document A document that is valid against `admin.schema`.
 * @param operation Look at this operation only (and at all fragments); all operations when absent.
 */
export function requiredScopes(
  admin: AdminSchema,
  document: DocumentNode,
  operation?: OperationDefinitionNode,
  rules = new ScopeRules(admin.offlineScopes),
): RequiredScope[] {
  const found: RequiredScope[] = [];
  const types = new TypeInfo(admin.schema);
  const enclosing: { node: FieldNode; definition: GraphQLField<unknown, unknown> }[] = [];

  const require = (
    requirement: ScopeRequirement | undefined,
    place: (typeof enclosing)[number] | undefined,
    coordinate: string,
  ) => {
    if (!requirement || !place) return;
    found.push({
      field: place.node,
      definition: place.definition,
      coordinate,
      anyOf: requirement.anyOf,
      requiredAccess: requirement.requiredAccess,
    });
  };

  visit(
    document,
    visitWithTypeInfo(types, {
      OperationDefinition: {
        enter: (node) => (operation !== undefined && node !== operation ? false : undefined),
      },
      Field: {
        enter(node) {
          const definition = types.getFieldDef();
          const parent = types.getParentType();
          if (!definition || !parent) return false;
          const place = { node, definition };
          enclosing.push(place);
          const coordinate = `${parent.name}.${definition.name}`;
          require(rules.field(coordinate), place, coordinate);
          const returned = objectTypeOf(definition.type);
          require(rules.type(returned), place, `${coordinate}: ${returned}`);
          return undefined;
        },
        leave() {
          enclosing.pop();
        },
      },
      InlineFragment: {
        enter(node) {
          const name = node.typeCondition?.name.value;
          const place = enclosing.at(-1);
          if (name && place) require(rules.type(name), place, `${place.definition.name}: ${name}`);
        },
      },
      FragmentSpread: {
        enter(node) {
          const place = enclosing.at(-1);
          const fragment = document.definitions.find(
            (definition) =>
              definition.kind === Kind.FRAGMENT_DEFINITION &&
              definition.name.value === node.name.value,
          );
          if (!place || fragment?.kind !== Kind.FRAGMENT_DEFINITION) return;
          const name = fragment.typeCondition.name.value;
          require(rules.type(name), place, `${place.definition.name}: ${name}`);
        },
      },
    }),
  );
  return found;
}

/**
 * What an app with the `granted` scopes could not do of this document.
 * The scopes of `shopify.app.toml` go in as they stand there.
 */
export function missingScopes(
  admin: AdminSchema,
  document: DocumentNode,
  granted: Iterable<string>,
  operation?: OperationDefinitionNode,
  rules?: ScopeRules,
): RequiredScope[] {
  const scopes = expandScopes(granted);
  return requiredScopes(admin, document, operation, rules).filter(
    ({ anyOf }) => !anyOf.some((scope) => scopes.has(scope)),
  );
}
