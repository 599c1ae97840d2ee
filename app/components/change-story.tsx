import { BlockStack, InlineStack, Link, Text } from "@shopify/polaris";
import type { ChangeDetail, ChangeEvent } from "../commands/types.ts";
import type { Words } from "../words/words.ts";
import { useFormat, useNow, useWords } from "./localisation.tsx";

/** What this part of Evenkeel calls itself in a story. */
const OURSELVES = "evenkeel";

/** What became of a change, newest first: each step with its time, who did it, and why. */
export function ChangeStory({
  events,
  viewer,
}: {
  readonly events: ChangeDetail["events"];
  /** Who is looking: their own steps are theirs. */
  readonly viewer: string;
}) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { steps } = words.resilience.changes;
  const who = (actor: string) => {
    if (actor === OURSELVES) return steps.evenkeel;
    return actor === viewer ? steps.you : steps.person(actor);
  };
  return (
    <ol className="ek-timeline">
      {folded(events).map(({ event, before, tries }, index) => (
        <li key={`${event.at.getTime()}-${index}`}>
          <BlockStack gap="050">
            <InlineStack gap="200" align="space-between" blockAlign="start">
              <Text as="span" fontWeight="medium">
                {stepWords(words, event, before)}
              </Text>
              <Text as="span" tone="subdued" variant="bodySm">
                <time dateTime={event.at.toISOString()} title={format.exact(event.at)}>
                  {format.moment(event.at, now)}
                </time>
              </Text>
            </InlineStack>
            <Text as="span" tone="subdued" variant="bodySm">
              {[who(event.actor), tries > 1 ? words.count.tries(tries) : ""]
                .filter(Boolean)
                .join(" · ")}
            </Text>
            <Detail event={event} />
          </BlockStack>
        </li>
      ))}
    </ol>
  );
}

interface Step {
  readonly event: ChangeEvent;
  /** The step that came before. */
  readonly before: ChangeEvent | undefined;
  /** How many times in a row it was tried, and waited for the same reason. */
  readonly tries: number;
}

/** Tries that failed for the same reason one after the other are one step, as of the last one. */
function folded(events: readonly ChangeEvent[]): readonly Step[] {
  const steps: Step[] = [];
  const tried = (at: number) => {
    const [wait, sending] = [events[at], events[at + 1]];
    const isTry =
      (wait?.state === "accepted" || wait?.state === "unknown") &&
      wait.action === null &&
      sending?.state === "sending";
    return isTry ? wait : null;
  };
  for (let at = 0; at < events.length;) {
    const wait = tried(at);
    let tries = 0;
    for (let next = at; wait; next += 2) {
      const other = tried(next);
      if (other?.state !== wait.state || other.detail !== wait.detail) break;
      tries++;
    }
    const length = Math.max(1, 2 * tries);
    const [event, before] = [events[at], events[at + length]];
    if (event) steps.push({ event, before, tries });
    at += length;
  }
  return steps;
}

function stepWords(words: Words, { state, action }: ChangeEvent, before?: ChangeEvent): string {
  const { steps } = words.resilience.changes;
  if (action) return steps.action[action];
  return state === "accepted" && before ? steps.waits : steps.state[state];
}

function Detail({ event: { action, detail, state } }: { readonly event: ChangeEvent }) {
  const { steps } = useWords().resilience.changes;
  // Of a change that is done it is what Shopify calls it.
  if (!detail || (state === "done" && !action)) return null;
  if (action === "edited" || action === "replaced") {
    return <Link url={`/app/changes/${detail}`}>{steps.other[action]}</Link>;
  }
  return (
    <Text as="span" breakWord>
      {detail}
    </Text>
  );
}
