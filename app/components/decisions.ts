import { useFetcher } from "@remix-run/react";
import { useEffect, useRef } from "react";
import type { Decided } from "../commands/commands.server.ts";
import { overrideFor, type Choice } from "../commands/overrides.ts";
import type { PendingChange } from "../commands/types.ts";
import { useWords } from "./localisation.tsx";
import { toast } from "./toast.ts";

/** What became of a person's choice about some changes: of how many it was done, and of how many it was not. */
export type DecisionAnswer =
  | {
      readonly kind: "decided";
      readonly choice: Choice;
      readonly counts: Readonly<Record<Decided, number>>;
    }
  | { readonly kind: "failed"; readonly choice: Choice };

export interface Decisions {
  decide(choice: Choice, changes: readonly PendingChange[], reason?: string): void;
  readonly busy: boolean;
}

/**
 * Sends what a person chooses about changes, and says what became of it.
 *
 * @param onDecided - Called when something was done; the changes may be about to leave their list.
 */
export function useDecisions(onDecided: () => void): Decisions {
  const { decide } = useWords().resilience.changes;
  const fetcher = useFetcher<DecisionAnswer>();
  const busy = fetcher.state !== "idle";
  const { data } = fetcher;

  const decided = useRef(onDecided);
  useEffect(() => {
    decided.current = onDecided;
  });
  useEffect(() => {
    if (!data) return;
    if (data.kind === "failed") return toast(decide.failed, { isError: true });
    toast(decide.said(data.choice, data.counts));
    if (data.counts.done + data.counts.kept > 0) decided.current();
  }, [data, decide]);

  return {
    busy,
    decide(choice, changes, reason) {
      if (busy) return;
      const decisions = changes.flatMap(({ operationId, state }) => {
        // What is being sent may be over by the time the server looks: it says what became of it.
        const sending = state === "sending";
        const action =
          overrideFor(choice, state) ?? (sending ? overrideFor(choice, "accepted") : null);
        return action ? [{ commandId: operationId, action }] : [];
      });
      if (decisions.length === 0) return;
      fetcher.submit(JSON.stringify({ choice, decisions, ...(reason ? { reason } : {}) }), {
        method: "post",
        action: "/app/resilience",
        encType: "application/json",
      });
    },
  };
}
