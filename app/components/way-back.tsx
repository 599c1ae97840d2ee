import { useEffect } from "react";

/** What a document in the admin's frame needs to know of the admin. */
interface Admin {
  readonly shop: string;
  /** As Shopify passes it on, in base64. */
  readonly host: string;
  /** The language and region of the person's admin. */
  readonly locale: string | null;
  /** The app's address in the shop's admin. */
  readonly address: string;
}

const KEY = "evenkeel-admin";

/**
 * Keeps in this tab which admin is around the page. Only the first document of a frame is told; when the frame is
 * loaded anew on a later page (the browser's "Reload frame"), {@link WayBack} leads it back.
 */
export function useRememberedAdmin(address: string): void {
  useEffect(() => {
    const params = new URLSearchParams(location.search);
    const [shop, host] = [params.get("shop"), params.get("host")];
    if (!shop || !host) return;
    const admin: Admin = { shop, host, locale: params.get("locale"), address };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(admin));
    } catch {
      // Some browsers refuse storage to frames of another site. Then a reloaded frame says where to open the app.
    }
  }, [address]);
}

/** Runs in the document as source text: it must not refer to anything outside. */
function goBack(key: string, to: string): void {
  let admin: Admin | null;
  try {
    admin = JSON.parse(sessionStorage.getItem(key) ?? "null") as Admin | null;
    // Where it leads nowhere after all, it must not be followed again.
    sessionStorage.removeItem(key);
  } catch {
    return;
  }
  if (!admin) return;
  if (self === top) {
    location.replace(admin.address + to);
    return;
  }
  const url = new URL(to, location.origin);
  url.searchParams.set("embedded", "1");
  url.searchParams.set("shop", admin.shop);
  url.searchParams.set("host", admin.host);
  if (admin.locale) url.searchParams.set("locale", admin.locale);
  location.replace(url);
}

/**
 * Goes on to a page of the app that was asked for without saying which shop is meant, where this tab still knows.
 *
 * @param to - Path of the app.
 */
export function WayBack({ to }: { readonly to: string }) {
  const call = [KEY, to].map((text) => JSON.stringify(text).replaceAll("<", "\\u003c")).join();
  return (
    <script
      // The server's bundle and the browser's hold the same function in different spellings.
      suppressHydrationWarning
      dangerouslySetInnerHTML={{ __html: `(${goBack.toString()})(${call})` }}
    />
  );
}
