import { gid } from "../ids.ts";
import type { Customer } from "../model.ts";
import type { ShopStore } from "../store.ts";
import { addressPayload, moment } from "./common.ts";

/** A customer as orders carry it. */
export function customerPayload(store: ShopStore, customer: Customer) {
  return {
    id: customer.id,
    created_at: moment(store, customer.createdAt),
    updated_at: moment(store, customer.updatedAt),
    first_name: customer.firstName,
    last_name: customer.lastName,
    state: "disabled",
    note: customer.note,
    verified_email: true,
    multipass_identifier: null,
    tax_exempt: false,
    email: customer.email,
    phone: customer.phone,
    currency: store.currency,
    tax_exemptions: [],
    admin_graphql_api_id: gid("Customer", customer.id),
    default_address: {
      id: customer.id,
      customer_id: customer.id,
      ...addressPayload(customer.address),
      country_name: customer.address.country,
      default: true,
    },
  };
}
