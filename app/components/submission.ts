import { useFetcher } from "@remix-run/react";
import { useEffect, useRef } from "react";
import type { PendingChange, SubmitResult } from "../commands/types.ts";
import { readProblem, type PageProblem } from "./problem.ts";

/** What a form that asks for a change gets back. */
export type ChangeAnswer = { readonly operationId: string } & (
  | SubmitResult
  | {
      readonly kind: "failed";
      /** What is away, or null for a fault of our own. */
      readonly cause: "database" | null;
      readonly reference: string | null;
    }
  | { readonly kind: "unreachable" }
);

/** A change as a form asks for it. The id is made at the click and kept over every repetition. */
export interface ChangeRequest {
  readonly operationId: string;
  readonly kind: PendingChange["kind"];
  readonly input: unknown;
  /** What the form calls the thing that is changed. */
  readonly subject: string;
  /** The change whose place it takes. */
  readonly replaces?: string;
}

/**
 * The browser's side of every action that asks for a change: whatever happens on the way becomes an answer
 * to the form, so that nothing that was entered is lost to an error page. Answers of the sign-in pass.
 */
export async function answerForm(
  request: Request,
  serverAction: () => Promise<ChangeAnswer>,
): Promise<ChangeAnswer> {
  const { operationId } = (await request.clone().json()) as { operationId: string };
  try {
    return await serverAction();
  } catch (error) {
    const problem = ourProblem(error);
    return problem.kind === "failed"
      ? { kind: "failed", operationId, cause: problem.cause, reference: problem.reference }
      : { kind: "unreachable", operationId };
  }
}

/** The answer of a form's action, or a stand-in where it had none because of us or of the network. */
export async function orElse<T, U>(serverAction: () => Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await serverAction();
  } catch (error) {
    ourProblem(error);
    return otherwise;
  }
}

/** @throws what is not ours to answer: redirects and the pages of the sign-in. */
function ourProblem(error: unknown): Exclude<PageProblem, { kind: "not-found" }> {
  const problem = error instanceof Response ? null : readProblem(error);
  if (!problem) throw error;
  return problem.kind === "not-found" ? { kind: "failed", cause: null, reference: null } : problem;
}

export interface Submission {
  /**
   * Asks for the change. Asking again for the same thing before it was accepted keeps its id.
   *
   * @param subject - What people call the thing that is changed.
   * @param replaces - The change whose place it takes.
   */
  submit(kind: PendingChange["kind"], input: unknown, subject: string, replaces?: string): void;
  readonly busy: boolean;
  /** The answer to what was asked last; null before and while asking. */
  readonly answer: ChangeAnswer | null;
}

/** Sends one form's change, and tells of its acceptance once. */
export function useSubmission(
  action: string,
  onAccepted: (change: PendingChange) => void,
): Submission {
  const fetcher = useFetcher<ChangeAnswer>();
  const asked = useRef<{ readonly id: string; readonly what: string } | null>(null);
  const told = useRef<string | null>(null);
  const accept = useRef(onAccepted);
  useEffect(() => {
    accept.current = onAccepted;
  });

  const busy = fetcher.state !== "idle";
  const data = fetcher.data ?? null;
  useEffect(() => {
    if (data?.kind === "accepted" && told.current !== data.operationId) {
      told.current = data.operationId;
      asked.current = null;
      accept.current(data.change);
    }
  }, [data]);

  return {
    submit(kind, input, subject, replaces) {
      const what = JSON.stringify([kind, input, replaces]);
      // The first answer may have been lost after the change was accepted: the same id finds it again.
      const id = asked.current?.what === what ? asked.current.id : crypto.randomUUID();
      asked.current = { id, what };
      const request: ChangeRequest = {
        operationId: id,
        kind,
        input,
        subject,
        ...(replaces ? { replaces } : {}),
      };
      fetcher.submit(JSON.stringify(request), {
        method: "post",
        action,
        encType: "application/json",
      });
    },
    busy,
    answer: busy ? null : data,
  };
}
