import { useLocation } from "@remix-run/react";
import { useEffect, useState } from "react";

type List = "orders" | "products";

const key = (list: List) => `evenkeel:list:${list}`;

/** Browsers may refuse storage in a frame; then the way back leads to the list without its filters. */
function storage(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

/** Remembers how a list was narrowed, for the way back from one of its entries. Addresses only, no data. */
export function useRememberList(list: List): void {
  const { search } = useLocation();
  useEffect(() => {
    // The first address of a document carries the sign-in; only what the list itself put there is kept.
    const own = new URLSearchParams(search);
    for (const name of signInParams) own.delete(name);
    storage()?.setItem(key(list), own.toString());
  }, [list, search]);
}

const signInParams = [
  ...["id_token", "hmac", "host", "shop", "session", "timestamp", "embedded", "locale"],
  ...["link_source", "protocol"],
];

/** The address of a list as it was last seen in this tab. */
export function useListAddressBefore(list: List): string {
  const [query, setQuery] = useState("");
  useEffect(() => setQuery(storage()?.getItem(key(list)) ?? ""), [list]);
  return query ? `/app/${list}?${query}` : `/app/${list}`;
}
