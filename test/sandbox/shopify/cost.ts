import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  OperationTypeNode,
  TypeNameMetaFieldDef,
  valueFromAST,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** The dearest single query that Shopify runs, in points (docs: GraphQL Admin API rate limits). */
export const MAX_QUERY_COST = 1_000;

/** What a mutation costs, whatever it returns (docs: as above). */
const MUTATION_COST = 10;

/** Recorded: `customers(first: 10) { nodes { phone } }` costs 12, so a connection adds 2 of its own. */
const CONNECTION_COST = 2;

type Answer = Readonly<Record<string, unknown>>;

/**
 * Computes what a query costs, by Shopify's published rules: a scalar or enum 0, an object 1, an
 * interface or union the most that it could be, a mutation 10, a connection as large as its `first`
 * or `last`. How a connection's size enters is recorded, not published: two points and its nodes.
 */
export class CostRules {
  readonly #schema: GraphQLSchema;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** What the query could cost at most; this much is reserved before it runs. */
  requested(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Answer = {},
  ): number {
    return this.#walk(document, operation, variables, undefined);
  }

  /** What the query did cost, from the sizes in its answer. A list without a size may come to more than was requested. */
  actual(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Answer,
    data: Answer | null | undefined,
  ): number {
    return this.#walk(document, operation, variables, data ?? {});
  }

  #walk(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Answer,
    data: Answer | undefined,
  ): number {
    const root = this.#schema.getRootType(operation.operation);
    if (!root) return 0;
    return new Walk(this.#schema, document, variables).root(root, operation, data);
  }
}

class Walk {
  readonly #schema: GraphQLSchema;
  readonly #variables: Answer;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Answer) {
    this.#schema = schema;
    this.#variables = variables;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        this.#fragments.set(definition.name.value, definition);
      }
    }
  }

  root(
    type: GraphQLCompositeType,
    operation: OperationDefinitionNode,
    data: Answer | undefined,
  ): number {
    if (operation.operation !== OperationTypeNode.MUTATION) {
      return this.#selections(operation.selectionSet, type, data);
    }
    let total = 0;
    for (const { field, definition, value } of this.#fields(operation.selectionSet, type, data)) {
      total += MUTATION_COST;
      const payload = getNamedType(definition.type);
      if (isLeafType(payload) || !field.selectionSet || !("getFields" in payload)) continue;
      // Recorded: a mutation that gives back its object and user errors costs 10, so what the
      // payload holds directly is part of the 10; connections inside it come on top.
      for (const child of this.#fields(field.selectionSet, payload, asAnswer(value, data))) {
        const childType = getNamedType(child.definition.type);
        if (isLeafType(childType) || !child.field.selectionSet || isUserErrors(childType.name)) {
          continue;
        }
        total += isConnection(childType)
          ? this.#field(child, data !== undefined)
          : this.#largest(
              child.field.selectionSet,
              childType as GraphQLCompositeType,
              child.value,
              data !== undefined,
            );
      }
    }
    return total;
  }

  /** Sums a selection; of an abstract type's alternatives only the dearest counts. */
  #selections(
    selectionSet: SelectionSetNode,
    type: GraphQLCompositeType,
    data: Answer | undefined,
  ): number {
    let total = 0;
    const alternatives = new Map<string, number>();
    for (const child of this.#fields(selectionSet, type, data)) {
      const cost = this.#field(child, data !== undefined);
      if (child.condition === undefined || data !== undefined) total += cost;
      else alternatives.set(child.condition, (alternatives.get(child.condition) ?? 0) + cost);
    }
    return total + Math.max(0, ...alternatives.values());
  }

  #field({ field, definition, value }: Selected, counting: boolean): number {
    const type = getNamedType(definition.type);
    if (isLeafType(type) || !field.selectionSet || type.name.startsWith("__")) return 0;
    const composite = type as GraphQLCompositeType;
    if (isConnection(type)) {
      if (counting && value === null) return 0;
      return CONNECTION_COST + this.#connection(field, definition, composite, value, counting);
    }
    if (isListType(getNullableType(definition.type))) {
      if (counting) {
        return (Array.isArray(value) ? value : []).reduce<number>(
          (sum, item) => sum + 1 + this.#largest(field.selectionSet!, composite, item, true),
          0,
        );
      }
      const size = this.#size(field, definition) ?? 1;
      return size * (1 + this.#largest(field.selectionSet, composite, undefined, false));
    }
    return 1 + this.#largest(field.selectionSet, composite, value, counting);
  }

  #connection(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown>,
    type: GraphQLCompositeType,
    value: unknown,
    counting: boolean,
  ): number {
    const size = this.#size(field, definition) ?? 0;
    let total = 0;
    for (const child of this.#fields(
      field.selectionSet!,
      type,
      asAnswer(value, counting ? {} : undefined),
    )) {
      const name = child.definition.name;
      if (name === "pageInfo" || !child.field.selectionSet) continue;
      if (name !== "nodes" && name !== "edges") {
        total += this.#field(child, counting);
        continue;
      }
      const node =
        name === "nodes"
          ? [child]
          : [
              ...this.#fields(
                child.field.selectionSet,
                getNamedType(child.definition.type) as GraphQLCompositeType,
                undefined,
              ),
            ].filter(({ definition: inner }) => inner.name === "node");
      for (const one of node) {
        const inside = one.field.selectionSet;
        if (!inside) continue;
        const nodeType = getNamedType(one.definition.type) as GraphQLCompositeType;
        if (!counting) {
          total += size * (1 + this.#largest(inside, nodeType, undefined, false));
          continue;
        }
        for (const item of Array.isArray(child.value) ? child.value : []) {
          const nodeValue: unknown =
            name === "nodes" ? item : (item as Answer | null)?.[responseKey(one.field)];
          total += 1 + this.#largest(inside, nodeType, nodeValue, true);
        }
      }
    }
    return total;
  }

  #largest(
    selectionSet: SelectionSetNode,
    type: GraphQLCompositeType,
    value: unknown,
    counting: boolean,
  ): number {
    if (counting && (value === null || value === undefined)) return 0;
    return this.#selections(selectionSet, type, counting ? (value as Answer) : undefined);
  }

  /** How many objects a field may give: `first`, `last`, or as many as there are `ids`. */
  #size(field: FieldNode, definition: GraphQLField<unknown, unknown>): number | undefined {
    for (const argument of field.arguments ?? []) {
      const name = argument.name.value;
      if (name !== "first" && name !== "last" && name !== "ids") continue;
      const type = definition.args.find((candidate) => candidate.name === name)?.type;
      if (!type) continue;
      const value = valueFromAST(argument.value, type, this.#variables);
      if (typeof value === "number") return Math.max(0, value);
      if (Array.isArray(value)) return value.length;
    }
    return undefined;
  }

  /** The fields of a selection with their definitions; with data, only those that are in the answer. */
  *#fields(
    selectionSet: SelectionSetNode,
    type: GraphQLCompositeType,
    data: Answer | undefined,
    condition?: string,
  ): Generator<Selected> {
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) {
        const definition = this.#definition(type, selection.name.value);
        if (!definition) continue;
        const key = responseKey(selection);
        if (data !== undefined && !(key in data)) continue;
        yield { field: selection, definition, value: data?.[key], condition };
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : this.#fragments.get(selection.name.value);
      if (!fragment) continue;
      const name = fragment.typeCondition?.name.value;
      const inner = name === undefined ? type : this.#schema.getType(name);
      if (!inner || !(isObjectType(inner) || isAbstractType(inner))) continue;
      const narrowed = isAbstractType(type) && name !== type.name ? name : condition;
      yield* this.#fields(fragment.selectionSet, inner, data, narrowed);
    }
  }

  #definition(
    type: GraphQLCompositeType,
    name: string,
  ): GraphQLField<unknown, unknown> | undefined {
    if (name === TypeNameMetaFieldDef.name) return undefined;
    return "getFields" in type ? type.getFields()[name] : undefined;
  }
}

interface Selected {
  field: FieldNode;
  definition: GraphQLField<unknown, unknown>;
  value: unknown;
  condition: string | undefined;
}

function responseKey(field: FieldNode): string {
  return field.alias?.value ?? field.name.value;
}

/** While counting an answer, what is not there counts as empty; while estimating there is no answer. */
function asAnswer(value: unknown, data: Answer | undefined): Answer | undefined {
  if (data === undefined) return undefined;
  return typeof value === "object" && value !== null ? (value as Answer) : {};
}

function isConnection(type: { name: string }): boolean {
  return type.name.endsWith("Connection");
}

function isUserErrors(typeName: string): boolean {
  return typeName.endsWith("UserError");
}
