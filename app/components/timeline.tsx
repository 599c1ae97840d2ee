import { BlockStack, InlineStack, Text } from "@shopify/polaris";
import type { TimelineEntry } from "../orders/types.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** An order's story, newest first: what happened at Shopify, and our changes with where they are. */
export function Timeline({
  entries,
  customer,
}: {
  readonly entries: readonly TimelineEntry[];
  readonly customer: string | null;
}) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();

  const title = (entry: TimelineEntry): string => {
    if (entry.kind === "placed") return words.order.timeline.placed(customer);
    if (entry.kind === "change") {
      return entry.change ? words.order.timeline.change[entry.change.kind] : "";
    }
    return words.order.timeline[entry.kind];
  };

  /** Where an order was placed is told by Shopify's name for the channel, of which few mean anything. */
  const detail = ({ kind, detail: told }: TimelineEntry): string | null => {
    if (kind !== "placed" || !told) return told;
    const source = words.order.sources[told];
    return source ? words.order.timeline.through(source) : null;
  };

  return (
    <ol className="ek-timeline">
      {entries.map((entry) => (
        <li key={entry.id}>
          <BlockStack gap="050">
            <InlineStack gap="200" align="space-between" blockAlign="start">
              <InlineStack gap="200" blockAlign="center">
                <Text as="span" fontWeight="medium">
                  <Name>{title(entry)}</Name>
                </Text>
                {entry.change && <ChangeBadge change={entry.change} />}
              </InlineStack>
              <Text as="span" tone="subdued" variant="bodySm">
                <time dateTime={entry.at.toISOString()} title={format.exact(entry.at)}>
                  {format.moment(entry.at, now)}
                </time>
              </Text>
            </InlineStack>
            <Detail text={detail(entry)} />
            {entry.change?.problem && (
              <Text as="span" breakWord>
                {entry.change.problem}
              </Text>
            )}
          </BlockStack>
        </li>
      ))}
    </ol>
  );
}

function Detail({ text }: { readonly text: string | null }) {
  if (!text) return null;
  return (
    <Text as="span" tone="subdued" breakWord>
      <Name>{text}</Name>
    </Text>
  );
}
