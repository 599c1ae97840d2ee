import { locationFromNode, locationNode } from "../../inventory/mapping.server.ts";
import { LOCATIONS_PER_PAGE, locationsPage } from "../../shopify/operations/locations.ts";
import type { Phase } from "./phase.ts";

/** A shop has a few hundred locations at most; all of them are read each time. */
export const locations: Phase = async function* (context, cursor) {
  if (cursor?.at === "clear") await context.clear();
  let after = cursor?.at === "pages" ? cursor.after : null;
  for (;;) {
    const { locations: page } = await context.admin.request(
      locationsPage,
      { first: LOCATIONS_PER_PAGE, after },
      context,
    );
    const rows = page.nodes.map((node) => locationFromNode(locationNode.parse(node)));
    after = page.pageInfo.endCursor;
    const more = page.pageInfo.hasNextPage;
    yield {
      kind: "step",
      batch: { kind: "locations", rows },
      next: more ? { at: "pages", after } : null,
      add: rows.length,
    };
    if (!more) return;
  }
};
