import { gid } from "../ids.ts";
import { fixedAmount } from "../money.ts";
import type { InventoryItem, InventoryLevel, Location } from "../model.ts";
import type { ShopStore } from "../store.ts";
import { moment } from "./common.ts";

/** A level has no number of its own: its global id names the location and, behind the question mark, the item. */
export function levelGid(level: InventoryLevel): string {
  return `${gid("InventoryLevel", level.location.id)}?inventory_item_id=${level.item.id}`;
}

/** `inventory_levels/update` and `inventory_levels/connect`. */
export function inventoryLevelPayload(store: ShopStore, level: InventoryLevel) {
  return {
    inventory_item_id: level.item.id,
    location_id: level.location.id,
    available: level.quantities.available,
    updated_at: moment(store, level.updatedAt),
    admin_graphql_api_id: levelGid(level),
  };
}

/** `inventory_items/update` and `inventory_items/create`. */
export function inventoryItemPayload(store: ShopStore, item: InventoryItem) {
  return {
    id: item.id,
    sku: item.variant.sku,
    created_at: moment(store, item.createdAt),
    updated_at: moment(store, item.updatedAt),
    requires_shipping: item.requiresShipping,
    cost: item.cost === null ? null : fixedAmount(item.cost, store.currency),
    country_code_of_origin: item.originCountry,
    province_code_of_origin: null,
    harmonized_system_code: item.harmonizedCode,
    tracked: item.tracked,
    country_harmonized_system_codes: [],
    weight_value: item.grams / 1_000,
    weight_unit: "kg",
    admin_graphql_api_id: gid("InventoryItem", item.id),
  };
}

/** `locations/*`. */
export function locationPayload(store: ShopStore, location: Location) {
  const { address } = location;
  return {
    id: location.id,
    name: location.name,
    address1: address.address1,
    address2: address.address2,
    city: address.city,
    zip: address.zip,
    province: address.province,
    country: address.countryCode,
    phone: address.phone,
    created_at: moment(store, location.createdAt),
    updated_at: moment(store, location.updatedAt),
    country_code: address.countryCode,
    country_name: address.country,
    province_code: address.provinceCode,
    legacy: false,
    active: location.isActive,
    admin_graphql_api_id: gid("Location", location.id),
  };
}
