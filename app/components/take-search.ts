import { useFetcher } from "@remix-run/react";
import { useEffect, useRef } from "react";
import type { loader } from "../routes/app.orders.new_.search.tsx";

/** People type faster than an answer is worth. */
const PAUSE_MS = 200;

/** Searches while somebody types; what was found before stays until the answer is here. */
export function useTakeSearch(what: "products" | "customers") {
  const fetcher = useFetcher<typeof loader>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    found: fetcher.data ?? null,
    searching: fetcher.state !== "idle",
    ask: (text: string) => {
      clearTimeout(timer.current);
      const params = new URLSearchParams({ for: what, q: text });
      timer.current = setTimeout(
        () => fetcher.load(`/app/orders/new/search?${params.toString()}`),
        text === "" ? 0 : PAUSE_MS,
      );
    },
  };
}
