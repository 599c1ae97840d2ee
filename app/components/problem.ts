import { isRouteErrorResponse } from "@remix-run/react";

/** What a page cannot be shown for; made by the server, turned into words by the boundary. */
export type PageProblem =
  | { readonly kind: "not-found"; readonly what: "order" | "product" | "page" }
  /** `cause` is what is away, or null for a fault of our own. The log has the rest under `reference`. */
  | {
      readonly kind: "failed";
      readonly cause: "database" | null;
      readonly reference: string | null;
    }
  /** Nothing came back: the network, or a server that is restarting. */
  | { readonly kind: "unreachable" };

const kinds: readonly string[] = [
  "not-found",
  "failed",
  "unreachable",
] satisfies PageProblem["kind"][];

/**
 * Reads what was thrown. Null where it is an answer of the sign-in library (HTML that takes the browser
 * elsewhere, or an empty answer with a status), which is not for us to put into words.
 */
export function readProblem(error: unknown): PageProblem | null {
  if (isRouteErrorResponse(error)) {
    const data: unknown = error.data;
    if (typeof data === "object" && data !== null && "kind" in data) {
      if (typeof data.kind === "string" && kinds.includes(data.kind)) return data as PageProblem;
    }
    if (typeof data === "string" && data.trim().startsWith("<")) return null;
    if (error.status === 404) return { kind: "not-found", what: "page" };
    return { kind: "failed", cause: null, reference: null };
  }
  // fetch() says nothing but this when no answer came; so does Remix when the answer was cut off.
  if (error instanceof TypeError || isOffline()) return { kind: "unreachable" };
  return { kind: "failed", cause: null, reference: null };
}

/** Without a network App Bridge cannot sign a request either, and fails in its own words. */
function isOffline(): boolean {
  return typeof window !== "undefined" && !navigator.onLine;
}
