import { useLocation, useNavigation } from "@remix-run/react";
import { useEffect, useState, type PropsWithChildren } from "react";
import { PageSkeleton } from "./skeletons.tsx";

/** Most pages are there sooner; a skeleton that flashes up for less would only be unrest. */
const PATIENCE_MS = 250;

/**
 * Shows the admin's loading bar while a page is on its way, and the room that it will take once that takes
 * longer than a moment. The page that is being left stays as it is, in case the way leads back to it.
 */
export function PendingPage({ children }: PropsWithChildren) {
  const { pathname } = useLocation();
  const navigation = useNavigation();
  const loading = navigation.state === "loading";
  const next = loading ? navigation.location.pathname : pathname;
  const waiting = useWaiting(next === pathname ? null : next);

  useEffect(() => {
    window.shopify?.loading(loading);
  }, [loading]);

  return (
    <main>
      <div hidden={waiting !== null}>{children}</div>
      {waiting !== null && <PageSkeleton pathname={waiting} />}
    </main>
  );
}

/** The address that has been waited for longer than a moment. */
function useWaiting(next: string | null): string | null {
  const [waited, setWaited] = useState<string | null>(null);
  useEffect(() => {
    if (next === null) return;
    const timer = setTimeout(() => setWaited(next), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setWaited(null);
    };
  }, [next]);
  return next !== null && waited === next ? next : null;
}
