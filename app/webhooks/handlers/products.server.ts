import {
  deletedPayload,
  isCutShort,
  productFromPayload,
  productPayload,
} from "../../products/mapping.server.ts";
import * as store from "../../products/store.server.ts";
import { requestRereads } from "../../sync/rereads.server.ts";
import { applied, handler, ignored } from "../handler.ts";

/** `products/create`, `products/update`. */
export const updateProduct = handler(productPayload, async (tx, payload, { shop }) => {
  const rows = productFromPayload(payload);
  const { id, updatedAt } = rows.product;
  if (isCutShort(payload)) {
    // Storing it would take the missing variants for deleted ones.
    await requestRereads(tx, shop, [{ kind: "product", id }]);
    return applied;
  }
  const before = await store.knownProduct(tx, shop, id);
  if (before?.deleted) return ignored("The product was deleted.");
  const [stored] = await store.saveProducts(tx, shop, store.packProducts([rows]), "told");
  if (stored === undefined && before && before.updatedAt > new Date(updatedAt)) {
    return ignored("Newer news of the product was here before.");
  }
  // A new variant's stock settings are not in the payload; an equal moment cannot be told apart.
  const saidAll = rows.variants.every(
    (variant) => variant.tracked !== null || before?.variantIds.has(variant.id),
  );
  if (stored === undefined || !saidAll) {
    await requestRereads(tx, shop, [{ kind: "product", id }]);
  }
  return applied;
});

export const deleteProduct = handler(deletedPayload, async (tx, { id }, { shop, at }) => {
  await store.deleteProduct(tx, shop, id, at);
  return applied;
});
