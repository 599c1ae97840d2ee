import {
  GraphQLError,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type OperationDefinitionNode,
} from "graphql";
import type { ProtectedData } from "./platform-shop.ts";
import { objectTypeOf, strictFieldResolver, type AdminSchema } from "./schema.ts";
import { missingScopes, type ScopeRules } from "./scopes.ts";

/** Types that relate to a single customer (docs: Work with protected customer data). */
const LEVEL_1_TYPES = new Set([
  "AbandonedCheckout",
  "Customer",
  "DraftOrder",
  "Fulfillment",
  "FulfillmentOrder",
  "Order",
  "OrderTransaction",
  "Refund",
  "Return",
]);

/** Names, addresses, e-mail addresses and phone numbers, wherever those types hold them. */
const LEVEL_2_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Customer: [
    "addresses",
    "addressesV2",
    "defaultAddress",
    "defaultEmailAddress",
    "defaultPhoneNumber",
    "displayName",
    "email",
    "firstName",
    "lastName",
    "phone",
  ],
  DraftOrder: ["billingAddress", "email", "phone", "shippingAddress"],
  FulfillmentOrder: ["destination"],
  Order: ["billingAddress", "displayAddress", "email", "phone", "shippingAddress"],
};

const PROTECTED_DATA_PAGE = "https://shopify.dev/docs/apps/launch/protected-customer-data";
const ACCESS_SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes";

/** Why a field of a document may not be read by this app; thrown when it is reached. */
export type Denials = ReadonlyMap<FieldNode, () => GraphQLError>;

type Deny = (
  field: FieldNode,
  definition: GraphQLField<unknown, unknown>,
  error: () => GraphQLError,
) => void;

/** What a guarded field finds in its context. */
export interface AccessContext {
  readonly denials: Denials;
}

/** Decides which fields of a document the app may not have, and sees to it that they are refused. */
export class AccessControl {
  readonly #admin: AdminSchema;
  readonly #rules: ScopeRules;
  readonly #guarded = new WeakSet<GraphQLField<unknown, unknown>>();

  constructor(admin: AdminSchema, rules: ScopeRules) {
    this.#admin = admin;
    this.#rules = rules;
  }

  /**
   * The fields that an app with these rights is refused. Refusing leaves the rest of the answer intact,
   * with null in its place, as Shopify does.
   */
  denials(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    scopes: ReadonlySet<string>,
    protectedData: ProtectedData,
    bulkAccess = true,
  ): Denials {
    const denials = new Map<FieldNode, () => GraphQLError>();
    const deny: Deny = (field, definition, error) => {
      if (denials.has(field)) return;
      denials.set(field, error);
      this.#guard(definition);
    };
    for (const missing of missingScopes(this.#admin, document, scopes, operation, this.#rules)) {
      deny(missing.field, missing.definition, () =>
        denied(
          `Access denied for ${missing.definition.name} field. Required access: ${missing.requiredAccess}`,
          { documentation: ACCESS_SCOPES_PAGE, requiredAccess: missing.requiredAccess },
        ),
      );
    }
    if (!bulkAccess) this.#denyBulk(operation, deny);
    if (!protectedData.level1 || !protectedData.level2) {
      this.#protect(document, protectedData, deny);
    }
    return denials;
  }

  #denyBulk(operation: OperationDefinitionNode, deny: Deny): void {
    const mutations = this.#admin.schema.getMutationType()?.getFields() ?? {};
    for (const selection of operation.selectionSet.selections) {
      if (selection.kind !== Kind.FIELD) continue;
      const { value: name } = selection.name;
      const definition = name.startsWith("bulkOperationRun") ? mutations[name] : undefined;
      if (!definition) continue;
      deny(selection, definition, () =>
        denied(
          `Access denied for ${name} field. This app does not have access to bulk operations.`,
        ),
      );
    }
  }

  #protect(document: DocumentNode, approved: ProtectedData, deny: Deny): void {
    const types = new TypeInfo(this.#admin.schema);
    visit(
      document,
      visitWithTypeInfo(types, {
        Field(node) {
          const definition = types.getFieldDef();
          const parent = types.getParentType();
          if (!definition || !parent) return;
          const returned = objectTypeOf(definition.type);
          if (!approved.level1 && LEVEL_1_TYPES.has(returned)) {
            deny(node, definition, () =>
              denied(
                `This app is not approved to access the ${returned} object. See ${PROTECTED_DATA_PAGE} for more details.`,
              ),
            );
          } else if (!approved.level2 && LEVEL_2_FIELDS[parent.name]?.includes(definition.name)) {
            deny(node, definition, () =>
              denied(
                `This app is not approved to use the ${definition.name} field. See ${PROTECTED_DATA_PAGE} for more details.`,
              ),
            );
          }
        },
      }),
    );
  }

  #guard(definition: GraphQLField<unknown, unknown>): void {
    if (this.#guarded.has(definition)) return;
    this.#guarded.add(definition);
    const resolve = definition.resolve ?? strictFieldResolver;
    definition.resolve = (source, args, context, info) => {
      const { denials } = context as AccessContext;
      for (const node of info.fieldNodes) {
        const error = denials.get(node);
        if (error) throw error();
      }
      return resolve(source, args, context, info);
    };
  }
}

function denied(message: string, extensions: Record<string, string> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "ACCESS_DENIED", ...extensions } });
}
