import type { GraphQLSchema } from "graphql";
import { given } from "../given.ts";
import { onHand } from "../catalogue.ts";
import type { Change } from "../change.ts";
import { gid, numberOf } from "../ids.ts";
import type { InventoryItem, Location, StockState } from "../model.ts";
import { levelGid } from "../payloads/inventory.ts";
import type { Seconds } from "../time.ts";
import { quantityOf } from "./catalogue.ts";
import { dateTime, define } from "./define.ts";
import type { Context } from "./define.ts";
import { mutation, userError } from "./mutate.ts";
import type { Outcome, UserError } from "./mutate.ts";

/**
 * Adjusting, setting, moving and activating stock.
 * Sources: the mutations' reference pages of 2026-10; https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states
 */

/** The reasons that Shopify accepts. */
export const inventoryReasons: readonly string[] = [
  "correction",
  "cycle_count_available",
  "damaged",
  "movement_canceled",
  "movement_created",
  "movement_received",
  "movement_updated",
  "other",
  "promotion",
  "quality_control",
  "received",
  "reservation_created",
  "reservation_deleted",
  "reservation_updated",
  "restock",
  "safety_stock",
  "shrinkage",
];

const adjustable: readonly string[] = [
  "available",
  "damaged",
  "incoming",
  "quality_control",
  "reserved",
  "safety_stock",
];

const uri = /^[a-zA-Z][a-zA-Z0-9+.-]*:(\/\/)?\S+$/;

interface RecordedChange {
  name: string;
  delta: number;
  after: number;
  item: InventoryItem;
  location: Location;
  ledgerDocumentUri: string | null;
}

interface AdjustmentGroup {
  __typename: "InventoryAdjustmentGroup";
  id: number;
  at: Seconds;
  reason: string;
  referenceDocumentUri: string | null;
  appId: string;
  changes: RecordedChange[];
}

function common(reason: string, referenceDocumentUri: string | null | undefined): UserError[] {
  const errors: UserError[] = [];
  if (!inventoryReasons.includes(reason)) {
    errors.push(userError("input.reason", "The specified reason is invalid.", "INVALID_REASON"));
  }
  if (given(referenceDocumentUri) && !uri.test(referenceDocumentUri)) {
    errors.push(
      userError(
        "input.referenceDocumentUri",
        "The specified reference document is invalid.",
        "INVALID_REFERENCE_DOCUMENT",
      ),
    );
  }
  return errors;
}

function find(
  context: Context,
  path: readonly string[],
  ids: { inventoryItemId: string; locationId: string },
  errors: UserError[],
): { item: InventoryItem; location: Location } | undefined {
  const item = context.store.items.get(numberOf("InventoryItem", ids.inventoryItemId) ?? -1);
  const location = context.store.locations.get(numberOf("Location", ids.locationId) ?? -1);
  if (!item) {
    errors.push(
      userError(
        [...path, "inventoryItemId"],
        "The specified inventory item could not be found.",
        "INVALID_INVENTORY_ITEM",
      ),
    );
  }
  if (!location) {
    errors.push(
      userError(
        [...path, "locationId"],
        "The specified location could not be found.",
        "INVALID_LOCATION",
      ),
    );
  }
  return item && location ? { item, location } : undefined;
}

function currentQuantity(
  context: Context,
  item: InventoryItem,
  location: Location,
  name: string,
): number {
  const level = context.store.level(item, location.id);
  return level ? quantityOf(level, name) : 0;
}

/** `changeFromQuantity` may be null, which opts out, but it may not be left out. */
function checkChangeFrom(
  path: readonly string[],
  entry: { changeFromQuantity?: number | null },
  current: number,
  errors: UserError[],
): void {
  if (!("changeFromQuantity" in entry)) {
    errors.push(
      userError(
        [...path, "changeFromQuantity"],
        "The changeFromQuantity argument is required. Pass null to opt out of the check.",
      ),
    );
  } else if (given(entry.changeFromQuantity) && entry.changeFromQuantity !== current) {
    errors.push(
      userError(
        [...path, "changeFromQuantity"],
        "The changeFromQuantity argument no longer matches the persisted quantity.",
        "CHANGE_FROM_QUANTITY_STALE",
      ),
    );
  }
}

interface Planned {
  item: InventoryItem;
  location: Location;
  name: StockState;
  delta: number;
  ledgerDocumentUri: string | null;
}

function apply(
  context: Context,
  change: Change,
  planned: readonly Planned[],
  reason: string,
  referenceDocumentUri: string | null,
): AdjustmentGroup | null {
  const changes: RecordedChange[] = [];
  for (const { item, location, name, delta, ledgerDocumentUri } of planned) {
    const level = change.level(item, location);
    level.isActive = true;
    level.quantities[name] += delta;
    changes.push({ name, delta, after: level.quantities[name], item, location, ledgerDocumentUri });
    if (name !== "incoming") {
      changes.push({
        name: "on_hand",
        delta,
        after: onHand(level.quantities),
        item,
        location,
        ledgerDocumentUri: null,
      });
    }
  }
  if (changes.length === 0) return null;
  return {
    __typename: "InventoryAdjustmentGroup",
    id: context.store.ids.row("InventoryAdjustmentGroup", context.store.ledger.length),
    at: change.at,
    reason,
    referenceDocumentUri,
    appId: context.appId,
    changes,
  };
}

function done(group: AdjustmentGroup | null, planned: readonly Planned[]): Outcome {
  return {
    payload: { inventoryAdjustmentGroup: group },
    resources: planned.map(
      ({ item, location }) => `${gid("InventoryLevel", location.id)}?inventory_item_id=${item.id}`,
    ),
    effect: {
      changes: planned.map(({ item, location, name, delta }) => ({
        inventoryItemId: gid("InventoryItem", item.id),
        locationId: gid("Location", location.id),
        name,
        delta,
        after: item.levels.find((level) => level.location === location)?.quantities[name],
      })),
    },
  };
}

interface AdjustInput {
  name: string;
  reason: string;
  referenceDocumentUri?: string | null;
  changes: {
    delta: number;
    inventoryItemId: string;
    locationId: string;
    ledgerDocumentUri?: string | null;
    changeFromQuantity?: number | null;
  }[];
}

interface SetInput {
  name: string;
  reason: string;
  referenceDocumentUri?: string | null;
  quantities: {
    quantity: number;
    inventoryItemId: string;
    locationId: string;
    changeFromQuantity?: number | null;
  }[];
}

interface Terminal {
  name: string;
  locationId: string;
  ledgerDocumentUri?: string | null;
  changeFromQuantity?: number | null;
}

interface MoveInput {
  reason: string;
  referenceDocumentUri: string;
  changes: { inventoryItemId: string; quantity: number; from: Terminal; to: Terminal }[];
}

const mostAdjusted = 2_000_000_000;
const mostSet = 1_000_000_000;

function adjust({ input }: { input: AdjustInput }, context: Context, change: Change): Outcome {
  const errors = common(input.reason, input.referenceDocumentUri);
  if (!adjustable.includes(input.name)) {
    errors.push(
      userError("input.name", "The specified quantity name is invalid.", "INVALID_QUANTITY_NAME"),
    );
  }
  const planned: Planned[] = [];
  const running = new Map<string, number>();
  for (const [index, entry] of input.changes.entries()) {
    const path = ["input", "changes", String(index)];
    const document = entry.ledgerDocumentUri ?? null;
    if (input.name === "available" && document !== null) {
      errors.push(
        userError(
          [...path, "ledgerDocumentUri"],
          "A ledger document URI is not allowed when adjusting available.",
          "INVALID_AVAILABLE_DOCUMENT",
        ),
      );
    } else if (input.name !== "available" && document === null) {
      errors.push(
        userError(
          [...path, "ledgerDocumentUri"],
          "A ledger document URI is required except when adjusting available.",
          "INVALID_QUANTITY_DOCUMENT",
        ),
      );
    } else if (document?.startsWith("gid://shopify/")) {
      errors.push(
        userError(
          [...path, "ledgerDocumentUri"],
          "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API.",
          "INTERNAL_LEDGER_DOCUMENT",
        ),
      );
    } else if (document !== null && !uri.test(document)) {
      errors.push(
        userError(
          [...path, "ledgerDocumentUri"],
          "The specified ledger document is invalid.",
          "INVALID_LEDGER_DOCUMENT",
        ),
      );
    }
    const found = find(context, path, entry, errors);
    if (!found) continue;
    const key = `${found.item.id} ${found.location.id}`;
    const current =
      running.get(key) ?? currentQuantity(context, found.item, found.location, input.name);
    checkChangeFrom(path, entry, current, errors);
    if (current + entry.delta > mostAdjusted) {
      errors.push(
        userError(
          [...path, "delta"],
          "The quantity can't be higher than 2,000,000,000.",
          "INVALID_QUANTITY_TOO_HIGH",
        ),
      );
    }
    if (current + entry.delta < -mostAdjusted) {
      errors.push(
        userError(
          [...path, "delta"],
          "The quantity can't be lower than -2,000,000,000.",
          "INVALID_QUANTITY_TOO_LOW",
        ),
      );
    }
    running.set(key, current + entry.delta);
    planned.push({
      ...found,
      name: input.name as StockState,
      delta: entry.delta,
      ledgerDocumentUri: document,
    });
  }
  if (new Set(planned.map((entry) => entry.ledgerDocumentUri)).size > 1) {
    errors.push(
      userError(
        "input.changes",
        "All changes must have the same ledger document URI or, in the case of adjusting available, no ledger document URI.",
        "MAX_ONE_LEDGER_DOCUMENT",
      ),
    );
  }
  if (errors.length) return { errors };
  return done(
    apply(context, change, planned, input.reason, input.referenceDocumentUri ?? null),
    planned,
  );
}

function set({ input }: { input: SetInput }, context: Context, change: Change): Outcome {
  const errors = common(input.reason, input.referenceDocumentUri);
  const nameIsValid = input.name === "available" || input.name === "on_hand";
  if (!nameIsValid) {
    errors.push(
      userError(
        "input.name",
        "The quantity name must be either 'available' or 'on_hand'.",
        "INVALID_NAME",
      ),
    );
  }
  const planned: Planned[] = [];
  const pairs = new Set<string>();
  for (const [index, entry] of input.quantities.entries()) {
    const path = ["input", "quantities", String(index)];
    const pair = `${entry.inventoryItemId} ${entry.locationId}`;
    if (pairs.has(pair)) {
      errors.push(
        userError(
          [...path, "locationId"],
          "The combination of inventoryItemId and locationId must be unique.",
          "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
        ),
      );
    }
    pairs.add(pair);
    if (entry.quantity > mostSet) {
      errors.push(
        userError(
          [...path, "quantity"],
          "The total quantity can't be higher than 1,000,000,000.",
          "INVALID_QUANTITY_TOO_HIGH",
        ),
      );
    } else if (input.name === "on_hand" && entry.quantity < 0) {
      errors.push(
        userError(
          [...path, "quantity"],
          "The quantity can't be negative.",
          "INVALID_QUANTITY_NEGATIVE",
        ),
      );
    } else if (entry.quantity < -mostSet) {
      errors.push(
        userError(
          [...path, "quantity"],
          "The total quantity can't be lower than -1,000,000,000.",
          "INVALID_QUANTITY_TOO_LOW",
        ),
      );
    }
    const found = find(context, path, entry, errors);
    if (!found || !nameIsValid) continue;
    const current = currentQuantity(context, found.item, found.location, input.name);
    checkChangeFrom(path, entry, current, errors);
    // What is on hand is changed by changing what is available: the other states are somebody else's.
    planned.push({
      ...found,
      name: "available",
      delta: entry.quantity - current,
      ledgerDocumentUri: null,
    });
  }
  if (errors.length) return { errors };
  const moved = planned.filter((entry) => entry.delta !== 0);
  return done(
    apply(context, change, moved, input.reason, input.referenceDocumentUri ?? null),
    planned,
  );
}

function move({ input }: { input: MoveInput }, context: Context, change: Change): Outcome {
  const errors = common(input.reason, input.referenceDocumentUri);
  const planned: Planned[] = [];
  for (const [index, entry] of input.changes.entries()) {
    const path = ["input", "changes", String(index)];
    if (entry.quantity < 0) {
      errors.push(
        userError(
          [...path, "quantity"],
          "The quantity can't be negative.",
          "INVALID_QUANTITY_NEGATIVE",
        ),
      );
    }
    if (entry.from.locationId !== entry.to.locationId) {
      errors.push(
        userError(
          path,
          "The quantities can't be moved between different locations.",
          "DIFFERENT_LOCATIONS",
        ),
      );
    }
    if (entry.from.name === entry.to.name) {
      errors.push(
        userError(
          path,
          "The quantity names for each change can't be the same.",
          "SAME_QUANTITY_NAME",
        ),
      );
    }
    for (const [side, terminal] of [
      ["from", entry.from],
      ["to", entry.to],
    ] as const) {
      const at = [...path, side];
      if (!adjustable.includes(terminal.name)) {
        errors.push(
          userError(
            [...at, "name"],
            "The specified quantity name is invalid.",
            "INVALID_QUANTITY_NAME",
          ),
        );
        continue;
      }
      if (terminal.name === "available" && given(terminal.ledgerDocumentUri)) {
        errors.push(
          userError(
            [...at, "ledgerDocumentUri"],
            "A ledger document URI is not allowed when moving available.",
            "INVALID_AVAILABLE_DOCUMENT",
          ),
        );
      } else if (terminal.name !== "available" && !given(terminal.ledgerDocumentUri)) {
        errors.push(
          userError(
            [...at, "ledgerDocumentUri"],
            "A ledger document URI is required except when moving available.",
            "INVALID_QUANTITY_DOCUMENT",
          ),
        );
      }
      const found = find(
        context,
        at,
        { inventoryItemId: entry.inventoryItemId, locationId: terminal.locationId },
        errors,
      );
      if (!found) continue;
      checkChangeFrom(
        at,
        terminal,
        currentQuantity(context, found.item, found.location, terminal.name),
        errors,
      );
      planned.push({
        ...found,
        name: terminal.name as StockState,
        delta: side === "from" ? -entry.quantity : entry.quantity,
        ledgerDocumentUri: terminal.ledgerDocumentUri ?? null,
      });
    }
  }
  if (errors.length) return { errors };
  return done(apply(context, change, planned, input.reason, input.referenceDocumentUri), planned);
}

interface ActivateArgs {
  inventoryItemId: string;
  locationId: string;
  available?: number | null;
  onHand?: number | null;
}

function activate(args: ActivateArgs, context: Context, change: Change): Outcome {
  const errors: UserError[] = [];
  const found = find(context, [], args, errors);
  if (given(args.available) && given(args.onHand)) {
    errors.push(userError(null, "Only one of available and onHand can be given."));
  }
  if (!found || errors.length)
    return { errors: errors.map(({ field, message }) => ({ field, message })) };
  const known = context.store.level(found.item, found.location.id);
  if (known?.isActive && (given(args.available) || given(args.onHand))) {
    return {
      errors: [
        userError(
          "available",
          "Not allowed to set available quantity when the item is already active at the location.",
        ),
      ],
    };
  }
  const level = change.level(found.item, found.location);
  level.isActive = true;
  if (given(args.available)) level.quantities.available = args.available;
  if (given(args.onHand)) level.quantities.available += args.onHand - onHand(level.quantities);
  return {
    payload: { inventoryLevel: level },
    resources: [levelGid(level)],
    effect: { available: level.quantities.available },
  };
}

export function installInventoryMutations(schema: GraphQLSchema): void {
  define<unknown>(schema, schema.getMutationType()?.name ?? "Mutation", {
    inventoryAdjustQuantities: mutation(["inventoryAdjustmentGroup"], adjust),
    inventorySetQuantities: mutation(["inventoryAdjustmentGroup"], set),
    inventoryMoveQuantities: mutation(["inventoryAdjustmentGroup"], move),
    inventoryActivate: mutation(["inventoryLevel"], activate),
  });
  define<AdjustmentGroup>(schema, "InventoryAdjustmentGroup", {
    id: (group) => gid("InventoryAdjustmentGroup", group.id),
    createdAt: (group) => dateTime(group.at),
    reason: (group) => group.reason,
    referenceDocumentUri: (group) => group.referenceDocumentUri,
    app: (group) => ({ id: group.appId }),
    staffMember: () => null,
    changes: (
      group,
      args: {
        inventoryItemIds?: string[] | null;
        locationIds?: string[] | null;
        quantityNames?: string[] | null;
      },
    ) =>
      group.changes.filter(
        (entry) =>
          (!args.inventoryItemIds ||
            args.inventoryItemIds.includes(gid("InventoryItem", entry.item.id))) &&
          (!args.locationIds || args.locationIds.includes(gid("Location", entry.location.id))) &&
          (!args.quantityNames || args.quantityNames.includes(entry.name)),
      ),
  });
  define<RecordedChange>(schema, "InventoryChange", {
    name: (entry) => entry.name,
    delta: (entry) => entry.delta,
    quantityAfterChange: (entry) => entry.after,
    item: (entry) => entry.item,
    location: (entry) => entry.location,
    ledgerDocumentUri: (entry) => entry.ledgerDocumentUri,
  });
}
