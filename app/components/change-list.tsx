import { BlockStack, InlineStack, Link, Text } from "@shopify/polaris";
import type { PendingChange } from "../commands/types.ts";
import { changeAddress, ChangeBadge } from "./change-badge.tsx";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** Changes with what they change, where they are, and what stands in their way. */
export function ChangeList({ changes }: { readonly changes: readonly PendingChange[] }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  return (
    <ul className="ek-list ek-divided">
      {changes.map((change) => {
        const title = words.change.title[change.kind](change.subject);
        const address = changeAddress(change);
        const at = change.settledAt ?? change.acceptedAt;
        return (
          <li key={change.operationId}>
            <BlockStack gap="100">
              <InlineStack align="space-between" gap="200" blockAlign="start">
                <Text as="span" fontWeight="medium">
                  {address ? (
                    <Link url={address} monochrome removeUnderline>
                      <Name>{title}</Name>
                    </Link>
                  ) : (
                    <Name>{title}</Name>
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
            </BlockStack>
          </li>
        );
      })}
    </ul>
  );
}
