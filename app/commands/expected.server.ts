import { sql } from "drizzle-orm";
import type { ShopDatabase } from "../database/cluster.ts";
import { textList } from "../database/list-reads.ts";
import { adjustInput, setInput } from "./inputs-stock.ts";
import { expectedStates } from "./queries.server.ts";

/** A level that changes on their way will change. */
export interface ExpectedLevel {
  /** What is there; read together with the changes, so that none is counted twice, and none not at all. */
  readonly available: number;
  /** What will be there once they have arrived. */
  readonly expected: number;
}

export interface ExpectedLevels {
  /** @returns null where nothing on its way touches that level. */
  of(inventoryItemId: number, locationId: number): ExpectedLevel | null;
}

interface Row extends Record<string, unknown> {
  readonly kind: string;
  readonly input: unknown;
  readonly available: number;
  /** What was heard of the level since the change was sent may have it in it already. */
  readonly may_be_in_it: boolean;
}

/**
 * Reads the changes of stock that are on their way, in the order in which they go to Shopify, with the levels that
 * they change. To be asked before the levels themselves: a change that is gone by then is in them.
 */
export async function expectedLevels(
  db: ShopDatabase,
  shop: string,
  inventoryItemIds: readonly number[],
): Promise<ExpectedLevels> {
  const levels = new Map<string, ExpectedLevel>();
  const of: ExpectedLevels["of"] = (item, location) => levels.get(`${item}/${location}`) ?? null;
  if (inventoryItemIds.length === 0) return { of };
  const resources = inventoryItemIds.map((item) => `inventory_item/${item}`);
  const rows = await db.execute<Row>(sql`
    select c.kind, c.input, l.available,
      (c.state in ('sending', 'unknown') or c.uncertain_since is not null) and l.updated_at >= date_trunc('second', c.first_sent_at)
        as may_be_in_it
    from commands c
    join inventory_levels l on l.shop = c.shop and l.deleted_at is null
      and l.inventory_item_id = (c.input->>'inventoryItemId')::bigint
      and l.location_id = (c.input->>'locationId')::bigint
    where c.shop = ${shop} and c.state in ${textList(expectedStates)}
      and c.resource in ${textList(resources)}
    order by c.accepted_at, c.id`);
  for (const { kind, input, available, may_be_in_it: mayBeInIt } of rows) {
    const step = levelStep(kind, input);
    if (!step) continue;
    const before = of(step.inventoryItemId, step.locationId)?.expected ?? available;
    const expected = mayBeInIt && kind === "inventory.adjust" ? before : step.apply(before);
    levels.set(`${step.inventoryItemId}/${step.locationId}`, { available, expected });
  }
  return { of };
}

/** What a change makes of a level; null where it is not about stock. */
export function levelStep(
  kind: string,
  input: unknown,
): {
  readonly inventoryItemId: number;
  readonly locationId: number;
  readonly apply: (available: number) => number;
} | null {
  if (kind === "inventory.adjust") {
    const { inventoryItemId, locationId, delta } = adjustInput.parse(input);
    return { inventoryItemId, locationId, apply: (available) => available + delta };
  }
  if (kind === "inventory.set") {
    const { inventoryItemId, locationId, quantity } = setInput.parse(input);
    return { inventoryItemId, locationId, apply: () => quantity };
  }
  return null;
}
