import { useNavigate } from "@remix-run/react";
import { useEffect } from "react";

declare global {
  interface Window {
    /** What happens before the page is alive; gone once React has taken over. */
    earlyNavigation?: {
      /** Where the merchant last asked to go, as a path of the app. */
      wish?: string;
      /** Ends the listening. */
      end(): void;
    };
  }
}

/**
 * Runs in the document before anything else of the app, as source text: it must not refer to anything outside.
 *
 * A document can be seen and clicked before its scripts have come alive. The browser would then follow a link by
 * itself, without the admin's parameters, and land outside of the shop; and the admin's own menu would be ignored,
 * for nobody listens yet.
 */
function listenEarly(): void {
  const early: NonNullable<Window["earlyNavigation"]> = {
    end() {
      removeEventListener("click", onClick, true);
      removeEventListener("submit", onSubmit, true);
      removeEventListener("shopify:navigate", onMenu, true);
      delete window.earlyNavigation;
    },
  };
  function wish(anchor: Element | null): boolean {
    const href = anchor?.getAttribute("href");
    if (!href) return false;
    const url = new URL(href, location.href);
    if (url.origin !== location.origin) return false;
    early.wish = url.pathname + url.search + url.hash;
    return true;
  }
  function onClick(event: MouseEvent) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    const anchor = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (anchor?.hasAttribute("download") || (anchor?.getAttribute("target") ?? "_self") !== "_self")
      return;
    if (wish(anchor)) event.preventDefault();
  }
  // A form that the browser sends by itself carries no session token: nothing would come of it but a page that
  // says so. It stays as it is, filled in, for the next click.
  function onSubmit(event: Event) {
    event.preventDefault();
  }
  function onMenu(event: Event) {
    if (event.target instanceof Element) wish(event.target);
  }
  addEventListener("click", onClick, true);
  addEventListener("submit", onSubmit, true);
  addEventListener("shopify:navigate", onMenu, true);
  window.earlyNavigation = early;
}

/** Keeps where a merchant asks to go before the page has come alive, and goes there as soon as it has. */
export function EarlyNavigation() {
  const navigate = useNavigate();
  useEffect(() => {
    const early = window.earlyNavigation;
    if (!early) return;
    early.end();
    if (early.wish !== undefined) navigate(early.wish);
  }, [navigate]);
  return (
    <script
      // The server's bundle and the browser's hold the same function in different spellings.
      suppressHydrationWarning
      dangerouslySetInnerHTML={{ __html: `(${listenEarly.toString()})()` }}
    />
  );
}
