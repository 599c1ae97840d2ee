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
      {events.map((event, index) => (
        <li key={`${event.at.getTime()}-${index}`}>
          <BlockStack gap="050">
            <InlineStack gap="200" align="space-between" blockAlign="start">
              <Text as="span" fontWeight="medium">
                {stepWords(words, event, events[index + 1])}
              </Text>
              <Text as="span" tone="subdued" variant="bodySm">
                <time dateTime={event.at.toISOString()} title={format.exact(event.at)}>
                  {format.moment(event.at, now)}
                </time>
              </Text>
            </InlineStack>
            <Text as="span" tone="subdued" variant="bodySm">
              {who(event.actor)}
            </Text>
            <Detail event={event} />
          </BlockStack>
        </li>
      ))}
    </ol>
  );
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
