import { BlockStack, InlineGrid, InlineStack, Text } from "@shopify/polaris";
import type { LineUnits } from "../orders/remaining.ts";
import { unitsToPack } from "../orders/remaining.ts";
import type { OrderDetail } from "../orders/types.ts";
import { addressLines } from "./address-lines.tsx";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** As much of an order as a packing slip says. */
export type SlipOrder = Pick<
  OrderDetail,
  "name" | "placedAt" | "shippingAddress" | "shippingMethod" | "note" | "lines"
>;

/** One sheet of paper that goes into the parcel: no prices, no e-mail. */
export function PackingSlip({
  order,
  shopName,
}: {
  readonly order: SlipOrder;
  readonly shopName: string;
}) {
  const words = useWords();
  const format = useFormat();
  return (
    <article className="ek-slip" aria-label={words.slip.order(order.name)}>
      <BlockStack gap="600">
        <InlineStack align="space-between" gap="400" blockAlign="start">
          <Text as="h2" variant="headingLg">
            <Name>{shopName}</Name>
          </Text>
          <BlockStack inlineAlign="end">
            <Text as="span" fontWeight="semibold">
              {words.slip.order(order.name)}
            </Text>
            <Text as="span">{format.longDay(order.placedAt)}</Text>
          </BlockStack>
        </InlineStack>
        <InlineGrid columns={{ xs: 1, sm: 2 }} gap="400">
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {words.slip.shipTo}
            </Text>
            <div>
              {order.shippingAddress ? (
                addressLines(order.shippingAddress).map((line, index) => (
                  <div key={index}>
                    <Name>{line}</Name>
                  </div>
                ))
              ) : (
                <Text as="span">{words.order.noAddress}</Text>
              )}
            </div>
          </BlockStack>
          {order.shippingMethod && (
            <BlockStack gap="100">
              <Text as="h3" variant="headingSm">
                {words.slip.shippingMethod}
              </Text>
              <Name>{order.shippingMethod}</Name>
            </BlockStack>
          )}
        </InlineGrid>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.slip.items}</th>
              <th scope="col">{words.slip.quantity}</th>
            </tr>
          </thead>
          <tbody>
            {unitsToPack(order).map((item) => (
              <SlipLine key={item.line.id} {...item} />
            ))}
          </tbody>
        </table>
        {order.note && (
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {words.slip.note}
            </Text>
            <span className="ek-note">
              <Name>{order.note}</Name>
            </span>
          </BlockStack>
        )}
        <Text as="p">{words.slip.thanks}</Text>
      </BlockStack>
    </article>
  );
}

function SlipLine({ line, units }: LineUnits) {
  const words = useWords();
  return (
    <tr>
      <td>
        <Text as="span" fontWeight="medium">
          <Name>{line.title}</Name>
        </Text>
        <div>
          <Text as="span" tone="subdued">
            <Name>
              {[line.variantTitle, line.sku && words.order.sku(line.sku)]
                .filter(Boolean)
                .join(" · ")}
            </Name>
          </Text>
        </div>
      </td>
      <td className="ek-number">{words.slip.of(units, line.currentQuantity)}</td>
    </tr>
  );
}
