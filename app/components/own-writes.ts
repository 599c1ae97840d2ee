/** Carries, both ways, where the last change of this browser is to be found; see `database/own-writes.ts`. */
export const OWN_WRITES_HEADER = "x-evenkeel-own-writes";

const KEY = "evenkeel:own-writes";
/** By then every copy of the database has it, or is too old to be read anyway. */
const KEEP_MS = 60_000;

type Fetch = typeof window.fetch;

/** What of `window` is needed here. */
interface Browser {
  readonly location: { readonly href: string; readonly origin: string };
  /** Browsers may refuse it in a frame, by throwing. */
  readonly sessionStorage: Pick<Storage, "getItem" | "setItem">;
}

/**
 * Makes a `fetch` that tells our server what this tab has changed within the last minute, so that whatever copy of
 * the database answers has the change. A cookie would not do: third-party cookies do not reach into the admin's frame.
 *
 * @param inner - The `fetch` that is there, with all that App Bridge has put around it.
 */
export function withOwnWrites(inner: Fetch, browser: Browser): Fetch {
  // Where the storage is refused the tab remembers by itself, until it is loaded anew.
  let remembered: string | null = null;
  const remember = (text: string) => {
    remembered = text;
    try {
      browser.sessionStorage.setItem(KEY, text);
    } catch {
      // As said above.
    }
  };
  const recall = (): string | null => {
    try {
      return browser.sessionStorage.getItem(KEY) ?? remembered;
    } catch {
      return remembered;
    }
  };
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, browser.location.href);
    if (url.origin !== browser.location.origin) return inner(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}));
    const [writtenAt, mark] = recall()?.split(" ") ?? [];
    const ageMs = Date.now() - Number(writtenAt);
    if (mark && ageMs >= 0 && ageMs < KEEP_MS) headers.set(OWN_WRITES_HEADER, mark);
    const response = await inner(input, { ...init, headers });
    const written = response.headers.get(OWN_WRITES_HEADER);
    if (written) remember(`${Date.now()} ${written}`);
    return response;
  };
}
