import { useFetchers, useRevalidator } from "@remix-run/react";
import { useEffect, useRef } from "react";

/** What `/app/changes` answers. */
interface Changes {
  /** Differs whenever something that pages show has changed. */
  readonly mark: string;
  readonly pending: number;
  readonly syncing: boolean;
}

const BUSY_MS = 3_000;
const CALM_MS = 15_000;

/**
 * Keeps an open page true: polls, and loads the page's data anew when something has changed. It polls since
 * event streams cannot carry a session token, at once after something was sent from the page, more often while
 * a change is on its way, and not while the page is hidden.
 */
export function useChanges(): void {
  const revalidator = useRevalidator();
  const state = useRef(revalidator);
  useEffect(() => {
    state.current = revalidator;
  });

  const ask = useRef<(() => Promise<void>) | null>(null);
  const sending = useFetchers().some(({ formMethod }) => formMethod && formMethod !== "GET");
  useEffect(() => {
    // When the sending is over, what was sent is on its way.
    if (sending) return () => void ask.current?.();
    return undefined;
  }, [sending]);

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let mark: string | undefined;

    const poll = async () => {
      clearTimeout(timer);
      let next = CALM_MS;
      try {
        const response = await fetch("/app/changes", { signal: ended.signal });
        if (response.ok) {
          const changes = (await response.json()) as Changes;
          if (mark !== undefined && changes.mark !== mark && state.current.state === "idle") {
            state.current.revalidate();
          }
          mark = changes.mark;
          if (changes.pending > 0 || changes.syncing) next = BUSY_MS;
        }
      } catch {
        // The server or the network is away; the next poll finds out whether it is back.
      }
      if (!ended.signal.aborted && document.visibilityState === "visible") {
        timer = setTimeout(() => void poll(), next);
      }
    };
    const onVisible = () => {
      if (document.visibilityState === "visible") void poll();
    };

    document.addEventListener("visibilitychange", onVisible);
    ask.current = poll;
    void poll();
    return () => {
      ask.current = null;
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, []);
}
