import {
  itemWithLevelsNode,
  levelFromNode,
  levelsFromItem,
  levelsPageShape,
} from "../../inventory/mapping.server.ts";
import { packLevels } from "../../inventory/store.server.ts";
import { globalId } from "../../shopify/ids.ts";
import { LEVELS_PER_PAGE, levelsBulk, levelsPage } from "../../shopify/operations/inventory.ts";
import { productsCount } from "../../shopify/operations/products.ts";
import { readNode } from "../unreadable.ts";
import { phaseOf } from "./listing.ts";
import { mapped } from "./mapped.ts";

/** Nothing in the place of a location that is gone. */
const noLevels = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

export const inventory = phaseOf({
  /** There is no count of levels; the catalogue's size tells small shops from large ones well enough. */
  async count(context) {
    const { productsCount: answer } = await context.admin.request(productsCount, {}, context);
    return { count: answer?.count ?? 0, exact: false };
  },
  bulk: {
    query: () => levelsBulk,
    personal: false,
    shape: { InventoryItem: { InventoryLevel: "inventoryLevels" } },
    perStep: 500,
    async toBatch({ unreadable }, nodes) {
      const items = await mapped(nodes, (node) => readNode(itemWithLevelsNode, node, unreadable));
      return { kind: "levels", rows: packLevels(items.flatMap(levelsFromItem)) };
    },
  },
  async *pages(context, cursor) {
    const query = cursor.since ? `updated_at:>='${cursor.since}'` : null;
    const locations = (await context.locationIds()).filter((id) => id >= (cursor.location ?? 0));
    if (locations.length === 0) {
      yield { kind: "step", batch: { kind: "nothing" }, next: null, add: 0 };
    }
    for (const [index, location] of locations.entries()) {
      const following = locations[index + 1];
      let after = location === cursor.location ? cursor.after : null;
      for (let more = true; more;) {
        const { location: answer } = await context.admin.request(
          levelsPage,
          { locationId: globalId("Location", location), first: LEVELS_PER_PAGE, after, query },
          context,
        );
        const page = levelsPageShape.parse(answer?.inventoryLevels ?? noLevels);
        const rows = page.nodes
          .filter(({ isActive }) => isActive)
          .map((node) => levelFromNode(node, location));
        ({ hasNextPage: more, endCursor: after } = page.pageInfo);
        yield {
          kind: "step",
          batch: { kind: "levels", rows: packLevels(rows) },
          next: more
            ? { ...cursor, location, after }
            : following === undefined
              ? null
              : { ...cursor, location: following, after: null },
          add: rows.length,
        };
      }
    }
  },
});
