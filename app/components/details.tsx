import { BlockStack, Card, InlineStack, Text } from "@shopify/polaris";
import type { ReactNode } from "react";

/** A card with a heading: the piece that detail pages are made of. */
export function Section({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center" gap="200">
          <Text as="h2" variant="headingSm">
            {title}
          </Text>
          {aside}
        </InlineStack>
        {children}
      </BlockStack>
    </Card>
  );
}

/** A name and its value, the value at the far side. */
export function Fact({
  name,
  children,
  strong = false,
}: {
  readonly name: string;
  readonly children: ReactNode;
  readonly strong?: boolean;
}) {
  return (
    <div className="ek-fact">
      <Text as="span" {...(strong ? { fontWeight: "semibold" as const } : {})}>
        {name}
      </Text>
      <Text as="span" numeric {...(strong ? { fontWeight: "semibold" as const } : {})}>
        {children}
      </Text>
    </div>
  );
}
