import type { GraphQLSchema } from "graphql";
import type { Change } from "../change.ts";
import { given } from "../given.ts";
import { gid, numberOf } from "../ids.ts";
import type { ProductStatus } from "../model.ts";
import { deleteProduct } from "../shop-acts.ts";
import { define } from "./define.ts";
import type { Context } from "./define.ts";
import { mutation, userError } from "./mutate.ts";
import type { Outcome, UserError } from "./mutate.ts";
import { checkTags, tidyTags } from "./order-mutations.ts";

interface ProductInput {
  id?: string | null;
  title?: string | null;
  descriptionHtml?: string | null;
  vendor?: string | null;
  productType?: string | null;
  handle?: string | null;
  status?: ProductStatus | null;
  tags?: string[] | null;
}

interface UpdateArgs {
  product?: ProductInput | null;
  input?: ProductInput | null;
  identifier?: { id?: string | null; handle?: string | null } | null;
}

function update(args: UpdateArgs, context: Context, change: Change): Outcome {
  const { store } = context;
  const input = args.product ?? args.input ?? {};
  const id = args.identifier?.id ?? input.id;
  const product = given(id)
    ? store.products.get(numberOf("Product", id) ?? -1)
    : [...store.products.values()].find(
        (candidate) => candidate.handle === args.identifier?.handle,
      );
  if (!product) return { errors: [userError("id", "Product does not exist")] };
  const errors: UserError[] = [];
  if (input.title !== undefined && !input.title?.trim())
    errors.push(userError("title", "Title can't be blank"));
  if (given(input.title) && input.title.length > 255) {
    errors.push(userError("title", "Title is too long (maximum is 255 characters)"));
  }
  checkTags(input.tags, ["tags"], errors);
  if (errors.length) return { errors };
  change.product(product);
  if (given(input.title)) product.title = input.title.trim();
  if (given(input.descriptionHtml)) product.descriptionHtml = input.descriptionHtml;
  if (given(input.vendor)) product.vendor = input.vendor;
  if (given(input.productType)) product.productType = input.productType;
  if (given(input.handle)) product.handle = input.handle;
  if (given(input.tags)) product.tags = tidyTags(input.tags);
  if (given(input.status)) product.status = input.status;
  const fields: Partial<typeof input> = structuredClone(input);
  delete fields.id;
  return {
    payload: { product },
    resources: [gid("Product", product.id)],
    effect: fields,
  };
}

export function installProductMutations(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    productUpdate: mutation(["product"], update),
    productDelete: mutation<{ input: { id: string } }>(
      ["deletedProductId", "productDeleteOperation", "shop"],
      ({ input }, context, change) => {
        const product = context.store.products.get(numberOf("Product", input.id) ?? -1);
        if (!product) {
          return { errors: [userError("id", "Product does not exist")] };
        }
        deleteProduct(change, product);
        return {
          payload: { deletedProductId: input.id, shop: context.store },
          resources: [input.id],
          effect: { deleted: true },
        };
      },
    ),
  });
}
