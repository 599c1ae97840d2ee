import { BlockStack, InlineStack, Link, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import type { PendingChange } from "../commands/types.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** A change in a list: what it changes, where it is, since when, and what stands in its way. */
export function ChangeSummary({
  change,
  address,
  children,
}: {
  readonly change: PendingChange;
  /** Where its title leads; null where it leads nowhere. */
  readonly address: string | null;
  /** What can be done about it. */
  readonly children?: ReactNode;
}) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const title = <Name>{words.change.title[change.kind](change.subject)}</Name>;
  const at = change.settledAt ?? change.acceptedAt;
  return (
    <BlockStack gap="100">
      <InlineStack align="space-between" gap="200" blockAlign="start">
        <Text as="span" fontWeight="medium">
          {address ? (
            <Link url={address} monochrome removeUnderline>
              {title}
            </Link>
          ) : (
            title
          )}
        </Text>
        <ChangeBadge change={change} />
      </InlineStack>
      <Text as="span" tone="subdued" variant="bodySm">
        <time dateTime={at.toISOString()} title={format.exact(at)}>
          {format.moment(at, now)}
        </time>
        {change.attempts > 1 ? ` · ${words.count.tries(change.attempts)}` : ""}
      </Text>
      {change.problem && (
        <Text as="span" breakWord>
          {change.problem}
        </Text>
      )}
      {children}
    </BlockStack>
  );
}
