import type { ShopDatabase } from "../database/cluster.ts";
import { expectedStates, unsettled } from "./queries.server.ts";
import { adjustInput, setInput } from "./inputs.ts";

/** What stock will be once the changes that are on their way have arrived. */
export interface ExpectedLevels {
  /** @returns null where nothing on its way touches that level. */
  of(inventoryItemId: number, locationId: number, available: number): number | null;
}

type Step = (available: number) => number;

/** Reads the changes of stock that are on their way, in the order in which they go to Shopify. */
export async function expectedLevels(
  db: ShopDatabase,
  shop: string,
  inventoryItemIds: readonly number[],
): Promise<ExpectedLevels> {
  const rows = await unsettled(
    db,
    shop,
    inventoryItemIds.map((item) => `inventory_item/${item}`),
  );
  const steps = new Map<string, Step[]>();
  for (const { kind, input, state } of rows) {
    if (!(expectedStates as readonly string[]).includes(state)) continue;
    const change = stepOf(kind, input);
    if (!change) continue;
    const key = `${change.inventoryItemId}/${change.locationId}`;
    steps.set(key, [...(steps.get(key) ?? []), change.step]);
  }
  return {
    of(inventoryItemId, locationId, available) {
      const found = steps.get(`${inventoryItemId}/${locationId}`);
      return found ? found.reduce((value, step) => step(value), available) : null;
    },
  };
}

function stepOf(
  kind: string,
  input: unknown,
): { inventoryItemId: number; locationId: number; step: Step } | null {
  if (kind === "inventory.adjust") {
    const { inventoryItemId, locationId, delta } = adjustInput.parse(input);
    return { inventoryItemId, locationId, step: (available) => available + delta };
  }
  if (kind === "inventory.set") {
    const { inventoryItemId, locationId, quantity } = setInput.parse(input);
    return { inventoryItemId, locationId, step: () => quantity };
  }
  return null;
}
