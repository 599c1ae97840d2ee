import { expect, it } from "vitest";
import { mutationsThatNeedKeys } from "../../sandbox/shopify/idempotency.ts";
import { loadAdminSchema } from "../../sandbox/shopify/schema.ts";

it("the mutations that need an idempotency key are those that Shopify's reference names", () => {
  expect(mutationsThatNeedKeys(loadAdminSchema().schema).sort()).toEqual([
    "inventoryActivate",
    "inventoryAdjustQuantities",
    "inventoryMoveQuantities",
    "inventorySetOnHandQuantities",
    "inventorySetQuantities",
    "inventoryShipmentAddItems",
    "inventoryShipmentCreate",
    "inventoryShipmentCreateInTransit",
    "inventoryShipmentReceive",
    "inventoryTransferCreate",
    "inventoryTransferCreateAsReadyToShip",
    "inventoryTransferDuplicate",
    "inventoryTransferSetItems",
    "locationActivate",
    "locationDeactivate",
    "refundCreate",
  ]);
});
