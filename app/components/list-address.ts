import { useLocation, useNavigate, useNavigation } from "@remix-run/react";
import { useCallback, useEffect, useRef, useState } from "react";

/** How long somebody who types is left alone before the list follows. */
const TYPING_MS = 300;

/** The list's place in the address: where it goes from here, and whether it is on its way there. */
export function useListAddress() {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const navigation = useNavigation();

  const addressOf = useCallback(
    (params: URLSearchParams) => {
      const query = params.toString();
      return query ? `${pathname}?${query}` : pathname;
    },
    [pathname],
  );
  const go = useCallback(
    (params: URLSearchParams, options: { readonly replace?: boolean } = {}) =>
      // What is typed and chosen above the list stays in sight while the list changes below it.
      navigate(addressOf(params), { preventScrollReset: true, ...options }),
    [addressOf, navigate],
  );
  const loading = navigation.state === "loading" && navigation.location.pathname === pathname;
  return { addressOf, go, loading };
}

/**
 * A search field whose text is ahead of the address while somebody types, and follows the address when that
 * changes by other ways (back, a saved view, "clear").
 */
export function useSearchField(searched: string, search: (text: string) => void) {
  const [typed, setTyped] = useState(searched);
  const sent = useRef(searched);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const latest = useRef(search);
  useEffect(() => {
    latest.current = search;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (searched === sent.current) return;
    sent.current = searched;
    clearTimeout(timer.current);
    setTyped(searched);
  }, [searched]);

  const type = useCallback((text: string) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const wanted = text.trim();
      if (wanted === sent.current) return;
      sent.current = wanted;
      latest.current(wanted);
    }, TYPING_MS);
  }, []);
  return { typed, type };
}
