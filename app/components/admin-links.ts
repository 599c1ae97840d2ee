import { useEffect } from "react";

/** How long an address is lent: the browser reads it while it deals with the event, before anything else runs. */
const THIS_TURN_MS = 0;

/**
 * Lets links that are opened in a tab of their own (middle click, Ctrl or Cmd, the browser's menu) lead to the page
 * in the admin, and "copy link" give an address that can be passed on. The app's own address says neither which
 * shop is meant nor who asks, since both come with the admin's frame.
 *
 * @param admin - The app's address in the shop's admin.
 */
export function useAdminLinks(admin: string): void {
  useEffect(() => {
    const lend = (event: MouseEvent) => {
      const anchor = event.target instanceof Element ? anchorOf(event.target) : null;
      if (!anchor || anchor.origin !== location.origin || anchor.hasAttribute("download")) return;
      const opensTab =
        event.type === "contextmenu" ||
        event.button === 1 ||
        event.ctrlKey ||
        event.metaKey ||
        event.shiftKey ||
        anchor.target === "_blank";
      if (!opensTab) return;
      const own = { href: anchor.getAttribute("href"), target: anchor.getAttribute("target") };
      anchor.setAttribute("href", admin + anchor.pathname + anchor.search + anchor.hash);
      // App Bridge follows links into the admin itself, and looks at nothing else to tell where they open.
      anchor.setAttribute("target", "_blank");
      setTimeout(() => {
        for (const [name, value] of Object.entries(own)) {
          if (value === null) anchor.removeAttribute(name);
          else anchor.setAttribute(name, value);
        }
      }, THIS_TURN_MS);
    };
    const kinds = ["click", "auxclick", "contextmenu"] as const;
    // Before App Bridge, which listens on the document.
    for (const kind of kinds) addEventListener(kind, lend, true);
    return () => {
      for (const kind of kinds) removeEventListener(kind, lend, true);
    };
  }, [admin]);
}

/** The link that a click follows: around what was clicked, or the one that a list's row stands for. */
function anchorOf(clicked: Element): HTMLAnchorElement | null {
  return (
    clicked.closest<HTMLAnchorElement>("a[href]") ??
    (clicked.closest("button, input, label")
      ? null
      : (clicked.closest("tr")?.querySelector<HTMLAnchorElement>("a[data-primary-link]") ?? null))
  );
}
