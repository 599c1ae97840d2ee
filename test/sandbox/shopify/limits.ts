import {
  getNamedType,
  getNullableType,
  GraphQLError,
  isInputObjectType,
  isInputType,
  isListType,
  Kind,
  typeFromAST,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  type NamedTypeNode,
  type OperationDefinitionNode,
} from "graphql";

/** The largest page and the longest input list (docs: Shopify API limits). */
const MAX_PAGE = 250;
const MAX_INPUT_LENGTH = 250;

type Variables = Readonly<Record<string, unknown>>;

const GLOBAL_ID = /^gid:\/\/[\w-]+\/\w+\/\S+$/;

/**
 * Ids that are not global ids, in the document and in its variables (recorded, codes included: the
 * schema's `ID` takes any text).
 */
export function globalIdErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      OperationDefinition: (node) => (node === operation ? undefined : false),
      StringValue(node) {
        const type = types.getInputType();
        if (!type || getNamedType(type).name !== "ID" || GLOBAL_ID.test(node.value)) return;
        errors.push(
          new GraphQLError(`Invalid global id '${node.value}'`, {
            nodes: node,
            extensions: { code: "argumentLiteralsIncompatible", typeName: "CoercionError" },
          }),
        );
      },
    }),
  );
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const inputType = typeFromAST(schema, type as NamedTypeNode);
    const name = variable.name.value;
    if (!isInputType(inputType)) continue;
    for (const id of wrongIds(inputType, variables[name])) {
      errors.push(
        new GraphQLError(
          `Variable $${name} of type ${String(inputType)} was provided invalid value`,
          {
            nodes: variable,
            extensions: {
              code: "INVALID_VARIABLE",
              value: variables[name],
              problems: [{ path: [], explanation: `Invalid global id '${id}'` }],
            },
          },
        ),
      );
    }
  }
  return errors;
}

function* wrongIds(type: GraphQLInputType, value: unknown): Generator<string> {
  const inner = getNullableType(type);
  if (value === null || value === undefined) return;
  if (isListType(inner)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      yield* wrongIds(inner.ofType, item);
    }
  } else if (isInputObjectType(inner)) {
    for (const field of Object.values(inner.getFields())) {
      yield* wrongIds(field.type, (value as Variables)[field.name]);
    }
  } else if (inner.name === "ID" && typeof value === "string" && !GLOBAL_ID.test(value)) {
    yield value;
  }
}

/**
 * What Shopify refuses although it is valid against the schema: a connection without a size, a page of
 * more than 250, and an input list of more than 250.
 *
 * @param options.sizes Whether connections must have a size; they need none in a bulk operation.
 */
export function limitErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  options: { sizes: boolean } = { sizes: true },
): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      OperationDefinition: (node) => (node === operation ? undefined : false),
      ListValue(node) {
        tooLong(node.values.length, errors);
      },
      Field(node) {
        const definition = types.getFieldDef();
        if (!options.sizes || !definition) return;
        if (!getNamedType(definition.type).name.endsWith("Connection")) return;
        const size = (name: string) => {
          const argument = node.arguments?.find((candidate) => candidate.name.value === name);
          if (argument) return valueFromASTUntyped(argument.value, variables) as number | null;
          return definition.args.find((candidate) => candidate.name === name)?.defaultValue as
            number | undefined;
        };
        const first = size("first") ?? undefined;
        const last = size("last") ?? undefined;
        if (!definition.args.some(({ name }) => name === "first")) return;
        if (first === undefined && last === undefined) {
          errors.push(
            new GraphQLError("you must provide one of first or last", {
              nodes: node,
              extensions: { code: "BAD_REQUEST" },
            }),
          );
        } else if (first !== undefined && last !== undefined) {
          errors.push(
            new GraphQLError("providing both first and last is not supported", {
              nodes: node,
              extensions: { code: "BAD_REQUEST" },
            }),
          );
        } else if (Math.max(first ?? 0, last ?? 0) > MAX_PAGE) {
          const name = first === undefined ? "last" : "first";
          errors.push(
            new GraphQLError(`${name} cannot exceed ${MAX_PAGE}`, {
              nodes: node,
              extensions: { code: "BAD_REQUEST" },
            }),
          );
        }
      },
    }),
  );
  const used = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  for (const name of used) checkLists(variables[name], errors);
  return errors;
}

function checkLists(value: unknown, errors: GraphQLError[]): void {
  if (Array.isArray(value)) {
    tooLong(value.length, errors);
    for (const item of value) checkLists(item, errors);
  } else if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) checkLists(item, errors);
  }
}

function tooLong(length: number, errors: GraphQLError[]): void {
  if (length <= MAX_INPUT_LENGTH) return;
  errors.push(
    new GraphQLError(
      `The input array size of ${length} is greater than the maximum allowed of ${MAX_INPUT_LENGTH}.`,
      { extensions: { code: "MAX_INPUT_SIZE_EXCEEDED" } },
    ),
  );
}

/** The names by which people would call an operation: its own and those of its root fields. */
export function operationNames(operation: OperationDefinitionNode): string[] {
  const names = operation.name ? [operation.name.value] : [];
  for (const selection of operation.selectionSet.selections) {
    if (selection.kind === Kind.FIELD) names.push(selection.name.value);
  }
  return names;
}
