import { BlockStack, InlineStack, Link, Text } from "@shopify/polaris";
import type { ReactNode } from "react";
import type { OrderLine } from "../orders/types.ts";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { Picture } from "./picture.tsx";

/** What a line is: picture, names, SKU. */
export function LineIdentity({
  line,
  linked = true,
}: {
  readonly line: OrderLine;
  readonly linked?: boolean;
}) {
  const words = useWords();
  return (
    <InlineStack gap="300" wrap={false} blockAlign="start">
      <Picture url={line.imageUrl} />
      <BlockStack gap="050">
        <Text as="span" fontWeight="medium">
          {linked && line.productId !== null ? (
            <Link url={`/app/products/${line.productId}`} monochrome removeUnderline>
              <Name>{line.title}</Name>
            </Link>
          ) : (
            <Name>{line.title}</Name>
          )}
        </Text>
        {line.variantTitle && (
          <Text as="span" tone="subdued">
            <Name>{line.variantTitle}</Name>
          </Text>
        )}
        {line.sku && (
          <Text as="span" tone="subdued" variant="bodySm">
            <Name>{words.order.sku(line.sku)}</Name>
          </Text>
        )}
      </BlockStack>
    </InlineStack>
  );
}

/** A line of an order with some of its units: those to send, those sent, those removed. */
export function OrderLineRow({
  line,
  units,
  note,
}: {
  readonly line: OrderLine;
  readonly units: number;
  readonly note?: ReactNode;
}) {
  const words = useWords();
  const format = useFormat();
  return (
    <div className="ek-line">
      <LineIdentity line={line} />
      <div className="ek-line-numbers">
        <Text as="span" tone="subdued" numeric>
          {format.money(line.unitPrice)} {words.order.quantity(units)}
        </Text>
        {note && (
          <Text as="span" tone="subdued" variant="bodySm">
            {note}
          </Text>
        )}
      </div>
    </div>
  );
}
