import { data, type AppLoadContext } from "@remix-run/node";
import type { PageProblem } from "../components/problem.ts";
import { DatabaseError } from "../database/errors.ts";

interface PageRequest {
  readonly request: Request;
  readonly context: AppLoadContext;
}

/**
 * Does a page's or a form's work, and turns what goes wrong on our side into an answer that the page's
 * boundary can put into words, with the reference under which the log has it. What is thrown on purpose
 * (redirects, the sign-in's answers, {@link notFound}) passes.
 */
export async function answering<T>(
  { request, context }: PageRequest,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reference = request.headers.get("x-request-id");
    const away = error instanceof DatabaseError && error.kind !== "permanent";
    if (!request.signal.aborted) {
      const { pathname } = new URL(request.url);
      context.services.logger.error(
        { requestId: reference, path: pathname, err: error },
        "a request failed",
      );
    }
    const problem: PageProblem = { kind: "failed", cause: away ? "database" : null, reference };
    throw data(problem, { status: away ? 503 : 500 });
  }
}

/** To be thrown where an address names something that is not there. */
export function notFound(what: Extract<PageProblem, { kind: "not-found" }>["what"]) {
  const problem: PageProblem = { kind: "not-found", what };
  return data(problem, { status: 404 });
}
