import { BlockStack, Text } from "@shopify/polaris";
import type { TakenTotals } from "../orders/taken-totals.ts";
import { Fact } from "./details.tsx";
import { useFormat, useWords } from "./localisation.tsx";

/** What an order comes to before Shopify has seen it. */
export function TakenTotalsList({
  totals,
  currency,
}: {
  readonly totals: TakenTotals;
  readonly currency: string;
}) {
  const { totals: words } = useWords().taking;
  const format = useFormat();
  const money = (amount: string) => format.money({ amount, currency });
  return (
    <BlockStack gap="150">
      <Fact name={words.subtotal}>{money(totals.subtotal)}</Fact>
      {Number(totals.discount) > 0 && <Fact name={words.discount}>−{money(totals.discount)}</Fact>}
      {Number(totals.shipping) > 0 && <Fact name={words.shipping}>{money(totals.shipping)}</Fact>}
      <Fact name={words.total} strong>
        {money(totals.total)}
      </Fact>
      <Text as="p" tone="subdued" variant="bodySm">
        {words.beforeTax}
      </Text>
    </BlockStack>
  );
}
