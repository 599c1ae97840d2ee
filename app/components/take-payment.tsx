import { BlockStack, ChoiceList, Divider, FormLayout, Select, TextField } from "@shopify/polaris";
import type { TakeEntries } from "../orders/take-form.ts";
import type { TakenTotals } from "../orders/taken-totals.ts";
import { Section } from "./details.tsx";
import { useWords } from "./localisation.tsx";
import { TakenTotalsList } from "./taken-totals.tsx";

export interface TakePaymentProps {
  readonly entries: TakeEntries;
  readonly currency: string;
  readonly totals: TakenTotals;
  readonly onChange: (some: Partial<TakeEntries>) => void;
  readonly errorOf: (field: string) => string | undefined;
}

/** What it costs, and how it is paid. */
export function TakePayment({ entries, currency, totals, onChange, errorOf }: TakePaymentProps) {
  const { taking: words } = useWords();
  const error = (field: string) => {
    const message = errorOf(field);
    return message ? { error: message } : {};
  };
  const discounted = entries.discountKind !== "none";
  return (
    <Section title={words.payment.title}>
      <BlockStack gap="400">
        <FormLayout>
          <FormLayout.Group condensed>
            <Select
              label={words.discount.title}
              options={(["none", "percent", "amount"] as const).map((value) => ({
                value,
                label: words.discount[value],
              }))}
              value={entries.discountKind}
              onChange={(kind) => onChange({ discountKind: kind as TakeEntries["discountKind"] })}
            />
            {discounted && (
              <TextField
                label={words.discount.value}
                inputMode="decimal"
                value={entries.discountValue}
                onChange={(discountValue) => onChange({ discountValue })}
                suffix={entries.discountKind === "percent" ? "%" : currency}
                autoComplete="off"
                {...error("value")}
              />
            )}
          </FormLayout.Group>
          {discounted && (
            <TextField
              label={words.discount.reason}
              value={entries.discountReason}
              onChange={(discountReason) => onChange({ discountReason })}
              placeholder={words.discount.reasonPlaceholder}
              autoComplete="off"
              {...error("reason")}
            />
          )}
          <FormLayout.Group condensed>
            <TextField
              label={words.shipping.name}
              value={entries.shippingTitle}
              onChange={(shippingTitle) => onChange({ shippingTitle })}
              placeholder={words.shipping.namePlaceholder}
              autoComplete="off"
              {...error("title")}
            />
            <TextField
              label={words.shipping.price}
              inputMode="decimal"
              value={entries.shippingPrice}
              onChange={(shippingPrice) => onChange({ shippingPrice })}
              suffix={currency}
              autoComplete="off"
              {...error("price")}
            />
          </FormLayout.Group>
        </FormLayout>
        <Divider />
        <TakenTotalsList totals={totals} currency={currency} />
        <Divider />
        <ChoiceList
          title={words.payment.choose}
          choices={[
            { value: "paid", label: words.payment.paid, helpText: words.payment.paidHelp },
            { value: "invoice", label: words.payment.invoice, helpText: words.payment.invoiceHelp },
          ]}
          selected={[entries.payment]}
          onChange={([payment]) => onChange({ payment: payment as TakeEntries["payment"] })}
          {...error("payment")}
        />
      </BlockStack>
    </Section>
  );
}
